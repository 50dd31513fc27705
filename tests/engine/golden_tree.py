"""The golden tree: a folder with everything in it that a file system can hold, and what can be known of a tree.

It is made and looked at as root on the engine's machine, beside the app: what the app says is compared with this.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

ODD_NAMES = (
    *(b"-rf", b"--help", b"-", b"--", b"~", b"#", b"%2e%2e", b"...", b"..x", b".hidden", b"C:\\dos", b"CON"),
    *(b"two\nlines", b"\n", b"\t", b"\r", b"\x1b[31mred", b"\x7f", b"\x01", b"ends in newline\n", b"&amp;"),
    *(
        b"it's",
        b'say "so"',
        b"`id`",
        b"$(id)",
        b"${HOME}",
        b"back\\slash",
        b"back\\nslash",
        b"\\",
        b"a;b",
        b"a|b",
        b"a&b",
    ),
    *(b"<script>alert(1)", b"<b>&amp;", b"{{7*7}}", b"%s%n", b"a,b=c", b"@list", b"=1+1", b"!!", b"{a,b}"),
    *(b"*", b"?", b"[", b"[a-z]", b"*.txt", b" ", b" leading", b"trailing ", b"in  between", b"tab\there", b"a:b"),
    *(b"\xff", b"\xff\xfe", b"caf\xe9", b"\xc3", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"),
    *("\u202eexe.txt".encode(), "\u2066\u2069".encode(), "zero\u200bwidth".encode(), "\u2028".encode()),
    *("é".encode(), "e\u0301".encode(), "ﬁ".encode(), "İı".encode(), "日本語.txt".encode(), "👩‍👩‍👧".encode()),
    *(b"x" * 255, "é".encode() * 127 + b"x", b"\xfe" * 255, b"." + b"y" * 254, b"\n" * 255),
)
"""Names that trip what reads them as text, option, pattern, path, markup or a line."""

SPECIAL_TIMES = {"old": -1_000_000_000 * 10**9 + 5, "far": 13_569_465_600 * 10**9 + 123_456_789, "epoch": 0}
"""Files in the golden tree's folder `times`, and when they were changed, in nanoseconds since 1970."""

_ACL_VERSION, _NOBODY = 2, 0xFFFFFFFF
_DEEP = 15


@dataclass(frozen=True, slots=True)
class Fact:
    """What can be known of one entry. `same_as` is the first path of the tree that is the same inode, its own else;
    `extents` are where a file has data: elsewhere it has holes."""

    type: str
    mode: int
    owner: tuple[int, int]
    mtime_ns: int
    same_as: bytes
    size: int = 0
    sha256: str = ""
    extents: tuple[tuple[int, int], ...] = ()
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, bytes], ...] = ()


Tree = Mapping[bytes, Fact]
"""Facts by the path from the tree's top, which is empty itself."""

_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}


def snapshot(root: Path | bytes) -> dict[bytes, Fact]:
    """What is in a folder, and it itself; as deep as it goes, no link followed, nothing but files and folders opened."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        seen: dict[tuple[int, int], bytes] = {}
        top = _fact(folder, b".", b"", seen)
        return {b"": top} | dict(_below(folder, b"", seen))
    finally:
        os.close(folder)


def difference(before: Tree, after: Tree) -> dict[bytes, tuple[Fact | None, Fact | None]]:
    """The paths whose facts differ, with both; nothing where the trees are the same."""
    paths = sorted(before.keys() | after.keys())
    return {path: (before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path)}


def without(tree: Tree, *types: str) -> dict[bytes, Fact]:
    """The tree without entries of these types."""
    return {path: fact for path, fact in tree.items() if fact.type not in types}


def moved(tree: Tree, top: bytes) -> dict[bytes, Fact]:
    """A part of a tree as a tree of its own: what is below `top`."""
    start = top + b"/"

    def inner(path: bytes) -> bytes:
        return b"" if path == top else path.removeprefix(start)

    return {
        inner(path): replace(fact, same_as=inner(fact.same_as))
        for path, fact in tree.items()
        if path == top or path.startswith(start)
    }


def build(root: Path) -> None:
    """Fill an empty folder with the golden tree: some two hundred and fifty entries of every kind."""
    with _no_umask():
        for part in (_plain, _odd_names, _hard_links, _links, _special, _sparse, _modes_and_owners, _attributes):
            part(root)
        _deep(root, "deep", _DEEP)
        _times(root)


def build_deeper(root: Path) -> bytes:
    """A chain of folders that goes deeper than the 4,096 bytes a system call takes; the path of the file in it."""
    with _no_umask():
        return _deep(root, "deeper", _DEEP + 3)


def remove(root: Path) -> None:
    """Remove all that is in a folder, however deep."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _remove_below(folder)
    finally:
        os.close(folder)


