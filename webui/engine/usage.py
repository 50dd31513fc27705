"""What the folders of a volume take, each with all that is below it: what `du` says, told while it goes on.

Most of the time goes into asking the kernel about each file, so two of GNU's find share what is in the top folder. What
they print is added up here, in the order it is printed: each folder before what is in it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from webui.engine import scripts
from webui.engine.file_trouble import trouble
from webui.engine.files import Files
from webui.engine.session import OnCancel, Output, command, ended_by
from webui.errors import EngineError
from webui.paths import VolumePath

MOST_FOLDERS: Final = 10_000
"""Folders that are told of, the largest: with any of them the folders it lies in are among them."""
_BLOCK = 512
_MOST_ALIKE = 100_000

_END: Final = b"end "
_SOME_UNREADABLE: Final = frozenset({b"0", b"1"})
"""How find ends where all went well, and where it met something that it could not look into."""
# A folder, a file with one name, one with several: what is said most often is the shortest. No name has a slash in it:
# that stands between what one says and what the other does.
_PRINT: Final = command(
    *("-type", "d", "-printf", r"%d %b %D %f\0"),
    *("-o", "-links", "1", "-printf", r"%d %b\0"),
    *("-o", "-printf", r"h%d %b %i\0"),
)
# Half of the digits, of the hexadecimal ones, and of the letters.
_HALF: Final = command("-name", "*[0-4A-CN-Wa-cn-w]")
# With two or three links there is one folder in it at the most, and nothing to share.
_SCRIPT: Final = b"""
walk() {
  find . -mindepth 1 -xdev ! '(' -path './*/*' -o "$@" ')' '(' ! -type d -o -prune ')' -o %s
  printf 'end %%d\\0' "$?"
}
case $(stat -c %%h .) in
  2|3) one() { walk -true; }; other() { printf 'end 0\\0'; } ;;
  *) one() { walk %s; }; other() { walk ! %s; } ;;
esac
find . -maxdepth 0 -printf '%%b %%D\\0' || exit
one | { exec 3<&0; other | paste -z -d/ /dev/fd/3 -; }
""" % (_PRINT, _HALF, _HALF)

Watch = Callable[[int, int], None]
"""Is told the bytes and the folders seen so far; what it raises ends the measuring."""


@dataclass(frozen=True, slots=True)
class FolderUsage:
    """What a folder takes on disk with all that is below it, in bytes; `own` is what is left without its folders.

    `path` leads to it from the measured folder, whose own is empty; `files` are all that are below it.
    """

    path: bytes
    bytes: int
    own: int
    files: int


@dataclass(frozen=True, slots=True)
class TreeUsage:
    """What a folder takes, and the largest folders in it by path, itself included.

    A file with several names is one file, counted where it was found first. `count` is how many folders there are,
    those that are left out included; `unreadable` how many could not be looked into.
    """

    bytes: int
    files: int
    count: int
    folders: tuple[FolderUsage, ...]
    unreadable: int = 0


def measure(
    files: Files,
    path: VolumePath,
    watch: Watch,
    on_cancel: OnCancel = lambda _: None,
    most_folders: int = MOST_FOLDERS,
) -> TreeUsage:
    """What a folder takes. What is mounted inside from another file system is left out, as with `du -x`.

    `on_cancel` is given what ends it from another thread, even while the storage says nothing: SessionLostError is
    raised then. Raises as the methods of Files do.
    """
    counting = Counting(most_folders)
    with (
        files.inside.helper(files.place) as helper,
        helper.process() as session,
        ended_by(session, on_cancel),
        session.command(scripts.into(path) + _SCRIPT) as running,
    ):
        for chunk in running.output():
            counting.feed(chunk)
            watch(counting.taken, counting.count)
    if running.status or not counting.complete:
        raise trouble(Output(running.status, b"", running.errors), files.place, path, "measured")
    # What vanished while it was looked at is no trouble.
    unreadable = sum(b"No such file or directory" not in line for line in running.errors.splitlines())
    return counting.result(unreadable)


class _Folder:
    """A folder that is being walked through; what it and its files take and what its folders take, in blocks."""

    __slots__ = ("below", "files", "name", "own")

    def __init__(self, name: bytes, own: int) -> None:
        self.name = name
        self.own = own
        self.below = 0
        self.files = 0

    def add(self, folder: _Folder) -> None:
        """Count in a folder that is in it."""
        self.below += folder.own + folder.below
        self.files += folder.files

    def join(self, half: _Folder) -> None:
        """Count in what was seen of it elsewhere."""
        self.own += half.own
        self.below += half.below
        self.files += half.files


class _Largest:
    """The largest folders of all that are given to it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._given = 0
        # Bytes, then the order they came in: a folder comes after those in it, so among equals it is the one that stays.
        self._kept: list[tuple[int, int, FolderUsage]] = []

    def give(self, way: list[_Folder]) -> None:
        """Keep the last folder of the way to it, where it is one of the largest."""
        folder = way[-1]
        total = (folder.own + folder.below) * _BLOCK
        full = len(self._kept) >= self._most
        if full and total < self._kept[0][0]:
            return
        self._given += 1
        path = b"/".join(each.name for each in way[1:])
        usage = FolderUsage(path, total, folder.own * _BLOCK, folder.files)
        (heapq.heappushpop if full else heapq.heappush)(self._kept, (total, self._given, usage))

    def by_path(self) -> tuple[FolderUsage, ...]:
        """Them, each folder before those in it."""
        return tuple(sorted((folder for *_, folder in self._kept), key=lambda folder: folder.path.split(b"/")))


