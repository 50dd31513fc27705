"""What reaches the terminal: readable lines, no secrets, no forged lines."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client

from webui import log

SECRET = "hunter2-hunter2"
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DEBUG|INFO|WARNING|ERROR|CRITICAL) +\S.*")


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("webui")
    handlers, levels = root.handlers[:], (root.level, own.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])
    logging.captureWarnings(False)


def written(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def formatted(message: str, *arguments: Any, error: Exception | None = None, stack: str | None = None) -> str:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("webui", logging.INFO, "", 1, message, arguments, exc_info, sinfo=stack)
    return log.LineFormatter().format(record)


class TestShown:
    def test_an_event_is_one_line_on_stderr(self, capsys: pytest.CaptureFixture[str]) -> None:
        log.configure(verbose=False)
        logging.getLogger("webui.volumes").info("created the volume %s", "data")
        (line,) = written(capsys)
        assert LINE.fullmatch(line)
        assert line.endswith("INFO     created the volume data")

    def test_details_need_verbose(self, capsys: pytest.CaptureFixture[str]) -> None:
        for verbose, count in ((False, 0), (True, 1)):
            log.configure(verbose)
            logging.getLogger("webui.volumes").debug("a detail")
            assert len(written(capsys)) == count

    def test_libraries_only_warn(self, capsys: pytest.CaptureFixture[str]) -> None:
        log.configure(verbose=True)
        logging.getLogger("urllib3").info("connected")
        logging.getLogger("urllib3").warning("retrying")
        (line,) = written(capsys)
        assert line.endswith("retrying")

    def test_configuring_again_does_not_double_the_lines(self, capsys: pytest.CaptureFixture[str]) -> None:
        log.configure(verbose=False)
        log.configure(verbose=False)
        logging.getLogger("webui").info("once")
        assert len(written(capsys)) == 1


class TestRequests:
    def test_a_request_is_a_line_when_verbose(self, capsys: pytest.CaptureFixture[str]) -> None:
        log.configure(verbose=True)
        Client(log.RequestLog(answer)).get(f"/volumes/a%0Ab%C3%A9?token={SECRET}").close()
        (line,) = written(capsys)
        assert re.search(r"DEBUG    GET /volumes/a\\nbé 404 \d+ ms$", line)

    def test_and_none_otherwise(self, capsys: pytest.CaptureFixture[str]) -> None:
        log.configure(verbose=False)
        assert Client(log.RequestLog(answer)).get("/").status_code == 404
        assert written(capsys) == []

    def test_a_stream_is_logged_when_it_closes(self, capsys: pytest.CaptureFixture[str]) -> None:
        log.configure(verbose=True)
        response = Client(log.RequestLog(answer)).get("/events", buffered=False)
        assert written(capsys) == []
        response.close()
        assert len(written(capsys)) == 1


def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("404 NOT FOUND", [])
    return iter([b"nothing", b"here"])


class TestSecrets:
    @pytest.mark.parametrize(
        "text",
        [
            f"password={SECRET}",
            f"PASSWORD = {SECRET}",
            f"type=cifs,o=username=me,password={SECRET},addr=10.0.0.1",
            f"{{'password': '{SECRET}', 'driver': 'local'}}",
            f"{{'password': 'two words {SECRET}'}}",
            f'{{"s3-secret-access-key": "{SECRET}"}}',
            f'{{"password": "a\\"{SECRET}"}}',
            f"crypt_password={SECRET}",
            f"-o crypt-password2={SECRET}",
            f"passphrase: {SECRET}",
            f"aws_secret_access_key={SECRET}",
            f"secret={SECRET}&x=1",
            f"GET /volumes?q=1&token={SECRET}&page=2",
            f"http://127.0.0.1:8765/?token={SECRET}",
            f"Authorization: Bearer {SECRET}",
            f"{{'Authorization': 'Basic {SECRET}'}}",
            f"Cookie: demijohn-8765={SECRET}",
            f"tcp://me:{SECRET}@example.org:2376/x",
            f"password=b'{SECRET}'",
            f"DEMIJOHN_TOKEN={SECRET}",
            f"api_key={SECRET}",
        ],
    )
    def test_what_is_named_like_a_secret_is_hidden(self, text: str) -> None:
        assert SECRET not in formatted(text)
        assert SECRET not in formatted("failed: %s", text)
        assert SECRET not in formatted("failed", error=ValueError(text))
        assert SECRET not in formatted("failed", stack=text)
        assert log.HIDDEN in formatted(text)

    @pytest.mark.parametrize(
        "text",
        [
            "created the volume data",
            "the volume passwords is in use by 3 containers",
            "http://127.0.0.1:8765/e/default/volumes",
            "mounted type=nfs,o=addr=10.0.0.1,rw at /data",
            "key=value",
        ],
    )
    def test_the_rest_stays(self, text: str) -> None:
        assert formatted(text).endswith(text)

    def test_a_value_that_was_hidden_is_nowhere(self) -> None:
        value = "a value known-by-nobody"
        log.hide(value)
        assert value not in formatted(f"x{value}y %s", {"plain": value}, error=ValueError(value))

    def test_hiding_nothing_hides_nothing(self) -> None:
        log.hide("")
        assert formatted("plain").endswith("plain")

    def test_an_exception_of_an_exception_is_hidden_too(self) -> None:
        try:
            try:
                raise KeyError(f"password={SECRET}")
            except KeyError as cause:
                raise RuntimeError("outer") from cause
        except RuntimeError as error:
            text = formatted("failed", error=error)
        assert "RuntimeError: outer" in text
        assert SECRET not in text

    def test_another_handler_does_not_bring_it_back(self) -> None:
        error = ValueError(f"token={SECRET}")
        record = logging.LogRecord("webui", logging.INFO, "", 1, "m", (), (ValueError, error, None))
        logging.Formatter().format(record)
        assert SECRET not in log.LineFormatter().format(record)


class TestForgery:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
    def test_a_name_cannot_start_a_line(self, end: str) -> None:
        forged = f"data{end}2030-01-01 00:00:00 INFO     deleted everything"
        assert len(formatted("created %s", forged).splitlines()) == 1

    @pytest.mark.parametrize("text", ["\x1b[2J", "\x00", "\x07", "\x7f", "\x9b1m", "\u202e", "\u2066", "\ud800"])
    def test_a_name_cannot_steer_the_terminal(self, text: str) -> None:
        line = formatted("created %s", f"a{text}b")
        assert text not in line
        assert "\\" in line

    def test_a_traceback_cannot_either(self) -> None:
        first, *rest = formatted(
            "failed", error=ValueError("x\n2030-01-01 00:00:00 INFO     forged\r\x1b[2J")
        ).splitlines()
        assert LINE.fullmatch(first)
        assert rest
        assert all(line.startswith("    ") for line in rest)

    @given(st.text())
    def test_whatever_it_is_it_stays_one_line(self, text: str) -> None:
        line = formatted("created %s", text)
        assert len(line.splitlines()) == 1
        line.encode()
