"""What comes in, on its way to a helper: through a shell, or through Docker's archive API.

Where it breaks off the other side is told and has ended before that is raised: nothing is written any more by then.
"""

from __future__ import annotations

import tarfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from webui.engine.session import Output, Running, Session, SessionLostError
from webui.errors import DemijohnError, InvalidInputError


def feed(session: Session, script: bytes, chunks: Iterable[bytes]) -> Output:
    """Run a script that takes its input in pieces; one that ends before the input does is heard as well.

    Raises SessionLostError, and what the chunks raise.
    """
    with session.command(script, takes_input=True) as running:
        try:
            _feed(running, chunks)
        except BaseException:
            with suppress(DemijohnError):
                running.send_stop()
                _drain(running)
            raise
        _drain(running)
        return Output(running.status, b"", running.errors)


def put_file(api: Any, container: str, folder: str, name: str, chunks: Iterable[bytes], size: int) -> None:
    """Make a file of `size` bytes in a folder of a container (`docker cp`).

    Raises what docker-py raises, and what the chunks raise.
    """
    archive = _Archive(name, chunks, size)
    try:
        api.put_archive(container, folder, iter(archive))
    finally:
        if archive.broken is not None:
            raise archive.broken


def measured(chunks: Iterable[bytes], size: int | None) -> Iterator[bytes]:
    """The chunks, as long as they are not more than `size` bytes. Raises InvalidInputError where they are, or less."""
    done = 0
    for chunk in chunks:
        done += len(chunk)
        if size is not None and done > size:
            break
        yield chunk
    if size is not None and done != size:
        raise InvalidInputError({}, f"{size:,} bytes were announced and {done:,} came, so nothing was changed.")


class _Archive:
    """A tar of one file. Where what is in it breaks off the tar does too, so that the engine gives up by itself."""

    def __init__(self, name: str, chunks: Iterable[bytes], size: int) -> None:
        self._entry = tarfile.TarInfo(name)
        self._entry.size, self._entry.mode, self._entry.mtime = size, 0o600, time.time()
        self._chunks = chunks
        self.broken: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        yield self._entry.tobuf(tarfile.GNU_FORMAT)
        try:
            yield from self._chunks
        except Exception as error:  # noqa: BLE001 - it is raised when the engine has given up
            self.broken = error
            return
        yield bytes(-self._entry.size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)


def _feed(running: Running, chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        try:
            running.send_piece(chunk)
        except SessionLostError:  # the script has ended; what it said is still to be read
            return
    with suppress(SessionLostError):
        running.send_end()


def _drain(running: Running) -> None:
    for _ in running.output():
        pass
