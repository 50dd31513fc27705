"""All that lives as long as the app does, in one place: settings, engines and what is known of them, records, jobs."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from webui.engine.catalogue import Catalogue, Catalogues
from webui.engine.connection import Engines
from webui.jobs import Job, Runner
from webui.settings import Settings
from webui.store import Store, StoreError
from webui.streams import OpenStreams

MOST_EVENT_STREAMS = 80
MOST_LOGS = 16
"""Open event streams and logs at a time; each holds a thread of the server, and other requests need theirs."""
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
    stopping: threading.Event = field(default_factory=threading.Event)
    event_streams: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_EVENT_STREAMS)
    )
    logs: OpenStreams = field(default_factory=lambda: OpenStreams(MOST_LOGS))

    def __post_init__(self) -> None:
        self.catalogues = Catalogues(self.recover_soon)
        self.runner.subscribe(self._announce_job)

    def catalogue(self, engine: str) -> Catalogue:
        """What is known of the engine of that name. Raises NotFoundError."""
        return self.catalogues.of(self.engines.get(engine))

    def recover_soon(self) -> None:
        """Put right in the background what an earlier run left half done: at the start, and when an engine is back."""
        threading.Thread(target=self._recover, name="recovery", daemon=True).start()

    def close(self) -> None:
        """Stop jobs, readers and engines; nothing of the app's is left running."""
        self.stopping.set()
        self.logs.close()
        self.runner.close()
        self.catalogues.close()
        self.engines.close()
        self.store.close()

    def _recover(self) -> None:
        if self.stopping.wait(_FIRST_PAGE_SECONDS):
            return
        try:
            self.runner.recover()
        except StoreError:
            _log.exception("what an earlier run left half done could not be put right")

    def _announce_job(self, job: Job) -> None:
        for catalogue in self.catalogues.opened():
            catalogue.feed.announce("job", job.state, job.id)
