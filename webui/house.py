"""All that lives as long as the app does, in one place: settings, engines and what is known of them, records, jobs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from webui.engine.catalogue import Catalogue, Catalogues
from webui.engine.connection import Engines
from webui.jobs import Job, Runner
from webui.settings import Settings
from webui.store import Store

MOST_EVENT_STREAMS = 96
"""Open event streams at a time; each holds a thread of the server, and other requests need theirs."""


@dataclass(slots=True)
class House:
    """What requests share. `stopping` is set when the app ends, so that open streams end too."""

    settings: Settings
    engines: Engines
    store: Store
    runner: Runner
    catalogues: Catalogues = field(default_factory=Catalogues)
    stopping: threading.Event = field(default_factory=threading.Event)
    event_streams: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(MOST_EVENT_STREAMS)
    )

    def __post_init__(self) -> None:
        self.runner.subscribe(self._announce_job)

    def catalogue(self, engine: str) -> Catalogue:
        """What is known of the engine of that name. Raises NotFoundError."""
        return self.catalogues.of(self.engines.get(engine))

    def close(self) -> None:
        """Stop jobs, readers and engines; nothing of the app's is left running."""
        self.stopping.set()
        self.runner.close()
        self.catalogues.close()
        self.engines.close()
        self.store.close()

    def _announce_job(self, job: Job) -> None:
        for catalogue in self.catalogues.opened():
            catalogue.feed.announce("job", job.state, job.id)
