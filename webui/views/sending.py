"""Answers that are bytes of a volume: their names, the part that is asked for, and how they end when they have to."""

from __future__ import annotations

import errno
import logging
import re
import unicodedata
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from threading import BoundedSemaphore
from typing import Final
from urllib.parse import quote

from flask import Response
from htmx_flask import request
from werkzeug.http import http_date, parse_date
from werkzeug.wsgi import ClosingIterator

from webui.engine.file_model import Entry
from webui.errors import BusyError, DemijohnError
from webui.paths import name_text
from webui.render import VARY

# https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy/sandbox
NOTHING_RUNS: Final = "sandbox; default-src 'none'"
_TURNS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_IN_QUOTES: Final = re.compile(r'[^\x20-\x7e]|["\\%/]')
_ONE_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)
_log = logging.getLogger(__name__)


class RangeError(DemijohnError):
    """The part that is asked for is not in the file."""

    status = 416
    title = "There is no such part"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size:,} bytes, and none of them where you asked for.")


def disposition(name: bytes, *, inline: bool = False) -> str:
    """The Content-Disposition for a file of that name: `filename` in ASCII and `filename*` in UTF-8.

    What is no text, can't be seen or turns the direction stands there as `_`.
    (https://www.rfc-editor.org/rfc/rfc6266, https://www.rfc-editor.org/rfc/rfc8187)
    """
    shown = "".join(map(_letter, name_text(name))) or "download"
    plain = _NOT_IN_QUOTES.sub("_", shown)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"


def etag(entry: Entry) -> str:
    """The version of an entry as a strong tag."""
    return f'"{entry.version}"'


def is_unchanged(entry: Entry) -> bool:
    """Whether the one who asks has this version already."""
    if "If-None-Match" in request.headers:
        return bool(request.if_none_match.contains_weak(entry.version))
    since: datetime | None = request.if_modified_since
    return since is not None and entry.modified.replace(microsecond=0) <= since


def part_asked_for(entry: Entry) -> tuple[int, int] | None:
    """Where the part begins and how long it is; None for the whole file. More than one part is answered with the whole.

    Raises RangeError where no byte of it is there. (https://www.rfc-editor.org/rfc/rfc9110#section-14)
    """
    found = _ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    if found is None or not any(found.groups()) or request.method != "GET" or not _is_version_meant(entry):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, entry.size - int(last)), entry.size
    else:
        start, end = int(first), min(entry.size, int(last) + 1) if last else entry.size
        if last and int(last) < start:
            return None
    if start >= entry.size or start == end:
        raise RangeError(entry.size)
    return start, end - start


def describe(response: Response, entry: Entry) -> None:
    """Add what a browser has to know to ask for the same bytes again."""
    response.vary.update(VARY.split(", "))
    response.headers["ETag"] = etag(entry)
    response.headers["Last-Modified"] = http_date(entry.modified)
    response.headers["Accept-Ranges"] = "bytes"


@contextmanager
def place_among(places: BoundedSemaphore, what: str) -> Iterator[None]:
    """One of so many places. Raises BusyError where all are taken."""
    if not places.acquire(blocking=False):
        raise BusyError(f"Too many {what} run already.", hint="Wait until one of them has ended.")
    try:
        yield
    finally:
        places.release()


def flowing(
    place: AbstractContextManager[None], opening: AbstractContextManager[Iterator[bytes]], what: str
) -> Iterator[bytes]:
    """The bytes that `opening` gives, in a place of their own; both are left when the answer has ended, or its reader
    is gone. Where they break off so does the connection, so that nobody takes a part for the whole.
    """
    with ExitStack() as leaving:
        leaving.enter_context(place)
        chunks = leaving.enter_context(opening)
        close = leaving.pop_all().close
    return ClosingIterator(_whole(chunks, what), close)


def _whole(chunks: Iterator[bytes], what: str) -> Iterator[bytes]:
    try:
        yield from chunks
    except DemijohnError as error:
        _log.warning("%s broke off: %s", what, error)
        raise ConnectionAbortedError(errno.ECONNABORTED, "the bytes ended too early") from error


def _letter(letter: str) -> str:
    seen = letter not in _TURNS and unicodedata.category(letter) not in {"Cc", "Cs", "Zl", "Zp"} and letter != "/"
    return letter if seen else "_"


def _is_version_meant(entry: Entry) -> bool:
    """Whether the file still is the one that a part of was got before (`If-Range`)."""
    said = request.headers.get("If-Range", "").strip()
    if not said:
        return True
    if said.startswith(('"', "W/")):
        return bool(said == etag(entry))
    moment: datetime | None = parse_date(said)
    return bool(moment is not None and moment == entry.modified.replace(microsecond=0))
