"""The short forms: `-v [SOURCE:]TARGET[:OPTIONS]` and `--tmpfs TARGET[:OPTIONS]`.

Follows https://docs.docker.com/reference/cli/docker/container/run/#volume and `#tmpfs`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from webui.mounts.model import (
    CONSISTENCIES,
    PROPAGATIONS,
    Mount,
    MountContext,
    MountType,
    is_absolute,
    is_drive_path,
)
from webui.mounts.sources import absolute_source, looks_like_path, relative_source
from webui.mounts.words import format_size, has_control_characters, parse_mode, parse_size, refuse, shown

_OPTION_GROUPS = {
    **dict.fromkeys(("ro", "rw"), "read_only"),
    "nocopy": "no_copy",
    **dict.fromkeys(("z", "Z"), "selinux"),
    **dict.fromkeys(PROPAGATIONS, "propagation"),
    **dict.fromkeys((*CONSISTENCIES, "default"), "consistency"),
}
_TMPFS_DEFAULTS = frozenset({"rw", "noexec", "nosuid", "nodev", "relatime"})
_USUAL = "ro, rw, nocopy, z, Z, shared, slave, private (or rshared …), consistent, cached and delegated"


@dataclass(frozen=True, slots=True)
class _Parts:
    source: str
    target: str
    options: str | None


def parse_volume_flag(spec: str, context: MountContext) -> Mount:
    """The mount that `-v spec` makes.

    A missing host folder is not created, other than by `-v` itself: that is chosen, never implied.
    Raises InvalidInputError at `spec`, `source`, `target` or `options`.
    """
    parts = _split(spec)
    mount = _mount_of(parts, context)
    return mount if parts.options is None else replace(mount, **_read_options(parts.options))


def print_volume_flag(mount: Mount) -> str | None:
    """What stands after `-v` for this mount, or None where `-v` can't say it. Not for tmpfs."""
    options = _written_options(mount)
    if not _sayable(mount, bool(options)):
        return None
    pieces = [mount.source, mount.target] if mount.source else [mount.target]
    return ":".join(pieces + ([",".join(options)] if options else []))


def parse_tmpfs_flag(spec: str) -> Mount:
    """The mount that `--tmpfs spec` makes. Raises InvalidInputError at `target`, `options` or the option's field."""
    target, _, text = spec.partition(":")
    if not target:
        raise refuse("target", "The path inside the container is missing, as in --tmpfs /run:size=64m.")
    mount = Mount(MountType.TMPFS, "", target)
    seen: set[str] = set()
    for option in text.split(",") if text else ():
        name = option.partition("=")[0]
        group = "read_only" if name in {"ro", "rw"} else name
        if group in seen:
            raise refuse("options", f"{shown(option)} is given twice, or contradicts another option. Keep one of them.")
        seen.add(group)
        mount = _with_tmpfs_option(mount, option)
    return mount


def print_tmpfs_flag(mount: Mount) -> str | None:
    """What stands after `--tmpfs` for a tmpfs mount, or None where `--tmpfs` can't say it."""
    if mount.type is not MountType.TMPFS or mount.source or ":" in mount.target or not mount.target:
        return None
    options = ["ro"] if mount.read_only else []
    if mount.tmpfs_size is not None:
        options.append(f"size={format_size(mount.tmpfs_size)}")
    if mount.tmpfs_mode is not None:
        options.append(f"mode={mount.tmpfs_mode:04o}")
    return ":".join([mount.target] + ([",".join(options)] if options else []))


