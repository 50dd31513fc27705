"""Engines over HTTP, and what every page shows about the one it is on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

from flask import Blueprint, Response, current_app, g, url_for
from htmx_flask import request

from webui.engine.connection import Engine
from webui.engine.model import EngineAddress, EngineFacts
from webui.errors import DemijohnError
from webui.render import answer
from webui.views._shared import catalogue, house

blueprint = Blueprint("engines", __name__)


class Status(NamedTuple):
    """What the status bar says; nothing of it waits for an engine."""

    connected: bool
    trouble: str
    facts: EngineFacts | None
    running_jobs: int


class Room(NamedTuple):
    """An entry of the sidebar."""

    name: str
    icon: str
    url: str
    current: bool


def default_name() -> str:
    """The name of the engine chosen at the start."""
    return house().engines.default


def shown_name() -> str:
    """The name of the engine the page is about."""
    name: str = g.get("engine_name", default_name())
    return name if name in {address.name for address in house().engines.addresses()} else default_name()


def takes_engine(endpoint: str) -> bool:
    """Whether addresses of this endpoint name an engine."""
    return current_app.url_map.is_endpoint_expecting(endpoint, "engine")


@blueprint.get("/engines")
def index() -> Response:
    """The engines there are, reachable or not and why."""
    addresses, engines = house().engines.addresses(), house().engines
    with ThreadPoolExecutor(len(addresses)) as together:
        reports = list(together.map(lambda address: _report(engines.get(address.name)), addresses))
    return answer(
        "engines/list.html",
        "listing",
        {"engines": [_report_json(address, facts, error) for address, facts, error in reports]},
        reports=reports,
    )


@blueprint.get("/e/<engine>/status")
def status(engine: str) -> Response:
    """The status bar."""
    found = catalogue(engine)
    found.feed.ensure_running()
    with suppress(DemijohnError):  # the feed says what is wrong, and goes on trying
        found.engine.facts()
    said = _status()
    return answer(
        "engines/status.html",
        "statusbar",
        {"engine": engine, "connected": said.connected, "error": said.trouble, "running_jobs": said.running_jobs},
    )


@blueprint.app_context_processor
def about_the_engine() -> dict[str, Any]:
    """What the layout shows on every page."""
    name = shown_name()
    return {
        "engine_name": name,
        "address": house().engines.get(name).address,
        "status": _status(),
        "rooms": _rooms(name),
        "volumes_url": url_for("volumes.index", engine=name),
        "containers_url": url_for("containers.index", engine=name),
    }


def _status() -> Status:
    found = house().catalogue(shown_name())
    return Status(found.feed.connected, found.feed.trouble, found.engine.known_facts, len(house().runner.unfinished()))


def _rooms(engine: str) -> list[Room]:
    rooms = (
        ("Volumes", "database", "volumes"),
        ("Containers", "box", "containers"),
        ("Images", "photo", "images"),
        ("Jobs", "list-check", "jobs"),
        ("Engines", "server", "engines"),
        ("Drivers", "plug", "plugins"),
        ("Explain a mount", "link", "mounts"),
        ("Help", "help", "help"),
    )
    return [Room(name, icon, _room_url(noun, engine), request.blueprint == noun) for name, icon, noun in rooms]


def _room_url(noun: str, engine: str) -> str:
    endpoint = f"{noun}.index"
    return url_for(endpoint, engine=engine) if takes_engine(endpoint) else url_for(endpoint)


def _report(engine: Engine) -> tuple[EngineAddress, EngineFacts | None, DemijohnError | None]:
    try:
        return engine.address, engine.facts(), None
    except DemijohnError as error:
        return engine.address, None, error


def _report_json(address: EngineAddress, facts: EngineFacts | None, error: DemijohnError | None) -> dict[str, Any]:
    return {
        "name": address.name,
        "url": address.url,
        "source": address.source,
        "description": address.description,
        "private": address.private,
        "reachable": facts is not None,
        "id": facts.identity if facts else None,
        "product": facts.product if facts else None,
        "version": facts.version if facts else None,
        "hostname": facts.hostname if facts else None,
        "local": facts.local if facts else None,
        "drivers": list(facts.volume_drivers) if facts else [],
        "error": error.message if error else "",
        "hint": error.hint if error else "",
    }
