"""Docker's exceptions, those of the libraries beneath it included, turned into the domain's.

The statuses are those of Docker's Engine API: https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

import errno
import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import msgspec
import requests
import urllib3.exceptions

from webui.engine.secrets import masked_text
from webui.errors import (
    ConflictError,
    DemijohnError,
    EngineError,
    EngineUnreachableError,
    InvalidInputError,
    NotFoundError,
)

TRANSLATED = (
    docker.errors.DockerException,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    json.JSONDecodeError,
    msgspec.DecodeError,
)
"""What a call to an engine may raise beside the domain's errors."""

_LONGEST_MESSAGE = 2_000
_WRAPPING = re.compile(r"^(error response from daemon|error):\s*", re.IGNORECASE)
_NO_SUCH = re.compile(
    r"get (?P<name>\S+): no such (?P<noun>\w+)\.|no such (?P<other_noun>\w+): (?P<other_name>\S+)\.", re.IGNORECASE
)
_REASONS_OF_MOUNTS = frozenset(
    {
        "permission denied",
        "operation not permitted",
        "no such file or directory",
        "no such device",
        "connection refused",
    }
    | {"connection timed out", "no route to host", "network is unreachable", "host is down", "invalid argument"}
    | {"operation not supported", "protocol not supported", "not a directory", "input/output error", "no such host"}
    | {
        "required key not available",
        "key was rejected by service",
        "device or resource busy",
        "connection reset by peer",
    }
)
_DRIVER_AWAY = re.compile(
    r"error while checking if volume \"(?P<volume>[^\"]+)\" exists in driver \"(?P<driver>[^\"]+)\"", re.IGNORECASE
)
_CONNECTION_TROUBLE = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
)
_START_HINT = "Start it, for example with `systemctl start docker`; the page goes on by itself then."
_ACCESS_HINT = "Give this account access, for example with `sudo usermod -aG docker $USER`, and log in again."
_NETWORK_HINT = "Check the address and the network; the page goes on by itself then."
_TLS_HINT = "Check the engine's address and the certificates of its context (or DOCKER_CERT_PATH)."
_REASONS: dict[int, tuple[str, str]] = {
    errno.ENOENT: ("there is no such socket, so it is probably not running", _START_HINT),
    errno.ECONNREFUSED: ("nobody listens there, so it is probably not running", _START_HINT),
    errno.EACCES: ("this account has no permission to use its socket", _ACCESS_HINT),
    errno.EPERM: ("this account has no permission to use its socket", _ACCESS_HINT),
    errno.EHOSTUNREACH: ("its host can't be reached", _NETWORK_HINT),
    errno.ENETUNREACH: ("its network can't be reached", _NETWORK_HINT),
    errno.ETIMEDOUT: ("it did not answer in time", _NETWORK_HINT),
}
_BROKEN = (
    "the connection broke",
    "The engine may be restarting; the page goes on by itself then.",
)
_SILENT = (
    "it did not answer in time",
    "It may be overloaded or stopped; the page goes on by itself then.",
)


@contextmanager
def translated(subject: str = "") -> Iterator[None]:
    """Raise the domain's error for what docker-py raises inside the block. `subject` as for `translate`."""
    try:
        yield
    except TRANSLATED as error:
        raise translate(error, subject=subject) from error


def translate(error: Exception, *, subject: str = "") -> DemijohnError:
    """The domain's error for one of docker-py's or of what is beneath it; the domain's own stay as they are.

    `subject` is what the call was about, as it reads inside a sentence: `volume data`, `the engine at unix:///…`.
    """
    if isinstance(error, DemijohnError):
        return error
    for answer in (error, error.__cause__):
        if isinstance(answer, docker.errors.APIError):
            return _answered(answer, subject)
    cause = _transport_error(error)
    if cause is not None:
        return _unreachable(cause, subject)
    if isinstance(error, docker.errors.NullResource):
        return NotFoundError(_sentence(f"{subject or 'What was asked for'} has no name or id"))
    if isinstance(error, docker.errors.InvalidArgument | docker.errors.InvalidRepository):
        return InvalidInputError({}, _about(subject, _plain(str(error))))
    return EngineError(_about(subject, _failure(error)))


