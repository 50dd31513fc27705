"""The log: readable lines on stderr, one an event, without secrets, and not to be forged by what is logged.

Modules log with `logging.getLogger(__name__)`; `configure` decides what is shown.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HIDDEN: Final = "***"

_hidden_values: set[str] = set()

_QUOTED_OR_BARE = r"""(?:b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*'|(?:Bearer |Basic )?[^\s,&;"'<>)\]}]+)"""
_NAMED_SECRET = re.compile(
    r"""(?P<name>(?:pass(?:word|wd|phrase)|secret|token|credential|authorization|cookie"""
    r"""|(?:access|secret|private|api|encryption)[_-]?key|\bpass|\bpwd)[\w.-]{0,40}["']?\s{0,2}[=:]\s{0,2})"""
    + _QUOTED_OR_BARE,
    re.IGNORECASE,
)
_ADDRESS_PASSWORD = re.compile(r"(?P<before>\w://[^\s/:@]{0,200}:)[^\s/@]+(?=@)")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_requests = logging.getLogger("webui.requests")


def configure(verbose: bool) -> None:
    """Log to stderr: Demijohn's own events, and warnings of the libraries.

    With `verbose` also the details, a line per request among them. May be called again.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler.formatter, LineFormatter)]:
        root.removeHandler(handler)
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("webui").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.captureWarnings(True)


def hide(secret: str) -> None:
    """Never show this value in the log from now on, wherever it turns up."""
    if secret:
        _hidden_values.add(secret)


def redact(text: str) -> str:
    """`text` without the values that were given to `hide`, and without what is named like a secret."""
    for value in tuple(_hidden_values):
        text = text.replace(value, HIDDEN)
    text = _NAMED_SECRET.sub(rf"\g<name>{HIDDEN}", text)
    return _ADDRESS_PASSWORD.sub(rf"\g<before>{HIDDEN}", text)


def one_line(text: str) -> str:
    """`text` with line ends and other control characters written out: it can't pass for a line of its own."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class LineFormatter(logging.Formatter):
    """Time, level, what happened; below it the traceback, indented: no line of it looks like an event."""

    def format(self, record: logging.LogRecord) -> str:
        time_of_day = self.formatTime(record, "%Y-%m-%d %H:%M:%S")
        lines = [f"{time_of_day} {record.levelname:<8} {one_line(redact(record.getMessage()))}"]
        if record.exc_info:
            lines += _indented(self.formatException(record.exc_info))
        if record.stack_info:
            lines += _indented(record.stack_info)
        return "\n".join(lines)


class RequestLog:
    """WSGI middleware: a line per request at its end (method, path without the query, status, milliseconds).

    The end is when the last byte has left, so a download or an event stream is logged when it closes.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not _requests.isEnabledFor(logging.DEBUG):
            return self._application(environ, start_response)
        started = time.monotonic()
        statuses: list[str] = []

        def noting_status(status: str, *rest: Any) -> Callable[[bytes], object]:
            statuses.append(status)
            return start_response(status, *rest)

        def at_end() -> None:
            milliseconds = (time.monotonic() - started) * 1000
            status = statuses[-1].partition(" ")[0] if statuses else "-"
            _requests.debug("%s %s %s %.0f ms", environ["REQUEST_METHOD"], _path(environ), status, milliseconds)

        return ClosingIterator(self._application(environ, noting_status), at_end)


def _indented(text: str) -> list[str]:
    return [f"    {one_line(line)}" for line in redact(text).split("\n")]


def _path(environ: WSGIEnvironment) -> str:
    path: str = environ["PATH_INFO"]
    return path.encode("latin-1", "replace").decode("utf-8", "backslashreplace")