class Counting:
    """Adds up what the two say."""

    def __init__(self, most_folders: int) -> None:
        self._largest = _Largest(most_folders)
        self._linked: set[int] = set()
        self._top: _Folder | None = None
        self._walks: tuple[_Walk, ...] = ()
        self._left = b""

    @property
    def taken(self) -> int:
        """What was seen so far takes."""
        own = self._top.own if self._top else 0
        return (own + sum(walk.blocks for walk in self._walks)) * _BLOCK

    @property
    def count(self) -> int:
        """How many folders were seen so far."""
        return (self._top is not None) + sum(walk.count for walk in self._walks)

    @property
    def complete(self) -> bool:
        """Whether both came to their end."""
        return bool(self._walks) and all(walk.ended in _SOME_UNREADABLE for walk in self._walks)

    def feed(self, chunk: bytes) -> None:
        """Add what is said next."""
        *records, self._left = (self._left + chunk).split(b"\0")
        if records and not self._walks:
            blocks, _, device = records.pop(0).partition(b" ")
            self._top = _Folder(b"", int(blocks))
            self._walks = tuple(_Walk(device, self._linked, self._largest) for _ in range(2))
        for record in records:
            for walk, said in zip(self._walks, record.split(b"/"), strict=True):
                if said:  # else the other one has more to say
                    walk.take(said)

    def result(self, unreadable: int) -> TreeUsage:
        """What it all takes, at the end. Raises EngineError where nothing was said."""
        top, count = self._top, self.count
        if top is None:
            raise EngineError("The helper said nothing of the folder.")
        for walk in self._walks:
            top.join(walk.end())
        self._largest.give([top])
        return TreeUsage((top.own + top.below) * _BLOCK, top.files, count, self._largest.by_path(), unreadable)


class _Walk:
    """What one find says. `count` are the folders it has seen, `ended` is the status it ended with."""

    def __init__(self, device: bytes, linked: set[int], largest: _Largest) -> None:
        self.count = 0
        self.ended = b""
        self._device = device
        self._linked = linked
        self._largest = largest
        # The folders down to where it is, and the files that are said in the same words, of which there are few.
        self._way = [_Folder(b"", 0)]
        self._alike: dict[bytes, tuple[int, int]] = {}

    @property
    def blocks(self) -> int:
        """What was seen so far takes."""
        return sum(folder.own + folder.below for folder in self._way)

    def take(self, said: bytes) -> None:
        """Add a file or folder."""
        file = self._alike.get(said) or self._read(said)
        if file is None:
            return
        depth, blocks = file
        if depth != len(self._way):
            self._go_up(depth)
        folder = self._way[-1]
        folder.own += blocks
        folder.files += 1

    def end(self) -> _Folder:
        """Close all folders but the top one, which has what this find saw."""
        self._go_up(1)
        return self._way[0]

    def _read(self, said: bytes) -> tuple[int, int] | None:
        """The depth and blocks of a file, or None for a folder, which is gone into, and for what counts for nothing."""
        if said.startswith(b"h"):
            return self._linked_file(*map(int, said[1:].split(b" ")))
        if said.startswith(_END):
            self.ended = said.removeprefix(_END)
            return None
        depth, blocks, *folder = said.split(b" ", 3)
        if folder:
            self._go_into(int(depth), int(blocks), *folder)
            return None
        if len(self._alike) >= _MOST_ALIKE:
            self._alike.clear()
        return self._alike.setdefault(said, (int(depth), int(blocks)))

    def _linked_file(self, depth: int, blocks: int, inode: int) -> tuple[int, int] | None:
        if inode in self._linked:
            return None
        self._linked.add(inode)
        return depth, blocks

    def _go_into(self, depth: int, blocks: int, device: bytes, name: bytes) -> None:
        if device != self._device:  # mounted here, and not walked through
            return
        self._go_up(depth)
        self._way.append(_Folder(name, blocks))
        self.count += 1

    def _go_up(self, depth: int) -> None:
        """Close the folders on the way down to `depth` of them."""
        while len(self._way) > depth:
            self._largest.give(self._way)
            folder = self._way.pop()
            self._way[-1].add(folder)
