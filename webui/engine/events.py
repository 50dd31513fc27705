"""What changes on an engine, as it happens: one reader per engine, fanned out to everyone who asked.

Follows https://docs.docker.com/reference/cli/docker/system/events/. The reader sleeps in the engine's stream, so it
costs nothing while nothing happens; with nobody listening and no engine to reach it ends, and starts again when asked.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from webui.engine.connection import Engine
from webui.engine.errors import translated
from webui.engine.helper import is_own_event
from webui.engine.model import EngineEvent
from webui.errors import DemijohnError

RETRY_SECONDS = 1.5
"""How long after a lost connection the next try comes; pages promise to recover within five seconds."""

_ACTIONS: Mapping[str, frozenset[str]] = {
    "volume": frozenset({"create", "destroy", "prune"}),
    "container": frozenset({"create", "start", "die", "destroy", "rename", "pause", "unpause", "prune", "update"}),
    "image": frozenset({"pull", "tag", "untag", "delete", "import", "load", "prune", "build"}),
    "network": frozenset({"create", "destroy", "remove", "prune"}),
    "plugin": frozenset({"enable", "disable", "install", "remove"}),
}
_QUEUE_LENGTH = 1000
_SETTLING_SECONDS = 0.5
_log = logging.getLogger(__name__)


class _Stream(Protocol):
    def __next__(self) -> Mapping[str, Any]: ...

    def close(self) -> None: ...


class Subscription:
    """A listener's own queue of events; the oldest are dropped when nobody takes them for very long."""

    def __init__(self, leave: Callable[[Subscription], None]) -> None:
        self._events: queue.Queue[EngineEvent] = queue.Queue(_QUEUE_LENGTH)
        self._leave = leave

    def next(self, timeout: float) -> EngineEvent | None:
        """The next event, or None when `timeout` seconds pass without one."""
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            return None

    def put(self, event: EngineEvent) -> None:
        """Append an event."""
        while True:
            try:
                self._events.put_nowait(event)
            except queue.Full:
                self._drop_oldest()
            else:
                return

    def close(self) -> None:
        """Stop listening."""
        self._leave(self)

    def _drop_oldest(self) -> None:
        try:
            self._events.get_nowait()
        except queue.Empty:
            return


class EventFeed:
    """The events of one engine. `connected` says whether changes would be noticed now."""

    def __init__(
        self,
        engine: Engine,
        on_found: Callable[[], None] = lambda: None,
        on_event: Callable[[EngineEvent], None] = lambda _: None,
    ) -> None:
        """`on_found` is called each time the engine was reached, `on_event` with each event; neither may take long."""
        self._engine = engine
        self._on_found = on_found
        self._on_event = on_event
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._subscriptions: set[Subscription] = set()
        self._changes: Counter[str] = Counter()
        self._connected_at: float | None = None
        self._trouble = ""
        self._thread: threading.Thread | None = None
        self._stream: _Stream | None = None
        self._closed = False

    @property
    def connected(self) -> bool:
        """Whether the reader is attached to the engine."""
        return self._connected_at is not None

    @property
    def trouble(self) -> str:
        """Why it is not, in words; empty while it is."""
        return self._trouble

    def subscribe(self) -> Subscription:
        """Start listening. Close the subscription when done."""
        subscription = Subscription(self._unsubscribe)
        with self._lock:
            self._subscriptions.add(subscription)
        self.ensure_running()
        return subscription

    def ensure_running(self) -> None:
        """Start the reader if it isn't there."""
        with self._lock:
            if self._closed or (self._thread and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name=f"events-{self._engine.name}", daemon=True)
            self._thread.start()

    def stamp(self, *nouns: str) -> tuple[float, ...] | None:
        """A value that stays equal as long as nothing happened to these nouns; None while that can't be known.

        Take it before asking the engine, and compare later: an equal stamp means the answer still holds.
        """
        connected_at = self._connected_at
        if connected_at is None or time.monotonic() - connected_at < _SETTLING_SECONDS:
            return None
        return (connected_at, *(self._changes[noun] for noun in nouns))

    def announce(self, noun: str, action: str, subject: str = "") -> None:
        """Tell the listeners of something that the app itself did or learned."""
        self._publish(EngineEvent(noun, action, subject, datetime.now(UTC)))

    def close(self) -> None:
        """End the reader and wait for it a moment."""
        with self._lock:
            self._closed = True
            stream, thread = self._stream, self._thread
        self._wake.set()
        if stream:
            stream.close()
        if thread:
            thread.join(timeout=2)

    def _run(self) -> None:
        while not self._closed:
            self._trouble = self._read_until_lost()
            if self._lost() and not self._closed:
                _log.warning("engine %s: lost: %s", self._engine.name, self._trouble)
                self.announce("engine", "lost", self._trouble)
            with self._lock:
                if self._closed or not self._subscriptions:
                    self._thread = None
                    return
            self._wake.wait(RETRY_SECONDS)

    def _read_until_lost(self) -> str:
        """Publish what happens until the connection ends, and say why it did."""
        try:
            with translated("the engine's events"):
                self._read()
        except DemijohnError as error:
            return error.message
        except Exception:  # noqa: BLE001 - the reader tries again; the traceback is in the log
            _log.exception("engine %s: its events could not be read", self._engine.name)
            return "What the engine tells of its changes could not be read."
        # A clean end is a lost connection too: a dying engine ends the stream without an error.
        return "The engine closed the connection."

    def _read(self) -> None:
        stream = self._engine.api.events(decode=True)
        with self._lock:
            self._stream = stream
        self._found()
        for message in stream:
            event = _event(message)
            if event:
                self._engine.changed()
                self._publish(event)

    def _found(self) -> None:
        self._trouble = ""
        self._connected_at = time.monotonic()
        _log.info("engine %s: connected", self._engine.name)
        self.announce("engine", "found")
        self._on_found()

    def _lost(self) -> bool:
        was_connected, self._connected_at = self._connected_at is not None, None
        if was_connected:
            # Another engine may answer at the same address next time.
            self._engine.forget()
        with self._lock:
            self._stream = None
        return was_connected

    def _publish(self, event: EngineEvent) -> None:
        self._on_event(event)
        with self._lock:
            self._changes[event.noun] += 1
            listeners = tuple(self._subscriptions)
        for listener in listeners:
            listener.put(event)

    def _unsubscribe(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions.discard(subscription)


def _event(message: Mapping[str, Any]) -> EngineEvent | None:
    """The event as the app knows it, or None for what no page shows and for what Demijohn's own helpers cause."""
    noun = message.get("Type", "")
    action = str(message.get("Action", "")).partition(":")[0]
    actor = message.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    if action not in _ACTIONS.get(noun, ()) or is_own_event(attributes):
        return None
    at = datetime.fromtimestamp(message.get("time") or 0, UTC)
    return EngineEvent(noun, action, attributes.get("name") or actor.get("ID", ""), at)
