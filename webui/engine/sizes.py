"""How big the volumes are, by the engine's own accounting: asked for in the background, as it may take minutes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from webui.engine.connection import Engine
from webui.engine.errors import translated
from webui.engine.events import EventFeed
from webui.engine.model import Volume, VolumeSize
from webui.engine.recorded_sizes import RecordedSize
from webui.errors import DemijohnError

_OLD_SECONDS = 900
_CHEAP_SECONDS = 5
"""A measurement that took no longer is made again by itself once it is old."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Sizes by volume name; `running` while a new measurement is under way, `trouble` why the last one failed."""

    sizes: Mapping[str, VolumeSize]
    running: bool
    measured_at: datetime | None
    trouble: str


class Sizes:
    """The engine's own accounting, asked for in the background and announced as a change of "size"."""

    def __init__(self, engine: Engine, feed: EventFeed) -> None:
        self._engine, self._feed = engine, feed
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._tried = False
        self.known = Measurement({}, running=False, measured_at=None, trouble="")

    def refresh(self) -> Measurement:
        """What is known; starts a measurement where none is known yet or a cheap one has grown old."""
        known = self.known
        age = (datetime.now(UTC) - known.measured_at).total_seconds() if known.measured_at else None
        old_and_cheap = age is not None and age > _OLD_SECONDS and self._seconds < _CHEAP_SECONDS
        return self.start() if not self._tried or old_and_cheap else known

    def start(self) -> Measurement:
        """Start to measure all volumes anew, unless that is under way."""
        with self._lock:
            if self.known.running:
                return self.known
            self._tried = True
            self.known = replace(self.known, running=True, trouble="")
        threading.Thread(target=self._measure, name=f"sizes-{self._engine.name}", daemon=True).start()
        return self.known

    def forget(self, name: str) -> None:
        """The volume was deleted: what is known of its size is not that of another one of its name."""
        with self._lock:
            if name in self.known.sizes:
                left = {other: size for other, size in self.known.sizes.items() if other != name}
                self.known = replace(self.known, sizes=left)

    def _measure(self) -> None:
        began = time.monotonic()
        try:
            with translated("the sizes of the volumes"):
                sizes = measure_volumes(self._engine.api)
        except DemijohnError as error:
            _log.warning("engine %s: sizes could not be measured: %s", self._engine.name, error.message)
            self.known = replace(self.known, running=False, trouble=error.message)
        except Exception:  # noqa: BLE001 - the next one may work; the traceback is in the log
            _log.exception("engine %s: sizes could not be measured", self._engine.name)
            trouble = "What the engine tells of the sizes could not be read."
            self.known = replace(self.known, running=False, trouble=trouble)
        else:
            self._seconds = time.monotonic() - began
            self.known = Measurement(sizes, running=False, measured_at=datetime.now(UTC), trouble="")
        self._feed.announce("size", "measured")


def measure_volumes(api: Any) -> Mapping[str, VolumeSize]:
    """Sizes the engine itself can tell, by volume name; a volume it can't measure is left out.

    The engine walks through every file of every volume for this: it can take minutes. It leaves out local volumes with
    mount options and most other drivers. Raises docker's own errors: call it in the background.
    """
    # docker-py's df() can't ask for volumes alone (API 1.42), nor for details (API 1.52).
    url = api._url("/system/df")
    response = api._get(url, params={"type": "volume", "verbose": "1"}, timeout=None)
    report = api._result(response, True)
    volumes = report.get("Volumes") or (report.get("VolumeUsage") or {}).get("Items") or []
    now = datetime.now(UTC)
    return {
        volume["Name"]: VolumeSize(bytes=size, measured_at=now)
        for volume in volumes
        if (size := (volume.get("UsageData") or {}).get("Size", -1)) >= 0
    }


def with_sizes(
    volumes: Iterable[Volume],
    sizes: Mapping[str, VolumeSize],
    recorded: Mapping[str, RecordedSize] = MappingProxyType({}),
    watched_since: datetime | None = None,
) -> tuple[Volume, ...]:
    """The same volumes, each with the newest size that is known: the engine's own, or the one that was written down.

    For `watched_since` see `RecordedSize.is_of`.
    """
    everything = tuple(volumes)
    known = dict(sizes)
    for volume in everything if recorded else ():
        written = recorded.get(volume.name)
        if written and _is_newer(written.size, sizes.get(volume.name)) and written.is_of(volume, watched_since):
            known[volume.name] = written.size
    if not known:
        return everything
    return tuple(replace(volume, size=known[volume.name]) if volume.name in known else volume for volume in everything)


def _is_newer(size: VolumeSize, other: VolumeSize | None) -> bool:
    return other is None or size.measured_at > other.measured_at
