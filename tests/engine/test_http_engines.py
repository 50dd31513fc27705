"""Engines over HTTP, and addresses that lead nowhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import TOKEN
from tests.engine import http_client
from tests.engine.conftest import served
from tests.engine.http_client import Client
from webui.engine.connection import Engine
from webui.settings import Settings


def test_lists_them(api: Client, engine: Engine) -> None:
    (found,) = [each for each in api.get("/engines").json()["engines"] if each["name"] == "default"]
    assert found["reachable"] is True
    assert found["id"] == engine.facts().identity
    assert (found["error"], found["local"]) == ("", True)
    assert "local" in found["drivers"]


def test_says_why_one_cannot_be_reached(settings: Settings) -> None:
    with served(settings) as port:
        (found, *_) = http_client.script(port, TOKEN).get("/engines").json()["engines"]
        assert found["reachable"] is False
        assert found["error"]
        assert found["hint"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/volumes"),
        ("POST", "/volumes"),
        ("GET", "/volumes/data"),
        ("DELETE", "/volumes/data"),
        ("GET", "/volumes/-/new"),
        ("GET", "/volumes/-/sizes"),
        ("POST", "/volumes/-/delete"),
        ("GET", "/containers"),
        ("POST", "/containers"),
        ("GET", "/containers/x"),
        ("DELETE", "/containers/x"),
        ("GET", "/containers/x/logs"),
        ("POST", "/containers/x/start"),
        ("GET", "/containers/-/new"),
        ("GET", "/images"),
        ("POST", "/images/pull"),
        ("POST", "/images/-/tools"),
        ("DELETE", "/images/x"),
        ("GET", "/mounts"),
        ("POST", "/mounts/explain"),
        ("GET", "/events"),
        ("GET", "/status"),
        ("GET", "/search"),
        ("GET", "/host/folders"),
    ],
)
@pytest.mark.parametrize("engine_name", ["nosuch", "..", "%00", "x" * 300, "%3Cb%3E"])
def test_an_engine_that_is_not_there(api: Client, visitor: Client, engine_name: str, method: str, path: str) -> None:
    body = "{}" if method == "POST" else None
    answer = api.request(method, f"/e/{engine_name}{path}", body, Content_Type="application/json")
    assert answer.json(404)["error"]
    if method == "GET":
        page = visitor.get(f"/e/{engine_name}{path}")
        assert page.status == 404
        assert "<b>" not in page.text


def test_the_root_leads_to_the_volumes(api: Client, visitor: Client) -> None:
    for client in (api, visitor):
        answer = client.get("/")
        assert answer.status == 302
        assert answer.headers["Location"] == "/e/default/volumes"


@pytest.mark.parametrize(
    "path", ["/nosuch", "/e", "/e/default", "/e/default/nosuch", "/volumes", "/%00", "/static/nosuch"]
)
def test_a_page_that_is_not_there(api: Client, visitor: Client, htmx: Client, path: str) -> None:
    answer = api.get(path)
    assert answer.json(404)["error"]
    assert {"HX-Request", "Accept"} <= {word.strip() for word in answer.headers["Vary"].split(",")}
    assert visitor.get(path).status == 404
    assert htmx.get(path).status == 404


def test_contexts_of_the_docker_command_are_engines_too(engine_settings: Settings, tmp_path: Path) -> None:
    import hashlib
    import json

    folder = tmp_path / ".docker" / "contexts" / "meta" / hashlib.sha256(b"elsewhere").hexdigest()
    folder.mkdir(parents=True)
    endpoint = {"docker": {"Host": "unix:///nonexistent/docker.sock", "SkipTLSVerify": False}}
    (folder / "meta.json").write_text(json.dumps({"Name": "elsewhere", "Metadata": {}, "Endpoints": endpoint}))
    with served(replace(engine_settings)) as port:
        client = http_client.script(port, TOKEN)
        found = {each["name"]: each for each in client.get("/engines").json()["engines"]}
        assert found["default"]["reachable"] is True
        assert found["elsewhere"]["reachable"] is False
        assert client.get("/e/elsewhere/volumes").json(503)["error"]
        assert client.get("/e/default/volumes").status == 200
