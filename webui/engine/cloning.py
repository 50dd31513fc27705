"""Copying all of a volume into another one, and seeing that it is all there: in a helper that has both.

The source is only ever read. Content is copied with its holes, hard links, owners, modes, times, attributes and ACLs,
as far as the storage it goes to knows them; what could not be kept is told.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from webui.engine import clone_scripts, comparison, helper
from webui.engine.comparison import Comparison, Names
from webui.engine.connection import Engine
from webui.engine.errors import translated
from webui.engine.file_model import Place
from webui.engine.file_trouble import trouble
from webui.engine.model import JOB_LABEL, ROLE_LABEL
from webui.engine.session import OnCancel, Output, Session, ended_by
from webui.errors import ConflictError, DemijohnError, EngineError, NotFoundError
from webui.paths import TOP, shown_name

_BLOCK: Final = 512
_SMALL: Final = 4096
_LONGEST_SECONDS: Final = 12 * 3600.0
_HOPELESS: Final = (b"No space left on device", b"Disk quota exceeded", b"Read-only file system")
_MEANWHILE: Final = ("changed as we read it", "removed before we read it", "previous errors")


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


class Pair:
    """Two volumes side by side. Methods raise SessionLostError where the helper is gone, EngineError where a tool fails."""

    def __init__(self, session: Session, source: Place, target: Place) -> None:
        self.source = source
        self.target = target
        self._session = session

    def refuse_taken(self) -> None:
        """Raises ConflictError where something is in the target already."""
        output = self._session.run(clone_scripts.taken(3))
        self._refuse(output, self.target, "opened")
        names = Names()
        for name in output.out.split(b"\0")[:-1]:
            names.add(name)
        if names.count:
            raise ConflictError(
                f"Something is there already: {names}.",
                hint="A copy goes to an empty place, so that nothing is overwritten or mixed. Choose another folder, export or bucket.",
            )

    def contents(self) -> Contents:
        """Count what is in the source."""
        entries = size = 0
        named_again: set[bytes] = set()
        with self._session.command(clone_scripts.listed(), seconds=_LONGEST_SECONDS) as running:
            for record in comparison.records(running.output(), b"\n"):
                kind, inode, names, length, blocks = record.split(b" ")
                entries += 1
                if kind != comparison.FILE or inode in named_again:
                    continue
                if names != b"1":
                    named_again.add(inode)
                size += int(length) if int(length) < _SMALL else min(int(length), int(blocks) * _BLOCK)
            output = Output(running.status, b"", running.errors)
        if output.errors:  # a folder that can't be read would be missing in the copy without a word
            output = Output(output.status or 1, b"", output.errors)
        self._refuse(output, self.source, "read")
        return Contents(entries, size)

    def copy(self, watch: Callable[[int], None], *, links: bool = True) -> Copied:
        """Copy everything; `watch` is told how many bytes are written, and what it raises ends the copying.

        Without `links` the target knows no hard links, and what has several names becomes several files. What could not
        be copied is for `compare` to find. Raises ConflictError as soon as the target is full.
        """
        statuses = {"apart": 1, "read": 1, "wrote": 1}
        before = done = 0
        with self._session.command(clone_scripts.copy(links=links)) as running:
            for line in comparison.records(running.output(), b"\n"):
                word, _, number = line.decode().partition(" ")
                if word == "at":
                    done = before + int(number)
                    watch(done)
                else:
                    before = done
                    statuses[word] = int(number)
                if any(words in running.errors for words in _HOPELESS):
                    raise _refused(running.errors, self.target)
            said = running.errors
            self._refuse(Output(running.status, b"", said), self.source, "copied")
        # 1 is that files changed meanwhile, which is seen when both are compared.
        written = statuses["apart"] == statuses["wrote"] == 0
        return Copied(read=statuses["read"] <= 1, written=written, said=said)

    def compare(self, since: float) -> Comparison:
        """Compare everything but content, for which the tools' word is taken. `since` is when the copying began, in
        seconds of the engine's clock: see `now`."""
        with self._session.command(clone_scripts.differences(), seconds=_LONGEST_SECONDS) as running:
            found = comparison.compare(running.output(), since)
            output = Output(running.status or (1 if running.errors else 0), b"", running.errors)
        self._refuse(output, self.target, "compared with what was copied")
        return found

    def take_out(self) -> None:
        """Remove from the target what has the path of something in the source."""
        self._refuse(self._session.run(clone_scripts.take_out(), seconds=_LONGEST_SECONDS), self.target, "cleared")

    def now(self) -> float:
        """The time on the engine's machine."""
        return float(self._session.run(b"date +%s.%N").out)

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
    error = _refused(complaint(copied.said).encode(), target)
    return ConflictError(f"Not everything arrived: {names}. {error.message}", hint=error.hint)


def _refused(said: bytes, target: Place) -> DemijohnError:
    """What the tools said of a place that does not take everything; nothing in it is the person's to make room with."""
    error = trouble(Output(1, b"", said), target, TOP, "filled")
    error.hint = "Choose a place that has room for it and can be written."
    return error


def complaint(said: bytes) -> str:
    """The first line with a reason in what tools said."""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if not any(words in line for words in _MEANWHILE)]
    return shown_name((telling or lines or ["nothing"])[0].encode())[:300]
