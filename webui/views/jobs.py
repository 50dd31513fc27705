"""Jobs over HTTP: list, look, cancel."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from webui.render import answer, done
from webui.views._shared import house

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")


@blueprint.get("")
def index() -> Response:
    """The newest jobs first."""
    jobs = house().runner.list()
    return answer("jobs/list.html", "listing", {"jobs": [job.to_json() for job in jobs]}, jobs=jobs)


@blueprint.get("/<job_id>")
def show(job_id: str) -> Response:
    """One job: state, progress, log, result."""
    job, lines = house().runner.get(job_id), house().runner.log(job_id)
    log = [{"at": line.at.isoformat(), "text": line.text} for line in lines]
    return answer("jobs/detail.html", "job", {**job.to_json(), "log": log}, job=job, lines=lines)


@blueprint.delete("/<job_id>")
def cancel(job_id: str) -> Response:
    """Ask a job to stop."""
    job = house().runner.cancel(job_id)
    return done(
        url_for(".show", job_id=job.id), job.to_json(), status=202, event="job", message=f"Cancelling: {job.subject}"
    )


@blueprint.post("/<job_id>/cancel")
def cancel_form(job_id: str) -> Response:
    """The same for a form, which has no DELETE."""
    return cancel(job_id)
