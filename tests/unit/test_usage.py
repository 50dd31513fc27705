"""What the folders of a tree take, added up from what two finds print while they go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.engine.usage import Counting, FolderUsage, TreeUsage

HERE, ELSEWHERE = b"2049", b"77"
EVEN = b"02468acegikmoqsuwyACEGIKMOQSUWY"
MANY = 10_000


@dataclass
class Tree:
    """A folder: its blocks, its files (blocks, and an inode where a file has several names), its folders by name."""

    own: int = 8
    files: list[tuple[int, int | None]] = field(default_factory=list)
    folders: dict[bytes, Tree] = field(default_factory=dict)
    device: bytes = HERE


names = st.binary(min_size=1, max_size=4).filter(lambda name: not {b"\0", b"/"} & {bytes((each,)) for each in name})
files = st.lists(st.tuples(st.integers(0, 500), st.one_of(st.none(), st.integers(1, 5))), max_size=6)
leaves = st.builds(Tree, st.integers(0, 16), files)
trees = st.recursive(
    leaves, lambda inner: st.builds(Tree, st.integers(0, 16), files, st.dictionaries(names, inner, max_size=4))
)


def said_of(name: bytes, tree: Tree, depth: int) -> Iterator[bytes]:
    """What find prints of a folder, its files between its folders as they happen to lie."""
    yield b"%d %d %s %s" % (depth, tree.own, tree.device, name)
    if tree.device != HERE:
        return  # -xdev
    folders = iter(tree.folders.items())
    for place, (blocks, inode) in enumerate(tree.files):
        yield b"%d %d" % (depth + 1, blocks) if inode is None else b"h%d %d %d" % (depth + 1, blocks, inode)
        if place % 2 and (folder := next(folders, None)):
            yield from said_of(*folder, depth + 1)
    for folder in folders:
        yield from said_of(*folder, depth + 1)


def half(tree: Tree, even: bool, status: bytes) -> list[bytes]:
    """What one of the two prints: those of the top folder's entries that are its own."""
    said: list[bytes] = []
    for blocks, inode in tree.files if even else ():
        said.append(b"1 %d" % blocks if inode is None else b"h1 %d %d" % (blocks, inode))
    for name, folder in tree.folders.items():
        if (name[-1:] in EVEN) == even:
            said += said_of(name, folder, 1)
    return [*said, b"end " + status]


def printed(tree: Tree, *, statuses: tuple[bytes, bytes] = (b"0", b"0")) -> bytes:
    """All that comes out of the helper."""
    left, right = half(tree, True, statuses[0]), half(tree, False, statuses[1])
    longest = max(len(left), len(right))
    pairs = zip(left + [b""] * (longest - len(left)), right + [b""] * (longest - len(right)), strict=True)
    return b"%d %s\0" % (tree.own, tree.device) + b"".join(b"%s/%s\0" % pair for pair in pairs)


def counted(tree: Tree, most_folders: int = MANY, piece: int = 4096) -> TreeUsage:
    counting, said = Counting(most_folders), printed(tree)
    for start in range(0, len(said), piece):
        counting.feed(said[start : start + piece])
    assert counting.complete
    return counting.result(0)


def expected(tree: Tree) -> tuple[int, int]:
    """Blocks and files of a tree, each inode once, another file system's left out."""
    seen: set[int] = set()

    def walk(folder: Tree) -> tuple[int, int]:
        blocks, number = folder.own, 0
        for size, inode in folder.files:
            if inode is None or inode not in seen:
                blocks, number = blocks + size, number + 1
                seen.update({inode} - {None})  # type: ignore[arg-type]
        for below in folder.folders.values():
            if below.device == HERE:
                more = walk(below)
                blocks, number = blocks + more[0], number + more[1]
        return blocks, number

    return walk(tree)


def is_within(path: bytes, folder: bytes) -> bool:
    return not folder or path == folder or path.startswith(folder + b"/")


