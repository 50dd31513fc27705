"""Folders of this machine, for a person to choose from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from webui.errors import InvalidInputError, NotFoundError

MOST = 1000


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders inside one, by name. `cut` says that there are more than MOST."""

    path: str
    parent: str
    folders: tuple[str, ...]
    cut: bool


def listed(path: str, *, hidden: bool = False) -> Folders:
    """The folders in `path`, which has to be absolute. Raises InvalidInputError, NotFoundError."""
    if not path.startswith("/") or "\0" in path:
        raise InvalidInputError({"path": "This has to be an absolute path."})
    folder = Path(os.path.normpath(path))
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                (entry.name for entry in entries if (hidden or not entry.name.startswith(".")) and _is_folder(entry)),
                key=str.casefold,
            )
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no folder {folder} on this machine.") from error
    except OSError as error:
        raise InvalidInputError({"path": f"The folder {folder} can't be read: {error.strerror}."}) from error
    printable = [name for name in names if name.isprintable()]
    return Folders(str(folder), str(folder.parent), tuple(printable[:MOST]), len(printable) > MOST)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
