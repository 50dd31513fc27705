"""The one place where an error becomes a page, a fragment or JSON."""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify, make_response, render_template
from werkzeug.exceptions import HTTPException

from webui.errors import DemijohnError
from webui.render import VARY, wants_fragment, wants_json

_log = logging.getLogger(__name__)

_SENTENCES = {
    400: ("The request can't be read", "Reload the page and try again."),
    404: ("There is no such page", "Follow the links at the left instead."),
    405: ("That can't be done at this address", "Go back and use the buttons of the page."),
    413: ("That is too much at once", "Send less than that in one request."),
    415: ("That kind of data is not understood here", "Send a form or JSON."),
}


class UnexpectedError(DemijohnError):
    """A fault of Demijohn's own."""

    status = 500
    title = "A fault in Demijohn"


class RequestError(DemijohnError):
    """A request that no view could take, with the status it was refused with."""

    def __init__(self, status: int, title: str, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.refused_with = status
        self.heading = title


def init_app(app: Flask) -> None:
    """Let every error of a view be answered here."""
    app.register_error_handler(DemijohnError, error_response)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _unexpected)


def error_response(error: DemijohnError) -> Response:
    """The error as the request wants it, with its status."""
    status = error.refused_with if isinstance(error, RequestError) else error.status
    title = error.heading if isinstance(error, RequestError) else error.title
    if wants_json():
        response = jsonify({"error": error.message, **({"hint": error.hint} if error.hint else {}), **error.details()})
    elif wants_fragment():
        response = make_response(render_template("_error.html", error=error, title=title))
    else:
        response = make_response(render_template("error.html", error=error, title=title))
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = "2"
    response.vary.update(VARY.split(", "))
    return response


def _refused(error: HTTPException) -> Response:
    code = error.code or 500
    if error.response is not None or code < 400:
        return make_response(error.get_response())
    title, hint = _SENTENCES.get(code, (error.name, ""))
    response = error_response(RequestError(code, title, f"{title}.", hint))
    if code == 405:
        response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    return response


def _unexpected(error: Exception) -> Response:
    _log.error("a request failed unexpectedly", exc_info=error)
    return error_response(
        UnexpectedError(
            "Demijohn met a fault of its own; what you asked for may not have been done.",
            hint="Look at the list before you try again. The terminal that Demijohn was started in says more.",
        )
    )
