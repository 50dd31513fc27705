"""What zip entries say of names, modes, owners and times, in the words of the programs that made them.

Follows APPNOTE.TXT (sections 4.4.2, 4.4.15, appendix D) and Info-ZIP's extra fields (`proginfo/extrafld.txt` of its sources).
"""

from __future__ import annotations

import stat
import struct
import zlib
from datetime import UTC, datetime
from typing import Final

from webui.archives.pax import NANOSECONDS
from webui.archives.rules import quoted, refusal
from webui.archives.zip_directory import ZipEntry

UTF8: Final = 0x0800
UNIX: Final = 3
UNIX_TIME: Final = 0x5455
UNIX_OWNER: Final = 0x7875
_DARWIN: Final = 19
_WINDOWS: Final = frozenset({0, 10, 11, 14})
_UNICODE_NAME: Final = 0x7075
_NTFS: Final = 0x000A
_NTFS_EPOCH: Final = 11_644_473_600
_READ_ONLY: Final = 0x01
_FOLDER: Final = 0x10


def entry_name(entry: ZipEntry) -> bytes:
    """The name's bytes as a volume gets them: UTF-8 where the zip says what the bytes mean, else as they are.

    Programs for Windows wrote code page 437, and some a backslash between folders. Raises InvalidInputError.
    """
    name = _unicode_name(entry)
    if name is None and entry.flags & UTF8:
        name = _checked_utf8(entry.name)
    if name is None:
        name = entry.name.decode("cp437").encode() if entry.made_by in _WINDOWS else entry.name
    if entry.made_by in _WINDOWS:
        name = name.replace(b"\\", b"/")
        if name[1:2] == b":" and name[:1].isalpha():
            raise refusal(f"{quoted(entry.name)} is a path with a drive. Make the archive again with relative paths.")
    return name


def entry_mode(entry: ZipEntry, name: bytes) -> int:
    """The file's type and permissions, as `stat` has them. A trailing slash makes a folder of what is no link."""
    mode = entry.attributes >> 16 if entry.made_by in (UNIX, _DARWIN) else 0
    is_folder = name.endswith(b"/") or (not mode and bool(entry.attributes & _FOLDER))
    if is_folder and not stat.S_ISDIR(mode):
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise refusal(f"{quoted(entry.name)} has the name of a folder and is none. Make the archive again.")
        mode = stat.S_IFDIR | (stat.S_IMODE(mode) if stat.S_IFMT(mode) else 0o755)
    if stat.S_IFMT(mode):
        return mode
    return stat.S_IFREG | (stat.S_IMODE(mode) or (0o444 if entry.attributes & _READ_ONLY else 0o644))


def entry_owner(entry: ZipEntry) -> tuple[int | None, int | None]:
    """User and group as numbers, as Info-ZIP writes them; None where the zip does not say."""
    data = entry.extra.get(UNIX_OWNER, b"")
    if len(data) < 3 or data[0] != 1:
        return None, None
    group_at = 2 + data[1]
    uid = data[2:group_at]
    gid = data[group_at + 1 : group_at + 1 + data[group_at]] if group_at < len(data) else b""
    if not uid or not gid or len(gid) != data[group_at]:
        return None, None
    return int.from_bytes(uid, "little"), int.from_bytes(gid, "little")


def entry_time(entry: ZipEntry) -> int:
    """When it was modified, in nanoseconds since 1970. The oldest field has no time zone: UTC is assumed."""
    unix = entry.extra.get(UNIX_TIME, b"")
    if len(unix) >= 5 and unix[0] & 1:
        return int.from_bytes(unix[1:5], "little", signed=True) * NANOSECONDS
    ntfs = entry.extra.get(_NTFS, b"")
    if len(ntfs) >= 16 and ntfs[4:8] == b"\x01\0\x18\0":
        return int.from_bytes(ntfs[8:16], "little") * 100 - _NTFS_EPOCH * NANOSECONDS
    return _dos_time(entry.date, entry.time)


def dos_time(seconds: int) -> tuple[int, int]:
    """Date and time as zip's two fields have them, in UTC, within 1980 and 2107 and to two seconds."""
    moment = datetime.fromtimestamp(min(max(seconds, 315_532_800), 4_354_819_198), UTC)
    date = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
    return date, moment.hour << 11 | moment.minute << 5 | moment.second // 2


def _dos_time(date: int, time: int) -> int:
    try:
        moment = datetime(
            1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, (time & 31) * 2, tzinfo=UTC
        )
    except ValueError:
        return 0
    return int(moment.timestamp()) * NANOSECONDS


def _unicode_name(entry: ZipEntry) -> bytes | None:
    """The name in UTF-8 beside the old one, where it belongs to that."""
    data = entry.extra.get(_UNICODE_NAME, b"")
    if len(data) < 6 or data[0] != 1 or struct.unpack_from("<L", data, 1)[0] != zlib.crc32(entry.name):
        return None
    return _checked_utf8(data[5:])


def _checked_utf8(name: bytes) -> bytes:
    try:
        name.decode()
    except UnicodeDecodeError:
        raise refusal(f"{quoted(name)} is said to be a name in UTF-8 and is none. Make the archive again.") from None
    return name
