"""A real image registry on this machine, something to put into it, and a slow road to it."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.waiting import wait_until
from webui.engine.connection import Engine

PROGRAM = Path(__file__).parents[2] / ".cache/registry/usr/bin/docker-registry"
LAYER_BYTES = 3_000_000
LAYERS = 4
ACCOUNT = ("reader", "open sesame")
PASSWORDS = "reader:$2b$04$4gjBZAcVxetkoQyY/N/O2emym89GWUiDcHhMLNvKYNj6fvEGPL0Y6\n"


class Registry:
    """A running registry. `host` is what an image's name begins with."""

    def __init__(self, folder: Path, *, private: bool = False) -> None:
        if not PROGRAM.exists():
            pytest.fail(f"{PROGRAM} is missing: `make test` fetches it.")
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        configuration = folder / "registry.yml"
        configuration.write_text(_configuration(folder, self.port, private=private))
        with (folder / "registry.log").open("wb") as log:
            self._process = subprocess.Popen([PROGRAM, "serve", configuration], stdout=log, stderr=log)
        wait_until(self._answers)

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.host}/v2/"):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


class SlowRoad:
    """Forwards connections to a port, `rate` bytes a second each; with a rate of 0 nothing comes back."""

    def __init__(self, port: int, rate: int) -> None:
        self._target = port
        self.rate = rate
        self.open = 0
        self.carried = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those that are open end with their sides."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            with self._lock:
                self.open += 1
            threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, slow: bool) -> None:
        try:
            # Either end may close at any time, a cancelled pull does: then there is nothing left to carry.
            with suppress(OSError):
                while data := source.recv(16_384):
                    if slow:
                        self._toll(len(data))
                    target.sendall(data)
        finally:
            for end in (source, target):
                with closing(end):
                    _shut(end)
            if slow:
                with self._lock:
                    self.open -= 1

    def _toll(self, size: int) -> None:
        while not self.rate:
            time.sleep(0.02)
        time.sleep(size / self.rate)
        with self._lock:
            self.carried += size


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that anybody may read."""
    with closing(Registry(tmp_path_factory.mktemp("registry"))) as running:
        yield running


@contextmanager
def slow_road(registry: Registry, rate: int) -> Iterator[SlowRoad]:
    """A road to the registry that carries `rate` bytes a second and connection; free at the end."""
    road = SlowRoad(registry.port, rate)
    try:
        yield road
    finally:
        road.rate = 1_000_000_000
        road.close()


def publish(engine: Engine, base: str, name: str, *, layers: int = LAYERS) -> None:
    """Put an image of `base` and `layers` layers that don't compress into a registry, and not keep it locally."""
    api = engine.api
    try:
        api.tag(base, name)
        for number in range(layers):
            container = api.create_container(name, command=["true"])["Id"]
            try:
                api.put_archive(container, "/", _ballast(number))
                api.commit(container, repository=name)
            finally:
                api.remove_container(container)
        answers = list(api.push(name, stream=True, decode=True))
        assert not [answer for answer in answers if "error" in answer], answers[-1]
    finally:
        api.remove_image(name)


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


def _ballast(number: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(f"ballast-{number}")
        entry.size = LAYER_BYTES
        archive.addfile(entry, io.BytesIO(os.urandom(LAYER_BYTES)))
    return packed.getvalue()


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _configuration(folder: Path, port: int, *, private: bool) -> str:
    (folder / "passwords").write_text(PASSWORDS)
    lines = [
        "version: 0.1",
        f"storage: {{filesystem: {{rootdirectory: {folder}}}}}",
        f"http: {{addr: 127.0.0.1:{port}}}",
    ]
    if private:
        lines.append(f"auth: {{htpasswd: {{realm: private, path: {folder / 'passwords'}}}}}")
    return "\n".join(lines) + "\n"
