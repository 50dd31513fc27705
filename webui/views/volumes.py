"""Volumes over HTTP: list, inspect, delete, measure. New ones are made in `webui.views.new_volumes`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, url_for
from htmx_flask import request

from webui import commands, forms, listing
from webui.engine import volumes as engine_volumes
from webui.engine.catalogue import Catalogue
from webui.engine.file_model import Place
from webui.engine.model import Volume
from webui.engine.secrets import masked_options
from webui.engine.sizes import Measurement
from webui.errors import DemijohnError, EngineError, EngineSlowError, InvalidInputError, NotFoundError
from webui.jobs import Job
from webui.jobs.storage_test import CHECK, start_storage_check
from webui.render import answer, done, go, wants_json
from webui.storage import storage_words
from webui.views._shared import catalogue, house, listed, outcome, received, same_engine, sent_along, wait
from webui.views.shapes import volume_json

blueprint = Blueprint("volumes", __name__, url_prefix="/e/<engine>/volumes")


@blueprint.get("")
def index(engine: str) -> Response:
    """The list."""
    found = catalogue(engine)
    query = listing.volume_query(request.args)
    volumes = listed(found, found.volumes)
    page = listing.select_volumes(volumes.items, query)
    return answer(
        "volumes/list.html",
        "rows" if query.page > 1 else "listing",
        {
            "volumes": [volume_json(volume) for volume in page.items] if wants_json() else [],
            "total": page.total,
            "page": page.page,
            "pages": page.pages,
        },
        status=volumes.trouble.status if volumes.trouble else 200,
        page=page,
        query=query,
        listing=volumes,
        facets=listing.volume_facets(volumes.items),
        inspected=request.args.get("inspect", ""),
        measurement=found.measurement,
        command=commands.volume_list(),
    )


@blueprint.get("/-/delete")
def confirm_delete(engine: str) -> Response:
    """What deleting the named volumes would do."""
    found = catalogue(engine)
    names = request.args.getlist("name")
    if not names:
        raise InvalidInputError({"name": "Say which volumes."})
    everything = found.volumes(wait())
    if everything.trouble:
        raise everything.trouble
    known = {volume.name: volume for volume in everything.items}
    volumes = [known[name] for name in dict.fromkeys(names) if name in known]
    gone = [name for name in names if name not in known]
    return _confirmation(
        found,
        volumes,
        names=[volume.name for volume in volumes if not volume.used_by],
        json={"volumes": [volume_json(volume) for volume in volumes], "gone": gone},
        gone=gone,
    )


@blueprint.post("/-/delete")
def delete_many(engine: str) -> Response:
    """Delete the named volumes, each by itself, and say how each went."""
    found = catalogue(engine)
    sent = received()
    forms.check_fields(sent, {"name", "seen"})
    names = list(dict.fromkeys(forms.many(sent, "name")))
    seen = dict(zip(forms.many(sent, "name"), forms.many(sent, "seen"), strict=False))
    if not names:
        raise InvalidInputError({"name": "Say which volumes."})
    same_engine(found, sent)
    results = [_deleted(found, name, seen.get(name, "")) for name in names]
    failed = [result for result in results if not result["ok"]]
    if not failed:
        many = f"{len(results)} volumes were deleted." if len(results) > 1 else f"Volume {names[0]} was deleted."
        return done(url_for(".index"), {"results": results}, event="volume", message=many)
    known = {volume.name: volume for volume in found.volumes().items}
    return _confirmation(
        found,
        [known[result["name"]] for result in failed if result["name"] in known],
        names=[result["name"] for result in failed],
        json={"results": results},
        results=results,
        status=200 if wants_json() else 409,
    )


@blueprint.get("/-/sizes")
def sizes(engine: str) -> Response:
    """What is known of the sizes; asks for them where nobody has yet."""
    return _measurement(catalogue(engine).sizes())


@blueprint.post("/-/sizes")
def measure(engine: str) -> Response:
    """Measure all volumes anew, in the background."""
    return _measurement(catalogue(engine).measure(), status=202)


@blueprint.get("/<name>")
def show(engine: str, name: str) -> Response:
    """One volume: overview, containers, raw."""
    found = catalogue(engine)
    reveal = request.args.get("secrets") == "shown"
    volume, raw, trouble = _inspected(found, name, reveal=reveal)
    volume = found.sized(volume)
    return answer(
        "volumes/detail.html",
        "inspector",
        volume_json(volume, reveal=reveal) | ({"trouble": trouble.message} if trouble else {}),
        trouble=trouble,
        volume=volume,
        raw=raw,
        reveal=reveal,
        options=volume.options if reveal else masked_options(volume.options),
        storage=storage_words(volume.driver, masked_options(volume.options)),
        hidden=masked_options(volume.options) != dict(volume.options),
        tab=request.args.get("tab", "overview"),
        command=commands.volume_inspect(name),
    )


@blueprint.post("/<name>/-/check")
def check(engine: str, name: str) -> Response:
    """Ask the storage of a volume whether it answers, as a job."""
    found = catalogue(engine)
    forms.check_fields(received(), set())
    volume = engine_volumes.inspect_volume(found.engine, name, wait=wait())
    job = start_storage_check(house().runner, found.engine, house().settings.helper_image, volume)
    if wants_json():
        return go(url_for("jobs.show", job_id=job.id), {"job": job.to_json()}, status=202)
    if not request.htmx:
        house().runner.wait(job.id, wait())
    return _checked(name, job)


@blueprint.get("/<name>/-/check")
def checked(engine: str, name: str) -> Response:
    """How far that job is, or what it said."""
    catalogue(engine)
    job = house().runner.get(request.args.get("job", ""))
    if job.kind != CHECK or job.subject != name:
        raise NotFoundError("There is no such job.")
    return _checked(name, job)


@blueprint.delete("/<name>")
def delete(engine: str, name: str) -> Response:
    """Delete a volume that nobody holds."""
    found = catalogue(engine)
    same_engine(found, sent_along(set()))
    _delete(found, name)
    return done(url_for(".index"), None, event="volume", message=f"Volume {name} was deleted.")


def _inspected(found: Catalogue, name: str, *, reveal: bool) -> tuple[Volume, Mapping[str, Any], DemijohnError | None]:
    """The volume, or where its driver keeps the engine from telling, what the list said of it last, and the trouble."""
    try:
        return *engine_volumes.inspect_raw(found.engine, name, reveal=reveal, wait=wait()), None
    except (EngineSlowError, EngineError) as error:
        known = found.last_known(name)
        if known is None or not known.options:  # what the engine keeps itself, it can tell of when it can tell anything
            raise
        return known, volume_json(known, reveal=reveal), error


def _checked(name: str, job: Job) -> Response:
    return answer("volumes/check.html", "check", {"job": job.to_json()}, name=name, job=job)


def _delete(found: Catalogue, name: str, seen: str = "") -> None:
    house().inside(found.engine.name).end(Place.volume(name))
    try:
        engine_volumes.delete_volume(found.engine, name, seen=seen, wait=wait())
    except EngineSlowError as error:
        raise _silent_driver(found, name) or error from error
    found.forget_size(name)


def _silent_driver(found: Catalogue, name: str) -> DemijohnError | None:
    known = found.last_known(name)
    if known is None or known.driver == "local":
        return None
    return EngineSlowError(
        f"The volume driver {known.driver} has not answered, and without it volume {name} can’t be deleted.",
        hint="Look at it under Drivers and plugins; start it again, then delete the volume.",
    )


def _deleted(found: Catalogue, name: str, seen: str) -> dict[str, Any]:
    try:
        _delete(found, name, seen)
    except DemijohnError as error:
        return outcome(error, name=name)
    return outcome(None, name=name)


def _confirmation(
    found: Catalogue,
    volumes: Sequence[Volume],
    *,
    names: Iterable[str],
    json: Mapping[str, Any],
    gone: Sequence[str] = (),
    results: Sequence[Mapping[str, Any]] = (),
    status: int = 200,
) -> Response:
    """What is about to be deleted, or what could not be; `names` are those of the command."""
    return answer(
        "volumes/delete.html",
        "dialog",
        json,
        status=status,
        volumes=volumes,
        gone=gone,
        results=results,
        seen_mark=engine_volumes.seen_mark,
        engine_id=found.engine.facts().identity,
        command=commands.volume_remove(list(names)),
    )


def _measurement(measurement: Measurement, status: int = 200) -> Response:
    return answer(
        "volumes/sizes.html",
        "sizes",
        {
            "running": measurement.running,
            "measured_at": measurement.measured_at.isoformat() if measurement.measured_at else None,
            "sizes": {name: size.bytes for name, size in measurement.sizes.items()},
            "error": measurement.trouble,
        },
        status=status,
        measurement=measurement,
    )
