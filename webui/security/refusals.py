"""Why a request is turned away, and the answer that says so.

The answers stand on their own: who is refused gets no style sheet, no script and no word about the engines.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Request, Response, current_app, jsonify

from webui.errors import DemijohnError
from webui.render import VARY, wants_json


class RefusalError(DemijohnError):
    """The guard does not let a request through. `headers` go with the answer."""

    template: ClassVar[str] = "refused.html"
    headers: ClassVar[dict[str, str]] = {}


class UnknownHostError(RefusalError):
    """The app was called by a name that is not its own: another site may have pointed its name here."""

    status = 400
    title = "Not an address of this app"


class SignInError(RefusalError):
    """No token, or a wrong one."""

    status = 401
    title = "Sign in"
    template = "sign_in.html"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer realm="Demijohn"'}


class ForeignRequestError(RefusalError):
    """The browser says, or does not rule out, that another site made the request."""

    status = 403
    title = "Not from a page of this app"


class MethodRefusedError(RefusalError):
    """A method that nothing here answers to, and that would show too much if something did."""

    status = 405
    title = "No such method"
    headers: ClassVar[dict[str, str]] = {"Allow": "GET, HEAD, OPTIONS, POST, PUT, DELETE"}


def answer(request: Request, refusal: RefusalError) -> Response:
    """The refusal as JSON for scripts, else as a page; htmx is told to load its page anew and so shows it."""
    response = _body(request, refusal)
    response.status_code = refusal.status
    response.headers.update(refusal.headers)
    response.vary.update(VARY.split(", "))
    if isinstance(refusal, SignInError) and request.headers.get("HX-Request") == "true":
        response.headers["HX-Refresh"] = "true"
    return response


def page(template: str, **context: Any) -> Response:
    """A page for someone who is not let in: the context processors of the app, which ask the engine, stay out of it."""
    return Response(current_app.jinja_env.get_template(template).render(context))


def _body(request: Request, refusal: RefusalError) -> Response:
    if wants_json():
        return jsonify(error=refusal.message, hint=refusal.hint)
    return page(refusal.template, refusal=refusal, request=request)
