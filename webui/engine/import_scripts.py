"""What a helper is told to merge one tree into another: pure text; see `webui.engine.scripts`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from webui.engine.scripts import here, into, open_staging, open_target, same_device, staged
from webui.engine.session import command
from webui.paths import TOP, VolumePath

_MARK = "%i-%.9W-%s-%.9Y"
"""What tells an entry from a later one of the same name, and from itself when somebody has written to it: its inode, when
that was born where this is known, its size, and when it was written."""


def listings(root: VolumePath, folders: Iterable[bytes]) -> bytes:
    """Depth (0 or 1), type and name of each folder below the root and of what is in it, a folder after the other."""
    return into(root) + b"find " + _words(folders) + b" " + command("-maxdepth", "1", "-printf", r"%d%y%f\0")


def types(wanted: Mapping[VolumePath, Iterable[bytes]]) -> bytes:
    """Of these names in folders those that are there: type, number of the folder, `/` and name."""

    def look(number: int, folder: VolumePath, names: Iterable[bytes]) -> bytes:
        found = command("-maxdepth", "0", "-printf", rf"%y{number}/%f\0")
        return b"( %sfind %s %s ) 2>/dev/null\n" % (into(folder), _words(names), found)

    return b"".join(look(number, *each) for number, each in enumerate(wanted.items())) + b":"


def marks(folder: VolumePath, names: Iterable[bytes]) -> bytes:
    """The mark of each name, in their order."""
    return into(folder) + command("stat", rf"--printf={_MARK}\0", "--") + b" " + _words(names)


def marks_found(folder: VolumePath, names: Iterable[bytes]) -> bytes:
    """Mark and name, which starts with `./`, of those that are there."""
    return into(folder) + command("stat", rf"--printf={_MARK} %n\0", "--") + b" " + _words(names) + b" 2>/dev/null; :"


def touched(folder: VolumePath, names: Iterable[bytes], kept: bytes) -> bytes:
    """The names, which start with `./`, in which something was changed since the plan was written down."""
    newer = command("-mindepth", "1", "-cnewer", b"/volume/" + kept + b"/plan", "-print", "-quit")
    return (
        into(folder)
        + b"for name in %s; do\n" % _words(names)
        + b'  if [ -d "$name" ] && [ ! -L "$name" ] && [ -n "$(find "$name" %s)" ]; then\n' % newer
        + b"    printf '%s\\0' \"$name\"\n  fi\ndone"
    )


def sizes(root: VolumePath, paths: Iterable[bytes]) -> bytes:
    """Type, inode, size and blocks of 512 bytes of each path and of all below it."""
    return into(root) + b"find " + _words(paths) + b" " + command("-printf", r"%y %i %s %b\0")


def names(folder: VolumePath) -> bytes:
    """The names in a folder."""
    return into(folder) + command("find", ".", "-mindepth", "1", "-maxdepth", "1", "-printf", r"%f\0")


def keep(staging: bytes, token: bytes, plan: bytes, kept: bytes, target: VolumePath) -> bytes:
    """Make the kept folder of the plan and the tree, `plan` and `new` in it, out of what is staged under these names.

    Ends with OTHER_DEVICE where the tree could not be renamed into the target.
    """
    return (
        open_staging(staging)
        + open_target(target)
        + same_device(b".", b"/proc/self/fd/8/.")
        + into(TOP)
        + b"mkdir -m 700 -- %s && mkdir -m 700 -- %s || exit 74\n" % (here(kept), here(kept + b"/old"))
        + b"mv -T -- %s %s || exit 74\n" % (staged(plan), here(kept + b"/plan"))
        + b"sync -- %s || exit 74\n" % here(kept + b"/plan")
        + b"mv -T -- %s %s || exit 74" % (staged(token), here(kept + b"/new"))
    )


def make_room(kept: bytes, number: int) -> bytes:
    """Make the folder for what is renamed away on behalf of one group of the plan."""
    return into(VolumePath(kept + b"/old")) + b"mkdir -m 700 -- ./%d || exit 74\n" % number


def move_all(source: VolumePath, target: VolumePath, wanted: Iterable[bytes]) -> bytes:
    """Rename entries from one folder to another. Nothing is overwritten: TAKEN where a name is there."""
    return (
        open_target(target)
        + into(source)
        + b"set -- %s\n" % _words(wanted)
        + b'mv -n -t /proc/self/fd/7/. -- "$@"\nmoved=$?\n'
        + b'for name do\n  if [ -e "$name" ] || [ -L "$name" ]; then\n'
        + b'    [ -e "/proc/self/fd/7/$name" ] || [ -L "/proc/self/fd/7/$name" ] || exit 74\n    exit 67\n  fi\ndone\n'
        + b'[ "$moved" = 0 ] || exit 74\n'
    )


def remove_kept(kept: bytes) -> bytes:
    """Remove the kept folder."""
    return into(TOP) + b"rm -rf -- " + here(kept)


def _words(paths: Iterable[bytes]) -> bytes:
    return b" ".join(map(here, paths))
