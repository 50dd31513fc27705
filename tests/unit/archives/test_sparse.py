"""Sparse files stay sparse, in whichever of tar's four ways they come."""

from __future__ import annotations

import pytest

from tests.unit.archives.building import base256, file, header, octal, padded, pax, taken, tar, with_checksum
from tests.unit.archives.trees import data_size, unpack
from webui.archives import ArchiveFormat, Limits
from webui.errors import InvalidInputError

Pieces = list[tuple[int, bytes]]
TIB = 1 << 40


def sparse_1_0(name: bytes, size: int, pieces: Pieces, **records: bytes) -> bytes:
    numbers = [len(pieces), *(number for offset, data in pieces for number in (offset, len(data)))]
    data = padded(b"".join(b"%d\n" % number for number in numbers)) + b"".join(data for _, data in pieces)
    head = {"major": b"1", "minor": b"0", "name": name, "realsize": b"%d" % size} | records
    return pax(*((b"GNU.sparse." + key.encode(), value) for key, value in head.items())) + file(
        b"GNUSparseFile.0/x", data
    )


def sparse_0_1(name: bytes, size: int, pieces: Pieces) -> bytes:
    numbers = b",".join(b"%d,%d" % (offset, len(data)) for offset, data in pieces)
    return pax(
        (b"GNU.sparse.size", b"%d" % size),
        (b"GNU.sparse.numblocks", b"%d" % len(pieces)),
        (b"GNU.sparse.name", name),
        (b"GNU.sparse.map", numbers),
    ) + file(b"GNUSparseFile.0/x", b"".join(data for _, data in pieces))


def sparse_0_0(name: bytes, size: int, pieces: Pieces) -> bytes:
    places = [
        each
        for offset, data in pieces
        for each in ((b"GNU.sparse.offset", b"%d" % offset), (b"GNU.sparse.numbytes", b"%d" % len(data)))
    ]
    head = ((b"GNU.sparse.size", b"%d" % size), (b"GNU.sparse.numblocks", b"%d" % len(pieces)))
    return pax(*head, *places) + file(name, b"".join(data for _, data in pieces))


def sparse_old(name: bytes, size: int, pieces: Pieces) -> bytes:
    """Type S: four pieces in the header, 21 in each block behind it."""
    places = [octal(offset, 12) + octal(len(data), 12) for offset, data in pieces]
    data = b"".join(data for _, data in pieces)
    head = bytearray(header(name, b"S", size=len(data), magic=b"ustar  \0"))
    head[386:482] = b"".join(places[:4]).ljust(96, b"\0")
    head[482] = len(places) > 4
    head[483:495] = octal(size, 12)
    more = b""
    for at in range(4, len(places), 21):
        more += b"".join(places[at : at + 21]).ljust(504, b"\0") + bytes([at + 21 < len(places)]) + bytes(7)
    return with_checksum(bytes(head)) + more + padded(data)


FORMS = [sparse_1_0, sparse_0_1, sparse_0_0, sparse_old]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("size", "pieces"),
    [
        (1 << 22, [(1 << 20, b"a" * 4096)]),
        (1 << 22, [(0, b"a" * 4096), ((1 << 22) - 4096, b"b" * 4096)]),
        (1 << 22, [(0, b"a" * 4096), (1 << 22, b"")]),
        (1 << 22, [(1 << 22, b"")]),
        (1 << 22, []),
        (4096, [(0, b"c" * 4096)]),
        (0, []),
        ((1 << 22) + 1, [(8192 * index, bytes([65 + index]) * 4096) for index in range(50)]),
        (TIB // 256, [(4096, b"x" * 4097)]),
    ],
)
def test_a_sparse_file_is_unpacked_as_it_was(form, size: int, pieces: Pieces, tmp_path) -> None:
    archive = tar(form(b"folder/sparse", size, pieces), file(b"next", b"after"))
    safe, summary = taken(archive)
    unpack([safe], tmp_path)
    made = tmp_path / "folder" / "sparse"
    assert made.stat().st_size == size
    assert data_size(made) <= sum(len(data) + 8192 for _, data in pieces)
    with made.open("rb") as opened:
        for offset, data in pieces:
            opened.seek(offset)
            assert opened.read(len(data)) == data
    assert (tmp_path / "next").read_bytes() == b"after"
    assert summary.bytes == sum(len(data) for _, data in pieces) + 5


