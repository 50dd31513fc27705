"""Archives that lie about numbers, are damaged, or break off."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.archives.building import (
    END,
    assert_safe,
    base256,
    contents,
    file,
    folder,
    hard_link,
    header,
    listed,
    long_name,
    pax,
    record,
    symlink,
    taken,
    tar,
    with_checksum,
)
from tests.unit.archives.test_sparse import sparse_1_0
from webui.archives import ArchiveFormat, Limits, checked_tar
from webui.archives.zstd_library import zstd
from webui.errors import InvalidInputError

ORDINARY = tar(
    folder(b"./"),
    file(b"./one", b"1" * 700),
    pax((b"path", b"long/" * 30 + b"name"), (b"mtime", b"1.5"), (b"SCHILY.xattr.user.x", b"\0\n="))
    + file(b"x", b"2" * 512),
    symlink(b"link", b"one"),
    hard_link(b"hard", b"one"),
    long_name(b"l" * 200) + file(b"y", b"3"),
    sparse_1_0(b"sparse", 1 << 20, [(4096, b"data")]),
)
PACKED = {
    ArchiveFormat.TAR: ORDINARY,
    ArchiveFormat.TAR_GZ: gzip.compress(ORDINARY, mtime=0),
    ArchiveFormat.TAR_ZST: zstd.compress(ORDINARY, options={zstd.CompressionParameter.checksum_flag: 1}),
}


def refused(archive: bytes, fmt: ArchiveFormat = ArchiveFormat.TAR) -> str:
    with pytest.raises(InvalidInputError) as found:
        taken(archive, fmt)
    return found.value.fields["archive"]


@pytest.mark.parametrize("fmt", PACKED)
def test_an_ordinary_archive_is_taken(fmt: ArchiveFormat) -> None:
    safe, summary = taken(PACKED[fmt], fmt)
    assert (summary.files, summary.folders, summary.links, summary.bytes) == (4, 1, 2, 700 + 512 + 1 + 4)
    assert contents(safe)["l" * 200] == b"3"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"size": base256(-1, 12)}, "its size is negative"),
        ({"size": base256(-(2**80), 12)}, "its size is out of range"),
        ({"size": base256(2**63, 12)}, "its size is out of range"),
        ({"size": b"0000000009x\0"}, "its size is not a number"),
        ({"size": b"-0000000001\0"}, "its size is not a number"),
        ({"size": b"+0000000001\0"}, "its size is not a number"),
        ({"size": b"0_1\0"}, "its size is not a number"),
        ({"size": b"00000000008\0"}, "its size is not a number"),
        ({"size": b"0x1\0"}, "its size is not a number"),
        ({"size": b"\xc0" + bytes(11)}, "its size is not a number"),
        ({"mode": b"rw-r--\0"}, "its permissions is not a number"),
        ({"uid": b"root\0"}, "its owner is not a number"),
        ({"gid": b"\x81" + bytes(7)}, "its group is not a number"),
        ({"mtime": b"yesterday\0"}, "its time is not a number"),
        ({"uid": base256(-2, 8)}, "has an owner that can't be: -2:0"),
        ({"uid": base256(2**32 - 1, 8)}, "has an owner that can't be"),
    ],
)
def test_a_number_that_is_none_is_refused(fields: dict[str, bytes], words: str) -> None:
    sentence = refused(tar(file(b"first"), header(b"second", **fields)))
    assert sentence.startswith("“second”")
    assert words in sentence


@pytest.mark.parametrize(
    ("field", "number"),
    [(b"00000000003\0", 3), (b"          3\0", 3), (b"3 \0" + bytes(9), 3), (b"3\0garbage..", 3), (base256(3, 12), 3)],
)
def test_a_number_may_be_written_in_every_old_way(field: bytes, number: int) -> None:
    assert contents(taken(tar(header(b"a", size=field) + b"abc".ljust(512, b"\0")))[0]) == {"a": b"abc"[:number]}


def test_old_fields_may_be_empty() -> None:
    [member] = listed(taken(tar(header(b"a", mode=b"", uid=b" " * 8, size=b"", mtime=b"")))[0])
    assert (member.mode, member.uid, member.size, member.mtime) == (0, 0, 0, 0)


def test_a_size_in_the_extended_header_counts() -> None:
    inner = file(b"inner", b"never an entry of its own")
    entry = pax((b"size", b"%d" % len(inner))) + header(b"outer", size=0) + inner
    assert contents(taken(tar(entry))[0]) == {"outer": inner}


def test_two_sizes_that_differ_are_refused() -> None:
    inner = file(b"../../etc/passwd", b"x")
    hidden = pax((b"size", b"0")) + header(b"outer", size=len(inner)) + inner
    assert "it has two sizes" in refused(tar(hidden))
    assert "it has two sizes" in refused(tar(pax((b"size", b"%d" % len(inner))) + header(b"outer", size=512) + inner))


@pytest.mark.parametrize("size", [b"-1", b"1e3", b"0x10", b" 1", b"1_0", b"9" * 19, b"9" * 30])
def test_a_size_in_the_extended_header_is_a_number(size: bytes) -> None:
    assert "its size is" in refused(tar(pax((b"size", size)), file(b"a")))


@pytest.mark.parametrize("time", [b"now", b"1e9", b"--1", b"1.2.3", b"9" * 17, b"\xd9\xa1"])
def test_a_time_in_the_extended_header_is_a_number(time: bytes) -> None:
    assert "its time is not a number" in refused(tar(pax((b"mtime", time)), file(b"a")))


@pytest.mark.parametrize("entry", [folder(b"a", size=512), symlink(b"a", b"b", size=1), header(b"a", b"6", size=9)])
def test_what_is_no_file_holds_no_data(entry: bytes) -> None:
    assert "it holds data although it is no file" in refused(tar(entry, bytes(512)))


@pytest.mark.parametrize(
    "data",
    [b"x", b"5 a=b", b"99 a=b\n", b"6 a=b\n\n", b"5 a=b\n", b"4 ab\n", b"4 =b\n", b"-6 a=b\n", b" 6 a=b\n", b"0 a=b\n",
     b"6 \0=b\n", b"6\0a=b\n", b"+6 a=b\n", b"7 a=b\n", b"6 a=b\n\0", b"1" * 30 + b" a=b\n"],
)  # fmt: skip
def test_a_damaged_extended_header_is_refused(data: bytes) -> None:
    entry = header(b"PaxHeaders/x", b"x", size=len(data)) + data.ljust(512, b"\0") + file(b"second")
    assert refused(tar(file(b"first"), entry)).startswith("The entry after “first” can't be read")


def test_an_extended_header_may_be_empty_or_long_winded() -> None:
    assert contents(taken(tar(pax(), file(b"a")))[0]) == {"a": b""}
    assert contents(taken(tar(header(b"p", b"x", size=8) + b"0008 a=\n".ljust(512, b"\0"), file(b"a")))[0]) == {
        "a": b""
    }
    assert contents(taken(tar(pax((b"path", b"b"), (b"path", b"c")), file(b"a")))[0]) == {"c": b""}
    assert contents(taken(tar(pax((b"path", b"")), file(b"a")))[0]) == {"a": b""}


def test_an_extended_header_has_a_limit_before_it_is_read() -> None:
    head = header(b"PaxHeaders/x", b"x", size=base256(1 << 60, 12))
    source = io.BytesIO(head + bytes(1 << 22))
    with pytest.raises(InvalidInputError, match="longer than 1,048,576 bytes"):
        list(checked_tar(source, ArchiveFormat.TAR))
    assert source.tell() <= 1 << 20
    with pytest.raises(InvalidInputError, match="longer than"):
        taken(tar(pax((b"comment", b"x" * 600)), file(b"a")), limits=Limits(header=600))
    assert "longer than" in refused(header(b"l", b"L", size=base256(1 << 60, 12)) + END)


@pytest.mark.parametrize(
    "entries",
    [
        [pax((b"path", b"a")), pax((b"path", b"b")), file(b"c")],
        [long_name(b"a"), long_name(b"b"), file(b"c")],
        [long_name(b"a"), pax((b"path", b"b")), file(b"c")],
        [pax((b"linkpath", b"a")), long_name(b"b", b"K"), symlink(b"c", b"d")],
        [pax((b"path", b"a")), pax((b"comment", b"b"), flag=b"g"), file(b"c")],
        [pax((b"path", b"a"))],
        [long_name(b"a")],
    ],
)
def test_headers_that_contradict_one_another_or_stand_alone_are_refused(entries: list[bytes]) -> None:
    refused(tar(*entries))


def test_there_is_no_end_of_headers_for_all_entries() -> None:
    assert "more than 1,000 headers" in refused(tar(*[pax((b"comment", b"x"), flag=b"g")] * 1001, file(b"a")))


@pytest.mark.parametrize("flag", [b"M", b"N", b"A", b"Z", b"\xff", b"8"])
def test_an_entry_of_an_unknown_type_is_refused(flag: bytes) -> None:
    assert "is not understood" in refused(tar(header(b"a", flag)))


@pytest.mark.parametrize("key", [b"SUN.holesdata", b"SCHILY.realsize", b"GNU.volume.filename"])
def test_data_in_an_unknown_form_is_refused(key: bytes) -> None:
    assert "not understood" in refused(tar(pax((key, b"1")), file(b"a")))


def test_old_types_are_what_they_mean() -> None:
    entries = [
        header(b"old", b"\0", magic=b""),
        header(b"old folder/", b"\0", magic=b""),
        header(b"contiguous", b"7"),
        header(b"label", b"V"),
        header(b"dump/", b"D", size=4, magic=b"ustar  \0") + b"Yx\0\0".ljust(512, b"\0"),
    ]
    found = listed(taken(tar(*entries))[0])
    assert [(each.name, each.isdir()) for each in found] == [
        ("old", False),
        ("old folder", True),
        ("contiguous", False),
        ("dump", True),
    ]


def test_a_name_in_two_fields_is_one() -> None:
    assert contents(taken(tar(header(b"name", front=b"a/b")))[0]) == {"a/b/name": b""}
    block = bytearray(header(b"name", front=b"a/b"))
    block[476:512] = b"0" * 11 + b" " + b"0" * 11 + b" " + bytes(8) + b"tar\0"
    assert contents(taken(tar(with_checksum(bytes(block))))[0]) == {"a/b/name": b""}
    assert contents(taken(tar(header(b"name", front=b"12345", magic=b"ustar  \0")))[0]) == {"name": b""}


def test_a_checksum_may_be_signed_and_has_to_fit() -> None:
    block = header(b"\xff" * 9)
    signed = sum(byte - 256 * (byte > 127) for byte in block[:148] + block[156:]) + 8 * 32
    old = block[:148] + b"%06o\0 " % signed + block[156:]
    assert len(listed(taken(tar(old))[0])) == 1
    wrong = block[:148] + b"%06o\0 " % (signed + 1) + block[156:]
    assert refused(tar(file(b"first"), wrong)).startswith(
        "The entry after “first” can't be read: its header is damaged"
    )


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (b"", "is empty"),
        (b"x", "breaks off"),
        (b"x" * 512, "is no tar"),
        (gzip.compress(ORDINARY).ljust(1024, b"\0"), "compressed once more"),
        (file(b"a", b"abc"), "breaks off after “a”"),
        (file(b"a", b"abc")[:600], "breaks off in “a”"),
        (file(b"a", b"abc")[:514], "breaks off in “a”"),
        (tar(file(b"a")) + file(b"b"), "two archives in one file"),
        (tar(file(b"a")) + b"garbage", "there is more"),
        (tar(file(b"a")) + bytes(1 << 20) + b"\1", "there is more"),
        (file(b"a") + bytes(512) + file(b"b") + END, "there is more"),
    ],
)
def test_what_is_no_whole_tar_is_refused(archive: bytes, words: str) -> None:
    assert words in refused(archive)


@pytest.mark.parametrize("size", [22, 4096])
def test_a_zip_that_is_compressed_once_more_is_called_one(size: int) -> None:
    zipped = b"PK\x05\x06".ljust(size, b"\0")
    assert "is a zip archive" in refused(gzip.compress(zipped), ArchiveFormat.TAR_GZ)
    assert "is a zip archive" in refused(zstd.compress(zipped), ArchiveFormat.TAR_ZST)


@pytest.mark.parametrize("end", [bytes(512), END, bytes(10240), bytes(1 << 20), bytes(513)])
def test_an_end_may_be_short_or_long(end: bytes) -> None:
    assert contents(taken(file(b"a", b"x") + end)[0]) == {"a": b"x"}


def test_an_archive_of_nothing_is_one() -> None:
    assert listed(taken(END)[0]) == []
    assert len(taken(END)[0]) == 10240


@given(data=st.data())
@settings(max_examples=120, deadline=None)
@pytest.mark.parametrize("fmt", PACKED)
def test_an_archive_that_breaks_off_anywhere_is_refused(fmt: ArchiveFormat, data: st.DataObject) -> None:
    """Anywhere but in the zeros at the end of a tar, where nothing is missing."""
    whole = PACKED[fmt]
    needed = len(whole) - 512 if fmt is ArchiveFormat.TAR else len(whole)
    cut = data.draw(st.integers(0, needed - 1))
    assert refused(whole[:cut], fmt)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
@pytest.mark.parametrize("fmt", PACKED)
def test_flipped_bytes_are_refused_or_harmless(fmt: ArchiveFormat, data: st.DataObject) -> None:
    damaged = bytearray(PACKED[fmt])
    for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    _take_or_refuse(bytes(damaged), fmt)


@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_flipped_bytes_under_a_good_checksum_are_refused_or_harmless(data: st.DataObject) -> None:
    """As somebody would flip them who means it: in a header, which then has its checksum again."""
    blocks = [ORDINARY[at : at + 512] for at in range(0, len(ORDINARY), 512)]
    headers = [index for index, block in enumerate(blocks) if block[257:262] == b"ustar"]
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.sampled_from(headers))
        block = bytearray(blocks[index])
        at = data.draw(st.integers(0, 511))
        piece = data.draw(
            st.sampled_from([b"/", b"..", b"\0", b"\x80", b"\xff", b"1", b"2", b"5", b"x", b"L", b"g", b"7"])
        )
        block[at : at + len(piece)] = piece
        blocks[index] = with_checksum(bytes(block[:512]))
    _take_or_refuse(b"".join(blocks), ArchiveFormat.TAR)


@given(st.lists(st.tuples(st.sampled_from([b"path", b"linkpath", b"size", b"GNU.sparse.major", b"GNU.sparse.minor",
    b"GNU.sparse.name", b"GNU.sparse.realsize", b"GNU.sparse.size", b"GNU.sparse.map", b"mtime", b"uid", b"hdrcharset",
    b"SCHILY.xattr.user.x", b"SCHILY.acl.access"]), st.sampled_from([b"", b"0", b"1", b"4", b"-1", b"../x", b"/x", b"x",
    b"0,4", b"x\0", b"9" * 19]) | st.binary(max_size=8)), max_size=6), st.sampled_from([b"0", b"1", b"2", b"5", b"S", b"x"]))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_records_of_every_kind_are_refused_or_harmless(records: list[tuple[bytes, bytes]], flag: bytes) -> None:
    entry = pax(*records) + header(b"name", flag, size=4 if flag in b"0S" else 0, target=b"first")
    _take_or_refuse(
        tar(file(b"first"), entry + (b"0\n4\n" if flag in b"0S" else b"").ljust(512, b"\0")), ArchiveFormat.TAR
    )


def _take_or_refuse(archive: bytes, fmt: ArchiveFormat) -> None:
    try:
        safe, _ = taken(archive, fmt)
    except InvalidInputError as error:
        assert error.fields["archive"].isprintable()
        return
    assert_safe(safe)


def test_record_of_the_tests_is_as_long_as_it_says() -> None:
    assert record(b"path", b"x" * 90) == b"99 path=" + b"x" * 90 + b"\n"
    assert all(
        int(made.partition(b" ")[0]) == len(made) for size in range(2000) for made in [record(b"a", b"x" * size)]
    )
