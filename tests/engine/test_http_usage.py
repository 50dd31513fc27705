"""What a volume takes over HTTP: measured when first asked for, kept with its age, measured again when asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TOKEN
from tests.engine import http_client
from tests.engine.conftest import served
from tests.engine.http_client import Client
from tests.engine.looking_inside import Volume, helpers, opened
from tests.engine.plain_tree import by_du, fill, fill_long, throttle
from tests.waiting import wait_until
from webui.engine.connection import Engine, Engines
from webui.engine.tools_image import make_tools_image
from webui.settings import Settings


@pytest.fixture(scope="module", autouse=True)
def helper_image(engine_socket: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The image of the helpers, which would be fetched otherwise."""
    with closing(Engines(Settings(tmp_path_factory.mktemp("image"), TOKEN, engine=engine_socket))) as engines:
        make_tools_image(engines.get("default"))


@pytest.fixture
def volume(engine: Engine, small_image: str, prefix: str) -> Iterator[Volume]:
    """An empty volume."""
    with opened(engine, small_image, f"{prefix}-measured") as made:
        yield made


@pytest.fixture
def usage(volume: Volume) -> str:
    """The address of the volume's usage."""
    return f"/e/default/volumes/{volume.name}/usage"


@pytest.fixture
def known(volume: Volume, usage: str, api: Client) -> dict[str, Any]:
    """What is known of the volume, filled and measured."""
    fill(volume.root, folders=3)
    (volume.root / "top").write_bytes(b"x" * 5000)
    (volume.root / os.fsdecode(b"odd \xff\n&")).mkdir()
    (volume.root / "<b>&amp;").mkdir()
    api.get(usage)
    wait_until(lambda: api.get(usage).status == 200, seconds=60)
    return api.get(usage).json()


def test_the_first_question_measures(volume: Volume, usage: str, api: Client) -> None:
    job = api.get(usage).json(202)["job"]
    assert (job["kind"], job["subject"]) == ("measure", volume.name)
    wait_until(lambda: api.get(f"/jobs/{job['id']}").json()["state"] == "done", seconds=60)
    found = api.get(usage).json()
    assert (found["bytes"], found["job"]) == (by_du(volume.root)[b""], None)
    assert found["age_seconds"] >= 0
    assert datetime.fromisoformat(found["measured_at"]).tzinfo is not None


def test_a_folder_and_those_in_it(volume: Volume, usage: str, api: Client, known: dict[str, Any]) -> None:
    said = by_du(volume.root)
    assert (known["path"], known["bytes"], known["files"], known["unreadable"]) == ("", said[b""], 91, 0)
    assert {folder["path"].encode("utf-8", "surrogateescape"): folder["bytes"] for folder in known["folders"]} == {
        name: size for name, size in said.items() if name
    }
    assert known["rest"] == said[b""] - sum(folder["bytes"] for folder in known["folders"])
    assert [folder["bytes"] for folder in known["folders"]] == sorted(
        (folder["bytes"] for folder in known["folders"]), reverse=True
    )
    for folder in known["folders"]:
        inner = api.get(f"{usage}?path={folder['id']}").json()
        assert (inner["path"], inner["bytes"], inner["folders"]) == (folder["path"], folder["bytes"], [])
        assert inner["rest"] == inner["bytes"]


@pytest.mark.parametrize(("path", "status"), [("nowhere", 404), ("../..", 422), ("a//b", 422), ("%00", 422)])
def test_a_folder_that_is_not_known(usage: str, api: Client, known: dict[str, Any], path: str, status: int) -> None:
    assert api.get(f"{usage}?path={path}").json(status)["error"]


def test_it_is_measured_again_when_asked(volume: Volume, usage: str, api: Client, known: dict[str, Any]) -> None:
    (volume.root / "top").write_bytes(b"x" * 500_000)
    assert api.get(usage).json()["bytes"] == known["bytes"]
    job = api.post(usage, {}).json(202)["job"]
    wait_until(lambda: api.get(f"/jobs/{job['id']}").json()["state"] == "done", seconds=60)
    found = api.get(usage).json()
    assert found["bytes"] == by_du(volume.root)[b""] > known["bytes"]
    assert found["measured_at"] > known["measured_at"]


def test_the_size_stands_in_the_list(volume: Volume, api: Client, known: dict[str, Any]) -> None:
    size = api.get(f"/e/default/volumes/{volume.name}").json()["size"]
    assert size == {"bytes": known["bytes"], "measured_at": known["measured_at"]}
    (listed,) = api.get("/e/default/volumes", q=volume.name).json()["volumes"]
    assert listed["size"] == size


def test_a_new_volume_of_the_name_is_measured_anew(
    volume: Volume, usage: str, api: Client, known: dict[str, Any]
) -> None:
    assert api.delete(f"/e/default/volumes/{volume.name}").status == 204
    api.post("/e/default/volumes", {"name": volume.name}).json(201)
    assert api.get(f"/e/default/volumes/{volume.name}").json()["size"] is None
    assert "bytes" not in api.get(usage).json(202)
    wait_until(lambda: api.get(usage).status == 200, seconds=60)
    assert api.get(usage).json()["files"] == 0


