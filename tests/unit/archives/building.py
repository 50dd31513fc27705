"""Archives built by hand, byte by byte, and what becomes of them."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from webui.archives import ArchiveFormat, ImportOptions, Limits, Summary, checked_tar, checked_zip

BLOCK = 512
END = bytes(2 * BLOCK)
LIMITS = Limits()
OPTIONS = ImportOptions()


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def octal(number: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, number)


def base256(number: int, width: int) -> bytes:
    """A number as GNU tar writes what octal digits can't say."""
    return bytes([0x80 if number >= 0 else 0xFF]) + number.to_bytes(width - 1, "big", signed=True)


def with_checksum(block: bytes) -> bytes:
    total = sum(block[:148]) + 8 * 32 + sum(block[156:])
    return block[:148] + b"%06o\0 " % total + block[156:]


def header(name: bytes, flag: bytes = b"0", **fields: Any) -> bytes:
    """One block. A number field given as bytes stands there as it is."""
    defaults: dict[str, Any] = {
        "mode": 0o644, "uid": 0, "gid": 0, "size": 0, "mtime": 0, "target": b"", "magic": b"ustar\x0000",
        "major": 0, "minor": 0, "front": b"",
    }  # fmt: skip
    found = defaults | fields

    def number(key: str, width: int) -> bytes:
        value = found[key]
        return value if isinstance(value, bytes) else octal(value, width)

    return with_checksum(
        struct.pack(
            "100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12s",
            name, number("mode", 8), number("uid", 8), number("gid", 8), number("size", 12), number("mtime", 12), b"",
            flag, found["target"], found["magic"], b"", b"", number("major", 8), number("minor", 8), found["front"], b"",
        )
    )  # fmt: skip


def file(name: bytes, data: bytes = b"", **fields: Any) -> bytes:
    return header(name, **{"size": len(data)} | fields) + padded(data)


def folder(name: bytes, **fields: Any) -> bytes:
    return header(name, b"5", **{"mode": 0o755} | fields)


def symlink(name: bytes, target: bytes, **fields: Any) -> bytes:
    return header(name, b"2", target=target, mode=0o777, **fields)


def hard_link(name: bytes, target: bytes, **fields: Any) -> bytes:
    return header(name, b"1", target=target, **fields)


def record(key: bytes, value: bytes) -> bytes:
    rest = len(key) + len(value) + 3
    for digits in range(1, 12):
        if len(str(rest + digits)) == digits:
            return b"%d %b=%b\n" % (rest + digits, key, value)
    raise AssertionError("too long")


def pax(*records: tuple[bytes, bytes], flag: bytes = b"x") -> bytes:
    data = b"".join(record(*each) for each in records)
    return header(b"PaxHeaders/x", flag, size=len(data)) + padded(data)


def long_name(name: bytes, flag: bytes = b"L") -> bytes:
    return header(b"././@LongLink", flag, size=len(name) + 1, magic=b"ustar  \0") + padded(name + b"\0")


def tar(*entries: bytes) -> bytes:
    return b"".join(entries) + END


def taken(
    archive: bytes,
    fmt: ArchiveFormat = ArchiveFormat.TAR,
    limits: Limits = LIMITS,
    options: ImportOptions = OPTIONS,
) -> tuple[bytes, Summary]:
    """The safe tar of an archive, all of it, and its summary."""
    source = io.BytesIO(archive)
    found = (
        checked_zip(source, limits, options) if fmt is ArchiveFormat.ZIP else checked_tar(source, fmt, limits, options)
    )
    return b"".join(found), found.summary


def listed(safe: bytes) -> list[tarfile.TarInfo]:
    """What another reader sees in a tar."""
    with tarfile.open(fileobj=io.BytesIO(safe), mode="r:", encoding="utf-8", errors="surrogateescape") as found:
        return found.getmembers()


def names(safe: bytes) -> list[str]:
    return [member.name for member in listed(safe)]


