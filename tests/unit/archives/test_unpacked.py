"""What passes the checks, GNU tar unpacks without a complaint, and nothing outside of the folder changes."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.archives.building import Zip, file, folder, hard_link, header, long_name, pax, symlink, tar
from tests.unit.archives.test_sparse import sparse_1_0
from tests.unit.archives.trees import described, unpack
from webui.archives import ArchiveFormat, CheckedArchive, checked_tar, checked_zip
from webui.errors import InvalidInputError

OUTSIDE = b"@outside"
"""Stands for the address of a folder that nothing may touch."""
plain = st.sampled_from(
    [b"a", b"b", b"c", b"d/a", b"d/b", b"d/c/a", b"./e", b"f/", b"g//h", b"n" * 101, b"m" * 101 + b"/a"]
)
hostile = st.sampled_from([b"../a", b"d/../c", b"a/x", b"b/x/y", b"d", OUTSIDE, b"./"])
names = st.one_of(plain, plain, plain, hostile)
targets = st.sampled_from([b"a", b"a", b"b", b"./d/b", b"..", b"../..", b".", OUTSIDE, OUTSIDE + b"/file", b"t" * 101])

MAKERS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "file": lambda name, _: file(name[:100], b"written"),
    "folder": lambda name, _: folder(name[:100]),
    "fifo": lambda name, _: header(name[:100], b"6"),
    "symlink": lambda name, target: symlink(name[:100], target[:100]),
    "hard link": lambda name, target: hard_link(name[:100], target[:100]),
    "sparse": lambda name, _: sparse_1_0(name, 1 << 20, [(4096, b"sparse")]),
    "long file": lambda name, _: long_name(name) + file(b"x", b"written"),
    "long symlink": lambda name, target: pax((b"path", name), (b"linkpath", target)) + symlink(b"x", b"y"),
    "long hard link": lambda name, target: long_name(name) + long_name(target, b"K") + hard_link(b"x", b"y"),
}
entries = st.tuples(st.sampled_from(sorted(MAKERS)), names, targets)


@given(st.lists(entries, min_size=1, max_size=6, unique_by=lambda entry: entry[1]))
@settings(max_examples=200, deadline=None)
def test_whatever_a_tar_is_made_of(made: list[tuple[str, bytes, bytes]]) -> None:
    with TemporaryDirectory() as place:
        outside = os.fsencode(place) + b"/outside"
        archive = tar(
            *(
                MAKERS[kind](name.replace(OUTSIDE, outside), target.replace(OUTSIDE, outside))
                for kind, name, target in made
            )
        )
        _assert_stays_inside(lambda: checked_tar(io.BytesIO(archive), ArchiveFormat.TAR), Path(place))


zip_entries = st.tuples(names, targets, st.sampled_from([0o120777, 0o100644, 0o40755]))


@given(st.lists(zip_entries, min_size=1, max_size=6, unique_by=lambda entry: entry[0]))
@settings(max_examples=100, deadline=None)
def test_whatever_a_zip_is_made_of(made: list[tuple[bytes, bytes, int]]) -> None:
    with TemporaryDirectory() as place:
        outside = os.fsencode(place) + b"/outside"
        archive = Zip()
        for name, target, mode in made:
            data = b"" if mode == 0o40755 else target.replace(OUTSIDE, outside)
            archive.add(name.replace(OUTSIDE, outside), data, mode=mode)
        _assert_stays_inside(lambda: checked_zip(io.BytesIO(archive.built())), Path(place))


def _assert_stays_inside(check: Callable[[], CheckedArchive], place: Path) -> None:
    outside, inside = place / "outside", place / "inside"
    (outside / "folder").mkdir(parents=True)
    (outside / "file").write_text("untouched")
    inside.mkdir()
    before = described(outside)
    try:
        archive = check()
        safe = b"".join(archive)
    except InvalidInputError:
        return
    unpack([safe], inside)
    assert described(outside) == before
    assert {path.name for path in place.iterdir()} == {"outside", "inside"}
    summary = archive.summary
    made = [path for path in inside.rglob("*") if path.is_symlink() or not path.is_dir()]
    assert len(made) == summary.files + summary.links + summary.others
