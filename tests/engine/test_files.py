"""Files of a volume, read: all that a file system can hold is told as it is, and nothing outside is ever reached."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.engine import golden_tree
from tests.engine.golden_tree import LINKS, ODD_NAMES, Tree, named
from tests.engine.looking_inside import PASSWD, Volume, counted_calls, lasting, path, swapping
from webui.engine.file_model import Entry, EntryType
from webui.engine.session import Session
from webui.errors import ConflictError, DemijohnError, EngineError, InvalidInputError, NotFoundError
from webui.paths import TOP, VolumePath, volume_path

ATTEMPTS = 200
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def golden(engine_socket: str, small_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Volume]:
    """A volume with the golden tree, only to be looked at."""
    with lasting(engine_socket, small_image, tmp_path_factory.mktemp("app"), "test-files-golden") as made:
        golden_tree.build(made.root)
        yield made


@pytest.fixture(scope="module")
def tree(golden: Volume) -> Tree:
    """What there is in it."""
    return golden_tree.snapshot(golden.root)


@pytest.fixture(scope="module")
def _volume(engine_socket: str, small_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Volume]:
    with lasting(engine_socket, small_image, tmp_path_factory.mktemp("app"), "test-files") as made:
        yield made


@pytest.fixture
def volume(_volume: Volume) -> Iterator[Volume]:
    """An empty volume."""
    try:
        yield _volume
    finally:
        golden_tree.remove(_volume.root)


def names(entries: tuple[Entry, ...]) -> list[bytes]:
    return [entry.name for entry in entries]


def check(entry: Entry, found: os.stat_result) -> None:
    """Compare what the app says of an entry with what the system says."""
    assert (entry.size, entry.allocated) == (found.st_size, found.st_blocks * 512)
    assert (entry.mode, entry.uid, entry.gid) == (found.st_mode & 0o7777, found.st_uid, found.st_gid)
    assert entry.links == found.st_nlink
    changed = EPOCH + timedelta(microseconds=found.st_mtime_ns // 1000)
    assert abs(entry.modified - changed) < timedelta(microseconds=5)
    assert entry.version.startswith(f"{found.st_ino}-{found.st_size}-")


def test_every_folder_is_listed_with_all_that_is_in_it(golden: Volume, tree: Tree) -> None:
    seen = {b""}
    for folder in [each for each, fact in tree.items() if fact.type == "folder"]:
        page = golden.files.listing(volume_path(folder), limit=1000)
        assert (page.total, page.everything, page.next, page.cut) == (len(page.entries),) * 2 + (None, False)
        for entry in page.entries:
            fact = tree[entry.path.raw]
            seen.add(entry.path.raw)
            assert entry.type.value == fact.type.rpartition(" ")[2]
            assert (entry.target or b"") == fact.target
            assert entry.is_folder == (fact.type == "folder")
            check(entry, named(golden.root, entry.path.raw).lstat())
    assert seen == tree.keys()


def test_one_entry_is_told_as_in_its_folder(golden: Volume, tree: Tree) -> None:
    for folder in (TOP, path("odd"), path("special"), path("links"), path("modes"), path("times")):
        for entry in golden.files.listing(folder, limit=1000).entries:
            assert golden.files.entry(entry.path) == entry
    top = golden.files.entry(TOP)
    assert (top.path, top.name, top.type) == (TOP, b"", EntryType.FOLDER)
    check(top, golden.root.lstat())


def test_several_entries_are_told_at_once_without_those_that_are_missing(golden: Volume) -> None:
    wanted = [path("odd", ODD_NAMES[12]), path("nowhere"), path("plain", "nothing"), path("odd", "-rf")]
    assert [entry.path for entry in golden.files.entries(wanted)] == [wanted[0], *wanted[2:]]
    assert golden.files.entries([]) == ()


def test_a_link_is_told_as_itself_with_where_it_leads(golden: Volume) -> None:
    found = {entry.name: entry for entry in golden.files.listing(path("links"), limit=100).entries}
    assert {name: (entry.target, str(entry.target_state)) for name, entry in found.items()} == LINKS
    assert {entry.type for entry in found.values()} == {EntryType.LINK}


def test_a_version_is_another_one_after_every_change(volume: Volume) -> None:
    file = volume.root / "file"
    file.write_text("1")
    seen = [volume.files.entry(path("file")).version]
    assert volume.files.entry(path("file")).version == seen[0]
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    changes: list[Callable[[], object]] = [
        lambda: (file.write_text("2"), os.utime(file, ns=times)),
        lambda: file.chmod(0o600),
        lambda: os.chown(file, 5, 5),
        lambda: file.hardlink_to(volume.root / "other") if file.rename(volume.root / "other") else None,
        lambda: (file.unlink(), file.write_text("2"), os.utime(file, ns=times)),
    ]
    for change in changes:
        change()
        seen.append(volume.files.entry(path("file")).version)
    assert len(set(seen)) == len(seen)


SORTED = {
    "name": ["b-folder", "Z-folder", "a", "B", "c.txt", "C10", "é"],
    "size": ["b-folder", "Z-folder", "c.txt", "é", "B", "a", "C10"],
    "modified": ["b-folder", "Z-folder", "é", "C10", "c.txt", "B", "a"],
    "mode": ["b-folder", "Z-folder", "B", "C10", "é", "c.txt", "a"],
    "owner": ["b-folder", "Z-folder", "C10", "a", "B", "é", "c.txt"],
}


@pytest.mark.parametrize("sort", SORTED)
def test_entries_are_in_the_order_that_is_asked_for_folders_first(volume: Volume, sort: str) -> None:
    for folder in ("b-folder", "Z-folder"):
        (volume.root / folder).mkdir(0o755)
    facts = {"a": (30, 5, 0o777, 2), "B": (20, 4, 0o400, 3), "c.txt": (0, 3, 0o644, 9), "C10": (40, 2, 0o600, 1)}
    for name, (size, changed, mode, owner) in {**facts, "é": (10, 1, 0o640, 4)}.items():
        golden_tree.write(volume.root / name, bytes(size), mode)
        os.chown(volume.root / name, owner, owner)
        os.utime(volume.root / name, (0, changed))
    os.utime(volume.root / "b-folder", (0, 1))
    os.utime(volume.root / "Z-folder", (0, 2))
    wanted = [name.encode() for name in SORTED[sort]]
    assert names(volume.files.listing(sort=sort).entries) == wanted
    backwards = names(volume.files.listing(sort=sort, descending=True).entries)
    assert backwards[2:] == wanted[:1:-1]
    assert set(backwards[:2]) == {b"b-folder", b"Z-folder"}


def test_entries_that_are_alike_stay_in_the_order_of_their_names(volume: Volume) -> None:
    for name in ("b", "a", "C"):
        golden_tree.write(volume.root / name)
    assert names(volume.files.listing(sort="size").entries) == [b"a", b"b", b"C"]


def test_an_unknown_order_is_refused(volume: Volume) -> None:
    with pytest.raises(InvalidInputError) as refused:
        volume.files.listing(sort="color")
    assert "sort" in refused.value.fields


def test_entries_are_found_by_a_part_of_their_name_and_hidden_ones_left_out(volume: Volume) -> None:
    for name in ("Report.TXT", ".report", "other", "\udcff-report", "ÜBER"):
        (volume.root / name).touch()

    def found(**asked: object) -> list[bytes]:
        page = volume.files.listing(**asked)  # type: ignore[arg-type]
        assert (page.total, page.everything) == (len(page.entries), 5)
        return sorted(names(page.entries))

    assert found(q="report") == [b".report", b"Report.TXT", b"\xff-report"]
    assert found(q="REPORT", hidden=False) == [b"Report.TXT", b"\xff-report"]
    assert found(hidden=False) == sorted([b"Report.TXT", b"other", b"\xff-report", "ÜBER".encode()])
    assert found(q="über") == ["ÜBER".encode()]
    assert found(q="\udcff") == [b"\xff-report"]
    assert found(q="*") == []


def test_pages_fit_together_although_the_folder_changes(volume: Volume) -> None:
    for number in range(40):
        (volume.root / f"{number:02}").touch()
    first = volume.files.listing(limit=15)
    assert (first.total, first.offset, first.end, first.next) == (40, 0, 15, f"{first.snapshot}.15")
    for number in (3, 16, 17, 39):
        (volume.root / f"{number:02}").unlink()
    for name in ("00-new", "99-new"):
        (volume.root / name).touch()
    second = volume.files.listing(offset=15, limit=15, snapshot=first.snapshot)
    third = volume.files.listing(offset=second.end, limit=15, snapshot=first.snapshot)
    assert (second.end, third.end, third.next) == (30, 40, None)
    seen = names(first.entries + second.entries + third.entries)
    assert seen == [b"%02d" % number for number in range(40) if number not in {16, 17, 39}]
    assert volume.files.listing().total == 38
    forgotten = volume.files.listing(offset=15, limit=15, snapshot="not-known")
    assert forgotten.snapshot != "not-known"
    assert forgotten.total == 38


def test_a_snapshot_is_of_its_own_folder_and_volume(volume: Volume, golden: Volume) -> None:
    (volume.root / "folder").mkdir()
    (volume.root / "folder" / "in it").touch()
    top = volume.files.listing()
    assert names(volume.files.listing(path("folder"), snapshot=top.snapshot).entries) == [b"in it"]
    assert golden.files.listing(snapshot=top.snapshot).total == golden.files.listing().total


def test_a_page_of_a_hundred_thousand_entries_takes_few_questions(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = os.open(volume.root, os.O_RDONLY)
    for number in range(100_000):
        os.mknod(f"{number:06}", dir_fd=folder)
    os.close(folder)
    asked = counted_calls(monkeypatch, Session, "run")
    first = volume.files.listing(limit=200)
    assert (first.total, first.cut) == (100_000, False)
    assert asked() <= 3
    before = asked()
    last = volume.files.listing(offset=99_900, limit=200, snapshot=first.snapshot)
    assert (names(last.entries)[-1], last.next) == (b"099999", None)
    assert asked() == before + 1
    assert volume.files.listing(q="0999", limit=100).total == 120
    assert asked() <= before + 4


def test_an_empty_folder_has_nothing_in_it(volume: Volume) -> None:
    page = volume.files.listing()
    assert (page.entries, page.total, page.everything, page.next) == ((), 0, 0, None)


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        (path("nowhere"), NotFoundError, "is not in volume"),
        (path("nowhere", "x"), NotFoundError, "is not in volume"),
        (path("plain", "nothing"), ConflictError, "is no folder"),
        (path("plain", "nothing", "x"), ConflictError, "is no folder"),
        (path("special", "fifo"), ConflictError, "is no folder"),
        (path("links", "folder"), ConflictError, "symbolic link"),
        (path("links", "folder", "inner"), ConflictError, "symbolic link"),
        (path("links", "root", "etc"), ConflictError, "symbolic link"),
        (path("links", "loop"), ConflictError, "symbolic link"),
        (path("links", "dangling"), ConflictError, "symbolic link"),
        (path("links", "up"), ConflictError, "symbolic link"),
    ],
    ids=lambda value: getattr(value, "text", None),
)
def test_only_folders_are_listed_and_no_link_is_followed(
    golden: Volume, where: VolumePath, error: type[DemijohnError], words: str
) -> None:
    with pytest.raises(error, match=words) as refused:
        golden.files.listing(where)
    assert where.text in refused.value.message


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        (path("nowhere"), NotFoundError, "is not in volume"),
        (path("plain"), ConflictError, "no regular file"),
        (TOP, ConflictError, "no regular file"),
        (path("special", "fifo"), ConflictError, "no regular file"),
        (path("special", "socket"), ConflictError, "no regular file"),
        (path("special", "null"), ConflictError, "no regular file"),
        (path("special", "block"), ConflictError, "no regular file"),
        (path("links", "file"), ConflictError, "symbolic link"),
        (path("links", "absolute"), ConflictError, "symbolic link"),
        (path("links", "climbing"), ConflictError, "symbolic link"),
        (path("links", "dangling"), ConflictError, "symbolic link"),
        (path("links", "folder", "nothing"), ConflictError, "symbolic link"),
        (path("links", "root", "etc", "passwd"), ConflictError, "symbolic link"),
        (path("plain", "nothing", "x"), ConflictError, "is no folder"),
    ],
    ids=lambda value: getattr(value, "text", None),
)
def test_only_regular_files_are_read_and_no_link_is_followed(
    golden: Volume, where: VolumePath, error: type[DemijohnError], words: str
) -> None:
    with pytest.raises(error, match=words):
        golden.files.read(where, 100)
    with pytest.raises(error, match=words), golden.files.download(where, 0, 100):
        pass


def test_every_file_is_read_as_it_is(golden: Volume, tree: Tree) -> None:
    small = [each for each, fact in tree.items() if fact.type == "file" and fact.size < 2_000_000]
    assert len(small) > 150
    for each in small:
        assert golden.files.read(volume_path(each), 2_000_000) == named(golden.root, each).read_bytes()


@pytest.mark.parametrize(
    ("start", "length"),
    [
        (0, 0),
        (0, 1),
        (1, 1),
        (0, 1_500_000),
        (1_499_999, 1),
        (4095, 2),
        (1_048_575, 2),
        (700_001, 799_999),
        (5, 100_003),
    ],
)
def test_any_part_of_a_file_can_be_read(golden: Volume, start: int, length: int) -> None:
    file = path("plain", "1500000 bytes")
    wanted = named(golden.root, file.raw).read_bytes()[start : start + length]
    assert golden.files.read(file, length, start) == wanted
    with golden.files.download(file, start, length) as chunks:
        assert b"".join(chunks) == wanted


def test_past_the_end_of_a_file_there_is_nothing(golden: Volume) -> None:
    file = path("plain", "513 bytes")
    assert golden.files.read(file, 100, 513) == b""
    assert golden.files.read(file, 100, 10_000) == b""
    assert golden.files.read(path("plain", "nothing"), 100) == b""
    with pytest.raises(EngineError, match="became shorter"), golden.files.download(file, 500, 14) as chunks:
        list(chunks)


def test_a_part_of_a_file_far_larger_than_memory_is_read(golden: Volume) -> None:
    assert golden.files.read(path("sparse", "1 TiB"), 7, (1 << 39) - 1) == b"\0data!\0"


def test_a_download_that_is_left_in_the_middle_does_no_harm(golden: Volume) -> None:
    for _ in range(3):
        with golden.files.download(path("sparse", "1 TiB"), 0, 1 << 40) as chunks:
            assert not next(chunks).strip(b"\0")
    assert golden.files.read(path("plain", "1 bytes"), 10)


@contextmanager
def never_opened(fifo: Path) -> Iterator[None]:
    """Fail if anybody opens the FIFO for reading: one who waits to write to it would be let in."""
    opened = threading.Event()

    def wait() -> None:
        os.close(os.open(fifo, os.O_WRONLY))
        opened.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    try:
        yield
        assert not opened.is_set()
    finally:
        os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))
        waiting.join(10)
    assert opened.is_set()


def test_a_fifo_is_never_opened(golden: Volume) -> None:
    special = path("special")
    with never_opened(named(golden.root, b"special/fifo")):
        golden.files.listing(special)
        golden.files.entry(special / b"fifo")
        golden.files.count([special])
        golden.files.not_carried(special)
        with pytest.raises(ConflictError):
            golden.files.read(special / b"fifo", 10)
        with golden.files.tar(special) as chunks:
            assert b"".join(chunks)


@pytest.fixture
def swapped(volume: Volume) -> Iterator[Volume]:
    """A file and a folder that are links to the outside every other moment."""
    golden_tree.write(volume.root / "file", b"inside")
    (volume.root / "bad-file").symlink_to("/etc/passwd")
    (volume.root / "folder").mkdir()
    golden_tree.write(volume.root / "folder" / "passwd", b"inside")
    (volume.root / "bad-folder").symlink_to("/etc")
    with (
        swapping(volume.root / "file", volume.root / "bad-file"),
        swapping(volume.root / "folder", volume.root / "bad-folder"),
    ):
        yield volume


def downloaded(volume: Volume, file: VolumePath) -> bytes:
    with volume.files.download(file, 0, 6) as chunks:
        return b"".join(chunks)


def packed(volume: Volume, folder: VolumePath) -> bytes:
    with volume.files.tar(folder) as chunks:
        return b"".join(chunks)


LOOKS: dict[str, Callable[[Volume], object]] = {
    "read": lambda volume: volume.files.read(path("file"), 1000),
    "download": lambda volume: downloaded(volume, path("file")),
    "read below": lambda volume: volume.files.read(path("folder", "passwd"), 1000),
    "entry below": lambda volume: volume.files.entry(path("folder", "passwd")).size,
    "list below": lambda volume: names(volume.files.listing(path("folder")).entries),
    "tar below": lambda volume: packed(volume, path("folder")),
}
INSIDE = {"entry below": 6, "list below": [b"passwd"]}


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_outside_is_reached_by_swapping_what_is_looked_at_for_a_link(swapped: Volume, look: str) -> None:
    reached, refused = 0, 0
    for _ in range(ATTEMPTS // 4 if look in {"download", "tar below"} else ATTEMPTS):
        try:
            found = LOOKS[look](swapped)
        except ConflictError:
            refused += 1
            continue
        reached += 1
        if look == "tar below":
            assert isinstance(found, bytes)
            assert PASSWD not in found
            assert b"inside" in found
        else:
            assert found == INSIDE.get(look, b"inside")
    assert reached
    assert refused


def test_a_tar_of_what_is_swapped_for_links_holds_nothing_from_outside(swapped: Volume) -> None:
    for _ in range(ATTEMPTS // 4):
        try:
            assert PASSWD not in packed(swapped, TOP)
        except ConflictError as refused:
            assert re.search("has become a symbolic link|is no folder|changed what is in it", refused.message)


def test_folders_deeper_than_a_path_may_be_long_are_reached(volume: Volume) -> None:
    bottom = volume_path(golden_tree.build_deeper(volume.root))
    assert len(bottom.raw) > 4096
    assert names(volume.files.listing(bottom.parent).entries) == [b"bottom"]
    assert volume.files.entry(bottom).size == 13
    assert volume.files.read(bottom, 100) == b"at the bottom"
    assert bottom.raw[-100:] in packed(volume, TOP)
    entries, taken = volume.files.count([path("deeper")])
    assert entries == len(bottom.parts)
    assert taken > 0


def unpacked(archive: Iterator[bytes], folder: Path) -> Tree:
    """What GNU tar makes of an archive."""
    folder.mkdir()
    command = ["tar", "--extract", "--file=-", "--same-owner", "--numeric-owner", "--preserve-permissions", "--acls"]
    command += ["--xattrs", "--xattrs-include=*", "--delay-directory-restore", "--warning=no-timestamp"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=folder) as tar:
        assert tar.stdin is not None
        for chunk in archive:
            tar.stdin.write(chunk)
        tar.stdin.close()
        assert tar.wait(60) == 0
    try:
        return golden_tree.snapshot(folder)
    finally:
        golden_tree.remove(folder)


def as_carried(tree: Tree) -> Tree:
    """What a tar can carry of a tree: no sockets, and of other special files not that they have several names."""
    kept = golden_tree.without(tree, "socket")
    return {path: fact if fact.type in {"file", "link"} else replace(fact, same_as=path) for path, fact in kept.items()}


def test_a_tar_carries_the_whole_tree(golden: Volume, tree: Tree, tmp_path: Path) -> None:
    with golden.files.tar(TOP) as chunks:
        found = unpacked(chunks, tmp_path / "unpacked")
    assert not golden_tree.difference(as_carried(tree), as_carried(found))


def test_a_tar_of_chosen_entries_carries_these_under_their_names(golden: Volume, tree: Tree, tmp_path: Path) -> None:
    odd = golden_tree.moved(tree, b"odd")
    chosen = [name for name in odd if name and b"/" not in name]
    with golden.files.tar(path("odd"), chosen) as chunks:
        found = unpacked(chunks, tmp_path / "unpacked")
    assert found.keys() == odd.keys()
    assert not golden_tree.difference({**odd, b"": found[b""]}, found)
    with golden.files.tar(path("odd"), [b"back\\nslash", b"*"]) as chunks:
        assert unpacked(chunks, tmp_path / "two").keys() == {b"", b"back\\nslash", b"*"}


@pytest.mark.parametrize(
    ("folder", "chosen", "error"),
    [
        (path("nowhere"), [], NotFoundError),
        (path("plain"), [b"nowhere"], NotFoundError),
        (path("links", "folder"), [], ConflictError),
        (path("plain", "nothing"), [], ConflictError),
        (TOP, [b"x"] * 5001, InvalidInputError),
    ],
)
def test_what_can_not_be_packed_is_refused_before_anything_is_sent(
    golden: Volume, folder: VolumePath, chosen: list[bytes], error: type[DemijohnError]
) -> None:
    with pytest.raises(error), golden.files.tar(folder, chosen):
        pytest.fail("nothing should come")


def test_what_the_app_itself_puts_into_a_volume_is_not_shown(volume: Volume) -> None:
    with volume.inside.helper(volume.place, writing=True) as writer, writer.staged() as token:
        staging = volume.root / writer.staging.decode()
        staging.mkdir()
        (staging / token.decode()).write_text("half")
        (volume.root / ".demijohn").touch()
        assert names(volume.files.listing().entries) == [b".demijohn"]
        assert names(volume.files.listing(sort="size").entries) == [b".demijohn"]
        assert b"half" not in packed(volume, TOP)
        with pytest.raises(NotFoundError):
            volume.files.entry(volume_path(writer.staging))


def test_entries_and_what_they_take_are_counted(golden: Volume, tree: Tree) -> None:
    assert golden.files.count([TOP])[0] == len(tree)
    assert golden.files.count([path("odd", b"two\nlines")]) == (1, 4096)
    below = sum(each.startswith(b"plain/") for each in tree)
    entries, taken = golden.files.count([path("plain"), path("special", "fifo")])
    assert entries == below + 2
    assert taken > 1_500_000
    with pytest.raises(NotFoundError):
        golden.files.count([path("nowhere")])


def test_what_an_archive_would_not_carry_is_counted(golden: Volume, tree: Tree) -> None:
    counted = golden.files.not_carried(TOP)
    types = [fact.type.rpartition(" ")[2] for fact in tree.values() if fact.type not in {"file", "folder"}]
    assert counted == {EntryType(each): types.count(each) for each in set(types)}
    assert golden.files.not_carried(path("special"), [b"socket", b"-fifo\n"]) == {
        EntryType.SOCKET: 1,
        EntryType.FIFO: 1,
    }
    assert golden.files.not_carried(path("plain")) == {}
