"""Answers that stay open, a bounded number of them."""

from __future__ import annotations

import threading
from collections.abc import Callable


class OpenStreams:
    """At most `most` streams: a new one ends the oldest, as nobody can tell whether that is still being read."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._endings: dict[object, Callable[[], None]] = {}

    def add(self, end: Callable[[], None]) -> Callable[[], None]:
        """Count a stream in; `end` ends it from another thread. Returns what counts it out again."""
        stream = object()
        with self._lock:
            self._endings[stream] = end
            oldest = next(iter(self._endings.values())) if len(self._endings) > self._most else None
        if oldest:
            oldest()

        def leave() -> None:
            with self._lock:
                self._endings.pop(stream, None)

        return leave

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            endings = tuple(self._endings.values())
        for end in endings:
            end()
