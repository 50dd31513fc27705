"""Images over HTTP: list, pull, remove, and the small one made from this machine's tools."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from htmx_flask import request

from webui import commands, forms
from webui.engine import images as engine_images
from webui.engine.catalogue import Catalogue
from webui.engine.references import reference_problem
from webui.errors import InvalidInputError
from webui.jobs import Job, start_pull, start_tools_image
from webui.render import answer, done, go, wants_fragment, wants_json
from webui.views._shared import catalogue, house, listed, received, same_engine, sent_along
from webui.views.shapes import image_json

blueprint = Blueprint("images", __name__, url_prefix="/e/<engine>/images")


@blueprint.get("")
def index(engine: str) -> Response:
    """The local images."""
    found = catalogue(engine)
    images = listed(found, found.images.listing)
    asked = request.args.get("q", "").strip().casefold()
    shown = [image for image in images.items if asked in "\n".join((image.id, *image.tags)).casefold()]
    return answer(
        "images/list.html",
        "listing",
        {"images": [image_json(image) for image in shown]},
        status=images.trouble.status if images.trouble else 200,
        images=shown,
        listing=images,
        asked=request.args.get("q", ""),
        pulling=[job for job in house().runner.unfinished() if job.engine == engine],
        command=commands.image_list(),
    )


@blueprint.get("/-/pull")
def ask_pull(engine: str) -> Response:
    """The form that asks which image to pull."""
    catalogue(engine)
    return _pull_form({"image": request.args.get("image", ""), "stay": request.args.get("stay", "")}, {})


@blueprint.post("/pull")
def pull(engine: str) -> Response:
    """Pull an image, as a job."""
    found = catalogue(engine)
    sent = received()
    forms.check_fields(sent, {"image", "reference", "stay"})
    reference = forms.text(sent, "image") or forms.text(sent, "reference")
    problem = reference_problem(reference)
    if problem and wants_json():
        raise InvalidInputError({"image": problem})
    if problem:
        return _pull_form({"image": reference, "stay": forms.text(sent, "stay")}, {"image": problem}, status=422)
    job = start_pull(house().runner, found.engine, reference)
    return _watched(job) if forms.flag(sent, "stay") and wants_fragment() else _started(job)


@blueprint.post("/-/tools")
def make_tools(engine: str) -> Response:
    """Make the small image from this machine's tools, as a job."""
    return _started(start_tools_image(house().runner, catalogue(engine).engine))


@blueprint.get("/-/remove")
def confirm_remove(engine: str) -> Response:
    """What removing the named image would do."""
    found = catalogue(engine)
    reference = request.args.get("image", "")
    detail = engine_images.image_detail(found.engine, reference)
    return answer(
        "images/remove.html",
        "dialog",
        image_json(detail.image),
        image=detail.image,
        reference=reference,
        engine_id=found.engine.facts().identity,
        command=commands.image_remove(reference),
    )


@blueprint.post("/-/remove")
def remove(engine: str) -> Response:
    """Remove an image that no container uses."""
    found = catalogue(engine)
    sent = received()
    forms.check_fields(sent, {"image"})
    return _removed(found, sent, forms.text(sent, "image"))


@blueprint.delete("/<path:reference>")
def delete(engine: str, reference: str) -> Response:
    """The same by its name or id."""
    return _removed(catalogue(engine), sent_along(set()), reference)


def _removed(found: Catalogue, sent: dict[str, object], reference: str) -> Response:
    same_engine(found, sent)
    engine_images.remove_image(found.engine, reference)
    return done(url_for(".index"), None, event="image", message=f"Image {reference} was removed.")


def _started(job: Job) -> Response:
    return go(url_for("jobs.show", job_id=job.id), {"job": job.to_json()}, status=202)


def _watched(job: Job) -> Response:
    """The job in the dialog it was asked for in: the form behind it keeps what was typed."""
    lines = house().runner.log(job.id)
    return answer("jobs/dialog.html", "dialog", {"job": job.to_json()}, status=202, job=job, lines=lines)


def _pull_form(sent: dict[str, str], problems: dict[str, str], status: int = 200) -> Response:
    return answer(
        "images/pull.html",
        "dialog",
        {},
        status=status,
        sent=sent,
        problems=problems,
        command=commands.image_pull(sent["image"]),
    )
