"""What a volume takes, folder by folder, over HTTP: the newest measurement, or the job that makes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, url_for
from htmx_flask import request
from humanize import precisedelta

from webui import commands, forms
from webui.engine.usage import FolderUsage
from webui.errors import ConflictError, NotFoundError
from webui.jobs import Job, JobState
from webui.jobs.measuring import measuring, newest_failure, start_measure
from webui.jobs.usage_records import Level, UsageRecord
from webui.paths import TOP, VolumePath, name_text
from webui.render import answer, go, wants_fragment, wants_json
from webui.usage_chart import chart
from webui.views._shared import catalogue, house, received
from webui.views.places import Opened, named, opened
from webui.views.receiving import folder_in_query

FAILURE_SECONDS = 60.0
"""How long a failed measurement is what a script is told, rather than that there is a new one."""
blueprint = Blueprint("usage", __name__, url_prefix="/e/<engine>/<place:where>")


@dataclass(frozen=True, slots=True)
class _Known:
    """What there is to say of a folder: the newest measurement, and the job that makes another or the one that could
    not."""

    found: Opened
    path: VolumePath
    record: UsageRecord | None
    job: Job | None

    @property
    def running(self) -> bool:
        """Whether it is being measured now."""
        return self.job is not None and not self.job.state.over

    @property
    def status(self) -> int:
        """Of the answer: 202 while there is nothing to see yet."""
        return 202 if self.running and self.record is None else 200

    @property
    def level(self) -> Level | None:
        """The folder as it was measured; None where nothing was. Raises NotFoundError where it is not known."""
        return self.record.level(self.path) if self.record else None


@blueprint.get("/usage")
def show(engine: str, where: str) -> Response:
    """A folder with those in it, by size; where nothing is known yet it is measured."""
    forms.check_fields(request.args, {"path", "job"})
    known = _known(named(engine, where), folder_in_query())
    if known.record is None and known.job is None:
        _refuse_what_just_failed(known.found)
        known = replace(known, job=_start(opened(engine, where)))
    return _answer(known, known.status)


@blueprint.post("/usage")
def measure(engine: str, where: str) -> Response:
    """Measure anew, in the background."""
    forms.check_fields(received(), set())
    found, path = opened(engine, where), folder_in_query()
    job = _start(found)
    if wants_fragment():
        return _answer(replace(_known(found, path), job=job), 202)
    page = f"{url_for('.show', where=where)}?path={path.id}&job={job.id}"
    return go(url_for("jobs.show", job_id=job.id) if wants_json() else page, {"job": job.to_json()}, status=202)


def _known(found: Opened, path: VolumePath) -> _Known:
    home, engine = house(), found.files.inside.engine
    job = measuring(home.runner, engine, found.place.name) or _watched_in_vain(found, request.args.get("job", ""))
    watched_since = home.catalogue(engine.name).watched_since
    record = home.usage.find(engine.facts().identity, found.place, found.volume, watched_since)
    return _Known(found, path, record, job)


def _watched_in_vain(found: Opened, job_id: str) -> Job | None:
    """The job that the page has watched until now, if nothing came of it: it does not start again by itself."""
    try:
        job = house().runner.get(job_id) if job_id else None
    except NotFoundError:
        return None
    in_vain = job and job.subject == found.place.name and job.state.over and job.state is not JobState.DONE
    return job if in_vain else None


def _refuse_what_just_failed(found: Opened) -> None:
    """Tell a script that asks again and again why there is nothing; a page has watched the job. Raises ConflictError."""
    since = datetime.now(UTC) - timedelta(seconds=FAILURE_SECONDS)
    failed = (
        newest_failure(house().runner, found.files.inside.engine, found.place.name, since) if wants_json() else None
    )
    if failed:
        raise ConflictError(
            f"What is in {found.place.subject} could not be measured. {failed.error}",
            hint="Measure it anew with a POST to this address.",
        )


def _start(found: Opened) -> Job:
    engine = found.files.inside.engine
    feed = catalogue(engine.name).feed
    feed.ensure_running()  # from now on it is noticed when the volume is deleted
    return start_measure(
        house().runner,
        engine,
        found.files,
        house().usage,
        found.place.name,
        on_measured=lambda: feed.announce("size", "measured", found.place.name),
    )


def _answer(known: _Known, status: int) -> Response:
    if wants_json():
        return answer("files/usage.html", "usage", _json(known), status=status)
    shown = _one_that_is_known(known)
    level, record = shown.level, shown.record
    return answer(
        "files/usage.html",
        "usage",
        {},
        status=status,
        where=known.found.where,
        place=known.found.place,
        record=record,
        level=level,
        chart=chart(level) if level else None,
        took=precisedelta(timedelta(seconds=record.seconds), format="%0.1f") if record else "",
        asked=known.path,
        job=known.job,
        running=known.running,
        command=commands.usage(known.found.place, shown.path),
    )


def _one_that_is_known(known: _Known) -> _Known:
    """The same of the top folder, where the measurement does not know the folder that was asked for."""
    try:
        known.level  # noqa: B018 - it may raise
    except NotFoundError:
        return replace(known, path=TOP)
    return known


def _json(known: _Known) -> dict[str, Any]:
    job = known.job.to_json() if known.job else None
    record, level = known.record, known.level
    if record is None or level is None:
        return {"job": job}
    return {
        "path": level.path.text,
        "bytes": level.bytes,
        "files": level.files,
        "folders": [_folder_json(folder) for folder in level.folders],
        "rest": level.rest,
        "unreadable": record.usage.unreadable,
        "measured_at": record.measured_at.isoformat(),
        "age_seconds": round((datetime.now(UTC) - record.measured_at).total_seconds()),
        "seconds": round(record.seconds, 3),
        "job": job,
    }


def _folder_json(folder: FolderUsage) -> dict[str, Any]:
    path = VolumePath(folder.path)
    return {
        "path": path.text,
        "name": name_text(path.name),
        "id": path.id,
        "bytes": folder.bytes,
        "files": folder.files,
    }
