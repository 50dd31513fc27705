"""Copying all of a volume into another one, and seeing that it is all there: in a helper that has both.

The source is only ever read. Content is copied with its holes, hard links, owners, modes, times, attributes and ACLs,
as far as the storage it goes to knows them; what could not be kept is told.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from webui.engine import clone_scripts, helper
from webui.engine.connection import Engine
from webui.engine.errors import translated
from webui.engine.file_model import Place
from webui.engine.file_trouble import trouble
from webui.engine.model import JOB_LABEL, ROLE_LABEL
from webui.engine.session import OnCancel, Output, Session, ended_by
from webui.errors import ConflictError, DemijohnError, EngineError, NotFoundError
from webui.paths import TOP, shown_name

MOST_NAMED: Final = 50
"""Names that are told of what was left out or has changed."""
_LARGE: Final = 256 * 1024
_FEW: Final = 500
"""From so many bytes a file on average, and up to so many names at the top, files are copied one by one."""
_BLOCK: Final = 512
_SMALL: Final = 4096
_SAME_SECONDS: Final = 2.0
"""Times that are closer than that are the same: some file systems keep no fractions, or even seconds only."""
_CLOCK_SECONDS: Final = 1.0
"""How far the clocks of a file system and its engine may be apart."""
_LONGEST_SECONDS: Final = 12 * 3600.0
_HOPELESS: Final = (b"No space left on device", b"Disk quota exceeded", b"Read-only file system")
_MEANWHILE: Final = ("changed as we read it", "removed before we read it", "previous errors")
_SOCKET: Final = b"s"
_FOLDER: Final = b"d"
_FILE: Final = b"f"


@dataclass(frozen=True, slots=True)
class Contents:
    """What there is to copy: everything below the top folder, and the bytes in its files, holes left out, each once."""

    entries: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Copied:
    """How copying ended: whether all could be read and all could be written, and what the tools said."""

    read: bool
    written: bool
    said: bytes


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


class Pair:
    """Two volumes side by side. Methods raise SessionLostError where the helper is gone, EngineError where a tool fails."""

    def __init__(self, session: Session, source: Place, target: Place) -> None:
        self.source = source
        self.target = target
        self._session = session

    def refuse_taken(self) -> None:
        """Raises ConflictError where something is in the target already."""
        output = self._session.run(clone_scripts.taken(4))
        self._refuse(output, self.target, "opened")
        names = Names()
        for name in output.out.split(b"\0")[:-1]:
            names.add(name)
        if names.count:
            raise ConflictError(
                f"Something is there already: {names if names.count <= 3 else Names(3, names.first[:3])}.",
                hint="A copy goes to an empty place, so that nothing is overwritten or mixed. Choose another folder, export or bucket.",
            )

    def contents(self) -> Contents:
        """Count what is in the source."""
        entries = size = 0
        named_again: set[bytes] = set()
        with self._session.command(clone_scripts.listed(), seconds=_LONGEST_SECONDS) as running:
            for record in _records(running.output(), b"\n"):
                kind, inode, names, length, blocks = record.split(b" ")
                entries += 1
                if kind != _FILE or inode in named_again:
                    continue
                if names != b"1":
                    named_again.add(inode)
                size += int(length) if int(length) < _SMALL else min(int(length), int(blocks) * _BLOCK)
            output = Output(running.status, b"", running.errors)
        if output.errors:  # a folder that can't be read would be missing in the copy without a word
            output = Output(output.status or 1, b"", output.errors)
        self._refuse(output, self.source, "read")
        return Contents(entries, size)

    def copy(self, contents: Contents, watch: Callable[[int], None], *, links: bool = True) -> Copied:
        """Copy everything; `watch` is told how many bytes are written, and what it raises ends the copying.

        Without `links` the target knows no hard links, and what has several names becomes several files. What could not
        be copied is for `compare` to find. Raises ConflictError as soon as the target is full.
        """
        statuses = {"read": 1, "wrote": 1}
        with self._session.command(self._copy_script(contents, links=links)) as running:
            for line in _records(running.output(), b"\n"):
                word, _, number = line.decode().partition(" ")
                if word == "at":
                    watch(int(number))
                else:
                    statuses[word] = int(number)
                if any(words in running.errors for words in _HOPELESS):
                    raise trouble(Output(1, b"", running.errors), self.target, TOP, "filled")
            said = running.errors
            self._refuse(Output(running.status, b"", said), self.source, "copied")
        # 1 is that files changed meanwhile, which is seen when both are compared.
        return Copied(read=statuses["read"] <= 1, written=statuses["wrote"] == 0, said=said)

    def compare(self, since: float) -> Comparison:
        """Compare everything but content, for which the tools' word is taken. `since` is when the copying began, in
        seconds of the engine's clock: see `now`."""
        found = Comparison()
        with self._session.command(clone_scripts.differences(), seconds=_LONGEST_SECONDS) as running:
            for here, there in _pairs(_records(running.output(), b"\0")):
                _note(found, here, there, since)
            output = Output(running.status or (1 if running.errors else 0), b"", running.errors)
        self._refuse(output, self.target, "compared with what was copied")
        return found

    def take_out(self) -> None:
        """Remove from the target what has the path of something in the source."""
        self._refuse(self._session.run(clone_scripts.take_out(), seconds=_LONGEST_SECONDS), self.target, "cleared")

    def now(self) -> float:
        """The time on the engine's machine."""
        return float(self._session.run(b"date +%s.%N").out)

    def _copy_script(self, contents: Contents, *, links: bool) -> bytes:
        if links and contents.entries and contents.bytes / contents.entries >= _LARGE:
            names = self._session.run(clone_scripts.names(_FEW)).out.split(b"\0")[:-1]
            if 0 < len(names) <= _FEW:
                return clone_scripts.copy_by_name(names)
        return clone_scripts.copy_by_tar(links=links)

    def _refuse(self, output: Output, place: Place, doing: str) -> None:
        if output.status:
            raise trouble(output, place, TOP, doing)


