"""One mount in the four ways people write it. Each form is read back to the same mount."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

from webui.mounts.api_shape import api_object
from webui.mounts.model import Mount, MountType
from webui.mounts.mount_flag import print_mount_flag
from webui.mounts.volume_flag import print_tmpfs_flag, print_volume_flag
from webui.mounts.yaml_text import OctalNumber, dump_yaml

ComposeEntry = str | dict[str, Any]


def volume_words(mount: Mount) -> tuple[str, str] | None:
    """The short flag and its value, `("-v", "data:/data")` or `("--tmpfs", "/run")`. None where neither can say it."""
    if mount.type is MountType.TMPFS:
        value = print_tmpfs_flag(mount)
        return None if value is None else ("--tmpfs", value)
    value = print_volume_flag(mount)
    return None if value is None else ("-v", value)


def mount_words(mount: Mount) -> tuple[str, str] | None:
    """The long flag and its value. None where `--mount` can't say it: an SELinux label."""
    value = print_mount_flag(mount)
    return None if value is None else ("--mount", value)


def flag_words(mount: Mount, style: str) -> tuple[str, str]:
    """The flag in the style asked for (`volume` or `mount`), in the other where that one can't say it."""
    short, long = volume_words(mount), mount_words(mount)
    found = (short or long) if style == "volume" else (long or short)
    return found or ("--mount", print_mount_flag(replace(mount, selinux="")) or "")


def volume_flag(mount: Mount) -> str | None:
    """`-v data:/data:ro`, quoted for the shell; `--tmpfs /run:size=64m` for tmpfs. None where neither can say it.

    `-v` makes a missing host folder whatever `create_missing` says: it has no word for that.
    """
    words = volume_words(mount)
    return None if words is None else shlex.join(words)


def mount_flag(mount: Mount) -> str | None:
    """`--mount type=volume,source=data,target=/data,readonly`, quoted for the shell. None with an SELinux label."""
    words = mount_words(mount)
    return None if words is None else shlex.join(words)


def commands(mount: Mount) -> dict[str, str]:
    """The mount as `volume`, `mount`, `compose` and `python` text, with `note` where a form could not be kept to."""
    found = {
        "volume": shlex.join(flag_words(mount, "volume")),
        "mount": shlex.join(flag_words(mount, "mount")),
        "compose": compose_text(mount),
        "python": docker_py_expression(mount),
    }
    note = form_note(mount)
    return found | ({"note": note} if note else {})


def form_note(mount: Mount) -> str:
    """Why one of the two flags is printed in place of the other, or an empty string."""
    if volume_words(mount) is None:
        return "-v has no word for everything in this mount, so its line is written with --mount."
    if mount_words(mount) is None:
        return "--mount can't set an SELinux label, so its line is written with -v."
    return ""


def compose_entry(mount: Mount) -> ComposeEntry:
    """One item of a Compose service's `volumes:` list, in the long form (the short one for a labelled volume).

    A driver and its options stand under the file's own `volumes:`, not here. `$` is doubled, as Compose wants it.
    Follows https://docs.docker.com/reference/compose-file/services/#volumes.
    """
    if mount.selinux and mount.type is MountType.VOLUME:
        return compose_escape(print_volume_flag(mount) or f"{mount.source}:{mount.target}:{mount.selinux}")
    entry: dict[str, Any] = {"type": mount.type.value}
    if mount.source:
        entry["source"] = compose_escape(mount.source)
    entry["target"] = compose_escape(mount.target)
    if mount.read_only:
        entry["read_only"] = True
    if mount.consistency:
        entry["consistency"] = mount.consistency
    options = _compose_options(mount)
    return entry | ({mount.type.value: options} if options else {})


def compose_text(mount: Mount) -> str:
    """The mount as one item of a service's `volumes:` list in YAML."""
    return dump_yaml([compose_entry(mount)]).rstrip("\n")


def compose_escape(text: str) -> str:
    """Text in which Compose finds no variable: `$` is doubled."""
    return text.replace("$", "$$")


def docker_py_expression(mount: Mount) -> str:
    """The mount in Python: `Mount(...)` of `docker.types`, or the API's own object for what `Mount` has no word for.

    An SELinux label is said only by the string form of `volumes=`, so that string is what it gives.
    """
    if mount.selinux:
        return repr(print_volume_flag(mount) or "")
    if mount.recursive or mount.create_missing:
        return repr(api_object(mount))
    return f"Mount({', '.join(f'{name}={value}' for name, value in _docker_py_arguments(mount))})"


def _compose_options(mount: Mount) -> dict[str, Any]:
    if mount.type is MountType.BIND:
        worded = {"propagation": mount.propagation, "recursive": mount.recursive, "selinux": mount.selinux}
        return {"create_host_path": mount.create_missing} | {name: word for name, word in worded.items() if word}
    if mount.type is MountType.VOLUME:
        found: dict[str, Any] = {"nocopy": True} if mount.no_copy else {}
        found |= {"subpath": compose_escape(mount.subpath)} if mount.subpath else {}
        labels = {name: compose_escape(text) for name, text in mount.labels}
        return found | ({"labels": labels} if labels and mount.anonymous else {})
    found = {} if mount.tmpfs_size is None else {"size": mount.tmpfs_size}
    return found | ({} if mount.tmpfs_mode is None else {"mode": OctalNumber(mount.tmpfs_mode)})


def _docker_py_arguments(mount: Mount) -> list[tuple[str, str]]:
    driver = f"DriverConfig({mount.driver!r}, {dict(mount.driver_options)!r})"
    worded: list[tuple[str, Any]] = [
        ("read_only", mount.read_only),
        ("consistency", mount.consistency),
        ("propagation", mount.propagation),
        ("no_copy", mount.no_copy),
        ("labels", dict(mount.labels)),
        ("subpath", mount.subpath),
        ("tmpfs_size", mount.tmpfs_size),
    ]
    found = [
        ("target", repr(mount.target)),
        ("source", repr(mount.source or None)),
        ("type", repr(mount.type.value)),
    ]
    found += [(name, repr(value)) for name, value in worded if value]
    found += [("driver_config", driver)] if mount.driver or mount.driver_options else []
    return found + ([] if mount.tmpfs_mode is None else [("tmpfs_mode", f"0o{mount.tmpfs_mode:o}")])
