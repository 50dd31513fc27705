"""Files of a volume, changed: whole or not at all, with all that belongs to them, and nothing left lying about."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine import golden_tree
from tests.engine.golden_tree import AN_ACL, Fact, Tree, difference, moved, named, snapshot, write
from tests.engine.looking_inside import Volume, helpers, lasting, path, swapping
from tests.engine.plain_tree import throttle
from tests.waiting import wait_until
from webui.engine.changes import BY_SESSION
from webui.engine.connection import Engine
from webui.engine.file_model import Entry, EntryType, Exists
from webui.engine.session import SessionLostError
from webui.errors import ConflictError, DemijohnError, InvalidInputError, NotFoundError
from webui.paths import TOP, VolumePath

SIZES = [0, 1, 100_000, BY_SESSION, BY_SESSION + 1, 3 * BY_SESSION]
FILE = path("file")


@pytest.fixture(scope="module")
def _volume(engine_socket: str, small_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Volume]:
    with lasting(engine_socket, small_image, tmp_path_factory.mktemp("app"), "test-changes") as made:
        yield made


@pytest.fixture
def volume(_volume: Volume) -> Iterator[Volume]:
    """An empty volume; whatever a test does, nothing of the app's own is left in it."""
    _volume.root.chmod(0o755)
    try:
        yield _volume
        assert _volume.left_behind() == []
    finally:
        subprocess.run(["chattr", "-R", "-f", "-i", _volume.root], check=False)
        golden_tree.remove(_volume.root)


