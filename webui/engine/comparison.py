"""How a copy of a volume differs from its original, by what `find` tells of both; see `clone_scripts.differences`. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from webui.paths import shown_name

MOST_NAMED: Final = 50
"""Names that are told of what was left out or has changed."""
FOLDER: Final = b"d"
FILE: Final = b"f"
SOCKET: Final = b"s"
"""Types of entries, as `find` has them."""
_SAME_SECONDS: Final = 2.0
"""Times that are closer than that are the same: some file systems keep no fractions, or even seconds only."""
_CLOCK_SECONDS: Final = 1.0
"""How far the clocks of a file system and its engine may be apart."""


@dataclass(slots=True)
class Names:
    """How many there are, and the first of them as text."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: bytes) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < MOST_NAMED:
            self.first.append(shown_name(name))

    def __str__(self) -> str:
        told = ", ".join(f"“{name}”" for name in self.first[:3])
        return f"{told} and {self.count - 3:,} more" if self.count > 3 else told


@dataclass(slots=True)
class Comparison:
    """How the two differ. `missing` are files and folders that are not there, `special` links, pipes and devices,
    `sockets` what only a running program has. `other` has another type, size or link target, `newer` was written to since
    the copying began, `strange` is in the copy alone. `unkept` counts what of the rest the storage does not know."""

    missing: Names = field(default_factory=Names)
    special: Names = field(default_factory=Names)
    sockets: Names = field(default_factory=Names)
    other: Names = field(default_factory=Names)
    newer: Names = field(default_factory=Names)
    strange: Names = field(default_factory=Names)
    unkept: Counter[str] = field(default_factory=Counter)

    @property
    def lacking(self) -> int:
        """How much has not arrived, or not as it is."""
        return self.missing.count + self.special.count + self.other.count


def compare(chunks: Iterable[bytes], since: float) -> Comparison:
    """What differs, in the records of `differences` as they come, NUL-ended, in pieces of any size.

    A file that was written to at `since` or later, in seconds of the engine's clock, has changed since.
    """
    found = Comparison()
    for here, there in _pairs(records(chunks, b"\0")):
        _note(found, here, there, since)
    return found


def records(chunks: Iterable[bytes], end: bytes) -> Iterator[bytes]:
    """What comes in pieces, record by record."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(end)
        yield from whole


@dataclass(frozen=True, slots=True)
class _Record:
    path: bytes
    kind: bytes
    size: int
    mode: bytes
    owner: bytes
    modified: float
    exactly: bytes
    names: int
    link: bytes

    @classmethod
    def of(cls, record: bytes) -> _Record:
        path, _, rest = record[1:].partition(b"//")
        fields, _, link = rest.partition(b"//")
        kind, size, mode, uid, gid, modified, names = fields.split(b" ")
        return cls(path, kind, int(size), mode, uid + b":" + gid, float(modified), modified, int(names), link)


def _pairs(records: Iterator[bytes]) -> Iterator[tuple[_Record | None, _Record | None]]:
    """What is in the source and in the target under each path where they differ. The records come in their order."""
    held: list[_Record | None] = [None, None]
    for told in records:
        side = 1 if told.startswith(b"\t") else 0
        record = _Record.of(told[side:])
        other = held[1 - side]
        if (other is not None and other.path != record.path) or held[side] is not None:
            yield held[0], held[1]
            held = [None, None]
        held[side] = record
    if held != [None, None]:
        yield held[0], held[1]


def _note(found: Comparison, here: _Record | None, there: _Record | None, since: float) -> None:
    if here is None:
        if there is not None:
            found.strange.add(there.path)
    elif here.kind == SOCKET:
        found.sockets.add(here.path)
    elif there is None:
        (found.missing if here.kind in {FILE, FOLDER} else found.special).add(here.path)
    elif (here.kind, here.size, here.link) != (there.kind, there.size, there.link):
        found.other.add(here.path)
    elif here.kind != FOLDER and here.exactly != there.exactly and here.modified >= since - _CLOCK_SECONDS:
        found.newer.add(here.path)
    else:
        _note_unkept(found.unkept, here, there)


def _note_unkept(unkept: Counter[str], here: _Record, there: _Record) -> None:
    unkept["modes"] += here.mode != there.mode
    unkept["owners"] += here.owner != there.owner
    unkept["times"] += abs(here.modified - there.modified) >= _SAME_SECONDS
    unkept["hard links"] += here.names != there.names
