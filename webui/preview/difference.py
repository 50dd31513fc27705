"""What differs between two texts, for a person to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, Literal

from webui.preview.lines import BREAK
from webui.preview.matching import matching_blocks

Row = tuple[Literal["same", "ours", "theirs", "skipped"], str]

MOST_ROWS: Final = 1000
"""Rows of a difference; those after them are counted."""
LONGEST_ROW: Final = 2000
"""Characters of a row."""
_AROUND: Final = 3


def line_diff(ours: str, theirs: str) -> list[Row]:
    """The lines that differ, however they end: theirs before ours, with a few same ones around.

    The text of a `skipped` row says what is left out. Time and length are bounded whatever the texts are; texts that
    are the same but for their line endings have no rows.
    """
    old, new = BREAK.split(theirs), BREAK.split(ours)
    rows = _shortened(_rows(old, new)) if old != new else []
    if len(rows) > MOST_ROWS:
        rows[MOST_ROWS:] = [("skipped", f"{len(rows) - MOST_ROWS:,} more rows are not shown")]
    return [(kind, line if len(line) <= LONGEST_ROW else f"{line[:LONGEST_ROW]}…") for kind, line in rows]


def _rows(theirs: Sequence[str], ours: Sequence[str]) -> Iterator[Row]:
    old, new = 0, 0
    for block_old, block_new, length in (*matching_blocks(theirs, ours), (len(theirs), len(ours), 0)):
        yield from (("theirs", line) for line in theirs[old:block_old])
        yield from (("ours", line) for line in ours[new:block_new])
        yield from (("same", line) for line in theirs[block_old : block_old + length])
        old, new = block_old + length, block_new + length


def _shortened(rows: Iterator[Row]) -> list[Row]:
    """The rows without the same ones that are far from a difference."""
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row[0] == "same")]
    shown: list[Row] = []
    for number, group in enumerate(groups):
        head = _AROUND if number else 0
        tail = _AROUND if number < len(groups) - 1 else 0
        left = len(group) - head - tail
        if group[0][0] != "same" or left <= 1:
            shown += group
        else:
            shown += [*group[:head], ("skipped", f"{left:,} lines are the same"), *group[len(group) - tail :]]
    return shown
