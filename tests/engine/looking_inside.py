"""A volume of the test's own, seen through the app and beside it: as root, on the engine's machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import TOKEN
from tests.engine import golden_tree
from webui.engine.changes import Changes
from webui.engine.connection import Engine, Engines
from webui.engine.file_model import Place
from webui.engine.files import Files
from webui.engine.inside import IDLE_SECONDS, Inside
from webui.engine.model import ROLE_LABEL
from webui.paths import VolumePath, volume_path
from webui.settings import Settings

PASSWD = b"root:x:0:0:"
"""How a file begins that every helper has outside of the volume: /etc/passwd."""


@dataclass(frozen=True)
class Volume:
    """`root` is its top folder on the machine; `files` and `changes` are what the app has of it."""

    name: str
    root: Path
    inside: Inside
    files: Files
    changes: Changes

    @property
    def place(self) -> Place:
        """As the app calls it."""
        return self.files.place

    def left_behind(self) -> list[str]:
        """What of the app's own lies in it."""
        return [each.name for each in self.root.iterdir() if "demijohn" in each.name]


@contextmanager
def opened(
    engine: Engine, image: str, name: str, *, idle_seconds: float = IDLE_SECONDS, options: dict[str, str] | None = None
) -> Iterator[Volume]:
    """A new volume and helpers of its own, all gone afterwards. `options` are the local driver's."""
    root = Path(engine.api.create_volume(name, driver_opts=options or {})["Mountpoint"])
    try:
        with closing(Inside(engine, lambda: image, idle_seconds=idle_seconds)) as inside:
            files = Files(inside, Place.volume(name))
            yield Volume(name, root, inside, files, Changes(files))
    finally:
        for each in helpers(engine, name):
            engine.api.remove_container(each["Id"], force=True)
        if not options:
            golden_tree.remove(root)
        engine.api.remove_volume(name)


def helpers(engine: Engine, volume: str) -> list[dict[str, Any]]:
    """The helper containers that hold a volume, running or not, as the engine lists them."""
    found = engine.api.containers(all=True, filters={"volume": volume, "label": f"{ROLE_LABEL}=helper"})
    return [each for each in found if any(mount.get("Name") == volume for mount in each["Mounts"])]


def path(*names: bytes | str) -> VolumePath:
    """The path of these names, one below the other."""
    return volume_path(b"/".join(name.encode() if isinstance(name, str) else name for name in names))


def counted_calls(monkeypatch: Any, owner: type, name: str) -> Callable[[], int]:
    """Counts the calls of a method from now on; gives the number so far."""
    calls = 0
    method = getattr(owner, name)

    def counting(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        return method(*arguments, **named)

    monkeypatch.setattr(owner, name, counting)
    return lambda: calls


@contextmanager
def lasting(url: str, image: str, folder: Path, name: str) -> Iterator[Volume]:
    """A volume for the tests of a whole module: those that look at it only, or clean up themselves."""
    with (
        closing(Engines(Settings(data_dir=folder, token=TOKEN, engine=url))) as engines,
        opened(engines.get("default"), image, name) as volume,
    ):
        yield volume


@contextmanager
def swapping(one: Path, two: Path) -> Iterator[None]:
    """Exchange two entries over and over, as fast as the kernel does, until the block ends."""
    with subprocess.Popen([sys.executable, "-c", _SWAP, one, two], stdout=subprocess.PIPE) as swapper:
        try:
            assert swapper.stdout is not None
            assert swapper.stdout.readline() == b"swapping\n"
            yield
        finally:
            swapper.kill()


_SWAP = """
import ctypes, os, sys
exchange = ctypes.CDLL(None, use_errno=True).renameat2
one, two = map(os.fsencode, sys.argv[1:])
print("swapping", flush=True)
while exchange(-100, one, -100, two, 2) == 0:
    pass
"""
