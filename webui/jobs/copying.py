"""Copying files within a volume as a job.

There is nothing to undo: a copy lies in the staging folder of the helper until it is whole, and is renamed then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from webui.engine.changes import Changes
from webui.engine.connection import Engine
from webui.engine.file_model import Exists
from webui.errors import EngineSlowError
from webui.jobs.context import JobContext
from webui.jobs.model import Job
from webui.jobs.runner import Runner
from webui.paths import VolumePath

KIND = "copy"


def start_copy(
    runner: Runner, engine: Engine, changes: Changes, pairs: Sequence[tuple[VolumePath, VolumePath]], exists: Exists
) -> Job:
    """Copy each source to its target in the background; the job that does the very same already, if there is one.

    Progress is in entries copied; the result is `{"copied": [path…], "skipped": [path…]}`, the paths as text.
    """
    key = repr((changes.place, [(source.raw, target.raw) for source, target in pairs], exists.value))
    return runner.submit(
        KIND, changes.place.name, engine.name, key, lambda context: _copy(context, changes, pairs, exists)
    )


def _copy(
    context: JobContext, changes: Changes, pairs: Sequence[tuple[VolumePath, VolumePath]], exists: Exists
) -> dict[str, Any]:
    total = _count(context, changes, [source for source, _ in pairs])
    before = 0
    copied: list[str] = []
    skipped: list[str] = []
    for source, target in pairs:
        seen = 0

        def watch(entries: int, before: int = before, source: VolumePath = source) -> None:
            nonlocal seen
            context.check()
            seen = entries
            context.progress(before + entries, total, "entries", f"Copying {source.shown}")

        context.check()
        entry = changes.copy(source, target, exists=exists, watch=watch, on_cancel=context.on_cancel)
        before += seen
        (skipped if entry is None else copied).append(target.text if entry is None else entry.path.text)
    return {"copied": copied, "skipped": skipped}


def _count(context: JobContext, changes: Changes, sources: Sequence[VolumePath]) -> int | None:
    """How many entries there are to copy; None where counting them takes too long."""
    try:
        return changes.files.count(sources, context.on_cancel)[0]
    except EngineSlowError:
        return None
