"""Sources as a person writes them, made absolute: `$PWD`, `~`, `./data`, and what to say of the rest.

`docker run` leaves `$PWD` and `~` to the shell and makes `./data` absolute itself. `data/x` it refuses.
"""

from __future__ import annotations

import ntpath
import posixpath
import re

from webui.errors import InvalidInputError
from webui.mounts.model import MountContext, is_absolute, is_drive_path
from webui.mounts.words import refuse, shown

_START_FOLDER = re.compile(r"(?:\$PWD\b|\$\{PWD\}|\$\( *pwd *\)|` *pwd *`|%cd%)(?=[/\\]|$)", re.IGNORECASE)
_HOME = re.compile(r"(?:~|\$HOME\b|\$\{HOME\}|%USERPROFILE%)(?=[/\\]|$)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]|\$\(|`|%[A-Za-z_]+%")


def looks_like_path(source: str) -> bool:
    """Whether the source of `-v` means a folder of the machine and not a volume's name."""
    return is_absolute(source) or source.startswith((".", "~", "\\\\")) or _VARIABLE.match(source) is not None


def absolute_source(source: str, context: MountContext) -> str:
    """The absolute path a bind's source means, with `$PWD`, `~`, `.` and `..` worked out.

    Raises InvalidInputError at `source` where it can't be known, with the path it probably meant.
    """
    if is_absolute(source) or not source:
        return source
    if found := _START_FOLDER.match(source):
        return _joined(context.start_folder, source[found.end() :], "the folder the app was started in")
    if found := _HOME.match(source):
        return _joined(context.home, source[found.end() :], "your home folder")
    if _VARIABLE.match(source):
        raise refuse(
            "source",
            f"{shown(source)} holds a variable that is not known here. Write the folder's path itself.",
        )
    if source.startswith("~"):
        raise refuse("source", f"{shown(source)} means the home of another user. Write the folder's path itself.")
    if source.startswith("."):
        return _joined(context.start_folder, source, "the folder the app was started in")
    raise relative_source(source, context)


def meant_path(source: str, start_folder: str) -> str:
    """The path that a relative source would have in the start folder, or an empty string where that is unknown."""
    return _join(start_folder, source) if start_folder else ""


def relative_source(source: str, context: MountContext) -> InvalidInputError:
    """The error for a source with a slash that doesn't start at the root."""
    meant = meant_path(source, context.start_folder)
    advice = f"You probably mean {shown(meant)}." if meant else "Write the whole path, starting with /."
    return refuse("source", f"{shown(source)} is a relative path, and Docker takes only absolute ones. {advice}")


def _joined(folder: str, rest: str, what: str) -> str:
    if not folder:
        raise refuse("source", f"It is not known what {what} is. Write the whole path.")
    return _join(folder, rest.lstrip("/\\") or ".")


def _join(folder: str, rest: str) -> str:
    if is_drive_path(folder):
        return ntpath.normpath(ntpath.join(folder, rest))
    path = posixpath.normpath(posixpath.join(folder, rest))
    return "/" + path.lstrip("/")
