"""Which of many things a page shows: search, filters, order and paging. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import wraps
from operator import itemgetter
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from webui import forms
from webui.engine.model import Container, Volume, VolumeKind
from webui.errors import InvalidInputError

T = TypeVar("T")
R = TypeVar("R")

PAGE_SIZE = 100
MOST_PAGES_AT_ONCE = 100
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_KEPT_LISTS = 4


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list: its items, how many match in all, and the number of pages (at least one)."""

    items: tuple[T, ...]
    total: int
    page: int
    pages: int

    @property
    def next(self) -> int | None:
        """The number of the page after this one, or None at the end."""
        return self.page + 1 if self.page < self.pages else None


@dataclass(frozen=True, slots=True)
class Query:
    """What a person asked a list for. None or an empty string: not asked.

    `sort` is a column's name, with a minus in front for the other way round. `upto` asks for all pages up to that one
    at once.
    """

    q: str = ""
    project: str = ""
    sort: str = "name"
    page: int = 1
    upto: int = 0

    @property
    def narrowed(self) -> bool:
        """Whether anything but order and page was asked."""
        return replace(self, sort="name", page=1, upto=0) != type(self)()

    def url(self, **changes: Any) -> str:
        """The query string for this list with some things changed, defaults left out; starts with `?`."""
        return query_url(replace(self, **{"page": 1, "upto": 0, **changes}))


@dataclass(frozen=True, slots=True)
class VolumeQuery(Query):
    """What a person asked the list of volumes for."""

    used: bool | None = None
    anonymous: bool | None = None
    driver: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class ContainerQuery(Query):
    """What a person asked the list of containers for."""

    state: str = ""
    volume: str = ""


@dataclass(frozen=True, slots=True)
class VolumeFacets:
    """What there is to filter by, with how many volumes each would leave."""

    kinds: Mapping[str, int]
    drivers: Mapping[str, int]
    projects: Mapping[str, int]
    total: int
    used: int
    anonymous: int


VOLUME_COLUMNS: Mapping[str, Callable[[Volume], Any]] = {
    "name": lambda volume: (volume.name.casefold(), volume.name),
    "status": lambda volume: (0 if volume.used_by else 1, volume.anonymous, -len(volume.used_by)),
    "size": lambda volume: volume.size.bytes if volume.size else None,
    "kind": lambda volume: (volume.kind.value, volume.driver),
    "driver": lambda volume: volume.driver,
    "project": lambda volume: volume.project.casefold() or None,
    "used": lambda volume: len(volume.used_by),
    "created": lambda volume: volume.created or _EARLIEST,
}

CONTAINER_COLUMNS: Mapping[str, Callable[[Container], Any]] = {
    "name": lambda container: (container.name.casefold(), container.name),
    "image": lambda container: container.image.casefold(),
    "state": lambda container: container.state,
    "mounts": lambda container: len(container.mounts),
    "ports": lambda container: [port.host_port or 0 for port in container.ports],
    "project": lambda container: container.project.casefold() or None,
    "created": lambda container: container.created or _EARLIEST,
}


def _once(derive: Callable[[Sequence[T]], R]) -> Callable[[Sequence[T]], R]:
    """`derive`, run once for each list: page after page is cut from the very same one as long as nothing changes.

    The last few answers are kept, by identity: to compare ten thousand things would take what this saves.
    """
    kept: deque[tuple[Sequence[T], R]] = deque(maxlen=_KEPT_LISTS)

    @wraps(derive)
    def derived(items: Sequence[T]) -> R:
        for known, answer in tuple(kept):
            if known is items:
                return answer
        answer = derive(items)
        if isinstance(items, tuple):
            kept.append((items, answer))
        return answer

    return derived


def volume_query(arguments: Mapping[str, str]) -> VolumeQuery:
    """The query in a URL's arguments. Raises InvalidInputError naming the argument that can't be read."""
    kind = arguments.get("kind", "")
    if kind and kind not in set(VolumeKind):
        raise InvalidInputError({"kind": f"There is no kind “{kind}”. Kinds are {', '.join(VolumeKind)}."})
    return VolumeQuery(
        q=arguments.get("q", "").strip(),
        used=_flag(arguments, "used"),
        anonymous=_flag(arguments, "anonymous"),
        driver=arguments.get("driver", ""),
        project=arguments.get("project", ""),
        kind=kind,
        sort=_sort(arguments, VOLUME_COLUMNS),
        page=_number(arguments, "page", 1),
        upto=_number(arguments, "upto", 0),
    )


def container_query(arguments: Mapping[str, str]) -> ContainerQuery:
    """The query in a URL's arguments. Raises InvalidInputError naming the argument that can't be read."""
    return ContainerQuery(
        q=arguments.get("q", "").strip(),
        state=arguments.get("state", ""),
        project=arguments.get("project", ""),
        volume=arguments.get("volume", ""),
        sort=_sort(arguments, CONTAINER_COLUMNS),
        page=_number(arguments, "page", 1),
        upto=_number(arguments, "upto", 0),
    )


def select_volumes(volumes: Sequence[Volume], query: VolumeQuery) -> Page[Volume]:
    """The page of volumes a query asks for. What is unknown in the sorting column comes last, whichever way round."""
    found = _volumes_by_name(volumes)
    if query.q:
        found = _mentioning(query.q, found, _volume_texts(volumes))
    if query.narrowed:
        found = [volume for volume in found if _volume_matches(volume, query)]
    return _page(_sorted(found, query.sort, VOLUME_COLUMNS), query.page, query.upto)


