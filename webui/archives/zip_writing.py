"""A tar turned into a zip while it flows: sizes after the data, zip64 where needed, modes and owners as Info-ZIP has them.

Follows https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from isal import isal_zlib

from webui.archives.byte_source import ByteSource, gathered
from webui.archives.members import Kind, Member
from webui.archives.pax import NANOSECONDS
from webui.archives.rules import MIB, Limits, quoted, refusal
from webui.archives.tar_reading import TarReader
from webui.archives.zip_fields import (
    DEFLATED,
    END,
    END64,
    END64_MARK,
    END_MARK,
    ENTRY,
    ENTRY_MARK,
    FULL16,
    FULL32,
    LOCAL,
    LOCAL_MARK,
    LOCATOR,
    LOCATOR_MARK,
    SIZES_FOLLOW,
    STORED,
)
from webui.archives.zip_words import UNIX, UNIX_OWNER, UNIX_TIME, UTF8, dos_time
from webui.archives.zstd_library import zstd

LEVEL: Final = 2
_ZEROS: Final = bytes(256 * 1024)
_LIMITS: Final = Limits(header=16 * MIB, segments=4_000_000)
"""For a tar that the app itself made of a volume: what can be in one has to pass."""
_CHUNK: Final = 64 * 1024
_VERSION: Final = 20
_VERSION64: Final = 45
_MAY_EXCEED: Final = 0xF0000000
"""From here on a file may be larger than 32 bits say once it is packed: what can't shrink grows a little."""
_LONGEST_NAME: Final = 0xFFFF
_DOS_FOLDER: Final = 0x10
_TYPES: Final = {Kind.FILE: stat.S_IFREG, Kind.FOLDER: stat.S_IFDIR, Kind.SYMLINK: stat.S_IFLNK}


@dataclass(slots=True)
class _Packed:
    """What the directory says of an entry that is written."""

    name: bytes
    flags: int
    method: int
    moment: tuple[int, int]
    crc: int
    compressed: int
    size: int
    attributes: int
    offset: int
    extra: bytes


def zip_of(tar: Iterable[bytes]) -> Iterator[bytes]:
    """The zip of a tar made with `--format=posix --sparse --hard-dereference`, in chunks.

    Holes become zeros. What a zip has no words for is left out: devices and FIFOs. A hard link that is there all the same
    becomes a symbolic link to the name that came first. Memory: some 30 bytes for every entry, for the directory
    at the end, and under 2 MiB for the rest. Raises InvalidInputError at `archive` where the tar is damaged.
    """
    return gathered(_ZipWriter(tar).pieces())


class _ZipWriter:
    def __init__(self, tar: Iterable[bytes]) -> None:
        self._members = TarReader(tar, _LIMITS)
        self._at = 0
        self._directory = _Directory()

    def pieces(self) -> Iterator[bytes]:
        """All of the zip, piece by piece."""
        for piece in self._entries():
            self._at += len(piece)
            yield piece
        start = self._at
        size = 0
        for piece in self._directory.pieces():
            size += len(piece)
            yield piece
        yield from _ending(self._directory.count, size, start)

    def _entries(self) -> Iterator[bytes]:
        for member in self._members:
            name = _zip_name(member)
            if not name:
                continue
            if member.kind is Kind.FILE and member.size:
                yield from self._deflated(member, name)
            elif member.kind in (Kind.FILE, Kind.FOLDER):
                yield from self._stored(member, name, b"")
            elif member.kind is Kind.SYMLINK:
                yield from self._stored(member, name, member.target)
            elif member.kind is Kind.HARD_LINK:
                member.kind, member.mode = Kind.SYMLINK, 0o777
                yield from self._stored(member, name, b"../" * name.count(b"/") + _relative(member.target))

    def _stored(self, member: Member, name: bytes, data: bytes) -> Iterator[bytes]:
        packed = self._begun(member, name, 0, STORED)
        packed.crc, packed.compressed, packed.size = isal_zlib.crc32(data), len(data), len(data)
        yield _local_header(packed, wide=False) + data
        self._directory.add(packed)

    def _deflated(self, member: Member, name: bytes) -> Iterator[bytes]:
        packed = self._begun(member, name, SIZES_FOLLOW, DEFLATED)
        wide = member.size >= _MAY_EXCEED
        yield _local_header(packed, wide=wide)
        stream = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
        for piece in _expanded(member, self._members.content()):
            packed.crc = isal_zlib.crc32(piece, packed.crc)
            packed.size += len(piece)
            if made := stream.compress(piece):
                packed.compressed += len(made)
                yield made
        made = stream.flush()
        packed.compressed += len(made)
        yield made + struct.pack(
            "<4sLQQ" if wide else "<4sLLL", b"PK\x07\x08", packed.crc, packed.compressed, packed.size
        )
        self._directory.add(packed)

    def _begun(self, member: Member, name: bytes, flags: int, method: int) -> _Packed:
        seconds = member.modified // NANOSECONDS
        attributes = (_TYPES[member.kind] | member.mode) << 16 | (_DOS_FOLDER if member.kind is Kind.FOLDER else 0)
        extra = _extra(seconds, member)
        return _Packed(name, flags | _name_flag(name), method, dos_time(seconds), 0, 0, 0, attributes, self._at, extra)