def engine_words(error: docker.errors.APIError) -> str:
    """What the engine itself said, as a sentence without HTTP's wrapping and without the secrets of mount options."""
    said = error.explanation
    if not isinstance(said, str) or not said.strip():
        said = str(getattr(error.response, "reason", "") or "The engine gave no reason")
    return _sentence(_masked(_plain(said)))


def _masked(said: str) -> str:
    """What an engine said with secrets masked; the system's own reason at its end may stand right behind one."""
    head, colon, reason = said.rpartition(": ")
    return f"{masked_text(head)}{colon}{reason}" if reason.rstrip(".") in _REASONS_OF_MOUNTS else masked_text(said)


def _driver_trouble(words: str) -> EngineError | None:
    """What the engine says where it asks the volume's driver and gets no answer."""
    told = _DRIVER_AWAY.search(words)
    if told is None:
        return None
    driver, volume = told["driver"], told["volume"]
    return EngineError(
        f"The volume driver {driver} does not answer, and without it the engine can’t do anything with volume {volume}.",
        hint="Start it again (see Drivers and plugins), then try again; what the volume holds is where it was.",
    )


def _answered(error: docker.errors.APIError, subject: str) -> DemijohnError:
    words = engine_words(error)
    status = error.status_code
    if status == 404:
        return NotFoundError(_missing(words, subject))
    message = _about(subject, words)
    if trouble := _driver_trouble(words):
        return trouble
    if status == 409:
        return ConflictError(message)
    if status == 400:
        return InvalidInputError({}, message)
    return EngineError(message)


def _failure(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError | requests.exceptions.JSONDecodeError | msgspec.DecodeError):
        return "the answer was not one of Docker's API"
    return _plain(str(error) or type(error).__name__)


def _missing(words: str, subject: str) -> str:
    told = _NO_SUCH.fullmatch(words)
    if told:
        noun, name = (told["noun"], told["name"]) if told["noun"] else (told["other_noun"], told["other_name"])
        return f"There is no {noun.lower()} {name} (any more)."
    if subject and re.search(r"\bno such \w+", words, re.IGNORECASE) and _last_word(subject) in words:
        return f"There is no {subject} (any more)."
    return _about(subject, words)


def _transport_error(error: BaseException) -> BaseException | None:
    """The innermost error of the transport in the chain, or None where the engine did answer."""
    found: BaseException | None = None
    seen: set[int] = set()
    pending = [error]
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, _CONNECTION_TROUBLE) and not isinstance(current, requests.HTTPError):
            found = current
        inner = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        pending.extend(part for part in inner if isinstance(part, BaseException))
    return found


def _unreachable(cause: BaseException, subject: str) -> EngineUnreachableError:
    why, hint = _reason(cause)
    who = subject if "engine" in subject.lower() else "the engine"
    return EngineUnreachableError(_sentence(f"{who} can't be reached: {why}"), hint=hint)


def _reason(cause: BaseException) -> tuple[str, str]:
    if isinstance(cause, ssl.SSLError | requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        return f"no secure connection could be made ({_plain(str(cause))})", _TLS_HINT
    if isinstance(cause, socket.gaierror | urllib3.exceptions.NameResolutionError):
        return "its host name is not known", _NETWORK_HINT
    if isinstance(cause, TimeoutError | requests.exceptions.Timeout | urllib3.exceptions.TimeoutError):
        return _SILENT
    known = _REASONS.get(getattr(cause, "errno", None) or 0)
    return known or _BROKEN


def _last_word(subject: str) -> str:
    return subject.rsplit(maxsplit=1)[-1]


def _about(subject: str, words: str) -> str:
    sentence = _sentence(words)
    if not subject or _last_word(subject) in words:
        return sentence
    return f"{_capital(subject)}: {sentence}"


def _plain(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(_WRAPPING, "", text)
    text = re.sub(r"\d{3} (Client|Server) Error for \S+:\s*", "", text)
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + "…"


def _sentence(text: str) -> str:
    text = _capital(text)
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
