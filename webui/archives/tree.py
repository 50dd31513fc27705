"""The tree that an archive makes: where each entry may stand, given those before it."""

from __future__ import annotations

import re
import secrets
from array import array
from enum import IntEnum
from hashlib import blake2b
from typing import Final

from webui.archives.members import Kind
from webui.archives.rules import LONGEST_NAME, MIB, Limits, quoted, refusal

_TARGETS: Final = 4 * MIB
_LOOK_CLOSER: Final = re.compile(rb"\A\Z|\A/|\0|//|/\.|\A\.(?!/[^/.])")
"""In a name of ordinary length: what makes it more than plain parts, maybe with `./` before and a slash behind."""
_TOP: Final = b""


class Place(IntEnum):
    """What stands at a path."""

    NOTHING = 0
    NEEDED = 1
    """A folder that no entry described yet: something stands in it."""
    FOLDER = 2
    FILE = 3
    SYMLINK = 4
    OTHER = 5
    LEFT_OUT = 6


_BY_NUMBER: Final = tuple(Place)


_PLACES: Final = {Kind.FILE: Place.FILE, Kind.FOLDER: Place.FOLDER, Kind.SYMLINK: Place.SYMLINK}
_FOLDERS: Final = (Place.NEEDED, Place.FOLDER)
_WORDS: Final = {Place.FILE: "a file", Place.SYMLINK: "a symbolic link", Place.LEFT_OUT: "a device"}


def clean_path(name: bytes, limits: Limits) -> bytes:
    """The path that an entry's name means, relative and without `.` and empty parts; empty for the archive's top.

    Raises InvalidInputError, saying what is wrong with the name, where it leads out or can't be a path.
    """
    is_short = len(name) <= min(LONGEST_NAME, limits.path) and name.count(b"/") < limits.depth
    if is_short and not _LOOK_CLOSER.search(name):
        return name.removeprefix(b"./").removesuffix(b"/")
    problem = _problem(name)
    if problem:
        raise refusal(f"{quoted(name)} {problem} Make the archive again with paths relative to its folder.")
    parts = [part for part in name.split(b"/") if part and part != b"."]
    path = b"/".join(parts)
    if len(path) > limits.path or len(parts) > limits.depth or (parts and max(map(len, parts)) > LONGEST_NAME):
        raise refusal(
            f"{quoted(name)} is too long: {limits.path:,} bytes a path, {LONGEST_NAME} a name and {limits.depth:,} folders "
            "above one another are the most. Make the archive again with shorter names."
        )
    return path


def _problem(name: bytes) -> str:
    if not name:
        return "is no name: an entry of this archive has none."
    if name.startswith(b"/"):
        return "is an absolute path: it would be written outside of the folder you chose."
    if b"\0" in name:
        return "has a NUL in its name, which no file can have."
    if b".." in name and b".." in name.split(b"/"):
        return "leads out of its folder with “..”: it would be written outside of the one you chose."
    return ""


class Tree:
    """What stands where so far. Its memory is 24 bytes an entry at most, whatever the names."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._places = PlaceTable()
        self._last_folder = _TOP
        self._targets: dict[bytes, bytes] = {}
        self._targets_size = 0

    def add(self, path: bytes, kind: Kind, *, left_out: bool = False) -> None:
        """Put an entry to its place. Raises InvalidInputError where another stands there, or one above is no folder."""
        self._need_folder(path.rpartition(b"/")[0], path)
        place = Place.LEFT_OUT if left_out else _PLACES.get(kind, Place.OTHER)
        before = self._places.put(path, place) if path != _TOP else Place.FOLDER
        if before is not Place.NOTHING and not (before in _FOLDERS and place is Place.FOLDER):
            raise refusal(_clash(path, before))

    def add_symlink(self, path: bytes, target: bytes) -> None:
        """As `add`; remembers where it points to, for hard links to it."""
        self.add(path, Kind.SYMLINK)
        size = len(path) + len(target)
        if self._targets_size + size <= _TARGETS:
            self._targets[path] = target
            self._targets_size += size

    def linked(self, path: bytes, target: bytes) -> Place:
        """What stands at the target of a hard link. Raises InvalidInputError where nothing does yet, or a folder."""
        place = self._places.get(target) if target else Place.FOLDER
        if place is Place.NOTHING:
            raise refusal(
                f"{quoted(path)} is a hard link to {quoted(target)}, which does not come before it. Make the archive again, "
                "with both in it."
            )
        if place in _FOLDERS:
            raise refusal(f"{quoted(path)} is a hard link to a folder, {quoted(target)}. That can't be; make it again.")
        return place

    def symlink_target(self, path: bytes) -> bytes:
        """Where an earlier symbolic link points to. Raises InvalidInputError where there were too many to remember."""
        if path not in self._targets:
            raise refusal(
                f"{quoted(path)} is a symbolic link with a hard link to it, and there are too many links to keep them in "
                "mind. Make the archive again with --hard-dereference."
            )
        return self._targets[path]

    def _need_folder(self, folder: bytes, path: bytes) -> None:
        """Every folder above `path` is one, or becomes one. What was last looked at is not looked at again."""
        if folder == self._last_folder:
            return
        above = folder
        missing = []
        while above:
            place = self._places.get(above)
            if place in _FOLDERS:
                break
            if place is not Place.NOTHING:
                raise refusal(_below(path, above, place))
            missing.append(above)
            above = above.rpartition(b"/")[0]
        for each in missing:
            self._places.put(each, Place.NEEDED)
        self._last_folder = folder


class PlaceTable:
    """Places by path, in 8 bytes each: 61 bits of a secret hash of the path and 3 of the place, open addressing.

    A dictionary of the paths takes 30 times the memory. That two of a million paths are taken for one another has a
    chance of one in four million, and the secret keeps anyone from looking for such.
    """

    _FIRST_SIZE: Final = 1024

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(16)
        self._slots = array("Q", bytes(8 * self._FIRST_SIZE))
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def get(self, path: bytes) -> Place:
        """What stands there."""
        return _BY_NUMBER[self._slots[self._slot(self._hash(path))] & 7]

    def put(self, path: bytes, place: Place) -> Place:
        """Remember what stands there; returns what stood there before."""
        if 3 * self._used > 2 * len(self._slots):
            self._grow()
        hashed = self._hash(path)
        slot = self._slot(hashed)
        before = self._slots[slot]
        self._used += not before
        self._slots[slot] = hashed | place
        return _BY_NUMBER[before & 7]

    def _hash(self, path: bytes) -> int:
        return int.from_bytes(blake2b(path, digest_size=8, key=self._secret).digest(), "big") & ~7

    def _slot(self, hashed: int) -> int:
        slots = self._slots
        mask = len(slots) - 1
        at = (hashed >> 3) & mask
        while (found := slots[at]) and found & ~7 != hashed:
            at = (at + 1) & mask
        return at

    def _grow(self) -> None:
        old = self._slots
        self._slots = array("Q", bytes(16 * len(old)))
        for value in old:
            if value:
                self._slots[self._slot(value & ~7)] = value


def _clash(path: bytes, before: Place) -> str:
    if before in _FOLDERS:
        return f"{quoted(path)} is a folder in one place of the archive and something else in another. Make it again."
    return f"{quoted(path)} occurs twice, and nobody can tell which one is meant. Make the archive again in one go."


def _below(path: bytes, above: bytes, place: Place) -> str:
    word = _WORDS.get(place, "no folder")
    return (
        f"{quoted(path)} can't be put into {quoted(above)}, which is {word} in this archive. Make the archive again, so "
        "that every path goes through folders."
    )
