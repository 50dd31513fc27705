"""The web server: cheroot, with what it takes to be safe with slow clients, streams and uploads of any size.

A connection gets a thread when the whole head of a request is there, and until then waits in the lobby, where it costs
next to nothing. Request bodies reach the app as they arrive, and event streams hold a thread each, so there are plenty
of threads: an idle one costs nothing but address space.
"""

from __future__ import annotations

import io
import logging
import re
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from cheroot import wsgi
from cheroot.server import HeaderReader, HTTPConnection, HTTPRequest, KnownLengthRFile
from cheroot.ssl.builtin import BuiltinSSLAdapter
from werkzeug.exceptions import BadRequest

from webui.security.headers import BARE

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

THREADS = 128
STOP_SECONDS = 3
"""How long requests under way may take to end when the server stops."""
HEAD_SECONDS = 10.0
"""How long a request line and its headers may take, from the connection's start or their first byte."""
_IDLE_SECONDS = 60
_IDLE_CONNECTIONS = 256
_WAITING_CONNECTIONS = 256
_LOBBY_CONNECTIONS = 256
_LINGER_SECONDS = 2.0
_MOST_HEADER_BYTES = 64 * 1024
_HEAD_BYTES_TO_DECIDE = _MOST_HEADER_BYTES + 256
"""With so many bytes there, cheroot, which reads lines in pieces of 256, finds out that they are too many without waiting."""
_TLS_RECORD_BYTES = 16 * 1024
_MOST_CHUNK_LINE_BYTES = 4096
_END_OF_HEAD = b"\r\n\r\n"
_ONCE = frozenset({b"Host", b"Authorization", b"Content-Length", b"Transfer-Encoding", b"Cookie", b"Origin"})
# A name with an underscore would look like the one with a dash to the app.
_HEADER = re.compile(rb"([!#$%&'*+.^`|~0-9A-Za-z-]+):([^\0\r\n]*)\r\n")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")

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


class _HeaderReader(HeaderReader):
    """Reads headers, and refuses what two readers could understand differently.

    (https://www.rfc-editor.org/rfc/rfc9112#section-5)
    """

    def __call__(self, rfile: Any, hdict: dict[bytes, bytes] | None = None) -> dict[bytes, bytes]:
        """Adds to `hdict`. Raises ValueError: its text is the answer."""
        headers = {} if hdict is None else hdict
        while (line := rfile.readline()) != b"\r\n":
            header = _HEADER.fullmatch(line)
            if header is None:
                raise ValueError("Malformed header.")
            name, value = header[1].title(), header[2].strip(b" \t")
            if name in headers and name in _ONCE:
                raise ValueError(f"More than one {name.decode()} header.")
            headers[name] = b", ".join((headers[name], value)) if name in headers else value
        _check_framing(headers)
        return headers


def _check_framing(headers: dict[bytes, bytes]) -> None:
    """See that there are no two opinions on where the body ends."""
    length, coding = headers.get(b"Content-Length"), headers.get(b"Transfer-Encoding")
    if length is not None and not _LENGTH.fullmatch(length):
        raise ValueError("Malformed Content-Length header.")
    if coding is not None and coding.lower() != b"chunked":
        raise ValueError("The only transfer coding understood is chunked.")
    if length is not None and coding is not None:
        raise ValueError("Both a Content-Length and a Transfer-Encoding header.")


class _Chunks(io.RawIOBase):
    """A chunked body, a piece at a time, however large a chunk is.

    Reading raises BadRequest where it is malformed or breaks off. Trailers are left unread, as the connection ends.
    (https://www.rfc-editor.org/rfc/rfc9112#section-7.1)
    """

    def __init__(self, source: io.BufferedReader) -> None:
        self._source = source
        self._left = 0
        self._begun = False
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        if not self._left and not self._ended:
            self._start_chunk()
        piece = self._source.read(min(len(target), self._left))
        if self._left and not piece:
            raise BadRequest("The body of the request broke off.")
        self._left -= len(piece)
        target[: len(piece)] = piece
        return len(piece)

    def _start_chunk(self) -> None:
        if self._begun and self._source.read(2) != b"\r\n":
            raise BadRequest("The body of the request has a malformed chunk.")
        line = _CHUNK_LINE.fullmatch(self._source.readline(_MOST_CHUNK_LINE_BYTES))
        if line is None:
            raise BadRequest("The body of the request has a malformed chunk size.")
        self._left = int(line[1], 16)
        self._begun = True
        self._ended = self._left == 0


