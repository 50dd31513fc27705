"""What is large flows through: it is kept neither in the app's memory nor on its disk."""

from __future__ import annotations

import hashlib
import http.client
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import TOKEN
from tests.e2e.program import Program
from tests.engine import golden_tree
from webui.engine.connection import Engine

MIB = 1024 * 1024
GIB = 1024 * MIB
MOST_GROWTH = 64 * MIB
PIECE = os.urandom(MIB)


class App:
    """The app in a process of its own, what it takes of memory and what it writes to disks."""

    def __init__(self, program: Program) -> None:
        self.port = int(program.origin.rpartition(":")[2])
        self._proc = Path("/proc") / str(program._process.pid)

    def start_watching(self) -> None:
        """From now on count the memory it takes at most, and the bytes it writes."""
        (self._proc / "clear_refs").write_text("5")
        self._memory, self._written = self._memory_now("VmRSS"), self._bytes_written()

    def growth(self) -> int:
        """How much more memory it took at most."""
        return self._memory_now("VmHWM") - self._memory

    def written(self) -> int:
        """How many bytes it wrote to files of its own, deleted ones too."""
        return self._bytes_written() - self._written

    def send(self, method: str, address: str, pieces: Iterator[bytes], size: int, **headers: str) -> bytes:
        """Send a body that exists nowhere as a whole; what is answered with success."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)) as connection:
            own = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json", "Content-Length": str(size)}
            more = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, address, pieces, own | more)
            response = connection.getresponse()
            body = response.read()
            assert response.status in {200, 201}, body
            return body

    def receive(self, address: str) -> tuple[int, str]:
        """Read a body; its size and its SHA-256."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)) as connection:
            connection.request("GET", address, headers={"Authorization": f"Bearer {TOKEN}"})
            response = connection.getresponse()
            assert response.status == 200
            size, digest = 0, hashlib.sha256()
            while piece := response.read(MIB):
                size += len(piece)
                digest.update(piece)
            return size, digest.hexdigest()

    def _memory_now(self, field: str) -> int:
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(field)

    def _bytes_written(self) -> int:
        for line in (self._proc / "io").read_text().splitlines():
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
        raise AssertionError("write_bytes")


@pytest.fixture(scope="module")
def app(engine_socket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    program = Program(tmp_path_factory.mktemp("large"), engine_socket)
    try:
        yield App(program)
    finally:
        assert program.stop() == 0


@pytest.fixture
def top(engine: Engine, prefix: str, small_image: str, app: App) -> Iterator[Path]:
    """The top folder of a volume that was looked into already."""
    found = Path(engine.api.create_volume(prefix)["Mountpoint"])
    app.send("PUT", f"/e/default/volumes/{prefix}/files/small", iter([PIECE, PIECE]), 2 * MIB)
    app.receive(f"/e/default/volumes/{prefix}/download/small")
    yield found
    golden_tree.remove(found)


@pytest.fixture
def url(prefix: str) -> str:
    return f"/e/default/volumes/{prefix}"


def repeated(size: int) -> Iterator[bytes]:
    """So many bytes, a multiple of a MiB."""
    return (PIECE for _ in range(size // MIB))


def digest_of(pieces: Iterator[bytes]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_a_download(app: App, top: Path, url: str) -> None:
    with (top / "large").open("wb") as file:
        file.truncate(GIB)
        file.seek(GIB // 2)
        file.write(PIECE)
    expected = digest_of_file(top / "large")
    app.start_watching()
    assert app.receive(f"{url}/download/large") == (GIB, expected)
    assert app.growth() < MOST_GROWTH
    assert app.written() < MIB


def test_an_upload(app: App, top: Path, url: str) -> None:
    size = 2 * GIB
    expected = digest_of(repeated(size))
    app.start_watching()
    app.send("PUT", f"{url}/files/large", repeated(size), size)
    assert app.growth() < MOST_GROWTH
    assert app.written() < MIB
    assert digest_of_file(top / "large") == expected


def test_an_upload_by_a_form(app: App, top: Path, url: str) -> None:
    size = GIB // 2
    head = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="large"\r\n\r\n'
    tail = b"\r\n--limit--\r\n"

    def body() -> Iterator[bytes]:
        yield head
        yield from repeated(size)
        yield tail

    app.start_watching()
    content_type = "multipart/form-data; boundary=limit"
    app.send("POST", f"{url}/upload", body(), len(head) + size + len(tail), Content_Type=content_type)
    assert app.growth() < MOST_GROWTH
    assert app.written() < MIB
    assert digest_of_file(top / "large") == digest_of(repeated(size))


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_out(app: App, top: Path, url: str, kind: str) -> None:
    with (top / "large").open("wb") as file:
        for piece in repeated(GIB // 4):
            file.write(piece)
    app.start_watching()
    size, _ = app.receive(f"{url}/archive?format={kind}")
    assert size > GIB // 4
    assert app.growth() < MOST_GROWTH
    assert app.written() < MIB


def packed_as_tar(size: int) -> tuple[Callable[[], Iterator[bytes]], int]:
    entry = tarfile.TarInfo("large")
    entry.size = size
    head, tail = entry.tobuf(), bytes(1024)

    def pieces() -> Iterator[bytes]:
        yield head
        yield from repeated(size)
        yield tail

    return pieces, len(head) + size + len(tail)


def test_an_archive_in(app: App, top: Path, url: str) -> None:
    size = GIB
    pieces, length = packed_as_tar(size)
    app.start_watching()
    app.send("POST", f"{url}/import", pieces(), length)
    assert app.growth() < MOST_GROWTH
    assert app.written() < MIB
    assert digest_of_file(top / "large") == digest_of(repeated(size))


def test_a_zip_in(app: App, top: Path, url: str) -> None:
    """As large as nobody could have put it together in memory: it is one that the app itself makes."""
    with (top / "large").open("wb") as file:
        for piece in repeated(GIB // 4):
            file.write(piece)
    with closing(http.client.HTTPConnection("127.0.0.1", app.port, timeout=300)) as connection:
        connection.request("GET", f"{url}/archive?format=zip", headers={"Authorization": f"Bearer {TOKEN}"})
        archive = connection.getresponse().read()
    (top / "large").unlink()
    (top / "small").unlink()
    app.start_watching()
    app.send("POST", f"{url}/import", iter([archive]), len(archive))
    assert app.growth() < MOST_GROWTH
    assert app.written() < MIB
    assert digest_of_file(top / "large") == digest_of(repeated(GIB // 4))
