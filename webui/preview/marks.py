"""Text as a person may see it: what can't be seen, or turns the direction of what follows, is marked and spelled out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

Kind = Literal["text", "control", "bidi", "invisible"]

_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROL: Final = "\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"
_INVISIBLE: Final = (
    "\u00ad\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Format and filler characters. The joiners and the short variation selectors stay, as letters and emoji are made with them."""

_MARKED: Final = re.compile(f"(?P<control>[{_CONTROL}])|(?P<bidi>[{_BIDI}])|(?P<invisible>[{_INVISIBLE}])")
_PICTURES: Final = 0x2400
"""Where Unicode has pictures of the control characters."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text of one kind; what is not of the kind `text` is spelled out in it."""

    kind: Kind
    text: str


def marked(text: str) -> list[Segment]:
    """The text in stretches: what may be shown as it is, and what is shown in its place for what may not.

    A control character becomes its picture (␛), others their number (U+202E). A lone CR, which browsers take for the end
    of a line, is marked and ends it.
    """
    pieces = _pieces(text.replace("\r\n", "\n"))
    return [
        Segment(kind, "".join(piece for _, piece in group)) for kind, group in groupby(pieces, lambda each: each[0])
    ]


def _pieces(text: str) -> list[tuple[Kind, str]]:
    pieces: list[tuple[Kind, str]] = []
    seen = 0
    for found in _MARKED.finditer(text):
        if found.start() > seen:
            pieces.append(("text", text[seen : found.start()]))
        pieces += _spelled_out(found)
        seen = found.end()
    if seen < len(text):
        pieces.append(("text", text[seen:]))
    return pieces


def _spelled_out(found: re.Match[str]) -> list[tuple[Kind, str]]:
    code = ord(found[0])
    if found["control"]:
        picture = chr(_PICTURES + code) if code < 0x20 else "␡" if code == 0x7F else f"U+{code:04X}"
        return [("control", picture), ("text", "\n")] if found[0] == "\r" else [("control", picture)]
    return [("bidi" if found["bidi"] else "invisible", f"U+{code:04X}")]
