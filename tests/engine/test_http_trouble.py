"""What the app answers while its engine is stopped or frozen, and after it is back."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import TOKEN
from tests.engine import http_client
from tests.engine.conftest import served
from tests.engine.http_client import Answer, Client
from tests.waiting import wait_until
from webui.engine import private
from webui.settings import DockerEnvironment, Settings

VOLUMES = "/e/default/volumes"
PAGE_SECONDS = 3.5
SCRIPT_SECONDS = 22.0
RECOVERY_SECONDS = 5.0
PAGES = (
    "/e/default/volumes",
    "/e/default/volumes/kept",
    "/e/default/volumes/-/new",
    "/e/default/volumes/-/delete?name=kept",
    "/e/default/volumes/-/sizes",
    "/e/default/containers",
    "/e/default/containers/nosuch",
    "/e/default/containers/-/new?volume=kept&image=debian",
    "/e/default/images",
    "/e/default/images/-/pull",
    "/e/default/images/-/remove?image=debian",
    "/e/default/mounts",
    "/e/default/status",
    "/e/default/host/folders",
    "/engines",
    "/jobs",
    "/help",
)
TRUTHS = (
    "/e/default/volumes",
    "/e/default/volumes/kept",
    "/e/default/containers",
    "/e/default/containers/nosuch",
    "/e/default/images",
)


@dataclass
class Lone:
    """An engine that only one test has, and the app on it."""

    folder: Path
    engine: private.PrivateEngine
    api: Client
    visitor: Client
    htmx: Client

    def stop(self) -> None:
        self.engine.stop()

    def start(self) -> None:
        self.engine = private.start(self.folder)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        pid = int((self.folder / "engine" / "pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def lone() -> Iterator[Lone]:
    folder = Path(tempfile.mkdtemp(prefix="demijohn-"))
    engine = private.start(folder)
    settings = Settings(
        data_dir=folder / "app",
        token=TOKEN,
        engine=engine.address("default").url,
        open_browser=False,
        start_folder=folder,
        home_folder=folder,
        docker=DockerEnvironment(config_folder=folder / ".docker"),
        display=False,
    )
    try:
        with served(settings) as port:
            clients = (made(port, TOKEN) for made in (http_client.script, http_client.visitor, http_client.htmx))
            lone = Lone(folder, engine, *clients)
            lone.api.post(VOLUMES, {"name": "kept"}).json(201)
            lone.api.get(VOLUMES).json()
            try:
                yield lone
            finally:
                lone.stop()
    finally:
        shutil.rmtree(folder)


def timed(ask: Callable[[], Answer]) -> tuple[Answer, float]:
    began = time.monotonic()
    return ask(), time.monotonic() - began


def pages_answer(client: Client) -> None:
    """Every page answers in time, and says what it can, with all of them opened at once."""
    with ThreadPoolExecutor(len(PAGES)) as together:
        answers = together.map(lambda path: timed(lambda: client.get(path)), PAGES)
        for path, (answer, seconds) in zip(PAGES, answers, strict=True):
            assert answer.status in {200, 404, 503}, path
            assert seconds < PAGE_SECONDS, (path, seconds)


def is_trouble(answer: Answer) -> None:
    said = answer.json(503)
    assert said["error"]
    assert said["hint"]
    assert int(answer.headers["Retry-After"]) > 0


def test_a_stopped_engine_is_said_and_comes_back(lone: Lone) -> None:
    lone.visitor.get(VOLUMES)
    lone.stop()
    for path in TRUTHS:
        answer, seconds = timed(lambda path=path: lone.api.get(path))
        is_trouble(answer)
        assert seconds < PAGE_SECONDS, path
    is_trouble(lone.api.post(VOLUMES, {"name": "new"}))
    is_trouble(lone.api.delete(f"{VOLUMES}/kept"))
    is_trouble(lone.api.post("/e/default/containers", {"image": "debian", "mounts": ["kept:/data"]}))
    for path in PAGES:
        answer, seconds = timed(lambda path=path: lone.visitor.get(path))
        assert answer.status in {200, 503}, path
        assert seconds < PAGE_SECONDS, path
    page = lone.visitor.get(VOLUMES)
    assert page.status == 503
    assert "kept" in page.text
    assert "can&#39;t be reached" in page.text
    form = lone.htmx.form(VOLUMES, {"name": "typed-name", "labels_key": "colour", "labels_value": "dark blue"})
    assert form.status == 503
    for text in ("typed-name", "colour", "dark blue", "can&#39;t be reached"):
        assert text in form.text, text
    launch = {"image": "typed/image", "name": "typed-name", "mounts-0-source": "kept", "mounts-0-target": "/typed"}
    form = lone.htmx.form("/e/default/containers", launch)
    assert form.status == 503
    for text in ("typed/image", "typed-name", "/typed", "can&#39;t be reached"):
        assert text in form.text, text
    lone.start()
    began = time.monotonic()
    wait_until(lambda: lone.api.get(VOLUMES).status == 200, seconds=RECOVERY_SECONDS)
    wait_until(lambda: lone.visitor.get(VOLUMES).status == 200, seconds=RECOVERY_SECONDS)
    wait_until(lambda: lone.api.get("/e/default/status").json()["connected"], seconds=RECOVERY_SECONDS)
    assert time.monotonic() - began < RECOVERY_SECONDS
    assert [each["name"] for each in lone.api.get(VOLUMES).json()["volumes"]] == ["kept"]


def test_open_pages_are_told_of_loss_and_return(lone: Lone) -> None:
    with lone.visitor.open("GET", "/e/default/events", seconds=30) as stream:
        assert stream.readline() == b"event: hello\n"
        lone.api.request("POST", f"{VOLUMES}/-/sizes")
        wait_until(lambda: lone.api.get("/e/default/status").json()["connected"])
        lone.stop()
        assert _next(stream, b"lost")
        lone.start()
        began = time.monotonic()
        assert _next(stream, b"found")
        assert time.monotonic() - began < RECOVERY_SECONDS


def test_a_frozen_engine_freezes_nothing_else(lone: Lone) -> None:
    lone.visitor.get(VOLUMES)
    with lone.frozen():
        pages_answer(lone.visitor)
        pages_answer(lone.htmx)
        assert "kept" in lone.visitor.get(VOLUMES).text
        with ThreadPoolExecutor(len(TRUTHS)) as together:
            for answer, seconds in together.map(lambda path: timed(lambda: lone.api.get(path)), TRUTHS):
                is_trouble(answer)
                assert seconds < SCRIPT_SECONDS
        answer, seconds = timed(lambda: lone.htmx.form(VOLUMES, {"name": "typed-name"}))
        assert answer.status == 503
        assert "typed-name" in answer.text
    wait_until(lambda: lone.api.get(VOLUMES).status == 200, seconds=RECOVERY_SECONDS)
    wait_until(lambda: lone.visitor.get(VOLUMES).status == 200, seconds=RECOVERY_SECONDS)
    wait_until(lambda: lone.api.get(f"{VOLUMES}/kept").status == 200, seconds=RECOVERY_SECONDS)


def test_an_engine_frozen_before_anyone_asked_it(lone: Lone) -> None:
    """Nothing is known yet: neither what it is nor what it holds."""
    settings = Settings(
        data_dir=lone.folder / "second",
        token=TOKEN,
        engine=lone.engine.address("default").url,
        open_browser=False,
        start_folder=lone.folder,
        home_folder=lone.folder,
        docker=DockerEnvironment(config_folder=lone.folder / ".docker"),
        display=False,
    )
    with lone.frozen(), served(settings) as port:
        pages_answer(http_client.visitor(port, TOKEN))


def _next(stream: object, action: bytes) -> bool:
    while line := stream.readline():  # type: ignore[attr-defined]
        if b'"action": "' + action + b'"' in line:
            return True
    return False