def pieces(content: bytes, size: int = 65_536) -> Iterator[bytes]:
    """The content as it comes in."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def seen(volume: Volume) -> Tree:
    """What is in the volume. That the top folder was changed shows in its time, even if all is as it was."""
    found = snapshot(volume.root)
    return {**found, b"": replace(found[b""], mtime_ns=0)}


def fact(volume: Volume, name: str) -> Fact:
    """What can be known of an entry."""
    return snapshot(volume.root)[os.fsencode(name)]


def names(volume: Volume) -> list[str]:
    return sorted(each.name for each in volume.root.iterdir())


@contextmanager
def refused(volume: Volume, error: type[DemijohnError], words: str) -> Iterator[None]:
    """What is tried in the block is refused in these words, and the volume is as it was before."""
    before = seen(volume)
    with pytest.raises(error, match=words):
        yield
    assert not difference(before, seen(volume))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_a_file_is_written_as_it_comes(volume: Volume, size: int, known: bool) -> None:
    content = os.urandom(size)
    written = volume.changes.put(FILE, pieces(content), size if known else None)
    assert written is not None
    assert (written.created, written.warnings) == (True, ())
    assert written.entry == volume.files.entry(FILE)
    assert (volume.root / "file").read_bytes() == content


@pytest.mark.parametrize("size", [10, 2 * BY_SESSION])
def test_a_new_file_belongs_to_whom_its_folder_belongs(volume: Volume, size: int) -> None:
    (volume.root / "folder").mkdir()
    os.chown(volume.root / "folder", 1234, 4321)
    volume.changes.put(path("folder", "file"), [bytes(size)], size)
    found = fact(volume, "folder/file")
    assert (found.owner, found.mode) == ((1234, 4321), 0o644)


@pytest.mark.parametrize("size", [10, 2 * BY_SESSION])
def test_a_replaced_file_keeps_all_but_its_content(volume: Volume, size: int) -> None:
    file = volume.root / "file"
    write(file, b"old")
    os.chown(file, 12345, 4294967294)
    file.chmod(0o6751)
    os.setxattr(file, "user.note", b"\0kept")
    os.setxattr(file, "system.posix_acl_access", AN_ACL)
    before = fact(volume, "file")
    content = os.urandom(size)
    written = volume.changes.put(FILE, pieces(content), size)
    assert written is not None
    assert not written.created
    after = fact(volume, "file")
    assert file.read_bytes() == content
    assert (after.mode, after.owner, after.xattrs) == (before.mode, before.owner, before.xattrs)
    assert len(after.xattrs) == 2


def test_a_replaced_file_that_had_other_names_is_told_of(volume: Volume) -> None:
    write(volume.root / "file", b"old")
    (volume.root / "other").hardlink_to(volume.root / "file")
    written = volume.changes.put(FILE, [b"new"])
    assert written is not None
    assert "1 other name keeps the old content" in written.warnings[0]
    assert (volume.root / "other").read_bytes() == b"old"


@pytest.mark.parametrize("name", golden_tree.ODD_NAMES, ids=ascii)
def test_a_file_may_have_any_name(volume: Volume, name: bytes) -> None:
    written = volume.changes.put(path(name), [b"new"])
    assert written is not None
    assert written.entry.name == name
    assert os.listdir(os.fsencode(volume.root)) == [name]  # noqa: PTH208 - the name is bytes
    renamed = volume.changes.rename(path(name), path(b"-x"))
    assert renamed is not None
    volume.changes.rename(path(b"-x"), path(name))
    volume.changes.copy(path(name), path(b"copy"))
    volume.changes.permit(path(name), mode="0600", uid=5)
    assert volume.files.entry(path(name)).uid == 5
    volume.changes.delete(path(name))
    assert names(volume) == ["copy"]


@pytest.mark.parametrize("size", [3, 2 * BY_SESSION])
def test_what_is_done_where_the_name_is_taken(volume: Volume, size: int) -> None:
    def put(name: str, exists: Exists) -> str | None:
        written = volume.changes.put(path(name), [bytes(size)], size, exists=exists)
        return written and written.entry.name.decode()

    for name in ("file.tar.gz", "plain", ".hidden", "taken (2)", "taken"):
        write(volume.root / name, b"old")
    (volume.root / "folder").mkdir()
    with refused(volume, ConflictError, "exists already"):
        put("plain", Exists.REFUSE)
    with refused(volume, ConflictError, "is a folder"):
        put("folder", Exists.REPLACE)
    assert put("plain", Exists.SKIP) is None
    assert put("folder", Exists.SKIP) is None
    assert put("new", Exists.SKIP) == "new"
    assert put("other", Exists.REFUSE) == "other"
    assert (volume.root / "plain").read_bytes() == b"old"
    assert put("plain", Exists.REPLACE) == "plain"
    assert (volume.root / "plain").read_bytes() == bytes(size)
    assert put("file.tar.gz", Exists.KEEP_BOTH) == "file.tar (2).gz"
    assert put("file.tar.gz", Exists.KEEP_BOTH) == "file.tar (3).gz"
    assert put(".hidden", Exists.KEEP_BOTH) == ".hidden (2)"
    assert put("taken", Exists.KEEP_BOTH) == "taken (3)"
    assert put("folder", Exists.KEEP_BOTH) == "folder (2)"
    assert put("free", Exists.KEEP_BOTH) == "free"
    assert (volume.root / "file.tar.gz").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("name", "second"),
    [
        (b"x" * 255, b"x" * 251 + b" (2)"),
        (b"x" * 251 + b".txt", b"x" * 247 + b" (2).txt"),
        (b"a." + b"s" * 253, b"a." + b"s" * 249 + b" (2)"),
        ("é".encode() * 127, "é".encode() * 125 + b" (2)"),
        (b"." + b"h" * 254, b"." + b"h" * 250 + b" (2)"),
    ],
    ids=["plain", "with suffix", "long suffix", "letters of two bytes", "hidden"],
)
def test_a_second_name_is_no_longer_than_names_may_be(volume: Volume, name: bytes, second: bytes) -> None:
    write(named(volume.root, name))
    written = volume.changes.put(path(name), [b"new"], exists=Exists.KEEP_BOTH)
    assert written is not None
    assert written.entry.name == second


@pytest.mark.parametrize("name", ["link", "fifo", "socket"])
def test_nothing_is_written_through_or_over_what_is_no_file(volume: Volume, tmp_path: Path, name: str) -> None:
    (volume.root / "link").symlink_to("target")
    write(volume.root / "target", b"old")
    os.mkfifo(volume.root / "fifo")
    os.mknod(volume.root / "socket", 0o140755)
    for size in (3, 2 * BY_SESSION):
        with refused(volume, ConflictError, f"is a {name}"):
            volume.changes.put(path(name), [bytes(size)], size)


@pytest.mark.parametrize("size", [3, 2 * BY_SESSION])
def test_a_file_goes_into_no_folder_behind_a_link_and_into_none_that_is_missing(volume: Volume, size: int) -> None:
    (volume.root / "folder").mkdir()
    (volume.root / "link").symlink_to("folder")
    write(volume.root / "file", b"old")
    for where, error, words in (
        (path("link", "x"), ConflictError, "symbolic link"),
        (path("missing", "x"), NotFoundError, "is not in volume"),
        (path("file", "x"), ConflictError, "no folder"),
    ):
        with refused(volume, error, words):
            volume.changes.put(where, [bytes(size)], size)


@pytest.mark.parametrize("size", [3, 2 * BY_SESSION])
def test_only_the_expected_version_is_replaced(volume: Volume, size: int) -> None:
    def put(**expected: str) -> Entry:
        written = volume.changes.put(FILE, [bytes(size)], size, **expected)
        assert written is not None
        return written.entry

    with refused(volume, ConflictError, "changed by somebody else"):
        put(version="1-2-3-4")
    with refused(volume, ConflictError, "changed by somebody else"):
        put(digest=digest(b"old"))
    write(volume.root / "file", b"old")
    seen = volume.files.entry(FILE).version
    (volume.root / "file").write_bytes(b"changed")
    with refused(volume, ConflictError, "changed by somebody else"):
        put(version=seen)
    with refused(volume, ConflictError, "changed by somebody else"):
        put(digest=digest(b"old"))
    seen = volume.files.entry(FILE).version
    assert put(version=seen).version != seen
    assert put(digest=digest(bytes(size)), version=volume.files.entry(FILE).version).size == size


def test_a_file_that_is_changed_while_its_successor_comes_is_not_replaced(volume: Volume) -> None:
    """Only the last moment can tell."""
    write(volume.root / "file", b"old")

    def content() -> Iterator[bytes]:
        yield b"from the app"
        (volume.root / "file").write_bytes(b"from elsewhere")

    for expected in ({"version": volume.files.entry(FILE).version}, {"digest": digest(b"old")}):
        with pytest.raises(ConflictError, match="changed by somebody else"):
            volume.changes.put(FILE, content(), **expected)
        assert (volume.root / "file").read_bytes() == b"from elsewhere"
        write(volume.root / "file", b"old")


def test_a_name_that_is_taken_while_the_file_comes_stays_as_it_is(volume: Volume) -> None:
    def content() -> Iterator[bytes]:
        yield b"from the app"
        (volume.root / "file").write_bytes(b"from elsewhere")

    with pytest.raises(ConflictError, match="exists already"):
        volume.changes.put(FILE, content(), exists=Exists.REFUSE)
    assert (volume.root / "file").read_bytes() == b"from elsewhere"
    (volume.root / "file").unlink()
    kept = volume.changes.put(FILE, content(), exists=Exists.KEEP_BOTH)
    assert kept is not None
    assert (kept.created, kept.entry.name) == (True, b"file (2)")
    assert (volume.root / "file").read_bytes() == b"from elsewhere"
    (volume.root / "file").unlink()
    assert volume.changes.put(FILE, content(), exists=Exists.SKIP) is None


@pytest.mark.parametrize("size", [3, 2 * BY_SESSION])
@pytest.mark.parametrize("off", [-3, -1, 1, 100_000])
def test_more_or_less_than_was_announced_changes_nothing(volume: Volume, size: int, off: int) -> None:
    write(volume.root / "file", b"old")
    with refused(volume, InvalidInputError, "were announced"):
        volume.changes.put(FILE, pieces(bytes(size + off)), size)
    with refused(volume, InvalidInputError, "were announced"):
        volume.changes.put(path("new"), pieces(bytes(size + off)), size)


def test_of_two_who_save_the_same_file_one_wins_and_the_other_is_told(volume: Volume) -> None:
    content = b"at the beginning"
    write(volume.root / "file", content)

    def save(mine: bytes) -> bool:
        start.wait()
        try:
            return volume.changes.put(FILE, [mine], exists=Exists.REPLACE, digest=digest(content)) is not None
        except ConflictError as error:
            assert "changed by somebody else" in error.message
            return False

    with ThreadPoolExecutor(2) as pool:
        for number in range(50):
            start = threading.Barrier(2)
            offered = [b"first of %d" % number, b"second of %d" % number]
            saved = list(pool.map(save, offered))
            assert sorted(saved) == [False, True]
            content = (volume.root / "file").read_bytes()
            assert content == offered[saved.index(True)]
    assert names(volume) == ["file"]


def test_many_files_come_at_once_and_all_arrive(volume: Volume) -> None:
    def put(number: int) -> None:
        size = 2 * BY_SESSION if number % 10 == 0 else number
        volume.changes.put(path(f"file-{number}"), [bytes(size)], size)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(put, range(60)))
    assert len(names(volume)) == 60


def test_the_top_folder_and_the_apps_own_names_are_left_alone(volume: Volume) -> None:
    own = path(".demijohn-helper-0123", "x")
    attempts: list[Callable[[], object]] = [
        lambda: volume.changes.put(TOP, [b"x"]),
        lambda: volume.changes.put(own, [b"x"]),
        lambda: volume.changes.make_folder(TOP),
        lambda: volume.changes.make_folder(own.parent),
        lambda: volume.changes.rename(TOP, path("x")),
        lambda: volume.changes.rename(path("x"), TOP),
        lambda: volume.changes.rename(path("x"), own),
        lambda: volume.changes.delete(TOP),
        lambda: volume.changes.delete(own),
        lambda: volume.changes.copy(path("x"), TOP),
        lambda: volume.changes.copy(path("x"), own),
    ]
    for attempt in attempts:
        with refused(volume, ConflictError, "top folder|Demijohn's own"):
            attempt()


def test_a_folder_is_made_like_the_one_it_is_in(volume: Volume) -> None:
    (volume.root / "shared").mkdir()
    os.chown(volume.root / "shared", 7, 8)
    (volume.root / "shared").chmod(0o2775)
    made = volume.changes.make_folder(path("shared", "new"))
    assert (made.type, made.uid, made.gid, made.mode) == (EntryType.FOLDER, 7, 8, 0o2755)
    assert volume.changes.make_folder(path("private"), mode="0700").mode == 0o700
    with refused(volume, ConflictError, "exists already"):
        volume.changes.make_folder(path("shared"))
    with refused(volume, NotFoundError, "“missing” is not in"):
        volume.changes.make_folder(path("missing", "new"))


def test_folders_on_the_way_are_made_where_they_are_missing(volume: Volume) -> None:
    assert volume.changes.make_folder(path("a", "b", "c"), parents=True).path == path("a", "b", "c")
    assert volume.changes.make_folder(path("a", "b", "d"), parents=True).is_folder
    assert volume.changes.make_folder(path("a", "b", "d"), parents=True).is_folder
    write(volume.root / "file")
    (volume.root / "link").symlink_to("a")
    with refused(volume, ConflictError, "exists already"):
        volume.changes.make_folder(path("file", "x"), parents=True)
    with refused(volume, ConflictError, "exists already|symbolic link"):
        volume.changes.make_folder(path("link", "x"), parents=True)


def test_something_gets_another_name_and_stays_what_it_is(volume: Volume) -> None:
    golden_tree.build(volume.root)
    (volume.root / "there").mkdir()
    before = snapshot(volume.root)
    for name in ("odd", "special/fifo", "special/socket", "special/null", "links/absolute", "hard/a/one", "sparse"):
        moved_to = volume.changes.rename(path(name), path("there", "moved"))
        assert moved_to is not None
        assert moved_to.path == path("there", "moved")
        volume.changes.rename(path("there", "moved"), path(name))
    for folder in ("", "special", "links", "hard/a", "there"):
        kept = before[folder.encode()].mtime_ns
        os.utime(volume.root / folder, ns=(kept, kept))
    assert not difference(before, snapshot(volume.root))


def test_what_is_done_where_the_new_name_is_taken(volume: Volume) -> None:
    def rename(source: str, target: str, exists: Exists = Exists.REFUSE) -> str | None:
        entry = volume.changes.rename(path(source), path(target), exists=exists)
        return entry and entry.path.text

    for name in ("one", "two", "three"):
        write(volume.root / name, name.encode())
        (volume.root / f"{name}-folder").mkdir()
    (volume.root / "link").symlink_to("one")
    with refused(volume, ConflictError, "“two” exists already"):
        rename("one", "two")
    with refused(volume, ConflictError, "exists already"):
        rename("one-folder", "two-folder")
    for source, target in (("one", "two-folder"), ("one-folder", "two"), ("one-folder", "two-folder")):
        with refused(volume, ConflictError, "exists already"):
            rename(source, target, Exists.REPLACE)
    with refused(volume, ConflictError, "“link” is a symbolic link"):
        rename("one", "link", Exists.REPLACE)
    assert rename("one", "two", Exists.SKIP) is None
    assert rename("one", "two", Exists.REPLACE) == "two"
    assert (volume.root / "two").read_bytes() == b"one"
    assert rename("three", "two", Exists.KEEP_BOTH) == "two (2)"
    assert rename("one-folder", "two-folder", Exists.KEEP_BOTH) == "two-folder (2)"
    assert rename("two", "two (2)", Exists.KEEP_BOTH) == "two (2) (2)"


def test_a_rename_that_can_not_be_is_refused_in_the_name_of_what_is_wrong(volume: Volume) -> None:
    (volume.root / "folder" / "inner").mkdir(parents=True)
    (volume.root / "link").symlink_to("folder")
    write(volume.root / "file", b"kept")
    for source, target, error, words in (
        ("folder", "folder/inner/x", ConflictError, "into itself"),
        ("folder", "folder/x", ConflictError, "into itself"),
        ("missing", "x", NotFoundError, "“missing” is not in"),
        ("file", "missing/x", NotFoundError, "“missing” is not in"),
        ("file", "link/x", ConflictError, "“link” is a symbolic link"),
        ("file", "file/x", ConflictError, "into itself"),
        ("link/inner", "x", ConflictError, "“link/inner” is a symbolic link, or lies behind one"),
        ("folder", "file/x", ConflictError, "“file” is no folder"),
        ("file", "file", ConflictError, "exists already"),
    ):
        with refused(volume, error, words):
            volume.changes.rename(path(*source.split("/")), path(*target.split("/")))


def test_one_of_two_names_of_a_file_does_not_replace_the_other(volume: Volume) -> None:
    write(volume.root / "one", b"kept")
    (volume.root / "two").hardlink_to(volume.root / "one")
    with refused(volume, ConflictError, "names of one and the same file"):
        volume.changes.rename(path("one"), path("two"), exists=Exists.REPLACE)


def test_a_file_replaced_by_itself_stays(volume: Volume) -> None:
    write(volume.root / "one", b"kept")
    before = seen(volume)
    volume.changes.rename(path("one"), path("one"), exists=Exists.REPLACE)
    assert not difference(before, seen(volume))


def test_everything_can_be_deleted(volume: Volume) -> None:
    golden_tree.build(volume.root)
    golden_tree.build_deeper(volume.root)
    for entry in volume.files.listing(limit=1000).entries:
        volume.changes.delete(entry.path)
        assert volume.left_behind() == []
    assert names(volume) == []


def test_a_link_is_deleted_and_not_what_it_points_to(volume: Volume) -> None:
    (volume.root / "folder").mkdir()
    write(volume.root / "folder" / "file", b"kept")
    (volume.root / "link").symlink_to("folder")
    (volume.root / "out").symlink_to("/etc")
    volume.changes.delete(path("link"))
    volume.changes.delete(path("out"))
    with refused(volume, NotFoundError, "is not in volume"):
        volume.changes.delete(path("link"))
    assert (volume.root / "folder" / "file").read_bytes() == b"kept"


def test_only_the_version_that_was_seen_is_deleted(volume: Volume) -> None:
    write(volume.root / "file", b"old")
    seen = volume.files.entry(FILE).version
    (volume.root / "file").write_bytes(b"changed")
    with refused(volume, ConflictError, "changed by somebody else"):
        volume.changes.delete(FILE, version=seen)
    volume.changes.delete(FILE, version=volume.files.entry(FILE).version)
    assert names(volume) == []


def test_what_can_not_be_deleted_is_put_back_and_said(volume: Volume) -> None:
    for folder in ("folder", "folder/inner"):
        (volume.root / folder).mkdir()
    write(volume.root / "folder" / "inner" / "immutable", b"kept")
    subprocess.run(["chattr", "+i", volume.root / "folder" / "inner" / "immutable"], check=True)
    with refused(volume, ConflictError, "“folder” could not be deleted: volume test-changes does not allow that"):
        volume.changes.delete(path("folder"))
    with refused(volume, ConflictError, "does not allow that"):
        volume.changes.delete(path("folder", "inner", "immutable"))
    with refused(volume, ConflictError, "does not allow that"):
        volume.changes.put(path("folder", "inner", "immutable"), [b"new"])
    with refused(volume, ConflictError, "does not allow that"):
        volume.changes.rename(path("folder", "inner", "immutable"), path("x"))
    with pytest.raises(ConflictError, match="does not allow that"):
        volume.changes.permit(path("folder"), mode="0700", uid=1, recursive=True)
    assert (volume.root / "folder" / "inner" / "immutable").read_bytes() == b"kept"


def test_modes_and_owners_are_changed(volume: Volume) -> None:
    write(volume.root / "file")
    (volume.root / "folder").mkdir(0o755)

    def permitted(where: VolumePath, **wanted: object) -> tuple[int, int, int]:
        entry = volume.changes.permit(where, **wanted)  # type: ignore[arg-type]
        return entry.mode, entry.uid, entry.gid

    assert permitted(FILE, mode="0640") == (0o640, 0, 0)
    assert permitted(FILE, mode="u+x,go=") == (0o700, 0, 0)
    assert permitted(FILE, mode="4755", uid=4294967294, gid=12345) == (0o4755, 4294967294, 12345)
    assert permitted(FILE, gid=0) == (0o755, 4294967294, 0)
    assert permitted(FILE, uid=0) == (0o755, 0, 0)
    assert permitted(path("folder"), mode="7777") == (0o7777, 0, 0)
    assert permitted(path("folder"), mode="0755") == (0o755, 0, 0)
    assert permitted(path("folder"), mode="2755") == (0o2755, 0, 0)
    assert permitted(path("folder"), mode="755") == (0o755, 0, 0)
    assert permitted(TOP, mode="0711") == (0o711, 0, 0)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"mode": "888"}, "mode"),
        ({"mode": "17777"}, "mode"),
        ({"mode": "rwx"}, "mode"),
        ({"mode": "--reference=x"}, "mode"),
        ({"mode": "755\n"}, "mode"),
        ({"uid": -1}, "uid"),
        ({"gid": 4294967295}, "gid"),
        ({}, "mode"),
    ],
)
def test_what_is_no_mode_and_no_owner_is_refused(volume: Volume, wanted: dict[str, object], field: str) -> None:
    write(volume.root / "file")
    with pytest.raises(InvalidInputError) as error:
        volume.changes.permit(FILE, **wanted)  # type: ignore[arg-type]
    assert field in error.value.fields


def test_permissions_go_down_a_tree_and_through_no_link(volume: Volume) -> None:
    (volume.root / "tree").mkdir()
    golden_tree.build(volume.root / "tree")
    write(volume.root / "outside", b"kept", 0o600)
    (volume.root / "tree" / "to-outside").symlink_to("../outside")
    before = snapshot(volume.root)
    volume.changes.permit(path("tree"), mode="u=rwX,go=rX", uid=77, gid=78, recursive=True)
    after = snapshot(volume.root)
    assert before[b"outside"] == after[b"outside"]
    for each, found in after.items():
        if each.startswith(b"tree"):
            assert found.owner == (77, 78)
            assert found.type == "link" or found.mode & 0o777 in {0o644, 0o755}
    with refused(volume, ConflictError, "symbolic link"):
        volume.changes.permit(path("tree", "to-outside"), mode="0777")
    link = volume.changes.permit(path("tree", "to-outside"), uid=99)
    assert (link.type, link.uid) == (EntryType.LINK, 99)
    assert volume.files.entry(path("outside")).uid == 0
    with refused(volume, NotFoundError, "is not in volume"):
        volume.changes.permit(path("missing"), mode="0777")


def test_a_copy_of_the_golden_tree_is_equal_in_everything(volume: Volume) -> None:
    (volume.root / "tree").mkdir()
    golden_tree.build(volume.root / "tree")
    before = snapshot(volume.root)
    told: list[int] = []
    copied = volume.changes.copy(path("tree"), path("copy"), watch=told.append)
    assert copied is not None
    assert copied.path == path("copy")
    after = snapshot(volume.root)
    assert not difference(moved(before, b"tree"), moved(after, b"tree"))
    assert not difference(moved(before, b"tree"), moved(after, b"copy"))
    assert told == sorted(told)
    assert told[-1] == len(moved(before, b"tree"))


def test_what_is_done_where_the_name_of_the_copy_is_taken(volume: Volume) -> None:
    def copy(source: str, target: str, exists: Exists = Exists.REFUSE) -> str | None:
        entry = volume.changes.copy(path(source), path(target), exists=exists)
        return entry and entry.path.text

    write(volume.root / "one", b"one")
    write(volume.root / "two.txt", b"two")
    (volume.root / "folder" / "inner").mkdir(parents=True)
    for source, target, exists, error, words in (
        ("one", "two.txt", Exists.REFUSE, ConflictError, "exists already"),
        ("one", "folder", Exists.REPLACE, ConflictError, "is a folder"),
        ("folder", "two.txt", Exists.REPLACE, ConflictError, "exists already"),
        ("folder", "folder", Exists.REFUSE, ConflictError, "exists already"),
        ("missing", "x", Exists.REFUSE, NotFoundError, "“missing” is not in"),
    ):
        with refused(volume, error, words):
            copy(source, target, exists)
    with refused(volume, ConflictError, "into itself"):
        volume.changes.copy(path("folder"), path("folder", "inner", "x"))
    assert copy("one", "two.txt", Exists.SKIP) is None
    assert copy("one", "two.txt", Exists.KEEP_BOTH) == "two (2).txt"
    assert copy("one", "two.txt", Exists.REPLACE) == "two.txt"
    assert (volume.root / "two.txt").read_bytes() == b"one"
    assert copy("folder", "one", Exists.KEEP_BOTH) == "one (2)"
    assert (volume.root / "one (2)" / "inner").is_dir()


def test_a_copy_beside_itself_is_kept_under_another_name(volume: Volume) -> None:
    write(volume.root / "file", b"kept")
    copied = volume.changes.copy(FILE, FILE, exists=Exists.KEEP_BOTH)
    assert copied is not None
    assert (copied.name, names(volume)) == (b"file (2)", ["file", "file (2)"])


def test_a_copy_that_is_cancelled_leaves_nothing(volume: Volume) -> None:
    (volume.root / "tree").mkdir()
    golden_tree.build(volume.root / "tree")

    class CancelledError(Exception):
        pass

    def cancel(copied: int) -> None:
        raise CancelledError

    before = seen(volume)
    with pytest.raises(CancelledError):
        volume.changes.copy(path("tree"), path("copy"), watch=cancel)
    assert not difference(before, seen(volume))


def test_copying_one_large_file_is_ended_from_another_thread(volume: Volume, engine: Engine) -> None:
    with (volume.root / "file").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 2**30)
    volume.changes.make_folder(path("folder"))  # so that there is a helper to be throttled
    throttle(engine, volume.name)
    before = seen(volume)

    def end_soon(end: Callable[[], None]) -> None:
        def wait_and_end() -> None:
            wait_until(volume.left_behind, seconds=60)
            end()

        threading.Thread(target=wait_and_end, daemon=True).start()

    with pytest.raises(SessionLostError):
        volume.changes.copy(FILE, path("copy"), on_cancel=end_soon)
    for helper in helpers(engine, volume.name):
        engine.api.update_container(helper["Id"], cpu_quota=-1)
    wait_until(lambda: not volume.left_behind(), seconds=60)
    assert not difference(before, seen(volume))


def test_a_copy_deeper_than_a_path_may_be_long_is_refused_whole(volume: Volume) -> None:
    golden_tree.build_deeper(volume.root)
    with refused(volume, ConflictError, "too long"):
        volume.changes.copy(path("deeper"), path("copy"))


CHANGES: dict[str, Callable[[Volume], object]] = {
    "put": lambda volume: volume.changes.put(path("folder", "new"), [b"new"]),
    "put large": lambda volume: volume.changes.put(path("folder", "new"), [bytes(2 * BY_SESSION)], 2 * BY_SESSION),
    "make_folder": lambda volume: volume.changes.make_folder(path("folder", "made")),
    "rename": lambda volume: volume.changes.rename(path("folder", "old"), path("folder", "renamed")),
    "permit": lambda volume: volume.changes.permit(path("folder", "old"), mode="0611", uid=9, recursive=True),
    "copy": lambda volume: volume.changes.copy(path("folder", "old"), path("folder", "copy")),
    "delete": lambda volume: volume.changes.delete(path("folder", "old")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_is_changed_outside_by_swapping_the_folder_for_a_link(volume: Volume, name: str) -> None:
    (volume.root / "far" / "away").mkdir(parents=True)
    write(volume.root / "far" / "away" / "old", b"kept")
    (volume.root / "folder").mkdir()
    (volume.root / "link").symlink_to("far/away")
    before = moved(snapshot(volume.root), b"far")
    outcomes = set()
    with swapping(volume.root / "folder", volume.root / "link"):
        for _ in range(20):
            try:
                CHANGES[name](volume)
                outcomes.add("done")
            except DemijohnError as error:
                outcomes.add(type(error).__name__)
    assert not difference(before, moved(snapshot(volume.root), b"far"))
    assert "ConflictError" in outcomes
