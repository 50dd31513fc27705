"""Archives that are small and would be large: refused, in bounded memory, before they are."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from tests.unit.archives.building import Zip, contents, file, header, octal, taken, tar
from webui.archives import ArchiveFormat, Limits, checked_tar, checked_zip
from webui.archives.zstd_library import zstd
from webui.errors import InvalidInputError

MIB = 1 << 20
GROWS = "more than 250 times its size"


def large_tar(size: int) -> Iterator[bytes]:
    yield header(
        b"zeros", size=octal(size, 12) if size < 8 << 30 else size.to_bytes(12, "big").replace(b"\0", b"\x80", 1)
    )
    yield from [bytes(MIB)] * (size // MIB)
    yield bytes(1024)


def gzip_bomb(size: int) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(stream.compress(chunk) for chunk in large_tar(size)) + stream.flush()


def zstd_bomb(size: int) -> bytes:
    stream = zstd.ZstdCompressor(level=3)
    return b"".join(stream.compress(chunk) for chunk in large_tar(size)) + stream.flush()


def many_in_a_zip() -> bytes:
    made = Zip()
    for index in range(40):
        made.add(b"%d" % index, bytes(16 * MIB))
    return made.built()


def read_until_refused(found: Iterator[bytes]) -> tuple[int, str]:
    made = 0
    with pytest.raises(InvalidInputError) as error:
        for chunk in found:
            made += len(chunk)
    return made, error.value.fields["archive"]


@pytest.mark.parametrize(
    ("fmt", "bomb"),
    [
        (ArchiveFormat.TAR_GZ, gzip_bomb(1 << 30)),
        (ArchiveFormat.TAR_ZST, zstd_bomb(1 << 30)),
        (ArchiveFormat.TAR_ZST, zstd_bomb(64 * MIB) * 40),
        (ArchiveFormat.ZIP, Zip().add(b"zeros", bytes(1 << 30)).built()),
        (
            ArchiveFormat.ZIP,
            many_in_a_zip(),
        ),
    ],
    ids=["gzip", "zstd", "many zstd", "zip", "many in a zip"],
)
def test_what_grows_beyond_measure_is_refused(fmt: ArchiveFormat, bomb: bytes) -> None:
    source = io.BytesIO(bomb)
    tracemalloc.start()
    try:
        made, sentence = read_until_refused(
            checked_zip(source) if fmt is ArchiveFormat.ZIP else checked_tar(source, fmt)
        )
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()
    assert made < 256 * MIB + 251 * len(bomb)
    assert GROWS in sentence or "two archives" in sentence


def test_zeros_after_the_end_are_a_bomb_too() -> None:
    bomb = gzip.compress(tar(file(b"a")) + bytes(400 * MIB), 9)
    assert GROWS in read_until_refused(checked_tar(io.BytesIO(bomb), ArchiveFormat.TAR_GZ))[1]


@pytest.mark.parametrize("fmt", [ArchiveFormat.TAR_GZ, ArchiveFormat.TAR_ZST])
def test_files_of_zeros_as_databases_keep_them_pass(fmt: ArchiveFormat) -> None:
    archive = (gzip_bomb if fmt is ArchiveFormat.TAR_GZ else zstd_bomb)(200 * MIB)
    found = checked_tar(io.BytesIO(archive), fmt)
    assert sum(map(len, found)) > 200 * MIB
    assert found.summary.bytes == 200 * MIB


def test_an_archive_in_an_archive_is_a_file_and_not_unpacked() -> None:
    inner = zstd.compress(zstd.compress(bytes(1 << 28)))
    archive = zstd.compress(tar(file(b"inner.zst", inner)))
    safe, summary = taken(archive, ArchiveFormat.TAR_ZST)
    assert contents(safe) == {"inner.zst": inner}
    assert summary.bytes == len(inner)


def test_what_is_compressed_twice_is_refused() -> None:
    twice = gzip.compress(gzip.compress(tar(file(b"a", b"x" * 600))).ljust(512, b"\0"))
    with pytest.raises(InvalidInputError, match="compressed once more"):
        taken(twice, ArchiveFormat.TAR_GZ)


def test_a_window_that_takes_too_much_memory_is_refused() -> None:
    """128 MiB is what zstd itself takes without being asked for more."""

    def with_window(log: int) -> bytes:
        options = {zstd.CompressionParameter.window_log: log, zstd.CompressionParameter.content_size_flag: 0}
        stream = zstd.ZstdCompressor(options=options)
        return stream.compress(tar(file(b"a", b"x"))) + stream.flush()

    assert contents(taken(with_window(27), ArchiveFormat.TAR_ZST)[0]) == {"a": b"x"}
    with pytest.raises(InvalidInputError, match="window of more than 128 MiB"):
        taken(with_window(28), ArchiveFormat.TAR_ZST)


def test_a_frame_that_claims_to_be_one_huge_segment_takes_no_memory() -> None:
    claim = b"\x28\xb5\x2f\xfd" + bytes([0xE0]) + (1 << 62).to_bytes(8, "little") + b"\x01\0\0"
    with pytest.raises(InvalidInputError, match="window"):
        taken(claim, ArchiveFormat.TAR_ZST)


@pytest.mark.parametrize("fmt", [ArchiveFormat.TAR_GZ, ArchiveFormat.TAR_ZST])
def test_streams_one_behind_the_other_are_one_archive(fmt: ArchiveFormat) -> None:
    """As gzip and zstd read them, and parallel programs write them."""
    compress = gzip.compress if fmt is ArchiveFormat.TAR_GZ else zstd.compress
    whole = tar(file(b"a", b"x" * 5000), file(b"b", b"y"))
    parts = [compress(whole[at : at + 100]) for at in range(0, len(whole), 100)]
    empty = compress(b"")
    assert contents(taken(empty.join([b"", *parts, b""]), fmt)[0]) == {"a": b"x" * 5000, "b": b"y"}
    with pytest.raises(InvalidInputError):
        taken(b"".join(parts) + b"garbage", fmt)
    with pytest.raises(InvalidInputError):
        taken(b"".join(parts) + parts[0][:-1], fmt)
    with pytest.raises(InvalidInputError, match="two archives"):
        taken(b"".join(parts) + parts[0], fmt)


def test_frames_to_be_skipped_are_skipped() -> None:
    skipped = b"\x5a\x2a\x4d\x18" + (1000).to_bytes(4, "little") + bytes(1000)
    archive = skipped + zstd.compress(tar(file(b"a", b"x"))) + skipped
    assert contents(taken(archive, ArchiveFormat.TAR_ZST)[0]) == {"a": b"x"}


def test_zeros_behind_a_compressed_stream_fill_up_a_tape() -> None:
    for fmt, compress in ((ArchiveFormat.TAR_GZ, gzip.compress), (ArchiveFormat.TAR_ZST, zstd.compress)):
        archive = compress(tar(file(b"a", b"x"))) + bytes(300_000)
        assert contents(taken(archive, fmt)[0]) == {"a": b"x"}


def test_a_wrong_checksum_is_refused() -> None:
    whole = bytearray(gzip.compress(tar(file(b"a", b"x" * 600))))
    whole[-6] ^= 1
    with pytest.raises(InvalidInputError, match="damaged"):
        taken(bytes(whole), ArchiveFormat.TAR_GZ)
    whole = bytearray(zstd.compress(tar(file(b"a", b"x" * 600)), options={zstd.CompressionParameter.checksum_flag: 1}))
    whole[-1] ^= 1
    with pytest.raises(InvalidInputError, match="damaged"):
        taken(bytes(whole), ArchiveFormat.TAR_ZST)


def test_the_ratio_can_be_chosen() -> None:
    archive = gzip.compress(tar(file(b"a", bytes(10_000) + bytes(range(256)) * 40)))
    strict = Limits(ratio=2, ratio_after=1000)
    with pytest.raises(InvalidInputError, match="more than 2 times its size"):
        taken(archive, ArchiveFormat.TAR_GZ, strict)
    assert taken(archive, ArchiveFormat.TAR_GZ, Limits(ratio=2, ratio_after=100_000))[1].files == 1
