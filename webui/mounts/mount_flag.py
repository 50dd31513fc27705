"""The long form: `--mount type=…,source=…,target=…`, one line of CSV with a key and a value in each field.

Follows https://docs.docker.com/reference/cli/docker/container/run/#mount and its tables in
https://docs.docker.com/engine/storage/ (volumes, bind mounts, tmpfs mounts).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from webui.mounts.model import Mount, MountContext, MountType, Pairs
from webui.mounts.sources import absolute_source
from webui.mounts.words import (
    format_size,
    join_csv,
    parse_boolean,
    parse_mode,
    parse_size,
    refuse,
    shown,
    split_csv,
)

_ALIASES = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "ro": "readonly",
    "bind-nonrecursive": "bind-recursive",
}
_SWITCHES = frozenset({"readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"})
_REPEATABLE = frozenset({"volume-opt", "volume-label"})


@dataclass(slots=True)
class _Reading:
    """What has been read so far: the mount's fields by name, and the keys that were seen."""

    values: dict[str, Any] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    pairs: dict[str, dict[str, str]] = field(default_factory=dict)


def looks_like_mount_flag(spec: str) -> bool:
    """Whether the text starts as a value of `--mount` does: with one of its keys."""
    key = spec.lstrip('"').partition(",")[0].partition("=")[0].lower()
    bare = key == spec.lstrip('"').partition(",")[0].lower()
    return (key in _SWITCHES and "," in spec) if bare else _is_key(key)


def parse_mount_flag(spec: str, context: MountContext) -> Mount:
    """The mount that `--mount spec` makes. The type is volume where none is given, keys may be in any case.

    Raises InvalidInputError at the mount's own field, or at `spec` and `options` where it fits none.
    """
    if not spec.strip():
        raise refuse("spec", "The mount is empty. Write it like type=volume,source=data,target=/data.")
    reading = _Reading()
    for option in split_csv(spec):
        _read_option(option, reading)
    if not reading.values.get("target"):
        raise refuse("target", "The path inside the container is missing. Add target=/data, with the path you want.")
    values: dict[str, Any] = {"type": MountType.VOLUME, "source": "", **reading.values}
    values |= {name: tuple(pairs.items()) for name, pairs in reading.pairs.items()}
    mount = Mount(**values)
    if mount.type is MountType.BIND:
        return replace(mount, source=absolute_source(mount.source, context))
    return mount


def print_mount_flag(mount: Mount) -> str | None:
    """What stands after `--mount` for this mount, or None where `--mount` can't say it (an SELinux label)."""
    if mount.selinux:
        return None
    fields = [f"type={mount.type.value}"]
    fields += [f"source={mount.source}"] if mount.source else []
    fields.append(f"target={mount.target}")
    fields += ["readonly"] if mount.read_only else []
    return join_csv(fields + _written_options(mount))


def _is_key(key: str) -> bool:
    return key in _ALIASES or key in _REPEATABLE or key in _READERS


def _read_option(option: str, reading: _Reading) -> None:
    written, equals, value = option.partition("=")
    key = written.lower()
    _check_shape(option, key, bool(equals), value)
    name = _ALIASES.get(key, key)
    if name in reading.seen and name not in _REPEATABLE:
        raise refuse("options", f"{shown(written)} is given twice. Keep one of them.")
    reading.seen.add(name)
    _READERS[name](reading, key, value if equals else "true")


def _check_shape(option: str, key: str, has_value: bool, value: str) -> None:
    if not option.strip():
        raise refuse("spec", "There is a comma with nothing before or after it. Leave it out.")
    if not _is_key(key):
        raise refuse(
            "options",
            f"--mount knows no option {shown(key)}. Check its spelling, and quote values that hold a comma.",
        )
    if not has_value and key not in _SWITCHES:
        raise refuse("options", f"{shown(option)} needs a value, as in {key}=….")
    if has_value and not value:
        raise refuse("options", f"{shown(option)} has no value. Add one or leave it out.")


