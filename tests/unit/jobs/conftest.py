"""A store and a runner of the test's own. The engine is a stand-in: these tests are about jobs, not about Docker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from webui.errors import EngineUnreachableError
from webui.jobs.runner import Runner
from webui.store import Store


@dataclass
class StandInEngine:
    """An engine that only knows who it is, and whether it answers; `undone` is what handlers did to it."""

    who: str = "the first engine"
    reachable: bool = True
    undone: list[dict[str, Any]] = field(default_factory=list)

    def identity(self) -> str:
        if not self.reachable:
            raise EngineUnreachableError("Nobody answers.")
        return self.who

    def get(self, _name: str) -> StandInEngine:
        return self


def put_away(engine: StandInEngine, arguments: Mapping[str, Any]) -> None:
    """The undo handler of these tests."""
    engine.undone.append(dict(arguments))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path)) as opened:
        yield opened


@pytest.fixture
def stand_in() -> StandInEngine:
    return StandInEngine()


@pytest.fixture
def make_runner(store: Store, stand_in: StandInEngine) -> Iterator[Callable[..., Runner]]:
    """Makes runners on the test's store and closes them in the end."""
    runners = []

    def make(**options: Any) -> Runner:
        options.setdefault("undo_handlers", {"put-away": put_away})
        runners.append(Runner(store, stand_in, **options))
        return runners[-1]

    yield make
    for runner in runners:
        runner.close()


@pytest.fixture
def runner(make_runner: Callable[..., Runner]) -> Runner:
    return make_runner()
