"""Files in and out of a volume, beside the `docker` command that does the same, and the memory that this takes.

Times are printed and not judged: machines differ. Ratios and memory are, with room for a busy machine.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.bench.conftest import App, Docker
from tests.bench.table import Table, interleaved, timed
from tests.bench.volumes import Volume, fill_file, fill_tree
from tests.bench.wire import Wire

REPETITIONS = 3
MB = 10**6
GB = 10**9
FILE_BYTES = GB
TREE_FOLDERS, TREE_FILES, TREE_FILE_BYTES = 40, 50, 270_000
TREE_BYTES = TREE_FOLDERS * TREE_FILES * TREE_FILE_BYTES
SPARSE_BYTES = 10 * GB
ALLOCATED_BYTES = 4 * GB
UPLOADED_BYTES = 4 * GB
MOST_GROWTH = 64 * MB

COPY_OUT = "`docker cp CONTAINER:… - >/dev/null`"
COPY_TO_FILE = "`docker cp CONTAINER:… FILE`"
COPY_IN = "`docker cp FILE CONTAINER:…`"

_numbers = itertools.count()


def test_download(app: App, volume: Volume, docker: Docker, tmp_path: Path, table: Table) -> None:
    """To where nothing is kept, and to a file."""
    fill_file(volume.top / "big", FILE_BYTES)
    url, source = f"{volume.url}/download/big", f"{volume.holder}:/data/big"
    with closing(app.script()) as script:
        assert script.receive(url) == FILE_BYTES
        taken = interleaved(
            {
                COPY_OUT: lambda: timed(lambda: docker.run("cp", source, "-")),
                "download": lambda: timed(lambda: script.receive(url)),
                COPY_TO_FILE: lambda: filled(tmp_path, lambda new: docker.run("cp", source, new)),
                "to a file": lambda: filled(tmp_path, lambda new: download(script, url, new)),
            },
            REPETITIONS,
        )
    name = f"download of {FILE_BYTES / GB:g} GB"
    assert table.compare(name, taken, "download", COPY_OUT, goal="≤ 1.0×", size=FILE_BYTES) < 10
    name += " to a file"
    assert table.compare(name, taken, "to a file", COPY_TO_FILE, goal="≤ 1.0×", size=FILE_BYTES) < 10


def test_upload(app: App, volume: Volume, docker: Docker, tmp_path: Path, table: Table) -> None:
    """Under another name each time."""
    source, target = tmp_path / "source", f"{volume.holder}:/data"
    fill_file(source, FILE_BYTES)
    with closing(app.script()) as script:
        script.put(f"{volume.url}/files/first", [b"x"], 1)
        taken = interleaved(
            {
                COPY_IN: lambda: filled(volume.top, lambda new: docker.run("cp", source, f"{target}/{new.name}")),
                "upload": lambda: filled(
                    volume.top, lambda new: upload(script, f"{volume.url}/files/{new.name}", source)
                ),
            },
            REPETITIONS,
        )
    name = f"upload of {FILE_BYTES / GB:g} GB"
    assert table.compare(name, taken, "upload", COPY_IN, goal="≤ 1.0×", size=FILE_BYTES) < 10


def test_archives(app: App, volume: Volume, docker: Docker, table: Table) -> None:
    """Ordinary files, half of what is in each of them text."""
    fill_tree(volume.top / "tree", folders=TREE_FOLDERS, files=TREE_FILES, size=TREE_FILE_BYTES)
    url = f"{volume.url}/archive?path=tree&format="
    with closing(app.script()) as script:
        sizes = {kind: script.receive(url + kind) for kind in ("tar", "tar.zst", "tar.gz", "zip")}
        taken = interleaved(
            {
                COPY_OUT: lambda: timed(lambda: docker.run("cp", f"{volume.holder}:/data/tree", "-")),
                **{kind: lambda kind=kind: timed(lambda: script.receive(url + kind)) for kind in sizes},
            },
            REPETITIONS,
        )
    for kind, size in sizes.items():
        name = f"{TREE_BYTES / MB:.0f} MB in {TREE_FOLDERS * TREE_FILES:,} files as {kind} ({size / MB:.0f} MB)"
        assert table.compare(name, taken, kind, COPY_OUT, goal="≤ 1.0×", size=TREE_BYTES) < 20


@pytest.mark.parametrize("kind", ["file", "tar", "tar.zst", "tar.gz", "zip"])
def test_memory_of_a_download(kind: str, app: App, volume: Volume, table: Table) -> None:
    """One large file. Of holes tar sends nothing, so for it there are none."""
    sparse = kind in {"file", "zip"}
    size = SPARSE_BYTES if sparse else ALLOCATED_BYTES
    with (volume.top / "large").open("wb") as file:
        os.truncate(file.fileno(), size) if sparse else os.posix_fallocate(file.fileno(), 0, size)
    url = f"{volume.url}/download/large" if kind == "file" else f"{volume.url}/archive?path=large&format={kind}"
    with closing(app.script()) as script:
        assert script.get(f"{volume.url}/files").status == 200
        with measured_growth(app, f"memory: download of {size / GB:g} GB as {kind}", table):
            received = script.receive(url)
    assert received >= (size if kind in {"file", "tar"} else 1)


def test_memory_of_an_upload(app: App, volume: Volume, table: Table) -> None:
    with closing(app.script()) as script:
        assert script.get(f"{volume.url}/files").status == 200
        with measured_growth(app, f"memory: upload of {UPLOADED_BYTES / GB:g} GB", table):
            script.put(f"{volume.url}/files/large", itertools.repeat(bytes(MB), UPLOADED_BYTES // MB), UPLOADED_BYTES)
    assert (volume.top / "large").stat().st_size == UPLOADED_BYTES


def filled(folder: Path, fill: Callable[[Path], object]) -> float:
    """Seconds that it takes to fill a file that was never there before. It is gone afterwards."""
    new = folder / f"new-{next(_numbers)}"
    seconds = timed(lambda: fill(new))
    assert new.stat().st_size == FILE_BYTES
    new.unlink()
    return seconds


def download(script: Wire, url: str, target: Path) -> None:
    with target.open("wb", buffering=0) as file:
        script.receive(url, file.write)


def upload(script: Wire, url: str, source: Path) -> None:
    with source.open("rb") as file:
        script.put(url, file, FILE_BYTES)


@contextmanager
def measured_growth(app: App, work: str, table: Table) -> Iterator[None]:
    """By how much more memory than before the app has at most meanwhile."""
    before = app.memory()
    app.forget_most_memory()
    began = time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    grown = app.most_memory() - before
    table.add(work, f"{grown / MB:.0f} MB more, {seconds:.0f} s", f"{before / MB:.0f} MB before", "", "< 64 MB more")
    assert grown < MOST_GROWTH
