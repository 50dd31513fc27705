"""What comes in and breaks off, fills the volume or loses its engine: the original stays, and nothing else is left."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import SMALL_IMAGE, TOKEN
from tests.e2e.mortal import Mortal
from tests.engine import golden_tree
from tests.engine.looking_inside import Volume, helpers, lasting, opened, path
from tests.waiting import wait_until
from webui.engine.changes import BY_SESSION, Changes
from webui.engine.connection import Engine, Engines
from webui.engine.files import Files
from webui.engine.inside import Inside
from webui.engine.session import SessionLostError
from webui.engine.tools_image import make_tools_image
from webui.errors import ConflictError, DemijohnError, InvalidInputError
from webui.settings import Settings

CUTS = 50
"""Of each way in there are so many, at places chosen anew in each run."""
FILE = path("file")
ORIGINAL = os.urandom(300_000)
LARGE = 3 * BY_SESSION


class BrokenOffError(Exception):
    """Stands for whatever the server raises when a browser goes away."""


@pytest.fixture(scope="module")
def _volume(engine_socket: str, small_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Volume]:
    with lasting(engine_socket, small_image, tmp_path_factory.mktemp("app"), "test-upload-faults") as made:
        yield made


@pytest.fixture
def volume(_volume: Volume) -> Iterator[Volume]:
    """A volume with the original in it."""
    golden_tree.write(_volume.root / "file", ORIGINAL)
    try:
        yield _volume
    finally:
        golden_tree.remove(_volume.root)


def untouched(volume: Volume) -> bool:
    """Whether there is the original and nothing else."""
    names = [each.name for each in volume.root.iterdir()]
    return names == ["file"] and digest((volume.root / "file").read_bytes()) == digest(ORIGINAL)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def cut_off(size: int, error: Exception | None) -> Iterator[bytes]:
    """So many bytes, then the error, or just no more."""
    while size > 0:
        yield bytes(min(size, 50_000))
        size -= 50_000
    if error is not None:
        raise error


@pytest.mark.parametrize("size", [900_000, None, LARGE], ids=["small", "unknown", "large"])
@pytest.mark.parametrize(
    "error",
    [BrokenOffError("gone"), ConnectionResetError(104, "reset"), TimeoutError("slow"), SessionLostError()],
    ids=lambda error: type(error).__name__,
)
def test_the_reason_why_it_broke_off_is_passed_on(volume: Volume, size: int | None, error: Exception) -> None:
    """What is copied from elsewhere may break off because the helper there is gone: that is no reason of this one."""
    with pytest.raises(type(error)) as raised:
        volume.changes.put(FILE, cut_off(123_456, error), size)
    assert raised.value is error
    assert untouched(volume)


@pytest.mark.parametrize("size", [900_000, LARGE], ids=["small", "large"])
def test_an_upload_cut_anywhere_leaves_the_original_as_it_was(volume: Volume, size: int) -> None:
    chance = random.Random()
    for number in range(CUTS):
        cut = chance.randrange(size)
        error = BrokenOffError() if number % 2 else None
        with pytest.raises(BrokenOffError if error else InvalidInputError):
            volume.changes.put(path("new") if number % 4 > 2 else FILE, cut_off(cut, error), size)
        assert untouched(volume), f"cut at {cut}"
    assert volume.changes.put(FILE, [b"whole"], 5) is not None


def test_uploads_that_break_off_do_not_disturb_one_that_goes_on(volume: Volume) -> None:
    going_on, over = threading.Event(), threading.Event()

    def slow() -> Iterator[bytes]:
        yield bytes(BY_SESSION)
        going_on.set()
        assert over.wait(60)
        yield bytes(BY_SESSION)

    with ThreadPoolExecutor(2) as pool:
        large = pool.submit(volume.changes.put, path("large"), slow(), 2 * BY_SESSION)
        assert going_on.wait(30)
        small = pool.submit(volume.changes.put, path("small"), slow())
        for size in (900_000, LARGE):
            with pytest.raises(BrokenOffError):
                volume.changes.put(FILE, cut_off(10, BrokenOffError()), size)
        over.set()
        for going in (large, small):
            assert going.result(60)
    assert sorted(each.name for each in volume.root.iterdir()) == ["file", "large", "small"]


@pytest.mark.parametrize("size", [BY_SESSION, None, LARGE], ids=["small", "unknown", "large"])
def test_a_full_volume_says_so_and_keeps_the_original(
    engine: Engine, small_image: str, prefix: str, size: int | None
) -> None:
    tmpfs = {"type": "tmpfs", "device": "tmpfs", "o": "size=2m"}
    with opened(engine, small_image, f"{prefix}-full", options=tmpfs) as volume:
        volume.changes.put(FILE, [ORIGINAL])  # it is mounted as long as a helper has it
        volume.changes.put(path("filler"), [bytes(1_000_000)])
        for _ in range(3):
            with pytest.raises(ConflictError, match=f"volume {prefix}-full is full"):
                volume.changes.put(FILE, cut_off(size or LARGE, None), size)
        assert untouched_but(volume, "filler")
        for number in range(10):
            volume.changes.put(path(f"small-{number}"), [bytes(1000)])
            volume.changes.delete(path(f"small-{number}"))
        with pytest.raises(ConflictError, match="is full"):
            volume.changes.copy(path("filler"), path("copy"))
        assert untouched_but(volume, "filler")


def untouched_but(volume: Volume, *others: str) -> bool:
    """Whether there is the original and the others and nothing else."""
    names = sorted(each.name for each in volume.root.iterdir())
    return names == sorted(["file", *others]) and digest((volume.root / "file").read_bytes()) == digest(ORIGINAL)


@pytest.fixture
def mortal() -> Iterator[Mortal]:
    """An engine of the test's own."""
    folder = Path(tempfile.mkdtemp(prefix="demijohn-"))
    engine = Mortal(folder)
    try:
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(folder)


def test_an_engine_that_dies_during_an_upload_leaves_the_original(mortal: Mortal, tmp_path: Path) -> None:
    """What is left is removed by the app as soon as the engine is back, and by the next run of it."""
    with closing(Engines(Settings(data_dir=tmp_path, token=TOKEN, engine=mortal.address.url))) as engines:
        engine = engines.get("default")
        make_tools_image(engine, SMALL_IMAGE)
        with opened(engine, SMALL_IMAGE, "mortal") as volume:
            golden_tree.write(volume.root / "file", ORIGINAL)
            lose_engine(volume, mortal, volume.inside, 4 * BY_SESSION)
            engine.forget()
            volume.inside.sweep()
            assert untouched(volume)
            assert volume.files.read(FILE, len(ORIGINAL)) == ORIGINAL
            with closing(Inside(engine, lambda: SMALL_IMAGE)) as earlier:
                lose_engine(volume, mortal, earlier, None)
            engine.forget()
            volume.inside.sweep()
            assert untouched(volume)
            volume.inside.end(volume.place)
            assert helpers(engine, volume.name) == []


def lose_engine(volume: Volume, mortal: Mortal, inside: Inside, size: int | None) -> None:
    """Let the engine die while the file is being replaced, and start it again."""

    def content() -> Iterator[bytes]:
        yield bytes(2 * BY_SESSION)
        wait_until(volume.left_behind)
        mortal.kill()
        yield bytes(2 * BY_SESSION)

    with pytest.raises(DemijohnError):
        Changes(Files(inside, volume.place)).put(FILE, content(), size)
    assert volume.left_behind()
    mortal.stop()
    mortal.start()
