"""Cloning a volume over HTTP: the form, and the job that does it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from flask import Blueprint, Response, url_for
from htmx_flask import request

from webui import forms
from webui.engine import volumes as engine_volumes
from webui.engine.catalogue import Catalogue
from webui.engine.model import Volume
from webui.errors import DemijohnError, InvalidInputError
from webui.jobs import Job
from webui.jobs.cloning import CloneWish, Writers, cloning, labels_for_clone, start_clone
from webui.jobs.storage_test import passed
from webui.render import done, go, wants_json
from webui.views._shared import catalogue, house, meant_engine, received, wait
from webui.views.volume_dialog import (
    AT_ONCE,
    check_folder,
    failure_of,
    is_podman,
    tested_job,
    volume_dialog,
    wanted_of,
)
from webui.volume_form import CLONE_FIELDS, volume_form

_LONGEST_NAME = 255
_LABELS = ("labels", "labels_key", "labels_text")
blueprint = Blueprint("cloning", __name__, url_prefix="/e/<engine>/volumes")


@blueprint.get("/<name>/-/clone")
def new(engine: str, name: str) -> Response:
    """The form for a clone."""
    found = catalogue(engine)
    volume = engine_volumes.inspect_volume(found.engine, name, wait=wait())
    labels = labels_for_clone(volume.labels)
    sent = {
        "source": (name,),
        "name": (_free_name(name, {each.name for each in found.volumes(fresh=False).items}),),
        "where": ("local",),
        "writers": (Writers.PAUSE.value,),
        "labels_key": tuple(labels),
        "labels_value": tuple(labels.values()),
    }
    return volume_dialog(found, sent)


@blueprint.post("/<name>/clone")
def create(engine: str, name: str) -> Response:
    """Make a volume with all that is in this one, as a job."""
    found, sent = catalogue(engine), received()
    meant_engine(found, sent)
    volume = engine_volumes.inspect_volume(found.engine, name, wait=wait())
    try:
        job = _started(found, sent, volume)
    except DemijohnError as error:
        if wants_json():
            raise
        return volume_dialog(found, sent, error, status=error.status)
    if wants_json():
        return go(url_for("jobs.show", job_id=job.id), {"job": job.to_json()}, status=202)
    job = house().runner.wait(job.id, AT_ONCE)
    if is_made(job):
        return under_way(job)
    return volume_dialog(found, {**sent, "tested": (job.id,)}, status=failure_of(job).status if job.state.over else 200)


def is_made(job: Job) -> bool:
    """Whether the clone has its volume, so that there is nothing more to be said in the form."""
    return bool((job.result or {}).get("volume")) and not job.error


def under_way(job: Job) -> Response:
    """The answer to somebody who waits for that: the rest goes on by itself."""
    return done(
        url_for("jobs.show", job_id=job.id),
        {"job": job.to_json()},
        event="job",
        subject=job.id,
        message=f"Cloning {job.subject}.",
    )


def _started(found: Catalogue, sent: Mapping[str, Any], volume: Volume) -> Job:
    """The job that makes the clone, or the one that does so already. Raises what is wrong with what was sent."""
    also = CLONE_FIELDS - {"source"} if request.is_json else CLONE_FIELDS
    form = volume_form(sent, podman=is_podman(found), exact=request.is_json, also=also)
    writers, leave_out = _writers(sent), forms.flag(sent, "leave_out")
    check_folder(found, form)
    runner, wanted = house().runner, wanted_of(found, form, sent)
    if same := cloning(runner, found.engine, volume.name, form.name):
        return same
    engine_volumes.refuse_existing(found.engine, form.name, wait())
    wish = CloneWish(
        volume.name,
        form.name,
        form.labels if any(field in sent for field in _LABELS) else labels_for_clone(volume.labels),
        wanted,
        tried_first=form.tried_first and not passed(tested_job(sent), wanted),
        writers=writers,
        leave_out=leave_out,
    )
    return start_clone(runner, house().inside(found.engine.name), house().settings.helper_image, wish)


def _writers(sent: Mapping[str, Any]) -> Writers:
    said = forms.text(sent, "writers") or Writers.WATCH
    try:
        return Writers(said)
    except ValueError:
        raise InvalidInputError({"writers": f"This is one of {', '.join(Writers)}."}) from None


def _free_name(name: str, taken: Collection[str]) -> str:
    """A name for a copy that nothing has yet."""
    for number in range(1, len(taken) + 2):
        suffix = "-copy" if number == 1 else f"-copy-{number}"
        candidate = name[: _LONGEST_NAME - len(suffix)] + suffix
        if candidate not in taken:
            return candidate
    raise AssertionError("of more names than there are volumes one is free")
