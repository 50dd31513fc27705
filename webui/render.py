"""One call answers as a page, as a fragment of it to htmx, or as JSON, by what the request asks for."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from typing import Any

from flask import Response, jsonify, make_response, redirect, render_template
from htmx_flask import request
from jinja2_fragments.flask import render_block

VARY = "HX-Request, Accept"


def wants_json() -> bool:
    """Whether the request prefers JSON; a script with a bearer token gets it unless it asks for HTML."""
    accept = request.accept_mimetypes
    if request.authorization and request.authorization.type == "bearer" and "text/html" not in accept.values():
        return True
    return bool(accept.quality("application/json") > accept.quality("text/html"))


def wants_fragment() -> bool:
    """Whether htmx asks for a part of a page; after a lost history entry it wants the whole of it."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def answer(template: str, block: str, json: Mapping[str, Any], *, status: int = 200, **context: Any) -> Response:
    """The page, the named block of it, or `json`, with the same status."""
    if wants_json():
        response = jsonify(dict(json))
    elif wants_fragment():
        response = make_response(render_block(template, block, **context))
    else:
        response = make_response(render_template(template, **context))
    response.status_code = status
    response.vary.update(VARY.split(", "))
    return response


def done(
    location: str,
    json: Mapping[str, Any] | None,
    *,
    status: int = 200,
    event: str = "",
    subject: str = "",
    message: str = "",
) -> Response:
    """The answer to a change that worked.

    Scripts get `json` with `status` (204 without a body), htmx closes the dialog, tells the page of `event` and which
    `subject` there is now because of it, and shows `message`, a plain form is sent on to `location` with 303.
    """
    if wants_json():
        response = jsonify(dict(json)) if json is not None else make_response("", 204)
        response.status_code = status if json is not None else 204
        if status == 201:
            response.headers["Location"] = location
    elif request.htmx:
        response = make_response("", 200)
        response.headers["HX-Trigger"] = _trigger(event, subject, message)
        response.headers["HX-Reswap"] = "none"
    else:
        response = make_response(redirect(location, 303))
    response.vary.update(VARY.split(", "))
    return response


def go(location: str, json: Mapping[str, Any], *, status: int = 201) -> Response:
    """The answer to a change after which the person goes elsewhere: JSON with a Location, or the way there."""
    if wants_json():
        response = jsonify(dict(json))
        response.status_code = status
        response.headers["Location"] = location
    elif request.htmx:
        response = make_response("", 200)
        response.headers["HX-Redirect"] = location
    else:
        response = make_response(redirect(location, 303))
    response.vary.update(VARY.split(", "))
    return response


def _trigger(event: str, subject: str, message: str) -> str:
    return dumps({"demijohn:done": {"event": event, "subject": subject, "message": message}})
