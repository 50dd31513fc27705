"""Whether bytes are text, and in which encoding. What is taken for text can be written back to the same bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import charset_normalizer

BYTE_ORDER_MARKS: Final = {
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
"""By encoding. That of UTF-32 begins like that of UTF-16, so it is looked for first."""

_LEGACY: Final = {
    "cp1251": "windows-1251",
    "cp1253": "windows-1253",
    "cp1255": "windows-1255",
    "cp1256": "windows-1256",
    "cp932": "cp932",
    "euc_jp": "euc-jp",
    "gb18030": "gb18030",
    "big5": "big5",
    "cp949": "cp949",
}
"""Encodings of other scripts than the Latin one: what charset-normalizer calls them, and what people do."""

ENCODINGS: Final = frozenset({*BYTE_ORDER_MARKS, "windows-1252", "iso-8859-1", *_LEGACY.values()})
"""What a file can be read and written in. Python has more; some of those are no encodings of text."""

SAMPLE_BYTES: Final = 64 * 1024
"""What a guess looks at."""

MOST_CONTROLS: Final = 0.05
"""The share of control characters from which on something is no text."""

MOST_LATE_CONTROLS: Final = 0.5
"""The same in UTF-8, for the controls beyond ASCII: bytes at random are never those."""

_FEWEST_WIDE: Final = 8
"""Bytes; fewer of them with a NUL may be anything."""

_CONTROLS: Final = re.compile("[\x01-\x07\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_LATE_CONTROLS: Final = re.compile("[\x80-\x9f]")
_HIGH_RUNS: Final = re.compile(b"[\x80-\xff]+")


@dataclass(frozen=True, slots=True)
class ReadText:
    """Text as it stands in the file, without its byte order mark; `bom` says that there is one."""

    text: str
    encoding: str
    bom: bool


def read_text(data: bytes, *, whole: bool = True) -> ReadText | None:
    """The text that the bytes are, or nothing where they are none.

    Where they are not the `whole` file, a character that is cut at the end is left out.
    """
    for encoding, mark in BYTE_ORDER_MARKS.items():
        if data.startswith(mark) and (text := _decoded(data[len(mark) :], encoding, whole)) is not None:
            return ReadText(text, encoding, True)
    for encoding in _likely(data, whole):
        if (text := _decoded(data, encoding, whole)) is not None:
            return ReadText(text, encoding, False)
    return None


def _likely(data: bytes, whole: bool) -> Iterator[str]:
    """The encodings it may have, the most likely first."""
    if b"\0" in data:
        yield from _wide(data)
        return
    yield "utf-8"
    yield from _other_script(data if whole and len(data) <= SAMPLE_BYTES else _whole_lines(data[:SAMPLE_BYTES]))
    yield from ("windows-1252", "iso-8859-1")


def _wide(data: bytes) -> tuple[str, ...]:
    """UTF-16 and UTF-32 write a letter of ASCII with its zeros always at the same side."""
    zeros = [data[place:SAMPLE_BYTES:4].count(0) for place in range(4)]
    quarter = len(data[:SAMPLE_BYTES]) / 4
    if len(data) < _FEWEST_WIDE:
        return ()
    if zeros[2] + zeros[3] > 1.9 * quarter:
        return ("utf-32-le",)
    if zeros[0] + zeros[1] > 1.9 * quarter:
        return ("utf-32-be",)
    if zeros[1] + zeros[3] > quarter:
        return ("utf-16-le",)
    return ("utf-16-be",) if zeros[0] + zeros[2] > quarter else ()


def _whole_lines(sample: bytes) -> bytes:
    """Without what may end within a character; a newline is part of none."""
    return sample[: sample.rfind(b"\n") + 1] or sample


def _other_script(sample: bytes) -> tuple[str, ...]:
    """The encoding of another script than the Latin one: there letters beyond ASCII stand side by side."""
    runs = [len(run) for run in _HIGH_RUNS.findall(sample)]
    if sum(length for length in runs if length > 1) * 2 < sum(runs):
        return ()
    guess = charset_normalizer.from_bytes(sample, cp_isolation=["cp1252", *_LEGACY]).best()
    return (_LEGACY[guess.encoding],) if guess and guess.encoding in _LEGACY else ()


def _decoded(data: bytes, encoding: str, whole: bool) -> str | None:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, whole)
    except UnicodeDecodeError:
        return None
    if "\0" in text or _too_many_controls(text, encoding) or (whole and not _comes_back(text, encoding, data)):
        return None
    return text


def _too_many_controls(text: str, encoding: str) -> bool:
    early, late = (sum(1 for _ in each.finditer(text)) for each in (_CONTROLS, _LATE_CONTROLS))
    if encoding == "utf-8" and early <= len(text) * MOST_CONTROLS:
        return late > len(text) * MOST_LATE_CONTROLS
    return early + late > len(text) * MOST_CONTROLS


def _comes_back(text: str, encoding: str, data: bytes) -> bool:
    """Whether writing it gives the same bytes; some encodings of East Asia have two ways to write a character."""
    try:
        return text.encode(encoding) == data
    except UnicodeEncodeError:
        return False
