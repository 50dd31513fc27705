"""What a person chooses for an import, its limits, and what is said of it afterwards."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from tests.unit.archives.building import (
    END,
    Zip,
    base256,
    chunked,
    file,
    folder,
    hard_link,
    header,
    listed,
    names,
    pax,
    symlink,
    taken,
    tar,
)
from webui.archives import ArchiveFormat, ImportOptions, Limits, checked_tar
from webui.errors import InvalidInputError

DEVICE = header(b"dev/null", b"3", major=1, minor=3, mode=0o666)


def test_owners_and_modes_are_kept() -> None:
    [member] = listed(taken(tar(file(b"a", mode=0o6755, uid=1000, gid=base256(2**32 - 2, 8))))[0])
    assert (member.mode, member.uid, member.gid) == (0o6755, 1000, 2**32 - 2)


def test_owners_are_mapped_to_one() -> None:
    archive = tar(folder(b"d", uid=5, gid=6), file(b"a", uid=base256(-1, 8)), pax((b"uid", b"9" * 12)), file(b"b"))
    found = listed(taken(archive, options=ImportOptions(owners="map", uid=7, gid=3_000_000))[0])
    assert {(member.uid, member.gid) for member in found} == {(7, 3_000_000)}


def test_plain_modes_have_no_special_power() -> None:
    attributes = {b"SCHILY.xattr.user.note": b"x", b"SCHILY.acl.access": b"user::rw-\n"}
    powers = {b"SCHILY.xattr.security.capability": b"\1", b"SCHILY.xattr.trusted.overlay.opaque": b"y"}
    entry = pax(*(attributes | powers).items()) + file(b"a", mode=0o6755)
    kept, plain = (
        listed(taken(tar(entry, folder(b"d", mode=0o3777)), options=ImportOptions(modes=modes))[0])
        for modes in ("keep", "plain")
    )
    assert [member.mode for member in kept] == [0o6755, 0o3777]
    assert [member.mode for member in plain] == [0o755, 0o1777]
    assert {key.encode() for key in kept[0].pax_headers} == {*attributes, *powers}
    assert {key.encode() for key in plain[0].pax_headers} == {*attributes}


def test_only_attributes_are_kept_of_the_records() -> None:
    """Names of owners, other times and what other programs note mean nothing to a volume."""
    noise = {b"uname": b"root", b"atime": b"1", b"ctime": b"1", b"comment": b"x", b"LIBARCHIVE.xattr.user.x": b"eA",
             b"SCHILY.fflags": b"x", b"SCHILY.acl.ace": b"x", b"RHT.security.selinux": b"x", b"hdrcharset": b"BINARY"}  # fmt: skip
    [member] = listed(taken(tar(pax(*noise.items(), (b"SCHILY.xattr.user.x", b"x")), file(b"a")))[0])
    assert list(member.pax_headers) == ["SCHILY.xattr.user.x"]


def test_devices_are_left_out_unless_they_are_asked_for() -> None:
    archive = tar(
        folder(b"dev"), DEVICE, hard_link(b"dev/other", b"dev/null"), header(b"disk", b"4", major=8), file(b"a")
    )
    safe, summary = taken(archive)
    assert names(safe) == ["dev", "a"]
    assert [(each.name, each.why) for each in summary.left_out] == [
        (b"dev/null", "It is a device, and devices were not asked for."),
        (b"dev/other", "It is a hard link to something that was left out."),
        (b"disk", "It is a device, and devices were not asked for."),
    ]
    safe, summary = taken(archive, options=ImportOptions(devices=True))
    assert [(each.name, each.type, each.devmajor, each.devminor) for each in listed(safe)[1:4]] == [
        ("dev/null", b"3", 1, 3),
        ("dev/other", b"1", 0, 0),
        ("disk", b"4", 8, 0),
    ]
    assert (summary.others, summary.links, summary.left_out_count) == (2, 1, 0)


def test_the_place_of_what_is_left_out_stays_taken() -> None:
    for other in (DEVICE, file(b"dev/null"), file(b"dev/null/x"), symlink(b"dev/null", b"/etc")):
        with pytest.raises(InvalidInputError):
            taken(tar(DEVICE, other))


@pytest.mark.parametrize("numbers", [{"major": 4096}, {"minor": base256(2**20, 8)}, {"major": base256(-1, 8)}])
def test_a_device_has_a_number_that_can_be(numbers: dict[str, int | bytes]) -> None:
    with pytest.raises(InvalidInputError, match="“d” is a device with a number"):
        taken(tar(header(b"d", b"3", **numbers)), options=ImportOptions(devices=True))


def test_a_long_list_of_what_was_left_out_is_cut_and_counted() -> None:
    _, summary = taken(tar(*(header(b"%d" % index, b"3") for index in range(1200))))
    assert (len(summary.left_out), summary.left_out_count) == (1000, 1200)


def test_the_summary_counts() -> None:
    _, summary = taken(
        tar(folder(b"d"), file(b"a", b"123"), symlink(b"l", b"x"), hard_link(b"h", b"a"), header(b"f", b"6"))
    )
    assert (summary.files, summary.folders, summary.links, summary.others, summary.bytes) == (1, 1, 2, 1, 3)
    _, summary = taken(Zip().add(b"d/").add(b"a", b"12345").add(b"l", b"a", mode=0o120777).built(), ArchiveFormat.ZIP)
    assert (summary.files, summary.folders, summary.links, summary.bytes) == (1, 1, 1, 5)


def test_more_bytes_than_may_be_are_refused_before_they_are_read() -> None:
    limits = Limits(bytes=1000)
    assert taken(tar(file(b"a", b"x" * 600), file(b"b", b"x" * 400)), limits=limits)[1].bytes == 1000
    with pytest.raises(InvalidInputError, match="With “b” the archive holds more than 1,000 bytes"):
        taken(file(b"a", b"x" * 600) + header(b"b", size=401), limits=limits)
    with pytest.raises(InvalidInputError, match="With “b” the archive holds more than 1,000 bytes"):
        taken(Zip().add(b"a", b"x" * 600).add(b"b", b"x" * 401).built(), ArchiveFormat.ZIP, limits)


def test_more_entries_than_may_be_are_refused() -> None:
    assert taken(tar(*(file(b"%d" % index) for index in range(10))), limits=Limits(entries=10))[1].files == 10
    with pytest.raises(InvalidInputError, match="more than 10 entries"):
        taken(tar(*(file(b"%d" % index) for index in range(11))), limits=Limits(entries=10))


class Endless:
    """A tar that never ends, and counts what is read of it."""

    def __init__(self, entries: Iterator[bytes]) -> None:
        self._entries = entries
        self.count = 0

    def read(self, _: int) -> bytes:
        self.count += 100
        return b"".join(next(self._entries) for _ in range(100))


def test_an_archive_without_end_is_refused_at_the_limit_of_entries() -> None:
    endless = Endless(file(b"%d" % index) for index in iter(range(10**9)))
    with pytest.raises(InvalidInputError, match="more than 20,000 entries"):
        for _ in checked_tar(endless, ArchiveFormat.TAR, Limits(entries=20_000)):
            pass
    assert endless.count <= 20_200


def test_many_entries_take_little_memory() -> None:
    """So that a million, the most by default, stay within some 30 MiB."""
    endless = Endless(
        file(b"folder/with a rather long name/and a file of an even longer name %d" % index)
        for index in iter(range(10**9))
    )
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInputError, match="more than 10,000 entries"):
            for _ in checked_tar(endless, ArchiveFormat.TAR, Limits(entries=10_000)):
                pass
        assert tracemalloc.get_traced_memory()[1] < 1.5 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_large_file_takes_little_memory() -> None:
    def endless() -> Iterator[bytes]:
        yield header(b"large", size=1 << 28)
        yield from [bytes(1 << 16)] * (1 << 12)
        yield END

    class Source:
        def __init__(self) -> None:
            self._chunks = endless()

        def read(self, _: int) -> bytes:
            return next(self._chunks, b"")

    tracemalloc.start()
    try:
        made = sum(map(len, checked_tar(Source(), ArchiveFormat.TAR)))
        assert made == (1 << 28) + 10240 - (1 << 28) % 10240
        assert tracemalloc.get_traced_memory()[1] < 2 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [1, 7, 511, 512, 513, 4096, 1 << 20])
def test_it_does_not_matter_in_which_chunks_an_archive_comes(size: int) -> None:
    archive = tar(file(b"a", b"x" * 100_000), pax((b"path", b"p" * 200)), file(b"b", b"y" * 10))
    pieces = iter(chunked(archive, size))

    class Source:
        def read(self, _: int) -> bytes:
            return next(pieces, b"")

    assert b"".join(checked_tar(Source(), ArchiveFormat.TAR)) == taken(archive)[0]


def test_a_checked_archive_may_be_checked_again() -> None:
    archive = tar(folder(b"./"), file(b"a", b"x" * 9), pax((b"mtime", b"-1.000000001")), symlink(b"b", b"c" * 200))
    once = taken(archive)[0]
    assert taken(once)[0] == once
