"""Importing an archive: checked and unpacked while it comes, then merged into a folder by a job.

Only the merge is a job, as before it there is nothing to undo. Its journal has two steps: putting back what was there,
which is dropped at the moment the merge is complete, and removing the kept folder.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Literal, cast

from webui.archives import (
    HEAD_BYTES,
    ArchiveFormat,
    CheckedArchive,
    ImportOptions,
    Limits,
    Summary,
    checked_tar,
    checked_zip,
    detect,
)
from webui.archives.rules import MOST_LEFT_OUT, LeftOut
from webui.engine import scripts
from webui.engine.changes import Changes
from webui.engine.connection import Engine
from webui.engine.file_model import Entry, Exists, Place
from webui.engine.files import Files
from webui.engine.helper_image import helper_image
from webui.engine.importing import Merge, Plan, brought, make_plan, put_back, remove_kept
from webui.engine.inside import Helper, Inside
from webui.engine.staged_file import StagedFile
from webui.engine.volumes import inspect_volume
from webui.errors import ConflictError, DemijohnError, NotFoundError
from webui.jobs.context import JobContext
from webui.jobs.model import JobCancelled
from webui.jobs.runner import Runner, Work
from webui.jobs.undo import UndoHandler
from webui.paths import VolumePath, name_text, shown_name, volume_path

KIND = "import"
LIMITS = Limits()
_PUT_BACK = "import"
_REMOVE_KEPT = "kept folder"
_MOST_COMPLAINTS: Final = 3
_COUNTED: Final = ("files", "folders", "links", "others", "bytes")
_PIECE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """How an archive is to be imported: whose its entries become, whether set-id bits and devices are kept, and what to
    do where a name is taken: REFUSE, REPLACE or SKIP."""

    owners: Literal["keep", "folder"] = "keep"
    modes: Literal["keep", "plain"] = "keep"
    devices: bool = False
    exists: Exists = Exists.REFUSE


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import has brought. `left_out` are names with the sentence that says why, the first of `left_out_count`."""

    files: int
    folders: int
    links: int
    others: int
    bytes: int
    left_out: tuple[LeftOut, ...] = ()
    left_out_count: int = 0
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the HTTP contract has it."""
        return {
            "files": self.files,
            "folders": self.folders,
            "links": self.links,
            "others": self.others,
            "bytes": self.bytes,
            "left_out": [{"name": name_text(each.name), "why": each.why} for each in self.left_out],
            "left_out_count": self.left_out_count,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class _Site:
    """Where an import goes on: the helper it is unpacked with, under which name in staging, and the folder it is for."""

    changes: Changes
    helper: Helper
    token: bytes
    folder: VolumePath


@dataclass(slots=True)
class _Merging:
    """What the request that waits for the job has to know of it."""

    complete: bool = False
    error: BaseException | None = None


def import_archive(
    runner: Runner, changes: Changes, folder: VolumePath, wish: Wish, chunks: Iterable[bytes], *, size: int | None
) -> Imported:
    """Unpack an archive, which comes in chunks, into a folder of a volume: all of it, or nothing.

    Nothing reaches the folder before every entry was checked and unpacked beside it. `size` is that of the archive,
    where it is known. Raises InvalidInputError at `archive` for an archive that is not taken, ClashError where names
    are taken, NotFoundError and ConflictError as Changes do.
    """
    into = changes.files.entry(folder)
    if not into.is_folder:
        raise ConflictError(f"“{folder.shown}” is no folder.", hint="Choose the folder to import into.")
    with changes.staged() as (helper, token):
        site = _Site(changes, helper, token, folder)
        archive, complaints = _unpacked(site, chunks, size, _options(wish, into))
        plan = make_plan(helper, token, folder, wish.exists)
        counted = brought(helper, token, plan) if plan.skipped else _all_of(archive.summary)
        trouble = _merged(runner, site, plan) if plan.groups else None
    return _imported(archive.summary, plan, counted, _warnings(changes.place.name, complaints, trouble))


def undo_handlers(image: str) -> dict[str, UndoHandler]:
    """What undoes the steps of an import; `image` is the one that helper containers are wanted from."""

    def putting_back(engine: Engine, arguments: Mapping[str, Any]) -> None:
        with _changes_of(engine, image, arguments["volume"]) as changes:
            if changes is not None:
                put_back(changes, volume_path(arguments["folder"]), arguments["kept"].encode())

    def removing(engine: Engine, arguments: Mapping[str, Any]) -> None:
        with _changes_of(engine, image, arguments["volume"]) as changes:
            if changes is not None:
                remove_kept(changes, arguments["kept"].encode())

    return {_PUT_BACK: putting_back, _REMOVE_KEPT: removing}


@contextmanager
def _changes_of(engine: Engine, image: str, volume: str) -> Iterator[Changes | None]:
    """None where the volume is gone: with it went all that there was to undo."""
    try:
        inspect_volume(engine, volume, wait=20)
    except NotFoundError:
        yield None
        return
    with closing(Inside(engine, lambda: helper_image(engine, image))) as inside:
        yield Changes(Files(inside, Place.volume(volume)))


def _options(wish: Wish, folder: Entry) -> ImportOptions:
    owners: Literal["keep", "map"] = "keep" if wish.owners == "keep" else "map"
    return ImportOptions(owners, folder.uid, folder.gid, wish.modes, wish.devices)


def _unpacked(
    site: _Site, chunks: Iterable[bytes], size: int | None, options: ImportOptions
) -> tuple[CheckedArchive, bytes]:
    """Check and unpack the archive into staging; the archive, read to its end, and what tar complained of."""
    source = _Source(chunks)
    kind = detect(source.head(HEAD_BYTES))
    if kind is ArchiveFormat.ZIP:
        return _unpacked_zip(site, source, size, options)
    archive = checked_tar(source, kind, LIMITS, options)
    complaints = site.changes.unpack(archive, site.token, site.helper)
    source.skip_rest()
    return archive, complaints


def _unpacked_zip(
    site: _Site, source: _Source, size: int | None, options: ImportOptions
) -> tuple[CheckedArchive, bytes]:
    """A zip says at its end what is in it, so that it has to be there as a whole: in staging, not here."""
    with site.helper.staged() as stored:
        site.changes.receive(site.helper, stored, source.rest(), size, VolumePath(b"archive.zip"))
        with site.helper.process() as session:
            file = StagedFile(session, site.helper, stored, source.taken)
            archive = checked_zip(cast(BinaryIO, file), LIMITS, options)
            return archive, site.changes.unpack(archive, site.token, site.helper)


def _merged(runner: Runner, site: _Site, plan: Plan) -> BaseException | None:
    """Carry out the plan as a job and wait for it; what kept it from clearing up afterwards.

    Raises what went wrong before, when all is as it was.
    """
    kept = scripts.KEPT_PREFIX + secrets.token_hex(8).encode()
    merge, merging = Merge(site.helper, site.folder, plan, kept), _Merging()
    about = {"volume": site.changes.place.name, "folder": site.folder.text, "kept": kept.decode()}
    with site.helper.staged() as written:
        site.changes.receive(site.helper, written, [data := plan.to_bytes()], len(data), site.folder)

        def work(context: JobContext) -> dict[str, Any]:
            context.undo(_REMOVE_KEPT, **about)
            merge.keep(site.token, written)
            step = context.undo(_PUT_BACK, **about)
            merge.carry_out(lambda done: _tell(context, done, plan.size))
            context.done_with(step)
            merging.complete = True
            merge.forget()
            context.progress(plan.size, plan.size, "entries", "")
            return {"entries": plan.size}

        engine = site.changes.files.inside.engine.name
        job = runner.submit(KIND, site.changes.place.name, engine, kept.decode(), _noting(work, merging))
        job = runner.wait(job.id)
    if not merging.complete:
        raise _failure(merging.error, job.error)
    return merging.error


def _tell(context: JobContext, done: int, total: int) -> None:
    context.check()
    context.progress(done, total, "entries", "Putting everything into its place")


def _noting(work: Work, merging: _Merging) -> Work:
    """The same work; what it raises is noted, as a job keeps only a sentence of it."""

    def noting(context: JobContext) -> Mapping[str, Any] | None:
        try:
            return work(context)
        except BaseException as error:
            merging.error = error
            raise

    return noting


def _failure(error: BaseException | None, said: str) -> BaseException:
    """What to raise for a job that failed; `said` is its error, which knows whether all could be put back."""
    if error is None or isinstance(error, JobCancelled):
        return ConflictError("The import was cancelled.", hint=said or "Nothing was changed.")
    if isinstance(error, DemijohnError):
        error.hint = said.removeprefix(error.message).strip()
    return error


def _all_of(summary: Summary) -> dict[str, int]:
    return {name: getattr(summary, name) for name in _COUNTED}


def _imported(summary: Summary, plan: Plan, counted: Mapping[str, int], warnings: tuple[str, ...]) -> Imported:
    left_out = [*summary.left_out, *(LeftOut(path, "It was there already.") for path in plan.skipped[:MOST_LEFT_OUT])]
    return Imported(
        **{name: counted.get(name, 0) for name in _COUNTED},
        left_out=tuple(left_out[:MOST_LEFT_OUT]),
        left_out_count=summary.left_out_count + len(plan.skipped),
        warnings=warnings,
    )


def _warnings(volume: str, complaints: bytes, trouble: BaseException | None) -> tuple[str, ...]:
    lines = list(dict.fromkeys(complaints.splitlines()))
    said = [f"Not all could be kept: {shown_name(line)}" for line in lines[:_MOST_COMPLAINTS]]
    if len(lines) > _MOST_COMPLAINTS:
        said.append(f"There were {len(lines) - _MOST_COMPLAINTS:,} more complaints of this kind.")
    if trouble is not None:
        said.append(
            f"What was replaced still takes space in volume {volume}: it could not be removed. It is tried again at the "
            "next start."
        )
    return tuple(said)


class _Source:
    """Chunks, read by a number of bytes; the beginning may be looked at first. `taken` counts what was read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._ready = b""
        self.taken = 0

    def head(self, size: int) -> bytes:
        """The first bytes, which are still there to be read; fewer where there are no more."""
        while len(self._ready) < size and (chunk := next(self._chunks, b"")):
            self._ready += chunk
        return self._ready[:size]

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        piece = self._ready or next(self._chunks, b"")
        piece, self._ready = piece[:size], piece[size:]
        self.taken += len(piece)
        return piece

    def rest(self) -> Iterator[bytes]:
        """All that is left, in pieces."""
        while piece := self.read(_PIECE):
            yield piece

    def skip_rest(self) -> None:
        """Read to the end."""
        for _ in self.rest():
            """Only whether it comes matters."""