def named(folder: Path, name: bytes) -> Path:
    """What is called so in a folder."""
    return folder / os.fsdecode(name)


def write(path: Path, content: bytes = b"", mode: int = 0o644) -> None:
    """Make a file."""
    path.write_bytes(content)
    path.chmod(mode)


def acl(*entries: tuple[int, int, int]) -> bytes:
    """An access control list as the kernel has it, of tags (1 owner, 2 a user, 4 group, 16 mask, 32 others),
    permissions and ids."""
    packed = (struct.pack("<HHI", tag, permissions, owner) for tag, permissions, owner in entries)
    return struct.pack("<I", _ACL_VERSION) + b"".join(packed)


AN_ACL = acl((1, 6, _NOBODY), (2, 7, 12345), (4, 4, _NOBODY), (16, 7, _NOBODY), (32, 0, _NOBODY))
"""rw- for the owner, rwx for user 12345, r-- for the group, nothing for others."""


def _plain(top: Path) -> None:
    for folder in ("empty", "plain", "plain/inner", "plain/inner/most"):
        (top / folder).mkdir(0o755)
    write(top / "plain" / "nothing")
    for size in (1, 511, 512, 513, 4095, 4096, 4097, 70_000, 1_500_000):
        write(top / "plain" / f"{size} bytes", os.urandom(size))
    for number in range(30):
        write(top / "plain" / "inner" / f"file-{number:02}.txt", b"line\n" * number)
    write(top / "plain" / "inner" / "most" / "zeros", bytes(10_000))


def _odd_names(top: Path) -> None:
    (top / "odd").mkdir(0o755)
    for number, name in enumerate(ODD_NAMES):
        write(named(top / "odd", name), b"%d" % number)
    for name in (b"-d", b"new\nline", b"\xff\xff", b"it's a folder ", "\u202edlof".encode(), b"*[?"):
        folder = named(top / "odd", b"folder " + name)
        folder.mkdir(0o755)
        write(named(folder, name), name)


def _hard_links(top: Path) -> None:
    hard = top / "hard"
    for folder in (hard, hard / "a", hard / "b"):
        folder.mkdir(0o755)
    write(hard / "a" / "one", b"many names")
    for other in ("a/two", "b/three", "-four"):
        (hard / other).hardlink_to(hard / "a" / "one")
    os.mkfifo(hard / "fifo", 0o640)
    (hard / "b" / "fifo").hardlink_to(hard / "fifo")
    (hard / "link").symlink_to("a/one")
    os.link(hard / "link", hard / "b" / "link", follow_symlinks=False)


