"""What a job is to the rest of the app: a frozen snapshot, made anew at each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

JobId = NewType("JobId", str)


class JobState(StrEnum):
    """Where a job stands. The last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is, in `unit` (bytes, files, volumes…). `total` is None as long as nobody knows it."""

    done: int = 0
    total: int | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stood at one moment.

    `subject` is what it is about, in words a person knows (an image, a volume); `engine` is the engine's
    name. `result` is JSON-ready: details while it runs, the outcome when it is done. `error` is a sentence,
    empty unless the job failed or left something to put right. Times are aware, UTC.
    """

    id: JobId
    kind: str
    subject: str
    engine: str
    state: JobState
    created_at: datetime
    progress: Progress = Progress()
    message: str = ""
    result: Mapping[str, Any] | None = None
    error: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """The job as the HTTP contract has it; times are ISO 8601."""
        return {
            "id": self.id,
            "kind": self.kind,
            "subject": self.subject,
            "engine": self.engine,
            "state": self.state.value,
            "progress": {
                "done": self.progress.done,
                "total": self.progress.total,
                "unit": self.progress.unit,
            },
            "message": self.message,
            "result": None if self.result is None else dict(self.result),
            "error": self.error,
            "created_at": _iso(self.created_at),
            "started_at": _iso(self.started_at),
            "finished_at": _iso(self.finished_at),
        }


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a job's log and when it was written."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class UndoStep:
    """What puts one step of a job right again: the name of its handler and the handler's arguments.

    `engine_identity` is the engine the step belongs to; `error` says why the last attempt failed.
    """

    id: int
    job_id: JobId
    name: str
    arguments: Mapping[str, Any]
    engine_identity: str
    error: str = ""


class JobCancelled(Exception):  # noqa: N818 - a request that was followed, not an error
    """Raised by `JobContext.check` inside the work of a job that was cancelled."""


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
