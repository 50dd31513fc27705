"""What is kept of jobs in the app's records, so that a start after a crash finds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, delete, insert, select, update
from sqlalchemy.engine import Connection, Row

from webui.jobs.model import Job, JobId, JobState, LogLine, Progress, UndoStep
from webui.store import Store

HISTORY = 1000
"""How many finished jobs are kept."""

_metadata = MetaData()
_jobs = Table(
    "jobs",
    _metadata,
    Column("id", String, primary_key=True),
    Column("kind", String),
    Column("subject", String),
    Column("engine", String),
    Column("state", String),
    Column("progress_done", Integer),
    Column("progress_total", Integer),
    Column("progress_unit", String),
    Column("message", String),
    Column("result", String),
    Column("error", String),
    Column("created_at", String),
    Column("started_at", String),
    Column("finished_at", String),
)
_steps = Table(
    "job_steps",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("jobs.id")),
    Column("name", String),
    Column("arguments", String),
    Column("engine_identity", String),
    Column("error", String),
)
_log = Table(
    "job_log",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("jobs.id")),
    Column("at", String),
    Column("text", String),
)
_UNFINISHED = (JobState.QUEUED.value, JobState.RUNNING.value)


class Journal:
    """Jobs, their undo steps and their logs, in the store. Each method is one transaction."""

    def __init__(self, store: Store, history: int = HISTORY) -> None:
        self._store = store
        self._history = history

    def add(self, job: Job) -> None:
        """Write down a new job."""
        with self._store.write() as connection:
            connection.execute(insert(_jobs).values(id=job.id, **_columns(job)))

    def save(self, job: Job) -> None:
        """Write down how a job that is not over stands now."""
        with self._store.write() as connection:
            connection.execute(
                update(_jobs).where(_jobs.c.id == job.id, _jobs.c.state.in_(_UNFINISHED)).values(**_columns(job))
            )

    def finish(self, job: Job, *, drop_steps: bool = False) -> None:
        """Write down how a job ended, and let the oldest go. `drop_steps`: there is nothing left to undo."""
        with self._store.write() as connection:
            connection.execute(update(_jobs).where(_jobs.c.id == job.id).values(**_columns(job)))
            if drop_steps:
                connection.execute(delete(_steps).where(_steps.c.job_id == job.id))
            self._trim(connection)

    def get(self, job_id: str) -> Job | None:
        """The job of that id, if it is known."""
        with self._store.read() as connection:
            row = connection.execute(select(_jobs).where(_jobs.c.id == job_id)).one_or_none()
        return None if row is None else _job(row)

    def list(self, limit: int, engine: str | None = None) -> tuple[Job, ...]:
        """The newest jobs first, at most `limit`, of one engine or of all."""
        query = select(_jobs).order_by(_jobs.c.created_at.desc(), _jobs.c.id).limit(limit)
        if engine is not None:
            query = query.where(_jobs.c.engine == engine)
        with self._store.read() as connection:
            return tuple(_job(row) for row in connection.execute(query))

    def unfinished(self) -> tuple[Job, ...]:
        """Jobs that nobody wrote an end for, oldest first."""
        query = select(_jobs).where(_jobs.c.state.in_(_UNFINISHED)).order_by(_jobs.c.created_at)
        with self._store.read() as connection:
            return tuple(_job(row) for row in connection.execute(query))

    def left_to_undo(self) -> tuple[Job, ...]:
        """Jobs that still have undo steps, oldest first."""
        query = select(_jobs).where(_jobs.c.id.in_(select(_steps.c.job_id).distinct())).order_by(_jobs.c.created_at)
        with self._store.read() as connection:
            return tuple(_job(row) for row in connection.execute(query))

    def add_step(self, job_id: JobId, name: str, arguments: Mapping[str, Any], engine_identity: str) -> UndoStep:
        """Write down what will put the next step of a job right again."""
        values = {
            "job_id": job_id,
            "name": name,
            "arguments": json.dumps(dict(arguments)),
            "engine_identity": engine_identity,
            "error": "",
        }
        with self._store.write() as connection:
            key = connection.execute(insert(_steps).values(**values)).inserted_primary_key
        assert key is not None  # noqa: S101 - an insert of one row has one
        return UndoStep(key[0], job_id, name, dict(arguments), engine_identity)

    def steps(self, job_id: JobId) -> tuple[UndoStep, ...]:
        """A job's undo steps in the order to run them: the last recorded first."""
        query = select(_steps).where(_steps.c.job_id == job_id).order_by(_steps.c.id.desc())
        with self._store.read() as connection:
            return tuple(_step(row) for row in connection.execute(query))

    def drop_step(self, step: UndoStep) -> None:
        """Forget an undo step that is not needed any more."""
        with self._store.write() as connection:
            connection.execute(delete(_steps).where(_steps.c.id == step.id))

    def fail_step(self, step: UndoStep, error: str) -> None:
        """Keep an undo step that did not work, with the reason."""
        with self._store.write() as connection:
            connection.execute(update(_steps).where(_steps.c.id == step.id).values(error=error))

    def write_log(self, job_id: JobId, line: LogLine) -> None:
        """Add a line to a job's log."""
        with self._store.write() as connection:
            connection.execute(insert(_log).values(job_id=job_id, at=line.at.isoformat(), text=line.text))

    def log(self, job_id: str) -> tuple[LogLine, ...]:
        """A job's log, oldest line first."""
        query = select(_log.c.at, _log.c.text).where(_log.c.job_id == job_id).order_by(_log.c.id)
        with self._store.read() as connection:
            return tuple(LogLine(datetime.fromisoformat(row.at), row.text) for row in connection.execute(query))

    def _trim(self, connection: Connection) -> None:
        finished = select(_jobs.c.id).where(_jobs.c.state.not_in(_UNFINISHED))
        kept = finished.order_by(_jobs.c.finished_at.desc()).limit(self._history)
        with_steps = select(_steps.c.job_id)
        connection.execute(
            delete(_jobs).where(_jobs.c.id.in_(finished), _jobs.c.id.not_in(kept), _jobs.c.id.not_in(with_steps))
        )


def _columns(job: Job) -> dict[str, Any]:
    return {
        "kind": job.kind,
        "subject": job.subject,
        "engine": job.engine,
        "state": job.state.value,
        "progress_done": job.progress.done,
        "progress_total": job.progress.total,
        "progress_unit": job.progress.unit,
        "message": job.message,
        "result": None if job.result is None else json.dumps(dict(job.result)),
        "error": job.error,
        "created_at": job.created_at.isoformat(),
        "started_at": None if job.started_at is None else job.started_at.isoformat(),
        "finished_at": None if job.finished_at is None else job.finished_at.isoformat(),
    }


def _job(row: Row[Any]) -> Job:
    return Job(
        id=JobId(row.id),
        kind=row.kind,
        subject=row.subject,
        engine=row.engine,
        state=JobState(row.state),
        created_at=datetime.fromisoformat(row.created_at),
        progress=Progress(row.progress_done, row.progress_total, row.progress_unit),
        message=row.message,
        result=None if row.result is None else json.loads(row.result),
        error=row.error,
        started_at=None if row.started_at is None else datetime.fromisoformat(row.started_at),
        finished_at=None if row.finished_at is None else datetime.fromisoformat(row.finished_at),
    )


def _step(row: Row[Any]) -> UndoStep:
    return UndoStep(row.id, JobId(row.job_id), row.name, json.loads(row.arguments), row.engine_identity, row.error)
