"""A socket before the engine's that counts the requests that pass through it."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from pathlib import Path

_REQUEST = re.compile(rb"^(GET|HEAD|POST|PUT|DELETE) (\S+) HTTP/1\.[01]\r$", re.MULTILINE)


class CountingProxy:
    """Listens at `path` and passes everything on to the engine at `target`; `requests` are the lines it saw."""

    def __init__(self, path: Path, target: str) -> None:
        self.path = path
        self.requests: list[str] = []
        self._target = target
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Cut every connection, and take no more."""
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self._target)
            self._open += [client, engine]
            threading.Thread(target=self._pass_on, args=(client, engine, True), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(engine, client, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, noting: bool) -> None:
        try:
            while piece := source.recv(1024 * 1024):
                if noting:
                    self.requests += [b" ".join(found).decode() for found in _REQUEST.findall(piece)]
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return
