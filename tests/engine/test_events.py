"""The engine's events: told to everyone, once, in order, and found again after the engine was away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.proxy import CountingProxy
from tests.waiting import wait_until
from webui.engine.connection import Engine, Engines
from webui.engine.events import EventFeed, Subscription
from webui.engine.helper import laid_open
from webui.engine.model import EngineEvent
from webui.settings import Settings


@pytest.fixture
def feed(engine: Engine) -> Iterator[EventFeed]:
    """The run's engine, its events being read."""
    with closing(EventFeed(engine)) as feed:
        feed.ensure_running()
        wait_until(lambda: feed.stamp("volume"))
        yield feed


def taken(subscription: Subscription, noun: str, named: str = "") -> EngineEvent:
    """The next event of that noun, of a thing whose name begins so: an earlier test's last events may come late."""
    while True:
        event = subscription.next(10)
        assert event is not None, f"nothing was told of any {noun}"
        if event.noun == noun and event.subject.startswith(named):
            return event


def test_every_listener_hears_of_a_volume(feed: EventFeed, engine: Engine, prefix: str) -> None:
    with closing(feed.subscribe()) as first, closing(feed.subscribe()) as second:
        engine.api.create_volume(name=f"{prefix}-a")
        engine.api.remove_volume(f"{prefix}-a")
        for listener in (first, second):
            heard = [taken(listener, "volume", prefix), taken(listener, "volume", prefix)]
            assert [(event.action, event.subject) for event in heard] == [
                ("create", f"{prefix}-a"),
                ("destroy", f"{prefix}-a"),
            ]


def test_a_listener_that_left_hears_nothing_more(feed: EventFeed, engine: Engine, prefix: str) -> None:
    gone = feed.subscribe()
    gone.close()
    with closing(feed.subscribe()) as there:
        engine.api.create_volume(name=f"{prefix}-b")
        taken(there, "volume", prefix)
    assert gone.next(0.05) is None


def test_containers_are_told_by_name_and_helpers_not_at_all(
    feed: EventFeed, engine: Engine, prefix: str, small_image: str
) -> None:
    with closing(feed.subscribe()) as subscription:
        with laid_open(engine.api, small_image):
            engine.api.create_container(small_image, ["sh"], name=f"{prefix}-own")
        heard = [taken(subscription, "container", prefix)]
        while event := subscription.next(0.2):
            heard.append(event)
    assert (heard[0].action, heard[0].subject) == ("create", f"{prefix}-own")
    assert not [event for event in heard if "helper" in event.subject]


def test_a_stamp_changes_with_its_nouns_only(feed: EventFeed, engine: Engine, prefix: str) -> None:
    volumes, images = feed.stamp("volume"), feed.stamp("image")
    assert feed.stamp("volume") == volumes
    engine.api.create_volume(name=f"{prefix}-c")
    wait_until(lambda: feed.stamp("volume") != volumes)
    assert feed.stamp("image") == images
    assert feed.stamp("image", "volume") != feed.stamp("image")


def test_a_listener_who_takes_nothing_keeps_the_newest(feed: EventFeed) -> None:
    with closing(feed.subscribe()) as subscription:
        for number in range(1500):
            feed.announce("job", "running", str(number))
        heard = []
        while event := subscription.next(0.01):
            heard.append(event.subject)
    assert heard[-1] == "1499"
    assert len(heard) == 1000


def test_the_engine_comes_back_within_five_seconds(settings: Settings, engine_socket: str, tmp_path: Path) -> None:
    path, target = tmp_path / "engine.sock", engine_socket.removeprefix("unix://")
    proxy = CountingProxy(path, target)
    engines = Engines(replace(settings, engine=f"unix://{path}"))
    try:
        with closing(EventFeed(engines.get("default"))) as feed, closing(feed.subscribe()) as subscription:
            wait_until(lambda: feed.stamp("volume"))
            before = feed.stamp("volume")
            path.unlink()
            proxy.close()
            wait_until(lambda: not feed.connected)
            assert feed.stamp("volume") is None
            assert feed.trouble
            assert [taken(subscription, "engine").action for _ in range(2)] == ["found", "lost"]
            proxy = CountingProxy(path, target)
            wait_until(lambda: feed.connected, seconds=5)
            assert taken(subscription, "engine").action == "found"
            assert feed.trouble == ""
            wait_until(lambda: feed.stamp("volume"))
            assert feed.stamp("volume") != before
    finally:
        engines.close()
        proxy.close()


def test_closing_ends_the_reader(engine: Engine) -> None:
    feed = EventFeed(engine)
    feed.ensure_running()
    wait_until(lambda: feed.connected)
    feed.close()
    assert not feed.connected
    feed.ensure_running()
    assert not feed.connected
