"""What is told when a clone is compared with its original, record by record as the helper prints them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from webui.engine.cloning import Copied, complaint, not_arrived
from webui.engine.comparison import Comparison, Names, compare, records
from webui.engine.file_model import Place
from webui.errors import ConflictError, EngineError

SINCE = 1000.0


def record(
    path: bytes, kind: bytes = b"f", size: int = 5, mode: bytes = b"644", time: bytes = b"900.5", link: bytes = b""
) -> bytes:
    """An entry as `find` prints it."""
    return b"/%s//%s %d %s 0 0 %s 1//%s" % (path, kind, size, mode, time, link)


def compared(*told: bytes) -> Comparison:
    """What is found in records: those of the copy alone begin with a tab."""
    return compare([each + b"\0" for each in told], SINCE)


def test_nothing_that_differs_is_nothing_to_tell() -> None:
    found = compared()
    assert (found.lacking, found.newer.count, found.strange.count, +found.unkept) == (0, 0, 0, {})


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ((record(b"a"),), "missing"),
        ((record(b"a", b"d", 0),), "missing"),
        ((record(b"a", b"l"),), "special"),
        ((record(b"a", b"p"),), "special"),
        ((record(b"a", b"s"),), "sockets"),
        ((b"\t" + record(b"a"),), "strange"),
        ((record(b"a"), b"\t" + record(b"a", size=4)), "other"),
        ((b"\t" + record(b"a"), record(b"a", b"l", link=b"x")), "other"),
        ((record(b"a", b"l", link=b"x"), b"\t" + record(b"a", b"l", link=b"y")), "other"),
        ((record(b"a", time=b"1000.5"), b"\t" + record(b"a")), "newer"),
    ],
)
def test_each_difference_has_its_name(sent: tuple[bytes, ...], told: str) -> None:
    found = compared(*sent)
    kinds = ("missing", "special", "sockets", "other", "newer", "strange")
    assert {kind: getattr(found, kind).count for kind in kinds if getattr(found, kind).count} == {told: 1}
    assert getattr(found, told).first == ["a"]


def test_what_storage_does_not_know_is_counted_and_no_difference() -> None:
    found = compared(
        record(b"a", mode=b"600"),
        b"\t" + record(b"a", time=b"100.0"),
        record(b"b", time=b"900.5"),
        b"\t" + record(b"b", time=b"901.0"),
    )
    assert found.lacking == 0
    assert {what: count for what, count in found.unkept.items() if count} == {"modes": 1, "times": 1}


def test_entries_of_other_paths_are_not_taken_for_a_pair() -> None:
    found = compared(record(b"a"), b"\t" + record(b"b"), record(b"c"), b"\t" + record(b"\tc"))
    assert (found.missing.first, found.strange.first) == (["a", "c"], ["b", "\\tc"])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_records_are_whole_however_they_come(size: int) -> None:
    told = b"\0".join((record(b"two\nlines"), record(b"\xff"), b""))
    pieces: Iterator[bytes] = (told[start : start + size] for start in range(0, len(told), size))
    assert list(records(pieces, b"\0")) == [record(b"two\nlines"), record(b"\xff")]


def test_many_names_are_told_as_a_few() -> None:
    names = Names()
    for number in range(1200):
        names.add(b"%d" % number)
    assert str(names) == "“0”, “1”, “2” and 1,197 more"
    assert len(names.first) == 50


def test_the_reason_is_told_and_not_what_follows_from_it() -> None:
    said = (
        b"tar: ./log: file changed as we read it\n"
        b"tar: ./large: Cannot write: No space left on device\n"
        b"tar: Exiting with failure status due to previous errors\n"
    )
    assert complaint(said) == "tar: ./large: Cannot write: No space left on device"
    place = Place.volume("data")
    full = not_arrived(Copied(read=True, written=False, said=said), compared(record(b"large")), place)
    assert isinstance(full, ConflictError)
    assert "“large”" in full.message
    assert "volume data is full" in full.message
    unread = not_arrived(Copied(read=False, written=True, said=b"tar: ./x: Read error"), compared(), place)
    assert isinstance(unread, EngineError)
