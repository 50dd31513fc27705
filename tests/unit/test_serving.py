"""The server: streams do not starve requests, bodies are streamed, and nobody can hold it up."""

from __future__ import annotations

import http.client
import resource
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request

from webui import serving
from webui.security.headers import CONTENT_SECURITY_POLICY
from webui.serving import Server

STREAMS = 64
CROWD = 200
MEGABYTE = 2**20


class Application:
    """Streams events, counts bytes, refuses bodies, and greets."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.ended = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        status = "401 Unauthorized" if path == "/refuse" else "200 OK"
        body = {"/events": self._events, "/count": lambda: self._count(environ)}.get(path, lambda: [b"hello"])()
        start_response(status, [("Content-Type", "text/plain")])
        return body

    def _events(self) -> Iterator[bytes]:
        try:
            yield b"data: hello\n\n"
            while not self.stopping.wait(0.1):
                yield b": still here\n\n"
        finally:
            self.ended.release()

    def _count(self, environ: dict[str, Any]) -> list[bytes]:
        total = 0
        while piece := environ["wsgi.input"].read(65_536):
            total += len(piece)
        return [str(total).encode()]


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def server(application: Application) -> Iterator[Server]:
    server = Server("127.0.0.1", 0)
    server.start(application)
    try:
        yield server
    finally:
        application.stopping.set()
        server.stop()


@pytest.fixture(scope="module")
def steady() -> Iterator[Server]:
    """One for all tests that leave nothing behind. It is a Flask app that reads whole bodies."""
    app = Flask(__name__)
    app.add_url_rule("/", "count", lambda: str(len(request.get_data())), methods=["GET", "POST"])
    server = Server("127.0.0.1", 0)
    server.start(app)
    try:
        yield server
    finally:
        server.stop()


def connect(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)


def get(server: Server, path: str = "/") -> http.client.HTTPResponse:
    connection = connect(server)
    connection.request("GET", path)
    response = connection.getresponse()
    response.body = response.read()
    connection.close()
    return response


def test_many_open_event_streams_do_not_starve_requests(server: Server, application: Application) -> None:
    streams = [connect(server) for _ in range(STREAMS)]
    try:
        for stream in streams:
            stream.request("GET", "/events")
        responses = [stream.getresponse() for stream in streams]
        assert all(response.readline() == b"data: hello\n" for response in responses)
        for _ in range(100):
            assert get(server).body == b"hello"
    finally:
        for stream in streams:
            stream.close()


def test_a_stream_ends_when_its_reader_has_gone(server: Server, application: Application) -> None:
    stream = connect(server)
    stream.request("GET", "/events")
    response = stream.getresponse()
    response.readline()
    response.close()
    stream.close()
    assert application.ended.acquire(timeout=5)


def test_a_large_body_is_streamed_and_not_held(server: Server) -> None:
    size = 256 * MEGABYTE
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    connection = connect(server)
    connection.putrequest("PUT", "/count")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    for _ in range(size // MEGABYTE):
        connection.send(b"x" * MEGABYTE)
    assert connection.getresponse().read() == str(size).encode()
    connection.close()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


def test_a_body_that_is_refused_is_not_read(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sender:
        sender.sendall(b"PUT /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n" + b"x" * 1000)
        sender.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sender.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"Connection: close" in answer


HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: %d\r\n\r\n%b" % (len(HIDDEN), HIDDEN),
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN),
    ],
)
def test_an_unread_body_is_never_taken_for_a_request(server: Server, rest: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as sender:
        sender.sendall(b"POST /refuse HTTP/1.1\r\nHost: x\r\n" + rest)
        sender.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sender.recv(4096), b""))
    assert answer.count(b"HTTP/1.1") == 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds that the head of a request may take, few enough to wait for."""
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.5)
    return 0.5


