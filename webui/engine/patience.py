"""How long one answer may wait for an engine, however many things it asks."""

from __future__ import annotations

import time

_LEAST_SECONDS = 0.05


class Patience:
    """A time that is shared by all the questions of one answer; each is given at least a moment."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that the next question may take."""
        return max(_LEAST_SECONDS, self._until - time.monotonic())