def test_holes_do_not_count_as_bytes() -> None:
    archive = tar(sparse_1_0(b"s", TIB, [(4096, b"data")]))
    assert taken(archive, limits=Limits(bytes=4))[1].bytes == 4
    with pytest.raises(InvalidInputError, match="“s”"):
        taken(archive, limits=Limits(bytes=3))


@pytest.mark.parametrize(
    "entry",
    [
        sparse_1_0(b"s", 100, [(0, b"a" * 60), (50, b"b")]),
        sparse_1_0(b"s", 100, [(50, b"a"), (0, b"b")]),
        sparse_1_0(b"s", 100, [(90, b"a" * 20)]),
        sparse_1_0(b"s", 100, [(200, b"")]),
        sparse_0_1(b"s", 100, [(90, b"a" * 20)]),
        sparse_0_0(b"s", 100, [(90, b"a" * 20)]),
        sparse_old(b"s", 100, [(90, b"a" * 20)]),
        pax((b"GNU.sparse.size", b"9"), (b"GNU.sparse.map", b"0,4,5")) + file(b"s", b"abcd"),
        pax((b"GNU.sparse.size", b"9"), (b"GNU.sparse.map", b"0,3")) + file(b"s", b"abcd"),
        pax((b"GNU.sparse.size", b"9"), (b"GNU.sparse.map", b"0,5")) + file(b"s", b"abcd"),
        pax((b"GNU.sparse.size", b"9"), (b"GNU.sparse.map", b"0,-4")) + file(b"s", b"abcd"),
        pax((b"GNU.sparse.size", b"9"), (b"GNU.sparse.map", b"0,4,")) + file(b"s", b"abcd"),
        pax((b"GNU.sparse.size", b"9"), (b"GNU.sparse.numbytes", b"4"), (b"GNU.sparse.offset", b"0"))
        + file(b"s", b"abcd"),
        pax((b"GNU.sparse.size", b"-9"), (b"GNU.sparse.map", b"")) + file(b"s"),
        sparse_1_0(b"s", 9, [], major=b"2"),
        sparse_1_0(b"s", 9, [], minor=b"1"),
        sparse_1_0(b"s", 9, [], realsize=b"x"),
        pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")) + file(b"s", b"0\n"),
        *(
            pax(
                (b"GNU.sparse.major", b"1"),
                (b"GNU.sparse.minor", b"0"),
                (b"GNU.sparse.realsize", b"9"),
                (b"path", b"s"),
            )
            + file(b"s", data)
            for data in (
                b"",
                b"x\n",
                b"1\n",
                b"1\n0\n",
                b"9" * 512,
                b"-1\n",
                b"1\n0\n4\nab",
                b"99999999\n",
                b"0",
                b"\n",
            )
        ),
    ],
)
def test_a_map_that_can_not_be_is_refused(entry: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"“s”|GNUSparse|The archive breaks off"):
        taken(tar(entry))


def test_a_map_has_a_limit() -> None:
    many = [(2 * index, b"a") for index in range(5)]
    for form in FORMS:
        with pytest.raises(InvalidInputError, match="more than 4 pieces between its holes"):
            taken(tar(form(b"s", 100, many)), limits=Limits(segments=4))
        assert taken(tar(form(b"s", 100, many)), limits=Limits(segments=5))[1].files == 1


def test_a_map_without_end_is_refused_before_it_is_read() -> None:
    """An old header can promise block after block."""
    place = octal(1, 12) + octal(1, 12)
    head = bytearray(header(b"s", b"S", magic=b"ustar  \0"))
    head[386:482], head[482] = place * 4, 1
    with pytest.raises(InvalidInputError, match="more than 1,000 pieces"):
        taken(with_checksum(bytes(head)) + (place * 21 + b"\1" + bytes(7)) * 1000, limits=Limits(segments=1000))


@pytest.mark.parametrize("field", [b"x" * 12, base256(-1, 12), base256(2**63, 12)])
@pytest.mark.parametrize("at", [386, 398, 483])
def test_an_old_map_has_numbers(field: bytes, at: int) -> None:
    head = bytearray(sparse_old(b"s", 100, [(0, b"a")]))
    head[at : at + 12] = field
    with pytest.raises(InvalidInputError, match="“s” can't be read: its map of holes is damaged"):
        taken(with_checksum(bytes(head[:512])) + bytes(head[512:]) + bytes(1024))


def test_only_gnu_wrote_old_maps() -> None:
    with pytest.raises(InvalidInputError, match="not understood"):
        taken(tar(header(b"s", b"S")), ArchiveFormat.TAR)
