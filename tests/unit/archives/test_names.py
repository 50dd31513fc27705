"""What an archive may call its entries, and what it may put where."""

from __future__ import annotations

import pytest

from tests.unit.archives.building import (
    assert_safe,
    contents,
    file,
    folder,
    hard_link,
    header,
    listed,
    long_name,
    names,
    pax,
    symlink,
    taken,
    tar,
)
from webui.archives import ArchiveFormat, ImportOptions, Limits
from webui.errors import InvalidInputError

LONGEST = b"n" * 255


def refused(*entries: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(InvalidInputError) as found:
        taken(tar(*entries), limits=limits or Limits())
    assert list(found.value.fields) == ["archive"]
    return found.value.fields["archive"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"a", "a"),
        (b"./a", "a"),
        (b"././a", "a"),
        (b"a/./b", "a/b"),
        (b"a//b", "a/b"),
        (b"..a", "..a"),
        (b"a..", "a.."),
        (b"...", "..."),
        (b".hidden", ".hidden"),
        (b"./.hidden/x", ".hidden/x"),
        (b"a\nb", "a\nb"),
        (b"a\\..\\b", "a\\..\\b"),
        (b"C:\\a", "C:\\a"),
        (b"-rf", "-rf"),
        (b" ", " "),
        (b"\xff\xfe", "\udcff\udcfe"),
        ("é".encode(), "é"),
        (LONGEST, LONGEST.decode()),
        (b"a" * 100, "a" * 100),
    ],
)
def test_a_name_that_stays_inside_is_taken(written: bytes, read: str) -> None:
    entry = file(written, b"x") if len(written) <= 100 else pax((b"path", written)) + file(b"short", b"x")
    assert contents(taken(tar(entry))[0]) == {read: b"x"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b"/etc/passwd", "is an absolute path"),
        (b"//etc/passwd", "is an absolute path"),
        (b"..", "leads out"),
        (b"../x", "leads out"),
        (b"a/../../b", "leads out"),
        (b"a/../b", "leads out"),
        (b"a/..", "leads out"),
        (b"./../x", "leads out"),
        (b"", "is no name"),
    ],
)
def test_a_name_that_leads_out_is_refused(name: bytes, words: str) -> None:
    for entry in (file(name), folder(name), symlink(name, b"x"), header(name, b"6")):
        assert words in refused(entry)


@pytest.mark.parametrize("name", [b"/etc/passwd", b"a/../../b", b"../x"])
def test_it_is_refused_too_where_a_longer_name_replaces_a_harmless_one(name: bytes) -> None:
    assert "“" in refused(pax((b"path", name)), file(b"harmless"))
    assert "“" in refused(long_name(name), file(b"harmless"))
    assert "“" in refused(header(name.rpartition(b"/")[2], front=name.rpartition(b"/")[0] or b"/"))
    assert "“" in refused(pax((b"GNU.sparse.name", name)), file(b"harmless"))


def test_a_name_ends_at_its_first_nul_and_a_longer_one_has_none() -> None:
    assert names(taken(tar(file(b"good\0/../../evil")))[0]) == ["good"]
    assert "NUL" in refused(pax((b"path", b"good\0evil")), file(b"x"))
    assert "long name is damaged" in refused(long_name(b"good\0evil"), file(b"x"))


@pytest.mark.parametrize(
    "name",
    [b"n" * 256, b"a/" + b"n" * 256 + b"/b", b"/".join([b"n" * 255] * 16) + b"/x", b"a/" * 2048 + b"b"],
)
def test_a_name_that_no_file_system_takes_is_refused(name: bytes) -> None:
    sentence = refused(pax((b"path", name)), file(b"x"))
    assert "is too long" in sentence
    assert len(sentence) < 400


@pytest.mark.parametrize("name", [b"a/b/c/d", b"./a/b/c/d", b"a/./b//c/d"])
def test_folders_above_one_another_have_a_limit(name: bytes) -> None:
    assert "3 folders above one another" in refused(file(name), limits=Limits(depth=3))
    assert names(taken(tar(file(name)), limits=Limits(depth=4))[0]) == ["a/b/c/d"]
    assert "6 bytes a path" in refused(file(name), limits=Limits(path=6))


