"""What the rest of the app sees of the files in a volume: frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from webui.paths import VolumePath

SORTS: Final = ("name", "size", "modified", "mode", "owner")
"""What a folder can be sorted by."""
MOST_AT_ONCE: Final = 5_000
"""Entries that may be asked for, or named, at a time."""


class EntryType(StrEnum):
    """What a directory entry is. Only files and folders are ever opened."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    FIFO = "fifo"
    SOCKET = "socket"
    DEVICE = "device"


class TargetState(StrEnum):
    """Where a symbolic link leads, seen from the volume's own top folder; what it leads to is never opened by it."""

    FILE = "file"
    FOLDER = "folder"
    SPECIAL = "special"
    MISSING = "missing"
    LOOP = "loop"
    OUTSIDE = "outside"


class Exists(StrEnum):
    """What to do where the name is taken."""

    REFUSE = "refuse"
    REPLACE = "replace"
    KEEP_BOTH = "keep-both"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Place:
    """A volume, or a folder of the engine's machine that a container has mounted: what one looks inside of.

    `name` is the volume's; of a folder it is `source`, its path, that counts. `read_only` forbids writing for good.
    """

    kind: str
    name: str
    source: str = ""
    read_only: bool = False

    @classmethod
    def volume(cls, name: str) -> Place:
        """The inside of a volume."""
        return cls("volume", name)

    @classmethod
    def folder(cls, source: str, name: str) -> Place:
        """A folder behind a bind mount, to be looked at only. `name` is what a person calls it."""
        return cls("folder", name, source, read_only=True)

    @property
    def subject(self) -> str:
        """As it reads inside a sentence."""
        return f"volume {self.name}" if self.kind == "volume" else f"folder {self.source}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or anything else in a folder.

    `size` and `allocated` (what it takes on disk) are bytes, `modified` is aware and UTC, `mode` the twelve bits of
    chmod, `links` how many names it has, `target` where a link points, as it stands there. `version` changes when the
    entry or its content does.
    """

    path: VolumePath
    type: EntryType
    size: int
    allocated: int
    modified: datetime
    mode: int
    uid: int
    gid: int
    links: int
    version: str
    target: bytes | None = None
    target_state: TargetState | None = None

    @property
    def name(self) -> bytes:
        """Its name; empty for the volume's top folder."""
        return self.path.name

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.type is EntryType.FOLDER

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.type is EntryType.FILE


@dataclass(frozen=True, slots=True)
class FolderPage:
    """Some entries of a folder, in order, from the `offset`th of the `total` that fit the search.

    `snapshot` names the order they were found in: pages asked for with it fit together even if the folder changes.
    `end` is where the page ends in that order; entries that vanished since are missing in between.
    `everything` is how many entries there are, hidden ones included; `cut` says that there are more than are listed.
    """

    path: VolumePath
    entries: tuple[Entry, ...]
    offset: int
    total: int
    everything: int
    snapshot: str
    end: int
    cut: bool = False

    @property
    def next(self) -> str | None:
        """What `listing` takes as `cursor` for the entries after these, or None."""
        return f"{self.snapshot}.{self.end}" if self.end < self.total else None
