"""The maps of sparse files: where their data stands, in the four ways that GNU tar has written it.

Follows https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html. Everything here raises ValueError with the end of a
sentence that starts with the entry's name.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from webui.archives.members import Segments
from webui.archives.pax import parse_number
from webui.archives.tar_fields import BLOCK, number

_LARGEST: Final = 2**63 - 1
_DAMAGED: Final = "its map of holes is damaged"
_OLD_REAL_SIZE: Final = slice(483, 495)

Take = Callable[[int], bytes]
"""Reads exactly so many bytes of the archive."""


def read_old_map(block: bytes, take: Take, most: int) -> tuple[Segments, int]:
    """The map in a header of type S and the blocks behind it, and the file's size."""
    pairs = _old_pairs(block, take)
    return _segments(pairs, most), _old_number(block[_OLD_REAL_SIZE])


def read_listed_map(records: Iterable[tuple[bytes, bytes]], most: int) -> Segments:
    """The map in PAX records: `GNU.sparse.map` (0.1), or offsets and sizes in turn (0.0)."""
    numbers: list[bytes] = []
    for key, value in records:
        if key == b"GNU.sparse.map":
            numbers = value.split(b",") if value else []
        elif key in {b"GNU.sparse.offset", b"GNU.sparse.numbytes"}:
            if (key == b"GNU.sparse.numbytes") != len(numbers) % 2:
                raise ValueError(_DAMAGED)
            numbers.append(value)
    return _segments((_decimal(each) for each in numbers), most)


def read_leading_map(take: Take, stored: int, most: int) -> tuple[Segments, int]:
    """The map that stands before the data (1.0), and how many of the `stored` bytes are its own."""
    numbers = _Lines(take, stored)
    count = next(numbers)
    if count > most:
        raise ValueError(_too_many(most))
    found = _segments(islice(numbers, 2 * count), most)
    return found, numbers.taken


def check_map(segments: Segments, size: int, stored: int) -> None:
    """Whether the pieces rise, lie within the file, and are as long together as the data that is `stored`."""
    end = total = 0
    for offset, length in segments:
        if offset < end or offset + length > size:
            raise ValueError(_DAMAGED)
        end = offset + length
        total += length
    if total != stored:
        raise ValueError(_DAMAGED)


def print_map(segments: Segments, size: int) -> Iterator[bytes]:
    """The map as format 1.0 has it, padded to whole blocks; it ends with an empty piece at the file's end."""
    written = 0
    for chunk in _lines(segments, size):
        written += len(chunk)
        yield chunk
    yield bytes(-written % BLOCK)


def printed_size(segments: Segments, size: int) -> int:
    """How many bytes `print_map` makes."""
    written = sum(map(len, _lines(segments, size)))
    return written + -written % BLOCK


class _Lines(Iterator[int]):
    """The numbers of format 1.0, one in a line; reads whole blocks and no more than it needs."""

    def __init__(self, take: Take, stored: int) -> None:
        self._take = take
        self._stored = stored
        self._lines: list[bytes] = []
        self._begun = b""
        self.taken = 0

    def __next__(self) -> int:
        while not self._lines:
            self._read()
        return _decimal(self._lines.pop())

    def _read(self) -> None:
        if self.taken + BLOCK > self._stored or len(self._begun) > BLOCK:
            raise ValueError(_DAMAGED)
        *lines, self._begun = (self._begun + self._take(BLOCK)).split(b"\n")
        self._lines = lines[::-1]
        self.taken += BLOCK


def _segments(numbers: Iterable[int], most: int) -> Segments:
    found = array("q", islice(numbers, 2 * most + 2))
    if len(found) > 2 * most:
        raise ValueError(_too_many(most))
    if len(found) % 2:
        raise ValueError(_DAMAGED)
    return Segments(found)


def _old_pairs(block: bytes, take: Take) -> Iterator[int]:
    yield from _old_numbers(block[386:482])
    more = block[482]
    while more:
        block = take(BLOCK)
        yield from _old_numbers(block[:504])
        more = block[504]


def _old_numbers(fields: bytes) -> Iterator[int]:
    for at in range(0, len(fields), 24):
        offset, length = fields[at : at + 12], fields[at + 12 : at + 24]
        if not length[0]:
            return
        yield _old_number(offset)
        yield _old_number(length)


def _old_number(field: bytes) -> int:
    try:
        found = number(field)
    except ValueError:
        raise ValueError(_DAMAGED) from None
    if not 0 <= found <= _LARGEST:
        raise ValueError(_DAMAGED)
    return found


def _decimal(text: bytes) -> int:
    try:
        return parse_number(text, "map")
    except ValueError:
        raise ValueError(_DAMAGED) from None


def _too_many(most: int) -> str:
    return f"it has more than {most:,} pieces between its holes"


def _lines(segments: Segments, size: int) -> Iterator[bytes]:
    last = segments.numbers[-2:]
    needs_end = not last or (last[0], last[1]) != (size, 0)
    yield b"%d\n" % (len(segments) + needs_end)
    for offset, length in segments:
        yield b"%d\n%d\n" % (offset, length)
    if needs_end:
        yield b"%d\n0\n" % size
