"""How a helper copies trees with everything about them: pure text, as in `webui.engine.scripts`.

A tar through a pipe goes down by handles and keeps what it finds, and is the quicker way for many files. Large files go
ahead of it one by one, by handles as well: where the file system can share their blocks nothing is copied at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from webui.engine import by_handle
from webui.engine.session import command

LARGE: Final = 8 * 1024 * 1024
"""Bytes from which a file is copied by itself."""
_NO_LINE: Final = ("!", "-path", "*\n*", "!", "-name", "*[[:space:]]")
_PIPE: Final = ("--file=-", "--acls", "--xattrs", "--numeric-owner", "--blocking-factor=128")
# Without the times of last use, which nobody keeps; the pipe carries a fraction of the headers then.
_PACK: Final = ("--create", "--format=posix", "--pax-option=delete=atime,delete=ctime", "--sparse", *_PIPE)
_UNPACK: Final = ("--extract", "--same-owner", "--preserve-permissions", "--delay-directory-restore", *_PIPE)


def apart(*start: bytes | str, special: bool = False) -> bytes:
    """Keep in $apart the paths, which begin with `./`, of what `find` with these words finds that is copied by itself.

    That are large files and, if asked, those that tar does not know or does not know again by another name: sockets,
    FIFOs and devices. Large files with several names are left to tar, and so are names that make no line, or one that
    `--exclude-from` would cut, which takes space off its end.
    """
    kinds = ("(", "-type", "f", "-links", "1", "-size", f"+{LARGE // 1024 - 1}k")
    more = ("-o", "-type", "s", "-o", "-type", "p", "-o", "-type", "b", "-o", "-type", "c") if special else ()
    found = command("find", *start, *kinds, *more, ")", *_NO_LINE, "-print")
    return b"apart=$(command -v perl >/dev/null && %s 2>/dev/null)\n" % found


def copy_apart(target: bytes, tell: Literal["bytes", "files"]) -> bytes:
    """Copy what is in $apart to the same paths below the target, a word; it ends as copying them did."""
    return b"""{ [ -z "$apart" ] || printf '%%s\\n' "$apart" | %s; }""" % by_handle.copy(target, tell)


def pack(*words: bytes | str, excluded: Iterable[bytes] = ()) -> bytes:
    """A tar of what the words name but for what is in $apart, to standard output; `excluded` are patterns."""
    patterns = [b"--exclude=" + each for each in excluded]
    options: tuple[bytes | str, ...] = (
        "--warning=no-file-ignored",
        "--anchored",
        *patterns,
        "--no-wildcards",
        "--exclude-from=-",
        "--no-unquote",
    )
    packed = command("tar", *_PACK, *options, *words)
    return b"""{ [ -z "$apart" ] || printf '%%s\\n' "$apart"; } | %s""" % packed


def unpack(target: bytes, *more: str) -> bytes:
    """Unpack a tar that comes on standard input below the target, which is given as a word, with `more` options."""
    return command("tar", *_UNPACK, "--xattrs-include=*", "--warning=no-timestamp", *more) + b" --directory=" + target
