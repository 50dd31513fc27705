"""Mounts explained over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.http_client import Client
from webui.engine.connection import Engine

EXPLAIN = "/e/default/mounts/explain"


def test_has_the_shape_of_the_contract(api: Client) -> None:
    said = api.post(EXPLAIN, {"spec": "data:/data:ro"}).json()
    assert set(said) == {"mount", "warnings", "commands"}
    mount = said["mount"]
    assert (mount["type"], mount["source"], mount["target"], mount["read_only"]) == ("volume", "data", "/data", True)
    assert set(said["commands"]) == {"volume", "mount", "compose", "python"}
    assert "data:/data:ro" in said["commands"]["volume"]
    assert "type=volume" in said["commands"]["mount"]
    assert all(isinstance(text, str) and text for text in said["commands"].values())


@pytest.mark.parametrize("name", ["volume", "mount"])
def test_what_it_writes_it_can_read(api: Client, name: str) -> None:
    sent = {"mount": {"type": "bind", "source": "/srv/www", "target": "/www", "read_only": True}}
    first = api.post(EXPLAIN, sent).json()
    text = first["commands"][name]
    spec = text.split(maxsplit=1)[1] if text.startswith("-") else text
    assert api.post(EXPLAIN, {"spec": spec}).json()["mount"] == first["mount"]


def test_explains_the_trap_of_a_relative_path(api: Client, engine: Engine) -> None:
    said = api.post(EXPLAIN, {"spec": "my_folder:/data"}).json()
    assert said["mount"]["type"] == "volume"
    fixes = [fix["mount"] for warning in said["warnings"] for fix in warning["fixes"]]
    assert any(fix["type"] == "bind" and fix["source"].endswith("/my_folder") for fix in fixes)
    said = api.post(EXPLAIN, {"spec": "./my_folder:/data"}).json()
    assert said["mount"]["type"] in {"bind", "volume"}
    assert said["warnings"]
    assert "my_folder" not in {volume["Name"] for volume in engine.api.volumes()["Volumes"] or ()}


def test_knows_what_is_dangerous(api: Client) -> None:
    said = api.post(EXPLAIN, {"spec": "/var/run/docker.sock:/var/run/docker.sock"}).json()
    assert [warning["needs_confirmation"] for warning in said["warnings"] if warning["severity"] == "danger"]


def test_knows_host_access_in_disguise(api: Client, engine: Engine, prefix: str) -> None:
    engine.api.create_volume(f"{prefix}-root", driver_opts={"type": "none", "o": "bind", "device": "/"})
    said = api.post(EXPLAIN, {"spec": f"{prefix}-root:/x"}).json()
    assert "host-access" in {warning["code"] for warning in said["warnings"]}


def test_makes_nothing(api: Client, engine: Engine, prefix: str, small_image: str) -> None:
    api.post(EXPLAIN, {"spec": f"{prefix}-data:/data", "image": small_image}).json()
    assert f"{prefix}-data" not in {volume["Name"] for volume in engine.api.volumes()["Volumes"] or ()}


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "spec"),
        ({"spec": ""}, "spec"),
        ({"spec": None}, "spec"),
        ({"spec": 5}, "spec"),
        ({"spec": ["data:/data"]}, "spec"),
        ({"spec": "data:/data:ro:z:extra:"}, None),
        ({"spec": "data:relative"}, "target"),
        ({"spec": "data:/"}, "target"),
        ({"spec": "data:/a/../b"}, "target"),
        ({"spec": "type=volume,src=data"}, "target"),
        ({"spec": "type=floppy,src=data,dst=/x"}, "type"),
        ({"spec": "type=bind,src=/a,dst=/x,colour=red"}, None),
        ({"spec": "a:/data"}, "source"),
        ({"spec": "\ud800:/data"}, "spec"),
        ({"mount": {"type": "volume", "source": "/etc", "target": "/x"}}, "source"),
        ({"mount": 5}, None),
        ({"mount": {"target": "/x", "nosuch": 1}}, "nosuch"),
        ({"spec": "data:/data", "nosuch": 1}, "nosuch"),
        ({"spec": "data:/data", "image": 5}, "image"),
        ({"spec": "x" * 100_000}, None),
    ],
)
def test_refuses_at_the_field(api: Client, sent: dict[str, Any], field: str | None) -> None:
    fields = api.post(EXPLAIN, sent).fields()
    assert fields
    assert field is None or list(fields) == [field]


def test_the_page_explains_too(htmx: Client, visitor: Client) -> None:
    assert visitor.get("/e/default/mounts").status == 200
    assert "/data" in htmx.form(EXPLAIN, {"spec": "data:/data"}).text
    answer = htmx.form(EXPLAIN, {"spec": "<b>:relative"})
    assert answer.status == 422
    assert "<b>:relative" not in answer.text
