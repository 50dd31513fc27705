"""How the Engine API writes times, variables and names: https://docs.docker.com/reference/api/engine/. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def parse_time(text: str | int | None) -> datetime | None:
    """A time in RFC 3339 with up to nine decimals, or in epoch seconds; aware. None for the engine's zero time."""
    if not text:
        return None
    if isinstance(text, int):
        return datetime.fromtimestamp(text, UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.year <= 1 else moment


def parse_variable(line: str) -> tuple[str, str]:
    """Name and value of an environment variable written `NAME=value`."""
    name, _, value = line.partition("=")
    return name, value


def listed_name(container: Mapping[str, Any]) -> str:
    """The name of a container in `GET /containers/json`, or its short id while it has none."""
    names = container.get("Names") or [container["Id"][:12]]
    return str(names[0]).removeprefix("/")