def _read_type(reading: _Reading, _key: str, value: str) -> None:
    try:
        reading.values["type"] = MountType(value.lower())
    except ValueError:
        raise refuse("type", f"Mounts of type {shown(value)} can't be made here. Use volume, bind or tmpfs.") from None


def _keep(name: str, change: Callable[[str], str] = str) -> Callable[[_Reading, str, str], None]:
    def read(reading: _Reading, _key: str, value: str) -> None:
        reading.values[name] = change(value)

    return read


def _consistency(value: str) -> str:
    return "" if value.lower() == "default" else value.lower()


def _boolean(name: str) -> Callable[[_Reading, str, str], None]:
    def read(reading: _Reading, key: str, value: str) -> None:
        reading.values[name] = _yes_or_no(key, name, value)

    return read


def _yes_or_no(key: str, name: str, value: str) -> bool:
    answer = parse_boolean(value)
    if answer is None:
        raise refuse(name, f"{key}={value[:40]} is neither true nor false. Write {key}, or {key}=false.")
    return answer


def _read_recursive(reading: _Reading, key: str, value: str) -> None:
    if key == "bind-nonrecursive":
        reading.values["recursive"] = "disabled" if _yes_or_no(key, "recursive", value) else ""
    else:
        reading.values["recursive"] = "" if value == "enabled" else value


def _read_pair(name: str) -> Callable[[_Reading, str, str], None]:
    def read(reading: _Reading, key: str, value: str) -> None:
        pairs = reading.pairs.setdefault(name, {})
        pair_key, _, pair_value = value.partition("=")
        if not pair_key:
            raise refuse(name, f"{key}={value[:40]} has no name before the equals sign. Write {key}=name=value.")
        if pair_key in pairs:
            raise refuse(name, f"{key} sets {shown(pair_key)} twice. Keep one of them.")
        pairs[pair_key] = pair_value

    return read


def _read_size(reading: _Reading, _key: str, value: str) -> None:
    size = parse_size(value)
    if size is None:
        raise refuse("tmpfs_size", f"{shown(value)} is no size. Write it like 64m or 1g.")
    reading.values["tmpfs_size"] = size


def _read_mode(reading: _Reading, _key: str, value: str) -> None:
    mode = parse_mode(value)
    if mode is None:
        raise refuse("tmpfs_mode", f"{shown(value)} is no file mode. Write it in octal, like 1770.")
    reading.values["tmpfs_mode"] = mode


_READERS: dict[str, Callable[[_Reading, str, str], None]] = {
    "type": _read_type,
    "source": _keep("source"),
    "target": _keep("target"),
    "readonly": _boolean("read_only"),
    "consistency": _keep("consistency", _consistency),
    "bind-propagation": _keep("propagation", str.lower),
    "bind-recursive": _read_recursive,
    "bind-create-src": _boolean("create_missing"),
    "volume-nocopy": _boolean("no_copy"),
    "volume-subpath": _keep("subpath"),
    "volume-driver": _keep("driver"),
    "volume-opt": _read_pair("driver_options"),
    "volume-label": _read_pair("labels"),
    "tmpfs-size": _read_size,
    "tmpfs-mode": _read_mode,
}


def _written_options(mount: Mount) -> list[str]:
    worded = {
        "consistency": mount.consistency,
        "bind-propagation": mount.propagation,
        "bind-recursive": mount.recursive,
        "bind-create-src": "true" if mount.create_missing else "",
        "volume-nocopy": "true" if mount.no_copy else "",
        "volume-subpath": mount.subpath,
        "volume-driver": mount.driver,
        "tmpfs-size": "" if mount.tmpfs_size is None else format_size(mount.tmpfs_size),
        "tmpfs-mode": "" if mount.tmpfs_mode is None else f"{mount.tmpfs_mode:04o}",
    }
    found = [f"{key}={value}" for key, value in worded.items() if value]
    return found + _written_pairs("volume-opt", mount.driver_options) + _written_pairs("volume-label", mount.labels)


def _written_pairs(key: str, pairs: Pairs) -> list[str]:
    return [f"{key}={name}={value}" for name, value in pairs]
