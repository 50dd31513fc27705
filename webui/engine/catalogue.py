"""What an engine holds, as pages need it: lists that never block, are fetched once and outlive the engine's absence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Generic, TypeVar

import docker

from webui.engine.connection import Engine
from webui.engine.containers import load_containers
from webui.engine.drivers import Drivers
from webui.engine.events import EventFeed
from webui.engine.images import load_images
from webui.engine.model import Container, EngineEvent, Image, Network, Volume, VolumeSize
from webui.engine.recorded_sizes import Recorded, RecordedSize
from webui.engine.sizes import Measurement, Sizes, with_sizes
from webui.engine.volume_list import VolumeLoader
from webui.errors import DemijohnError, EngineSlowError, StorageSilentError

T = TypeVar("T")

PAGE_WAIT = 2.0
"""Seconds a page waits for the engine before it says that it is still waiting."""
_CULPRIT_WAIT = 0.7
"""Seconds that a driver has to answer when the engine's list is late; the others answer at once."""
_MOST_ASKED = 24
"""Volumes that are asked one by one whether they are what the list waits for."""
_NOTHING: Mapping[str, RecordedSize] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list of things as the engine told it at `taken_at`. `trouble` is why nothing newer could be had, or None."""

    items: tuple[T, ...]
    taken_at: datetime | None
    trouble: DemijohnError | None = None


class Shelf(Generic[T]):
    """One list of an engine: the newest known answer, and whether it still holds."""

    def __init__(
        self,
        engine: Engine,
        feed: EventFeed,
        key: str,
        nouns: tuple[str, ...],
        load: Callable[[docker.APIClient], tuple[T, ...]],
    ) -> None:
        self._engine, self._feed, self._key, self._nouns, self._load = engine, feed, key, nouns, load
        self._lock = threading.Lock()
        self._items: tuple[T, ...] = ()
        self._taken_at: datetime | None = None
        self._stamp: tuple[float, ...] | None = None

    @property
    def last(self) -> tuple[T, ...]:
        """What was known last, whether it still holds or not."""
        with self._lock:
            return self._items

    def fetch(self, wait: float = PAGE_WAIT) -> tuple[T, ...]:
        """The list as the engine has it now, within `wait` seconds. Raises as `Engine.read` does."""
        self._feed.ensure_running()
        stamp = self._feed.stamp(*self._nouns)
        items = self._engine.read(self._key, self._load, wait=wait)
        with self._lock:
            self._items, self._taken_at, self._stamp = items, datetime.now(UTC), stamp
        return items

    def known(self, wait: float = PAGE_WAIT) -> tuple[T, ...]:
        """The list without a call where nothing changed since the last one, else as `fetch`."""
        with self._lock:
            items, stamp = self._items, self._stamp
        if stamp is not None and stamp == self._feed.stamp(*self._nouns):
            return items
        return self.fetch(wait)

    def listing(self, wait: float = PAGE_WAIT, *, fresh: bool = True) -> Listing[T]:
        """The list, or with an engine in trouble the last one known and the trouble."""
        try:
            items = self.fetch(wait) if fresh else self.known(wait)
        except DemijohnError as error:
            with self._lock:
                return Listing(self._items, self._taken_at, error)
        return Listing(items, datetime.now(UTC))


class Catalogue:
    """Everything one engine holds."""

    def __init__(self, engine: Engine, on_found: Callable[[], None], recorded: Recorded | None = None) -> None:
        """`on_found` is called each time the engine was reached; `recorded` are sizes from other sources than it."""
        self.engine = engine
        self.watched_since: datetime | None = None
        self.feed = EventFeed(engine, on_found, self._note)
        self.containers: Shelf[Container] = Shelf(engine, self.feed, "containers", ("container",), load_containers)
        self.images: Shelf[Image] = Shelf(engine, self.feed, "images", ("image", "container"), load_images)
        self.networks: Shelf[Network] = Shelf(engine, self.feed, "networks", ("network",), _load_networks)
        self.drivers = Drivers(engine)
        self._volumes: Shelf[Volume] = Shelf(engine, self.feed, "volumes", ("volume", "container"), VolumeLoader())
        self._sizes = Sizes(engine, self.feed)
        self._recorded = recorded
        self._sized: tuple[tuple[object, ...], tuple[Volume, ...]] = ((), ())

    def volumes(self, wait: float = PAGE_WAIT, *, fresh: bool = True) -> Listing[Volume]:
        """The volumes with what is known of their sizes; see `Shelf.listing`."""
        listing = self._volumes.listing(wait, fresh=fresh)
        trouble = self._named(listing.trouble, listing.items) if listing.trouble else None
        return Listing(self._with_sizes(listing.items), listing.taken_at, trouble)

    def last_known(self, name: str) -> Volume | None:
        """The volume as it was listed last; the engine is not asked."""
        return next((volume for volume in self._volumes.last if volume.name == name), None)

    def sized(self, volume: Volume) -> Volume:
        """The volume with its size where it is known."""
        return with_sizes((volume,), *self._known_sizes())[0]

    @property
    def measurement(self) -> Measurement:
        """What is known of the sizes; nothing is started."""
        return self._sizes.known

    def sizes(self) -> Measurement:
        """What is known of the sizes; starts a measurement where none is known yet or a cheap one has grown old."""
        return self._sizes.refresh()

    def measure(self) -> Measurement:
        """Start to measure all volumes anew, unless that is under way."""
        return self._sizes.start()

    def forget_size(self, volume: str) -> None:
        """The volume was deleted: a later one of its name has another size."""
        self._sizes.forget(volume)
        facts = self.engine.known_facts
        if facts is None:
            self.watched_since = datetime.now(UTC)
        elif self._recorded:
            self._recorded.forget(facts.identity, volume)

    def close(self) -> None:
        """Stop reading events."""
        self.feed.close()

    def _named(self, trouble: DemijohnError, volumes: tuple[Volume, ...]) -> DemijohnError:
        """The trouble with the driver that is the cause of it, where one can be named."""
        if not isinstance(trouble, EngineSlowError):
            return trouble
        drivers = self.drivers.silent(_CULPRIT_WAIT, {volume.driver for volume in volumes})
        mounted = [each.name for each in volumes if each.driver == "local" and each.options]
        silent = () if drivers else self.drivers.silent_volumes(_CULPRIT_WAIT, mounted[:_MOST_ASKED])
        return StorageSilentError(drivers, silent) if drivers or silent else trouble

    def _with_sizes(self, volumes: tuple[Volume, ...]) -> tuple[Volume, ...]:
        """The volumes with their sizes; the very same tuple as long as neither changed."""
        sizes, recorded, watched_since = self._known_sizes()
        basis = (volumes, sizes, recorded, watched_since)
        before, sized = self._sized
        if len(before) != len(basis) or any(one is not other for one, other in zip(before, basis, strict=True)):
            sized = with_sizes(volumes, sizes, recorded, watched_since)
            self._sized = basis, sized
        return sized

    def _known_sizes(self) -> tuple[Mapping[str, VolumeSize], Mapping[str, RecordedSize], datetime | None]:
        facts = self.engine.known_facts
        recorded = self._recorded.sizes(facts.identity) if self._recorded and facts else _NOTHING
        return self._sizes.known.sizes, recorded, self.watched_since

    def _note(self, event: EngineEvent) -> None:
        """Keep in mind what a deletion means for the sizes that are known."""
        if event.noun == "engine":
            self.watched_since = datetime.now(UTC) if event.action == "found" else None
        elif (event.noun, event.action) == ("volume", "prune"):
            self.watched_since = datetime.now(UTC)  # engines don't say what they pruned
        elif (event.noun, event.action) == ("volume", "destroy"):
            self.forget_size(event.subject)


def _load_networks(api: docker.APIClient) -> tuple[Network, ...]:
    return tuple(
        sorted(
            (Network(found["Name"], found.get("Driver") or "") for found in api.networks()),
            key=lambda network: network.name,
        )
    )


class Catalogues:
    """The catalogue of each engine, made when first asked for."""

    def __init__(self, on_found: Callable[[], None] = lambda: None, recorded: Recorded | None = None) -> None:
        """`on_found` is called each time an engine was reached; for `recorded` see Catalogue."""
        self._on_found = on_found
        self._recorded = recorded
        self._lock = threading.Lock()
        self._by_name: dict[str, Catalogue] = {}

    def of(self, engine: Engine) -> Catalogue:
        """The engine's catalogue."""
        with self._lock:
            if engine.name not in self._by_name:
                self._by_name[engine.name] = Catalogue(engine, self._on_found, self._recorded)
            return self._by_name[engine.name]

    def opened(self) -> tuple[Catalogue, ...]:
        """Those that were asked for so far."""
        with self._lock:
            return tuple(self._by_name.values())

    def close(self) -> None:
        """Stop reading events everywhere."""
        for catalogue in self.opened():
            catalogue.close()