@pytest.mark.parametrize("front", [0, 1, 99, 154, 155, 156, 255])
@pytest.mark.parametrize("tail", [1, 98, 99, 100, 101, 155, 255])
def test_a_name_of_any_length_is_handed_on(front: int, tail: int) -> None:
    """Whether it fits into the fields of a header or not."""
    name = "/".join(filter(None, ["f" * front, "t" * tail]))
    entries = [header(b"x", flag, target=b"y") for flag in (b"0", b"5", b"2")]
    for entry in entries:
        assert names(taken(tar(pax((b"path", name.encode())) + entry))[0]) == [name]
    link = tar(pax((b"path", name.encode())) + file(b"x"), pax((b"linkpath", name.encode())) + hard_link(b"l", b"x"))
    assert [each.linkname for each in listed(taken(link)[0])] == ["", name]


def test_a_name_of_4000_bytes_is_taken() -> None:
    name = b"/".join([b"n" * 249] * 16)
    assert names(taken(tar(pax((b"path", name)), file(b"x")))[0]) == [name.decode()]


def test_a_name_in_a_refusal_can_be_shown() -> None:
    sentence = refused(file(b"../a\n\x1b[31m\xff\xe2\x80\xae"))
    assert "“../a\\n\\x1b[31m\\xff\\u202e”" in sentence
    assert sentence.isprintable()


def test_the_top_folder_is_ordinary_and_keeps_its_mode() -> None:
    for top in (b"./", b"."):
        [member] = listed(taken(tar(folder(top, mode=0o750, uid=7)))[0])
        assert (member.name, member.isdir(), member.mode, member.uid) == (".", True, 0o750, 7)


def test_the_top_can_be_nothing_but_a_folder() -> None:
    assert "folder" in refused(file(b"./."))
    assert "folder" in refused(symlink(b".", b"/etc"))


@pytest.mark.parametrize(
    "target", [b"/etc", b"..", b"../../etc", b"elsewhere", b".", b"/"], ids=lambda target: target.decode()
)
def test_nothing_is_put_through_a_symbolic_link_of_the_archive(target: bytes) -> None:
    for inside in (file(b"link/x"), folder(b"link/x/"), symlink(b"link/x", b"y"), file(b"./link//x/y/z")):
        sentence = refused(symlink(b"link", target), inside)
        assert "can't be put into “link”, which is a symbolic link" in sentence


def test_nor_through_a_chain_of_them() -> None:
    chain = [symlink(b"one", b"two"), symlink(b"two", b"three"), symlink(b"three", b"/etc")]
    assert "“one”" in refused(*chain, file(b"one/x"))
    assert "“a/one”" in refused(folder(b"a/"), symlink(b"a/one", b".."), file(b"a/one/one/x"))


def test_a_symbolic_link_may_point_anywhere() -> None:
    entries = [symlink(b"out", b"/etc/passwd"), symlink(b"up", b"../../x"), symlink(b"nowhere", b"\xff\n")]
    found = listed(taken(tar(*entries))[0])
    assert [member.linkname for member in found] == ["/etc/passwd", "../../x", "\udcff\n"]


def test_a_symbolic_link_points_somewhere() -> None:
    assert "target" in refused(symlink(b"a", b""))
    assert "target" in refused(pax((b"linkpath", b"a\0b")), symlink(b"a", b"x"))
    assert "target" in refused(pax((b"linkpath", b"x" * 4096)), symlink(b"a", b"x"))


@pytest.mark.parametrize("other", [file(b"a"), symlink(b"a", b"/etc"), folder(b"a/"), header(b"a", b"6")])
@pytest.mark.parametrize("first", [file(b"a"), symlink(b"a", b"/etc"), header(b"./a", b"6")])
def test_nothing_takes_the_place_of_another(first: bytes, other: bytes) -> None:
    assert "occurs twice" in refused(first, other)


@pytest.mark.parametrize("other", [file(b"a"), symlink(b"a", b"/etc"), header(b"a", b"6"), hard_link(b"a", b"f")])
@pytest.mark.parametrize("first", [folder(b"a"), file(b"a/x"), folder(b"a/b/c")])
def test_nothing_takes_the_place_of_a_folder(first: bytes, other: bytes) -> None:
    assert "is a folder in one place" in refused(file(b"f"), first, other)


def test_a_folder_may_come_late_and_twice() -> None:
    found = names(taken(tar(file(b"a/b/x"), folder(b"a/"), folder(b"a/b"), folder(b"./a/", mode=0o700)))[0])
    assert found == ["a/b/x", "a", "a/b", "a"]


@pytest.mark.parametrize("place", [file(b"a"), header(b"a", b"6"), hard_link(b"a", b"f")])
def test_nothing_is_put_into_what_is_no_folder(place: bytes) -> None:
    assert "can't be put into “a”" in refused(file(b"f"), place, file(b"a/x"))


