"""A plain HTTP client for measuring: one kept connection, a clock, and nothing in between."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer as it came over the wire, and the seconds from the request to its first byte and to its last."""

    status: int
    body: bytes
    first_byte: float
    whole: float


class Wire:
    """One connection, to a port of this machine or to a Unix socket, kept open between requests."""

    def __init__(self, address: int | str, **headers: str) -> None:
        """`headers` go along with every request; an underscore in a name stands for a dash."""
        self._address = address
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}
        port = address if isinstance(address, int) else 0
        self._connection = http.client.HTTPConnection("127.0.0.1", port, blocksize=_PIECE)
        self._connection.sock = self._connect()

    def get(self, path: str, **headers: str) -> Timed:
        """Ask, and read the whole answer."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers={**self._headers, **_named(headers)})
        response = self._connection.getresponse()
        first_byte = time.perf_counter() - began
        body = response.read()
        return Timed(response.status, body, first_byte, time.perf_counter() - began)

    def receive(self, path: str, take: Callable[[memoryview], object] = lambda _: None) -> int:
        """Ask, and hand the answer on in pieces as it comes, whatever its size; returns how many bytes came."""
        response, piece, done = self.open(path), memoryview(bytearray(_PIECE)), 0
        while size := response.readinto(piece):
            take(piece[:size])
            done += size
        assert response.status == 200, bytes(piece[:done])
        return done

    def put(self, path: str, pieces: Iterable[bytes], size: int) -> None:
        """Send so many bytes as they come out of a file or anything else."""
        self._connection.request("PUT", path, pieces, {**self._headers, "Content-Length": str(size)})
        self._read()

    def post(self, path: str, sent: object = None) -> Any:
        """Send JSON, if anything, and return what the answer's JSON says."""
        headers = {**self._headers, "Content-Type": "application/json"}
        self._connection.request("POST", path, None if sent is None else json.dumps(sent), headers)
        return json.loads(self._read() or b"null")

    def delete(self, path: str) -> None:
        """Delete what is there."""
        self._connection.request("DELETE", path, headers=self._headers)
        self._read()

    def open(self, path: str) -> http.client.HTTPResponse:
        """Ask, and leave the answer to be read as it comes: for event streams."""
        self._connection.request("GET", path, headers=self._headers)
        return self._connection.getresponse()

    def close(self) -> None:
        self._connection.close()

    def _read(self) -> bytes:
        response = self._connection.getresponse()
        body = response.read()
        assert response.status < 300, body
        return body

    def _connect(self) -> socket.socket:
        if isinstance(self._address, int):
            connection = socket.create_connection(("127.0.0.1", self._address))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._address)
        return connection


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
