"""What a mount is, in the words of Docker's own documentation, and where its paths are read from.

Follows https://docs.docker.com/engine/storage/ and the `Mount` schema of the Engine API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

Pairs = tuple[tuple[str, str], ...]
"""Keys and values in the order they were written, no key twice."""

PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
CONSISTENCIES = ("consistent", "cached", "delegated")
RECURSIONS = ("disabled", "writable", "readonly")
"""What `bind-recursive` says beyond its default, `enabled`, which is kept as an empty string."""

_DRIVE_PATH = re.compile(r"[A-Za-z]:[\\/]")


class MountType(StrEnum):
    """The kinds of mount that the app makes."""

    VOLUME = "volume"
    BIND = "bind"
    TMPFS = "tmpfs"


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of a container.

    `source` is a volume's name (empty: an anonymous volume), a bind's folder or file on the engine's machine, and
    empty for tmpfs. `create_missing` is what `-v` does when that folder is not there; it is off unless chosen.
    `recursive` is one of `RECURSIONS` or empty. `tmpfs_size` is in bytes, `tmpfs_mode` a file mode as a number.
    `driver`, `driver_options` and `labels` say how the volume is made where it does not exist yet.
    """

    type: MountType
    source: str
    target: str
    read_only: bool = False
    no_copy: bool = False
    subpath: str = ""
    propagation: str = ""
    recursive: str = ""
    create_missing: bool = False
    selinux: str = ""
    consistency: str = ""
    tmpfs_size: int | None = None
    tmpfs_mode: int | None = None
    driver: str = ""
    driver_options: Pairs = ()
    labels: Pairs = ()

    @property
    def anonymous(self) -> bool:
        """Whether Docker will invent a name for the volume."""
        return self.type is MountType.VOLUME and not self.source

    def to_json(self) -> dict[str, Any]:
        """`type`, `source`, `target` and `read_only` always, the rest where it is set.

        `tmpfs_mode` is octal text (`1770`), `driver_options` and `labels` are objects.
        """
        found: dict[str, Any] = {"type": self.type.value, "source": self.source, "target": self.target}
        found["read_only"] = self.read_only
        for field in fields(self)[4:]:
            value = getattr(self, field.name)
            if value != field.default:
                found[field.name] = _json_value(field.name, value)
        return found


def _json_value(name: str, value: Any) -> Any:
    if name == "tmpfs_mode":
        return f"{value:04o}"
    return dict(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class MountContext:
    """What relative sources are read from: the folder the app was started in, and the person's home.

    Empty folders are unknown: sources that need them are refused. `local` is whether the engine runs on this machine.
    """

    start_folder: str = ""
    home: str = ""
    local: bool = True


def is_drive_path(text: str) -> bool:
    """Whether it is a Windows path with its drive, as in `C:\\data`."""
    return _DRIVE_PATH.match(text) is not None


def is_absolute(path: str) -> bool:
    """Whether a source is absolute on the machine of a Linux or a Windows engine."""
    return path.startswith("/") or is_drive_path(path)