def test_twins_that_differ_in_case_are_two() -> None:
    assert names(taken(tar(file(b"Readme"), file(b"README")))[0]) == ["Readme", "README"]


@pytest.mark.parametrize("target", [b"/etc/passwd", b"../x", b"a/../../x", b""])
def test_a_hard_link_leads_nowhere_outside(target: bytes) -> None:
    assert "“" in refused(file(b"a/x"), hard_link(b"link", target))
    assert "“" in refused(file(b"a/x"), pax((b"linkpath", target or b"/")), hard_link(b"link", b"a/x"))
    assert "“" in refused(file(b"a/x"), long_name(target or b"/", b"K"), hard_link(b"link", b"a/x"))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([hard_link(b"link", b"later"), file(b"later")], "does not come before it"),
        ([hard_link(b"link", b"link")], "does not come before it"),
        ([hard_link(b"link", b"missing")], "does not come before it"),
        ([folder(b"f/"), hard_link(b"link", b"f")], "hard link to a folder"),
        ([file(b"f/x"), hard_link(b"link", b"f")], "hard link to a folder"),
        ([hard_link(b"link", b"./")], "hard link to a folder"),
        ([symlink(b"s", b"/etc"), hard_link(b"link", b"s/passwd")], "does not come before it"),
    ],
)
def test_a_hard_link_needs_an_earlier_file(entries: list[bytes], words: str) -> None:
    assert words in refused(*entries)


def test_a_hard_link_to_an_earlier_file_is_one() -> None:
    safe, summary = taken(tar(file(b"./a/x", b"data"), hard_link(b"./b", b"./a/x"), hard_link(b"c", b"b")))
    assert [(each.name, each.linkname) for each in listed(safe)] == [("a/x", ""), ("b", "a/x"), ("c", "b")]
    assert (summary.files, summary.links) == (1, 2)


def test_a_hard_link_to_a_symbolic_link_becomes_another_of_those() -> None:
    """So that nobody who unpacks follows it, and nothing is lost."""
    safe, _ = taken(tar(symlink(b"s", b"/etc/passwd"), hard_link(b"t", b"s"), hard_link(b"u", b"t")))
    assert [(each.name, each.issym(), each.linkname) for each in listed(safe)] == [
        ("s", True, "/etc/passwd"),
        ("t", True, "/etc/passwd"),
        ("u", True, "/etc/passwd"),
    ]
    assert "symbolic link" in refused(symlink(b"s", b"/etc"), hard_link(b"t", b"s"), file(b"t/x"))


def test_so_many_symbolic_links_that_they_are_forgotten_can_have_no_hard_links() -> None:
    target = b"t" * 4000
    many = [pax((b"linkpath", target)) + symlink(b"%d" % index, b"x") for index in range(1100)]
    assert "--hard-dereference" in refused(*many, hard_link(b"link", b"1099"))


def test_a_header_for_all_entries_poisons_none() -> None:
    for key in (b"path", b"linkpath", b"size", b"GNU.sparse.name", b"GNU.sparse.major", b"SCHILY.xattr.user.x"):
        assert "for all entries" in refused(pax((key, b"1"), flag=b"g"), file(b"a"))


def test_a_header_for_all_entries_may_say_what_is_harmless() -> None:
    common = pax((b"comment", b"0f" * 20), (b"uid", b"12"), (b"mtime", b"5.5"), flag=b"g")
    first, second = listed(taken(tar(common, file(b"a"), pax((b"uid", b"13")), file(b"b")))[0])
    assert (first.uid, first.mtime, second.uid, second.mtime) == (12, 5.5, 13, 5.5)


@pytest.mark.parametrize("fmt", [ArchiveFormat.TAR])
def test_what_is_handed_on_is_written_anew(fmt: ArchiveFormat) -> None:
    """Not a byte of the headers stays, so that no other reader reads them otherwise."""
    junk = {"magic": b"ustar\x0000"}
    block = bytearray(header(b"a\0junk", **junk))
    block[500:512] = b"junk at end!"
    from tests.unit.archives.building import with_checksum

    safe, _ = taken(tar(with_checksum(bytes(block))), fmt, options=ImportOptions())
    assert b"junk" not in safe
    assert_safe(safe)


def test_the_label_of_a_volume_is_no_name_of_an_entry() -> None:
    assert names(taken(tar(pax((b"GNU.volume.label", b"backup"), flag=b"g"), file(b"a")))[0]) == ["a"]
