"""Areas in proportion to sizes: a rectangle cut into one tile for each, as square as they can be. Pure.

Follows Bruls, Huizing and van Wijk, “Squarified Treemaps” (https://doi.org/10.1007/978-3-7091-6783-0_4): the largest
come first, in rows along the shorter side of what is left, a row ending before another tile would make it less square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

K = TypeVar("K")

MOST_TILES = 60
"""More can't be told apart; the smallest of them make one tile together."""
LEAST_SHARE = 0.0005
"""The part of the whole that a tile of its own has at least."""


@dataclass(frozen=True, slots=True)
class Tile(Generic[K]):
    """Where something lies and what it stands for; `key` is None for the rest, which is no single thing."""

    key: K | None
    x: float
    y: float
    width: float
    height: float
    value: int


def treemap(
    sizes: Sequence[tuple[K, int]], width: float, height: float, *, rest: int = 0, most: int = MOST_TILES
) -> tuple[Tile[K], ...]:
    """Tiles that fill a rectangle of `width` by `height`, the largest first; what has no size has no tile.

    `rest` is what belongs to the whole and is none of the sizes. Sizes beyond the `most` largest, and those of less
    than LEAST_SHARE of the whole, go into one tile with it.
    """
    shown, rest = _worth_a_tile(sizes, rest, most)
    values: list[tuple[K | None, int]] = [*shown, *([(None, rest)] if rest > 0 else [])]
    values.sort(key=lambda each: -each[1])
    total = sum(value for _, value in values)
    if not total:
        return ()
    tiles = [Tile(key, 0.0, 0.0, 0.0, 0.0, value) for key, value in values]
    return tuple(_laid_out(tiles, _Space(0.0, 0.0, width, height), width * height / total))


def _worth_a_tile(sizes: Sequence[tuple[K, int]], rest: int, most: int) -> tuple[list[tuple[K, int]], int]:
    ordered = sorted((each for each in sizes if each[1] > 0), key=lambda each: -each[1])
    least = LEAST_SHARE * (sum(value for _, value in ordered) + rest)
    count = sum(value >= least for _, value in ordered[:most])
    return ordered[:count], rest + sum(value for _, value in ordered[count:])


@dataclass(frozen=True, slots=True)
class _Space:
    """What is left of the rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def shorter(self) -> float:
        return min(self.width, self.height)


def _laid_out(tiles: list[Tile[K]], space: _Space, scale: float) -> list[Tile[K]]:
    """The tiles in their places; `scale` is the area of one unit of value."""
    laid: list[Tile[K]] = []
    while len(laid) < len(tiles):
        row = _row(tiles, len(laid), space.shorter, scale)
        placed, space = _placed(row, space, scale, last=len(laid) + len(row) == len(tiles))
        laid += placed
    return laid


def _row(tiles: list[Tile[K]], start: int, side: float, scale: float) -> list[Tile[K]]:
    """The tiles from `start` on that are most nearly square in one row along `side`."""
    end = start + 1
    area = largest = tiles[start].value * scale
    worst = _worst(largest, largest, area, side)
    while end < len(tiles):
        smallest = tiles[end].value * scale
        if (worse := _worst(largest, smallest, area + smallest, side)) > worst:
            break
        worst, area, end = worse, area + smallest, end + 1
    return tiles[start:end]


def _worst(largest: float, smallest: float, area: float, side: float) -> float:
    """How much longer than wide the least square tile of a row is, given its largest and smallest area."""
    return max(side * side * largest / (area * area), area * area / (side * side * smallest))


def _placed(row: list[Tile[K]], space: _Space, scale: float, *, last: bool) -> tuple[list[Tile[K]], _Space]:
    """The row along the shorter side of the space, and the space that is left; the last row fills it."""
    total = sum(tile.value for tile in row)
    upright = space.width >= space.height
    length, depth = (space.height, space.width) if upright else (space.width, space.height)
    thickness = depth if last else total * scale / length
    placed, before = [], 0
    for tile in row:
        start, extent = length * before / total, length * tile.value / total
        before += tile.value
        placed.append(
            replace(tile, x=space.x, y=space.y + start, width=thickness, height=extent)
            if upright
            else replace(tile, x=space.x + start, y=space.y, width=extent, height=thickness)
        )
    if upright:
        return placed, _Space(space.x + thickness, space.y, space.width - thickness, space.height)
    return placed, _Space(space.x, space.y + thickness, space.width, space.height - thickness)
