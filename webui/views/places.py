"""The places one can look inside of, as URLs have them: `volumes/<name>`, or a bind mount `containers/<id>/mounts/<n>`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from flask import Flask, Response, g, url_for
from htmx_flask import request
from werkzeug.routing import BaseConverter

from webui import forms
from webui.engine import containers as engine_containers
from webui.engine import volumes as engine_volumes
from webui.engine.changes import Changes
from webui.engine.file_model import Place
from webui.engine.files import Files
from webui.engine.helper_image import find_helper_image
from webui.engine.inside import Inside
from webui.engine.model import Volume, VolumeKind
from webui.error_pages import error_response
from webui.errors import ConflictError, DemijohnError, EngineSlowError, InvalidInputError, NotFoundError
from webui.jobs import Job, JobState
from webui.jobs.helper_image import start_helper_image
from webui.paths import TOP, VolumePath, volume_path
from webui.render import answer, wants_json
from webui.views._shared import catalogue, house, wait

T = TypeVar("T")
_HERE = frozenset({VolumeKind.LOCAL, VolumeKind.TMPFS, VolumeKind.BIND})
"""Volumes whose files are on the engine's machine itself."""


class PlaceConverter(BaseConverter):
    """`<place:where>` in a rule."""

    regex = r"volumes/[^/]+|containers/[^/]+/mounts/[0-9]{1,4}"
    part_isolating = False

    def to_url(self, value: str) -> str:
        return "/".join(map(super().to_url, value.split("/")))


class EntryConverter(BaseConverter):
    """`<entry:rest>` at the end of a rule: a path inside a place, newlines in names included; see `path_from`."""

    regex = r"(?:[^/][\s\S]*)?"
    part_isolating = False
    weight = 200

    def to_url(self, value: str) -> str:
        return "/".join(map(super().to_url, value.split("/")))


@dataclass(frozen=True, slots=True)
class Opened:
    """A place somebody looks inside of: its files, the volume it is (None for a host's folder), and its URLs' part."""

    files: Files
    volume: Volume | None
    where: str

    @property
    def place(self) -> Place:
        """What the engine knows it as."""
        return self.files.place

    @property
    def engine_id(self) -> str:
        """The identity of its engine, which what destroys something carries. Raises EngineUnreachableError."""
        return self.files.inside.engine.facts().identity

    @property
    def changes(self) -> Changes:
        """What can be changed in it."""
        return Changes(self.files)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What somebody who writes to it has to know: that it does not last."""
        if self.volume is None or self.volume.kind is not VolumeKind.TMPFS:
            return ()
        if any(use.state in {"running", "paused"} for use in self.volume.used_by):
            return (f"{self.place.name} is kept in memory: all is gone when the last container that uses it stops.",)
        return (
            f"{self.place.name} is kept in memory and no container runs that uses it: all is gone as soon as Demijohn has "
            "not looked inside for some minutes.",
        )

    def patiently(self, what: str, look: Callable[[], T]) -> T:
        """What `look` answers. Storage elsewhere may hang: a page does not wait for it, and asks again for the same.

        Raises GettingReadyError, and what `look` raises.
        """
        if self.volume is None or self.volume.kind in _HERE:
            return look()
        try:
            return self.files.inside.patiently((self.place, what), look, wait=wait())
        except EngineSlowError as error:
            raise GettingReadyError(
                f"The storage of {self.place.subject} has not answered yet.",
                hint="It may be slow, or away. It goes on by itself; whether it answers at all can be asked on the volume’s overview.",
            ) from error

    def url_of(self, path: VolumePath) -> str:
        """Where a folder or file of it is shown."""
        top = url_for("files.show", where=self.where)
        return top if path.is_top else f"{top}/{path.id}"

    @property
    def writers(self) -> tuple[str, ...]:
        """The running containers that may write to it at the same time."""
        if self.volume is None:
            return ()
        return tuple(
            sorted(
                {use.name for use in self.volume.used_by if not use.read_only and use.state in {"running", "paused"}}
            )
        )


class GettingReadyError(DemijohnError):
    """What looks inside is on its way: its image is being fetched by `job`, or without one it is being started."""

    status = 503
    title = "Getting ready"

    def __init__(self, message: str, *, hint: str, job: Job | None = None) -> None:
        super().__init__(message, hint=hint)
        self.job = job

    def details(self) -> dict[str, Any]:
        return {"job": self.job.to_json()} if self.job else {}


def init_app(app: Flask) -> None:
    """Teach the app the places, and what to show while the image is not there."""
    app.url_map.redirect_defaults = False  # the top folder has the same answer with and without a slash at the end
    app.url_map.converters |= {"place": PlaceConverter, "entry": EntryConverter}
    app.register_error_handler(GettingReadyError, _getting_ready)


def opened(engine: str, where: str) -> Opened:
    """The place named in the URL, ready to be looked into.

    Raises NotFoundError, ConflictError for a mount that is no host's folder, GettingReadyError.
    """
    found = named(engine, where)
    inside = found.files.inside
    if not inside.is_open(found.place):
        _ensure_image(engine)
        _start(inside, found.place)
    return found


def opened_to_change(engine: str, where: str) -> Opened:
    """The same, if it is a place that may be changed. Raises ConflictError where it is not, and as `opened` does."""
    found = opened(engine, where)
    found.files.inside.refuse_read_only(found.place)
    return found


def named(engine: str, where: str) -> Opened:
    """The same for what needs no look inside: nothing is started. Raises NotFoundError, ConflictError."""
    found = catalogue(engine)
    kind, name, *rest = where.split("/")
    volume = None
    if kind == "volumes":
        volume = engine_volumes.inspect_volume(found.engine, name, wait=wait())
        place = Place.volume(volume.name)
    else:
        place = _bind_mount(found.engine, name, int(rest[1]))
    g.place = where
    return Opened(Files(house().inside(engine), place), volume, where)


def path_from(rest: str) -> VolumePath:
    """The path that ends the URL, as the bytes that were sent; `rest` is how the router read them, as UTF-8.

    An encoded slash is one between folders: no name has one in it. Raises InvalidInputError.
    """
    segments = str(request.environ["REQUEST_URI"]).partition("?")[0].split("/")
    return volume_path(unquote_to_bytes("/".join(segments[-rest.count("/") - 1 :]))) if rest else TOP


def path_sent(sent: Any, field: str = "path") -> VolumePath:
    """A path in a body: text, with lone surrogates for bytes that are not UTF-8. Raises InvalidInputError."""
    if not isinstance(sent, str):
        raise InvalidInputError({field: "Give a path as text."})
    return volume_path(sent, field)


def paths_sent(sent: Mapping[str, Any], field: str) -> list[VolumePath]:
    """The same for every value of a field that may be repeated; none where there is no such field."""
    said = sent.get(field)
    if said is None:
        return []
    return [path_sent(each, field) for each in (said if isinstance(said, list | tuple) else [said])]


def paths_by_id(sent: Mapping[str, Any], field: str = "id") -> list[VolumePath]:
    """The same where they are percent-encoded, as an entry's `id` is. Raises InvalidInputError."""
    return [volume_path(unquote_to_bytes(each), field) for each in forms.many(sent, field)]


