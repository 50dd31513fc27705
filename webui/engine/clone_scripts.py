"""What is run in the helper that has two volumes, the one to copy from at /source and the other at /volume: pure text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from webui.engine.helper import SOURCE, TARGET
from webui.engine.scripts import OWN_PREFIXES, here
from webui.engine.session import NO_WAY_IN, command

LISTED: Final = r"%y %i %n %s %b\n"
"""An entry when they are counted: its type, inode, number of names, size and blocks of 512 bytes."""
COMPARED: Final = r"%s %m %U %G %T@ %n//%l\0"
"""What is compared of an entry behind its path and type; a path has no two slashes in a row."""
_COMPARED_FOLDER: Final = r"0 %m %U %G %T@ 1//\0"
_SORT: Final = command("sort", "-z", "-S", "96M", "-T", "/tmp")  # noqa: S108 - the helper's own
_PIPE: Final = ("--file=-", "--acls", "--xattrs", "--numeric-owner", "--blocking-factor=128")
_LOST_AND_FOUND: Final = "./lost+found"
_OWN: Final = tuple(b"./" + prefix + b"*" for prefix in OWN_PREFIXES)
"""What is Demijohn's own at the top of a volume."""
_RACE: Final = ("-ignore_readdir_race",)
"""What vanishes while it is looked at was not there."""
_SECONDS_BETWEEN: Final = "0.3"


def listed() -> bytes:
    """LISTED for everything there is to copy."""
    return _go(SOURCE) + _find("-printf", LISTED)


def names(most: int) -> bytes:
    """The names at the top, NUL-ended; one more than `most` of them at most."""
    return _go(SOURCE) + _find("-printf", r"%f\0", most_levels="1") + b" | head -z -n %d" % (most + 1)


def taken(most: int) -> bytes:
    """Names that are in the target already, NUL-ended; what a file system puts into itself is none."""
    found = command("find", ".", "-mindepth", "1", "-maxdepth", "1", "!", "-path", _LOST_AND_FOUND, "-printf", r"%f\0")
    return _go(TARGET) + found + b" | head -z -n %d" % most


def copy_by_tar(*, links: bool) -> bytes:
    """Copy everything through a pipe, the quicker way for many files; without `links` names of one file become files.

    It prints `at BYTES` now and then, and at the end `read STATUS` and `wrote STATUS`, of tar on either side.
    """
    packed = _pack(() if links else ("--hard-dereference",))
    return (
        _go(SOURCE)
        + b"exec 3>&1\n"
        + b"{ %s 3>&-; echo read $? >&3; } | %s >&2 3>&- & pid=$!\n" % (packed, _unpack())
        + _watched()
    )


def copy_by_name(wanted: Iterable[bytes]) -> bytes:
    """Copy what is at the top under these names, the quicker way for large files, and then what the top folder is like.

    It prints what `copy_by_tar` does.
    """
    words = b" ".join(map(here, wanted))
    return (
        _go(SOURCE)
        + b"cp -a --reflink=auto -t %s -- %s >&2 & pid=$!\n" % (TARGET.encode(), words)
        + _watched()
        + b"%s | %s >&2\necho read 0\n" % (_pack(("--no-recursion",)), _unpack())
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
    return (
        _go(SOURCE)
        + _find("!", "-type", "d", "-exec", *_in_target('rm -f -- "$@"'), "{}", "+")
        + b"\n"
        + _find_deepest_first("-type", "d", "-exec", *_in_target('rmdir --ignore-fail-on-non-empty -- "$@"'), "{}", "+")
        + b" 2>/dev/null\n:"
    )


def _go(folder: str) -> bytes:
    return b"cd -P -- %s || exit %d\n" % (folder.encode(), NO_WAY_IN)


def _find(*tests: str, most_levels: str = "") -> bytes:
    """Find what is below the folder one is in, but for what is Demijohn's own."""
    levels = ("-maxdepth", most_levels) if most_levels else ()
    own = ("(", "-path", _OWN[0], "-o", "-path", _OWN[1], ")", "-prune", "-o")
    return command("find", ".", *_RACE, "-mindepth", "1", *levels, *own, *tests)


def _find_deepest_first(*tests: str) -> bytes:
    """The same, folders after what is in them: what is not to be entered can't be said then."""
    own = ("!", "-path", _OWN[0], "!", "-path", _OWN[1])
    return command("find", ".", *_RACE, "-mindepth", "1", "-depth", *own, *tests)


def _compared() -> bytes:
    folder = ("-type", "d", "-printf", "/%P//%y " + _COMPARED_FOLDER)
    return _find("!", "-path", _LOST_AND_FOUND, "(", *folder, "-o", "-printf", "/%P//%y " + COMPARED, ")")


def _pack(more: Iterable[str]) -> bytes:
    # Without the times of last use, which nobody keeps; the pipe carries a fraction of the headers then.
    options = ("--create", "--format=posix", "--pax-option=delete=atime,delete=ctime", "--sparse", *_PIPE)
    own = [b"--exclude=" + path for path in _OWN]
    return command("tar", *options, "--warning=no-file-ignored", "--anchored", *own, *more, "--", ".")


def _unpack() -> bytes:
    options = ("--extract", "--same-owner", "--preserve-permissions", "--delay-directory-restore", *_PIPE)
    return command("tar", *options, "--xattrs-include=*", "--warning=no-timestamp", f"--directory={TARGET}")


def _watched() -> bytes:
    """Tell how many bytes process $pid has written until it has ended, and how it did."""
    return (
        b"{ while sleep %s; do\n" % _SECONDS_BETWEEN.encode()
        + b'  while read -r key value; do [ "$key" = wchar: ] && echo "at $value"; done </proc/$pid/io\n'
        + b"done; } 2>/dev/null 3>&- & watcher=$!\n"
        + b"wait $pid; status=$?\nkill $watcher; wait\necho wrote $status\n"
    )


def _in_target(script: str) -> tuple[str, ...]:
    return "sh", "-c", f"cd -P -- {TARGET} && exec {script}", "sh"
