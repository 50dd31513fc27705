"""A real browser before the real program on the run's engine. A test fails on anything the browser complains about."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, WebError, expect

from tests.e2e.mortal import Mortal
from tests.e2e.program import Program

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
REPLACED = re.compile(r"htmx:(sendAbort|afterRequest), ")
"""htmx calls it an error when a newer request takes the place of one under way, as every letter typed into a search does."""

PATIENCE_MS = 10_000

expect.set_options(timeout=PATIENCE_MS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--screenshots FOLDER`: write the README's pictures there."""
    parser.addoption("--screenshots", type=Path, metavar="FOLDER", help="write the README's pictures into this folder")


def pytest_configure(config: pytest.Config) -> None:
    """Pictures of failures go to test-results/, unless told otherwise."""
    config.addinivalue_line("markers", "answers(*statuses): HTTP errors the test means to provoke")
    if config.option.screenshot == "off":
        config.option.screenshot = "only-on-failure"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is an end-to-end test."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium, quiet on the network."""
    return {"executable_path": CHROMIUM, "args": list(FLAGS)}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A desktop window."""
    return {**browser_context_args, "viewport": DESKTOP, "permissions": ["clipboard-read", "clipboard-write"]}


@pytest.fixture(scope="session")
def program(engine_socket: str) -> Iterator[Program]:
    """The program on the run's engine, for all tests that need no engine of their own."""
    with_short_name = Path(tempfile.mkdtemp(prefix="demijohn-e2e-"))
    program = Program(with_short_name, engine_socket)
    try:
        yield program
    finally:
        status = program.stop()
        said = program.errors.read_text()
        shutil.rmtree(with_short_name)
        assert status == 0
        assert "Traceback" not in said, said


@pytest.fixture(scope="session")
def base_url(program: Program) -> str:
    """Where relative addresses lead."""
    return program.origin


@pytest.fixture
def complaints(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """What browsers complained about: errors of scripts, of the console and of the content security policy, and dialogs.

    A response with a status named in the test's `answers` mark is no complaint.
    """
    mark = request.node.get_closest_marker("answers")
    meant = [str(status) for status in mark.args] if mark else []
    found: list[str] = []
    yield found
    unexpected = [text for text in found if not any(re.search(rf"\b{status}\b", text) for status in meant)]
    assert not unexpected, "\n".join(unexpected)


@pytest.fixture
def new_context(new_context: Callable[..., BrowserContext], complaints: list[str]) -> Callable[..., BrowserContext]:
    """Makes browser contexts that are listened to."""

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not REPLACED.match(message.text):
            complaints.append(f"{message.type} on {message.page.url if message.page else '?'}: {message.text}")

    def refused(dialog: Dialog) -> None:
        complaints.append(f"a script opened a dialog: {dialog.message}")
        dialog.dismiss()

    def failed(error: WebError) -> None:
        complaints.append(f"a script failed: {error.error}")

    def make(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", heard)
        context.on("weberror", failed)
        context.on("dialog", refused)
        return context

    return make


@pytest.fixture
def page(page: Page, program: Program) -> Page:
    """An empty page that is signed in."""
    page.context.request.get(program.address)
    return page


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: an engine's sockets have to fit."""
    folder = Path(tempfile.mkdtemp(prefix="demijohn-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def mortal(folder: Path) -> Iterator[Mortal]:
    """An engine of the test's own, with nothing in it."""
    engine = Mortal(folder / "engine")
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def own_program(folder: Path, mortal: Mortal) -> Iterator[Program]:
    """The program on the test's own engine."""
    program = Program(folder / "program", mortal.address.url)
    try:
        yield program
    finally:
        assert program.stop() == 0


@pytest.fixture
def own_docker(mortal: Mortal) -> Callable[..., str]:
    """The docker command on the test's own engine."""
    return docker_command(mortal.address.url)


@pytest.fixture(scope="session")
def docker(engine_socket: str) -> Callable[..., str]:
    """The docker command on the run's engine: takes its arguments, returns what it printed."""
    return docker_command(engine_socket)


def docker_command(engine_socket: str) -> Callable[..., str]:
    """The docker command on some engine."""

    def docker(*arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DOCKER_HOST": engine_socket}
        done = subprocess.run(["docker", *arguments], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return docker
