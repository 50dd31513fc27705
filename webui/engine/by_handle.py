"""What a helper does by handles, in Perl; `by_handle.pl` says what that promises. Pure text, as in `webui.engine.scripts`.

The shell and GNU's tools name what they work on by paths, which others may exchange for symbolic links meanwhile. Perl
opens every name without following it and works on what was opened. Debian's base system has it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from webui.engine.session import command

PROGRAM: Final = Path(__file__).with_name("by_handle.pl").read_bytes()
MODULES: Final = tuple(sorted(set(re.findall(r"^use (\w+)", PROGRAM.decode(), re.MULTILINE))))
"""What the program loads of Perl's own modules."""
_MANY_HANDLES: Final = b'ulimit -Sn "$(ulimit -Hn)"\n'
"""A handle is open for each folder on the way down."""


def permit(name: bytes, mode: str, owner: str, *, recursive: bool) -> bytes:
    """Set mode (octal or as chmod knows it) and owner (`uid:gid`, either may be missing) of a name in the folder one is in.

    Either may be empty. Ends with MISSING, or with LINK where a mode is for a symbolic link.
    """
    return _MANY_HANDLES + b"exec " + _perl("permit", mode, owner, "yes" if recursive else "no", name)


def copy(target: bytes, tell: Literal["bytes", "files"]) -> bytes:
    """Copy what is no folder and no link, of the paths that come as lines, to the same paths below the target, a word.

    It prints `at BYTES` now and then, or the path of each file that is copied.
    """
    return _perl("copy") + b" %s %s" % (target, tell.encode())


def remove(target: str) -> bytes:
    """Remove below the target what comes as records of a type, a slash and a path, NUL-ended: of folders empty ones."""
    return _perl("remove", target)


def _perl(*words: bytes | str) -> bytes:
    return command("perl", "-e", PROGRAM, "--", *words)
