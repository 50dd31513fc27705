"""Measuring what a volume takes as a job.

There is nothing to undo: it only reads, and writes down what it found when it is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from webui.engine.connection import Engine
from webui.engine.files import Files
from webui.engine.model import Volume
from webui.engine.recorded_sizes import volume_mark
from webui.engine.usage import measure
from webui.engine.volumes import inspect_volume
from webui.errors import ConflictError
from webui.jobs.context import JobContext
from webui.jobs.model import Job, JobState
from webui.jobs.runner import Runner
from webui.jobs.usage_records import UsageRecords
from webui.paths import TOP

KIND = "measure"
_PATIENCE_SECONDS = 60.0


def start_measure(
    runner: Runner,
    engine: Engine,
    files: Files,
    records: UsageRecords,
    place_name: str,
    *,
    on_measured: Callable[[], None] = lambda: None,
) -> Job:
    """Measure a place in the background; the job that does so already, if there is one.

    `place_name` is what a person calls it; `on_measured` is called when the new size is written down. Progress is in
    bytes seen; the result is `{"bytes", "files", "folders", "unreadable"}`, the last three in numbers of them.
    """

    def work(context: JobContext) -> dict[str, Any]:
        result = _measure(context, engine, files, records)
        on_measured()
        return result

    return runner.submit(KIND, place_name, engine.name, place_name, work)


def measuring(runner: Runner, engine: Engine, place_name: str) -> Job | None:
    """The job that measures the place now, or waits for its turn to."""
    sought = (KIND, engine.name, place_name)
    return next((job for job in runner.unfinished() if (job.kind, job.engine, job.subject) == sought), None)


def newest_failure(runner: Runner, engine: Engine, place_name: str, since: datetime) -> Job | None:
    """The newest job that measured the place, if it failed and ended after that moment (aware)."""
    sought = (KIND, place_name)
    newest = next((job for job in runner.list(engine=engine.name) if (job.kind, job.subject) == sought), None)
    if newest is None or newest.state is not JobState.FAILED or newest.finished_at is None:
        return None
    return newest if newest.finished_at > since else None


def _measure(context: JobContext, engine: Engine, files: Files, records: UsageRecords) -> dict[str, Any]:
    def watch(taken: int, folders: int) -> None:
        context.check()
        if folders:
            said = "1 folder" if folders == 1 else f"{folders:,} folders"
            context.progress(taken, None, "bytes", f"{said} seen so far")

    context.progress(0, None, "bytes", "Looking for the first folder")
    began = time.monotonic()
    before = _volume(engine, files)
    usage = measure(files, TOP, watch, context.on_cancel)
    context.check()
    volume = _volume(engine, files)
    if before and volume and volume_mark(before) != volume_mark(volume):
        raise ConflictError(
            f"While it was measured, {files.place.subject} was deleted and made anew.", hint="Measure again."
        )
    records.save(engine.identity(), files.place, volume, usage, time.monotonic() - began)
    context.progress(usage.bytes, usage.bytes, "bytes", "")
    return {"bytes": usage.bytes, "files": usage.files, "folders": usage.count, "unreadable": usage.unreadable}


def _volume(engine: Engine, files: Files) -> Volume | None:
    """The volume as the engine has it now, None for a host's folder. Raises NotFoundError where it is gone."""
    if files.place.kind != "volume":
        return None
    return inspect_volume(engine, files.place.name, wait=_PATIENCE_SECONDS)
