"""What is known of an engine: fresh when asked, kept while nothing changes, counted in questions to the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from docker.types import Mount

from tests.proxy import CountingProxy
from tests.waiting import wait_until
from webui.engine.catalogue import Catalogue
from webui.engine.connection import Engine, Engines
from webui.engine.model import ROLE_LABEL, Volume
from webui.errors import EngineUnreachableError
from webui.settings import Settings


@pytest.fixture
def proxy(tmp_path: Path, engine_socket: str) -> Iterator[CountingProxy]:
    """Counts what passes to the engine; closing it takes the engine away."""
    with closing(CountingProxy(tmp_path / "engine.sock", engine_socket.removeprefix("unix://"))) as proxy:
        yield proxy


@pytest.fixture
def catalogue(settings: Settings, proxy: CountingProxy) -> Iterator[Catalogue]:
    """The catalogue of the run's engine, reached through the proxy, its events being read."""
    engines = Engines(replace(settings, engine=f"unix://{proxy.path}"))
    catalogue = Catalogue(engines.get("default"), on_found=lambda: None)
    try:
        wait_until(lambda: catalogue.volumes().trouble is None and catalogue.feed.stamp("volume"))
        yield catalogue
    finally:
        catalogue.close()
        engines.close()


def named(catalogue: Catalogue, name: str, *, fresh: bool) -> Volume | None:
    volumes = catalogue.volumes(10, fresh=fresh)
    assert volumes.trouble is None
    return next((volume for volume in volumes.items if volume.name == name), None)


def test_a_fresh_list_is_two_questions_and_a_known_one_none(catalogue: Catalogue, proxy: CountingProxy) -> None:
    catalogue.volumes()
    before = len(proxy.requests)
    catalogue.volumes(fresh=False)
    assert proxy.requests[before:] == []
    catalogue.volumes()
    asked = sorted(line.split()[1].rpartition("/v1.")[2].partition("/")[2] for line in proxy.requests[before:])
    assert [each.partition("?")[0] for each in asked] == ["containers/json", "volumes"]


def test_a_fresh_list_shows_what_was_just_made(catalogue: Catalogue, engine: Engine, prefix: str) -> None:
    engine.api.create_volume(name=f"{prefix}-a", labels={"k": "v"})
    found = named(catalogue, f"{prefix}-a", fresh=True)
    assert found is not None
    assert (found.labels, found.used_by, found.size) == ({"k": "v"}, (), None)
    engine.api.remove_volume(f"{prefix}-a")
    assert named(catalogue, f"{prefix}-a", fresh=True) is None


def test_what_is_known_ends_with_the_first_event(catalogue: Catalogue, engine: Engine, prefix: str) -> None:
    catalogue.volumes()
    engine.api.create_volume(name=f"{prefix}-b")
    wait_until(lambda: named(catalogue, f"{prefix}-b", fresh=False))
    engine.api.remove_volume(f"{prefix}-b")
    wait_until(lambda: named(catalogue, f"{prefix}-b", fresh=False) is None)


def test_unchanged_volumes_stay_the_same_objects(catalogue: Catalogue, engine: Engine, prefix: str) -> None:
    engine.api.create_volume(name=f"{prefix}-c")
    first = catalogue.volumes()
    again = catalogue.volumes()
    assert again.items is first.items
    engine.api.create_volume(name=f"{prefix}-d")
    grown = catalogue.volumes()
    assert grown.items is not first.items
    assert {id(volume) for volume in first.items} <= {id(volume) for volume in grown.items}


def test_a_volume_made_anew_under_its_old_name_is_another(catalogue: Catalogue, engine: Engine, prefix: str) -> None:
    name = f"{prefix}-e"
    engine.api.create_volume(name=name, labels={"age": "old"})
    assert named(catalogue, name, fresh=True).labels == {"age": "old"}  # type: ignore[union-attr]
    engine.api.remove_volume(name)
    engine.api.create_volume(name=name, labels={"age": "new"})
    assert named(catalogue, name, fresh=True).labels == {"age": "new"}  # type: ignore[union-attr]


def test_who_holds_a_volume_follows_the_containers(
    catalogue: Catalogue, engine: Engine, prefix: str, small_image: str
) -> None:
    def hold(name: str, **labels: str) -> str:
        mounts = engine.api.create_host_config(mounts=[Mount("/data", f"{prefix}-f", read_only=True)])
        made = engine.api.create_container(small_image, ["sh"], name=name, host_config=mounts, labels=labels)
        return str(made["Id"])

    engine.api.create_volume(name=f"{prefix}-f")
    assert named(catalogue, f"{prefix}-f", fresh=True).used_by == ()  # type: ignore[union-attr]
    holder = hold(f"{prefix}-holder")
    hold(f"{prefix}-helper", **{ROLE_LABEL: "helper"})
    (use,) = named(catalogue, f"{prefix}-f", fresh=True).used_by  # type: ignore[union-attr]
    assert (use.id, use.name, use.state, use.target) == (holder, f"{prefix}-holder", "created", "/data")
    assert use.read_only
    engine.api.remove_container(holder)
    wait_until(lambda: named(catalogue, f"{prefix}-f", fresh=False).used_by == ())  # type: ignore[union-attr]


def test_sizes_come_later_and_are_announced(catalogue: Catalogue, engine: Engine, prefix: str) -> None:
    engine.api.create_volume(name=f"{prefix}-g")
    with closing(catalogue.feed.subscribe()) as subscription:
        assert catalogue.sizes().running
        wait_until(lambda: (event := subscription.next(5)) and event.noun == "size")
    found = named(catalogue, f"{prefix}-g", fresh=True)
    assert found is not None
    assert found.size is not None
    assert found.size.bytes == 0
    assert catalogue.volumes(fresh=False).items is catalogue.volumes(fresh=False).items


def test_without_the_engine_the_last_list_stays_and_says_why(
    catalogue: Catalogue, engine: Engine, proxy: CountingProxy, prefix: str
) -> None:
    engine.api.create_volume(name=f"{prefix}-h")
    assert named(catalogue, f"{prefix}-h", fresh=True)
    proxy.path.unlink()
    proxy.close()
    for fresh in (True, False):
        wait_until(lambda fresh=fresh: catalogue.volumes(fresh=fresh).trouble is not None)
        kept = catalogue.volumes(fresh=fresh)
        assert isinstance(kept.trouble, EngineUnreachableError)
        assert any(volume.name == f"{prefix}-h" for volume in kept.items)
        assert kept.taken_at is not None
