"""From a folder into a tar, checked, and out again: the same folder, to GNU tar and the file system."""

from __future__ import annotations

import io
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.archives.building import assert_safe, chunked
from tests.unit.archives.trees import AS_THE_APP_DOES, ATTRIBUTES, data_size, described, gnu_tar, unpack
from webui.archives import ArchiveFormat, CheckedArchive, ImportOptions, checked_tar, packed

TAR_FORMATS = [ArchiveFormat.TAR, ArchiveFormat.TAR_GZ, ArchiveFormat.TAR_ZST]
AS_ROOT = os.geteuid() == 0
NEEDS_ROOT = pytest.mark.skipif(not AS_ROOT, reason="only root makes devices and gives files away")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def through(tree: Path, fmt: ArchiveFormat = ArchiveFormat.TAR, options: ImportOptions | None = None) -> CheckedArchive:
    """The folder as it comes out of packing, and in through checking."""
    archive = b"".join(packed(chunked(gnu_tar(tree, *AS_THE_APP_DOES, *ATTRIBUTES), 10_000), fmt))
    return checked_tar(io.BytesIO(archive), fmt, options=options or ImportOptions(devices=True))


def assert_same_after(tree: Path, fmt: ArchiveFormat = ArchiveFormat.TAR) -> None:
    with TemporaryDirectory(dir=tree.parent) as folder:
        target = Path(folder)
        unpack(through(tree, fmt), target, *ATTRIBUTES)
        assert described(target) == described(tree)


@pytest.mark.parametrize("fmt", TAR_FORMATS)
def test_files_folders_and_links_stay_the_same(tree: Path, fmt: ArchiveFormat) -> None:
    (tree / "folder").mkdir(mode=0o711)
    (tree / "folder" / "file").write_bytes(os.urandom(100_000))
    (tree / "empty").touch(mode=0o600)
    (tree / "hard").hardlink_to(tree / "folder" / "file")
    (tree / "folder" / "other").hardlink_to(tree / "folder" / "file")
    (tree / "in").symlink_to("folder/file")
    (tree / "out").symlink_to("/etc/passwd")
    (tree / "up").symlink_to("../../..")
    (tree / "nowhere").symlink_to("x" * 4000)
    os.mkfifo(tree / "fifo", 0o622)
    os.utime(tree / "empty", ns=(0, 1_234_567_890_123_456_789))
    os.utime(tree / "folder", ns=(0, -1_500_000_000))
    assert_same_after(tree, fmt)


@pytest.mark.parametrize(
    "name",
    [b"new\nline", b"\xff\xfe\x80", b"x" * 255, "ä".encode() * 127, b"\x01\x1b\x7f", b" ", b"-rf", b"back\\slash",
     b"quo\"te'", b"...", b"%41=", "\u202e".encode(), b"PaxHeaders", b"*"],
)  # fmt: skip
def test_names_stay_the_same(tree: Path, name: bytes) -> None:
    folder = os.fsencode(tree) + b"/" + name
    os.mkdir(folder)  # noqa: PTH102
    for path in (folder + b"/" + name, os.fsencode(tree) + b"/" + name[:254] + b"_"):
        with open(path, "wb") as made:  # noqa: PTH123
            made.write(name)
        os.link(path, path[:-1] + b"+")
    os.symlink(name, folder + b"/link")  # noqa: PTH211
    assert_same_after(tree)


def test_a_path_of_4000_bytes_stays_the_same(tree: Path) -> None:
    for length in (99, 100, 101, 155, 156, 255, 256, 257, 1000, 4000):
        folder = tree
        left = length
        while left > 255:
            folder /= "d" * 200
            left -= 201
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ("f" * left)).write_text(str(length))
    assert_same_after(tree)


def test_extended_attributes_and_acls_stay_the_same(tree: Path) -> None:
    file = tree / "file"
    file.touch()
    try:
        os.setxattr(file, "user.binary", bytes(range(256)))
        os.setxattr(file, "user.a=b%41", b"x=y\n12 z=1\n")
        os.setxattr(file, "user.empty", b"")
        os.setxattr(tree, "user.top", b"x")
        os.setxattr(file, "system.posix_acl_access", _acl(reader=12345))
        os.setxattr(tree, "system.posix_acl_default", _acl(reader=54321))
    except OSError as error:
        pytest.skip(f"the file system has no attributes: {error}")
    assert_same_after(tree)