LINKS = {
    b"file": (b"../plain/nothing", "file"),
    b"folder": (b"../plain", "folder"),
    b"beside": (b"file", "file"),
    b"dangling": (b"../nowhere", "missing"),
    b"loop": (b"loop", "loop"),
    b"ping": (b"pong", "loop"),
    b"pong": (b"ping", "loop"),
    b"absolute": (b"/etc/passwd", "outside"),
    b"absolute-missing": (b"/nowhere/at/all", "outside"),
    b"climbing": (b"../../../../etc/passwd", "outside"),
    b"root": (b"/", "outside"),
    b"to-fifo": (b"../special/fifo", "special"),
    b"odd\ntarget ": (b"../odd/two\nlines", "file"),
    b"bytes\xff": (b"../odd/\xff", "file"),
    b"long": (b"x" * 4000, "special"),
    b"empty-folder": (b"../empty/", "folder"),
    b"up": (b"..", "folder"),
}
"""The golden tree's symbolic links, in its folder `links`: where each points and where that leads."""


def _links(top: Path) -> None:
    (top / "links").mkdir(0o755)
    for name, (target, _) in LINKS.items():
        named(top / "links", name).symlink_to(os.fsdecode(target))


def _special(top: Path) -> None:
    special = top / "special"
    special.mkdir(0o755)
    os.mkfifo(special / "fifo", 0o600)
    os.mkfifo(special / "-fifo\n", 0o777)
    os.mknod(special / "socket", stat.S_IFSOCK | 0o755)
    os.mknod(special / "block", stat.S_IFBLK | 0o640, os.makedev(7, 200))
    os.mknod(special / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(special / "big numbers", stat.S_IFCHR | 0o600, os.makedev(300, 70_000))


def _sparse(top: Path) -> None:
    (top / "sparse").mkdir(0o755)
    layouts: dict[str, tuple[int, Iterable[int]]] = {
        "1 TiB": (1 << 40, (1 << 39,)),
        "all hole": (1 << 30, ()),
        "hole first": (1_048_576 + 5, (1_048_576,)),
        "hole last": (5 << 20, (0,)),
        "many": (40 << 20, range(0, 40 << 20, 1 << 20)),
    }
    for name, (size, places) in layouts.items():
        with (top / "sparse" / name).open("wb") as file:
            file.truncate(size)
            for place in places:
                file.seek(place)
                file.write(b"data!")


def _modes_and_owners(top: Path) -> None:
    modes = top / "modes"
    modes.mkdir(0o755)
    for mode in (0o000, 0o001, 0o400, 0o444, 0o555, 0o666, 0o777, 0o1644, 0o2755, 0o4755, 0o6711, 0o7777):
        write(modes / f"file {mode:04o}", b"mode", mode)
        folder = modes / f"folder {mode:04o}"
        folder.mkdir()
        write(folder / "in it", b"x")
        folder.chmod(mode)
    for uid, gid in ((0, 1), (1000, 1000), (12345, 54321), (4294967294, 4294967294), (65534, 65534)):
        owned, link = modes / f"owner {uid}", modes / f"owner {uid} link"
        write(owned, b"owned")
        link.symlink_to(owned.name)
        os.chown(link, uid, gid, follow_symlinks=False)
        os.chown(owned, uid, gid)
        owned.chmod(0o6755)


def _attributes(top: Path) -> None:
    attributes = top / "attributes"
    attributes.mkdir(0o755)
    (attributes / "folder").mkdir(0o755)
    for name in ("several", "binary", "large", "acl", "capability", "odd key"):
        write(attributes / name, b"x", 0o755)
    for number in range(5):
        os.setxattr(attributes / "several", f"user.key-{number}", b"value %d" % number)
    os.setxattr(attributes / "binary", "user.binary", bytes(range(256)))
    os.setxattr(attributes / "large", "user.large", b"L" * 2000)
    os.setxattr(attributes / "odd key", "user.a=b %=c", b"k=v\n")
    os.setxattr(attributes / "acl", "system.posix_acl_access", AN_ACL)
    os.setxattr(attributes / "capability", "security.capability", struct.pack("<5I", 0x0200_0001, 0x400, 0, 0, 0))
    os.setxattr(attributes / "folder", "user.on-a-folder", b"yes")
    os.setxattr(attributes / "folder", "system.posix_acl_access", AN_ACL)
    os.setxattr(attributes / "folder", "system.posix_acl_default", AN_ACL)


def _deep(top: Path, name: str, levels: int) -> bytes:
    """A chain of folders below the one called `name`, each name 255 bytes; the path of the file at its end."""
    parts = [name, *(chr(97 + level) * 255 for level in range(levels))]
    folder = os.open(top, os.O_RDONLY)
    for part in parts:
        os.mkdir(part, 0o755, dir_fd=folder)
        inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        os.close(folder)
        folder = inner
    file = os.open("bottom", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder)
    os.write(file, b"at the bottom")
    for each in (file, folder):
        os.close(each)
    return "/".join((*parts, "bottom")).encode()


def _times(top: Path) -> None:
    """Give times to what is there, some very old, some far in the future; of folders last, as filling them counts."""
    (top / "times").mkdir(0o755)
    for name in SPECIAL_TIMES:
        write(top / "times" / name)
    (top / "times" / "link").symlink_to("old")
    for number, (_, folders, files, folder) in enumerate(os.fwalk(top, topdown=False)):
        for place, name in enumerate((*files, *folders)):
            ns = SPECIAL_TIMES.get(name, (1_500_000_000 + number * 1000 + place) * 10**9 + 987_654_321)
            os.utime(name, ns=(ns, ns), dir_fd=folder, follow_symlinks=False)
    os.utime(top, ns=(0, 1_400_000_000_000_000_001))


def _below(folder: int, above: bytes, seen: dict[tuple[int, int], bytes]) -> Iterator[tuple[bytes, Fact]]:
    for name in sorted(map(os.fsencode, os.listdir(folder))):
        path = above + b"/" + name if above else name
        fact = _fact(folder, name, path, seen)
        yield path, fact
        if fact.type == "folder":
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            try:
                yield from _below(inner, path, seen)
            finally:
                os.close(inner)


def _fact(folder: int, name: bytes, path: bytes, seen: dict[tuple[int, int], bytes]) -> Fact:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    itself = b"/proc/self/fd/%d/%s" % (folder, name)
    fact = Fact(
        type=_TYPES[stat.S_IFMT(found.st_mode)],
        mode=stat.S_IMODE(found.st_mode),
        owner=(found.st_uid, found.st_gid),
        mtime_ns=found.st_mtime_ns,
        same_as=seen.setdefault((found.st_dev, found.st_ino), path),
        xattrs=tuple(
            (key, os.getxattr(itself, key, follow_symlinks=False))
            for key in sorted(os.listxattr(itself, follow_symlinks=False))
        ),
    )
    if fact.type == "file":
        return _file_fact(fact, folder, name, found.st_size)
    if fact.type == "link":
        return replace(fact, target=os.readlink(name, dir_fd=folder))
    if "device" in fact.type:
        return replace(fact, device=(os.major(found.st_rdev), os.minor(found.st_rdev)))
    return fact


def _file_fact(fact: Fact, folder: int, name: bytes, size: int) -> Fact:
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        extents = tuple(_extents(file, size))
        digest = hashlib.sha256()
        for start, end in extents:
            digest.update(b"%d:" % start)
            for at in range(start, end, 1 << 20):
                digest.update(os.pread(file, min(1 << 20, end - at), at))
        return replace(fact, size=size, sha256=digest.hexdigest(), extents=extents)
    finally:
        os.close(file)


def _extents(file: int, size: int) -> Iterator[tuple[int, int]]:
    at = 0
    while at < size:
        try:
            start = os.lseek(file, at, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole up to the end
            return
        at = os.lseek(file, start, os.SEEK_HOLE)
        yield start, at


def _remove_below(folder: int) -> None:
    for name in map(os.fsencode, os.listdir(folder)):
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=folder)
            continue
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            _remove_below(inner)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=folder)


@contextmanager
def _no_umask() -> Iterator[None]:
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)