def _split(spec: str) -> _Parts:
    pieces = spec.split(":")
    if _starts_with_drive(spec, pieces):
        pieces = [f"{pieces[0]}:{pieces[1]}", *pieces[2:]]
    if not spec.strip():
        raise refuse("spec", "The mount is empty. Write it like data:/data, or /srv/files:/data:ro.")
    if len(pieces) > 3:
        raise refuse("spec", f"{shown(spec)} has too many colons for -v. Paths with a colon need --mount.")
    if len(pieces) == 1:
        return _Parts("", pieces[0], None)
    if not pieces[0]:
        raise refuse(
            "source",
            "Nothing stands before the first colon. Name a volume or a folder there, or leave the colon out.",
        )
    if not pieces[1]:
        raise refuse("target", f"{shown(spec)} names no path inside the container. Add one, as in {pieces[0]}:/data.")
    if len(pieces) == 2 and _are_options(pieces[1]):
        raise refuse(
            "options",
            f"-v can't give options to an anonymous volume. Name it, as in my-data:{shown(spec)[1:-1]}.",
        )
    return _Parts(pieces[0], pieces[1], pieces[2] if len(pieces) == 3 else None)


def _starts_with_drive(spec: str, pieces: list[str]) -> bool:
    """`C:\\data:/data` has a drive; `c:/data:ro` is a volume called c, and so is `c:/data`."""
    return is_drive_path(spec) and len(pieces) > 2 and (spec[2] == "\\" or pieces[2].startswith("/"))


def _are_options(text: str) -> bool:
    return all(option in _OPTION_GROUPS for option in text.split(","))


def _mount_of(parts: _Parts, context: MountContext) -> Mount:
    if looks_like_path(parts.source):
        return Mount(MountType.BIND, absolute_source(parts.source, context), parts.target)
    if "/" in parts.source or "\\" in parts.source:
        raise relative_source(parts.source, context)
    return Mount(MountType.VOLUME, parts.source, parts.target)


def _read_options(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in text.split(",") if text else ():
        field = _OPTION_GROUPS.get(option)
        if field is None:
            raise refuse("options", f"-v knows no option {shown(option)}. It knows {_USUAL}.")
        if field in found:
            raise refuse("options", f"{shown(option)} is given twice, or contradicts another option. Keep one of them.")
        found[field] = _option_value(option)
    return found


def _option_value(option: str) -> str | bool:
    if option in {"ro", "rw", "nocopy"}:
        return option != "rw"
    return "" if option == "default" else option


def _written_options(mount: Mount) -> list[str]:
    switches = [("ro", mount.read_only), ("nocopy", mount.no_copy)]
    words = [mount.selinux, mount.propagation, mount.consistency]
    return [word for word, on in switches if on] + [word for word in words if word]


def _sayable(mount: Mount, has_options: bool) -> bool:
    if mount.type is MountType.TMPFS or mount.subpath or mount.recursive:
        return False
    if mount.driver or mount.driver_options or mount.labels:
        return False
    if ":" in mount.target or not mount.target or has_control_characters(mount.target + mount.source):
        return False
    return _sayable_source(mount, has_options)


def _sayable_source(mount: Mount, has_options: bool) -> bool:
    if not mount.source:
        return mount.type is MountType.VOLUME and not has_options
    if mount.type is MountType.VOLUME:
        return not looks_like_path(mount.source) and not any(letter in mount.source for letter in ":/\\")
    return is_absolute(mount.source) and ":" not in mount.source[2 * is_drive_path(mount.source) :]


def _with_tmpfs_option(mount: Mount, option: str) -> Mount:
    name, equals, value = option.partition("=")
    if option == "ro":
        return replace(mount, read_only=True)
    if option in _TMPFS_DEFAULTS:
        return mount
    if equals and name == "size":
        return replace(mount, tmpfs_size=_read_size(value))
    if equals and name == "mode":
        return replace(mount, tmpfs_mode=_read_mode(value))
    raise refuse(
        "options",
        f"The tmpfs option {shown(option)} can't be set here. Size, mode and ro can; leave the others out.",
    )


def _read_size(text: str) -> int:
    size = parse_size(text)
    if size is None:
        raise refuse("tmpfs_size", f"{shown(text)} is no size. Write it like 64m or 1g.")
    return size


def _read_mode(text: str) -> int:
    mode = parse_mode(text)
    if mode is None:
        raise refuse("tmpfs_mode", f"{shown(text)} is no file mode. Write it in octal, like 1770.")
    return mode