def test_one_that_changed_beside_the_app_too(
    volume: Volume, usage: str, api: Client, engine: Engine, known: dict[str, Any]
) -> None:
    for helper in helpers(engine, volume.name):
        engine.api.remove_container(helper["Id"], force=True)
    engine.api.remove_volume(volume.name)
    engine.api.create_volume(volume.name, labels={"made": "anew"})
    assert "bytes" not in api.get(usage).json(202)
    wait_until(lambda: api.get(usage).status == 200, seconds=60)


def age(api: Client, volume: str) -> float:
    """Seconds since the volume was made or written to, as the engine tells it: in whole ones."""
    created = datetime.fromisoformat(api.get(f"/e/default/volumes/{volume}").json()["created"])
    return (datetime.now(UTC) - created).total_seconds()


def test_what_was_known_is_known_after_a_restart(engine_settings: Settings, volume: Volume, usage: str) -> None:
    fill(volume.root)
    with served(engine_settings) as port:
        api = http_client.script(port, TOKEN)
        wait_until(lambda: age(api, volume.name) > 2)
        api.get(usage)
        wait_until(lambda: api.get(usage).status == 200, seconds=60)
        before = api.get(usage).json()
    with served(engine_settings) as port:
        api = http_client.script(port, TOKEN)
        found = api.get(usage).json()
        assert (found["bytes"], found["measured_at"]) == (before["bytes"], before["measured_at"])
        wait_until(lambda: api.get(f"/e/default/volumes/{volume.name}").json()["size"], seconds=30)
        (listed,) = api.get("/e/default/volumes", q=volume.name).json()["volumes"]
        assert listed["size"]["bytes"] == before["bytes"]


def test_a_host_folder(api: Client, docker: Callable[..., str], small_image: str, prefix: str, tmp_path: Path) -> None:
    fill(tmp_path, folders=2)
    holder = docker("create", f"--name={prefix}-web", f"--volume={tmp_path}:/data", small_image, "sh")
    usage = f"/e/default/containers/{holder}/mounts/0/usage"
    api.get(usage)
    wait_until(lambda: api.get(usage).status == 200, seconds=60)
    assert api.get(usage).json()["bytes"] == by_du(tmp_path)[b""]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_of_a_volume_that_is_not_there(api: Client, method: str) -> None:
    assert api.request(method, "/e/default/volumes/nosuch/usage").json(404)["error"]


def test_wrong_methods_and_fields(usage: str, api: Client) -> None:
    assert api.delete(usage).status == 405
    assert api.post(usage, {"fast": "yes"}).fields() == {"fast": "There is no such field."}


def test_the_page_shows_a_map_and_a_table(usage: str, visitor: Client, known: dict[str, Any]) -> None:
    page = visitor.get(usage)
    assert page.status == 200
    assert "<html" in page.text
    assert page.text.count(f'href="{usage}?path=folder-1"') == 2
    assert "&lt;b&gt;&amp;amp;" in page.text
    assert "91 files in 6 folders" in page.text
    assert "Measure again" in page.text


def test_the_page_is_a_fragment_to_htmx(usage: str, htmx: Client, known: dict[str, Any]) -> None:
    part = htmx.get(f"{usage}?path=folder-1").text
    assert part.strip().startswith('<section id="usage"')
    assert "<html" not in part
    assert "Files in this folder" in part


def test_the_page_of_a_folder_that_is_not_known_shows_the_top(
    usage: str, visitor: Client, known: dict[str, Any]
) -> None:
    page = visitor.get(f"{usage}?path=nowhere")
    assert page.status == 200
    assert "not in this measurement" in page.text
    assert "folder-1" in page.text


def test_the_page_shows_that_it_is_being_measured_and_how_to_stop_that(
    volume: Volume, usage: str, engine: Engine, htmx: Client, api: Client
) -> None:
    fill_long(volume.root)
    api.get(f"/e/default/volumes/{volume.name}/files")
    throttle(engine, volume.name)
    page = htmx.get(usage)
    assert page.status == 202
    assert "Measuring" in page.text
    assert "every 2s" in page.text
    job = api.get(usage).json(202)["job"]["id"]
    assert f"/jobs/{job}/cancel" in page.text
    assert api.delete(f"/jobs/{job}").status == 202
    wait_until(lambda: api.get(f"/jobs/{job}").json()["state"] == "cancelled", seconds=60)
    assert "Measuring was cancelled" in htmx.get(usage, job=job).text
    assert "every 2s" not in htmx.get(usage, job=job).text


def test_htmx_and_a_form_can_have_it_measured_again(
    usage: str, visitor: Client, htmx: Client, api: Client, known: dict[str, Any]
) -> None:
    before = api.get(usage).json()["measured_at"]
    answer = htmx.form(usage, {})
    assert answer.status == 202
    assert '<section id="usage"' in answer.text
    wait_until(lambda: api.get(usage).json()["measured_at"] > before, seconds=60)
    token = visitor.get(usage).text.partition('name="form_token" value="')[2].partition('"')[0]
    answer = visitor.form(f"{usage}?path=folder-1", {"form_token": token})
    assert answer.status == 303
    assert answer.headers["Location"].startswith(f"{usage}?path=folder-1&job=")
    assert visitor.get(answer.headers["Location"]).status == 200