def ask(server: Server, data: bytes) -> bytes:
    """All that the server answers to these bytes until it hangs up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(data)
        return b"".join(iter(lambda: client.recv(65_536), b""))


@pytest.fixture
def crowd(server: Server) -> Iterator[list[socket.socket]]:
    """More connections than the server has threads."""
    clients = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(CROWD)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx",
        b"GET /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_half_open_requests_hold_nobody_up(server: Server, crowd: list[socket.socket], sent: bytes) -> None:
    for client in crowd:
        client.sendall(sent)
    started = time.monotonic()
    for _ in range(10):
        assert get(server).body == b"hello"
    assert time.monotonic() - started < 2


def test_a_crowd_without_end_drives_out_its_own_first(server: Server, crowd: list[socket.socket]) -> None:
    more = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(100)]
    try:
        assert crowd[0].recv(1) == b""
        assert get(server).body == b"hello"
        more[-1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert more[-1].recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for client in more:
            client.close()


def test_bytes_that_trickle_do_not_put_off_the_end(server: Server, impatient: float) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=impatient / 10) as client:
        started = time.monotonic()
        client.sendall(b"GET / HTTP/1.1\r\nX: ")
        while True:
            try:
                client.sendall(b"x")
                assert client.recv(1) == b""
                break
            except TimeoutError:
                assert time.monotonic() - started < 10
            except ConnectionError:
                break
        assert time.monotonic() - started >= impatient / 2


def test_an_idle_connection_has_its_time_from_the_next_first_byte(server: Server, impatient: float) -> None:
    connection = connect(server)
    for _ in range(2):
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"hello"
        local = connection.sock.getsockname()
        time.sleep(impatient * 1.5)
        assert connection.sock.getsockname() == local
    connection.close()


def test_a_slow_upload_and_a_long_stream_have_all_the_time_they_need(server: Server, impatient: float) -> None:
    stream = connect(server)
    stream.request("GET", "/events")
    events = stream.getresponse()
    upload = connect(server)
    upload.putrequest("PUT", "/count")
    upload.putheader("Content-Length", "10")
    upload.endheaders()
    started = time.monotonic()
    for _ in range(10):
        upload.send(b"x")
        time.sleep(impatient / 5)
    assert upload.getresponse().read() == b"10"
    assert time.monotonic() - started > impatient
    assert [events.readline() for _ in range(30)].count(b": still here\n") >= 10
    upload.close()
    events.close()
    stream.close()


def test_requests_that_come_together_are_answered_in_turn(server: Server) -> None:
    first = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    assert ask(server, first * 3 + last).count(b"hello") == 4


def test_a_small_body_that_the_app_did_not_want_keeps_the_connection(server: Server) -> None:
    connection = connect(server)
    connection.connect()
    connection.sock.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
    response = http.client.HTTPResponse(connection.sock)
    response.begin()
    assert (response.read(), response.getheader("Connection")) == (b"hello", None)
    connection.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: x",
        b"GET / HTTP/1.1\r\nHost: x\r\nhOST: y",
        b"GET / HTTP/1.1\r\nHost: x\r\n y",
        b"GET / HTTP/1.1\r\n Host: x",
        b"GET / HTTP/1.1\r\nHost : x",
        b"GET / HTTP/1.1\r\nHost: x\rHost: y",
        b"GET / HTTP/1.1\r\nHost: x\r\nSec_Fetch_Site: same-origin",
        b"GET / HTTP/1.1\r\nHost: x\r\nno colon",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b",
        b"GET / HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nCookie: b=1",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1_0",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ,",
        b"POST / HTTP/1.0\r\nHost: x\r\nConnection: Keep-Alive\r\nTransfer-Encoding: chunked",
        b"GET //[ HTTP/1.1\r\nHost: x",
        b"GET http://x/ HTTP/1.1\r\nHost: x",
    ],
)
def test_what_could_be_understood_in_two_ways_is_refused(steady: Server, head: bytes) -> None:
    answer = ask(steady, head + b"\r\n\r\n" + HIDDEN)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET / HTTP/1.1 x", b"400"),
        (b"CONNECT x:1 HTTP/1.1", b"405"),
        (b"GET /%b HTTP/1.1" % (b"x" * 100_000), b"414"),
        (b"GET / HTTP/2.0", b"505"),
    ],
)
def test_answers_of_the_server_itself_are_protected_too(steady: Server, line: bytes, status: bytes) -> None:
    answer = ask(steady, line + b"\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert f"\r\nContent-Security-Policy: {CONTENT_SECURITY_POLICY}\r\n".encode() in answer
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in answer
    assert b"\r\nConnection: close\r\n" in answer


CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b"0\r\n\r\n", 0),
        (b"5\r\nhello\r\n0\r\n\r\n", 5),
        (b"00A;x=1\r\n0123456789\r\n1 \r\nx\r\n0\r\nTrailer: x\r\n\r\n", 11),
        (b"40000\r\n%b\r\n0\r\n\r\n" % (b"x" * 0x40000), 0x40000),
    ],
)
def test_chunks_are_put_together(steady: Server, body: bytes, size: int) -> None:
    answer = ask(steady, CHUNKED + body)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n%d" % size)


@pytest.mark.parametrize(
    "body",
    [
        b"ffffffffffffffff\r\nx",
        b"-1\r\nx",
        b"0x1\r\nx",
        b"1_0\r\nx",
        b"\r\nx",
        b"x\r\n",
        b"1\nx\r\n0\r\n\r\n",
        b"1\r\nxx\r\n0\r\n\r\n",
        b"1" * 10_000,
    ],
)
def test_malformed_chunks_are_refused(steady: Server, body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    answer = ask(steady, CHUNKED + body + b"\r\n" + HIDDEN)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert not caplog.records


def test_a_chunked_body_that_breaks_off_is_refused(steady: Server) -> None:
    with socket.create_connection(("127.0.0.1", steady.port), timeout=10) as client:
        client.sendall(CHUNKED + b"fffffffffff\r\nx")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_headers_are_bounded(server: Server) -> None:
    connection = connect(server)
    connection.request("GET", "/", headers={"X-Long": "x" * 100_000})
    assert connection.getresponse().status == 413
    connection.close()
    assert get(server).status == 200


def test_versions_are_not_told(server: Server) -> None:
    assert get(server).getheader("Server") == "Demijohn"


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_port_that_is_taken_is_an_error_with_the_way_out(server: Server) -> None:
    with pytest.raises(OSError, match=f"port {server.port} .* in use: .*--port"):
        Server("127.0.0.1", server.port)


def test_stopping_does_not_wait_for_a_request_that_hangs() -> None:
    entered, release = threading.Event(), threading.Event()

    def hang(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        entered.set()
        release.wait(60)
        start_response("200 OK", [])
        return []

    server = Server("127.0.0.1", 0)
    server.start(hang)
    connection = connect(server)
    connection.request("GET", "/")
    assert entered.wait(5)
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 6
    release.set()
    connection.close()


def test_nothing_is_done_while_nothing_happens(server: Server) -> None:
    get(server)
    before = time.process_time()
    time.sleep(1)
    assert time.process_time() - before < 0.02


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def test_tls_serves_and_is_not_held_up_by_handshakes_that_stall(
    certificate: tuple[Path, Path], application: Application
) -> None:
    server = Server("127.0.0.1", 0, certificate=certificate[0], key=certificate[1])
    server.start(application)
    context = ssl.create_default_context(cafile=str(certificate[0]))
    stalled = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(CROWD)]
    plain = socket.create_connection(("127.0.0.1", server.port))
    try:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        started = time.monotonic()
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=5)
        for _ in range(2):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"hello"
        connection.close()
        assert time.monotonic() - started < 2
    finally:
        for client in (*stalled, plain):
            client.close()
        server.stop()


def test_a_certificate_that_is_none_is_an_error(tmp_path: Path) -> None:
    for name in ("certificate.pem", "key.pem"):
        (tmp_path / name).write_text("nothing")
    with pytest.raises(OSError, match=r"(?i)pem"):
        Server("127.0.0.1", 0, certificate=tmp_path / "certificate.pem", key=tmp_path / "key.pem")
