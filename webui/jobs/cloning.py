"""Cloning a volume as a job: a new volume with all that is in another one, wherever either is kept.

The source is only read. Before each step it is written down what undoes it: a clone that fails, is cancelled or cut off
leaves no volume, nothing in the storage it was to go to, and no container that stands still.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Event
from typing import Any, Final

from webui.engine.cloning import (
    Contents,
    Copied,
    Pair,
    complaint,
    empty_clone,
    not_arrived,
    remove_clone,
    side_by_side,
)
from webui.engine.comparison import Comparison, Names
from webui.engine.connection import Engine
from webui.engine.containers import pause_container, unpause_container
from webui.engine.file_model import Place
from webui.engine.helper_image import helper_image
from webui.engine.inside import Inside
from webui.engine.model import JOB_LABEL, Volume, VolumeUse
from webui.engine.trial import Trials, remove_trial
from webui.engine.volumes import create_volume, inspect_volume
from webui.errors import ConflictError
from webui.jobs.context import JobContext
from webui.jobs.helper_image import ready_helper_image
from webui.jobs.model import Job
from webui.jobs.runner import Runner
from webui.jobs.storage_test import Wanted, ask_storage, try_storage
from webui.jobs.undo import UndoHandler
from webui.storage import Where, driver_of, read_options

KIND: Final = "clone"
_REMOVE: Final = "clone"
_EMPTY: Final = "clone's content"
_GO_ON: Final = "paused container"
_PATIENCE_SECONDS: Final = 60.0
"""How long storage may take to have one file more, once all were written."""
_BETWEEN_SECONDS: Final = 2.0
_NOT_COPIED: Final = ("com.docker.compose.", "com.docker.volume.", "io.demijohn.")


class Writers(StrEnum):
    """What becomes of the containers that write to the source: they go on, and what they change meanwhile fails the clone;
    they stand still; or they go on, and what they change is told."""

    WATCH = "watch"
    PAUSE = "pause"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class CloneWish:
    """What is to be made of the volume `source`: one of that `name` in the `wanted` storage, mounted once before the
    volume is made where it is `tried_first`. With `leave_out` links, pipes and devices may be missing in the copy where
    its storage does not know them."""

    source: str
    name: str
    labels: Mapping[str, str]
    wanted: Wanted
    tried_first: bool
    writers: Writers = Writers.WATCH
    leave_out: bool = False


def start_clone(runner: Runner, inside: Inside, image: str, wish: CloneWish) -> Job:
    """Clone in the background; the job that makes this very volume already, if there is one.

    `image` is the helper image's name. Progress is in bytes; the result is `{"volume", "entries", "bytes", "left_out":
    [{"name", "why"}…], "left_out_count", "warnings"}`, `volume` as soon as there is one. Where the storage was refused it
    has `field` and `hint` as that of a storage test.
    """
    return runner.submit(
        KIND,
        _subject(wish.source, wish.name),
        inside.engine.name,
        _subject(wish.source, wish.name),
        lambda context: _Clone(context, inside, image, wish).work(),
    )


def cloning(runner: Runner, engine: Engine, source: str, name: str) -> Job | None:
    """The job that makes this clone just now."""
    wanted = (KIND, engine.name, _subject(source, name))
    return next((job for job in runner.unfinished() if (job.kind, job.engine, job.subject) == wanted), None)


def writers_of(volume: Volume) -> tuple[VolumeUse, ...]:
    """The running containers that may write to a volume, once for each mount."""
    return tuple(use for use in volume.used_by if use.state == "running" and not use.read_only)


def labels_for_clone(labels: Mapping[str, str]) -> dict[str, str]:
    """Of a volume's labels those that a clone has as well: what Compose and Docker note of the original is not true of it."""
    return {key: value for key, value in labels.items() if not key.startswith(_NOT_COPIED)}


def undo_handlers(image: str) -> dict[str, UndoHandler]:
    """What undoes the steps of a clone; `image` is the one that helper containers are wanted from."""

    def removing(engine: Engine, arguments: Mapping[str, Any]) -> None:
        remove_clone(engine, arguments["volume"], arguments["job"])

    def emptying(engine: Engine, arguments: Mapping[str, Any]) -> None:
        empty_clone(engine, helper_image(engine, image), arguments["source"], arguments["volume"], arguments["job"])

    def going_on(engine: Engine, arguments: Mapping[str, Any]) -> None:
        unpause_container(engine, arguments["container"])

    return {_REMOVE: removing, _EMPTY: emptying, _GO_ON: going_on}


def _subject(source: str, name: str) -> str:
    return f"{source} as {name}"


class _Clone:
    """One clone on its way."""

    def __init__(self, context: JobContext, inside: Inside, image: str, wish: CloneWish) -> None:
        self._context = context
        self._inside = inside
        self._engine = inside.engine
        self._image_name = image
        self._image = ""
        self._wish = wish
        self._wanted = _as_what_it_is(wish.wanted)
        self._told: dict[str, Any] = {}

    def work(self) -> dict[str, Any]:
        """All of it. Raises what went wrong."""
        self._tell("Getting ready")
        self._image = ready_helper_image(self._context, self._engine, self._image_name)
        if self._wish.tried_first:
            self._told = try_storage(self._context, self._engine, self._image_name, self._wanted)
        self._ask_source()
        self._context.check()
        self._make()
        wish = self._wish
        with side_by_side(self._engine, self._image, wish.source, wish.name, self._context.on_cancel) as pair:
            pair.refuse_taken()
            contents = self._contents(pair)
            with self._standing_still():
                copied, found = self._copied(pair, contents)
            self._judge(copied, found)
            self._context.progress(contents.bytes, contents.bytes, "bytes", "", details=self._told)
            if self._wanted.where is Where.TMPFS:
                # It would be empty again without a mount; a look inside keeps one for a while.
                self._inside.start(Place.volume(wish.name), wait=_PATIENCE_SECONDS)
        return {**self._told, **self._result(contents, copied, found)}

    def _tell(self, message: str) -> None:
        self._context.check()
        self._context.progress(0, None, "", message, details=self._told)

    def _ask_source(self) -> None:
        """Storage that does not answer would hang the copying, and its own words would be about both volumes."""
        volume = inspect_volume(self._engine, self._wish.source, wait=_PATIENCE_SECONDS)
        if read_options(volume.driver, volume.options).where not in {Where.LOCAL, Where.BIND, Where.TMPFS}:
            ask_storage(self._context, self._engine, self._image, volume)

    def _make(self) -> None:
        wish, job = self._wish, self._context.job_id
        self._context.undo(_REMOVE, volume=wish.name, job=job)
        create_volume(
            self._engine,
            wish.name,
            driver=driver_of(self._wanted.storage),
            options=self._wanted.options,
            labels={**wish.labels, JOB_LABEL: job},
            wait=_PATIENCE_SECONDS,
        )
        self._told = {**self._told, "volume": wish.name}
        self._tell("Looking at what there is to copy")

    def _contents(self, pair: Pair) -> Contents:
        contents = pair.contents()
        if self._wanted.where not in {Where.LOCAL, Where.TMPFS}:
            about = {"source": self._wish.source, "volume": self._wish.name, "job": self._context.job_id}
            self._context.undo(_EMPTY, **about)
        return contents

    @contextmanager
    def _standing_still(self) -> Iterator[None]:
        """Have those who write to the source stand still for the block, where that is asked."""
        paused = []
        try:
            for identifier in self._writers():
                step = self._context.undo(_GO_ON, container=identifier)
                try:
                    pause_container(self._engine, identifier)
                except ConflictError:  # somebody else has paused it just now, and is not to find it going on
                    self._context.done_with(step)
                    raise
                paused.append((identifier, step))
            yield
        finally:
            for identifier, step in paused:
                unpause_container(self._engine, identifier)
                self._context.done_with(step)

    def _writers(self) -> tuple[str, ...]:
        if self._wish.writers is not Writers.PAUSE:
            return ()
        volume = inspect_volume(self._engine, self._wish.source, wait=_PATIENCE_SECONDS)
        return tuple(dict.fromkeys(use.id for use in writers_of(volume)))

    def _copied(self, pair: Pair, contents: Contents) -> tuple[Copied, Comparison]:
        where = self._wanted.where

        def watch(written: int) -> None:
            self._context.check()
            done = min(written, contents.bytes)
            self._context.progress(done, contents.bytes, "bytes", f"Copying {contents.entries:,} entries")

        watch(0)
        since = pair.now()
        copied = pair.copy(watch, links=not where.by_rclone and where is not Where.SMB)
        watch(contents.bytes)
        self._tell("Comparing the two")
        proof = self._wanted.proof
        return copied, pair.compare(since) if proof is None else self._proved(proof, since)

    def _proved(self, options: Mapping[str, str], since: float) -> Comparison:
        """What a mount past the driver's cache shows: it counts when it is in the storage, which may take a while."""
        least, deadline = None, 0.0
        stop = Event()
        self._context.on_cancel(stop.set)
        while True:
            found = self._compared_past_the_cache(options, since)
            missing = found.missing.count + found.other.count
            if least is None or missing < least:
                least, deadline = missing, time.monotonic() + _PATIENCE_SECONDS
            if not missing or time.monotonic() > deadline:
                return found
            self._tell("Waiting until the storage has all of it")
            stop.wait(_BETWEEN_SECONDS)
            self._context.check()

    def _compared_past_the_cache(self, options: Mapping[str, str], since: float) -> Comparison:
        name = Trials.new_name()
        step = self._context.undo("remove-trial", volume=name)
        trials = Trials(self._engine, self._image)
        try:
            trials.make(name, driver_of(self._wanted.storage), options)
            with side_by_side(
                self._engine, self._image, self._wish.source, name, self._context.on_cancel, writing=False
            ) as pair:
                return pair.compare(since)
        finally:
            remove_trial(self._engine, name)
            self._context.done_with(step)

    def _judge(self, copied: Copied, found: Comparison) -> None:
        """Raises what keeps it from being a copy of all that is in the source."""
        wish = self._wish
        if not copied.read or (not copied.written and (found.missing.count or found.other.count)):
            raise not_arrived(copied, found, Place.volume(wish.name))
        if found.special.count and not copied.written and not wish.leave_out:
            raise ConflictError(
                f"{_entries(found.special.count)} can’t be kept there: {found.special}. Its storage knows no links, pipes "
                "or devices.",
                hint="Say that such entries may be left out, or choose another place.",
            )
        changed = _changed(copied, found)
        if changed.count and wish.writers is not Writers.IGNORE:
            raise ConflictError(
                f"{_entries(changed.count)} changed while they were copied: {changed}.",
                hint="Have the containers that write to it paused meanwhile, or say that such changes are to be ignored.",
            )

    def _result(self, contents: Contents, copied: Copied, found: Comparison) -> dict[str, Any]:
        left_out = [{"name": name, "why": _ONLY_RUNNING} for name in found.sockets.first]
        left_out_count = found.sockets.count
        if not copied.written:
            left_out += [{"name": name, "why": _NOT_KNOWN} for name in found.special.first]
            left_out_count += found.special.count
        return {
            "volume": self._wish.name,
            "entries": contents.entries,
            "bytes": contents.bytes,
            "left_out": left_out,
            "left_out_count": left_out_count,
            "warnings": self._warnings(contents, copied, found),
        }

    def _warnings(self, contents: Contents, copied: Copied, found: Comparison) -> list[str]:
        wish, said = self._wish, []
        if not contents.entries:
            said.append(f"Nothing is in volume {wish.source}, so nothing is in its clone.")
        if (changed := _changed(copied, found)).count:
            said.append(
                f"{_entries(changed.count)} changed while they were copied, and may be of two times: {changed}."
            )
        unkept = [f"{what} of {_entries(count)}" for what, count in found.unkept.items() if count]
        if unkept:
            said.append(f"Its storage does not keep everything as it was: {', '.join(unkept)}.")
        if not copied.written and not found.lacking:
            said.append(f"Not all could be kept. The helper said: {complaint(copied.said)}")
        if self._wanted.where is Where.TMPFS:
            said.append(
                f"{wish.name} is kept in memory: all is gone when the last container that uses it stops, or, as long as "
                "none does, when Demijohn has not looked inside for some minutes."
            )
        return said


_ONLY_RUNNING: Final = "A socket is there only as long as its program runs."
_NOT_KNOWN: Final = "Its storage knows no links, pipes or devices."


def _as_what_it_is(wanted: Wanted) -> Wanted:
    """Free options may describe one of the places as well."""
    if wanted.where is not Where.OTHER:
        return wanted
    return replace(wanted, where=read_options(driver_of(wanted.storage), wanted.options).where)


def _changed(copied: Copied, found: Comparison) -> Names:
    """What differs although all that was read could be written: somebody changed it meanwhile."""
    changed = Names()
    special = (found.special,) if copied.written else ()
    for names in (found.newer, found.other, found.missing, found.strange, *special):
        changed.count += names.count
        changed.first += names.first
    return changed


def _entries(count: int) -> str:
    return "One entry" if count == 1 else f"{count:,} entries"
