"""The files of a volume, changed: written, made, moved, copied, deleted, given to others.

Nothing is ever half there: what comes in lies in a folder of its own at the top of the volume until it is whole, and is
then renamed to where it belongs; what goes is renamed away first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from webui.engine import feeding, scripts
from webui.engine.file_model import Entry, EntryType, Exists
from webui.engine.file_trouble import named, refuse, trouble
from webui.engine.files import Files
from webui.engine.helper import TARGET
from webui.engine.inside import Helper
from webui.engine.session import LINK, MISSING, NOT_A_FOLDER, OnCancel, Output, Session, ended_by
from webui.errors import ConflictError, InvalidInputError, NotFoundError
from webui.paths import LONGEST_NAME, TOP, VolumePath

BY_SESSION: Final = 1024 * 1024
"""Bytes up to which content goes through a shell, which begins at once; above, Docker's archive API is faster."""
NEW_FILE = "0644"
NEW_FOLDER = "0755"
_WHO = r"[ugoa]*"
_CHANGE = r"[-+=](?:[rwxXst]*|[ugo])"
_MODE = re.compile(rf"0?[0-7]{{1,4}}|{_WHO}(?:{_CHANGE})+(?:,{_WHO}(?:{_CHANGE})+)*")
_LARGEST_ID = 2**32 - 2
_MOST_TWINS = 1000
_LONGEST_SUFFIX = 32
_LONGEST_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Written:
    """What a file was written to, whether it is new, and what a person should know about it."""

    entry: Entry
    created: bool
    warnings: tuple[str, ...] = ()


