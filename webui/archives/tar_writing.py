"""A tar written anew: ustar, with PAX records only where ustar can't say it, and sparse files as GNU's format 1.0."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from webui.archives.members import DEVICES, Kind, Member
from webui.archives.pax import NANOSECONDS, print_record, print_time
from webui.archives.sparse import printed_size
from webui.archives.tar_fields import BLOCK, ZEROS, checksum

END: Final = ZEROS + ZEROS
RECORD: Final = 20 * BLOCK
"""A tar's length is a multiple of this."""

_FIELDS: Final = struct.Struct("100s 48s 8x c 100s 8s 64x 16s 155s 12x")
_MOST_ID: Final = 0o7777777
_MOST: Final = 0o77777777777
_LONGEST: Final = 100
_LONGEST_FRONT: Final = 155
_EXTENDED_NAME: Final = b"PaxHeaders/entry"
_LONG_NAME: Final = b"PaxHeaders/long-name"
_SPARSE_NAME: Final = b"GNUSparseFile/entry"


def print_header(member: Member) -> bytes:
    """What stands before the member's map of holes and its stored bytes. Its name is a clean path, `./` for the top.

    Names of folders get their slash here. The name of an owner is never written: numbers mean the same everywhere.
    """
    records = dict(member.attributes)
    size = member.stored
    name = member.name
    if member.kind is Kind.FOLDER and not name.endswith(b"/"):
        name += b"/"
    if member.segments is not None:
        size += printed_size(member.segments, member.size)
        records.update(_sparse_records(member))
        front, name = b"", _SPARSE_NAME
    else:
        front, name = _split_name(name, records)
    return _headers(member, front, name, size, records)


def _headers(member: Member, front: bytes, name: bytes, size: int, records: dict[bytes, bytes]) -> bytes:
    seconds, fraction = divmod(member.modified, NANOSECONDS)
    if fraction or not 0 <= seconds <= _MOST:
        records[b"mtime"] = print_time(member.modified)
        seconds = min(max(seconds, 0), _MOST)
    target = _fitting(b"linkpath", member.target, records)
    own = _block(
        (front, name),
        member.kind,
        mode=member.mode,
        uid=_number(b"uid", member.uid or 0, _MOST_ID, records),
        gid=_number(b"gid", member.gid or 0, _MOST_ID, records),
        size=_number(b"size", size, _MOST, records),
        seconds=seconds,
        target=target,
        device=member.device if member.kind in DEVICES else None,
    )
    return _extended(records) + own if records else own


def _sparse_records(member: Member) -> dict[bytes, bytes]:
    return {
        b"GNU.sparse.major": b"1",
        b"GNU.sparse.minor": b"0",
        b"GNU.sparse.name": member.name,
        b"GNU.sparse.realsize": b"%d" % member.size,
    }


def _extended(records: dict[bytes, bytes]) -> bytes:
    data = b"".join([print_record(key, value) for key, value in records.items()])
    return _extended_block(len(data)) + data + bytes(-len(data) % BLOCK)


@lru_cache(maxsize=256)
def _extended_block(size: int) -> bytes:
    return _block((b"", _EXTENDED_NAME), b"x", size=size)


def _split_name(name: bytes, records: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    """The name in the two fields that ustar has for it, or in a record."""
    if len(name) <= _LONGEST:
        return b"", name
    slash = name.find(b"/", len(name) - _LONGEST - 1, len(name) - 1)
    if 0 < slash <= _LONGEST_FRONT:
        return name[:slash], name[slash + 1 :]
    records[b"path"] = name
    return b"", _LONG_NAME


def _fitting(key: bytes, value: bytes, records: dict[bytes, bytes]) -> bytes:
    if len(value) <= _LONGEST:
        return value
    records[key] = value
    return _LONG_NAME


def _number(key: bytes, value: int, most: int, records: dict[bytes, bytes]) -> int:
    if value <= most:
        return value
    records[key] = b"%d" % value
    return 0


def _block(
    name: tuple[bytes, bytes],
    flag: bytes,
    *,
    mode: int = 0o644,
    uid: int = 0,
    gid: int = 0,
    size: int = 0,
    seconds: int = 0,
    target: bytes = b"",
    device: tuple[int, int] | None = None,
) -> bytes:
    block = _FIELDS.pack(
        name[1],
        b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, uid, gid, size, seconds),
        flag,
        target,
        b"ustar\x0000",
        b"%07o\0%07o\0" % device if device else b"",
        name[0],
    )
    return b"%b%06o\0 %b" % (block[:148], checksum(block), block[156:])
