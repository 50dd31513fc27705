"""The form for a new volume as a dialog: what is said in it, the test of its storage, and what a test found wrong.

Volumes are made with it from nothing, see `webui.views.new_volumes`, and from others, see `webui.views.cloning`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, g

from webui import forms
from webui.engine.catalogue import Catalogue
from webui.errors import ConflictError, DemijohnError, InvalidInputError, NotFoundError
from webui.jobs import Job, JobState
from webui.jobs.cloning import writers_of
from webui.jobs.storage_test import Wanted
from webui.render import answer
from webui.storage import HINTS, LABELS, PAGES, Crypt, Folder, Where
from webui.views._shared import house
from webui.volume_draft import VolumeDraft, volume_draft
from webui.volume_form import CLONE_FIELDS, VolumeForm, volume_form

AT_ONCE = 0.3
"""Seconds after which a page shows a test at work, in place of what came of it."""


def check_folder(found: Catalogue, form: VolumeForm) -> None:
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


def failure_of(job: Job) -> DemijohnError:
    """What a test that did not go well says, at the field that is to be changed."""
    result = job.result or {}
    hint, field = str(result.get("hint", "")), str(result.get("field", ""))
    sentence = job.error.removesuffix(hint).strip() or job.message
    return InvalidInputError({field: sentence}, hint=hint) if field else ConflictError(sentence, hint=hint)


def wanted_of(found: Catalogue, form: VolumeForm, sent: Mapping[str, Any]) -> Wanted:
    """The storage that the form describes, to be tried."""
    attach = form.where.encrypted and forms.flag(sent, "attach")
    return Wanted(form.where, form.storage, podman=is_podman(found), attach=attach)


def with_kept(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Before anything is made nobody has to have kept a passphrase."""
    return {**sent, "kept": "yes"} if "passphrase" in sent else dict(sent)


def tested_job(sent: Mapping[str, Any]) -> Job | None:
    """The test, or the job that makes the volume, which the form has begun."""
    try:
        return house().runner.get(forms.text(sent, "tested")) if forms.text(sent, "tested") else None
    except NotFoundError:
        return None


def _current_job(found: Catalogue, sent: Mapping[str, Any]) -> Job | None:
    """The test of what the form says now; one of what it said before tells nothing any more."""
    job = tested_job(sent)
    if job is None or not (job.result or {}).get("mark"):
        return job
    try:
        form = volume_form(with_kept(sent), podman=is_podman(found), named=False, exact=False, also=CLONE_FIELDS)
    except InvalidInputError:
        return None
    return job if (job.result or {}).get("mark") == wanted_of(found, form, sent).mark else None


def volume_dialog(
    found: Catalogue, sent: Mapping[str, Any], error: DemijohnError | None = None, *, status: int = 200
) -> Response:
    """The form with what was sent so far, its test, and what is wrong with it; of a clone also what it is made from."""
    job = _current_job(found, sent)
    if error is None and job and job.state.over and job.state is not JobState.DONE:
        error = failure_of(job)
    draft = volume_draft(sent, podman=is_podman(found))
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
        writers=_writers(found, draft),
    )


def _writers(found: Catalogue, draft: VolumeDraft) -> tuple[str, ...]:
    """The running containers that may write to what is cloned, as far as is known."""
    known = found.volumes(fresh=False).items if draft.source else ()
    source = next((volume for volume in known if volume.name == draft.source), None)
    return tuple(use.name for use in writers_of(source)) if source else ()


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


def is_podman(found: Catalogue) -> bool:
    """Asked once for a request: an engine that does not answer is not waited for again and again."""
    if "podman" not in g:
        try:
            g.podman = found.engine.facts().product == "Podman"
        except DemijohnError:
            g.podman = False
    return bool(g.podman)
