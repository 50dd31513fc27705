"""What changed on the engine, as server-sent events."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from http.client import HTTPResponse

from tests.conftest import TOKEN
from tests.engine import http_client
from tests.engine.conftest import served
from tests.engine.http_client import Client
from tests.waiting import wait_until
from webui.settings import Settings

EVENTS = "/e/default/events"


def heard(stream: HTTPResponse, noun: str, subject: str = "") -> dict[str, str]:
    """The next event of that noun, and of that subject where one is given; fails when the stream ends."""
    while True:
        line = stream.readline()
        assert line, "the stream has ended"
        if line.startswith(b"data: "):
            said = json.loads(line[6:])
            if said["noun"] == noun and subject in {"", said["subject"]}:
                return said


def connected(api: Client) -> None:
    wait_until(lambda: api.get("/e/default/status").json()["connected"])


def test_hello_and_then_what_the_command_line_does(api: Client, docker: Callable[..., str], prefix: str) -> None:
    connected(api)
    with api.open("GET", EVENTS, seconds=10) as stream:
        assert stream.status == 200
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store"
        assert heard(stream, "hello")["action"] == "connected"
        docker("volume", "create", f"{prefix}-data")
        assert heard(stream, "volume", f"{prefix}-data")["action"] == "create"
        docker("volume", "rm", f"{prefix}-data")
        assert heard(stream, "volume", f"{prefix}-data")["action"] == "destroy"


def test_tells_of_jobs_too(api: Client) -> None:
    with api.open("GET", EVENTS, seconds=10) as stream:
        heard(stream, "hello")
        job = api.post("/e/default/images/pull", {"image": "127.0.0.1:1/nosuch:1"}).json(202)["job"]
        assert heard(stream, "job", job["id"])


def test_seventy_open_streams_hold_nobody_up(
    api: Client, htmx: Client, docker: Callable[..., str], prefix: str
) -> None:
    connected(api)
    with ExitStack() as opened:
        streams = [opened.enter_context(htmx.open("GET", EVENTS, seconds=20)) for _ in range(70)]
        for stream in streams:
            heard(stream, "hello")
        began = time.monotonic()
        for _ in range(5):
            assert htmx.get("/e/default/volumes").status == 200
        assert time.monotonic() - began < 5
        docker("volume", "create", f"{prefix}-data")
        for stream in streams:
            heard(stream, "volume", f"{prefix}-data")


def test_those_who_left_make_room_again(api: Client) -> None:
    for _ in range(4):
        with ExitStack() as opened:
            streams = [opened.enter_context(api.open("GET", EVENTS, seconds=20)) for _ in range(60)]
            assert {stream.status for stream in streams} <= {200, 503}

    def all_open() -> bool:
        with ExitStack() as opened:
            return {opened.enter_context(api.open("GET", EVENTS)).status for _ in range(20)} == {200}

    wait_until(all_open, seconds=40)


def test_streams_end_with_the_app(engine_settings: Settings) -> None:
    ended = threading.Event()

    def listen(port: int) -> None:
        with http_client.script(port, TOKEN).open("GET", EVENTS, seconds=30) as stream:
            heard(stream, "hello")
            listening.set()
            stream.read()
        ended.set()

    with served(engine_settings) as port:
        listening = threading.Event()
        threading.Thread(target=listen, args=(port,), daemon=True).start()
        assert listening.wait(10)
        began = time.monotonic()
    assert ended.wait(5)
    assert time.monotonic() - began < 5
