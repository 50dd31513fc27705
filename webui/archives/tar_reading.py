"""A tar, entry by entry: ustar, PAX, GNU tar's long names and every form of its sparse files. Strict and streaming.

Own code and not the standard library's reader: that one keeps headers of any size in memory, takes digits and sizes that
no tar writes, ends without a word at some damaged headers, and takes longer to read an entry than it takes here to read, check and write it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from webui.archives.byte_source import ByteSource
from webui.archives.members import Kind, Member
from webui.archives.pax import NANOSECONDS, parse_number, parse_records, parse_time
from webui.archives.rules import Limits, quoted, refusal
from webui.archives.sparse import check_map, read_leading_map, read_listed_map, read_old_map
from webui.archives.tar_fields import (
    BLOCK,
    ZEROS,
    Header,
    flag_of,
    has_its_checksum,
    is_gnu,
    is_header,
    name_of,
    parse_header,
    size_of,
)
from webui.errors import InvalidInputError

_KINDS: Final = {
    **{kind.value: kind for kind in Kind},
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"S": Kind.FILE,
    b"D": Kind.FOLDER,
}
_EXTENDED: Final = b"xX"
_GLOBAL: Final = b"g"
_LONG: Final = {b"L": b"path", b"K": b"linkpath"}
_LABEL: Final = b"V"
_ATTRIBUTE: Final = b"SCHILY.xattr."
_LISTS: Final = frozenset({b"SCHILY.acl.access", b"SCHILY.acl.default"})
_VOLUME_LABEL: Final = b"GNU.volume.label"
_FOR_ALL: Final = frozenset({b"uid", b"gid", b"mtime"})
_NEVER_FOR_ALL: Final = (b"path", b"linkpath", b"size", b"GNU.", b"SCHILY.", b"SUN.")
_PARTS: Final = frozenset(
    {b"GNU.sparse.major", b"GNU.sparse.size", b"GNU.volume.filename", b"SCHILY.realsize", b"SUN.holesdata"}
)
"""Where one of these is there, what is stored is not what the file holds."""
_MOST_OCTAL: Final = 0o77777777777
_SMALL: Final = 64 * 1024
_MOST_FOR_ALL: Final = 1000
_IN_PARTS: Final = "its data is stored in a way that is not understood"

Records = Mapping[bytes, bytes]


class TarReader:
    """The members of a tar. Raises InvalidInputError, naming the entry, at whatever is damaged or not understood."""

    def __init__(self, chunks: Iterable[bytes], limits: Limits) -> None:
        self._source = ByteSource(chunks)
        self._limits = limits
        self._for_all: dict[bytes, bytes] = {}
        self._name: bytes | None = None
        self._last: bytes | None = None
        self._left = 0
        self._padding = 0
        self._for_all_count = 0

    def __iter__(self) -> Iterator[Member]:
        """Every member; its content is skipped where nobody asks for it."""
        if self._source.at_end():
            raise refusal("This archive is empty: not even its end is there. Choose another, or send it again.")
        while (member := self._guarded()) is not None:
            yield member
        self._check_rest()

    def content(self) -> Iterable[bytes]:
        """The bytes stored for the last member, in pieces; a small file's in one."""
        if self._left > _SMALL:
            return self._pieces()
        size, self._left = self._left, 0
        try:
            return (self._source.take(size),)
        except EOFError:
            raise self._cut_off() from None

    def _pieces(self) -> Iterator[bytes]:
        try:
            for piece in self._source.pieces(self._left):
                self._left -= len(piece)
                yield piece
        except EOFError:
            raise self._cut_off() from None

    def _guarded(self) -> Member | None:
        try:
            self._source.skip(self._left + self._padding)
            self._left = self._padding = 0
            self._last, self._name = self._name, None
            return self._next()
        except EOFError:
            raise self._cut_off() from None
        except ValueError as error:
            raise self._damaged(str(error)) from None

    def _next(self) -> Member | None:
        """The next member, or None at the archive's end. Raises EOFError, and ValueError with the end of a sentence."""
        records: list[tuple[bytes, bytes]] = []
        long: dict[bytes, bytes] = {}
        while True:
            block = self._block()
            if block == ZEROS:
                if records or long:
                    raise ValueError("its header stands alone, without an entry")
                return None
            flag = flag_of(block)
            if flag in _EXTENDED:
                _refuse_second(bool(records))
                records = parse_records(self._payload(block)) or [(b"comment", b"")]
            elif flag in _LONG:
                _refuse_second(_LONG[flag] in long)
                long[_LONG[flag]] = _long_name(self._payload(block))
            elif records or long or flag not in (_GLOBAL, _LABEL):
                return self._member(block, records, long)
            else:
                self._take_for_all(flag, block)

    def _block(self) -> bytes:
        block = self._source.take(BLOCK)
        if block != ZEROS and not has_its_checksum(block):
            if self._last is None and not is_header(block):
                raise _no_tar(block)
            raise ValueError("its header is damaged")
        return block

    def _payload(self, block: bytes) -> bytes:
        size = size_of(block)
        if size > self._limits.header:
            raise ValueError(f"its extended header is longer than {self._limits.header:,} bytes")
        data = self._source.take(size)
        self._source.skip(-size % BLOCK)
        return data

    def _take_for_all(self, flag: bytes, block: bytes) -> None:
        self._for_all_count += 1
        if self._for_all_count > _MOST_FOR_ALL:
            raise ValueError(f"there are more than {_MOST_FOR_ALL:,} headers that belong to no entry")
        payload = self._payload(block)
        for key, value in parse_records(payload) if flag == _GLOBAL else ():
            if key.startswith(_NEVER_FOR_ALL) and key != _VOLUME_LABEL:
                raise ValueError(f"its header sets {quoted(key)} for all entries at once")
            if key in _FOR_ALL:
                self._for_all[key] = value

    def _member(self, block: bytes, records: list[tuple[bytes, bytes]], long: Records) -> Member:
        self._name = long.get(b"path") or name_of(block)
        found = {**self._for_all, **dict(records)} if self._for_all else dict(records)
        if long:
            _refuse_contradiction(found, long)
            found.update(long)
        self._name = found.get(b"GNU.sparse.name") or found.get(b"path") or self._name
        header = parse_header(block)
        flag = flag_of(block)
        member = _described(self._name, _kind_of(flag, self._name, header), header, found)
        stored = _stored_size(header, found)
        self._left, self._padding = stored, -stored % BLOCK
        if member.kind is Kind.FILE:
            self._set_sizes(member, block, records, found)
        elif stored and flag != b"D":
            raise ValueError("it holds data although it is no file")
        return member

    def _set_sizes(self, member: Member, block: bytes, records: list[tuple[bytes, bytes]], found: Records) -> None:
        member.size = self._left
        if flag_of(block) == b"S":
            if not is_gnu(block):
                raise ValueError(_IN_PARTS)
            member.segments, member.size = read_old_map(block, self._source.take, self._limits.segments)
        elif not _PARTS.isdisjoint(found):
            self._set_sparse(member, records, found)
        member.stored = self._left
        if member.segments is not None:
            check_map(member.segments, member.size, member.stored)

    def _set_sparse(self, member: Member, records: list[tuple[bytes, bytes]], found: Records) -> None:
        most = self._limits.segments
        if b"GNU.sparse.major" in found:
            if (found[b"GNU.sparse.major"], found.get(b"GNU.sparse.minor")) != (b"1", b"0"):
                raise ValueError(_IN_PARTS)
            member.size = parse_number(found.get(b"GNU.sparse.realsize", b""), "size")
            member.segments, taken = read_leading_map(self._source.take, self._left, most)
            self._left -= taken
        elif b"GNU.sparse.size" in found:
            member.size = parse_number(found[b"GNU.sparse.size"], "size")
            member.segments = read_listed_map(records, most)
        else:
            raise ValueError(_IN_PARTS)

    def _check_rest(self) -> None:
        """After the end only zeros may come. Reading them on finds out too whether a compressed stream is whole."""
        for piece in self._source.rest():
            if piece.count(0) != len(piece):
                raise refusal(
                    "After the end of the archive there is more. It may be two archives in one file: take them apart and "
                    "send them one by one."
                )

    def _cut_off(self) -> InvalidInputError:
        where = "at its start"
        if self._name is not None:
            where = f"in {quoted(self._name)}"
        elif self._last is not None:
            where = f"after {quoted(self._last)}"
        return refusal(f"The archive breaks off {where}. Get it again, or make it again.")

    def _damaged(self, what: str) -> InvalidInputError:
        where = "The first entry"
        if self._name is not None:
            where = quoted(self._name)
        elif self._last is not None:
            where = f"The entry after {quoted(self._last)}"
        return refusal(f"{where} can't be read: {what}. Get the archive again, or make it again with GNU tar.")


