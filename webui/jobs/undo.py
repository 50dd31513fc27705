"""Puts right what a job left half done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from webui.errors import ConflictError, DemijohnError
from webui.jobs.model import Job, LogLine, UndoStep

if TYPE_CHECKING:
    from webui.engine.connection import Engine, Engines
    from webui.jobs.journal import Journal

UndoHandler = Callable[["Engine", Mapping[str, Any]], None]
"""Undoes one kind of step on the engine the step was done on, given the step's arguments.

It has to be right whether the step was done, half done or never begun, and when it runs twice.
"""

_log = logging.getLogger(__name__)


class Undoer:
    """Runs the undo steps of a job, the last recorded first."""

    def __init__(self, journal: Journal, engines: Engines, handlers: Mapping[str, UndoHandler]) -> None:
        self._journal = journal
        self._engines = engines
        self._handlers = handlers

    def undo(self, job: Job) -> str:
        """Undo what is left of a job. Returns why that did not work, in a sentence, or an empty string.

        It ends at the first step that can't be undone, because the earlier ones may rely on it: a copy must
        not be removed while the original is not back. That step and the earlier ones are kept for the next
        attempt.
        """
        for step in self._journal.steps(job.id):
            problem = self._undo_step(job, step)
            if problem:
                self._journal.fail_step(step, problem)
                self._note(job, f"Could not undo “{step.name}”: {problem}")
                return f"Not everything could be put back: {problem} It is tried again at the next start."
            self._journal.drop_step(step)
            self._note(job, f"Undone: {step.name}{_spelled(step.arguments)}")
        return ""

    def _undo_step(self, job: Job, step: UndoStep) -> str:
        handler = self._handlers.get(step.name)
        if handler is None:
            return f"this Demijohn does not know how to undo “{step.name}”."
        try:
            handler(self._engine(job, step), step.arguments)
        except DemijohnError as error:
            return error.message
        except Exception:  # noqa: BLE001 - a mistake in one handler must not lose the record of what it should undo
            _log.exception("Undoing %s of job %s failed", step.name, job.id)
            return "of a mistake in Demijohn itself; its log says more."
        return ""

    def _engine(self, job: Job, step: UndoStep) -> Engine:
        engine = self._engines.get(job.engine)
        if engine.identity() != step.engine_identity:
            raise ConflictError(f"the engine called {job.engine} is another one now.")
        return engine

    def _note(self, job: Job, text: str) -> None:
        self._journal.write_log(job.id, LogLine(datetime.now(UTC), text))


def _spelled(arguments: Mapping[str, Any]) -> str:
    return f" ({', '.join(f'{key} {value}' for key, value in arguments.items())})" if arguments else ""
