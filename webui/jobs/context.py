"""What the work of a job is given: to tell of progress, notice a cancel, prepare for things going wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Protocol

from webui.jobs.model import JobCancelled, JobId, LogLine, Progress, UndoStep

if TYPE_CHECKING:
    from webui.jobs.journal import Journal

MAX_LOG_LINES = 2000
_log = logging.getLogger(__name__)


class Report(Protocol):
    """Takes what changed about a running job."""

    def __call__(self, *, progress: Progress | None, message: str | None, result: Mapping[str, Any] | None) -> None: ...


class JobContext:
    """The work's side of a job. Its methods may be called from any thread of the work."""

    def __init__(self, job_id: JobId, journal: Journal, engine_identity: Callable[[], str], report: Report) -> None:
        self.job_id = job_id
        self._journal = journal
        self._engine_identity = engine_identity
        self._report = report
        self._cancelled = Event()
        self._on_cancel: list[Callable[[], None]] = []
        self._lock = Lock()
        self._lines = 0

    def progress(
        self,
        done: int,
        total: int | None = None,
        unit: str = "",
        message: str | None = None,
        *,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Say how far the work is. Cheap: call it as often as there is news, pages get a few a second.

        `total` is None while it is unknown. `message` and `details` (JSON-ready, shown as the job's result
        until the work returns the real one) keep what they were when left out.
        """
        self._report(progress=Progress(done, total, unit), message=message, result=details)

    def log(self, line: str) -> None:
        """Add a line to the job's log; beyond 2,000 lines no more are kept."""
        with self._lock:
            self._lines += 1
            lines = self._lines
        if lines < MAX_LOG_LINES:
            self._journal.write_log(self.job_id, LogLine(datetime.now(UTC), line))
        elif lines == MAX_LOG_LINES:
            self._journal.write_log(self.job_id, LogLine(datetime.now(UTC), "Further lines are not kept."))

    @property
    def cancelled(self) -> bool:
        """Whether the job was asked to stop."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise JobCancelled if the job was asked to stop."""
        if self.cancelled:
            raise JobCancelled

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Have `callback` called when the job is asked to stop, from another thread; at once if it was.

        It must return quickly: it makes the work stop (closes its connection, say) and does not wait for it.
        """
        with self._lock:
            if not self.cancelled:
                self._on_cancel.append(callback)
                return
        callback()

    def undo(self, step_name: str, **arguments: Any) -> UndoStep:
        """Record what puts the *next* step right again, before doing that step.

        `step_name` names an undo handler, `arguments` are JSON-ready. The handler has to be right whether the
        step was done, half done or never begun, and when it runs twice.
        """
        return self._journal.add_step(self.job_id, step_name, arguments, self._engine_identity())

    def done_with(self, step: UndoStep) -> None:
        """Forget an undo step: what it guarded is in order."""
        self._journal.drop_step(step)

    def cancel(self) -> None:
        """Ask the work to stop. For the runner."""
        with self._lock:
            self._cancelled.set()
            callbacks, self._on_cancel = self._on_cancel, []
        for callback in callbacks:
            try:
                callback()
            except Exception:  # noqa: BLE001 - one that fails must not keep the others from stopping their part
                _log.exception("Stopping a part of job %s failed", self.job_id)
