"""One call at a time per question, and callers that never wait longer than they said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from webui.errors import EngineSlowError

T = TypeVar("T")
Flights = dict[Hashable, "_Flight"]
_KEPT_SECONDS = 30.0
_SLOW_HINT = (
    "It goes on in the background and is shown when it arrives. When this stays, the usual cause is a volume "
    "plugin that hangs, or a file server that is away while one of its volumes is mounted."
)


class SingleFlight:
    """Runs calls in background threads; callers with the same key share one that is still running.

    An answer goes to those who waited for it; where nobody did, to the next who asks, once, while fresh.
    """

    def __init__(self, name: str, *, most: int = 32) -> None:
        self._name = name
        self._most = most
        self._lock = threading.Lock()
        self._flights: Flights = {}
        self._running = 0
        self._generation = 0

    def run(self, key: Hashable, call: Callable[[], T], *, wait: float) -> T:
        """What `call` returns or raises, within `wait` seconds.

        Raises:
            EngineSlowError: it takes longer, or too many calls are on their way already.
        """
        with self._lock:
            flight = self._joinable(key) or self._start(key, call)
            flight.waiting += 1
        flight.done.wait(wait)
        with self._lock:
            flight.waiting -= 1
            if not flight.done.is_set():
                raise EngineSlowError(f"The engine has not answered within {wait:g} s.", hint=_SLOW_HINT)
            self._leave(key, flight)
        return flight.outcome()  # type: ignore[no-any-return]

    def renew(self) -> None:
        """What is on its way may be out of date: from now on nobody joins a call that began before."""
        with self._lock:
            self._generation += 1

    def _joinable(self, key: Hashable) -> _Flight | None:
        oldest = time.monotonic() - _KEPT_SECONDS
        for known, flight in list(self._flights.items()):
            if flight.done.is_set() and flight.finished_at < oldest:
                del self._flights[known]
        joinable = self._flights.get(key)
        return joinable if joinable and joinable.generation == self._generation else None

    def _start(self, key: Hashable, call: Callable[[], Any]) -> _Flight:
        if self._running >= self._most:
            raise EngineSlowError("The engine has not answered many earlier questions.", hint=_SLOW_HINT)
        flight = _Flight(call, self._generation)
        thread = threading.Thread(target=self._fly, args=(key, flight), name=f"{self._name}: {key}", daemon=True)
        thread.start()
        self._running += 1
        self._flights[key] = flight
        return flight

    def _fly(self, key: Hashable, flight: _Flight) -> None:
        flight.fly()
        with self._lock:
            self._running -= 1
            flight.finished_at = time.monotonic()
            flight.done.set()
            if flight.waiting:
                self._leave(key, flight)

    def _leave(self, key: Hashable, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


class _Flight:
    def __init__(self, call: Callable[[], Any], generation: int) -> None:
        self._call = call
        self._result: Any = None
        self._error: BaseException | None = None
        self.generation = generation
        self.waiting = 0
        self.finished_at = 0.0
        self.done = threading.Event()

    def fly(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001  raised again in every thread that waits
            self._error = error

    def outcome(self) -> Any:
        if self._error is not None:
            raise self._error.with_traceback(None)
        return self._result
