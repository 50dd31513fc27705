"""The memory of paths: small, exact, and its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from webui.archives.rules import Limits
from webui.archives.tree import Place, PlaceTable, clean_path

places = st.sampled_from([place for place in Place if place is not Place.NOTHING])


@given(st.lists(st.tuples(st.binary(max_size=3), places), max_size=200))
def test_it_remembers_what_a_dictionary_would(changes: list[tuple[bytes, Place]]) -> None:
    table = PlaceTable()
    expected: dict[bytes, Place] = {}
    for path, place in changes:
        assert table.get(path) is expected.get(path, Place.NOTHING)
        assert table.put(path, place) is expected.get(path, Place.NOTHING)
        expected[path] = place
    assert {path: table.get(path) for path in expected} == expected
    assert len(table) == len(expected)


def test_it_grows_and_forgets_nothing() -> None:
    table = PlaceTable()
    for index in range(20_000):
        table.put(b"%d" % index, Place.FILE if index % 2 else Place.FOLDER)
    assert all(table.get(b"%d" % index) is (Place.FILE if index % 2 else Place.FOLDER) for index in range(20_000))
    assert table.get(b"20000") is Place.NOTHING
    assert len(table) == 20_000


@given(st.lists(st.sampled_from([b"a", b".", b"", b"..x", b".x", b"x.", b"n" * 200]), max_size=6).map(b"/".join))
def test_the_quick_way_to_clean_a_path_is_the_long_one(name: bytes) -> None:
    if not name or name.startswith(b"/"):
        return
    assert clean_path(name, Limits()) == b"/".join(part for part in name.split(b"/") if part not in (b"", b"."))
