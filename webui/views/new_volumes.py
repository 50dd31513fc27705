"""New volumes over HTTP: the form, what it would do, trying its storage, the key sheet, and making them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, make_response, url_for
from htmx_flask import request

from webui.engine import volumes as engine_volumes
from webui.engine.catalogue import Catalogue
from webui.engine.model import Volume
from webui.errors import ConflictError, DemijohnError, InvalidInputError
from webui.jobs import Job, JobState
from webui.jobs.cloning import KIND as CLONE
from webui.jobs.storage_test import CREATE, NewVolume, passed, start_storage_test, start_tested_volume
from webui.render import go, wants_json
from webui.storage import Crypt, driver_of, key_sheet
from webui.views._shared import catalogue, house, received, wait
from webui.views.cloning import is_made, under_way
from webui.views.shapes import volume_json
from webui.views.volume_dialog import (
    AT_ONCE,
    check_folder,
    failure_of,
    is_podman,
    tested_job,
    volume_dialog,
    wanted_of,
    with_kept,
)
from webui.volume_draft import touched
from webui.volume_form import CLONE_FIELDS, VolumeForm, volume_form

blueprint = Blueprint("new_volumes", __name__, url_prefix="/e/<engine>/volumes")


@blueprint.post("")
def create(engine: str) -> Response:
    """Make a volume; one whose data lives elsewhere is tried first."""
    found, sent = catalogue(engine), received()
    try:
        form = volume_form(sent, podman=is_podman(found), exact=request.is_json)
        check_folder(found, form)
        made = _made(found, form, sent)
    except DemijohnError as error:
        if wants_json():
            raise
        return volume_dialog(found, sent, error, status=error.status)
    return _going_on(found, sent, made) if isinstance(made, Job) else _there(made)


@blueprint.get("/-/new")
def new(engine: str) -> Response:
    """The form for a new volume."""
    return volume_dialog(
        catalogue(engine), {name: (request.args[name],) for name in ("name", "where") if name in request.args}
    )


@blueprint.post("/-/preview")
def preview(engine: str) -> Response:
    """The form again, with what would happen and how far a test is; only a test that was asked for goes on."""
    found, sent = catalogue(engine), received()
    job = tested_job(sent)
    if job and job.kind == CREATE and job.state is JobState.DONE and job.result:
        return _there(engine_volumes.inspect_volume(found.engine, job.result["volume"], wait=wait()))
    if job and job.kind == CLONE and is_made(job):
        return under_way(job)
    try:
        form = volume_form(sent, podman=is_podman(found), exact=False, also=CLONE_FIELDS)
    except InvalidInputError as error:
        fields = touched(sent, error)
        return volume_dialog(found, sent, InvalidInputError(fields) if fields else None)
    taken = any(volume.name == form.name for volume in found.volumes(fresh=False).items)
    problem = f"A volume named {form.name} exists already." if taken else ""
    return volume_dialog(found, sent, ConflictError(problem, fields={"name": problem}) if taken else None)


@blueprint.post("/-/test")
def test(engine: str) -> Response:
    """Try the storage: mount it once, in a helper container, and remove that again."""
    found, sent = catalogue(engine), received()
    try:
        form = _only_storage(found, sent)
        check_folder(found, form)
    except InvalidInputError as error:
        if wants_json():
            raise
        return volume_dialog(found, sent, error, status=error.status)
    job = start_storage_test(house().runner, found.engine, house().settings.helper_image, wanted_of(found, form, sent))
    if wants_json():
        return go(url_for("jobs.show", job_id=job.id), {"job": job.to_json()}, status=202)
    house().runner.wait(job.id, AT_ONCE)
    return volume_dialog(found, {**sent, "tested": (job.id,)})


@blueprint.post("/-/key-sheet")
def sheet(engine: str) -> Response:
    """The key sheet of an encrypted volume, as a file to keep."""
    found, sent = catalogue(engine), received()
    form = _only_storage(found, sent)
    if not isinstance(form.storage, Crypt):
        raise InvalidInputError({"where": "Only encrypted volumes have a key."})
    response = make_response(key_sheet(form.name, form.storage, datetime.now(UTC)))
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{form.name or "volume"}-key-sheet.txt"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _only_storage(found: Catalogue, sent: Mapping[str, Any]) -> VolumeForm:
    """The form as far as its storage goes: it may have no name yet, and be that of a clone."""
    also = frozenset() if request.is_json else CLONE_FIELDS
    return volume_form(with_kept(sent), podman=is_podman(found), named=False, exact=request.is_json, also=also)


def _made(found: Catalogue, form: VolumeForm, sent: Mapping[str, Any]) -> Volume | Job:
    """The new volume, or the job that makes it when its storage has answered. Raises what went wrong."""
    wanted = wanted_of(found, form, sent)
    if not form.tried_first or passed(tested_job(sent), wanted):
        return engine_volumes.create_volume(
            found.engine,
            form.name,
            driver=driver_of(form.storage),
            options=wanted.options,
            labels=form.labels,
            wait=wait(),
        )
    engine_volumes.refuse_existing(found.engine, form.name, wait())
    runner = house().runner
    job = start_tested_volume(
        runner, found.engine, house().settings.helper_image, wanted, NewVolume(form.name, form.labels)
    )
    job = runner.wait(job.id, wait() if wants_json() else AT_ONCE)
    if job.state is JobState.DONE:
        return engine_volumes.inspect_volume(found.engine, form.name, wait=wait())
    if job.state.over and wants_json():
        raise failure_of(job)
    return job


def _there(volume: Volume) -> Response:
    page, list_beside = url_for("volumes.show", name=volume.name), url_for("volumes.index", inspect=volume.name)
    return go(list_beside if request.htmx else page, volume_json(volume))


def _going_on(found: Catalogue, sent: Mapping[str, Any], job: Job) -> Response:
    if wants_json():
        return go(url_for("jobs.show", job_id=job.id), {"job": job.to_json()}, status=202)
    return volume_dialog(found, {**sent, "tested": (job.id,)}, status=failure_of(job).status if job.state.over else 200)
