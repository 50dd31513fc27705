"""A rectangle cut into areas: all of it, in proportion, nothing over anything else, and nearly square."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.treemap import LEAST_SHARE, MOST_TILES, Tile, treemap

WIDTH, HEIGHT = 160.0, 100.0
TINY = 1e-6

sizes = st.lists(st.integers(0, 2**60), max_size=200).map(lambda found: list(enumerate(found)))
sides = st.floats(1.0, 10_000.0)


def area(tile: Tile[int]) -> float:
    return tile.width * tile.height


def overlap(left: Tile[int], right: Tile[int]) -> float:
    across = min(left.x + left.width, right.x + right.width) - max(left.x, right.x)
    down = min(left.y + left.height, right.y + right.height) - max(left.y, right.y)
    return max(0.0, across) * max(0.0, down)


@given(sizes=sizes, rest=st.integers(0, 2**60), width=sides, height=sides)
def test_the_tiles_fill_the_rectangle_in_proportion(
    sizes: list[tuple[int, int]], rest: int, width: float, height: float
) -> None:
    tiles = treemap(sizes, width, height, rest=rest)
    total = sum(value for _, value in sizes) + rest
    assert sum(tile.value for tile in tiles) == total
    for tile in tiles:
        assert area(tile) == pytest.approx(width * height * tile.value / total, rel=1e-6, abs=TINY)
        assert -TINY <= tile.x <= tile.x + tile.width <= width * (1 + TINY)
        assert -TINY <= tile.y <= tile.y + tile.height <= height * (1 + TINY)


@given(sizes=sizes, rest=st.integers(0, 2**60))
def test_no_tile_lies_over_another(sizes: list[tuple[int, int]], rest: int) -> None:
    for left, right in combinations(treemap(sizes, WIDTH, HEIGHT, rest=rest), 2):
        assert overlap(left, right) < TINY * WIDTH * HEIGHT


@given(sizes=sizes, rest=st.integers(0, 2**60))
def test_each_tile_stands_for_one_thing_and_one_for_the_rest(sizes: list[tuple[int, int]], rest: int) -> None:
    tiles = treemap(sizes, WIDTH, HEIGHT, rest=rest)
    keys = [tile.key for tile in tiles]
    assert len(keys) == len(set(keys))
    known = dict(sizes)
    assert all(tile.value == known[tile.key] > 0 for tile in tiles if tile.key is not None)
    assert [tile.value for tile in tiles] == sorted((tile.value for tile in tiles), reverse=True)


@given(st.lists(st.integers(100, 300), min_size=1, max_size=MOST_TILES))
def test_tiles_of_like_size_are_nearly_square(values: list[int]) -> None:
    for tile in treemap(list(enumerate(values)), WIDTH, HEIGHT):
        assert max(tile.width / tile.height, tile.height / tile.width) < 8


def test_the_rows_of_the_paper() -> None:
    tiles = treemap(list(enumerate((6, 6, 4, 3, 2, 2, 1))), 6, 4)
    assert [(tile.x, tile.y, tile.width, tile.height) for tile in tiles[:3]] == [
        (0, 0, 3, 2),
        (0, 2, 3, 2),
        (3, 0, pytest.approx(12 / 7), pytest.approx(7 / 3)),
    ]


def test_nothing_has_no_tiles() -> None:
    assert treemap([], WIDTH, HEIGHT) == ()
    assert treemap([("empty", 0)], WIDTH, HEIGHT) == ()


def test_one_thing_is_all_of_it() -> None:
    assert treemap([("all", 5)], 8, 4) == (Tile("all", 0, 0, 8, 4, 5),)


def test_what_belongs_to_none_is_the_rest() -> None:
    tiles = treemap([("half", 10), ("empty", 0)], WIDTH, HEIGHT, rest=30)
    assert [(tile.key, tile.value) for tile in tiles] == [(None, 30), ("half", 10)]


def test_the_tail_is_one_tile() -> None:
    tiles = treemap([(str(number), 1000 - number) for number in range(100)], WIDTH, HEIGHT, rest=7)
    assert len(tiles) == MOST_TILES + 1
    assert tiles[0] == Tile(None, 0, 0, tiles[0].width, HEIGHT, sum(range(901, 941)) + 7)


def test_what_is_too_small_to_be_seen_joins_the_rest() -> None:
    seen = round(1_000_000 * LEAST_SHARE * 1.1)
    tiles = treemap([("large", 1_000_000), ("seen", seen), ("tiny", 9), ("tinier", 8)], WIDTH, HEIGHT)
    assert [(tile.key, tile.value) for tile in tiles] == [("large", 1_000_000), ("seen", seen), (None, 17)]
