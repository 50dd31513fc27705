"""Runs what takes longer than a request: each job is watched, can be cancelled, is undone if it breaks."""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from threading import Event, RLock, Thread
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from webui.errors import ConflictError, DemijohnError, NotFoundError
from webui.jobs.announcer import Announcer, Subscriber
from webui.jobs.context import JobContext
from webui.jobs.model import Job, JobCancelled, JobId, JobState, LogLine, Progress
from webui.jobs.undo import Undoer, UndoHandler
from webui.store import Store, StoreError

if TYPE_CHECKING:
    from webui.engine.connection import Engines
    from webui.jobs.journal import Journal

Work = Callable[[JobContext], Mapping[str, Any] | None]
"""What a job does. It returns the job's result, JSON-ready, and raises what went wrong."""

_Key = tuple[str, str, str]
_log = logging.getLogger(__name__)


@dataclass
class _Run:
    """A job that is not over: its newest snapshot and what is needed to run and stop it."""

    job: Job
    key: _Key
    work: Work
    context: JobContext
    over: Event = field(default_factory=Event)


@dataclass(frozen=True)
class _Outcome:
    state: JobState
    message: str | None = None
    result: Mapping[str, Any] | None = None
    error: str = ""


class Runner:
    """All jobs of the app. Its methods may be called from any thread.

    At most `workers` jobs run at a time, the others wait their turn. Threads exist only while there is work.
    """

    def __init__(
        self,
        store: Store,
        engines: Engines,
        undo_handlers: Mapping[str, UndoHandler] = MappingProxyType({}),
        workers: int = 4,
    ) -> None:
        self._store = store
        self._engines = engines
        self._undo_handlers = undo_handlers
        self._announcer = Announcer(self._save)
        self._workers = workers
        self._working = 0
        self._waiting: deque[_Run] = deque()
        self._runs: dict[str, _Run] = {}
        self._by_key: dict[_Key, _Run] = {}
        self._closing = False
        self._lock = RLock()
        self._recovering = RLock()

    def submit(self, kind: str, subject: str, engine: str, key: str, work: Work) -> Job:
        """Start a job, or return the one of the same kind, engine and key that is not over yet.

        `engine` is the name of the engine the work acts on; undo steps are run there.

        Raises:
            ConflictError: the app is closing.
        """
        with self._lock:
            if self._closing:
                raise ConflictError("Demijohn is closing and takes no new work.")
            same = self._by_key.get((kind, engine, key))
            if same is not None:
                return same.job
            run = self._new_run(kind, subject, engine, key, work)
            self._journal.add(run.job)
            self._runs[run.job.id] = self._by_key[run.key] = run
            self._waiting.append(run)
            self._announcer.announce(run.job, at_once=True)
            self._hire()
            return run.job

    def get(self, job_id: str) -> Job:
        """The job as it stands now. Raises NotFoundError."""
        with self._lock:
            run = self._runs.get(job_id)
        job = run.job if run else self._journal.get(job_id)
        if job is None:
            raise NotFoundError("There is no such job.", hint="Only the last 1,000 finished jobs are kept.")
        return job

    def list(self, limit: int = 100, engine: str | None = None) -> tuple[Job, ...]:
        """The newest jobs first, at most `limit`, of one engine or of all."""
        jobs = self._journal.list(limit, engine)
        with self._lock:
            return tuple(self._runs[job.id].job if job.id in self._runs else job for job in jobs)

    def unfinished(self) -> tuple[Job, ...]:
        """The jobs that are queued or running, oldest first; no disk is touched."""
        with self._lock:
            return tuple(run.job for run in self._runs.values() if not run.job.state.over)

    def log(self, job_id: str) -> tuple[LogLine, ...]:
        """The lines a job has logged, oldest first. Raises NotFoundError."""
        return self._journal.log(self.get(job_id).id)

    def wait(self, job_id: str, timeout: float | None = None) -> Job:
        """The job once it is over, or as it stands after `timeout` seconds. Raises NotFoundError."""
        with self._lock:
            run = self._runs.get(job_id)
        if run:
            run.over.wait(timeout)
        return self.get(job_id)

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop; one that runs is over as soon as its work has let go and is undone.

        Raises:
            NotFoundError: there is no such job.
            ConflictError: it is over already.
        """
        with self._lock:
            job = self.get(job_id)
            if job.state.over:
                raise ConflictError(f"This job is over already: {job.state.value}.")
            run = self._runs.get(job_id)
            if run is None:
                raise ConflictError(
                    "This job was cut off when Demijohn last stopped and is being put right.",
                    hint="Wait a moment; there is nothing left to cancel.",
                )
            if run.job.state is JobState.QUEUED:
                self._waiting.remove(run)
                self._finish(run, self._stopped())
                return run.job
            self._change(run, message="Cancelling…")
        run.context.cancel()
        return self.get(job_id)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have `subscriber` called with each job that changed, a few times a second, one call at a time.

        Returns a function that ends the subscription.
        """
        return self._announcer.subscribe(subscriber)

    def recover(self) -> None:
        """Put right what earlier runs of the app left: undo, in reverse order, what cut-off jobs had begun.

        To be called once at the start, and again whenever an engine came back: what could not be undone is
        then tried again. Jobs that this runner runs are not touched.
        """
        with self._recovering:
            for job in self._others(self._journal.unfinished()):
                self._interrupt(job)
            for job in self._others(self._journal.left_to_undo()):
                self._put_right(job)

    def close(self, timeout: float = 10.0) -> bool:
        """Cancel all work and wait until it is undone, at most `timeout` seconds.

        Returns whether all of it ended; what did not is put right at the next start.
        """
        with self._lock:
            self._closing = True
            while self._waiting:
                self._finish(self._waiting.popleft(), self._stopped())
            running = list(self._runs.values())
        deadline = time.monotonic() + timeout
        for run in running:
            run.context.cancel()
        ended = [run.over.wait(max(0.0, deadline - time.monotonic())) for run in running]
        self._announcer.close()
        return all(ended)

    @cached_property
    def _journal(self) -> Journal:
        from webui.jobs.journal import Journal  # noqa: PLC0415 - needs the database toolkit, the first page does not

        return Journal(self._store)

    def _save(self, job: Job) -> None:
        self._journal.save(job)

    def _undo(self, job: Job) -> str:
        return Undoer(self._journal, self._engines, self._undo_handlers).undo(job)

    def _new_run(self, kind: str, subject: str, engine: str, key: str, work: Work) -> _Run:
        job = Job(JobId(secrets.token_urlsafe(9)), kind, subject, engine, JobState.QUEUED, datetime.now(UTC))

        def report(*, progress: Progress | None, message: str | None, result: Mapping[str, Any] | None) -> None:
            told: dict[str, Any] = {"progress": progress, "message": message, "result": result}
            with self._lock:
                if not run.job.state.over:
                    run.job = replace(run.job, **{name: news for name, news in told.items() if news is not None})
                    self._announcer.announce(run.job)

        context = JobContext(job.id, self._journal, lambda: self._engines.get(engine).identity(), report)
        run = _Run(job, (kind, engine, key), work, context)
        return run

    def _hire(self) -> None:
        if self._working < self._workers:
            self._working += 1
            Thread(target=self._work_off, name="job", daemon=True).start()

    def _work_off(self) -> None:
        while run := self._next():
            self._finish(run, self._execute(run))

    def _next(self) -> _Run | None:
        with self._lock:
            if not self._waiting:
                self._working -= 1
                return None
            run = self._waiting.popleft()
            self._change(run, state=JobState.RUNNING, started_at=datetime.now(UTC))
            return run

    def _execute(self, run: _Run) -> _Outcome:
        """Do the work; where it did not succeed, undo it at once."""
        outcome = self._attempt(run)
        if outcome.state is JobState.DONE:
            return outcome
        try:
            problem = self._undo(run.job)
        except StoreError:
            _log.exception("The undo of job %s was cut off: Demijohn's records can't be used", run.job.id)
            problem = "What it had begun is put right at the next start."
        return replace(outcome, error=" ".join(filter(None, (outcome.error, problem))))

    def _attempt(self, run: _Run) -> _Outcome:
        try:
            self._journal.save(run.job)
            result = run.work(run.context)
        except JobCancelled:
            return self._stopped()
        except DemijohnError as error:
            if run.context.cancelled:
                return self._stopped()
            return _Outcome(JobState.FAILED, error=f"{error.message} {error.hint}".rstrip())
        except Exception:  # noqa: BLE001 - the thread goes on with the next job; the traceback is in the log
            _log.exception("Job %s (%s %s) failed", run.job.id, run.job.kind, run.job.subject)
            return _Outcome(
                JobState.FAILED,
                error=f"The {run.job.kind} of {run.job.subject} stopped because of a mistake in Demijohn "
                "itself. Its log says more.",
            )
        return _Outcome(JobState.DONE, result=result)

    def _stopped(self) -> _Outcome:
        if self._closing:
            return _Outcome(JobState.INTERRUPTED, "Stopped because Demijohn was closed.")
        return _Outcome(JobState.CANCELLED, "Cancelled.")

    def _finish(self, run: _Run, outcome: _Outcome) -> None:
        with self._lock:
            run.job = replace(
                run.job,
                state=outcome.state,
                message=run.job.message if outcome.message is None else outcome.message,
                result=run.job.result if outcome.result is None else outcome.result,
                error=outcome.error,
                finished_at=datetime.now(UTC),
            )
            self._by_key.pop(run.key, None)
            try:
                self._journal.finish(run.job, drop_steps=outcome.state is JobState.DONE)
            except StoreError:
                _log.exception("The end of job %s could not be written down", run.job.id)
            else:
                del self._runs[run.job.id]
            self._announcer.announce(run.job, at_once=True)
        run.over.set()

    def _change(self, run: _Run, **changes: Any) -> None:
        run.job = replace(run.job, **changes)
        self._announcer.announce(run.job, at_once=True)

    def _others(self, jobs: tuple[Job, ...]) -> tuple[Job, ...]:
        with self._lock:
            return tuple(job for job in jobs if job.id not in self._runs)

    def _interrupt(self, job: Job) -> None:
        interrupted = replace(
            job,
            state=JobState.INTERRUPTED,
            message="Demijohn stopped before this was finished.",
            finished_at=datetime.now(UTC),
        )
        self._journal.finish(interrupted)
        self._announcer.announce(interrupted, at_once=True)

    def _put_right(self, job: Job) -> None:
        problem = self._undo(job)
        settled = replace(job, error=problem or ("" if job.state is JobState.INTERRUPTED else job.error))
        self._journal.finish(settled)
        self._announcer.announce(settled, at_once=True)
