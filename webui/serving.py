"""The web server: cheroot, with what it takes to be safe with streams and uploads of any size.

Request bodies reach the app as they arrive, and event streams hold a thread each, so there are plenty of threads: an
idle one costs nothing but address space.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.ssl.builtin import BuiltinSSLAdapter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 128
STOP_SECONDS = 3
"""How long requests under way may take to end when the server stops."""
_IDLE_SECONDS = 60
_IDLE_CONNECTIONS = 256
_WAITING_CONNECTIONS = 256
_MOST_HEADER_BYTES = 64 * 1024
_MOST_DRAINED_BYTES = 256 * 1024
_LINGER_SECONDS = 2.0

log = logging.getLogger(__name__)


class Server:
    """One address, bound at once and served later, so that the app can be told its port."""

    def __init__(self, host: str, port: int, *, certificate: Path | None = None, key: Path | None = None) -> None:
        """Binds. Raises OSError where the address is taken or not this machine's, or a TLS file is no good."""
        self._server = _Server(
            (host, port),
            _not_ready,
            numthreads=THREADS,
            max=THREADS,
            server_name="Demijohn",
            request_queue_size=_WAITING_CONNECTIONS,
            timeout=_IDLE_SECONDS,
            shutdown_timeout=STOP_SECONDS,
        )
        if certificate is not None and key is not None:
            self._server.ssl_adapter = _LazyTls(str(certificate), str(key))
        try:
            _in_daemon_thread(self._server.prepare)
        except OSError as error:
            if "in use" not in str(error):
                raise
            advice = "choose another with --port, where 0 takes a free one"
            raise OSError(f"port {port} of {host} is in use: {advice}") from error
        self._thread = threading.Thread(target=self._server.serve, name="server", daemon=True)

    @property
    def port(self) -> int:
        """The port it really listens on."""
        return int(self._server.bind_addr[1])

    def start(self, application: WSGIApplication) -> None:
        """Serve in the background; connections made since the start are answered first."""
        self._server.wsgi_app = application
        self._thread.start()

    def stop(self) -> None:
        """Accept nothing more, let requests under way end for STOP_SECONDS, then leave them."""
        stopping = threading.Thread(target=self._server.stop, name="server stop", daemon=True)
        stopping.start()
        stopping.join(STOP_SECONDS + 1)


class _Request(HTTPRequest):
    """A request whose body may be left unread: neither read into memory nor taken for the next request."""

    def send_headers(self) -> None:
        if self.chunked_read or self._unread() > _MOST_DRAINED_BYTES:
            self.close_connection = True
        super().send_headers()

    def respond(self) -> None:
        super().respond()
        if self.close_connection and (self.chunked_read or self._unread()):
            _linger(self.conn.socket)

    def _unread(self) -> int:
        return int(getattr(self.rfile, "remaining", 0))


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request


class _Server(wsgi.Server):
    ConnectionClass = _Connection
    max_request_header_size = _MOST_HEADER_BYTES
    max_request_body_size = 0
    keep_alive_conn_limit = _IDLE_CONNECTIONS

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        log.log(level, "%s", msg, exc_info=traceback)


class _LazyTls(BuiltinSSLAdapter):
    """Leaves the handshake to the thread that reads the request: a client that stalls it must not stall others."""

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        wrapped = self.context.wrap_socket(sock, do_handshake_on_connect=False, server_side=True)
        return wrapped, {"wsgi.url_scheme": "https", "HTTPS": "on"}


def _in_daemon_thread(call: Callable[[], None]) -> None:
    """The threads that `call` starts inherit being daemons: a request that hangs can't keep the app from ending."""
    failures: list[OSError] = []

    def attempt() -> None:
        try:
            call()
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join()
    for failure in failures:
        raise failure


def _not_ready(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
    return [b"Demijohn is starting."]


def _linger(connection: socket.socket) -> None:
    """Close for writing, then read on for a moment: closing at once would take the answer from the client."""
    deadline = time.monotonic() + _LINGER_SECONDS
    try:
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(0.2)
        while time.monotonic() < deadline and connection.recv(_MOST_DRAINED_BYTES):
            pass
    except OSError:
        return
