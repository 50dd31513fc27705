"""What is run in the helper that has two volumes, the one to copy from at /source and the other at /volume: pure text."""

from __future__ import annotations

from typing import Final

from webui.engine import by_handle, tree_copy
from webui.engine.helper import SOURCE, TARGET
from webui.engine.scripts import OWN_PREFIXES
from webui.engine.session import NO_WAY_IN, command

LISTED: Final = r"%y %i %n %s %b\n"
"""An entry when they are counted: its type, inode, number of names, size and blocks of 512 bytes."""
COMPARED: Final = r"%s %m %U %G %T@ %n//%l\0"
"""What is compared of an entry behind its path and type; a path has no two slashes in a row."""
_COMPARED_FOLDER: Final = r"0 %m %U %G %T@ 1//\0"
_SORT: Final = command("sort", "-z", "-S", "96M", "-T", "/tmp")  # noqa: S108 - the helper's own
_LOST_AND_FOUND: Final = "./lost+found"
_OWN: Final = tuple(b"./" + prefix + b"*" for prefix in OWN_PREFIXES)
"""What is Demijohn's own at the top of a volume."""
_RACE: Final = ("-ignore_readdir_race",)
"""What vanishes while it is looked at was not there."""
_SECONDS_BETWEEN: Final = "0.3"


def listed() -> bytes:
    """LISTED for everything there is to copy."""
    return _go(SOURCE) + _find("-printf", LISTED)


def taken(most: int) -> bytes:
    """Names that are in the target already, NUL-ended; what a file system puts into itself is none."""
    found = command("find", ".", "-mindepth", "1", "-maxdepth", "1", "!", "-path", _LOST_AND_FOUND, "-printf", r"%f\0")
    return _go(TARGET) + found + b" | head -z -n %d" % most


def copy(*, links: bool) -> bytes:
    """Copy everything; without `links` names of one file become files.

    It prints `at BYTES` now and then, `apart STATUS` when the large files are copied, after which bytes count anew, and
    at the end `read STATUS` and `wrote STATUS`, of tar on either side.
    """
    more = () if links else ("--hard-dereference",)
    return (
        _go(SOURCE)
        + tree_copy.apart(".", "(", "-path", _OWN[0], "-o", "-path", _OWN[1], ")", "-prune", "-o")
        + b"exec 3>&1\n%s\necho apart $?\n" % tree_copy.copy_apart(TARGET.encode(), "bytes")
        + b"{ { %s; } 3>&-; echo read $? >&3; } | %s >&2 3>&- & pid=$!\n"
        % (tree_copy.pack(*more, "--", ".", excluded=_OWN), tree_copy.unpack(TARGET.encode()))
        + _watched()
    )


def differences() -> bytes:
    """What is only in one of the two, COMPARED each: records of the target alone begin with a tab, all paths with `/`.

    The long lists are sorted on the engine's disk, where they do not fit into memory.
    """
    return b"{ %s%s; } | %s | {\n  exec 4<&0\n" % (
        _go(SOURCE),
        _compared(),
        _SORT,
    ) + b"  { %s%s; } </dev/null 4<&- | %s | comm -z -3 /proc/self/fd/4 -\n}" % (_go(TARGET), _compared(), _SORT)


def take_out() -> bytes:
    """Remove from the target what has the path of something in the source; folders where nothing else is in them."""
    own = ("!", "-path", _OWN[0], "!", "-path", _OWN[1])
    found = command("find", ".", *_RACE, "-mindepth", "1", "-depth", *own, "-printf", r"%y/%P\0")
    return _go(SOURCE) + b"%s | %s" % (found, by_handle.remove(TARGET))


def _go(folder: str) -> bytes:
    return b"cd -P -- %s || exit %d\n" % (folder.encode(), NO_WAY_IN)


def _find(*tests: str, most_levels: str = "") -> bytes:
    """Find what is below the folder one is in, but for what is Demijohn's own."""
    levels = ("-maxdepth", most_levels) if most_levels else ()
    own = ("(", "-path", _OWN[0], "-o", "-path", _OWN[1], ")", "-prune", "-o")
    return command("find", ".", *_RACE, "-mindepth", "1", *levels, *own, *tests)


def _compared() -> bytes:
    folder = ("-type", "d", "-printf", "/%P//%y " + _COMPARED_FOLDER)
    return _find("!", "-path", _LOST_AND_FOUND, "(", *folder, "-o", "-printf", "/%P//%y " + COMPARED, ")")


def _watched() -> bytes:
    """Tell how many bytes process $pid has written until it has ended, and how it did."""
    return (
        b"{ while sleep %s; do\n" % _SECONDS_BETWEEN.encode()
        + b'  while read -r key value; do [ "$key" = wchar: ] && echo "at $value"; done </proc/$pid/io\n'
        + b"done; } 2>/dev/null 3>&- & watcher=$!\n"
        + b"wait $pid; status=$?\nkill $watcher; wait\necho wrote $status\n"
    )
