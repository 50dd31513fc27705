"""Containers over HTTP: list, look, start, stop, restart, remove, logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.engine.http_client import Client
from tests.waiting import wait_until
from webui.engine.connection import Engine

CONTAINERS = "/e/default/containers"
FIELDS = {
    "id",
    "name",
    "image",
    "command",
    "state",
    "status",
    "created",
    "project",
    "networks",
    "labels",
    "ports",
    "mounts",
}


@pytest.fixture
def make(docker: Callable[..., str], prefix: str, small_image: str) -> Iterator[Callable[..., str]]:
    """Runs a container with the docker command and gives its id."""
    made: list[str] = []
    quick = ("--detach", "--network=none", "--stop-signal=KILL")

    def run(*options: str, command: tuple[str, ...] = ("sleep", "600"), name: str = "c") -> str:
        made.append(docker("run", *quick, f"--name={prefix}-{name}", *options, small_image, *command))
        return made[-1]

    yield run
    for identifier in made:
        with suppress(Exception):
            docker("rm", "--force", "--volumes", identifier)


class TestList:
    def test_has_the_shape_of_the_contract(self, api: Client, make: Callable[..., str], prefix: str) -> None:
        identifier = make("--volume", f"{prefix}-data:/data:ro", "--label", "com.docker.compose.project=shop")
        said = api.get(CONTAINERS, q=prefix).json()
        assert set(said) == {"containers", "total", "page", "pages"}
        (found,) = said["containers"]
        assert set(found) == FIELDS
        assert (found["id"], found["name"], found["state"]) == (identifier, f"{prefix}-c", "running")
        assert found["project"] == "shop"
        assert found["mounts"][0]["name"] == f"{prefix}-data"
        assert found["mounts"][0]["read_only"] is True

    def test_filters_by_state_and_volume(self, api: Client, make: Callable[..., str], prefix: str) -> None:
        first = make("--volume", f"{prefix}-data:/data", name="a")
        second = make(command=("true",), name="b")
        wait_until(lambda: api.get(f"{CONTAINERS}/{second}").json()["state"] == "exited")

        def found(**query: str) -> list[str]:
            return [each["id"] for each in api.get(CONTAINERS, q=prefix, **query).json()["containers"]]

        assert found(state="running") == [first]
        assert found(state="exited") == [second]
        assert found(volume=f"{prefix}-data") == [first]
        assert found(sort="-name") == [second, first]

    @pytest.mark.parametrize(("name", "value"), [("page", "x"), ("sort", "colour")])
    def test_refuses_what_it_cannot_read(self, api: Client, name: str, value: str) -> None:
        assert list(api.get(CONTAINERS, **{name: value}).fields()) == [name]

    def test_knows_what_the_command_line_did(
        self, api: Client, make: Callable[..., str], docker: Callable[..., str], prefix: str
    ) -> None:
        for _ in range(5):
            identifier = make()
            assert api.get(CONTAINERS, q=prefix).json()["total"] == 1
            docker("rm", "--force", identifier)
            assert api.get(CONTAINERS, q=prefix).json()["total"] == 0


class TestShow:
    def test_by_id_short_id_and_name(self, api: Client, make: Callable[..., str], prefix: str) -> None:
        identifier = make()
        for reference in (identifier, identifier[:12], f"{prefix}-c"):
            assert api.get(f"{CONTAINERS}/{reference}").json()["id"] == identifier

    def test_says_more_than_the_list(self, api: Client, make: Callable[..., str]) -> None:
        said = api.get(f"{CONTAINERS}/{make('--volume', '/anonymous')}").json()
        assert set(said) > FIELDS
        assert said["argv"] == ["sleep", "600"]
        assert len(said["anonymous_volumes"]) == 1

    def test_masks_secrets_until_asked(
        self, api: Client, visitor: Client, htmx: Client, make: Callable[..., str]
    ) -> None:
        identifier = make("--env", "DB_PASSWORD=correcthorse", "--env", "URL=db://u:correcthorse@h/", "--env", "A=b")
        for client in (api, visitor, htmx):
            for tab in ("overview", "raw", "mounts", "logs"):
                assert b"correcthorse" not in client.get(f"{CONTAINERS}/{identifier}", tab=tab).body
        assert api.get(f"{CONTAINERS}/{identifier}").json()["env"]["A"] == "b"
        shown = api.get(f"{CONTAINERS}/{identifier}", secrets="shown").json()["env"]
        assert (shown["DB_PASSWORD"], shown["URL"]) == ("correcthorse", "db://u:correcthorse@h/")
        assert "correcthorse" in visitor.get(f"{CONTAINERS}/{identifier}", secrets="shown").text

    @pytest.mark.parametrize(
        "reference", [".", "..", "%2e", "%2e%2e", "json", "%00", "a%2Fjson", "-", "x" * 300, "%ff", "nosuch%0a"]
    )
    @pytest.mark.parametrize(
        ("method", "more"), [("GET", ""), ("DELETE", ""), ("POST", "/start"), ("GET", "/logs"), ("POST", "/stop")]
    )
    def test_a_strange_reference_is_not_found(self, api: Client, reference: str, method: str, more: str) -> None:
        answer = api.request(method, f"{CONTAINERS}/{reference}{more}")
        assert answer.json(404)["error"]

    def test_helpers_are_not_a_persons(
        self, api: Client, make: Callable[..., str], prefix: str, engine: Engine
    ) -> None:
        identifier = make("--label", "io.demijohn.role=helper")
        assert api.get(CONTAINERS, q=prefix).json()["total"] == 0
        for method, more in (
            ("GET", ""),
            ("DELETE", "?stop=yes"),
            ("POST", "/start"),
            ("POST", "/stop"),
            ("POST", "/restart"),
            ("GET", "/logs"),
            ("GET", "/logs?follow=yes"),
            ("GET", "/-/remove"),
        ):
            for reference in (identifier, f"{prefix}-c"):
                assert api.request(method, f"{CONTAINERS}/{reference}{more}").json(404)["error"]
        assert engine.api.inspect_container(identifier)["State"]["Running"]


class TestActions:
    def test_stop_start_restart(self, api: Client, make: Callable[..., str], engine: Engine) -> None:
        identifier = make()
        path = f"{CONTAINERS}/{identifier}"
        assert api.request("POST", f"{path}/stop").json()["state"] == "exited"
        assert api.request("POST", f"{path}/stop").json()["state"] == "exited"
        assert api.request("POST", f"{path}/start").json()["state"] == "running"
        began = engine.api.inspect_container(identifier)["State"]["StartedAt"]
        assert api.request("POST", f"{path}/restart").json()["state"] == "running"
        assert engine.api.inspect_container(identifier)["State"]["StartedAt"] != began
        assert api.request("POST", f"{path}/explode").status == 404
        assert api.request("GET", f"{path}/start").json(405)["error"]


class TestRemove:
    def test_leaves_volumes_unless_asked(
        self, api: Client, make: Callable[..., str], engine: Engine, prefix: str
    ) -> None:
        identifier = make("--volume", f"{prefix}-data:/data", "--volume", "/anonymous", command=("true",))
        anonymous = api.get(f"{CONTAINERS}/{identifier}").json()["anonymous_volumes"]
        wait_until(lambda: api.get(f"{CONTAINERS}/{identifier}").json()["state"] == "exited")
        try:
            answer = api.delete(f"{CONTAINERS}/{identifier}")
            assert (answer.status, answer.body) == (204, b"")
            assert engine.api.inspect_volume(anonymous[0])
        finally:
            engine.api.remove_volume(anonymous[0])
        assert api.delete(f"{CONTAINERS}/{identifier}").json(404)["error"]

    def test_takes_anonymous_volumes_and_leaves_named_ones(
        self, api: Client, make: Callable[..., str], engine: Engine, prefix: str
    ) -> None:
        identifier = make("--volume", f"{prefix}-data:/data", "--volume", "/anonymous")
        dialog = api.get(f"{CONTAINERS}/{identifier}/-/remove").json()
        assert dialog["named_volumes"] == [f"{prefix}-data"]
        (anonymous,) = dialog["anonymous_volumes"]
        assert api.delete(f"{CONTAINERS}/{identifier}?stop=yes&volumes=yes").status == 204
        left = {volume["Name"] for volume in engine.api.volumes()["Volumes"]}
        assert f"{prefix}-data" in left
        assert anonymous not in left

    def test_refuses_while_it_runs(self, api: Client, make: Callable[..., str], engine: Engine) -> None:
        identifier = make()
        assert api.delete(f"{CONTAINERS}/{identifier}").json(409)["error"]
        assert api.delete(f"{CONTAINERS}/{identifier}", {"stop": False}).json(409)["error"]
        assert engine.api.inspect_container(identifier)["State"]["Running"]
        assert list(api.delete(f"{CONTAINERS}/{identifier}?force=yes").fields()) == ["force"]
        assert list(api.delete(f"{CONTAINERS}/{identifier}?stop=perhaps").fields()) == ["stop"]
        assert api.delete(f"{CONTAINERS}/{identifier}?stop=yes", X_Engine_Id="another").json(409)["error"]
        assert engine.api.inspect_container(identifier)["State"]["Running"]
        assert api.delete(f"{CONTAINERS}/{identifier}", {"stop": True}).status == 204


class TestLogs:
    SAY = ("sh", "-c", "for n in 1 2 3 4 5; do echo line $n; done; echo wrong >&2")

    def test_the_last_lines(self, api: Client, make: Callable[..., str]) -> None:
        path = f"{CONTAINERS}/{make(command=self.SAY)}/logs"
        wait_until(lambda: len(api.get(path).json()["lines"]) == 6)
        lines = api.get(path, tail="2").json()["lines"]
        assert len(lines) == 2
        assert api.get(path, tail="0").json()["lines"] == []
        for tail in ("-1", "x", "999999999999"):
            assert list(api.get(path, tail=tail).fields()) == ["tail"]

    def test_bytes_that_are_no_text_and_markup(self, api: Client, visitor: Client, make: Callable[..., str]) -> None:
        identifier = make(command=("sh", "-c", r"printf '\377<b>\n'"))
        path = f"{CONTAINERS}/{identifier}/logs"
        wait_until(lambda: api.get(path).json()["lines"])
        assert api.get(path).json()["lines"][0].endswith("�<b>")
        assert "<b>" not in visitor.get(path).text.partition("<pre")[2].partition("</pre")[0]

    @pytest.mark.parametrize("options", [(), ("--tty",)])
    def test_follow_streams_and_ends_with_the_container(
        self, api: Client, make: Callable[..., str], engine: Engine, options: tuple[str, ...]
    ) -> None:
        identifier = make(*options, command=("sh", "-c", "echo first; while true; do sleep 0.05; echo more; done"))
        with api.open("GET", f"{CONTAINERS}/{identifier}/logs?follow=yes") as response:
            assert response.headers["Content-Type"].startswith("text/plain")
            assert response.readline().rstrip().endswith(b"first")
            for _ in range(10):
                assert response.readline().rstrip().endswith(b"more")
            engine.api.kill(identifier)
            response.read()

    def test_a_download_is_an_attachment_with_all_of_it(
        self, api: Client, make: Callable[..., str], prefix: str
    ) -> None:
        identifier = make(command=("sh", "-c", "seq 1 2000; printf '\\377'"))
        wait_until(lambda: api.get(f"{CONTAINERS}/{identifier}").json()["state"] == "exited")
        answer = api.get(f"{CONTAINERS}/{identifier}/logs", download="yes")
        assert answer.status == 200
        assert answer.headers["Content-Disposition"] == f"attachment; filename={prefix}-c.log"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.body.count(b"\n") == 2000
        assert answer.body.endswith((b"\xff", "�".encode()))

    def test_any_number_of_followed_logs_leaves_room(self, api: Client, make: Callable[..., str]) -> None:
        identifier = make(command=("sh", "-c", "echo started; sleep 600"))
        wait_until(lambda: api.get(f"{CONTAINERS}/{identifier}/logs").json()["lines"])
        streams = [api.open("GET", f"{CONTAINERS}/{identifier}/logs?follow=yes", seconds=10) for _ in range(40)]
        opened: list[Any] = []
        try:
            opened += [stream.__enter__() for stream in streams]
            assert all(response.status == 200 for response in opened)
            assert api.get(CONTAINERS).status == 200
            assert opened[0].read().endswith(b"started\n")
        finally:
            for stream in streams[: len(opened)]:
                stream.__exit__(None, None, None)
        assert json.loads(api.get(f"{CONTAINERS}/{identifier}/logs").body)
