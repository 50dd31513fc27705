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
from subprocess import DEVNULL, PIPE

import pytest

from tests.bench.filling import fill
from tests.bench.table import Table
from tests.bench.volumes import Volume, new_volume
from tests.bench.wire import Wire
from tests.conftest import SMALL_IMAGE, TOKEN
from tests.proxy import CountingProxy
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
VOLUMES = "/e/default/volumes"


class App:
    """A running app.py; `started` is how long it took until it printed its address, in seconds."""

    def __init__(self, home: Path, engine: str) -> None:
        self._errors = (home / "errors").open("w+")
        options = ["--port=0", "--no-browser", f"--data-dir={home}/data", f"--helper-image={SMALL_IMAGE}"]
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "app.py", *options, f"--engine={engine}"],
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

    def script(self) -> Wire:
        """A connection that speaks as a script does: it wants JSON, and that as it is."""
        return self.wire(Accept="application/json", Accept_Encoding="identity")

    def processor_seconds(self) -> float:
        """Seconds of processor time the process has used so far, its threads included."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes of memory it has now."""
        return self._memory("VmRSS")

    def most_memory(self) -> int:
        """Bytes of memory it had at most since `forget_most_memory`."""
        return self._memory("VmHWM")

    def forget_most_memory(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()
        self._errors.close()

    def _memory(self, field: str) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition(f"{field}:")[2].split()[0]) * 1024


def settle(page: Wire) -> None:
    """Wait until the app reads the engine's events, so that it knows that what it knows still holds."""

    def is_known() -> bool:
        page.get(VOLUMES)
        return "connected" in page.get("/e/default/status", Accept="application/json").body.decode()

    wait_until(is_known)
    time.sleep(1)
    page.get(VOLUMES)


class Docker:
    """The `docker` command, on the run's engine."""

    def __init__(self, home: Path, engine: str) -> None:
        self._environment = {"DOCKER_HOST": engine, "HOME": str(home), "PATH": os.environ["PATH"]}

    def run(self, *words: str | Path) -> None:
        """Run it and throw away what it prints."""
        done = subprocess.run(["docker", *words], env=self._environment, stdout=DEVNULL, stderr=PIPE, check=False)
        assert done.returncode == 0, done.stderr.decode()


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
def volume(engine_wire: Wire, small_image: str) -> Iterator[Volume]:
    """A volume with nothing in it yet, and a running container that has it."""
    with new_volume(engine_wire, "bench-files", small_image) as made:
        yield made


@pytest.fixture
def docker(tmp_path: Path, engine_socket: str) -> Docker:
    """What a person would do it with."""
    return Docker(tmp_path, engine_socket)


@pytest.fixture
def app(tmp_path: Path, engine_socket: str, small_image: str) -> Iterator[App]:
    """The app, on the filled engine."""
    with closing(App(tmp_path, engine_socket)) as app:
        yield app


@pytest.fixture
def watched_app(tmp_path: Path, proxy: CountingProxy, small_image: str) -> Iterator[App]:
    """The app, on the filled engine through the proxy that counts."""
    with closing(App(tmp_path, f"unix://{proxy.path}")) as app:
        yield app
