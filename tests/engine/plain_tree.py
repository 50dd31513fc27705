"""A tree without surprises, what du says of it, and a helper that takes its time to walk through it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.engine.looking_inside import helpers
from tests.waiting import wait_until
from webui.engine.connection import Engine


def fill(root: Path, folders: int = 20, files: int = 30) -> None:
    """Make folders with files of up to 50,000 bytes."""
    for folder in range(folders):
        (root / f"folder-{folder}").mkdir()
        for file in range(files):
            (root / f"folder-{folder}" / f"file-{file}").write_bytes(b"x" * (file * 9000 % 50_000))


def fill_long(root: Path) -> None:
    """Make so many folders that a throttled helper is busy for seconds."""
    for folder in range(5000):
        (root / f"folder-{folder}").mkdir()


def by_du(root: Path, *options: str) -> dict[bytes, int]:
    """What du says of a folder, whose path is empty, and of each below it, by path."""
    said = subprocess.run(["du", "-x", "-0", "-B1", *options, "."], cwd=root, capture_output=True, check=True).stdout
    lines = (line.partition(b"\t") for line in said.split(b"\0") if line)
    return {name.removeprefix(b".").removeprefix(b"/"): int(size) for size, _, name in lines}


def throttle(engine: Engine, volume: str) -> None:
    """Give the helpers of a volume, once there is one, a hundredth of a processor."""
    wait_until(lambda: helpers(engine, volume), seconds=60)
    for helper in helpers(engine, volume):
        engine.api.update_container(helper["Id"], cpu_period=100_000, cpu_quota=1000)