class Changes:
    """What can be changed in one volume. Methods raise NotFoundError where a path is not there, ConflictError where
    something is in the way, the volume is full or read-only, EngineError and EngineUnreachableError; nothing is changed
    then."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.place = files.place

    def put(
        self,
        path: VolumePath,
        chunks: Iterable[bytes],
        size: int | None = None,
        *,
        exists: Exists = Exists.REPLACE,
        version: str = "",
        digest: str = "",
        parents: bool = False,
    ) -> Written | None:
        """Write a file from what comes, `size` bytes where that is known; None where it was there and is to be skipped.

        One that is replaced keeps its mode, owner, extended attributes and ACL; a new one belongs to whom its folder
        belongs. With `version` (an Entry's) or `digest` (SHA-256 of what is in it, in hex) only what still is that is
        replaced: ConflictError. With `parents` missing folders on the way are made, once all has come. Raises
        InvalidInputError where more or less than `size` comes.
        """
        self._refuse_top(path)
        before = self._before(path, exists, parents=parents)
        if before is not None and exists is Exists.SKIP:
            return None
        if version and (before is None or before.version != version):
            raise trouble(Output(scripts.CHANGED, b"", b""), self.place, path, "written")
        with self.staged() as (helper, token):
            self.receive(helper, token, chunks, size, path)
            if before is not None:
                self._flush(helper, token, path)
            if parents and not path.parent.is_top:
                self.make_folder(path.parent, parents=True)
            target = self._settle(helper, token, path, exists, _before_it_settles(path, token, version, digest))
        if target is None:
            return None
        warnings = _broken_links(before) if target == path else ()
        return Written(self.files.entry(target), created=before is None or target != path, warnings=warnings)

    def make_folder(self, path: VolumePath, *, parents: bool = False, mode: str = NEW_FOLDER) -> Entry:
        """Make a folder that belongs to whom the folder it is in belongs; with `parents` those on the way too.

        Raises ConflictError where the name is taken; with `parents` a folder that is there is fine.
        """
        self._refuse_top(path)
        with self.staged() as (helper, token):
            for number, folder in enumerate((*(path.above[1:] if parents else ()), path)):
                name = token + b"-%d" % number
                output = _said(helper, scripts.make_folder(helper.staging, name, folder, mode, fine=parents))
                refuse(output, self.place, folder.parent if output.status == MISSING else folder, "made")
        return self.files.entry(path)

    def rename(self, source: VolumePath, target: VolumePath, *, exists: Exists = Exists.REFUSE) -> Entry | None:
        """Give something another name or folder; None where that is taken and it is to be skipped.

        REPLACE replaces a file, never a folder.
        """
        self._refuse_top(source)
        self._refuse_top(target)
        if target == source and exists is Exists.REPLACE:
            return self.files.entry(source)
        if target.is_within(source) and target != source:
            raise ConflictError(f"{named(source, self.place)} can't be moved into itself.")
        for candidate in candidates(target, exists):
            script = scripts.rename(source, candidate, replace=exists is Exists.REPLACE)
            output = self._output(script)
            if output.status == scripts.TAKEN and exists is Exists.SKIP:
                return None
            if output.status != scripts.TAKEN or exists is not Exists.KEEP_BOTH:
                self._refuse_move(output, source, candidate)
                return self.files.entry(candidate)
        raise trouble(Output(scripts.TAKEN, b"", b""), self.place, target, "moved")

    def delete(self, path: VolumePath, *, version: str = "") -> None:
        """Delete something and all that is in it. It is gone from its place at once, or not at all.

        Where something in it can't be removed, an immutable file say, that stays with the folders it is in, and is told
        in the error. Nothing is removed that is mounted inside from elsewhere: ConflictError.
        With `version` only while it still is that: ConflictError.
        """
        self._refuse_top(path)
        if version and self.files.entry(path).version != version:
            raise trouble(Output(scripts.CHANGED, b"", b""), self.place, path, "deleted")
        with self.staged() as (helper, token):
            refuse(_said(helper, scripts.put_away(path, helper.staging, token)), self.place, path, "deleted")
            with helper.process() as session:
                output = session.run(scripts.remove(helper.staging, token), seconds=_LONGEST_SECONDS)
            if output.status:
                self._settle(helper, token, path, Exists.KEEP_BOTH)  # what can't be removed goes back
                error = trouble(output, self.place, path, "deleted")
                error.hint = f"What is left of it is in its place again; the rest is deleted. {error.hint}".rstrip()
                raise error

    def permit(
        self,
        path: VolumePath,
        *,
        mode: str = "",
        uid: int | None = None,
        gid: int | None = None,
        recursive: bool = False,
    ) -> Entry:
        """Set the mode (octal or as chmod knows it) and the owner; with `recursive` of all that is below as well.

        Links are never followed; a mode is not for them. Where something below can't be changed (ConflictError) what
        was changed before stays so. Raises InvalidInputError for values that can't be.
        """
        _check_permissions(mode, uid, gid)
        if mode.isdigit():
            mode = mode.zfill(5)  # of a folder chmod leaves the set-id bits alone unless five digits are given
        owner = ("" if uid is None else f"{uid}") + ("" if gid is None else f":{gid}")
        script = scripts.permit(path, mode, owner, recursive=recursive)
        with self._helper() as helper, helper.process() as session:
            refuse(session.run(script, seconds=_LONGEST_SECONDS), self.place, path, "changed")
        entry = self.files.entry(path)
        if not _is_so(entry, mode, uid, gid):
            raise ConflictError(
                f"{named(path, self.place)} is as it was: its storage does not keep modes and owners.",
                hint="Cloud storage knows none. Who owns the files of such a volume is said when it is made.",
            )
        return entry

    def check_copy(self, source: VolumePath, target: VolumePath, exists: Exists) -> Entry | None:
        """What is at the target now, or None. Raises what copying would be refused with, as far as one look tells."""
        self._refuse_top(target)
        if not source.is_top:
            self.files.entry(source)
        if target.is_within(source) and target != source:
            raise ConflictError(f"{named(source, self.place)} can't be copied into itself.")
        return self._before(target, exists)

    def copy(
        self,
        source: VolumePath,
        target: VolumePath,
        *,
        exists: Exists = Exists.REFUSE,
        watch: Callable[[int], None] = lambda _: None,
        on_cancel: OnCancel = lambda _: None,
    ) -> Entry | None:
        """Copy something within the volume, everything about it included; None where the name is taken and it is to be
        skipped. `watch` is told how many entries are copied; what it raises ends the copying and leaves nothing.
        `on_cancel` is given what ends it from another thread, however large a file is: SessionLostError is raised then.
        """
        if self.check_copy(source, target, exists) is not None and exists is Exists.SKIP:
            return None
        with self.staged() as (helper, token):
            copied = 0
            with helper.process() as session, ended_by(session, on_cancel):
                for chunk in self._stream(session, scripts.copy(source, helper.staging, token), source, "copied"):
                    copied += chunk.count(b"\n")
                    watch(copied)
            settled = self._settle(helper, token + b"/" + source.name, target, exists)
        return None if settled is None else self.files.entry(settled)

    def unpack(self, chunks: Iterable[bytes], token: bytes, helper: Helper) -> bytes:
        """Unpack a tar that was checked into staging, under the token; what tar complained of, a line each."""
        with helper.process() as session:
            return self._send(session, scripts.unpack(helper.staging, token), chunks, TOP, "unpacked")

    def _before(self, path: VolumePath, exists: Exists, *, parents: bool = False) -> Entry | None:
        """What is there now, or None; refuses early what would be refused at the end, before anything is sent."""
        try:
            before = self.files.entry(path)
        except NotFoundError:
            if not path.parent.is_top and not parents:
                self.files.entry(path.parent)
            return None
        if exists is Exists.REFUSE:
            raise trouble(Output(scripts.TAKEN, b"", b""), self.place, path, "written")
        if exists is Exists.REPLACE and not before.is_file:
            raise ConflictError(
                f"{named(path, self.place)} is a {before.type.value} and is not replaced by something else.",
                hint="Delete or rename it first, or choose another name.",
            )
        return before

    def receive(
        self, helper: Helper, token: bytes, chunks: Iterable[bytes], size: int | None, path: VolumePath
    ) -> None:
        """Take a file into staging, under the token; `path` is what it is called where that goes wrong."""
        chunks = feeding.measured(chunks, size)
        if size is None or size <= BY_SESSION or not self._by_path(helper, path):
            with helper.process() as session:
                self._send(session, scripts.receive(helper.staging, token), chunks, path, "written")
            return
        file = feeding.File(token.decode(), chunks, size)
        output = feeding.put(
            self.files.inside.engine.api, helper.carrier(), f"{TARGET}/{helper.staging.decode()}", file
        )
        refuse(output, self.place, path, "written")

    def _by_path(self, helper: Helper, path: VolumePath) -> bool:
        """Make the staging folder; whether the engine, which knows it by its path alone, can be trusted to reach it."""
        output = _said(helper, scripts.open_staging(helper.staging) + scripts.stays_in_place())
        if output.status > 1:
            refuse(output, self.place, path, "written")
        return output.status == 0

    def _flush(self, helper: Helper, token: bytes, path: VolumePath) -> None:
        """See that what is staged is on the disk, as what it is about to replace is. That takes its time."""
        with helper.process() as session:
            flushed = session.run(scripts.flush(helper.staging, token), seconds=_LONGEST_SECONDS)
        refuse(flushed, self.place, path, "written")

    def _send(self, session: Session, script: bytes, chunks: Iterable[bytes], path: VolumePath, doing: str) -> bytes:
        """Feed a script that takes pieces; what it complained of. Raised where it fails."""
        output = feeding.feed(session, script, chunks)
        refuse(output, self.place, path, doing)
        return output.errors

    def _stream(self, session: Session, script: bytes, path: VolumePath, doing: str) -> Iterator[bytes]:
        with session.command(script) as running:
            yield from running.output()
            output = Output(running.status, b"", running.errors)
        refuse(output, self.place, path, doing)

    def _settle(
        self, helper: Helper, token: bytes, path: VolumePath, exists: Exists, prepare: bytes = b""
    ) -> VolumePath | None:
        """Give what is staged its name; the name it got, or None where that is taken and it is to be skipped."""
        for candidate in candidates(path, exists):
            script = scripts.settle(helper.staging, token, candidate, prepare, replace=exists is Exists.REPLACE)
            output = _said(helper, script)  # in the helper's first session: of two who replace the same one is first
            if output.status == scripts.TAKEN and exists is Exists.SKIP:
                return None
            if output.status != scripts.TAKEN or exists is not Exists.KEEP_BOTH:
                refuse(output, self.place, candidate, "written")
                return candidate
        raise trouble(Output(scripts.TAKEN, b"", b""), self.place, path, "written")

    def _refuse_move(self, output: Output, source: VolumePath, target: VolumePath) -> None:
        """Raise what the status of a renaming means. The way to either may be what is wrong: they are asked."""
        if output.status in {MISSING, LINK, NOT_A_FOLDER}:
            self.files.entry(source)
            self._run(scripts.into(target.parent), target.parent, "opened")
            refuse(output, self.place, target, "moved")
        refuse(output, self.place, target if output.status == scripts.TAKEN else source, "moved")

    @contextmanager
    def staged(self) -> Iterator[tuple[Helper, bytes]]:
        """The writing helper and a name for something in its staging folder; what is left there at the end goes."""
        with self._helper() as helper, helper.staged() as token:
            yield helper, token

    @contextmanager
    def _helper(self) -> Iterator[Helper]:
        with self.files.inside.helper(self.place, writing=True) as helper:
            yield helper

    def _run(self, script: bytes, path: VolumePath, doing: str) -> Output:
        output = self._output(script)
        refuse(output, self.place, path, doing)
        return output

    def _output(self, script: bytes) -> Output:
        with self._helper() as helper:
            return _said(helper, script)

    def _refuse_top(self, path: VolumePath) -> None:
        if path.is_top:
            raise ConflictError(
                f"The top folder of {self.place.subject} stays as it is.", hint="Choose something in it."
            )
        if path.parts[0].startswith(scripts.OWN_PREFIXES):
            raise ConflictError("Names that begin like this are Demijohn's own.", hint="Choose another name.")


def _before_it_settles(path: VolumePath, token: bytes, version: str, digest: str) -> bytes:
    """What is done to a staged file before it gets its name: it becomes like the one there, which has to be as expected."""
    script = scripts.like_before(path, token, NEW_FILE)
    if version:
        script += scripts.same_version(path.name, version)
    if digest:
        script += scripts.same_content(path.name, digest)
    return script


def _said(helper: Helper, script: bytes) -> Output:
    with helper.session() as session:
        return session.run(script)


def candidates(path: VolumePath, exists: Exists) -> Iterator[VolumePath]:
    """Names to try: the path, and where both are to be kept `name (2).ext` and so on."""
    yield path
    if exists is not Exists.KEEP_BOTH:
        return
    stem, dot, suffix = path.name.rpartition(b".")
    if not stem or len(suffix) > _LONGEST_SUFFIX:
        stem, dot, suffix = path.name, b"", b""
    for number in range(2, _MOST_TWINS):
        ending = b" (%d)" % number + dot + suffix
        yield path.parent / (_cut(stem, LONGEST_NAME - len(ending)) + ending)


def _cut(name: bytes, size: int) -> bytes:
    """The beginning of a name, at most so many bytes, and no letter of UTF-8 in two."""
    end = min(size, len(name))
    while size - 4 < end < len(name) and name[end] & 0xC0 == 0x80:
        end -= 1
    return name[:end]


def _broken_links(before: Entry | None) -> tuple[str, ...]:
    if before is None or before.links < 2:
        return ()
    others = before.links - 1
    names = "name keeps" if others == 1 else "names keep"
    return (f"It had {others} other {names} the old content: hard links are not kept by a replacement.",)


def _is_so(entry: Entry, mode: str, uid: int | None, gid: int | None) -> bool:
    """Whether an entry has what it was given; of a mode in chmod's own words that can't be told."""
    as_wanted = not mode.isdigit() or entry.type is EntryType.LINK or entry.mode == int(mode, 8)
    return as_wanted and uid in {None, entry.uid} and gid in {None, entry.gid}


def _check_permissions(mode: str, uid: int | None, gid: int | None) -> None:
    problems = {}
    if mode and not _MODE.fullmatch(mode):
        problems["mode"] = "Give the mode as octal digits, 0644 say, or as chmod knows it: u+x,go-w."
    for name, value in (("uid", uid), ("gid", gid)):
        if value is not None and not 0 <= value <= _LARGEST_ID:
            problems[name] = f"Give a number from 0 to {_LARGEST_ID}."
    if not mode and uid is None and gid is None:
        problems["mode"] = "Say what is to change: mode, uid or gid."
    if problems:
        raise InvalidInputError(problems)
