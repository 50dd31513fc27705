"""What is wrong with a mount before any engine is asked: one sentence for each field.

Follows the rules of the engine itself (measured) and of https://docs.docker.com/engine/storage/.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from webui.mounts.model import (
    CONSISTENCIES,
    PROPAGATIONS,
    RECURSIONS,
    Mount,
    MountType,
    is_absolute,
    is_drive_path,
)
from webui.mounts.volume_flag import print_volume_flag
from webui.mounts.words import has_control_characters, shown

_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}")
_VOLUME_LETTERS = re.compile(r"[a-zA-Z0-9_.-]*")
_MAX_PATH = 4096
_MAX_MODE = 0o7777
_MAX_SIZE = 2**63 - 1


def check(mount: Mount, prefix: str = "") -> dict[str, str]:
    """The problems of one mount: a sentence for each field (named as in `Mount`, after `prefix`). Empty: it is fine."""
    found: dict[str, str] = {}
    for field, sentence in _problems(mount):
        found.setdefault(prefix + field, sentence)
    return found


def check_all(mounts: Sequence[Mount]) -> dict[str, str]:
    """The problems of a container's mounts together, with keys like `mounts.0.target`.

    Beside those of each: a target that occurs twice, and one volume described in two ways.
    """
    found: dict[str, str] = {}
    targets: dict[str, int] = {}
    volumes: dict[str, Mount] = {}
    for place, mount in enumerate(mounts):
        found |= check(mount, f"mounts.{place}.")
        first = targets.setdefault(normal_target(mount.target), place)
        if first != place and mount.target:
            found.setdefault(
                f"mounts.{place}.target",
                f"{shown(mount.target)} is already the target of mount {first + 1}. Each needs a path of its own.",
            )
        if (
            mount.type is MountType.VOLUME
            and mount.source
            and _made_otherwise(volumes.setdefault(mount.source, mount), mount)
        ):
            found.setdefault(
                f"mounts.{place}.driver",
                f"The volume {shown(mount.source)} is described in two ways. Give both mounts the same driver, options and labels.",
            )
    return found


def normal_target(target: str) -> str:
    """The target without trailing, doubled or dotted slashes, as the engine sees it. `..` is left for `check`."""
    pieces = [piece for piece in target.split("/") if piece not in {"", "."}]
    return ("/" if target.startswith("/") else "") + "/".join(pieces)


def volume_name_problem(name: str) -> str:
    """Why the engine would refuse a volume of this name, in a sentence. Empty where it would take it."""
    if _VOLUME_NAME.fullmatch(name):
        return ""
    if not name:
        return "The volume needs a name. Without one Docker invents a random one."
    if has_control_characters(name):
        return "The name holds a line break or another invisible character. Type it again, without."
    if "/" in name or "\\" in name:
        return f"{shown(name)} is a folder on this machine: use a bind mount. A volume's name has no slashes."
    if any(letter.isspace() for letter in name):
        return f"{shown(name)} has a space. Use a dash or an underscore instead."
    if not name.isascii():
        return f"{shown(name)} has letters that Docker doesn't take. Use a to z, A to Z, 0 to 9, and . _ - after the first."
    return _shape_problem(name)


def check_source_path(path: str) -> str:
    """Why a bind can't come from this path, in a sentence. Empty where it can."""
    if not path:
        return "A bind mount needs a folder or file of the engine's machine. Write its whole path."
    if has_control_characters(path):
        return "The path holds a line break or another invisible character. Type it again, without."
    if not is_absolute(path):
        return f"{shown(path)} is a relative path. Write the whole one, starting with /."
    if ".." in re.split(r"[\\/]" if is_drive_path(path) else "/", path):
        return f"{shown(path)} climbs with “..”. Write {shown(posixpath.normpath(path))} instead."
    return "The path is too long: 4,096 bytes is the most." if _bytes(path) > _MAX_PATH else ""


def _shape_problem(name: str) -> str:
    if len(name) == 1:
        return f"{shown(name)} is too short: a volume's name has at least two characters."
    if len(name) > 255:
        return f"The name is too long: it has {len(name)} characters, and 255 is the most."
    if not _VOLUME_LETTERS.fullmatch(name):
        wrong = next(letter for letter in name if not _VOLUME_LETTERS.fullmatch(letter))
        return f"The name can't hold {shown(wrong)}. Use a to z, A to Z, 0 to 9, and . _ - after the first."
    return f"{shown(name)} must start with a letter or a digit."


def _problems(mount: Mount) -> Iterator[tuple[str, str]]:
    if problem := _target_problem(mount.target):
        yield "target", problem
    if problem := _source_problem(mount):
        yield "source", problem
    yield from _misplaced_options(mount)
    yield from _bind_problems(mount)
    yield from _volume_problems(mount)
    yield from _tmpfs_problems(mount)
    if mount.consistency not in {"", *CONSISTENCIES}:
        yield (
            "consistency",
            f"{shown(mount.consistency)} is no consistency. Use consistent, cached or delegated.",
        )


