"""Volumes with files in them, made as root on the engine's machine, and gone at the end."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.bench.wire import Wire

_SEED = 42
_MIB = 1024 * 1024
_TEXT_BYTES = 32 * _MIB


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume, and its folder on this machine, which is the engine's as well."""

    name: str
    top: Path

    @property
    def url(self) -> str:
        """Where the app has it."""
        return f"/e/default/volumes/{self.name}"

    @property
    def holder(self) -> str:
        """The name of the container that has it at /data, once there is one."""
        return f"{self.name}-holder"


@contextmanager
def new_volume(wire: Wire, name: str, holding_image: str = "") -> Iterator[Volume]:
    """A volume with nothing in it, in a running container of the image if one is given.

    Removed at the end, with all containers that hold it.
    """
    made = Volume(name, Path(wire.post("/volumes/create", {"Name": name})["Mountpoint"]))
    try:
        if holding_image:
            wire.post(f"/containers/create?name={made.holder}", _container(holding_image, name))
            wire.post(f"/containers/{made.holder}/start")
        yield made
    finally:
        held_by = json.loads(wire.get(f"/containers/json?all=1&filters={quote(json.dumps({'volume': [name]}))}").body)
        for each in held_by:
            wire.delete(f"/containers/{each['Id']}?force=true")
        wire.delete(f"/volumes/{name}")


def _container(image: str, volume: str) -> Mapping[str, Any]:
    """What the engine is told to make a container that waits, with a volume at /data."""
    mounts = [{"Type": "volume", "Source": volume, "Target": "/data"}]
    return {"Image": image, "Cmd": ["sleep", "3600"], "HostConfig": {"Mounts": mounts, "NetworkMode": "none"}}


def fill_folder(folder: Path, many: int) -> None:
    """Many files with next to nothing in them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(many):
        handle = os.open(folder / f"file-{number * 7919 % many:06d}.txt", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(handle, b"x")
        os.close(handle)


def fill_tree(folder: Path, *, folders: int, files: int, size: int) -> None:
    """So many files in each of so many folders; half of each file is text, the other half can't be made smaller."""
    chance = random.Random(_SEED)
    text = _text(chance)
    for number in range(folders):
        inner = folder / f"folder-{number:03d}"
        inner.mkdir(parents=True)
        for each in range(files):
            start = chance.randrange(len(text) - size)
            (inner / f"file-{each:03d}").write_bytes(
                text[start : start + size // 2] + chance.randbytes(size - size // 2)
            )


def fill_file(path: Path, size: int) -> None:
    """A file that is really there, of bytes that say nothing."""
    pieces = random.Random(_SEED).randbytes(_MIB)
    with path.open("wb") as file:
        for start in range(0, size, _MIB):
            file.write(pieces[: size - start])


def _text(chance: random.Random) -> bytes:
    words = ["".join(chance.choices("etaoinshrdlucmfw", k=chance.randint(1, 10))) for _ in range(5_000)]
    lines = " ".join(chance.choices(words, k=_TEXT_BYTES // 6)).encode()
    return lines[:_TEXT_BYTES]
