"""Compressed streams from outside, undone in bounded memory.

The standard library's zlib here, and not the faster library that compresses: what comes from outside meets the code that has met most.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from webui.archives.formats import ArchiveFormat
from webui.archives.rules import Limits, refusal
from webui.archives.zstd_library import zstd

CHUNK: Final = 256 * 1024
LARGEST_WINDOW_LOG: Final = 27
"""128 MiB: what `zstd --long` needs, and its own limit without being told more."""


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def decoded(source: Readable, fmt: ArchiveFormat, limits: Limits) -> Iterator[bytes]:
    """The tar in a stream. Raises InvalidInputError where it is damaged, cut off, or grows beyond all measure."""
    chunks = iter(lambda: source.read(CHUNK), b"")
    if fmt is ArchiveFormat.TAR:
        return chunks
    if fmt is ArchiveFormat.TAR_GZ:
        return _no_zip(_decompressed(chunks, _Gzip, zlib.error, limits))
    if fmt is ArchiveFormat.TAR_ZST:
        return _no_zip(_decompressed(chunks, _zstandard, zstd.ZstdError, limits))
    raise ValueError(f"{fmt} is no stream")


class Ratio:
    """How much came of how little. Raises InvalidInputError when it is more than anything real comes to."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._taken = 0
        self._made = 0

    def add(self, taken: int, made: int) -> None:
        """Count bytes before and after."""
        self._taken += taken
        self._made += made
        if self._made > self._limits.ratio_after + self._limits.ratio * self._taken:
            raise refusal(
                f"This archive unpacks to more than {self._limits.ratio:,.0f} times its size, which looks like one made to "
                "fill a disk. If you trust it, unpack it yourself and send it as plain tar."
            )


def _decompressed(
    chunks: Iterator[bytes], start: Callable[[], _Decompressor], error: type[Exception], limits: Limits
) -> Iterator[bytes]:
    """Every compressed stream in the file, one behind the other, as gzip and zstd themselves read them."""
    ratio = Ratio(limits)
    data = next(chunks, b"")
    ratio.add(len(data), 0)
    while data:
        stream = start()
        try:
            while not stream.eof:
                if stream.needs_input and not data:
                    data = next(chunks, b"")
                    ratio.add(len(data), 0)
                    if not data:
                        raise refusal("The archive breaks off in the middle. Get it again, or make it again.")
                made, data = stream.decompress(data, CHUNK), b""
                ratio.add(0, len(made))
                yield made
        except error as problem:
            raise refusal(_reason(str(problem))) from None
        data = _next_stream(stream.unused_data, chunks, ratio)


def _no_zip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What was uncompressed. Raises InvalidInputError where that is a zip, which may be shorter than any tar."""
    first = next(filter(None, chunks), b"")
    if first.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        raise refusal("What is in this file is a zip archive. Uncompress it once, then send it.")
    yield first
    yield from chunks


def _next_stream(data: bytes, chunks: Iterator[bytes], ratio: Ratio) -> bytes:
    """The start of what follows a compressed stream. Zeros that fill up a tape's record are no part of it."""
    data = data.lstrip(b"\0")
    while not data:
        chunk = next(chunks, b"")
        if not chunk:
            break
        ratio.add(len(chunk), 0)
        data = chunk.lstrip(b"\0")
    return data


def _zstandard() -> _Decompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: LARGEST_WINDOW_LOG})


class _Gzip:
    """zlib's decompressor in the shape of the others."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        made = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self.needs_input = len(made) < max_length and not self._stream.unconsumed_tail
        return made


def _reason(problem: str) -> str:
    if "too much memory" in problem:
        return (
            f"Unpacking this archive would take a window of more than {1 << LARGEST_WINDOW_LOG - 20} MiB of memory. Compress "
            "it again with zstd, without --ultra or with --long=27 at most."
        )
    return "The archive is damaged: it can't be uncompressed. Get it again, or make it again."
