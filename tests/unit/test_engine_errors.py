"""Docker's exceptions become sentences a person can act on."""

from __future__ import annotations

import errno
import json
import socket
import ssl

import docker.errors
import pytest
import requests
import urllib3.exceptions

from webui.engine.errors import engine_words, translate, translated
from webui.errors import (
    ConflictError,
    DemijohnError,
    EngineError,
    EngineUnreachableError,
    InvalidInputError,
    NotFoundError,
)


def answer(status: int, words: str | None) -> docker.errors.APIError:
    """What docker-py raises for an engine's answer."""
    response = requests.Response()
    response.status_code = status
    response.reason = "Some Reason"
    response.url = "http+docker://localhost/v1.41/volumes/data"
    kind = docker.errors.NotFound if status == 404 else docker.errors.APIError
    return kind(f"{status} Server Error for {response.url}", response=response, explanation=words)


@pytest.mark.parametrize(
    ("status", "words", "kind", "message"),
    [
        (404, "get data: no such volume", NotFoundError, "There is no volume data (any more)."),
        (404, 'plugin "nfs" not found', NotFoundError, 'Volume data: Plugin "nfs" not found.'),
        (409, "remove data: volume is in use - [abc]", ConflictError, "Remove data: volume is in use - [abc]."),
        (400, "invalid option", InvalidInputError, "Volume data: Invalid option."),
        (500, "Error response from daemon: disk\n full", EngineError, "Volume data: Disk full."),
        (503, "This node is not a swarm manager.", EngineError, "Volume data: This node is not a swarm manager."),
        (500, "", EngineError, "Volume data: Some Reason."),
        (500, None, EngineError, "Volume data: Some Reason."),
    ],
)
def test_an_answer_keeps_the_engines_words_and_loses_the_wrapping(
    status: int, words: str, kind: type[DemijohnError], message: str
) -> None:
    error = translate(answer(status, words), subject="volume data")
    assert type(error) is kind
    assert error.message == message
    assert "http" not in error.message


def wrapped(cause: Exception) -> Exception:
    """The layers that docker-py, requests and urllib3 put around an error of the transport."""
    pool = urllib3.exceptions.ProtocolError("Connection aborted.", cause)
    outer = docker.errors.DockerException(f"Error while fetching server API version: {cause}")
    outer.__cause__ = requests.exceptions.ConnectionError(pool)
    return outer


@pytest.mark.parametrize(
    ("cause", "why", "hint"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file"), "no such socket", "systemctl start docker"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "nobody listens", "systemctl start docker"),
        (PermissionError(errno.EACCES, "denied"), "no permission", "usermod -aG docker"),
        (OSError(errno.EHOSTUNREACH, "No route"), "host can't be reached", "network"),
        (socket.gaierror(-2, "Name or service not known"), "host name is not known", "address"),
        (TimeoutError("timed out"), "did not answer in time", "overloaded"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "connection broke", "restarting"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "secure connection", "certificates"),
    ],
)
def test_a_connection_that_fails_says_why_and_what_to_do(cause: Exception, why: str, hint: str) -> None:
    error = translate(wrapped(cause), subject="the engine at tcp://host:1")
    assert type(error) is EngineUnreachableError
    assert error.message.startswith("The engine at tcp://host:1 can't be reached: ")
    assert why in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    "broken",
    [
        requests.exceptions.ChunkedEncodingError("Connection broken"),
        requests.exceptions.ReadTimeout("Read timed out."),
        urllib3.exceptions.ProtocolError("Connection broken: IncompleteRead"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
    ],
)
def test_a_stream_that_breaks_off_is_a_lost_connection(broken: Exception) -> None:
    error = translate(broken, subject="volume data")
    assert type(error) is EngineUnreachableError
    assert error.message.startswith("The engine can't be reached: ")


def test_other_trouble_of_the_library_is_told_in_its_words() -> None:
    assert type(translate(docker.errors.NullResource("Resource ID was not provided"))) is NotFoundError
    assert type(translate(docker.errors.InvalidArgument("bad"))) is InvalidInputError
    assert translate(docker.errors.DockerException("odd thing")).message == "Odd thing."
    error = translate(json.JSONDecodeError("Expecting value", "<html>", 0), subject="the engine at tcp://a:1")
    assert (type(error), "not one of Docker's API" in error.message) == (EngineError, True)


def test_the_domains_own_errors_pass_unchanged() -> None:
    own = ConflictError("Taken.")
    assert translate(own) is own


def test_a_block_raises_the_domains_error_and_keeps_the_cause() -> None:
    with pytest.raises(NotFoundError) as caught, translated("volume data"):
        raise answer(404, "no such volume: data")
    assert isinstance(caught.value.__cause__, docker.errors.NotFound)


def test_a_mistake_in_the_program_is_not_hidden() -> None:
    with pytest.raises(KeyError), translated("volume data"):
        raise KeyError("x")


def test_very_long_words_are_cut() -> None:
    assert len(translate(answer(500, "x" * 100_000)).message) < 3_000


def test_a_reason_that_stands_right_behind_a_password_is_told_and_the_password_is_not() -> None:
    words = "mount //nas/x:/d, data: addr=10.0.0.1,username=ann,password=pa,,ss: wörd 1: permission denied"
    told = engine_words(answer(500, words))
    assert told.endswith("password=••••••••: permission denied.")
    assert "wörd" not in told
