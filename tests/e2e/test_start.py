"""The program itself: one command, an address to open, and nothing left when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from tests.conftest import TOKEN
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


class App:
    """A running app.py with a home of its own, speaking to the engine given."""

    def __init__(self, home: Path, *options: str, **environment: str) -> None:
        self.data = home / "data"
        self.errors = home / "errors"
        variables = {"HOME": str(home), "PATH": os.environ["PATH"], "DEMIJOHN_TOKEN": TOKEN, **environment}
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "app.py", "--port", "0", "--data-dir", str(self.data), *options],
                cwd=ROOT,
                env=variables,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )

    def address(self) -> str:
        """The address it prints, token included."""
        line = self._output().readline()
        found = re.fullmatch(r"Demijohn is at (http://127\.0\.0\.1:\d+/\?token=\S+)\n", line)
        assert found, line + self.errors.read_text()
        return found[1]

    def origin(self) -> str:
        return self.address().partition("/?")[0]

    def lines_until(self, text: str) -> str:
        """What it prints up to and with the line that has `text` in it."""
        lines = []
        for line in self._output():
            lines.append(line)
            if text in line:
                return "".join(lines)
        raise AssertionError("".join(lines) + self.errors.read_text())

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal, and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.stop()
        self._output().close()

    def _output(self) -> object:
        assert self.process.stdout is not None
        return self.process.stdout


@pytest.fixture
def start(tmp_path: Path, engine_socket: str) -> Iterator[object]:
    """Starts the app with further options; all are stopped at the end."""
    started: list[App] = []

    def start(*options: str, engine: str = engine_socket, **environment: str) -> App:
        home = tmp_path / str(len(started))
        home.mkdir()
        started.append(App(home, "--engine", engine, *options, **environment))
        return started[-1]

    try:
        yield start
    finally:
        for app in started:
            app.close()


def read(url: str, **headers: str) -> tuple[int, str]:
    """Status and text, with cookies kept across redirects as a browser does."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    try:
        response = opener.open(urllib.request.Request(url, headers=headers), timeout=10)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        return response.status, response.read().decode()


def test_prints_an_address_that_lets_one_in(start) -> None:
    app = start()
    address = app.address()
    assert address.endswith(f"?token={TOKEN}")
    status, page = read(address)
    assert status == 200
    assert "<html" in page


def test_the_first_page_is_there_within_a_second_of_starting_python(start) -> None:
    began = time.monotonic()
    read(start().address())
    assert time.monotonic() - began < 3, "a second on an idle machine; tests share theirs"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stops_on_a_signal_with_open_event_streams(start, number: int) -> None:
    app = start()
    origin = app.origin()
    request = urllib.request.Request(f"{origin}/e/default/events", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as stream:
        began = time.monotonic()
        assert app.stop(number) == 0
        assert time.monotonic() - began < 5
        stream.read()
    assert "Traceback" not in app.errors.read_text()


def test_a_signal_that_comes_twice_at_once_still_stops_cleanly(start) -> None:
    app = start()
    app.address()
    app.process.send_signal(signal.SIGINT)
    assert app.stop(signal.SIGINT) == 0


def test_a_private_engine_is_announced_and_ends_with_the_app(start) -> None:
    app = start(engine="private")
    origin = app.origin()
    said = app.lines_until("start Demijohn again")
    assert "private engine" in said
    assert str(app.data / "engine" / "data") in said
    assert "systemctl" in said
    wait_until(lambda: volumes(origin) is not None, seconds=20)
    assert workers(app.data)
    app.process.send_signal(signal.SIGINT)
    assert app.stop(signal.SIGINT) == 0
    assert not workers(app.data)


def test_pages_are_served_while_the_private_engine_is_starting(start) -> None:
    _, page = read(start(engine="private").address())
    assert "<html" in page


def test_an_app_that_was_killed_leaves_an_engine_that_the_next_one_takes_over(start, tmp_path: Path) -> None:
    killed = start(engine="private")
    origin = killed.origin()
    wait_until(lambda: volumes(origin) is not None, seconds=20)
    killed.process.kill()
    killed.process.wait(10)
    assert workers(killed.data)
    heir = start("--data-dir", str(killed.data), engine="private")
    origin = heir.origin()
    wait_until(lambda: volumes(origin) is not None, seconds=20)
    assert heir.stop() == 0
    assert not workers(killed.data)


def test_an_engine_that_is_down_does_not_keep_the_app_from_starting(start) -> None:
    status, page = read(start(engine="unix:///nonexistent/docker.sock").address())
    assert status == 503
    assert "/nonexistent/docker.sock" in page


@pytest.mark.parametrize(
    ("options", "names", "status"),
    [
        (["--port", "eighty"], "--port", 2),
        (["--host", "0.0.0.0"], "--tls-certificate", 2),
        (["--engine", "no-such-context"], "--engine no-such-context", 2),
        (["--nonsense"], "--nonsense", 2),
        (["--data-dir", "/proc/demijohn"], "/proc/demijohn", 1),
    ],
)
def test_what_can_not_be_used_is_named_in_one_line(start, options: list[str], names: str, status: int) -> None:
    app = start(*options)
    assert app.process.wait(10) == status
    said = app.errors.read_text()
    assert names in said
    assert len(said.splitlines()) == 1


def test_a_port_that_is_taken_is_named(start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = start("--port", str(port))
        assert app.process.wait(10) == 1
    assert str(port) in app.errors.read_text()


def test_the_token_is_in_no_log_and_in_no_list_of_processes(start) -> None:
    app = start("--verbose")
    read(app.address())
    command = Path(f"/proc/{app.process.pid}/cmdline").read_text()
    app.stop()
    assert TOKEN not in command
    assert TOKEN not in app.errors.read_text()


def test_nothing_in_the_data_folder_is_open_to_others(start) -> None:
    app = start()
    app.address()
    assert app.data.stat().st_mode & 0o077 == 0


def volumes(origin: str) -> object:
    """The volumes the app lists, or None while it can't."""
    _, text = read(f"{origin}/e/default/volumes", Accept="application/json", Authorization=f"Bearer {TOKEN}")
    return json.loads(text).get("volumes")


def workers(folder: Path) -> list[str]:
    """The command lines of every process that works on the folder, but for the app's own."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in line and "app.py" not in line:
                found.append(line)
    return found
