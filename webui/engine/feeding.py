"""What comes in, on its way to a helper: through a shell, or through Docker's archive API.

Where it breaks off the other side is told and has ended before that is raised: nothing is written any more by then.
"""

from __future__ import annotations

import tarfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

import docker.errors

from webui.engine.session import Output, Running, Session
from webui.errors import DemijohnError, InvalidInputError

_ENOUGH: Final = 512 * 1024


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


def put(api: Any, carrier: AbstractContextManager[str], folder: str, file: File) -> Output:
    """Make a file in a folder of a container (`docker cp`); what the engine complains of reads like a tool's complaint.

    Raises what the carrier raises, and what the content raises.
    """
    output = Output(0, b"", b"")
    try:
        with carrier as container:
            output = _unpacked(api, container, folder, file)
    except DemijohnError:
        if file.broken is None:
            raise
    if file.broken is not None:
        raise file.broken
    return output


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


class File:
    """A tar of one file. Where its content breaks off the tar does too, so that the engine gives up by itself."""

    def __init__(self, name: str, chunks: Iterable[bytes], size: int) -> None:
        """`name` is ASCII, `size` are the bytes that are to come."""
        self._entry = tarfile.TarInfo(name)
        self._entry.size, self._entry.mode, self._entry.mtime = size, 0o600, time.time()
        self._chunks = chunks
        self.broken: Exception | None = None

    def tar(self) -> Iterator[bytes]:
        """The archive's bytes."""
        yield self._entry.tobuf(tarfile.GNU_FORMAT)
        try:
            yield from self._chunks
        except Exception as error:  # noqa: BLE001 - it is raised when the engine has given up
            self.broken = error
            return
        yield bytes(-self._entry.size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)


def _unpacked(api: Any, container: str, folder: str, file: File) -> Output:
    try:
        api.put_archive(container, folder, file.tar())
    except docker.errors.APIError as error:
        said = str(error.explanation or "").rpartition(": ")[2]
        return Output(1, b"", (said[:1].upper() + said[1:]).encode())
    return Output(0, b"", b"")


def _gathered(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are worth a process each."""
    held = bytearray()
    for chunk in chunks:
        if len(held) + len(chunk) < _ENOUGH:
            held += chunk
            continue
        yield bytes(held) + chunk if held else chunk
        held.clear()
    if held:
        yield bytes(held)


def _feed(running: Running, chunks: Iterable[bytes]) -> None:
    if all(map(running.send_piece, _gathered(chunks))):
        running.send_end()


def _drain(running: Running) -> None:
    for _ in running.output():
        pass
