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

from webui.serving import Server

STREAMS = 64
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
        started = time.monotonic()
        for _ in range(100):
            assert get(server).body == b"hello"
        assert (time.monotonic() - started) / 100 < 0.05
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


def test_tls_serves_and_is_not_held_up_by_a_handshake_that_stalls(
    certificate: tuple[Path, Path], application: Application
) -> None:
    server = Server("127.0.0.1", 0, certificate=certificate[0], key=certificate[1])
    server.start(application)
    context = ssl.create_default_context(cafile=str(certificate[0]))
    stalled = socket.create_connection(("127.0.0.1", server.port))
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
        stalled.close()
        plain.close()
        server.stop()


def test_a_certificate_that_is_none_is_an_error(tmp_path: Path) -> None:
    for name in ("certificate.pem", "key.pem"):
        (tmp_path / name).write_text("nothing")
    with pytest.raises(OSError, match=r"(?i)pem"):
        Server("127.0.0.1", 0, certificate=tmp_path / "certificate.pem", key=tmp_path / "key.pem")