@NEEDS_ROOT
def test_owners_special_bits_and_devices_stay_the_same(tree: Path) -> None:
    for number, mode in enumerate((0o4755, 0o2755, 0o6711, 0o1777, 0o7777, 0)):
        made = tree / f"file{number}"
        made.write_bytes(b"x")
        os.chown(made, 1000 + number, 2**32 - 2)
        made.chmod(mode)
        (tree / f"folder{number}").mkdir()
        os.chown(tree / f"folder{number}", 3_000_000, number)
        (tree / f"folder{number}").chmod(mode)
    os.mknod(tree / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(tree / "disk", stat.S_IFBLK | 0o660, os.makedev(4095, 1_048_575))
    os.setxattr(tree / "file0", "security.capability", struct.pack("<5L", 0x02000001, 1 << 10, 0, 0, 0))
    assert_same_after(tree)


@pytest.mark.parametrize("fmt", TAR_FORMATS)
def test_a_sparse_file_of_1_tib_stays_sparse(tree: Path, fmt: ArchiveFormat) -> None:
    with (tree / "sparse").open("wb") as opened:
        opened.truncate(1 << 40)
        for place in (0, 1 << 20, (1 << 39) + 4096, (1 << 40) - 5):
            opened.seek(place)
            opened.write(b"data!")
    (tree / "all hole").touch()
    os.truncate(tree / "all hole", 1 << 40)
    archive = gnu_tar(tree, *AS_THE_APP_DOES)
    assert len(archive) < 100_000
    assert_same_after(tree, fmt)
    assert data_size(tree / "sparse") < 100_000


def test_a_file_in_a_thousand_pieces_stays_the_same(tree: Path) -> None:
    with (tree / "sparse").open("wb") as opened:
        for index in range(1000):
            opened.seek(index * 65536)
            opened.write(os.urandom(4096))
        opened.truncate(1 << 30)
    assert_same_after(tree)


def test_a_hard_link_to_a_symbolic_link_leads_to_the_same(tree: Path) -> None:
    (tree / "a").symlink_to("/etc/passwd")
    os.link(tree / "a", tree / "b", follow_symlinks=False)
    with TemporaryDirectory(dir=tree.parent) as folder:
        unpack(through(tree), Path(folder))
        assert {path.name: str(path.readlink()) for path in Path(folder).iterdir()} == {
            "a": "/etc/passwd",
            "b": "/etc/passwd",
        }


def test_a_socket_is_nothing_an_archive_has(tree: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.fspath(tree / "socket"))
        archive = through(tree)
        assert b"socket" not in b"".join(archive)
    assert archive.summary.left_out == []


@pytest.mark.parametrize("form", ["posix", "gnu", "oldgnu", "ustar", "v7"])
def test_every_form_of_tar_is_read(tree: Path, form: str) -> None:
    (tree / "folder").mkdir()
    (tree / "folder" / "file").write_bytes(b"data" * 1000)
    (tree / "folder" / "link").symlink_to("file")
    (tree / ("n" * 90)).touch()
    with (tree / "sparse").open("wb") as opened:
        opened.seek(1 << 22)
        opened.write(b"data")
    for path in (tree / "folder" / "file", tree / "folder", tree):
        os.utime(path, (0, 1_000_000))
    options = ["--sparse"] if form in {"posix", "gnu", "oldgnu"} else []
    with TemporaryDirectory(dir=tree.parent) as folder:
        source = io.BytesIO(gnu_tar(tree, f"--format={form}", *options))
        unpack(checked_tar(source, ArchiveFormat.TAR), Path(folder))
        for path in ("folder/file", "n" * 90, "sparse"):
            assert (Path(folder) / path).read_bytes() == (tree / path).read_bytes()
        assert (Path(folder) / "folder" / "link").readlink() == Path("file")


@pytest.mark.parametrize("version", ["0.0", "0.1", "1.0"])
def test_every_way_that_tar_writes_holes_is_read(tree: Path, version: str) -> None:
    with (tree / "sparse").open("wb") as opened:
        for index in range(100):
            opened.seek(index << 20)
            opened.write(b"%d" % index)
        opened.truncate(1 << 30)
    archive = gnu_tar(tree, *AS_THE_APP_DOES, f"--sparse-version={version}")
    with TemporaryDirectory(dir=tree.parent) as folder:
        unpack(checked_tar(io.BytesIO(archive), ArchiveFormat.TAR), Path(folder))
        assert described(Path(folder))[b"sparse"] == described(tree)[b"sparse"]


names = st.binary(min_size=1, max_size=24).filter(lambda name: not set(name) & {0, 47} and name not in (b".", b".."))
contents = st.binary(max_size=3000)
leaves = (
    contents
    | st.tuples(st.just("link"), names)
    | st.just("fifo")
    | st.tuples(st.just("hole"), st.integers(0, 1 << 16).map(lambda pages: 4096 * pages))
)
random_trees = st.recursive(
    st.dictionaries(names, leaves, max_size=4),
    lambda inner: st.dictionaries(names, leaves | inner, max_size=4),
    max_leaves=8,
)


@given(random_trees, st.integers(0, 0o777), st.sampled_from(TAR_FORMATS))
@settings(max_examples=40, deadline=None)
def test_any_tree_stays_the_same(content: dict[bytes, object], mode: int, fmt: ArchiveFormat) -> None:
    with TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        tree.mkdir()
        for path in _made(content, os.fsencode(tree)):
            os.chmod(path, mode | (0o700 if os.path.isdir(path) else 0o400))  # noqa: PTH101, PTH112
        assert_safe(b"".join(through(tree, fmt)))
        assert_same_after(tree, fmt)


def _made(content: dict[bytes, object], where: bytes) -> Iterator[bytes]:
    for name, value in content.items():
        path = where + b"/" + name
        match value:
            case dict():
                os.mkdir(path)  # noqa: PTH102
                yield from _made(value, path)
            case ("link", bytes(target)):
                os.symlink(target, path)  # noqa: PTH211
                continue
            case "fifo":
                os.mkfifo(path)
            case bytes() | ("hole", int()):
                with open(path, "wb") as made:  # noqa: PTH123
                    made.write(value) if isinstance(value, bytes) else made.truncate(value[1])
        yield path


def _acl(reader: int) -> bytes:
    """An ACL as the kernel has it: one more user may read."""
    nobody = 0xFFFFFFFF
    entries = [(1, 6, nobody), (2, 4, reader), (4, 4, nobody), (16, 4, nobody), (32, 0, nobody)]
    return struct.pack("<L", 2) + b"".join(struct.pack("<HHL", *entry) for entry in entries)
