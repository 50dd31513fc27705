"""Every term has its help where it is used, and every trap of Docker's is explained where one steps into it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from webui import glossary
from webui.mounts import Mount, MountFacts, MountType, explain, explain_declared

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
DOCKER_PAGE = re.compile(r"https://docs\.docker\.com/[a-z0-9/.-]+/(#[a-z0-9-]+)?")
SEVERITIES = ("danger", "warning", "info")


def terms_used() -> set[str]:
    return {term for page in TEMPLATES for term in re.findall(r'ui\.help\(\s*"([^"]+)"', page.read_text())}


def volume(source: str = "data", **changes: Any) -> Mount:
    return Mount(MountType.VOLUME, source, changes.pop("target", "/data"), **changes)


def bind(source: str, **changes: Any) -> Mount:
    return Mount(MountType.BIND, source, changes.pop("target", "/data"), **changes)


def test_every_term_that_a_page_explains_is_in_the_glossary() -> None:
    assert terms_used() <= set(glossary.ENTRIES)
    assert len(terms_used()) > 10


def test_help_is_asked_for_by_name_only() -> None:
    """So that the test above sees every term."""
    for page in TEMPLATES:
        computed = re.findall(r"ui\.help\(\s*[^\"\s]", page.read_text())
        assert not computed, page


@pytest.mark.parametrize("term", glossary.ENTRIES)
def test_a_term_has_a_short_explanation_and_a_page_of_dockers(term: str) -> None:
    entry = glossary.ENTRIES[term]
    assert entry.sentence.endswith(".")
    assert 20 < len(entry.sentence) < 260
    assert DOCKER_PAGE.fullmatch(entry.link), entry.link


HERE = MountFacts(start_folder="/home/ada", home="/home/ada", local=True, volume_names=frozenset({"data", "Photos"}))
TRAPS: dict[str, tuple[Mount, dict[str, Any]]] = {
    "bare-word": (volume("my_folder"), {}),
    "path-as-volume": (volume("./my_folder"), {}),
    "relative-target": (volume(target="data"), {}),
    "other-case": (volume("photos"), {}),
    "anonymous-volume": (volume(""), {}),
    "missing-source": (bind("/srv/new"), {"source_exists": False}),
    "created-source": (bind("/srv/new", create_missing=True), {"source_exists": False}),
    "filled-from-image": (volume(), {"likely_empty": True, "image_content": True}),
    "nocopy": (volume(no_copy=True), {"likely_empty": True, "image_content": True}),
    "volume-hides-content": (volume(), {"likely_empty": False, "image_content": True}),
    "hides-image-content": (bind("/srv/site"), {"image_content": True}),
    "not-portable": (bind("/srv/site"), {}),
    "system-path": (bind("/etc"), {}),
    "engine-socket": (bind("/var/run/docker.sock"), {}),
    "host-access": (volume(), {"device": "/"}),
    "several-writers": (volume(), {"writers": ("web",)}),
    "tmpfs-emptied": (Mount(MountType.TMPFS, "", "/cache"), {}),
    "swarm-local": (volume(), {"swarm": True}),
    "remote-bind": (bind("/srv/site"), {"local": False}),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_explained_with_a_sentence_and_a_page(trap: str) -> None:
    mount, changes = TRAPS[trap]
    known = {name: getattr(HERE, name) for name in ("start_folder", "home", "local", "volume_names")}
    found = {advice.code: advice for advice in explain(mount, MountFacts(**{**known, **changes}))}
    assert trap in found
    advice = found[trap]
    assert advice.message.endswith((".", "?"))
    assert advice.severity in SEVERITIES
    assert DOCKER_PAGE.fullmatch(advice.link), advice.link


def test_what_an_image_makes_by_itself_is_explained() -> None:
    (advice,) = explain_declared((), ("/var/lib/data",))
    assert advice.code == "declared-volume"
    assert advice.fixes[0].mount.target == "/var/lib/data"


@pytest.mark.parametrize("trap", ["system-path", "engine-socket", "host-access"])
def test_the_machine_itself_is_given_away_only_after_typing(trap: str) -> None:
    mount, changes = TRAPS[trap]
    found = [advice for advice in explain(mount, MountFacts(**{"home": "/home/ada", **changes})) if advice.code == trap]
    assert found[0].needs_confirmation


def test_traps_beside_mounts_are_in_the_glossary() -> None:
    sentences = {term: entry.sentence for term, entry in glossary.ENTRIES.items()}
    assert "never" in sentences["prune"]
    assert "can’t change" in sentences["label"]
    assert "deletes it" in sentences["anonymous volume"]
    assert "in memory" in sentences["tmpfs"]
