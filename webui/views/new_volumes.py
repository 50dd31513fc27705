"""New volumes over HTTP: the form, what it would do, trying its storage, the key sheet, and making them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, make_response, url_for
from htmx_flask import request

from webui import forms
from webui.engine import volumes as engine_volumes
from webui.engine.catalogue import Catalogue
from webui.engine.model import Volume
from webui.errors import ConflictError, DemijohnError, InvalidInputError, NotFoundError
from webui.jobs import Job, JobState
from webui.jobs.storage_test import CREATE, NewVolume, Wanted, passed, start_storage_test, start_tested_volume
from webui.render import answer, go, wants_json
from webui.storage import HINTS, LABELS, PAGES, Crypt, Folder, Where, driver_of, key_sheet
from webui.views._shared import catalogue, house, received, wait
from webui.views.shapes import volume_json
from webui.volume_draft import VolumeDraft, touched, volume_draft
from webui.volume_form import VolumeForm, volume_form

AT_ONCE = 0.3
"""Seconds after which a page shows a test at work, in place of what came of it."""
blueprint = Blueprint("new_volumes", __name__, url_prefix="/e/<engine>/volumes")


@blueprint.post("")
def create(engine: str) -> Response:
    """Make a volume; one whose data lives elsewhere is tried first."""
    found, sent = catalogue(engine), received()
    try:
        form = volume_form(sent, podman=_is_podman(found), exact=request.is_json)
        _check_folder(found, form)
        made = _made(found, form, sent)
    except DemijohnError as error:
        if wants_json():
            raise
        return _form(found, sent, error, status=error.status)
    return _going_on(found, sent, made) if isinstance(made, Job) else _there(made)


@blueprint.get("/-/new")
def new(engine: str) -> Response:
    """The form for a new volume."""
    return _form(catalogue(engine), {name: (request.args[name],) for name in ("name", "where") if name in request.args})


@blueprint.post("/-/preview")
def preview(engine: str) -> Response:
    """The form again, with what would happen and how far a test is; only a test that was asked for goes on."""
    found, sent = catalogue(engine), received()
    job = _job(sent)
    if job and job.kind == CREATE and job.state is JobState.DONE and job.result:
        return _there(engine_volumes.inspect_volume(found.engine, job.result["volume"], wait=wait()))
    try:
        form = volume_form(sent, podman=_is_podman(found), exact=False)
    except InvalidInputError as error:
        fields = touched(sent, error)
        return _form(found, sent, InvalidInputError(fields) if fields else None)
    taken = any(volume.name == form.name for volume in found.volumes(fresh=False).items)
    problem = f"A volume named {form.name} exists already." if taken else ""
    return _form(found, sent, ConflictError(problem, fields={"name": problem}) if taken else None)


@blueprint.post("/-/test")
def test(engine: str) -> Response:
    """Try the storage: mount it once, in a helper container, and remove that again."""
    found, sent = catalogue(engine), received()
    try:
        form = volume_form(_kept(sent), podman=_is_podman(found), named=False, exact=request.is_json)
        _check_folder(found, form)
    except InvalidInputError as error:
        if wants_json():
            raise
        return _form(found, sent, error, status=error.status)
    job = start_storage_test(
        house().runner, found.engine, house().settings.helper_image, _wanted(form, sent, _is_podman(found))
    )
    if wants_json():
        return go(url_for("jobs.show", job_id=job.id), {"job": job.to_json()}, status=202)
    house().runner.wait(job.id, AT_ONCE)
    return _form(found, {**sent, "tested": (job.id,)})


@blueprint.post("/-/key-sheet")
def sheet(engine: str) -> Response:
    """The key sheet of an encrypted volume, as a file to keep."""
    found, sent = catalogue(engine), received()
    form = volume_form(_kept(sent), podman=_is_podman(found), named=False, exact=request.is_json)
    if not isinstance(form.storage, Crypt):
        raise InvalidInputError({"where": "Only encrypted volumes have a key."})
    response = make_response(key_sheet(form.name, form.storage, datetime.now(UTC)))
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{form.name or "volume"}-key-sheet.txt"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _made(found: Catalogue, form: VolumeForm, sent: Mapping[str, Any]) -> Volume | Job:
    """The new volume, or the job that makes it when its storage has answered. Raises what went wrong."""
    wanted = _wanted(form, sent, _is_podman(found))
    if not form.tried_first or passed(_job(sent), wanted):
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
        raise _failure(job)
    return job


def _check_folder(found: Catalogue, form: VolumeForm) -> None:
    """A managed plugin sees few folders of the engine's machine; files anywhere else are gone with the plugin.

    Raises InvalidInputError at `folder`.
    """
    if not isinstance(form.storage, Crypt) or not isinstance(form.storage.inside, Folder):
        return
    driver = next((each for each in found.drivers.rclone(AT_ONCE) if each.short_name == form.storage.driver), None)
    if driver is None or driver.source != "managed":
        return
    path = form.storage.inside.path
    if not any(path.startswith(f"{inside.rstrip('/')}/") for _, inside in driver.folders if inside):
        seen = " or ".join(f"{inside}/… (there {folder}/…)" for folder, inside in driver.folders)
        raise InvalidInputError(
            {
                "folder": f"The plugin {driver.short_name} sees only {seen} of the engine’s machine. Choose a folder below that."
            }
        )


def _there(volume: Volume) -> Response:
    page, list_beside = url_for("volumes.show", name=volume.name), url_for("volumes.index", inspect=volume.name)
    return go(list_beside if request.htmx else page, volume_json(volume))


def _going_on(found: Catalogue, sent: Mapping[str, Any], job: Job) -> Response:
    if wants_json():
        return go(url_for("jobs.show", job_id=job.id), {"job": job.to_json()}, status=202)
    return _form(found, {**sent, "tested": (job.id,)}, status=_failure(job).status if job.state.over else 200)


def _failure(job: Job) -> DemijohnError:
    """What a test that did not go well says, at the field that is to be changed."""
    result = job.result or {}
    hint, field = str(result.get("hint", "")), str(result.get("field", ""))
    sentence = job.error.removesuffix(hint).strip() or job.message
    return InvalidInputError({field: sentence}, hint=hint) if field else ConflictError(sentence, hint=hint)


def _wanted(form: VolumeForm, sent: Mapping[str, Any], podman: bool) -> Wanted:
    return Wanted(form.where, form.storage, podman=podman, attach=form.where.encrypted and forms.flag(sent, "attach"))


def _kept(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Before anything is made nobody has to have kept a passphrase."""
    return {**sent, "kept": "yes"} if "passphrase" in sent else dict(sent)


