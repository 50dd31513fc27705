"""Real rclone in the part of a volume driver and in the part of an S3 server, both for the run's engine alone.

`from tests.engine.rclone_servers import cloud, rclone_driver` makes the fixtures known to a test module:
`rclone_driver` is the driver, unmanaged as https://rclone.org/docker/ has it, under a name of its own; `cloud` is the
server on a folder, in which each bucket is a folder.
"""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.waiting import wait_until

PROGRAM = Path(sys.executable).parent / "rclone"
SOCKETS = Path("/run/docker/plugins")
KEY, SECRET = "AKTESTKEY0001", "test/secret+key:with=signs"


class RcloneDriver:
    """The driver while it runs. `name` is what volumes name it, `log` what it has said."""

    def __init__(self, folder: Path) -> None:
        if not shutil.which("fusermount3"):
            pytest.fail("fusermount3 is missing: `make test` installs fuse3.")
        self.name = f"rclone-t{secrets.token_hex(4)}"
        self.folder = folder
        self._log = folder / "driver.log"
        self._socket = SOCKETS / f"{self.name}.sock"
        self.start()

    def start(self) -> None:
        """Start it, once it was stopped, with all that it knew."""
        SOCKETS.mkdir(parents=True, exist_ok=True)
        (self.folder / "base").mkdir(exist_ok=True)
        command = [PROGRAM, "serve", "docker", "--config", self.folder / "rclone.conf", "--socket-addr", self._socket]
        command += ["--base-dir", self.folder / "base", "--cache-dir", self.folder / "cache", "--verbose"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._listens)

    def stop(self) -> None:
        """Stop it; what it has mounted is unmounted by it."""
        self._process.terminate()
        self._process.wait()
        self._socket.unlink(missing_ok=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It accepts connections and answers none."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it for good, and take away what it left mounted."""
        self.stop()
        for line in Path("/proc/self/mounts").read_text().splitlines():
            mounted = line.split()[1]
            if mounted.startswith(f"{self.folder}/"):
                subprocess.run(["fusermount3", "-u", "-z", mounted], check=False)

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text()

    def volumes(self) -> list[str]:
        """The names of those it keeps."""
        state = self.folder / "cache" / "docker-plugin.state"
        return [each["name"] for each in json.loads(state.read_text())] if state.exists() else []

    def _listens(self) -> bool:
        with closing(socket.socket(socket.AF_UNIX)) as client, suppress(OSError):
            client.connect(str(self._socket))
            return True
        return False


class Cloud:
    """The S3 server; `buckets` is the folder that it serves."""

    def __init__(self, folder: Path) -> None:
        self.buckets = folder
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self.start()

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, at the same address each time."""
        command = [PROGRAM, "serve", "s3", "--addr", f"127.0.0.1:{self.port}", "--auth-key", f"{KEY},{SECRET}"]
        self._process = subprocess.Popen([*command, self.buckets], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._listens)

    def stop(self) -> None:
        """Stop it: connections are refused from then on."""
        self._process.terminate()
        self._process.wait()

    def new_bucket(self) -> str:
        """The name of an empty bucket."""
        name = f"bucket-{secrets.token_hex(4)}"
        (self.buckets / name).mkdir()
        return name

    def holds(self, bucket: str) -> dict[str, bytes]:
        """What lies in a bucket, by its path there."""
        top = self.buckets / bucket
        return {str(each.relative_to(top)): each.read_bytes() for each in sorted(top.rglob("*")) if each.is_file()}

    def fields(self, bucket: str, **more: object) -> dict[str, object]:
        """What one says of a bucket in the form for a new volume."""
        return {
            **{"provider": "Other", "endpoint": self.endpoint, "bucket": bucket},
            **{"access_key_id": KEY, "secret_access_key": SECRET, **more},
        }

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


@pytest.fixture(scope="session")
def rclone_driver(engine_socket: str) -> Iterator[RcloneDriver]:
    """rclone as a volume driver of the run's engine."""
    folder = Path(tempfile.mkdtemp(prefix="demijohn-rclone-"))
    driver = RcloneDriver(folder)
    try:
        yield driver
        assert not driver.volumes(), "a test has left volumes behind"
    finally:
        driver.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An S3 server of the test's own."""
    server = Cloud(tmp_path_factory.mktemp("cloud"))
    try:
        yield server
    finally:
        server.stop()
