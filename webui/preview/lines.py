"""How lines end, and how that is kept while they are edited."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, Literal

from webui.preview.matching import matching_blocks

LineEndings = Literal["LF", "CRLF", "CR", "mixed"]

BREAK: Final = re.compile(r"\r\n|\r|\n")
"""What browsers and editors take for the end of a line; Python's `splitlines` takes more."""

ENDINGS: Final[dict[str, str]] = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}


def line_endings(text: str) -> LineEndings:
    """How its lines end; LF where there is only one line."""
    found = set(BREAK.findall(text))
    if len(found) > 1:
        return "mixed"
    return "CRLF" if "\r\n" in found else "CR" if "\r" in found else "LF"


def with_endings_of(original: str, text: str) -> str:
    """`text` with the line endings of `original`: a line that is in both keeps its own, however those of `text` end.

    So does one that was changed where as many lines were before. A new line ends like the one above it.
    """
    breaks = BREAK.findall(original)
    lines = BREAK.split(text)
    ending = Counter(breaks).most_common(1)[0][0] if breaks else "\n"
    parts: list[str] = []
    for line, own in zip(lines[:-1], _own_endings(original, breaks, lines), strict=False):
        ending = own or ending
        parts += line, ending
    return "".join(parts) + lines[-1]


def _own_endings(original: str, breaks: list[str], lines: list[str]) -> list[str]:
    """The endings that the lines had; empty for a new line, and for the one that was the last."""
    before = BREAK.split(original)
    had = [*breaks, ""]
    own = [""] * len(lines)
    old, new = 0, 0
    for block_old, block_new, length in (*matching_blocks(before, lines), (len(before), len(lines), 0)):
        changed = min(block_old - old, block_new - new)
        own[new : new + changed] = had[old : old + changed]
        own[block_new : block_new + length] = had[block_old : block_old + length]
        old, new = block_old + length, block_new + length
    return own
