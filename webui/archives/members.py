"""One entry of an archive, whatever the archive's format."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Kind(bytes, Enum):
    """What an entry is; the values are tar's type flags."""

    FILE = b"0"
    HARD_LINK = b"1"
    SYMLINK = b"2"
    CHARACTER_DEVICE = b"3"
    BLOCK_DEVICE = b"4"
    FOLDER = b"5"
    FIFO = b"6"


DEVICES = frozenset({Kind.CHARACTER_DEVICE, Kind.BLOCK_DEVICE})


@dataclass(slots=True)
class Segments:
    """Where the data of a sparse file stands: offset and length in turn, in rising order, holes between them."""

    numbers: array[int]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Each piece of data as (offset, length)."""
        steps = iter(self.numbers)
        return zip(steps, steps, strict=True)

    def __len__(self) -> int:
        return len(self.numbers) // 2


@dataclass(slots=True)
class Member:
    """An entry as its archive describes it; nothing of it is checked but that its numbers are in range.

    `size` is what a reader of the file sees, `stored` how many bytes follow in the archive: less where it is sparse.
    `modified` is in nanoseconds since 1970, `device` is (major, minor), `attributes` are records of PAX
    (`SCHILY.xattr.…`, `SCHILY.acl.…`) with their values as bytes. Without an owner in the archive, `uid` is None.
    """

    name: bytes
    kind: Kind
    size: int = 0
    stored: int = 0
    mode: int = 0o644
    uid: int | None = 0
    gid: int | None = 0
    modified: int = 0
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    attributes: dict[bytes, bytes] = field(default_factory=dict)
    segments: Segments | None = None


class Members(Protocol):
    """An archive read from its start to its end. Iterating raises InvalidInputError where it is damaged."""

    def __iter__(self) -> Iterator[Member]: ...

    def content(self) -> Iterable[bytes]:
        """The `stored` bytes of the member that was handed out last, in pieces; asked for at most once."""
