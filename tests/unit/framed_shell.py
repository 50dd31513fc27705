"""A shell that runs the session's loop, behind a socket that frames what it prints as Docker does."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from types import TracebackType
from typing import IO

from webui.engine.session import LOOP, Session

KEY = "0123456789abcdef"


def frame(stream: int, data: bytes) -> bytes:
    """What Docker makes of bytes that a container wrote: stdout is stream 1, stderr 2."""
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


class FramedShell:
    """A real shell; `session` speaks to it. What it prints comes in pieces of `piece` bytes, frames cut anywhere."""

    def __init__(self, *, piece: int = 65536, top: str = "/volume") -> None:
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", LOOP.replace("/volume", top), "sh", KEY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            start_new_session=True,
        )
        self.socket, self._docker = socket.socketpair()
        self.session = Session(self.socket, KEY)
        self._piece = piece
        self._holds = False
        self._pumps = [threading.Thread(target=pump) for pump in (self._take_input, self._give_output)]
        for pump in self._pumps:
            pump.start()

    def __enter__(self) -> FramedShell:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.session.close()
        self.kill()
        for pump in self._pumps:
            pump.join()
        self._docker.close()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def kill(self) -> None:
        """End it with all it runs."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def hold(self) -> None:
        """Keep the connection open when the shell has ended, and take no more from it than fits."""
        self._holds = True

    def wait(self) -> int:
        """Its exit status, once it has ended by itself."""
        return self.process.wait(timeout=20)

    def _take_input(self) -> None:
        assert self.process.stdin is not None
        with suppress(OSError):
            while data := self._docker.recv(65536):
                view = memoryview(data)
                while view:
                    view = view[self.process.stdin.write(view) :]
        self.process.stdin.close()

    def _give_output(self) -> None:
        assert self.process.stdout is not None and self.process.stderr is not None
        streams: dict[IO[bytes], int] = {self.process.stdout: 1, self.process.stderr: 2}
        with selectors.DefaultSelector() as selector, suppress(OSError):
            for pipe in streams:
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    data = os.read(key.fd, 65536)
                    if not data:
                        selector.unregister(key.fileobj)
                        continue
                    self._send(frame(streams[key.fileobj], data))  # type: ignore[index]
        if not self._holds:
            with suppress(OSError):
                self._docker.shutdown(socket.SHUT_RDWR)

    def _send(self, data: bytes) -> None:
        for start in range(0, len(data), self._piece):
            self._docker.sendall(data[start : start + self._piece])
