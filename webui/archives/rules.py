"""What an archive may ask for, what is wanted of it, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from webui.errors import InvalidInputError
from webui.paths import shown_name

MIB: Final = 1024 * 1024
LONGEST_PATH: Final = 4095
"""Bytes of a path that one call of Linux takes (PATH_MAX without its NUL); tar can make no longer ones."""
LONGEST_NAME: Final = 255
MOST_LEFT_OUT: Final = 1000
"""Names kept of what was left out; what is more is only counted."""
_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may hold. The default stops what can't be meant, not what does not fit on the disk."""

    bytes: int = 1024 * 1024 * MIB
    """Of all files' contents; the holes of sparse files do not count."""
    entries: int = 1_000_000
    ratio: float = 250.0
    """How many bytes may come of one compressed byte, beyond the first `ratio_after`.

    Databases keep files of zeros ready, which shrink to a thousandth: a volume with some hundred MiB of them passes.
    """
    ratio_after: int = 256 * MIB
    path: int = LONGEST_PATH
    depth: int = 2048
    header: int = MIB
    """Bytes of one entry's extended header: long names, extended attributes, ACLs."""
    segments: int = 1_000_000
    """Pieces of data between the holes of one sparse file; each takes 16 bytes of memory."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How entries become files.

    `owners`: "keep" takes the numbers in the archive, "map" gives everything to `uid` and `gid`. An archive without
    owners, as many zips are, takes `uid` and `gid` too. `modes`: "plain" drops set-uid, set-gid, file capabilities and
    every extended attribute outside of `user.`; the sticky bit and ACLs stay. Without `devices` they are left out.
    """

    owners: Literal["keep", "map"] = "keep"
    uid: int = 0
    gid: int = 0
    modes: Literal["keep", "plain"] = "keep"
    devices: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry that was not handed on, and a sentence that says why."""

    name: bytes
    why: str


@dataclass(slots=True)
class Summary:
    """What an archive held; complete when its stream is exhausted. `bytes` are contents, without holes."""

    files: int = 0
    folders: int = 0
    links: int = 0
    """Symbolic and hard ones."""
    others: int = 0
    """FIFOs and devices."""
    bytes: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    """At most MOST_LEFT_OUT of them."""
    left_out_count: int = 0

    def leave_out(self, left_out: LeftOut) -> None:
        """Count an entry that is not handed on."""
        self.left_out_count += 1
        if len(self.left_out) < MOST_LEFT_OUT:
            self.left_out.append(left_out)


def quoted(name: bytes) -> str:
    """An entry's name inside a sentence: safe to show, its middle left out where it is very long."""
    text = shown_name(name[: 2 * LONGEST_PATH])
    if len(text) > _SHOWN:
        text = f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 :]}"
    return f"“{text}”"


def refusal(sentence: str) -> InvalidInputError:
    """The error for an archive that is not taken."""
    return InvalidInputError({"archive": sentence})