def _job(sent: Mapping[str, Any]) -> Job | None:
    try:
        return house().runner.get(forms.text(sent, "tested")) if forms.text(sent, "tested") else None
    except NotFoundError:
        return None


def _current_job(found: Catalogue, sent: Mapping[str, Any]) -> Job | None:
    """The test of what the form says now; one of what it said before tells nothing any more."""
    job = _job(sent)
    if job is None or not (job.result or {}).get("mark"):
        return job
    try:
        form = volume_form(_kept(sent), podman=_is_podman(found), named=False, exact=False)
    except InvalidInputError:
        return None
    return job if (job.result or {}).get("mark") == _wanted(form, sent, _is_podman(found)).mark else None


def _form(
    found: Catalogue, sent: Mapping[str, Any], error: DemijohnError | None = None, *, status: int = 200
) -> Response:
    job = _current_job(found, sent)
    if error is None and job and job.state.over and job.state is not JobState.DONE:
        error = _failure(job)
    draft = volume_draft(sent, podman=_is_podman(found))
    problems: Mapping[str, str] = error.details().get("fields", {}) if error else {}
    return answer(
        "volumes/new.html",
        "dialog",
        {},
        status=status,
        draft=draft,
        places=[(where, LABELS[where], _ICONS[where]) for where in Where],
        place_hint=HINTS[draft.where],
        place_page=PAGES[draft.where],
        error=error,
        problems=problems,
        stray=[text for name, text in problems.items() if name not in draft.shown_names],
        drivers=_drivers(found, draft),
        job=job,
    )


_ICONS = {
    Where.LOCAL: "database",
    Where.BIND: "folder",
    Where.TMPFS: "bolt",
    Where.NFS: "server",
    Where.SMB: "share",
    Where.S3: "cloud",
    Where.CRYPT_LOCAL: "lock",
    Where.CRYPT_S3: "cloud-lock",
    Where.OTHER: "plug",
}


def _drivers(found: Catalogue, draft: VolumeDraft) -> tuple[str, ...]:
    if draft.where.by_rclone:
        return tuple(each.short_name for each in found.drivers.rclone(AT_ONCE))
    return found.drivers.names(AT_ONCE)


def _is_podman(found: Catalogue) -> bool:
    """Asked once for a request: an engine that does not answer is not waited for again and again."""
    if "podman" not in g:
        try:
            g.podman = found.engine.facts().product == "Podman"
        except DemijohnError:
            g.podman = False
    return bool(g.podman)
