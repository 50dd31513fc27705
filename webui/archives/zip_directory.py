"""The directory at the end of a zip: what is in it and where. Strict, and one entry at a time.

Follows https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. Own code and not the standard library's: that one keeps the whole
directory in memory before anyone can look, and does not notice entries that overlap or say different things in two places.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from webui.archives.byte_source import ByteSource
from webui.archives.rules import Limits, refusal
from webui.archives.zip_fields import (
    END,
    END64,
    END64_MARK,
    END_MARK,
    ENTRY,
    ENTRY_MARK,
    FULL16,
    FULL32,
    LOCATOR,
    LOCATOR_MARK,
)
from webui.errors import InvalidInputError

_CHUNK: Final = 128 * 1024
_LONGEST_COMMENT: Final = 0xFFFF
_ZIP64: Final = 0x0001


@dataclass(slots=True)
class ZipEntry:
    """One entry as the directory has it. `offset` is where its local header stands in the file."""

    name: bytes
    made_by: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    compressed: int
    size: int
    attributes: int
    offset: int
    extra: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the directory stands, how many entries it has, and how many bytes of something else come before the zip."""

    start: int
    end: int
    count: int
    before: int


def find_directory(file: BinaryIO, limits: Limits) -> Directory:
    """Find the one directory. Raises InvalidInputError where there is none, more than one, or more in it than may be."""
    length = file.seek(0, 2)
    tail_start = max(0, length - _LONGEST_COMMENT - END.size)
    tail = bytes_at(file, tail_start, length - tail_start)
    at = _only_end(tail)
    _, disk, first_disk, here, count, size, offset, _ = END.unpack_from(tail, at)
    end = tail_start + at
    if (disk, first_disk) not in {(0, 0), (FULL16, FULL16)} or here != count:
        raise refusal(
            "This zip is a part of several. Join them with zip --fix or unpack them, and send one whole archive."
        )
    wide = _find_wide(file, end)
    if wide is not None:
        if not _agree((count, size, offset), wide[:3]):
            raise damaged_zip()
        count, size, offset, end = wide
    elif FULL32 in (size, offset):
        raise damaged_zip()
    return _checked(Directory(end - size, end, count, end - size - offset), limits)


def entries(file: BinaryIO, directory: Directory) -> Iterator[ZipEntry]:
    """The entries in the directory's order. Raises InvalidInputError where it is damaged or has another number of them."""
    source = ByteSource(region(file, directory.start, directory.end))
    try:
        for _ in range(directory.count):
            yield _entry(source, directory.before)
    except EOFError:
        raise damaged_zip() from None
    if not source.at_end():
        raise damaged_zip()


def region(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """The bytes from start to end; others may seek in the file between the pieces."""
    while start < end:
        file.seek(start)
        piece = file.read(min(_CHUNK, end - start))
        if not piece:
            raise damaged_zip()
        start += len(piece)
        yield piece


def bytes_at(file: BinaryIO, start: int, size: int) -> bytes:
    """`size` bytes from there. Raises InvalidInputError where the file ends before."""
    return b"".join(region(file, start, start + size))


def parse_extra(data: bytes) -> dict[int, bytes]:
    """The extra fields by their number. What stands behind the last whole one is padding, as some programs leave it."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        key, size = struct.unpack_from("<HH", data, at)
        if at + 4 + size > len(data):
            break
        found.setdefault(key, data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def wide_numbers(extra: dict[int, bytes], numbers: tuple[int, ...]) -> list[int]:
    """The numbers, those that are too large for their field taken from the zip64 field. Raises InvalidInputError."""
    wide = extra.get(_ZIP64)
    if wide is None:
        if FULL32 in numbers:
            raise damaged_zip()
        return list(numbers)
    found = []
    at = 0
    for number in numbers:
        if number != FULL32:
            found.append(number)
            continue
        if at + 8 > len(wide):
            raise damaged_zip()
        found.append(int.from_bytes(wide[at : at + 8], "little"))
        at += 8
    return found


def damaged_zip() -> InvalidInputError:
    """The error for a zip whose directory can't be trusted."""
    return refusal(
        "This zip is damaged or cut off: its directory does not fit to the file. Get it again, or make it again."
    )


def _only_end(tail: bytes) -> int:
    """Where the end record stands. A comment may hold what looks like another one: then nobody can tell which is meant."""
    found = []
    at = tail.rfind(END_MARK)
    while at >= 0:
        if at + END.size <= len(tail) and at + END.size + END.unpack_from(tail, at)[-1] == len(tail):
            found.append(at)
        at = tail.rfind(END_MARK, 0, at)
    if len(found) != 1:
        raise damaged_zip()
    return found[0]


def _find_wide(file: BinaryIO, end: int) -> tuple[int, int, int, int] | None:
    """Count, size and offset of the directory, and where it ends, as the zip64 records have them."""
    if end < LOCATOR.size + END64.size:
        return None
    mark, disk, position, disks = LOCATOR.unpack(bytes_at(file, end - LOCATOR.size, LOCATOR.size))
    if mark != LOCATOR_MARK:
        return None
    at = end - LOCATOR.size - END64.size
    found = END64.unpack(bytes_at(file, at, END64.size))
    if found[0] != END64_MARK or found[1] != END64.size - 12 or disk or disks > 1:
        raise damaged_zip()
    _, _, _, _, disk, first_disk, here, count, size, offset = found
    if disk or first_disk or here != count or position != offset + size:
        raise damaged_zip()
    return count, size, offset, at


def _agree(narrow: tuple[int, int, int], wide: tuple[int, ...]) -> bool:
    full = (FULL16, FULL32, FULL32)
    return all(small in (large, most) for small, large, most in zip(narrow, wide, full, strict=True))


def _checked(directory: Directory, limits: Limits) -> Directory:
    if directory.count > limits.entries:
        raise refusal(f"The archive has more than {limits.entries:,} entries. Split it, and send the parts one by one.")
    if directory.start < 0 or directory.before < 0 or directory.end - directory.start < directory.count * ENTRY.size:
        raise damaged_zip()
    return directory


def _entry(source: ByteSource, before: int) -> ZipEntry:
    (mark, _, made_by, _, flags, method, time, date, crc, compressed, size, name_size, extra_size, comment_size, disk, _,
     attributes, offset) = ENTRY.unpack(source.take(ENTRY.size))  # fmt: skip
    if mark != ENTRY_MARK or disk not in (0, FULL16):
        raise damaged_zip()
    name = source.take(name_size)
    extra = parse_extra(source.take(extra_size))
    source.skip(comment_size)
    size, compressed, offset = wide_numbers(extra, (size, compressed, offset))
    return ZipEntry(name, made_by, flags, method, time, date, crc, compressed, size, attributes, offset + before, extra)