def contents(safe: bytes) -> dict[str, bytes]:
    """The contents of a tar's files, by another reader."""
    with tarfile.open(fileobj=io.BytesIO(safe), mode="r:", encoding="utf-8", errors="surrogateescape") as found:
        return {
            each.name: reader.read()
            for each in found.getmembers()
            if each.isreg() and (reader := found.extractfile(each))
        }


def assert_safe(safe: bytes) -> None:
    """Nothing in the tar leads out of the folder it is unpacked into, whoever unpacks it."""
    seen: dict[str, tarfile.TarInfo] = {}
    for member in listed(safe):
        name = member.name
        path = PurePosixPath(name)
        assert name and not path.is_absolute() and ".." not in path.parts and "\0" not in name
        above = [str(parent) for parent in path.parents if str(parent) != "."]
        assert all(parent not in seen or seen[parent].isdir() for parent in above)
        assert name not in seen or (seen[name].isdir() and member.isdir())
        assert not any(other.startswith(f"{name}/") for other in seen) or member.isdir()
        if member.islnk():
            assert seen[member.linkname].isreg() or seen[member.linkname].type in (b"1", b"6", b"3", b"4")
        assert not member.isdev() or member.isfifo()
        seen[name] = member


def zip_extra(key: int, data: bytes) -> bytes:
    return struct.pack("<HH", key, len(data)) + data


class Zip:
    """A zip that says what it is told to say, true or not."""

    def __init__(self, before: bytes = b"") -> None:
        self.data = bytearray(before)
        self.before = len(before)
        self.directory: list[bytes] = []

    def add(self, name: bytes, data: bytes = b"", *, method: int = 8, **lies: Any) -> Zip:
        """An entry. `local_…` and `central_…` override a field in one place, a bare name in both."""
        stream = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = stream.compress(data) + stream.flush() if method == 8 else data
        fields: dict[str, Any] = {
            "name": name, "flags": 0, "method": method, "crc": zlib.crc32(data), "compressed": len(packed),
            "size": len(data), "extra": b"", "made_by": 3, "mode": 0o100644, "offset": len(self.data) - self.before,
            "time": 0, "date": 0x5821, "dos": 0, "comment": b"", "packed": packed,
        }  # fmt: skip
        bare = {key: value for key, value in lies.items() if not key.startswith(("local_", "central_"))}
        assert bare.keys() <= fields.keys()
        local = fields | bare | _for(lies, "local_")
        self.data += _local(local) + local["packed"]
        self.directory.append(_central(fields | bare | _for(lies, "central_")))
        return self

    def built(self, comment: bytes = b"", *, count: int | None = None, after: bytes = b"") -> bytes:
        start = len(self.data) - self.before
        entries = b"".join(self.directory)
        said = len(self.directory) if count is None else count
        end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, said, said, len(entries), start, len(comment))
        return bytes(self.data) + entries + end + comment + after


def _for(lies: dict[str, Any], where: str) -> dict[str, Any]:
    return {key.removeprefix(where): value for key, value in lies.items() if key.startswith(where)}


def _local(found: dict[str, Any]) -> bytes:
    return (
        struct.pack(
            "<4s5H3L2H", b"PK\x03\x04", 20, found["flags"], found["method"], found["time"], found["date"], found["crc"],
            found["compressed"], found["size"], len(found["name"]), len(found["extra"]),
        ) + found["name"] + found["extra"]
    )  # fmt: skip


def _central(found: dict[str, Any]) -> bytes:
    return (
        struct.pack(
            "<4sBBHHHHHLLLHHHHHLL", b"PK\x01\x02", 20, found["made_by"], 20, found["flags"], found["method"], found["time"],
            found["date"], found["crc"], found["compressed"], found["size"], len(found["name"]), len(found["extra"]),
            len(found["comment"]), 0, 0, found["mode"] << 16 | found["dos"], found["offset"],
        ) + found["name"] + found["extra"] + found["comment"]
    )  # fmt: skip


def chunked(data: bytes, size: int) -> Iterable[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))
