"""All that lives as long as the app does, in one place: settings, engines and what is known of them, records, jobs."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass, field

from webui.engine.catalogue import Catalogue, Catalogues
from webui.engine.connection import Engines
from webui.engine.helper_image import helper_image
from webui.engine.inside import Inside
from webui.errors import DemijohnError
from webui.jobs import Job, Runner
from webui.jobs.usage_records import UsageRecords
from webui.settings import Settings
from webui.store import Store, StoreError
from webui.streams import OpenStreams

MOST_EVENT_STREAMS = 80
MOST_LOGS = 16
"""Open event streams and logs at a time; each holds a thread of the server, and other requests need theirs."""
MOST_DOWNLOADS = 12
MOST_UPLOADS = 10
"""Files and archives on their way at a time, which hold a thread each as well."""
_FIRST_PAGE_SECONDS = 1.0
"""How long what can wait lets the first page go before."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class House:
    """What requests share. `stopping` is set when the app ends, so that open streams end too."""

    settings: Settings
    engines: Engines
    store: Store
    runner: Runner
    catalogues: Catalogues = field(init=False)
    usage: UsageRecords = field(init=False)
    stopping: threading.Event = field(default_factory=threading.Event)
    event_streams: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_EVENT_STREAMS)
    )
    _insides: dict[str, Inside] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    downloads: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST_DOWNLOADS))
    uploads: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST_UPLOADS))
    logs: OpenStreams = field(default_factory=lambda: OpenStreams(MOST_LOGS))

    def __post_init__(self) -> None:
        self.usage = UsageRecords(self.store)
        self.catalogues = Catalogues(self.recover_soon, self.usage)
        self.runner.subscribe(self._announce_job)

    def catalogue(self, engine: str) -> Catalogue:
        """What is known of the engine of that name. Raises NotFoundError."""
        return self.catalogues.of(self.engines.get(engine))

    def inside(self, engine: str) -> Inside:
        """The helpers that look inside the volumes of the engine of that name. Raises NotFoundError."""
        found = self.engines.get(engine)
        with self._lock:
            if engine not in self._insides:
                self._insides[engine] = Inside(found, lambda: helper_image(found, self.settings.helper_image))
            return self._insides[engine]

    def recover_soon(self) -> None:
        """Put right in the background what an earlier run left half done: at the start, and when an engine is back."""
        threading.Thread(target=self._recover, name="recovery", daemon=True).start()

    def close(self) -> None:
        """Stop jobs, readers and engines; nothing of the app's is left running."""
        self.stopping.set()
        self.logs.close()
        self.runner.close()
        for inside in list(self._insides.values()):
            inside.close()
        self.catalogues.close()
        self.engines.close()
        self.store.close()

    def _recover(self) -> None:
        if self.stopping.wait(_FIRST_PAGE_SECONDS):
            return
        try:
            self.runner.recover()
            self.usage.load()
        except StoreError:
            _log.exception("what an earlier run left half done could not be put right")
        for name in {self.engines.default, *(each.engine.name for each in self.catalogues.opened())}:
            try:
                self.inside(name).sweep()
            except DemijohnError as error:
                # An engine that is away is tried again when it is back.
                _log.info("what an earlier run may have left on engine %s was not looked for: %s", name, error)
        self._announce_recorded_sizes()

    def _announce_recorded_sizes(self) -> None:
        """They are known by the engine's identity, for which it has to be asked once."""
        for catalogue in self.catalogues.opened():
            with suppress(DemijohnError):  # its pages say what is wrong with it
                if self.usage.sizes(catalogue.engine.facts().identity):
                    catalogue.feed.announce("size", "recorded")

    def _announce_job(self, job: Job) -> None:
        for catalogue in self.catalogues.opened():
            catalogue.feed.announce("job", job.state, job.id)
