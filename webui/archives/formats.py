"""The archive formats that are written and read, and how to tell them by their first bytes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from webui.archives.rules import refusal
from webui.archives.tar_fields import BLOCK, is_header
from webui.errors import InvalidInputError

HEAD_BYTES: Final = BLOCK
"""How many of an archive's first bytes `detect` wants; less only where the archive is shorter."""

_EVERYTHING: Final = (
    "Everything: owners, permissions, times, symbolic and hard links, extended attributes, ACLs, devices, FIFOs and the "
    "holes of sparse files."
)
_NO_SOCKETS: Final = "Sockets are left out: they mean nothing without the program that made them."


class ArchiveFormat(StrEnum):
    """A format to pack into; its value is what the address of a download says."""

    TAR = "tar"
    TAR_GZ = "tar.gz"
    TAR_ZST = "tar.zst"
    ZIP = "zip"

    @property
    def suffix(self) -> str:
        """What a file's name ends with."""
        return f".{self.value}"

    @property
    def media_type(self) -> str:
        """For the Content-Type of a download."""
        return _MEDIA_TYPES[self]

    @property
    def carries(self) -> str:
        """One sentence of what it keeps of a volume's files."""
        return _ZIP_CARRIES if self is ArchiveFormat.ZIP else _EVERYTHING

    @property
    def cannot(self) -> str:
        """One sentence of what it loses."""
        return _ZIP_CANNOT if self is ArchiveFormat.ZIP else _NO_SOCKETS

    @property
    def tar_options(self) -> tuple[str, ...]:
        """What GNU tar has to be told for `packed`, beside `--format=posix --sparse`."""
        return ("--hard-dereference",) if self is ArchiveFormat.ZIP else ()


_MEDIA_TYPES: Final = {
    ArchiveFormat.TAR: "application/x-tar",
    ArchiveFormat.TAR_GZ: "application/gzip",
    ArchiveFormat.TAR_ZST: "application/zstd",
    ArchiveFormat.ZIP: "application/zip",
}
_ZIP_CARRIES: Final = (
    "Files, folders and symbolic links with their permissions, numeric owners and times to the second."
)
_ZIP_CANNOT: Final = (
    "Extended attributes, ACLs, devices, FIFOs and sockets are left out; hard links become copies, and the holes of "
    "sparse files become zeros."
)

_MAGIC: Final = (
    (b"\x1f\x8b", ArchiveFormat.TAR_GZ),
    (b"\x28\xb5\x2f\xfd", ArchiveFormat.TAR_ZST),
    *((bytes([first]) + b"\x2a\x4d\x18", ArchiveFormat.TAR_ZST) for first in range(0x50, 0x60)),
    (b"PK\x03\x04", ArchiveFormat.ZIP),
    (b"PK\x05\x06", ArchiveFormat.ZIP),
)
_FOREIGN: Final = (
    (b"\xfd7zXZ\0", "an xz file"),
    (b"BZh", "a bzip2 file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x04\x22\x4d\x18", "an LZ4 file"),
    (b"LZIP", "an lzip file"),
    (b"\x5d\0\0", "an LZMA file"),
    (b"\x1f\x9d", "a file of the old compress program"),
    (b"PK\x07\x08", "a zip archive in several parts"),
    (b"07070", "a cpio archive"),
    (b"!<arch>\n", "an ar archive or a Debian package"),
    (b"MZ", "a program for Windows, maybe one that unpacks itself"),
)
_UNDERSTOOD: Final = "tar, tar.gz, tar.zst and zip are understood"


def detect(first_bytes: bytes) -> ArchiveFormat:
    """The format of an archive that starts so; HEAD_BYTES of it are enough.

    A compressed file counts as a compressed tar: what is in it is seen when it is read. Raises InvalidInputError at
    `archive`, naming what it is instead where that can be told.
    """
    for magic, found in _MAGIC:
        if first_bytes.startswith(magic):
            return found
    if is_header(first_bytes[:BLOCK]):
        return ArchiveFormat.TAR
    raise _not_understood(first_bytes)


def _not_understood(first_bytes: bytes) -> InvalidInputError:
    if not first_bytes:
        return refusal("This file is empty. Choose an archive: " + _UNDERSTOOD + ".")
    for magic, name in _FOREIGN:
        if first_bytes.startswith(magic):
            return refusal(f"This is {name}. Only {_UNDERSTOOD}: unpack it and pack it again as one of these.")
    return refusal(f"This is no archive that is known here: {_UNDERSTOOD}.")
