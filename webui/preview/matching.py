"""Which lines of two texts belong together, in a time that is bounded whatever they hold."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import isqrt
from typing import Final

Pairs = list[tuple[int, int]]
"""Places of equal lines in the one and in the other, in order in both."""

MOST_WORK: Final = 1_000_000
"""Steps of the search for the shortest difference, about half a second."""


def matching_blocks(before: Sequence[str], after: Sequence[str], work: int = MOST_WORK) -> list[tuple[int, int, int]]:
    """Where equal lines begin in both, and how many there are. What lies between was changed, removed or added.

    The fewest changes that explain it, where those are found in `work` steps; else what lines that are there once tell.
    """
    start = shared_start(before, after)
    end = shared_start(before[start:][::-1], after[start:][::-1])
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    pairs = _fewest_changes(old, new, work)
    if pairs is None:
        pairs = _by_unique_lines(old, new)
    inner = [(start + x, start + y, 1) for x, y in pairs]
    blocks = [(0, 0, start), *inner, (len(before) - end, len(after) - end, end)]
    return [block for block in blocks if block[2]]


def shared_start(before: Sequence[str], after: Sequence[str]) -> int:
    """How many lines they both begin with."""
    for count, (old, new) in enumerate(zip(before, after, strict=False)):
        if old != new:
            return count
    return min(len(before), len(after))


def _fewest_changes(old: Sequence[str], new: Sequence[str], work: int) -> Pairs | None:
    """The equal lines of the shortest way from `old` to `new`; None where that takes more than `work` steps.

    E. Myers, An O(ND) Difference Algorithm and Its Variations (1986): in the grid of the two, the farthest place on
    each diagonal that 0, 1, 2 … changes lead to.
    """
    if not old or not new:
        return []
    most = min(len(old) + len(new), isqrt(max(work, 0)))
    middle = most + 1
    farthest = [0] * (2 * middle + 1)
    trail: list[list[int]] = []
    for changes in range(most + 1):
        trail.append(farthest[middle - changes - 1 : middle + changes + 2])
        for diagonal in range(-changes, changes + 1, 2):
            x = begun = _after_change(farthest, middle + diagonal, diagonal, changes)
            while x < len(old) and x - diagonal < len(new) and old[x] == new[x - diagonal]:
                x += 1
            farthest[middle + diagonal] = x
            if x >= len(old) and x - diagonal >= len(new):
                return _way_back(trail, len(old), len(new))
            work -= x - begun
        if work < 0:
            return None
    return None


def _way_back(trail: Sequence[Sequence[int]], x: int, y: int) -> Pairs:
    pairs: Pairs = []
    for changes, farthest in reversed(list(enumerate(trail))):
        diagonal = x - y
        place = changes + 1 + diagonal
        begun = _after_change(farthest, place, diagonal, changes)
        while x > begun:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        if _is_addition(farthest, place, diagonal, changes):
            y -= 1
        else:
            x -= 1
    return pairs[::-1]


def _after_change(farthest: Sequence[int], place: int, diagonal: int, changes: int) -> int:
    """How far in `old` the last of the changes leads on a diagonal, before lines that are equal."""
    return farthest[place + 1] if _is_addition(farthest, place, diagonal, changes) else farthest[place - 1] + 1


def _is_addition(farthest: Sequence[int], place: int, diagonal: int, changes: int) -> bool:
    return diagonal == -changes or (diagonal != changes and farthest[place - 1] < farthest[place + 1])


def _by_unique_lines(old: Sequence[str], new: Sequence[str]) -> Pairs:
    """The longest row of lines that both have once, and the equal ones that follow each of them."""
    places = {line: place for place, line in enumerate(new)}
    once_old, once_new = Counter(old), Counter(new)
    unique = [(x, places[line]) for x, line in enumerate(old) if once_old[line] == once_new[line] == 1]
    pairs: Pairs = []
    for (x, y), (next_x, next_y) in pairwise([*_longest_rising(unique), (len(old), len(new))]):
        length = shared_start(old[x:next_x], new[y:next_y])
        pairs += ((x + step, y + step) for step in range(length))
    return pairs


def _longest_rising(pairs: Pairs) -> Pairs:
    """The most of them that can be had with the second place rising as the first does."""
    ends: list[int] = []
    chosen: list[int] = []
    before: list[int | None] = []
    for number, (_, y) in enumerate(pairs):
        length = bisect_left(ends, y)
        before.append(chosen[length - 1] if length else None)
        ends[length : length + 1] = [y]
        chosen[length : length + 1] = [number]
    found: Pairs = []
    step = chosen[-1] if chosen else None
    while step is not None:
        found.append(pairs[step])
        step = before[step]
    return found[::-1]
