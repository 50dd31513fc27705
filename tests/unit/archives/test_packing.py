"""Archives out: whole, readable by everybody else's programs, in bounded memory."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.archives.building import (
    END,
    chunked,
    contents,
    file,
    folder,
    hard_link,
    header,
    pax,
    symlink,
    taken,
    tar,
)
from tests.unit.archives.test_sparse import FORMS, sparse_1_0
from tests.unit.archives.trees import AS_THE_APP_DOES, described, gnu_tar, unpack
from webui.archives import ArchiveFormat, checked_zip, detect, packed
from webui.errors import InvalidInputError

MIB = 1 << 20


def zipped(*entries: bytes, chunk: int = 10_000) -> bytes:
    return b"".join(packed(chunked(tar(*entries), chunk), ArchiveFormat.ZIP))


def opened(archive: bytes) -> zipfile.ZipFile:
    found = zipfile.ZipFile(io.BytesIO(archive))
    assert found.testzip() is None
    return found


@given(st.binary(max_size=3000).map(lambda data: data * 100), st.integers(1, 100_000))
@settings(max_examples=30, deadline=None)
def test_a_packed_tar_is_unpacked_by_the_usual_programs(data: bytes, chunk: int) -> None:
    for fmt, command in ((ArchiveFormat.TAR, ["cat"]), (ArchiveFormat.TAR_GZ, ["gzip", "-dc"])):
        archive = b"".join(packed(chunked(data, chunk), fmt))
        assert subprocess.run(command, input=archive, capture_output=True, check=True).stdout == data


@pytest.mark.parametrize("size", [0, 1, 100_000, 5 * MIB])
def test_zstd_reads_what_is_packed(size: int) -> None:
    data = os.urandom(size // 2) + bytes(size - size // 2)
    archive = b"".join(packed(chunked(data, 65536), ArchiveFormat.TAR_ZST))
    assert subprocess.run(["zstd", "-dcq"], input=archive, capture_output=True, check=True).stdout == data
    assert detect(archive) is ArchiveFormat.TAR_ZST


def test_a_zip_has_what_the_tar_had() -> None:
    archive = zipped(
        folder(b"./"),
        folder(b"./folder/", mode=0o750, mtime=1_000_000_001),
        file(b"./folder/file", b"data" * 1000, mode=0o4755, mtime=1_000_000_001, uid=1000, gid=50),
        pax((b"mtime", b"1000000001.9")) + file(b"./empty", b"", mode=0o600),
        symlink(b"./link", b"../x/\xff"),
        header(b"./fifo", b"6"),
        header(b"./null", b"3", major=1, minor=3),
    )
    found = {entry.filename: entry for entry in opened(archive).infolist()}
    assert list(found) == ["folder/", "folder/file", "empty", "link"]
    modes = [entry.external_attr >> 16 for entry in found.values()]
    assert modes == [0o40750, 0o104755, 0o100600, 0o120777]
    assert opened(archive).read("link") == b"../x/\xff"
    assert opened(archive).read("folder/file") == b"data" * 1000
    assert found["folder/file"].date_time == (2001, 9, 9, 1, 46, 40)
    assert found["folder/file"].compress_size < 100
    safe, _ = taken(archive, ArchiveFormat.ZIP)
    assert contents(safe) == {"folder/file": b"data" * 1000, "empty": b""}


@pytest.mark.parametrize(
    ("name", "flag"),
    [(b"plain", 0), ("ä".encode(), 0x800), (b"\xff", 0), (b"new\nline", 0), (b"back\\slash", 0), (b"x" * 300, 0)],
)
def test_names_come_back_as_they_were(name: bytes, flag: int) -> None:
    archive = zipped(pax((b"path", name)) + file(b"x", b"data"))
    [entry] = opened(archive).infolist()
    assert entry.flag_bits & 0x800 == flag
    if len(name) < 256:
        assert contents(taken(archive, ArchiveFormat.ZIP)[0]) == {name.decode("utf-8", "surrogateescape"): b"data"}


@pytest.mark.parametrize("form", FORMS)
def test_holes_become_zeros(form) -> None:
    pieces = [(5000, b"a" * 3), (600_000, b"b" * 9000), (1_999_999, b"c")]
    archive = zipped(form(b"sparse", 2_000_000, pieces), sparse_1_0(b"empty", 0, []), sparse_1_0(b"hole", MIB, []))
    expected = bytearray(2_000_000)
    for offset, data in pieces:
        expected[offset : offset + len(data)] = data
    assert opened(archive).read("sparse") == expected
    assert opened(archive).read("empty") == b""
    assert opened(archive).read("hole") == bytes(MIB)


def test_a_hard_link_that_is_there_all_the_same_leads_to_the_data(tmp_path: Path) -> None:
    archive = zipped(
        file(b"./a/b/file", b"data"), hard_link(b"./c/link", b"./a/b/file"), hard_link(b"top", b"a/b/file")
    )
    (tmp_path / "a.zip").write_bytes(archive)
    subprocess.run(["unzip", "-q", "a.zip"], cwd=tmp_path, check=True)
    assert (tmp_path / "c" / "link").read_bytes() == b"data"
    assert (tmp_path / "top").read_bytes() == b"data"


def test_info_zip_unpacks_it_as_it_was(tmp_path: Path) -> None:
    tree, target, again = (tmp_path / name for name in ("tree", "target", "again"))
    for made in (tree, target, again):
        made.mkdir()
    (tree / "folder").mkdir()
    (tree / "folder" / "file").write_bytes(os.urandom(300_000))
    (tree / "folder" / "ünï").write_bytes(b"text" * 1000)
    (tree / "hard").hardlink_to(tree / "folder" / "file")
    (tree / "link").symlink_to("folder/file")
    (tree / "empty").touch(mode=0o640)
    for path in [*tree.rglob("*"), tree]:
        if not path.is_symlink():
            os.utime(path, (1_500_000_001, 1_500_000_001))
    options = (*AS_THE_APP_DOES, *ArchiveFormat.ZIP.tar_options)
    archive = b"".join(packed([gnu_tar(tree, *options)], ArchiveFormat.ZIP))
    (tmp_path / "a.zip").write_bytes(archive)
    subprocess.run(["unzip", "-tqq", "a.zip"], cwd=tmp_path, check=True)
    subprocess.run(["unzip", "-qX", "../a.zip"], cwd=target, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    unpack(checked_zip(io.BytesIO(archive)), again)
    expected = _comparable(tree)
    assert _comparable(target) == expected
    assert _comparable(again) == expected


def _comparable(tree: Path) -> dict[bytes, object]:
    found = described(tree)
    del found[b""]
    for facts in found.values():
        facts.pop("same as", None)
        facts.pop("pieces", None)
        if stat.S_ISLNK(facts["mode"]):
            facts.pop("modified")
    return found


def test_a_damaged_tar_is_no_zip() -> None:
    with pytest.raises(InvalidInputError, match="breaks off in “a”"):
        b"".join(packed([tar(file(b"a", b"x" * 9000))[:5000]], ArchiveFormat.ZIP))
    with pytest.raises(InvalidInputError, match="too long for a zip"):
        zipped(pax((b"path", b"d/" * 33_000)) + file(b"x"))


def test_a_time_before_1980_is_kept_where_it_can_be(tmp_path: Path) -> None:
    archive = zipped(pax((b"mtime", b"-5")) + file(b"a"), pax((b"mtime", b"99999999999")) + file(b"b"))
    assert [entry.date_time[0] for entry in opened(archive).infolist()] == [1980, 2107]
    target = tmp_path / "target"
    target.mkdir()
    unpack(checked_zip(io.BytesIO(archive)), target)
    assert (target / "a").stat().st_mtime == -5


def test_many_entries_need_the_wide_directory() -> None:
    archive = zipped(*_empty_files(70_000), chunk=MIB)
    assert struct.unpack_from("<H", archive, len(archive) - 12)[0] == 0xFFFF
    assert archive[-42:-38] == b"PK\6\7"
    assert len(zipfile.ZipFile(io.BytesIO(archive)).infolist()) == 70_000


def _empty_files(count: int) -> Iterator[bytes]:
    block = header(b"")
    total = sum(block[:148]) + 8 * 32 + sum(block[156:])
    for index in range(count):
        name = b"%d" % index
        yield b"%b%b%06o\0 %b" % (name.ljust(100, b"\0"), block[100:148], total + sum(name), block[156:])


def test_a_file_of_more_than_4_gib_needs_wide_sizes() -> None:
    size = (1 << 32) + 5
    archive = zipped(sparse_1_0(b"large", size, [(size - 4, b"end.")]), file(b"after", b"x"))
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        assert [(entry.filename, entry.file_size) for entry in found.infolist()] == [("large", size), ("after", 1)]
        assert found.read("after") == b"x"
        with found.open("large") as large:
            assert large.read(5) == bytes(5)
    found = checked_zip(io.BytesIO(archive))
    with pytest.raises(InvalidInputError, match="times its size"):
        for _ in found:
            pass


@pytest.mark.parametrize("fmt", list(ArchiveFormat))
def test_a_large_file_takes_little_memory(fmt: ArchiveFormat) -> None:
    def large() -> Iterator[bytes]:
        yield header(b"large", size=256 * MIB)
        chunk = os.urandom(32768) + bytes(32768)
        yield from [chunk] * (4096)
        yield END

    tracemalloc.start()
    try:
        made = sum(map(len, packed(large(), fmt)))
        assert made > 30_000
        assert tracemalloc.get_traced_memory()[1] < 2 * MIB
    finally:
        tracemalloc.stop()