def above(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]


@given(trees, st.integers(1, 50))
def test_every_file_is_counted_once_however_the_words_are_cut(tree: Tree, piece: int) -> None:
    # The same inode has the same size wherever it is named.
    usage = counted(sized_by_inode(tree), piece=piece)
    blocks, number = expected(sized_by_inode(tree))
    assert (usage.bytes, usage.files) == (blocks * 512, number)


@given(trees)
def test_a_folder_takes_what_it_holds_and_what_its_folders_take(tree: Tree) -> None:
    folders = {folder.path: folder for folder in counted(tree).folders}
    for folder in folders.values():
        below = [each for each in folders.values() if each.path and above(each.path) == folder.path]
        assert folder.bytes == folder.own + sum(each.bytes for each in below)
        assert folder.files >= sum(each.files for each in below)
    assert list(folders) == sorted(folders, key=lambda path: path.split(b"/"))


@given(trees, st.integers(1, 12))
def test_the_largest_are_kept_with_all_they_lie_in(tree: Tree, most: int) -> None:
    everything, kept = counted(tree), counted(tree, most)
    paths = {folder.path for folder in kept.folders}
    assert len(paths) == min(most, everything.count)
    assert (kept.bytes, kept.files, kept.count) == (everything.bytes, everything.files, everything.count)
    assert all(above(path) in paths for path in paths)
    smallest = min(folder.bytes for folder in kept.folders)
    assert all(folder.bytes <= smallest for folder in everything.folders if folder.path not in paths)


def test_what_is_mounted_inside_is_left_out() -> None:
    mounted = Tree(own=1000, files=[(5000, None)], folders={b"deep": Tree(own=9, device=ELSEWHERE)}, device=ELSEWHERE)
    further_down = Tree(own=8, files=[(16, None)], folders={b"m": Tree(own=3000, device=ELSEWHERE)})
    usage = counted(Tree(own=8, files=[(24, None)], folders={b"mounted": mounted, b"folder": further_down}))
    assert usage == TreeUsage(
        bytes=(8 + 24 + 8 + 16) * 512,
        files=2,
        count=2,
        folders=(FolderUsage(b"", 56 * 512, 32 * 512, 2), FolderUsage(b"folder", 24 * 512, 24 * 512, 1)),
    )


def test_it_says_how_far_it_is() -> None:
    tree = Tree(own=8, folders={b"a": Tree(own=8, files=[(100, None)] * 50), b"b": Tree(own=8)})
    counting, said = Counting(MANY), printed(tree)
    seen = []
    for start in range(0, len(said), 32):
        counting.feed(said[start : start + 32])
        seen.append((counting.taken, counting.count))
    assert seen == sorted(seen)
    assert len(set(seen)) > 5
    assert seen[-1] == (5024 * 512, 3)


@pytest.mark.parametrize(
    ("statuses", "complete"),
    [
        ((b"0", b"0"), True),
        ((b"0", b"1"), True),  # find met something that it could not read
        ((b"137", b"0"), False),  # find was killed
        ((b"0", b"127"), False),  # there is no find
    ],
)
def test_what_broke_off_is_not_complete(statuses: tuple[bytes, bytes], complete: bool) -> None:
    counting = Counting(MANY)
    counting.feed(printed(Tree(folders={b"a": Tree()}), statuses=statuses))
    assert counting.complete is complete


def test_without_an_end_it_is_not_complete() -> None:
    counting = Counting(MANY)
    assert not counting.complete
    counting.feed(printed(Tree(folders={b"a": Tree()})).partition(b"end ")[0])
    assert not counting.complete


def sized_by_inode(tree: Tree) -> Tree:
    """The same with one size for all names of a file."""
    return Tree(
        tree.own,
        [(blocks if inode is None else inode * 8, inode) for blocks, inode in tree.files],
        {name: sized_by_inode(folder) for name, folder in tree.folders.items()},
        tree.device,
    )
