"""What views have in common: the house, the engine in the URL, and the data that was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, cast

from flask import current_app, g
from htmx_flask import request
from werkzeug.exceptions import UnsupportedMediaType

from webui import forms
from webui.engine.catalogue import PAGE_WAIT, Catalogue, Listing
from webui.errors import ConflictError, DemijohnError, InvalidInputError
from webui.house import House
from webui.render import wants_fragment, wants_json

T = TypeVar("T")
_FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})

SCRIPT_WAIT = 20.0

LONGEST_FORM = 4 * 1024 * 1024
"""Bytes of a form or a JSON body; files do not come this way."""


def house() -> House:
    """What lives as long as the app does."""
    return cast(House, current_app.extensions["demijohn"])


def catalogue(engine: str) -> Catalogue:
    """What is known of the engine named in the URL. Raises NotFoundError."""
    found = house().catalogue(engine)
    g.engine_name = engine
    return found


def wait() -> float:
    """Seconds that the answer may wait for the engine: a page says that it goes on waiting, a script can't."""
    return SCRIPT_WAIT if wants_json() else PAGE_WAIT


class _Shelf(Protocol[T]):
    """What hands out a list as `Shelf.listing` does."""

    def __call__(self, wait: float, *, fresh: bool) -> Listing[T]: ...


def listed(found: Catalogue, shelf: _Shelf[T]) -> Listing[T]:
    """The list that is asked for, as new as it has to be: a fragment of a page may come from what still holds.

    A page is shown what was known last when the engine is in trouble; for a script that trouble is raised.
    """
    if not wants_json():
        return shelf(wait(), fresh=not wants_fragment())
    found.engine.changed()
    listing = shelf(wait(), fresh=True)
    if listing.trouble:
        raise listing.trouble
    return listing


def received(*, longest: int = LONGEST_FORM) -> dict[str, Any]:
    """What was sent: a JSON object as it is, or a form's fields, each as the tuple of its values.

    Nothing is an empty form. More than `longest` bytes are answered with 413.
    Raises InvalidInputError for JSON that is not an object, UnsupportedMediaType for a body that is neither JSON nor a
    form.
    """
    request.max_content_length = request.max_form_memory_size = longest
    if request.is_json and _has_body():
        return _json_object()
    if request.mimetype not in _FORM_TYPES and _has_body():
        raise UnsupportedMediaType
    return {key: tuple(values) for key, values in request.form.to_dict(flat=False).items() if key != "form_token"}


def sent_along(known: set[str]) -> dict[str, Any]:
    """Query and body of a DELETE, which needs neither. Raises InvalidInputError for other fields than `known`."""
    sent: dict[str, Any] = request.args.to_dict() | received()
    forms.check_fields(sent, known)
    return sent


def same_engine(found: Catalogue, sent: Mapping[str, Any]) -> None:
    """Refuse to destroy anything on another engine than the one the person saw.

    Pages send `engine_id`; a script may, in the body, the query or `X-Engine-Id`. Raises ConflictError.
    """
    claimed = (
        forms.text(sent, "engine_id") or request.args.get("engine_id", "") or request.headers.get("X-Engine-Id", "")
    )
    if not claimed and not (request.authorization and request.authorization.type == "bearer"):
        raise InvalidInputError({"engine_id": "Say which engine is meant: its id was not sent along."})
    if claimed and claimed != found.engine.identity():
        raise ConflictError(
            "This is another engine than the one you were looking at; nothing was changed.",
            hint="Reload the page to see what this engine holds.",
        )


def meant_engine(found: Catalogue, sent: Mapping[str, Any]) -> None:
    """The same for what changes something and destroys nothing by itself: only where it was said which engine is meant."""
    if forms.text(sent, "engine_id") or "X-Engine-Id" in request.headers or "engine_id" in request.args:
        same_engine(found, sent)


def outcome(error: DemijohnError | None, **about: Any) -> dict[str, Any]:
    """One item's result of an action on many, for JSON and for the page."""
    if error is None:
        return {**about, "ok": True}
    return {**about, "ok": False, "error": error.message, "hint": error.hint, **error.details()}


def _json_object() -> dict[str, Any]:
    try:
        sent = request.get_json(silent=True)
    except RecursionError:
        sent = None
    if not isinstance(sent, dict):
        raise InvalidInputError({}, "The body is not a JSON object.")
    return sent


def _has_body() -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers
