"""Containers over HTTP: list, inspect, start, stop, restart, remove, logs; for launching see `launching`."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, make_response, url_for
from htmx_flask import request
from werkzeug.wsgi import ClosingIterator

from webui import commands, forms, listing
from webui.engine import containers as engine_containers
from webui.engine.catalogue import Catalogue
from webui.engine.connection import Engine
from webui.engine.model import ContainerDetail
from webui.engine.secrets import masked_inspection, masked_variables, masked_words
from webui.errors import InvalidInputError
from webui.render import answer, done, wants_json
from webui.views import launching
from webui.views._shared import catalogue, house, listed, received, same_engine, sent_along, wait
from webui.views.shapes import container_detail_json, container_json

blueprint = Blueprint("containers", __name__, url_prefix="/e/<engine>/containers")
launching.add_to(blueprint)

LOG_LINES = 500
MOST_LOG_LINES = 100_000

_ACTIONS: dict[str, tuple[Callable[[Engine, str], None], str]] = {
    "start": (engine_containers.start_container, "was started"),
    "stop": (engine_containers.stop_container, "was stopped"),
    "restart": (engine_containers.restart_container, "was restarted"),
}


@blueprint.get("")
def index(engine: str) -> Response:
    """The list, Demijohn's own helpers left out."""
    found = catalogue(engine)
    query = listing.container_query(request.args)
    containers = listed(found, found.containers.listing)
    page = listing.select_containers(containers.items, query)
    return answer(
        "containers/list.html",
        "rows" if query.page > 1 else "listing",
        {
            "containers": [container_json(each) for each in page.items] if wants_json() else [],
            "total": page.total,
            "page": page.page,
            "pages": page.pages,
        },
        status=containers.trouble.status if containers.trouble else 200,
        page=page,
        query=query,
        listing=containers,
        everything=len(containers.items),
        states=sorted({each.state for each in containers.items}),
        projects=sorted({each.project for each in containers.items if each.project}),
        inspected=request.args.get("inspect", ""),
        command=commands.container_list(),
    )


@blueprint.get("/<reference>")
def show(engine: str, reference: str) -> Response:
    """One container: overview, mounts, logs, raw."""
    found = catalogue(engine)
    detail = engine_containers.inspect_container(found.engine, reference, wait=wait())
    tab, reveal = request.args.get("tab", "overview"), request.args.get("secrets") == "shown"
    return answer(
        "containers/detail.html",
        "inspector",
        container_detail_json(detail, reveal=reveal),
        detail=detail,
        container=detail.container,
        tab=tab,
        logs=engine_containers.container_logs(found.engine, detail.container.id, tail=LOG_LINES)
        if tab == "logs"
        else "",
        raw=detail.raw if reveal else masked_inspection(detail.raw),
        reveal=reveal,
        argv=detail.argv if reveal else masked_words(detail.argv),
        variables=detail.environment if reveal else masked_variables(detail.environment),
        command=commands.container_logs(detail.container.name)
        if tab == "logs"
        else commands.container_inspect(detail.container.name),
    )


@blueprint.post("/<reference>/<any(start, stop, restart):action>")
def act(engine: str, reference: str, action: str) -> Response:
    """Start, stop or restart a container."""
    found = catalogue(engine)
    run, said = _ACTIONS[action]
    run(found.engine, reference)
    container = engine_containers.inspect_container(found.engine, reference).container
    return done(
        url_for(".show", reference=reference),
        container_json(container),
        event="container",
        message=f"{container.name} {said}.",
    )


@blueprint.get("/<reference>/-/remove")
def confirm_remove(engine: str, reference: str) -> Response:
    """What removing the container would do."""
    found = catalogue(engine)
    detail = engine_containers.inspect_container(found.engine, reference)
    with_volumes = request.args.get("volumes") == "yes"
    return answer(
        "containers/remove.html",
        "dialog",
        {**container_detail_json(detail), "named_volumes": list(_named_volumes(detail))},
        detail=detail,
        container=detail.container,
        named_volumes=_named_volumes(detail),
        engine_id=found.engine.facts().identity,
        command=commands.container_remove(
            detail.container.name, anonymous_volumes=with_volumes, stop_first=detail.container.running
        ),
    )


@blueprint.delete("/<reference>")
def remove(engine: str, reference: str) -> Response:
    """Remove a container; `volumes` takes its anonymous volumes along, `stop` stops it first."""
    found = catalogue(engine)
    return _remove(found, reference, sent_along({"volumes", "stop"}))


@blueprint.post("/<reference>/-/remove")
def remove_form(engine: str, reference: str) -> Response:
    """The same for a form, which has no DELETE."""
    found, sent = catalogue(engine), received()
    forms.check_fields(sent, {"volumes", "stop"})
    return _remove(found, reference, sent)


@blueprint.get("/<reference>/logs")
def logs(engine: str, reference: str) -> Response:
    """What the container printed: a page of its own, JSON, or with `follow` or `download` the lines as they come."""
    found = catalogue(engine)
    detail = engine_containers.inspect_container(found.engine, reference, wait=wait())
    if forms.flag(request.args, "follow") or forms.flag(request.args, "download"):
        return _stream(found, detail)
    lines = engine_containers.container_logs(found.engine, detail.container.id, tail=_tail(), wait=wait())
    return answer(
        "containers/logs.html",
        "log",
        {"lines": lines.splitlines()},
        detail=detail,
        container=detail.container,
        logs=lines,
        command=commands.container_logs(detail.container.name),
    )


def _tail() -> int:
    tail = forms.number(request.args, "tail", default=LOG_LINES)
    if not 0 <= tail <= MOST_LOG_LINES:
        raise InvalidInputError({"tail": f"Ask for 0 to {MOST_LOG_LINES} lines, or download the whole log."})
    return tail


def _remove(found: Catalogue, reference: str, sent: dict[str, object]) -> Response:
    same_engine(found, sent)
    container = engine_containers.inspect_container(found.engine, reference).container
    engine_containers.remove_container(
        found.engine, reference, anonymous_volumes=forms.flag(sent, "volumes"), stop_first=forms.flag(sent, "stop")
    )
    return done(url_for(".index"), None, event="container", message=f"Container {container.name} was removed.")


def _named_volumes(detail: ContainerDetail) -> tuple[str, ...]:
    return tuple(
        mount.name for mount in detail.container.mounts if mount.name and mount.name not in detail.anonymous_volumes
    )


def _stream(found: Catalogue, detail: ContainerDetail) -> Response:
    """The log as text, from the beginning for a download, from the last lines on to follow."""
    follow = forms.flag(request.args, "follow")
    lines = engine_containers.follow_logs(
        found.engine, detail.container.id, tail=LOG_LINES if follow else "all", follow=follow
    )
    leave = house().logs.add(lines.close)

    def close() -> None:
        leave()
        lines.close()

    response = make_response(Response(ClosingIterator(lines, close), mimetype="text/plain"))
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if not follow:
        response.headers.set("Content-Disposition", "attachment", filename=f"{detail.container.name}.log")
    return response
