"""Sizes that Demijohn measured itself and wrote down: of which volume they are, and whether it still is that one.

A volume has nothing that tells it from a later one of the same name. The engine moves even the time of its creation when
it is written to; only who watches the engine without a gap knows that it was never deleted in between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from webui.engine.model import Volume, VolumeSize


@dataclass(frozen=True, slots=True)
class RecordedSize:
    """A size, and what was known of its volume when it was measured: its mark and the time of its creation."""

    size: VolumeSize
    mark: str
    created: datetime | None

    def is_of(self, volume: Volume, watched_since: datetime | None) -> bool:
        """Whether it is this volume's. `watched_since` is since when every deletion on the engine was noticed."""
        if self.mark != volume_mark(volume):
            return False
        if watched_since is not None and watched_since <= self.size.measured_at:
            return True
        return self.created == volume.created and (self.created is None or self._was_seen_to_age(self.created))

    def _was_seen_to_age(self, created: datetime) -> bool:
        """Engines tell the time of creation in seconds: within the same one there may have been two volumes."""
        return self.size.measured_at - created >= timedelta(seconds=1)


class Recorded(Protocol):
    """Where sizes are written down, by engine and volume."""

    def sizes(self, engine_identity: str) -> Mapping[str, RecordedSize]:
        """Those of an engine by the volume's name: the very same mapping as long as nothing changes. No I/O."""
        ...

    def forget(self, engine_identity: str, volume: str) -> None:
        """The volume was deleted. Raises nothing."""
        ...


def volume_mark(volume: Volume) -> str:
    """A digest of what never changes about a volume; options may be secrets."""
    # Where a plugin mounts a volume is for as long as it is mounted.
    mountpoint = volume.mountpoint if volume.driver == "local" else ""
    told = [volume.driver, mountpoint, sorted(volume.options.items()), sorted(volume.labels.items())]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
