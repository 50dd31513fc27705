"""A zip, entry by entry, as members: the directory and the local headers have to agree, and nothing may overlap."""

from __future__ import annotations

import stat
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import BinaryIO, Final

from webui.archives.decoding import CHUNK, Ratio
from webui.archives.members import Kind, Member
from webui.archives.rules import LONGEST_PATH, ImportOptions, Limits, quoted, refusal
from webui.archives.zip_directory import (
    Directory,
    ZipEntry,
    bytes_at,
    damaged_zip,
    entries,
    find_directory,
    parse_extra,
    region,
    wide_numbers,
)
from webui.archives.zip_fields import DEFLATED, LOCAL, LOCAL_MARK, SIZES_FOLLOW, STORED
from webui.archives.zip_words import entry_mode, entry_name, entry_owner, entry_time
from webui.errors import InvalidInputError

_ENCRYPTED: Final = 0x0001 | 0x0040 | 0x2000
_PATCH: Final = 0x0020


class ZipReader:
    """The members of a zip, in the directory's order; a `Members`. Raises InvalidInputError as `find_directory` does."""

    def __init__(self, file: BinaryIO, limits: Limits, options: ImportOptions) -> None:
        self._file = file
        self._options = options
        self._ratio = Ratio(limits)
        self._directory = find_directory(file, limits)
        self._starts = _starts(file, self._directory)
        self._current: tuple[ZipEntry, int] | None = None

    def __iter__(self) -> Iterator[Member]:
        """Every member. One whose content nobody asks for is not uncompressed."""
        for entry in entries(self._file, self._directory):
            _refuse_unreadable(entry)
            start = self._data_start(entry)
            yield self._member(entry, start)

    def content(self) -> Iterator[bytes]:
        """The last member's bytes, uncompressed: as many as it said, and with the checksum it said."""
        if self._current is None:
            return iter(())
        return self._content(*self._current)

    def _member(self, entry: ZipEntry, start: int) -> Member:
        name = entry_name(entry)
        mode = entry_mode(entry, name)
        uid, gid = entry_owner(entry)
        member = Member(
            name, _kind_of(entry, mode), mode=stat.S_IMODE(mode), uid=uid, gid=gid, modified=entry_time(entry)
        )
        self._current = None
        if member.kind is Kind.SYMLINK:
            member.target = self._target(entry, start)
        elif member.kind is Kind.FILE:
            member.size = member.stored = entry.size
            if entry.size:
                self._current = (entry, start)
            else:
                self._prove_empty(entry, start)
        elif entry.size:
            raise refusal(f"{quoted(entry.name)} holds data although it is a folder. Make the archive again.")
        return member

    def _prove_empty(self, entry: ZipEntry, start: int) -> None:
        """Nobody asks for the content of an empty file, so that nobody would notice that it has some."""
        for _ in self._content(entry, start):
            pass

    def _target(self, entry: ZipEntry, start: int) -> bytes:
        if entry.size > LONGEST_PATH:
            raise refusal(
                f"{quoted(entry.name)} is a symbolic link with a target that can't be. Make the archive again."
            )
        return b"".join(self._content(entry, start))

    def _content(self, entry: ZipEntry, start: int) -> Iterator[bytes]:
        made = crc = 0
        self._ratio.add(entry.compressed, 0)
        data = region(self._file, start, start + entry.compressed)
        for piece in data if entry.method == STORED or not entry.compressed else _inflated(data, entry):
            made += len(piece)
            if made > entry.size:
                raise _lying(entry)
            crc = zlib.crc32(piece, crc)
            self._ratio.add(0, len(piece))
            yield piece
        if made != entry.size or crc != entry.crc:
            raise _lying(entry)

    def _data_start(self, entry: ZipEntry) -> int:
        """Where the entry's data stands, after its local header, which says the same as the directory."""
        header = bytes_at(self._file, entry.offset, LOCAL.size)
        mark, _, flags, method, _, _, crc, compressed, size, name_size, extra_size = LOCAL.unpack(header)
        names = bytes_at(self._file, entry.offset + LOCAL.size, name_size + extra_size)
        start = entry.offset + LOCAL.size + len(names)
        extra = parse_extra(names[name_size:])
        if mark != LOCAL_MARK or names[:name_size] != entry.name or method != entry.method:
            raise _lying(entry)
        if (flags ^ entry.flags) & _ENCRYPTED:
            raise _lying(entry)
        size, compressed = wide_numbers(extra, (size, compressed))
        for said, meant in ((crc, entry.crc), (compressed, entry.compressed), (size, entry.size)):
            if said != meant and not (flags & SIZES_FOLLOW and said == 0):
                raise _lying(entry)
        if start + entry.compressed > self._next_start(entry):
            raise refusal(
                f"{quoted(entry.name)} overlaps another entry of the archive. No honest program writes that: make it again."
            )
        return start

    def _next_start(self, entry: ZipEntry) -> int:
        after = bisect_right(self._starts, entry.offset)
        return self._starts[after] if after < len(self._starts) else self._directory.start


def _starts(file: BinaryIO, directory: Directory) -> array[int]:
    """Where all local headers stand, in rising order; 8 bytes each."""
    found = array("Q", sorted(array("Q", (_offset(entry, directory) for entry in entries(file, directory)))))
    for index in range(1, len(found)):
        if found[index] < found[index - 1] + LOCAL.size:
            raise refusal("Entries of this zip overlap. No honest program writes that: make the archive again.")
    return found


def _offset(entry: ZipEntry, directory: Directory) -> int:
    if entry.offset + LOCAL.size > directory.start:
        raise damaged_zip()
    return entry.offset


def _refuse_unreadable(entry: ZipEntry) -> None:
    if entry.flags & _ENCRYPTED:
        raise refusal(
            f"{quoted(entry.name)} is encrypted. Unpack the archive with its password, and pack it without one."
        )
    if entry.method not in (STORED, DEFLATED) or entry.flags & _PATCH:
        raise refusal(
            f"{quoted(entry.name)} is compressed in a way that is not understood. Pack the archive again with the usual method, "
            "Deflate."
        )
    if entry.method == STORED and entry.compressed != entry.size:
        raise _lying(entry)


def _inflated(data: Iterator[bytes], entry: ZipEntry) -> Iterator[bytes]:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for chunk in data:
            if stream.eof:
                raise _lying(entry)
            yield stream.decompress(chunk, CHUNK)
            while stream.unconsumed_tail:
                yield stream.decompress(stream.unconsumed_tail, CHUNK)
        while not stream.eof and (piece := stream.decompress(b"", CHUNK)):
            yield piece
    except zlib.error:
        raise _lying(entry) from None
    if not stream.eof or stream.unused_data:
        raise _lying(entry)


def _kind_of(entry: ZipEntry, mode: int) -> Kind:
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    if stat.S_ISLNK(mode):
        return Kind.SYMLINK
    if stat.S_ISREG(mode) or (stat.S_ISFIFO(mode) and entry.size):
        return Kind.FILE  # what came through a pipe is stored as one by some
    raise refusal(f"{quoted(entry.name)} is neither file, folder nor symbolic link. A zip can't hold it; send a tar.")


def _lying(entry: ZipEntry) -> InvalidInputError:
    return refusal(
        f"{quoted(entry.name)} is damaged: what the zip says of it in one place is not what stands in another. Get it again, "
        "or make it again."
    )
