"""What changed on an engine, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from flask import Blueprint, Response
from werkzeug.wsgi import ClosingIterator

from webui.engine.catalogue import Catalogue
from webui.engine.events import Subscription
from webui.errors import BusyError
from webui.house import House
from webui.views._shared import catalogue, house

blueprint = Blueprint("events", __name__)

HEARTBEAT_SECONDS = 15.0
"""After so long without an event a comment is sent, so that a browser that went away is noticed."""

_SLICE_SECONDS = 1.0


@blueprint.get("/e/<engine>/events")
def stream(engine: str) -> Response:
    """Events named by their noun: volume, container, image, network, plugin, engine, job, size; `hello` comes first."""
    found, home = catalogue(engine), house()
    if not home.event_streams.acquire(blocking=False):
        raise BusyError("Too many pages listen for changes already.", hint="Close some of them; this one still works.")
    subscription = found.feed.subscribe()

    def leave() -> None:
        subscription.close()
        with suppress(ValueError):
            home.event_streams.release()

    response = Response(ClosingIterator(_messages(home, found, subscription), leave), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _messages(home: House, found: Catalogue, subscription: Subscription) -> Iterator[bytes]:
    yield _message("hello", "connected" if found.feed.connected else "waiting", found.feed.trouble)
    quiet = 0.0
    while not home.stopping.is_set():
        event = subscription.next(_SLICE_SECONDS)
        if event:
            quiet = 0.0
            yield _message(event.noun, event.action, event.subject)
            continue
        quiet += _SLICE_SECONDS
        if quiet >= HEARTBEAT_SECONDS:
            quiet = 0.0
            yield b": still here\n\n"


def _message(noun: str, action: str, subject: str) -> bytes:
    data = json.dumps({"noun": noun, "action": action, "subject": subject})
    return f"event: {noun}\ndata: {data}\n\n".encode()
