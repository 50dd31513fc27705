"""Tells of changes of jobs: everyone who subscribed a few times a second, the journal every other second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Condition, Thread

from webui.jobs.model import Job, JobId

TELL_SECONDS = 0.25
SAVE_SECONDS = 2.0
_log = logging.getLogger(__name__)

Subscriber = Callable[[Job], None]


class Announcer:
    """One thread that tells of the newest state of each changed job; it sleeps while nothing changes.

    Work never waits for a subscriber, and what changes faster than it is told is told once.
    """

    def __init__(self, save: Callable[[Job], None]) -> None:
        self._save = save
        self._subscribers: list[Subscriber] = []
        self._changed: dict[JobId, Job] = {}
        self._saved_at: dict[JobId, float] = {}
        self._at_once = False
        self._closing = False
        self._news = Condition()
        self._thread = Thread(target=self._run, name="jobs-announcer", daemon=True)
        self._thread.start()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have `subscriber` called with each changed job, in this object's thread. Returns what ends that."""
        with self._news:
            self._subscribers = [*self._subscribers, subscriber]

        def unsubscribe() -> None:
            with self._news:
                self._subscribers = [known for known in self._subscribers if known is not subscriber]

        return unsubscribe

    def announce(self, job: Job, *, at_once: bool = False) -> None:
        """Tell of this state of the job, unless a newer one comes first."""
        with self._news:
            self._changed[job.id] = job
            self._at_once = self._at_once or at_once
            self._news.notify()

    def close(self) -> None:
        """Tell what is left to tell, then stop."""
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join()

    def _run(self) -> None:
        while changed := self._next():
            for job in changed:
                self._tell(job)
                self._keep(job)

    def _next(self) -> list[Job]:
        with self._news:
            self._news.wait_for(lambda: self._changed or self._closing)
            self._news.wait_for(lambda: self._at_once or self._closing, timeout=TELL_SECONDS)
            changed = list(self._changed.values())
            self._changed.clear()
            self._at_once = False
            return changed

    def _tell(self, job: Job) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(job)
            except Exception:  # noqa: BLE001 - the other subscribers have nothing to do with it
                _log.exception("Telling of job %s failed", job.id)

    def _keep(self, job: Job) -> None:
        if job.state.over:
            self._saved_at.pop(job.id, None)
            return
        now = time.monotonic()
        if now - self._saved_at.setdefault(job.id, now) < SAVE_SECONDS:
            return
        self._saved_at[job.id] = now
        try:
            self._save(job)
        except Exception:  # noqa: BLE001 - progress that can't be kept must not end the telling
            _log.exception("Keeping the progress of job %s failed", job.id)