def _target_problem(target: str) -> str:
    if not target:
        return "The path inside the container is missing. Write one like /data."
    if has_control_characters(target):
        return "The path holds a line break or another invisible character. Type it again, without."
    if not target.startswith("/"):
        return f"{shown(target)} is a relative path. Inside the container it must start at the root: {shown('/' + normal_target(target))}."
    if ".." in target.split("/"):
        return f"{shown(target)} climbs with “..”, which can end up in an unexpected place. Write the path it leads to."
    if normal_target(target) == "/":
        return "The root of the container can't be a target. Choose a folder below it, like /data."
    return "The path is too long: 4,096 bytes is the most." if _bytes(target) > _MAX_PATH else ""


def _source_problem(mount: Mount) -> str:
    if mount.type is MountType.BIND:
        return check_source_path(mount.source)
    if mount.type is MountType.TMPFS:
        return "A tmpfs lives in memory and has no source. Leave it empty." if mount.source else ""
    return volume_name_problem(mount.source) if mount.source else ""


_OWNERS = {
    "no_copy": MountType.VOLUME,
    "subpath": MountType.VOLUME,
    "driver": MountType.VOLUME,
    "driver_options": MountType.VOLUME,
    "labels": MountType.VOLUME,
    "propagation": MountType.BIND,
    "recursive": MountType.BIND,
    "create_missing": MountType.BIND,
    "tmpfs_size": MountType.TMPFS,
    "tmpfs_mode": MountType.TMPFS,
}
_OWNER_WORDS = {MountType.VOLUME: "a volume", MountType.BIND: "a bind mount", MountType.TMPFS: "a tmpfs"}


def _misplaced_options(mount: Mount) -> Iterator[tuple[str, str]]:
    for field, owner in _OWNERS.items():
        if mount.type is not owner and getattr(mount, field) not in {None, "", False, ()}:
            words = field.replace("_", " ").removeprefix("tmpfs ")
            yield (
                field,
                f"The option “{words}” belongs to {_OWNER_WORDS[owner]}, and this is {_OWNER_WORDS[mount.type]}. Leave it out or change the type.",
            )
    if mount.type is MountType.TMPFS and (mount.selinux or mount.consistency):
        field = "selinux" if mount.selinux else "consistency"
        yield field, f"The option “{field}” doesn't apply to a tmpfs. Leave it out."


def _bind_problems(mount: Mount) -> Iterator[tuple[str, str]]:
    if mount.propagation not in {"", *PROPAGATIONS}:
        yield (
            "propagation",
            f"{shown(mount.propagation)} is no propagation. Use one of {', '.join(PROPAGATIONS)}.",
        )
    if mount.recursive not in {"", *RECURSIONS}:
        yield (
            "recursive",
            f"{shown(mount.recursive)} is not known. Use enabled, disabled, writable or readonly.",
        )
    if mount.recursive in {"writable", "readonly"} and not mount.read_only:
        yield (
            "recursive",
            f"“{mount.recursive}” makes sense only for a read-only mount. Make it read-only too.",
        )
    if mount.recursive == "readonly" and mount.propagation not in {"", "rprivate"}:
        yield "propagation", "Read-only down to the last mount needs the propagation rprivate."
    if mount.selinux not in {"", "z", "Z"}:
        yield "selinux", f"{shown(mount.selinux)} is no SELinux label. Use z (shared) or Z (private)."
    if mount.selinux in {"z", "Z"} and mount.type is not MountType.TMPFS and _selinux_in_the_way(mount):
        yield (
            "selinux",
            "Only -v can set an SELinux label, and -v can't say the rest of this mount. Leave the label out.",
        )


def _selinux_in_the_way(mount: Mount) -> bool:
    return bool(mount.target) and (print_volume_flag(mount) is None or mount.create_missing)


def _volume_problems(mount: Mount) -> Iterator[tuple[str, str]]:
    if mount.anonymous and mount.read_only:
        yield (
            "read_only",
            "A new volume without a name would stay empty if it were read-only. Name it, or let it be written.",
        )
    if mount.subpath and (problem := _subpath_problem(mount.subpath)):
        yield "subpath", problem
    if has_control_characters(mount.driver) or mount.driver != mount.driver.strip():
        yield "driver", "The driver's name holds spaces or invisible characters. Type it again, without."
    for field, pairs in (("driver_options", mount.driver_options), ("labels", mount.labels)):
        if any(not name or "=" in name or "\0" in name + text for name, text in pairs):
            yield field, "Each row needs a name without an equals sign, and text without NUL characters."


def _subpath_problem(subpath: str) -> str:
    if subpath.startswith("/"):
        return f"A subpath starts inside the volume, not at the root: {shown(normal_target(subpath).lstrip('/'))}."
    if ".." in subpath.split("/"):
        return "A subpath can't leave its volume with “..”."
    if has_control_characters(subpath):
        return "The subpath holds a line break or another invisible character. Type it again, without."
    return ""


def _tmpfs_problems(mount: Mount) -> Iterator[tuple[str, str]]:
    if mount.tmpfs_size is not None and not 0 < mount.tmpfs_size <= _MAX_SIZE:
        yield "tmpfs_size", "The size must be more than nothing, like 64m. Leave it empty for no limit."
    if mount.tmpfs_mode is not None and not 0 < mount.tmpfs_mode <= _MAX_MODE:
        yield (
            "tmpfs_mode",
            "The mode must lie between 1 and 7777 in octal, like 1770 (Docker takes 0 as not given).",
        )


def _made_otherwise(one: Mount, other: Mount) -> bool:
    return (one.driver, one.driver_options, one.labels) != (other.driver, other.driver_options, other.labels)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