@contextmanager
def side_by_side(
    engine: Engine, image: str, source: str, target: str, on_cancel: OnCancel, *, writing: bool = True
) -> Iterator[Pair]:
    """The two volumes of these names in a helper made from the image of this id, as long as the block lasts.

    `on_cancel` is given what ends it from another thread. Raises NotFoundError where one is gone, MountError where the
    engine can't mount one, EngineError, EngineUnreachableError.
    """
    places = Place.volume(source), Place.volume(target)
    key = secrets.token_hex(16)
    container, _, session = helper.start(engine, places[1], image, key, writing=writing, source=places[0])
    try:
        with ended_by(session, on_cancel):
            yield Pair(session, *places)
    finally:
        session.close()
        helper.remove(engine, container)


def remove_clone(engine: Engine, name: str, job: str) -> None:
    """Remove the volume of that name if that job has made it, with the helpers that hold it; what is gone is fine.

    Raises ConflictError where a container holds it, EngineError, EngineUnreachableError.
    """
    if not _is_made_by(engine, name, job):
        return
    _remove_holders(engine, name)
    with suppress(NotFoundError), translated(f"volume {name}"):
        engine.api.remove_volume(name)


def empty_clone(engine: Engine, image: str, source: str, name: str, job: str) -> None:
    """Remove from a volume that this job has made what it has copied into it: from storage that outlives the volume.

    `image` is the helper image's id. What others put there stays. Raises ConflictError where the source is gone, which
    alone tells what that is, and as `side_by_side` does.
    """
    if not _is_made_by(engine, name, job):
        return
    _remove_holders(engine, name)
    try:
        with side_by_side(engine, image, source, name, lambda _: None) as pair:
            pair.take_out()
    except NotFoundError as error:
        raise ConflictError(
            f"what was copied into volume {name} stays where that is kept, as volume {source} is gone."
        ) from error


def _is_made_by(engine: Engine, name: str, job: str) -> bool:
    try:
        with translated(f"volume {name}"):
            return (engine.api.inspect_volume(name).get("Labels") or {}).get(JOB_LABEL) == job
    except NotFoundError:
        return False


def _remove_holders(engine: Engine, name: str) -> None:
    """Remove the helpers that have the volume: what they do goes on for a while when the app has ended."""
    with translated(f"volume {name}"):
        holders = engine.api.containers(all=True, filters={"volume": name, "label": f"{ROLE_LABEL}=helper"})
    for holder in holders:
        helper.remove(engine, holder["Id"])


def not_arrived(copied: Copied, found: Comparison, target: Place) -> DemijohnError:
    """What to raise where the tools could not read or write everything."""
    if not copied.read:
        return EngineError(
            f"Not all of the source could be read. The helper said: {complaint(copied.said)}",
            hint="Check its disk, share or bucket.",
        )
    names = found.missing if found.missing.count else found.other
    error = trouble(Output(1, b"", complaint(copied.said).encode()), target, TOP, "filled")
    return ConflictError(f"Not everything arrived: {names}. {error.message}", hint=error.hint)


def complaint(said: bytes) -> str:
    """The first line with a reason in what tools said."""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if not any(words in line for words in _MEANWHILE)]
    return shown_name((telling or lines or ["nothing"])[0].encode())[:300]


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


def _records(chunks: Iterator[bytes], end: bytes) -> Iterator[bytes]:
    """What comes in pieces, record by record."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(end)
        yield from whole


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
    elif here.kind == _SOCKET:
        found.sockets.add(here.path)
    elif there is None:
        (found.missing if here.kind in {_FILE, _FOLDER} else found.special).add(here.path)
    elif (here.kind, here.size, here.link) != (there.kind, there.size, there.link):
        found.other.add(here.path)
    elif here.kind != _FOLDER and here.exactly != there.exactly and here.modified >= since - _CLOCK_SECONDS:
        found.newer.add(here.path)
    else:
        _note_unkept(found.unkept, here, there)


def _note_unkept(unkept: Counter[str], here: _Record, there: _Record) -> None:
    unkept["modes"] += here.mode != there.mode
    unkept["owners"] += here.owner != there.owner
    unkept["times"] += abs(here.modified - there.modified) >= _SAME_SECONDS
    unkept["hard links"] += here.names != there.names
