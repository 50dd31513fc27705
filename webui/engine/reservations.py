"""Names and ports that are being given to something new, so that two who ask for the same don't both get it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Reservations:
    """What is reserved on one engine. The engine itself doesn't tell a new thing from one that was there already."""

    def __init__(self) -> None:
        self._freed = threading.Condition()
        self._reserved: set[str] = set()

    @contextmanager
    def of(self, *things: str) -> Iterator[None]:
        """Reserve all of these for the block; waits while somebody else has one of them."""
        wanted = frozenset(things)
        with self._freed:
            self._freed.wait_for(lambda: not wanted & self._reserved)
            self._reserved |= wanted
        try:
            yield
        finally:
            with self._freed:
                self._reserved -= wanted
                self._freed.notify_all()
