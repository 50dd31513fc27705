"""Reading a stream by exact numbers of bytes, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

_CHUNK: Final = 128 * 1024
_LARGE: Final = 32 * 1024


class ByteSource:
    """Chunks of any size, read by the number of bytes wanted. Raises EOFError where they end too early."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._at = 0

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        end = self._at + size
        if end <= len(self._chunk):
            piece = self._chunk[self._at : end]
            self._at = end
            return piece
        return b"".join(self.pieces(size))

    def pieces(self, size: int) -> Iterator[bytes]:
        """Exactly `size` bytes, in the pieces they come in."""
        while size:
            if self.at_end():
                raise EOFError
            piece = self._chunk[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Read `size` bytes and drop them."""
        if self._at + size <= len(self._chunk):
            self._at += size
            return
        for _ in self.pieces(size):
            pass

    def at_end(self) -> bool:
        """Whether nothing comes any more."""
        while self._at == len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return True
            self._chunk, self._at = chunk, 0
        return False

    def rest(self) -> Iterator[bytes]:
        """All that is still to come."""
        while not self.at_end():
            piece = self._chunk[self._at :]
            self._at = len(self._chunk)
            yield piece


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks that are worth sending: small pieces together, large ones by themselves."""
    ready = bytearray()
    for piece in pieces:
        if len(piece) < _LARGE:
            ready += piece
            if len(ready) < _CHUNK:
                continue
        if ready:
            yield bytes(ready)
            ready.clear()
        if len(piece) >= _LARGE:
            yield piece
    if ready:
        yield bytes(ready)
