"""Volumes over HTTP: list, create, inspect, delete, measure."""

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
from webui.errors import ConflictError, DemijohnError, InvalidInputError
from webui.mounts import volume_name_problem
from webui.render import answer, done, go, wants_json
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


@blueprint.post("")
def create(engine: str) -> Response:
    """Make a volume."""
    found = catalogue(engine)
    sent = received()
    try:
        form = forms.volume_form(sent, volume_name_problem)
        volume = engine_volumes.create_volume(
            found.engine, form.name, driver=form.driver, options=form.options, labels=form.labels, wait=wait()
        )
    except DemijohnError as error:
        if wants_json():
            raise
        return _form_again(found, sent, error)
    return go(
        url_for(".index", inspect=volume.name) if request.htmx else url_for(".show", name=volume.name),
        volume_json(volume),
    )


@blueprint.get("/-/new")
def new(engine: str) -> Response:
    """The form for a new volume."""
    return _form(catalogue(engine), {"name": request.args.get("name", "")}, None)


@blueprint.post("/-/preview")
def preview(engine: str) -> Response:
    """The form again, with what would happen; nothing is made."""
    found = catalogue(engine)
    sent = received()
    try:
        form = forms.volume_form(sent, volume_name_problem)
    except InvalidInputError as error:
        # Fields nobody has touched yet are not complained about.
        touched = {
            name: problem for name, problem in error.fields.items() if name != "name" or forms.text(sent, "name")
        }
        return _form(found, sent, InvalidInputError(touched) if touched else None)
    taken = any(volume.name == form.name for volume in found.volumes(fresh=False).items)
    problem = f"A volume named {form.name} exists already." if taken else ""
    return _form(found, sent, ConflictError(problem, fields={"name": problem}) if taken else None)


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
    volume, raw = engine_volumes.inspect_raw(found.engine, name, reveal=reveal, wait=wait())
    volume = found.sized(volume)
    return answer(
        "volumes/detail.html",
        "inspector",
        volume_json(volume, reveal=reveal),
        volume=volume,
        raw=raw,
        reveal=reveal,
        options=volume.options if reveal else masked_options(volume.options),
        hidden=masked_options(volume.options) != dict(volume.options),
        tab=request.args.get("tab", "overview"),
        command=commands.volume_inspect(name),
    )


@blueprint.delete("/<name>")
def delete(engine: str, name: str) -> Response:
    """Delete a volume that nobody holds."""
    found = catalogue(engine)
    same_engine(found, sent_along(set()))
    _delete(found, name)
    return done(url_for(".index"), None, event="volume", message=f"Volume {name} was deleted.")


def _delete(found: Catalogue, name: str, seen: str = "") -> None:
    house().inside(found.engine.name).end(Place.volume(name))
    engine_volumes.delete_volume(found.engine, name, seen=seen, wait=wait())
    found.forget_size(name)


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


def _form_again(found: Catalogue, sent: dict[str, Any], error: DemijohnError) -> Response:
    response = _form(found, sent, error)
    response.status_code = error.status
    return response


def _form(found: Catalogue, sent: dict[str, Any], error: DemijohnError | None) -> Response:
    options, options_text = _rows(sent, "options")
    labels, labels_text = _rows(sent, "labels")
    name, driver = forms.text(sent, "name", strip=False), forms.text(sent, "driver", strip=False)
    return answer(
        "volumes/new.html",
        "dialog",
        {},
        typed={"name": name, "driver": driver, "options_text": options_text, "labels_text": labels_text},
        rows={"options": options, "labels": labels},
        error=error,
        problems=error.details().get("fields", {}) if error else {},
        drivers=_drivers(found),
        command=commands.volume_create(
            name, driver.strip() or "local", [row for row in options if row[0]], [row for row in labels if row[0]]
        ),
    )


def _rows(sent: Mapping[str, Any], name: str) -> tuple[list[tuple[str, str]], str]:
    """Rows and text as they were sent, after a button: `add-labels`, `remove-labels:2` or `paste-labels`."""
    rows = list(zip(forms.many(sent, f"{name}_key"), forms.many(sent, f"{name}_value"), strict=False))
    pasted = forms.text(sent, f"{name}_text", strip=False)
    verb, _, place = forms.text(sent, "action").partition(":")
    if verb == f"remove-{name}":
        rows = [row for number, row in enumerate(rows) if str(number) != place]
    if verb == f"paste-{name}":
        rows, pasted = _with_pasted(rows, pasted, name)
    if verb == f"add-{name}" or not rows:
        rows = [*rows, ("", "")]
    return rows, pasted


def _with_pasted(rows: list[tuple[str, str]], pasted: str, name: str) -> tuple[list[tuple[str, str]], str]:
    """The rows with those the text means; text that can't be read stays, and the form says why."""
    try:
        found = forms.pasted_entries(pasted, name)
    except InvalidInputError:
        return rows, pasted
    return [row for row in rows if any(row)] + found, ""


def _drivers(found: Catalogue) -> tuple[str, ...]:
    try:
        return found.engine.facts().volume_drivers or ("local",)
    except DemijohnError:
        return ("local",)
