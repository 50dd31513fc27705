"""What volumes were measured to take: the newest measurement of each, kept in the app's records."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING

from webui.engine.file_model import Place
from webui.engine.model import Volume, VolumeSize
from webui.engine.recorded_sizes import RecordedSize, volume_mark
from webui.engine.usage import FolderUsage, TreeUsage
from webui.errors import NotFoundError
from webui.paths import TOP, VolumePath
from webui.store import Store, StoreError

if TYPE_CHECKING:
    from webui.jobs.usage_table import UsageTable

_NOTHING: Mapping[str, RecordedSize] = MappingProxyType({})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Level:
    """What a folder takes: itself with its files (`own`), each folder in it that was kept, the largest first, and
    all others together (`smaller`). Amounts are bytes; `files` are all below it."""

    path: VolumePath
    bytes: int
    files: int
    own: int
    folders: tuple[FolderUsage, ...]

    @property
    def rest(self) -> int:
        """What lies in none of the `folders`."""
        return self.bytes - sum(folder.bytes for folder in self.folders)

    @property
    def smaller(self) -> int:
        """What lies in folders that were not kept."""
        return self.rest - self.own


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """A measurement: what it found, when it ended (aware, UTC), and how long it took."""

    usage: TreeUsage
    measured_at: datetime
    seconds: float

    def level(self, path: VolumePath = TOP) -> Level:
        """One folder with those in it. Raises NotFoundError where it was not kept, or never was."""
        inside = b"" if path.is_top else path.raw + b"/"
        itself, folders = None, []
        for folder in self.usage.folders:
            if folder.path == path.raw:
                itself = folder
            elif folder.path.startswith(inside) and b"/" not in folder.path[len(inside) :]:
                folders.append(folder)
        if itself is None:
            raise NotFoundError(
                f"“{path.shown}” is not among the folders this measurement knows.",
                hint="It keeps the largest ones. The folder is smaller, newer than the measurement, or gone.",
            )
        folders.sort(key=lambda folder: (-folder.bytes, folder.path))
        return Level(path, itself.bytes, itself.files, itself.own, tuple(folders))


class UsageRecords:
    """The newest measurement of each place, by engine. Every method may be called from any thread.

    The sizes alone are also held in memory, for lists; they are there once `load` was called.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._sizes: dict[str, Mapping[str, RecordedSize]] = {}
        self._loaded = False

    def load(self) -> None:
        """Read the sizes that earlier runs wrote down. Raises StoreError."""
        with self._lock:
            if not self._loaded:
                written = self._table.sizes()
                for engine_identity, sizes in written.items():
                    self._sizes[engine_identity] = {**sizes, **self._sizes.get(engine_identity, _NOTHING)}
                self._loaded = True

    def sizes(self, engine_identity: str) -> Mapping[str, RecordedSize]:
        """The measured volumes of an engine by name: the very same mapping as long as nothing changes. No I/O."""
        return self._sizes.get(engine_identity, _NOTHING)

    def save(
        self, engine_identity: str, place: Place, volume: Volume | None, usage: TreeUsage, seconds: float
    ) -> UsageRecord:
        """Write down what was just measured, instead of what was known of the place. Raises StoreError.

        `volume` is the one that was measured, None for a host's folder.
        """
        record = UsageRecord(usage, datetime.now(UTC), seconds)
        size = _recorded_size(record, volume)
        with self._lock:
            self._table.save(engine_identity, place, size, record)
            if volume:
                known = self._sizes.get(engine_identity, _NOTHING)
                self._sizes[engine_identity] = {**known, volume.name: size}
        return record

    def find(
        self, engine_identity: str, place: Place, volume: Volume | None, watched_since: datetime | None
    ) -> UsageRecord | None:
        """The newest measurement of the place, if it is known to be of this very volume; see `RecordedSize.is_of`.

        Raises StoreError.
        """
        found = self._table.find(engine_identity, place)
        if found is None:
            return None
        size, record = found
        return record if volume is None or size.is_of(volume, watched_since) else None

    def forget(self, engine_identity: str, volume: str) -> None:
        """The volume was deleted: what is written down is not of a later one of its name."""
        with self._lock:
            known = self._sizes.get(engine_identity, _NOTHING)
            if self._loaded and volume not in known:
                return
            self._sizes[engine_identity] = {name: size for name, size in known.items() if name != volume}
            try:
                self._table.delete(engine_identity, Place.volume(volume))
            except StoreError:
                _log.exception("what volume %s took could not be forgotten", volume)

    @cached_property
    def _table(self) -> UsageTable:
        from webui.jobs.usage_table import UsageTable  # noqa: PLC0415 - needs the database toolkit, the first page does not

        return UsageTable(self._store)


def _recorded_size(record: UsageRecord, volume: Volume | None) -> RecordedSize:
    size = VolumeSize(record.usage.bytes, record.measured_at)
    return RecordedSize(size, volume_mark(volume), volume.created) if volume else RecordedSize(size, "", None)
