"""Zips from outside: what they may say, where they may lie, and what becomes of their entries."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.archives.building import Zip, assert_safe, contents, listed, names, taken, zip_extra
from tests.unit.archives.trees import unpack
from webui.archives import ArchiveFormat, ImportOptions, Limits, checked_zip
from webui.errors import InvalidInputError

ZIP = ArchiveFormat.ZIP
ORDINARY = Zip().add(b"folder/", mode=0o40755).add(b"folder/a", b"1" * 999).add(b"b", b"2", method=0).built(b"comment")


def refused(archive: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(InvalidInputError) as found:
        taken(archive, ZIP, limits or Limits())
    assert list(found.value.fields) == ["archive"]
    return found.value.fields["archive"]


def test_an_ordinary_zip_is_taken() -> None:
    safe, summary = taken(ORDINARY, ZIP)
    assert contents(safe) == {"folder/a": b"1" * 999, "b": b"2"}
    assert (summary.files, summary.folders, summary.bytes) == (2, 1, 1000)
    assert listed(taken(Zip().built(), ZIP)[0]) == []


@pytest.mark.parametrize(
    ("name", "made_by", "words"),
    [
        (b"/etc/passwd", 3, "absolute"),
        (b"../x", 3, "leads out"),
        (b"a/../../b", 3, "leads out"),
        (b"..\\x", 0, "leads out"),
        (b"a\\..\\..\\b", 10, "leads out"),
        (b"\\windows\\x", 0, "absolute"),
        (b"\\\\server\\share\\x", 0, "absolute"),
        (b"C:\\x", 0, "drive"),
        (b"c:x", 11, "drive"),
        (b"a\0b", 3, "NUL"),
        (b"", 3, "no name"),
        (b"n" * 256, 3, "too long"),
    ],
)
def test_a_name_that_leads_out_is_refused(name: bytes, made_by: int, words: str) -> None:
    assert words in refused(Zip().add(name, b"x", made_by=made_by).built())


@pytest.mark.parametrize(
    ("name", "lies", "read"),
    [
        (b"a/b", {}, "a/b"),
        (b"./a", {}, "a"),
        (b"a\\b", {"made_by": 0}, "a/b"),
        (b"a\\b", {"made_by": 3}, "a\\b"),
        ("ä".encode(), {"flags": 0x800}, "ä"),
        (b"\x84", {"made_by": 0}, "ä"),
        (b"\x84", {"made_by": 3}, "\udc84"),
        ("ä".encode(), {"made_by": 3}, "ä"),
        (b"?", {"extra": zip_extra(0x7075, b"\1" + struct.pack("<L", zlib.crc32(b"?")) + "ä".encode())}, "ä"),
        (b"?", {"extra": zip_extra(0x7075, b"\1" + struct.pack("<L", 1) + "ä".encode())}, "?"),
        (b"a", {"extra": b"\1\2\3"}, "a"),
        (b"C:x", {"made_by": 3}, "C:x"),
    ],
)
def test_a_name_is_read_as_it_was_meant(name: bytes, lies: dict[str, int], read: str) -> None:
    assert contents(taken(Zip().add(name, b"x", **lies).built(), ZIP)[0]) == {read: b"x"}


def test_a_name_that_claims_to_be_utf_8_is_that() -> None:
    assert "UTF-8" in refused(Zip().add(b"\xff", flags=0x800).built())


def test_the_rules_of_the_tree_are_those_of_tars() -> None:
    link = {"mode": 0o120777}
    assert "can't be put into “a”" in refused(Zip().add(b"a", b"/etc", **link).add(b"a/x").built())
    assert "occurs twice" in refused(Zip().add(b"a").add(b"a").built())
    assert "occurs twice" in refused(Zip().add(b"a", b"/etc", **link).add(b"./a").built())
    assert "folder in one place" in refused(Zip().add(b"a/x").add(b"a").built())


def test_links_modes_and_times_are_kept() -> None:
    made = Zip()
    made.add(b"link", b"../target", mode=0o120777, method=0)
    made.add(b"program", b"#!", mode=0o104755, extra=zip_extra(0x5455, b"\1" + struct.pack("<l", -5)))
    made.add(b"folder/", mode=0o41777)
    made.add(
        b"windows", b"x", made_by=0, mode=0, dos=0x21, date=(2026 - 1980) << 9 | 2 << 5 | 3, time=4 << 11 | 5 << 5 | 3
    )
    made.add(b"dos folder", made_by=0, mode=0, dos=0x10, date=0)
    made.add(b"python", b"x", mode=0o600)
    made.add(
        b"ntfs", b"x", extra=zip_extra(0x0A, bytes(4) + struct.pack("<HHQ", 1, 24, 116444736000000000 + 15) + bytes(16))
    )
    found = {member.name: member for member in listed(taken(made.built(), ZIP)[0])}
    assert (found["link"].issym(), found["link"].linkname) == (True, "../target")
    assert (found["program"].mode, found["program"].mtime) == (0o4755, -5)
    assert (found["folder"].isdir(), found["folder"].mode) == (True, 0o1777)
    assert (found["windows"].mode, found["windows"].mtime) == (0o444, 1770091506)
    assert (found["dos folder"].isdir(), found["dos folder"].mode, found["dos folder"].mtime) == (True, 0o755, 0)
    assert (found["python"].isreg(), found["python"].mode) == (True, 0o600)
    assert found["ntfs"].pax_headers["mtime"] == "0.0000015"


def test_owners_are_those_of_the_zip_or_the_chosen_ones() -> None:
    ours = zip_extra(0x7875, b"\1\4" + struct.pack("<L", 1000) + b"\2" + struct.pack("<H", 50))
    broken = zip_extra(0x7875, b"\1\4\0\0")
    archive = Zip().add(b"a", extra=ours).add(b"b").add(b"c", extra=broken).built()
    kept = listed(taken(archive, ZIP, options=ImportOptions(uid=7, gid=8))[0])
    assert [(each.uid, each.gid) for each in kept] == [(1000, 50), (7, 8), (7, 8)]
    mapped = listed(taken(archive, ZIP, options=ImportOptions(owners="map", uid=7, gid=8))[0])
    assert {(each.uid, each.gid) for each in mapped} == {(7, 8)}


@pytest.mark.parametrize(
    ("lies", "words"),
    [
        ({"local_name": b"b"}, "damaged"),
        ({"local_name": b"../a"}, "damaged"),
        ({"central_size": 4}, "damaged"),
        ({"size": 4}, "damaged"),
        ({"size": 6}, "damaged"),
        ({"size": 0}, "damaged"),
        ({"central_crc": 1}, "damaged"),
        ({"crc": 1}, "damaged"),
        ({"compressed": 3}, "damaged"),
        ({"central_compressed": 3}, "damaged"),
        ({"local_method": 0}, "damaged"),
        ({"method": 0, "compressed": 5, "packed": b"hell"}, "overlaps"),
        ({"packed": b"\xff" * 7, "compressed": 7}, "damaged"),
        ({"packed": b"", "compressed": 0}, "damaged"),
        ({"flags": 1}, "is encrypted"),
        ({"central_flags": 0x41}, "is encrypted"),
        ({"local_flags": 1}, "damaged"),
        ({"flags": 0x2000}, "is encrypted"),
        ({"flags": 0x20}, "not understood"),
        ({"central_method": 99}, "not understood"),
        ({"central_method": 12}, "not understood"),
        ({"central_method": 9}, "not understood"),
        ({"method": 0, "compressed": 7, "packed": b"hello!!"}, "damaged"),
        ({"packed": b"\xcbH\xcd\xc9\xc9", "compressed": 5}, "damaged"),
        ({"mode": 0o020644}, "neither file"),
        ({"mode": 0o040755}, "holds data although"),
        ({"size": 0, "crc": 0}, "damaged"),
        ({"central_offset": 1}, "damaged"),
        ({"central_offset": 10_000}, "does not fit"),
        ({"size": 0xFFFFFFFF}, "does not fit"),
    ],
)
def test_an_entry_that_lies_is_refused(lies: dict[str, int | bytes], words: str) -> None:
    assert words in refused(Zip().add(b"a", b"hello", **lies).built())


def test_an_empty_file_may_be_written_in_three_ways() -> None:
    made = Zip().add(b"a", method=0).add(b"b", method=8).add(b"c", method=8, packed=b"", compressed=0)
    assert contents(taken(made.built(), ZIP)[0]) == {"a": b"", "b": b"", "c": b""}


def test_data_beyond_what_was_said_is_noticed_even_where_the_checksum_fits() -> None:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    more = stream.compress(b"hello" + b"x" * 100_000) + stream.flush()
    lies = {"packed": more, "compressed": len(more)}
    assert "“a” is damaged" in refused(Zip().add(b"a", b"hello", **lies).built())
    after = zlib.compressobj(9, zlib.DEFLATED, -15)
    hidden = after.compress(b"hello") + after.flush() + b"hidden"
    assert "“a” is damaged" in refused(Zip().add(b"a", b"hello", packed=hidden, compressed=len(hidden)).built())


def test_data_beyond_what_was_said_is_not_handed_on() -> None:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    more = stream.compress(bytes(1 << 24)) + stream.flush()
    made = 0
    with pytest.raises(InvalidInputError, match="damaged"):
        for chunk in checked_zip(io.BytesIO(Zip().add(b"a", b"hello", packed=more, compressed=len(more)).built())):
            made += len(chunk)
    assert made < 1 << 20


def test_data_without_its_end_is_noticed() -> None:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = stream.compress(b"hello") + stream.flush(zlib.Z_SYNC_FLUSH)
    assert "“a” is damaged" in refused(Zip().add(b"a", b"hello", packed=data, compressed=len(data)).built())


def test_a_link_whose_target_is_endless_is_refused() -> None:
    assert "target" in refused(Zip().add(b"a", b"x" * 5000, mode=0o120777).built())
    assert "target" in refused(Zip().add(b"a", b"", mode=0o120777).built())
    assert "target" in refused(Zip().add(b"a", b"x\0y", mode=0o120777).built())
    assert "folder and is none" in refused(Zip().add(b"a/", b"x", mode=0o120777).built())


def test_sizes_may_follow_the_data() -> None:
    zeros = {"local_crc": 0, "local_compressed": 0, "local_size": 0}
    made = Zip().add(b"a", b"hello", flags=8, **zeros)
    made.data += struct.pack("<4sLLL", b"PK\x07\x08", 0, 0, 0)
    assert contents(taken(made.add(b"b", b"x", flags=8).built(), ZIP)[0]) == {"a": b"hello", "b": b"x"}
    assert "damaged" in refused(Zip().add(b"a", b"hello", **zeros).built())
    assert "damaged" in refused(
        Zip().add(b"a", b"hello", flags=8, local_crc=0, local_compressed=0, local_size=9).built()
    )


def test_entries_that_share_their_data_are_refused() -> None:
    """The construction that makes petabytes of megabytes: many names for one piece of data."""
    made = Zip().add(b"kernel", bytes(10_000))
    for index in range(50):
        made.directory.append(made.directory[0].replace(b"kernel", b"file%02d" % index))
    assert "overlap" in refused(made.built())


def test_entries_that_quote_one_another_are_refused() -> None:
    """The same by other means: each entry's data holds the next one's header."""
    inner = Zip().add(b"inner", b"x" * 100, method=0)
    outer = Zip().add(b"outer", bytes(inner.data), method=0)
    offset = len(outer.data) - len(inner.data)
    entry = bytearray(inner.directory[0])
    entry[42:46] = struct.pack("<L", offset)
    outer.directory.append(bytes(entry))
    assert "overlap" in refused(outer.built())


def test_an_entry_that_reaches_into_the_directory_is_refused() -> None:
    made = Zip().add(b"a", b"hello", method=0, compressed=40, size=40)
    assert "overlap" in refused(made.built())


@pytest.mark.parametrize("before", [b"#!/bin/sh\n", b"MZ" + bytes(100_000)])
def test_something_may_stand_before_a_zip(before: bytes) -> None:
    made = Zip(before).add(b"a", b"x").add(b"b", b"y")
    assert contents(taken(made.built(), ZIP)[0]) == {"a": b"x", "b": b"y"}


@pytest.mark.parametrize("comment", [b"x" * 65535, b"PK\5\6 is how a zip ends", b"\0" * 30])
def test_a_comment_may_be_long(comment: bytes) -> None:
    assert contents(taken(Zip().add(b"a", b"x", comment=b"c" * 60_000).built(comment), ZIP)[0]) == {"a": b"x"}


def test_a_comment_that_is_a_second_directory_is_refused() -> None:
    """Two readers could see two different archives."""
    assert "directory" in refused(Zip().add(b"a").built(Zip().built()))
    other = Zip().add(b"b").built()
    assert "directory" in refused(Zip().add(b"a").built(other))


@pytest.mark.parametrize(
    "archive",
    [
        b"",
        b"PK",
        b"PK\3\4" + bytes(100),
        Zip().add(b"a").built(count=0),
        Zip().add(b"a").built(count=2),
        Zip().add(b"a").built(count=0xFFFF),
        Zip().add(b"a").built(after=b"garbage"),
        Zip().add(b"a").built(b"x" * 10)[:-1],
        Zip().add(b"a").built()[1:],
        Zip().built()[:-1],
        Zip().built()[:4] + b"\1" + Zip().built()[5:],
        bytes(1000),
    ],
)
def test_a_directory_that_does_not_fit_is_refused(archive: bytes) -> None:
    assert "zip" in refused(archive)


def test_more_entries_than_may_be_are_refused_before_one_is_read() -> None:
    made = Zip()
    for index in range(11):
        made.add(b"%d" % index)
    assert taken(made.built(), ZIP, Limits(entries=11))[1].files == 11
    with pytest.raises(InvalidInputError, match="more than 10 entries"):
        checked_zip(io.BytesIO(made.built()), Limits(entries=10))


def test_a_million_entries_are_refused_at_once_by_default() -> None:
    count = 1_000_001
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, count * 46, 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, count * 46, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert "more than 1,000,000 entries" in refused(bytes(count * 46) + end64 + locator + end)


def test_large_numbers_come_from_the_fields_made_for_them() -> None:
    local = zip_extra(1, struct.pack("<QQ", 5, 5))
    central = zip_extra(1, struct.pack("<QQQ", 5, 5, 0))
    full = 0xFFFFFFFF
    lies = {"compressed": full, "size": full, "local_extra": local, "central_extra": central, "central_offset": full}
    made = Zip().add(b"a", b"hello", method=0, **lies)
    data = made.built()
    assert contents(taken(data, ZIP)[0]) == {"a": b"hello"}
    directory = len(made.data)
    size = len(data) - 22 - directory
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, directory)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(data) - 22, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, full, full, 0)
    assert contents(taken(data[:-22] + end64 + locator + end, ZIP)[0]) == {"a": b"hello"}
    assert contents(taken(data[:-22] + end64 + locator + data[-22:], ZIP)[0]) == {"a": b"hello"}
    other = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, full, full, 0)
    assert "directory" in refused(data[:-22] + end64 + locator + other)
    assert "directory" in refused(data[:-22] + end)
    for other in (
        end64.replace(b"PK\6\6", b"PK\6\7"),
        end64[:16] + b"\1" + end64[17:],
        end64[:24] + b"\2" + end64[25:],
    ):
        assert "directory" in refused(data[:-22] + other + locator + end)
    assert "directory" in refused(data[:-22] + end64 + locator[:8] + b"\1" + locator[9:] + end)
    short = lies | {"central_extra": zip_extra(1, bytes(15))}
    assert "directory" in refused(Zip().add(b"a", b"hello", method=0, **short).built())


def test_parts_of_a_zip_in_several_are_refused() -> None:
    end = struct.pack("<4s4H2LH", b"PK\5\6", 1, 0, 1, 1, 0, 0, 0)
    assert "part of several" in refused(end)


def test_a_zip_of_info_zip_and_one_of_python_are_taken(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    (tree / "folder" / "file").write_bytes(b"data" * 10_000)
    (tree / "folder" / "file").chmod(0o751)
    os.utime(tree / "folder" / "file", (0, 1_000_000_001))
    (tree / "link").symlink_to("folder/file")
    (tree / "ü\n").write_bytes(b"x")
    subprocess.run(["zip", "-qry", tmp_path / "a.zip", "."], cwd=tree, check=True)
    target = tmp_path / "target"
    target.mkdir()
    with (tmp_path / "a.zip").open("rb") as opened:
        unpack(checked_zip(opened), target)
    assert (target / "folder" / "file").read_bytes() == b"data" * 10_000
    made = (target / "folder" / "file").stat()
    assert (stat.S_IMODE(made.st_mode), made.st_mtime) == (0o751, 1_000_000_001)
    assert (target / "link").readlink() == Path("folder/file")
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as written:
        written.write(tree / "folder" / "file", "file")
        written.writestr("ü", "text")
        with written.open("large", "w", force_zip64=True) as large:
            large.write(b"x" * 100_000)
    with (tmp_path / "b.zip").open("rb") as opened:
        found = b"".join(checked_zip(opened))
    assert contents(found) == {"file": b"data" * 10_000, "ü": b"text", "large": b"x" * 100_000}


@given(st.integers(0, len(ORDINARY) - 1))
@settings(max_examples=100, deadline=None)
def test_a_zip_that_breaks_off_anywhere_is_refused(cut: int) -> None:
    assert refused(ORDINARY[:cut])


@given(st.lists(st.tuples(st.integers(0, len(ORDINARY) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_flipped_bytes_are_refused_or_harmless(flips: list[tuple[int, int]]) -> None:
    damaged = bytearray(ORDINARY)
    for place, byte in flips:
        damaged[place] = byte
    try:
        safe, _ = taken(bytes(damaged), ZIP)
    except InvalidInputError as error:
        assert error.fields["archive"].isprintable()
        return
    assert_safe(safe)


entry_names = st.sampled_from([b"a", b"a/", b"a/b", b"../a", b"a\\b", b"/a", b"b/", b"c", b"a/../b", b"\xff"])
entry_fields = st.fixed_dictionaries(
    {},
    optional={
        "made_by": st.sampled_from([0, 3, 19]),
        "mode": st.sampled_from([0, 0o120777, 0o40755, 0o100644, 0o10644]),
        "dos": st.sampled_from([0, 0x10]),
        "flags": st.sampled_from([0, 8, 0x800]),
        "method": st.sampled_from([0, 8]),
        "central_offset": st.sampled_from([0, 1, 40]),
        "size": st.integers(0, 9),
    },
)


@given(st.lists(st.tuples(entry_names, st.binary(max_size=9), entry_fields), max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_entries_are_refused_or_harmless(entries: list[tuple[bytes, bytes, dict[str, int]]]) -> None:
    made = Zip()
    for name, data, fields in entries:
        made.add(name, data, **fields)
    try:
        safe, _ = taken(made.built(), ZIP)
    except InvalidInputError:
        return
    assert_safe(safe)
    assert len(names(safe)) == len(entries)


@pytest.mark.parametrize("known", [{"local_size": 5}, {"local_crc": zlib.crc32(b"hello")}, {}])
def test_what_was_not_known_yet_when_it_was_streamed_may_be_missing_before_the_data(known: dict[str, int]) -> None:
    unknown = {"local_crc": 0, "local_compressed": 0, "local_size": 0} | known
    assert contents(taken(Zip().add(b"a", b"hello", flags=8, **unknown).built(), ZIP)[0]) == {"a": b"hello"}


def test_what_was_said_before_the_data_of_a_stream_has_to_be_true() -> None:
    lies = {"local_crc": 0, "local_compressed": 0, "local_size": 4}
    assert "“a” is damaged" in refused(Zip().add(b"a", b"hello", flags=8, **lies).built())


def test_what_was_read_from_a_pipe_is_a_file() -> None:
    assert contents(taken(Zip().add(b"-", b"hello", mode=0o010600).built(), ZIP)[0]) == {"-": b"hello"}
    assert "neither file" in refused(Zip().add(b"-", b"", mode=0o010600).built())
