"""A private engine to fill, the app on it in a process of its own, and the table of what was measured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bench.filling import fill
from tests.bench.table import Table
from tests.bench.wire import Wire
from tests.conftest import TOKEN
from tests.proxy import CountingProxy

ROOT = Path(__file__).resolve().parents[2]


class App:
    """A running app.py; `started` is how long it took until it printed its address, in seconds."""

    def __init__(self, home: Path, engine: str) -> None:
        self._errors = (home / "errors").open("w+")
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "app.py", "--port", "0", "--no-browser", f"--data-dir={home}/data", f"--engine={engine}"],
            cwd=ROOT,
            env={"HOME": str(home), "PATH": os.environ["PATH"], "DEMIJOHN_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        assert self.process.stdout is not None
        self.began = began
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self.process.stdout.readline())
        assert found, (home / "errors").read_text()
        self.port = int(found[1])

    def wire(self, **headers: str) -> Wire:
        """A connection that speaks as a signed-in page does."""
        accept = {"Accept": "text/html", "Accept_Encoding": "gzip", **headers}
        return Wire(self.port, Host=f"127.0.0.1:{self.port}", Authorization=f"Bearer {TOKEN}", **accept)

    def processor_seconds(self) -> float:
        """Seconds of processor time the process has used so far, its threads included."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()
        self._errors.close()


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """What was measured; printed at the end, to be pasted into the README."""
    table = Table()
    yield table
    sys.stdout.write(f"\n\n{table.markdown()}\n\n")


@pytest.fixture(scope="session")
def socket_path(engine_socket: str) -> str:
    """The engine's socket."""
    return engine_socket.removeprefix("unix://")


@pytest.fixture(scope="session")
def proxy(socket_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountingProxy]:
    """Counts what the app asks the engine."""
    with closing(CountingProxy(tmp_path_factory.mktemp("proxy") / "engine.sock", socket_path)) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def engine_wire(socket_path: str) -> Iterator[Wire]:
    """The engine itself, without the app: the peer of every row."""
    with closing(Wire(socket_path)) as wire:
        yield wire


@pytest.fixture(scope="session", params=[1_000, 10_000], ids=lambda many: f"{many}-volumes")
def many(request: pytest.FixtureRequest, socket_path: str, small_image: str) -> int:
    """The engine holds so many volumes now: first a thousand, then ten thousand."""
    first = 0 if request.param == 1_000 else 1_000
    fill(socket_path, small_image, first=first, last=request.param)
    return int(request.param)


@pytest.fixture
def app(tmp_path: Path, engine_socket: str) -> Iterator[App]:
    """The app, on the filled engine."""
    with closing(App(tmp_path, engine_socket)) as app:
        yield app


@pytest.fixture
def watched_app(tmp_path: Path, proxy: CountingProxy) -> Iterator[App]:
    """The app, on the filled engine through the proxy that counts."""
    with closing(App(tmp_path, f"unix://{proxy.path}")) as app:
        yield app