def _bind_mount(engine: Any, reference: str, number: int) -> Place:
    container = engine_containers.inspect_container(engine, reference, wait=wait()).container
    if number >= len(container.mounts):
        raise NotFoundError(f"Container {container.name} has no mount number {number}.")
    mount = container.mounts[number]
    if mount.type != "bind":
        raise ConflictError(
            f"What {container.name} has at {mount.target} is no folder of the host.",
            hint="Open the volume itself to see its files." if mount.type == "volume" else "",
        )
    if not engine.facts().local:
        raise ConflictError(f"{mount.source} is a folder of another machine; from here it can't be looked into.")
    return Place.folder(mount.source, f"{container.name}: {mount.target}")


def _ensure_image(engine: str) -> None:
    home = house()
    if find_helper_image(home.engines.get(engine), home.settings.helper_image) is not None:
        return
    job = start_helper_image(home.runner, home.engines.get(engine), home.settings.helper_image)
    job = home.runner.wait(job.id, wait())
    if job.state is not JobState.DONE:
        if job.state.over:
            raise ConflictError(
                "The image through which Demijohn looks inside volumes could not be had.", hint=job.error
            )
        raise GettingReadyError(
            "Demijohn is fetching the small image through which it looks inside volumes.",
            hint="This is needed once for an engine. It goes on by itself.",
            job=job,
        )


def _start(inside: Inside, place: Place) -> None:
    """A page does not wait for storage that does not answer: it says so, and asks again."""
    try:
        inside.start(place, wait=wait())
    except EngineSlowError as error:
        raise GettingReadyError(
            f"Opening {place.subject} takes longer than usual.",
            hint="Its storage may be slow, or may not answer. It goes on by itself as soon as it does.",
        ) from error


def _getting_ready(error: GettingReadyError) -> Response:
    if request.method not in {"GET", "HEAD"}:
        return error_response(error)  # nothing was changed, and it does not go on by itself
    response = answer(
        "files/preparing.html",
        "preparing",
        {"error": error.message, "hint": error.hint, **error.details()},
        status=error.status if wants_json() else 200,
        error=error,
        job=error.job,
        retry=request.full_path,
    )
    response.headers["Retry-After"] = "2"
    return response