class _Request(HTTPRequest):
    """A request whose body may be left unread: neither waited for nor taken for the next request."""

    header_reader = _HeaderReader()

    def read_request_line(self) -> bool:
        try:
            return bool(super().read_request_line())  # type: ignore[no-untyped-call]
        except ValueError:
            self.simple_response("400 Bad Request", "Malformed Request-URI")
            return False

    def read_request_headers(self) -> bool:
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        if self.response_protocol != "HTTP/1.1" and b"Transfer-Encoding" in self.inheaders:
            self.simple_response("400 Bad Request", "HTTP/1.0 has no Transfer-Encoding.")
            return False
        return True

    def respond(self) -> None:
        source = self.conn.rfile
        if self.chunked_read:
            self.rfile = io.BufferedReader(_Chunks(source))
        else:
            self.rfile = KnownLengthRFile(source, int(self.inheaders.get(b"Content-Length", 0)))
        self.server.gateway(self).respond()
        if self.chunked_write:
            self.conn.wfile.write(b"0\r\n\r\n")

    def send_headers(self) -> None:
        if self.chunked_read or self._is_body_missing():
            self._leave_unread()
        super().send_headers()

    def simple_response(self, status: str, msg: str = "") -> None:
        """An answer of the server's own. The connection ends with it."""
        self._leave_unread()
        self.sent_headers = True
        body = msg.encode("latin-1", "replace")
        headers = {"Content-Length": len(body), "Content-Type": "text/plain", "Connection": "close", **BARE}
        lines = [f"{self.server.protocol} {status}", *(f"{name}: {value}" for name, value in headers.items())]
        with suppress(OSError):
            self.conn.wfile.write("\r\n".join(lines).encode() + _END_OF_HEAD + body)

    def _leave_unread(self) -> None:
        self.close_connection = True
        self.conn.lingers = True

    def _is_body_missing(self) -> bool:
        """Whether some of what the app left unread is not even here. What is here, cheroot reads and forgets."""
        left = int(getattr(self.rfile, "remaining", 0))
        return left > 0 and left > self.conn.at_hand(left)


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request
    rbufsize = _HEAD_BYTES_TO_DECIDE + _TLS_RECORD_BYTES

    lingers = False
    """Whether it may be sending still: closing at once would take the answer from it."""

    def at_hand(self, wanted: int) -> int:
        """How many of the `wanted` bytes can be read without waiting."""
        self.socket.settimeout(0)
        try:
            return len(self.rfile.peek(wanted))
        except OSError:
            return 0
        finally:
            self.socket.settimeout(self.server.timeout)

    def close(self) -> None:
        if self.lingers:
            self.server.lobby.see_off(self)
        else:
            self.hang_up()

    def hang_up(self) -> None:
        with suppress(OSError):
            super().close()


@dataclass(eq=False, slots=True)
class _Guest:
    """A connection in the lobby: waiting for the head of its request, or leaving, and until when (monotonic seconds)."""

    connection: _Connection
    deadline: float
    leaving: bool = False
    seen: int = 0


