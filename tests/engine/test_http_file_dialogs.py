"""The dialogs about files over HTTP: what they lead to, and which engine they are about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.engine.http_client import Client
from webui.engine.connection import Engine


@pytest.fixture
def volume(engine: Engine, prefix: str, small_image: str) -> Iterator[str]:
    """A volume with nothing in it, and an image to look into it with."""
    engine.api.create_volume(prefix)
    yield prefix


@pytest.fixture
def top(engine: Engine, volume: str) -> Path:
    """The volume's folder on the engine's machine, where the tests are too."""
    return Path(engine.api.inspect_volume(volume)["Mountpoint"])


@pytest.fixture
def url(volume: str) -> str:
    return f"/e/default/volumes/{volume}"


def asked(client: Client, url: str, verb: str, **fields: str) -> str:
    """The dialog that is asked for about a selection."""
    answer = client.form(f"{url}/-/ask/{verb}", fields)
    assert answer.status == 200, answer.text
    return answer.text


@pytest.mark.parametrize("form", ["import", "upload"])
def test_a_form_that_brings_files_names_the_engine_without_scripts_too(
    visitor: Client, engine: Engine, url: str, form: str
) -> None:
    named = quote(engine.facts().identity, safe="/")
    assert f"&amp;engine_id={named}&amp;" in visitor.get(f"{url}/-/{form}").text


@pytest.mark.parametrize("verb", ["rename", "permissions"])
def test_what_is_typed_into_a_dialog_about_a_selection_is_previewed(
    htmx: Client, url: str, top: Path, verb: str
) -> None:
    (top / "alpha").touch()
    dialog = asked(htmx, url, verb, id="alpha")
    assert f"{url}/-/{verb}?preview=1" in dialog
    assert f"{url}/-/ask/" not in dialog
    assert "/volume/alpha" in htmx.get(f"{url}/-/{verb}", preview="1", id="alpha", mode="0600", name="beta").text


@pytest.mark.parametrize("verb", ["rename", "move", "copy", "permissions", "delete"])
def test_a_dialog_names_the_engine_it_is_about(htmx: Client, url: str, top: Path, engine: Engine, verb: str) -> None:
    (top / "alpha").touch()
    assert f'name="engine_id" value="{engine.identity()}"' in asked(htmx, url, verb, id="alpha")


@pytest.mark.parametrize("what", ["folder", "file"])
def test_nothing_is_made_on_another_engine(api: Client, htmx: Client, url: str, top: Path, what: str) -> None:
    assert 'name="engine_id"' in htmx.get(f"{url}/-/new-{what}").text
    address = f"{url}/folders" if what == "folder" else f"{url}/-/file"
    refused = api.post(address, {"path": "made", "engine_id": "another"}).json(409)
    assert "another engine" in refused["error"]
    assert not (top / "made").exists()


def test_a_new_name_is_said_and_told_to_the_page(htmx: Client, url: str, top: Path, engine: Engine) -> None:
    (top / "alpha").touch()
    sent = {"from_id": "alpha", "name": "be ta", "engine_id": engine.identity()}
    told = json.loads(htmx.form(f"{url}/move", sent).headers["HX-Trigger"])["demijohn:done"]
    assert told == {"event": "volume", "subject": "be%20ta", "message": "alpha was renamed to be ta."}


def test_a_copy_beside_what_is_copied_keeps_both(htmx: Client, url: str, top: Path) -> None:
    (top / "alpha").touch()
    (top / "folder").mkdir()
    dialog = asked(htmx, url, "copy", id="alpha")
    assert '<option value="keep-both" selected>' in dialog
    assert "cp -a" not in dialog  # which would copy it onto itself
    assert "go on with the rest" not in dialog
    elsewhere = asked(htmx, url, "copy", id="alpha", into_id="folder")
    assert '<option value="refuse" selected>' in elsewhere
    assert "cp -a /volume/alpha /volume/folder/alpha" in elsewhere
