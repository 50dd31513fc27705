"""What a list shows: search, filters, order and pages, and that nothing is lost or shown twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui import listing
from webui.engine.model import Container, ContainerMount, Volume, VolumeKind, VolumeSize, VolumeUse
from webui.errors import InvalidInputError
from webui.listing import PAGE_SIZE, ContainerQuery, VolumeQuery

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def volume(name: str, **changes: object) -> Volume:
    plain = Volume(name, "local", VolumeKind.LOCAL, {}, {}, NOW, f"/v/{name}", "local", anonymous=False)
    return replace(plain, **changes)  # type: ignore[arg-type]


def held_by(*names: str) -> tuple[VolumeUse, ...]:
    return tuple(VolumeUse(f"id-{name}", name, "running", "/data", read_only=False) for name in names)


def container(name: str, **changes: object) -> Container:
    plain = Container(f"id-{name}", name, "debian", "sh", "running", "Up", NOW, (), (), (), {})
    return replace(plain, **changes)  # type: ignore[arg-type]


def names(page: listing.Page[Volume]) -> list[str]:
    return [each.name for each in page.items]


VOLUMES = (
    volume("zebra", labels={"com.docker.compose.project": "Shop"}, used_by=held_by("web", "db")),
    volume("Apple", size=VolumeSize(500, NOW), driver="rclone", kind=VolumeKind.S3),
    volume("mango", size=VolumeSize(0, NOW), labels={"owner": "Ann Straße"}, created=None),
    volume("f" * 64, anonymous=True, used_by=held_by("cache")),
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Apple", "f" * 64, "mango", "zebra"]),
        ({"q": "ZEB"}, ["zebra"]),
        ({"q": "  owner=ann STRASSE "}, ["mango"]),
        ({"q": "db"}, ["zebra"]),
        ({"q": "shop web"}, ["zebra"]),
        ({"q": "shop apple"}, []),
        ({"used": "yes"}, ["f" * 64, "zebra"]),
        ({"used": "no"}, ["Apple", "mango"]),
        ({"anonymous": "1"}, ["f" * 64]),
        ({"anonymous": "false", "used": "true"}, ["zebra"]),
        ({"driver": "rclone"}, ["Apple"]),
        ({"kind": "s3"}, ["Apple"]),
        ({"project": "Shop"}, ["zebra"]),
        ({"project": "shop"}, []),
    ],
)
def test_search_and_filters_of_volumes(asked: dict[str, str], found: list[str]) -> None:
    assert names(listing.select_volumes(VOLUMES, listing.volume_query(asked))) == found


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("-name", ["zebra", "mango", "f" * 64, "Apple"]),
        ("size", ["mango", "Apple", "f" * 64, "zebra"]),
        ("-size", ["Apple", "mango", "f" * 64, "zebra"]),
        ("-used", ["zebra", "f" * 64, "Apple", "mango"]),
        ("status", ["zebra", "f" * 64, "Apple", "mango"]),
        ("project", ["zebra", "Apple", "f" * 64, "mango"]),
        ("-project", ["zebra", "Apple", "f" * 64, "mango"]),
        ("kind", ["f" * 64, "mango", "zebra", "Apple"]),
    ],
)
def test_order_puts_the_unknown_last_whichever_way_round(sort: str, found: list[str]) -> None:
    assert names(listing.select_volumes(VOLUMES, VolumeQuery(sort=sort))) == found


@pytest.mark.parametrize("column", listing.VOLUME_COLUMNS)
@given(st.lists(st.sampled_from(VOLUMES), unique_by=lambda each: each.name))
def test_every_order_keeps_every_volume(column: str, volumes: list[Volume]) -> None:
    for sort in (column, f"-{column}"):
        found = listing.select_volumes(tuple(volumes), VolumeQuery(sort=sort))
        assert sorted(names(found)) == sorted(each.name for each in volumes)


@given(st.integers(0, 3 * PAGE_SIZE + 1))
def test_the_pages_together_are_the_list(many: int) -> None:
    volumes = tuple(volume(f"v{number:04d}") for number in range(many))
    seen: list[str] = []
    number: int | None = 1
    while number:
        page = listing.select_volumes(volumes, VolumeQuery(page=number))
        assert (page.total, page.page) == (many, number)
        seen += names(page)
        number = page.next
    assert seen == [each.name for each in volumes]


def test_all_pages_up_to_one_come_at_once() -> None:
    volumes = tuple(volume(f"v{number:04d}") for number in range(250))
    page = listing.select_volumes(volumes, VolumeQuery(upto=2))
    assert (len(page.items), page.page, page.next) == (200, 2, 3)
    assert len(listing.select_volumes(volumes, VolumeQuery(upto=9)).items) == 250


def test_a_page_beyond_the_end_is_empty() -> None:
    page = listing.select_volumes(VOLUMES, VolumeQuery(page=7))
    assert (page.items, page.total, page.pages, page.next) == ((), 4, 1, None)


def test_facets_count_what_each_filter_would_leave() -> None:
    facets = listing.volume_facets(VOLUMES)
    assert facets.kinds == {"local": 3, "s3": 1}
    assert facets.drivers == {"local": 3, "rclone": 1}
    assert facets.projects == {"Shop": 1}
    assert (facets.total, facets.used, facets.anonymous) == (4, 2, 1)


def test_a_changed_list_is_looked_at_anew() -> None:
    assert listing.select_volumes(VOLUMES, VolumeQuery(q="fig")).total == 0
    grown = (*VOLUMES, volume("fig"))
    assert names(listing.select_volumes(grown, VolumeQuery(q="fig"))) == ["fig"]
    assert listing.volume_facets(grown).total == 5
    growing = list(VOLUMES)
    assert listing.volume_facets(growing).total == 4
    growing.append(volume("fig"))
    assert listing.volume_facets(growing).total == 5


def test_search_and_filters_of_containers() -> None:
    mount = ContainerMount("volume", "data", "/v/data", "/data", read_only=False)
    containers = (
        container("web", mounts=(mount,), labels={"com.docker.compose.project": "shop"}),
        container("db", state="exited", image="postgres:16"),
    )
    for asked, found in (
        ({}, ["db", "web"]),
        ({"q": "postgres"}, ["db"]),
        ({"q": "id-web"}, ["web"]),
        ({"state": "exited"}, ["db"]),
        ({"volume": "data"}, ["web"]),
        ({"volume": "dat"}, []),
        ({"project": "shop"}, ["web"]),
        ({"sort": "-name"}, ["web", "db"]),
    ):
        page = listing.select_containers(containers, listing.container_query(asked))
        assert [each.name for each in page.items] == found, asked


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "cloud"),
        ("used", "perhaps"),
        ("anonymous", "2"),
        ("sort", "colour"),
        ("sort", "--name"),
        ("page", "0"),
        ("page", "-1"),
        ("page", "1e3"),
        ("page", "٣"),
        ("page", "9" * 40),
        ("upto", "x"),
    ],
)
def test_what_can_not_be_read_is_named(field: str, value: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        listing.volume_query({field: value})
    assert set(raised.value.fields) == {field}


queries = st.builds(
    VolumeQuery,
    q=st.text(st.characters(exclude_categories=("Cs",))).map(str.strip),
    used=st.none() | st.booleans(),
    anonymous=st.none() | st.booleans(),
    driver=st.text(st.characters(exclude_categories=("Cs",))),
    project=st.text(st.characters(exclude_categories=("Cs",))),
    kind=st.just("") | st.sampled_from([kind.value for kind in VolumeKind]),
    sort=st.sampled_from([*listing.VOLUME_COLUMNS, "-created", "-name"]),
    page=st.integers(1, 999),
)


@given(queries)
def test_a_query_survives_its_url(query: VolumeQuery) -> None:
    address = listing.query_url(query)
    assert address.startswith("?")
    assert listing.volume_query(dict(parse_qsl(address[1:], keep_blank_values=True))) == query


@given(queries)
def test_another_order_or_filter_starts_at_the_first_page(query: VolumeQuery) -> None:
    changed = listing.volume_query(dict(parse_qsl(query.url(sort="size")[1:])))
    assert (changed.page, changed.sort) == (1, "size")
    assert replace(changed, sort="name").narrowed == query.narrowed


def test_order_and_page_narrow_nothing() -> None:
    assert not VolumeQuery(sort="-size", page=3, upto=3).narrowed
    assert VolumeQuery(used=False).narrowed
    assert not ContainerQuery(sort="-state").narrowed
    assert ContainerQuery(volume="data").narrowed