class _Directory:
    """The entries of the directory until it is their turn, compressed: a quarter of their size in memory."""

    def __init__(self) -> None:
        self.count = 0
        self._stream = zstd.ZstdCompressor(level=1)
        self._kept = bytearray()

    def add(self, packed: _Packed) -> None:
        self.count += 1
        self._kept += self._stream.compress(_directory_entry(packed))

    def pieces(self) -> Iterator[bytes]:
        self._kept += self._stream.flush()
        stream = zstd.ZstdDecompressor()
        for at in range(0, len(self._kept), _CHUNK):
            yield stream.decompress(bytes(self._kept[at : at + _CHUNK]))


def _zip_name(member: Member) -> bytes:
    """The member's name, a folder's with its slash; empty for the top folder."""
    name = _relative(member.name)
    if len(name) >= _LONGEST_NAME:
        raise refusal(f"{quoted(name)} is a path too long for a zip. Choose tar.")
    return name + b"/" if name and member.kind is Kind.FOLDER else name


def _relative(name: bytes) -> bytes:
    return b"/".join([part for part in name.split(b"/") if part not in (b"", b".")])


def _name_flag(name: bytes) -> int:
    """UTF-8 is marked as such; other bytes are left as they are, for Unix to read them back."""
    try:
        name.decode()
    except UnicodeDecodeError:
        return 0
    return 0 if name.isascii() else UTF8


def _extra(seconds: int, member: Member) -> bytes:
    owner = struct.pack("<HHBBLBL", UNIX_OWNER, 11, 1, 4, (member.uid or 0) & FULL32, 4, (member.gid or 0) & FULL32)
    if -(2**31) <= seconds < 2**31:
        return struct.pack("<HHBl", UNIX_TIME, 5, 1, seconds) + owner
    return owner


def _expanded(member: Member, content: Iterable[bytes]) -> Iterator[bytes]:
    """What a reader of the file sees: its data with zeros for the holes."""
    if member.segments is None:
        yield from content
        return
    source = ByteSource(content)
    at = 0
    for offset, length in member.segments:
        yield from _zeros(offset - at)
        yield from source.pieces(length)
        at = offset + length
    yield from _zeros(member.size - at)


def _zeros(size: int) -> Iterator[bytes]:
    for _ in range(size // len(_ZEROS)):
        yield _ZEROS
    yield _ZEROS[: size % len(_ZEROS)]


def _local_header(packed: _Packed, *, wide: bool) -> bytes:
    date, time = packed.moment
    extra = struct.pack("<HHQQ", 1, 16, 0, 0) + packed.extra if wide else packed.extra
    sizes = (FULL32, FULL32) if wide else (packed.compressed, packed.size)
    version = _VERSION64 if wide else _VERSION
    fixed = LOCAL.pack(
        LOCAL_MARK,
        version,
        packed.flags,
        packed.method,
        time,
        date,
        packed.crc,
        *sizes,
        len(packed.name),
        len(extra),
    )
    return fixed + packed.name + extra


def _directory_entry(packed: _Packed) -> bytes:
    numbers = (packed.size, packed.compressed, packed.offset)
    wide = [number for number in numbers if number >= FULL32]
    extra = packed.extra
    if wide:
        extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) + extra
    size, compressed, offset = (min(number, FULL32) for number in numbers)
    date, time = packed.moment
    version = _VERSION64 if wide else _VERSION
    fixed = ENTRY.pack(
        ENTRY_MARK, _VERSION64, UNIX, version, packed.flags, packed.method, time, date, packed.crc, compressed, size,
        len(packed.name), len(extra), 0, 0, 0, packed.attributes, offset,
    )  # fmt: skip
    return fixed + packed.name + extra


def _ending(count: int, size: int, start: int) -> Iterator[bytes]:
    if count >= FULL16 or size >= FULL32 or start >= FULL32:
        here = start + size
        yield END64.pack(
            END64_MARK, END64.size - 12, UNIX << 8 | _VERSION64, _VERSION64, 0, 0, count, count, size, start
        )
        yield LOCATOR.pack(LOCATOR_MARK, 0, here, 1)
    yield END.pack(END_MARK, 0, 0, min(count, FULL16), min(count, FULL16), min(size, FULL32), min(start, FULL32), 0)