def _no_tar(block: bytes) -> InvalidInputError:
    if block.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        return refusal("What is in this file is compressed once more. Uncompress it once, then send it.")
    return refusal("What is in this file is no tar archive. Choose a tar, or compress a whole folder with tar.")


def _refuse_second(is_there: bool) -> None:
    if is_there:
        raise ValueError("it has two headers of one kind")


def _long_name(data: bytes) -> bytes:
    name = data.rstrip(b"\0")
    if not name or b"\0" in name:
        raise ValueError("its long name is damaged")
    return name


def _refuse_contradiction(own: Records, long: Records) -> None:
    for key, name in long.items():
        if own.get(key) not in (None, b"", name):
            raise ValueError("it has two names")


def _kind_of(flag: bytes, name: bytes, header: Header) -> Kind:
    kind = _KINDS.get(flag)
    if kind is None:
        raise ValueError(f"its type, {quoted(flag)}, is not understood")
    if kind is Kind.FILE and name.endswith(b"/") and not header.size:
        return Kind.FOLDER
    return kind


def _described(name: bytes, kind: Kind, header: Header, found: Records) -> Member:
    member = Member(name, kind, 0, 0, header.mode, header.uid, header.gid, header.modified * NANOSECONDS, header.target)
    member.device = header.device
    if not found:
        return member
    if found.get(b"uid"):
        member.uid = parse_number(found[b"uid"], "owner")
    if found.get(b"gid"):
        member.gid = parse_number(found[b"gid"], "group")
    if found.get(b"mtime"):
        member.modified = parse_time(found[b"mtime"])
    member.target = found.get(b"linkpath") or header.target
    member.attributes = {key: found[key] for key in found if key.startswith(_ATTRIBUTE) or key in _LISTS}
    return member


def _stored_size(header: Header, found: Records) -> int:
    if not found.get(b"size"):
        return header.size
    size = parse_number(found[b"size"], "size")
    if header.size not in (0, size) and size <= _MOST_OCTAL:
        raise ValueError("it has two sizes")
    return size
