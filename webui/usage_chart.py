"""A folder's parts as a chart: tiles of a treemap, and the rows of the table beside it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from webui.engine.usage import FolderUsage
from webui.jobs.usage_records import Level
from webui.paths import VolumePath
from webui.treemap import Tile, treemap

MOST_ROWS: Final = 200
"""Folders that the table names; the others are one row."""
SHADES: Final = 6
_WIDTH, _HEIGHT = 160.0, 100.0
_OWN: Final = -1
# In hundredths of the chart: what is smaller than this has no room for words, or for few, or for one line of them.
_NO_WORDS, _FEW_WORDS, _ONE_LINE = 6.0, 16.0, 14.0


@dataclass(frozen=True, slots=True)
class Part:
    """Something that takes a part of a folder, in bytes and hundredths. `id` is how a URL has the path of a folder one
    can go into; `shade` says which colour stands for it: a number, “own” or “rest”."""

    name: str
    bytes: int
    share: float
    shade: str
    id: str = ""
    files: int | None = None

    @property
    def percent(self) -> str:
        """The share in words."""
        return f"{self.share:.0f} %" if self.share >= 1 else "< 1 %"


@dataclass(frozen=True, slots=True)
class Box:
    """A tile of the chart; place and size in hundredths of it. `words` are none, few or many; `lines` at most two."""

    part: Part
    x: float
    y: float
    width: float
    height: float
    words: str
    lines: int


@dataclass(frozen=True, slots=True)
class Chart:
    """The tiles, and the rows with the largest first and what is left of many small folders last."""

    boxes: tuple[Box, ...]
    rows: tuple[Part, ...]


def chart(level: Level) -> Chart:
    """What a folder is made of."""
    folders = [_folder(level, number, folder) for number, folder in enumerate(level.folders)]
    own = Part("Files in this folder", level.own, _share(level, level.own), "own")
    sizes = [*((number, part.bytes) for number, part in enumerate(folders)), (_OWN, level.own)]
    tiles = treemap(sizes, _WIDTH, _HEIGHT, rest=level.smaller)
    boxes = tuple(_box(tile, _part_of(level, tile, folders, own)) for tile in tiles)
    smaller = level.smaller + sum(part.bytes for part in folders[MOST_ROWS:])
    rows = sorted([*folders[:MOST_ROWS], *([own] if own.bytes else [])], key=lambda part: -part.bytes)
    rest = [_smaller(level, smaller)] if smaller or len(folders) > MOST_ROWS else []
    return Chart(boxes, (*rows, *rest))


def _folder(level: Level, number: int, folder: FolderUsage) -> Part:
    path = VolumePath(folder.path)
    name = VolumePath(path.name).shown
    return Part(name, folder.bytes, _share(level, folder.bytes), str(number % SHADES), path.id, folder.files)


def _smaller(level: Level, amount: int) -> Part:
    return Part("Smaller folders", amount, _share(level, amount), "rest")


def _part_of(level: Level, tile: Tile[int], folders: Sequence[Part], own: Part) -> Part:
    if tile.key is None:
        return _smaller(level, tile.value)
    return own if tile.key == _OWN else folders[tile.key]


def _share(level: Level, amount: int) -> float:
    return 100 * amount / level.bytes if level.bytes else 0.0


def _box(tile: Tile[int], part: Part) -> Box:
    width, height = 100 * tile.width / _WIDTH, 100 * tile.height / _HEIGHT
    return Box(
        part,
        x=round(100 * tile.x / _WIDTH, 3),
        y=round(100 * tile.y / _HEIGHT, 3),
        width=round(width, 3),
        height=round(height, 3),
        words="none" if min(width, height) < _NO_WORDS else ("few" if width < _FEW_WORDS else "many"),
        lines=1 if height < _ONE_LINE else 2,
    )