class _Lobby:
    """Where connections are that need no thread: a request of theirs has not come whole, or they are on their way out.

    One thread looks after all. They may enter from any thread. If it gets crowded, who would have to go first goes.
    """

    def __init__(self, admit: Callable[[_Connection], None]) -> None:
        self._admit = admit
        self._arrivals: SimpleQueue[_Guest] = SimpleQueue()
        self._guests: set[_Guest] = set()
        self._selector = selectors.DefaultSelector()
        self._rope, self._bell = socket.socketpair()
        for end in (self._rope, self._bell):
            end.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._open = True
        self._thread = threading.Thread(target=self._run, name="lobby", daemon=True)
        self._thread.start()

    def enter(self, connection: _Connection) -> None:
        """Wait for the head of the connection's next request, then admit it; after HEAD_SECONDS end it."""
        self._arrive(_Guest(connection, time.monotonic() + HEAD_SECONDS))

    def see_off(self, connection: _Connection) -> None:
        """Send no more, forget what still comes, and end when nothing comes or _LINGER_SECONDS have passed."""
        self._arrive(_Guest(connection, time.monotonic() + _LINGER_SECONDS, leaving=True))

    def close(self) -> None:
        """End all connections in it. May be called again."""
        if self._open:
            self._open = False
            self._ring()
            self._thread.join()

    def _arrive(self, guest: _Guest) -> None:
        if not self._open:
            guest.connection.hang_up()
            return
        self._arrivals.put(guest)
        self._ring()

    def _ring(self) -> None:
        with suppress(OSError):  # Full: it rings already. Closed: nobody is there.
            self._rope.send(b"!")

    def _run(self) -> None:
        while self._open:
            for key, _ in self._selector.select(self._patience()):
                if key.data is None:
                    self._welcome()
                else:
                    self._attend(key.data)
            self._dismiss()
        self._welcome()
        for guest in list(self._guests):
            self._end(guest)
        for resource in (self._selector, self._rope, self._bell):
            resource.close()

    def _patience(self) -> float | None:
        if not self._guests:
            return None
        return max(0.0, min(guest.deadline for guest in self._guests) - time.monotonic())

    def _welcome(self) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(4096)
        with suppress(Empty):
            while True:
                self._seat(self._arrivals.get_nowait())

    def _seat(self, guest: _Guest) -> None:
        self._guests.add(guest)
        guest.connection.socket.settimeout(0)
        self._selector.register(guest.connection.socket, selectors.EVENT_READ, guest)
        if guest.leaving:
            with suppress(OSError):
                guest.connection.socket.shutdown(socket.SHUT_WR)
        elif guest.connection.rfile.has_data():
            self._attend(guest)

    def _attend(self, guest: _Guest) -> None:
        """Something came. To ask TLS for bytes is to go on with its handshake, which may have to send first."""
        try:
            stays = self._forget(guest) if guest.leaving else self._listen(guest)
        except ssl.SSLWantReadError:
            self._selector.modify(guest.connection.socket, selectors.EVENT_READ, guest)
        except ssl.SSLWantWriteError:
            self._selector.modify(guest.connection.socket, selectors.EVENT_WRITE, guest)
        except OSError:
            self._end(guest)
        else:
            if not stays:
                self._end(guest)

    def _forget(self, guest: _Guest) -> bool:
        return bool(guest.connection.socket.recv(_MOST_HEADER_BYTES))

    def _listen(self, guest: _Guest) -> bool:
        """Take what came; admit whose head is complete, or so long that it will be refused. False: it hung up."""
        head = guest.connection.rfile.peek(_HEAD_BYTES_TO_DECIDE)
        if _END_OF_HEAD in head or len(head) >= _HEAD_BYTES_TO_DECIDE:
            self._unseat(guest)
            guest.connection.socket.settimeout(_IDLE_SECONDS)
            self._admit(guest.connection)
            return True
        came, guest.seen = len(head) > guest.seen, len(head)
        return came

    def _dismiss(self) -> None:
        """End those whose time is up, and the first of too many."""
        now = time.monotonic()
        by_deadline = sorted(self._guests, key=lambda guest: guest.deadline)
        surplus = max(0, len(by_deadline) - _LOBBY_CONNECTIONS)
        for place, guest in enumerate(by_deadline):
            if place < surplus or guest.deadline <= now:
                self._end(guest)

    def _unseat(self, guest: _Guest) -> None:
        self._guests.discard(guest)
        self._selector.unregister(guest.connection.socket)

    def _end(self, guest: _Guest) -> None:
        self._unseat(guest)
        guest.connection.hang_up()


class _Gateway(wsgi.WSGIGateway_10):
    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        """Adds `SERVER_ADDR`, the address that the client reached, to what WSGI asks for."""
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        return {**environ, "SERVER_ADDR": self.req.conn.socket.getsockname()[0]}


class _Server(wsgi.Server):
    ConnectionClass = _Connection
    max_request_header_size = _MOST_HEADER_BYTES
    max_request_body_size = 0
    keep_alive_conn_limit = _IDLE_CONNECTIONS
    lobby: _Lobby

    def prepare(self) -> None:
        super().prepare()
        self.gateway = _Gateway
        self.lobby = _Lobby(super().process_conn)

    def process_conn(self, conn: _Connection) -> None:
        """Called where a connection is new, or where something has come on one that was idle."""
        self.lobby.enter(conn)

    def stop(self) -> None:
        super().stop()
        self.lobby.close()

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