def select_containers(containers: Sequence[Container], query: ContainerQuery) -> Page[Container]:
    """The page of containers a query asks for."""
    found = _containers_by_name(containers)
    if query.q:
        found = _mentioning(query.q, found, _container_texts(containers))
    if query.narrowed:
        found = [container for container in found if _container_matches(container, query)]
    return _page(_sorted(found, query.sort, CONTAINER_COLUMNS), query.page, query.upto)


@_once
def volume_facets(volumes: Sequence[Volume]) -> VolumeFacets:
    """What the volumes can be filtered by."""
    kinds: Counter[str] = Counter()
    drivers: Counter[str] = Counter()
    projects: Counter[str] = Counter()
    total = used = anonymous = 0
    for volume in volumes:
        kinds[volume.kind.value] += 1
        drivers[volume.driver] += 1
        projects[volume.project] += 1
        total += 1
        used += bool(volume.used_by)
        anonymous += volume.anonymous
    projects.pop("", None)
    return VolumeFacets(
        dict(sorted(kinds.items())),
        dict(sorted(drivers.items())),
        dict(sorted(projects.items())),
        total,
        used,
        anonymous,
    )


def query_url(query: Query) -> str:
    """The query as a URL writes it, what stands at its default left out; starts with `?`."""
    asked = {
        field.name: {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        for field in fields(query)
        if (value := getattr(query, field.name)) != field.default
    }
    return "?" + urlencode(asked)


def _volume_matches(volume: Volume, query: VolumeQuery) -> bool:
    return (
        (query.used is None or bool(volume.used_by) is query.used)
        and (query.anonymous is None or volume.anonymous is query.anonymous)
        and (not query.driver or volume.driver == query.driver)
        and (not query.project or volume.project == query.project)
        and (not query.kind or volume.kind == query.kind)
    )


def _container_matches(container: Container, query: ContainerQuery) -> bool:
    return (
        (not query.state or container.state == query.state)
        and (not query.project or container.project == query.project)
        and (not query.volume or any(mount.name == query.volume for mount in container.mounts))
    )


def _mentioning(asked: str, items: Sequence[T], texts: Sequence[str]) -> list[T]:
    """The items in whose text every word asked for occurs, in any case."""
    words = asked.casefold().split()
    return [item for item, text in zip(items, texts, strict=True) if all(word in text for word in words)]


@_once
def _volumes_by_name(volumes: Sequence[Volume]) -> Sequence[Volume]:
    return sorted(volumes, key=VOLUME_COLUMNS["name"])


@_once
def _volume_texts(volumes: Sequence[Volume]) -> Sequence[str]:
    """What is searched of each volume, in the order of the names."""
    return ["\n".join(_volume_words(volume)).casefold() for volume in _volumes_by_name(volumes)]


@_once
def _containers_by_name(containers: Sequence[Container]) -> Sequence[Container]:
    return sorted(containers, key=CONTAINER_COLUMNS["name"])


@_once
def _container_texts(containers: Sequence[Container]) -> Sequence[str]:
    """What is searched of each container, in the order of the names."""
    return ["\n".join(_container_words(container)).casefold() for container in _containers_by_name(containers)]


def _volume_words(volume: Volume) -> Iterable[str]:
    yield volume.name
    for key, value in volume.labels.items():
        yield f"{key}={value}"
    for use in volume.used_by:
        yield use.name


def _container_words(container: Container) -> Iterable[str]:
    yield container.name
    yield container.image
    yield container.id
    for mount in container.mounts:
        yield mount.name or mount.source
    for key, value in container.labels.items():
        yield f"{key}={value}"


def _sorted(by_name: Sequence[T], sort: str, columns: Mapping[str, Callable[[T], Any]]) -> Sequence[T]:
    """The items in the order of a column; those equal there keep the order of their names."""
    if sort == "name":
        return by_name
    column = columns[sort.removeprefix("-")]
    keyed = [(column(item), item) for item in by_name]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=itemgetter(0), reverse=sort.startswith("-"))
    return [item for _, item in known] + [item for key, item in keyed if key is None]


def _page(items: Sequence[T], page: int, upto: int) -> Page[T]:
    pages = max(1, -(-len(items) // PAGE_SIZE))
    if upto > 1:
        last = min(upto, pages, MOST_PAGES_AT_ONCE)
        return Page(tuple(items[: last * PAGE_SIZE]), len(items), last, pages)
    first = (page - 1) * PAGE_SIZE
    return Page(tuple(items[first : first + PAGE_SIZE]), len(items), page, pages)


def _flag(arguments: Mapping[str, str], name: str) -> bool | None:
    return forms.flag(arguments, name) if arguments.get(name) else None


def _number(arguments: Mapping[str, str], name: str, default: int) -> int:
    value = arguments.get(name, "")
    if not value:
        return default
    if value.isascii() and value.isdigit() and int(value[:9]) >= 1 and len(value) <= 9:
        return int(value)
    raise InvalidInputError({name: f"“{value}” is not the number of a page."})


def _sort(arguments: Mapping[str, str], columns: Mapping[str, Any]) -> str:
    sort = arguments.get("sort", "") or "name"
    if sort.removeprefix("-") not in columns:
        raise InvalidInputError({"sort": f"There is no column “{sort}”. Columns are {', '.join(columns)}."})
    return sort
