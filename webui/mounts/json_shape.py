"""Mounts out of JSON, forms, Compose and the Engine API: one reader for all the ways to spell the same fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from webui.errors import InvalidInputError
from webui.mounts.model import Mount, MountContext, MountType, Pairs
from webui.mounts.parse import parse
from webui.mounts.sources import absolute_source
from webui.mounts.words import parse_mode, parse_size, refuse, shown

_YES = frozenset({"true", "1", "on", "yes", "t", "y"})
_NO = frozenset({"false", "0", "off", "no", "f", "n"})

_NAMES = {
    "type": "type",
    **dict.fromkeys(("source", "src"), "source"),
    **dict.fromkeys(("target", "dst", "destination"), "target"),
    **dict.fromkeys(("readonly", "ro"), "read_only"),
    **dict.fromkeys(("nocopy", "volumenocopy"), "no_copy"),
    **dict.fromkeys(("subpath", "volumesubpath"), "subpath"),
    **dict.fromkeys(("propagation", "bindpropagation"), "propagation"),
    **dict.fromkeys(("recursive", "bindrecursive"), "recursive"),
    **dict.fromkeys(("nonrecursive", "bindnonrecursive"), "non_recursive"),
    "readonlynonrecursive": "read_only_non_recursive",
    "readonlyforcerecursive": "read_only_force_recursive",
    **dict.fromkeys(("createmissing", "bindcreatesrc", "createmountpoint", "createhostpath"), "create_missing"),
    "selinux": "selinux",
    "consistency": "consistency",
    **dict.fromkeys(("tmpfssize", "sizebytes", "size"), "tmpfs_size"),
    **dict.fromkeys(("tmpfsmode", "mode"), "tmpfs_mode"),
    **dict.fromkeys(("driver", "volumedriver"), "driver"),
    **dict.fromkeys(("driveroptions", "driveropts", "volumeopt", "volumeopts"), "driver_options"),
    **dict.fromkeys(("labels", "volumelabel", "volumelabels"), "labels"),
}
_NESTED = {
    "bindoptions": "", "bind": "", "volumeoptions": "", "volume": "", "tmpfsoptions": "", "tmpfs": "",
    "driverconfig": "driver",
}  # fmt: skip
_DRIVER_NAMES = {"name": "driver", "options": "driver_options"}
_RECURSION_SWITCHES = {
    "non_recursive": "disabled",
    "read_only_non_recursive": "writable",
    "read_only_force_recursive": "readonly",
}
_MAX_DEPTH = 4


def mount_from_json(obj: object, prefix: str = "", context: MountContext | None = None) -> Mount:
    """The mount that a JSON value means: an object, or a string as `parse` reads it.

    Takes the keys of `Mount.to_json`, of `--mount`, of the Engine API (`Type`, `VolumeOptions` …) and of Compose's
    long form. The type `anonymous` is a volume without a name. Empty values count as not given. A bind's source is
    made absolute with `context`, by default one that knows no folders.
    Raises InvalidInputError whose fields are the mount's names with `prefix` (say `mounts.0.`) before each, one for
    every unknown key and every unreadable value.
    """
    context = context or MountContext()
    try:
        return parse(obj, context) if isinstance(obj, str) else _from_object(obj, context)
    except InvalidInputError as error:
        raise InvalidInputError({prefix + field: text for field, text in error.fields.items()}) from None


def _from_object(obj: object, context: MountContext) -> Mount:
    if not isinstance(obj, Mapping):
        raise refuse("spec", "A mount is an object with type, source and target, or a string like data:/data.")
    problems: dict[str, str] = {}
    values = _read_values(_flatten(obj, problems), problems)
    if problems:
        raise InvalidInputError(problems)
    return _assemble(values, context)


def _flatten(
    obj: Mapping[Any, Any], problems: dict[str, str], names: Mapping[str, str] = _NAMES, depth: int = 0
) -> dict[str, Any]:
    """The values under their names in `Mount`, with the nested objects of the API and of Compose opened."""
    found: dict[str, Any] = {}
    for written, value in obj.items():
        key = re.sub(r"[-_]", "", str(written)).lower()
        if key in _NESTED and isinstance(value, Mapping) and depth < _MAX_DEPTH:
            inner = _flatten(value, problems, _DRIVER_NAMES if _NESTED[key] else _NAMES, depth + 1)
            _merge(found, inner, problems)
        elif key in names:
            _merge(found, {names[key]: value}, problems)
        elif not (key in _NESTED and value is None):
            problems[str(written)[:80]] = (
                f"A mount has no field {shown(str(written))}. Check its spelling or leave it out."
            )
    return found


def _merge(found: dict[str, Any], more: Mapping[str, Any], problems: dict[str, str]) -> None:
    for name, value in more.items():
        if _is_empty(value):
            continue
        if name in found and found[name] != value:
            problems[name] = f"{name} is given twice with different values. Keep one of them."
        found[name] = value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, Mapping, list, tuple)) and not value)


def _read_values(found: Mapping[str, Any], problems: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in found.items():
        try:
            values[name] = _READERS[name](name, value)
        except InvalidInputError as error:
            problems.update(error.fields)
    return values


def _assemble(values: dict[str, Any], context: MountContext) -> Mount:
    kind = values.pop("type", "volume")
    if kind == "anonymous" and values.get("source"):
        raise refuse("source", "An anonymous volume has no name. Leave it empty, or choose a volume.")
    switches = [word for name, word in _RECURSION_SWITCHES.items() if values.pop(name, False)]
    if len(switches) + ("recursive" in values) > 1:
        raise refuse("recursive", "How folders mounted below are treated is given twice. Keep one of them.")
    if switches:
        values["recursive"] = switches[0]
    mount = Mount(
        **{"source": "", "target": "", **values, "type": MountType("volume" if kind == "anonymous" else kind)}
    )
    if mount.type is MountType.BIND:
        return replace(mount, source=absolute_source(mount.source, context))
    return mount


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise refuse(name, f"{name} must be text.")
    return value


def _type(name: str, value: Any) -> str:
    kind = _text(name, value).lower()
    if kind not in {*MountType, "anonymous"}:
        raise refuse(name, f"Mounts of type {shown(kind)} can't be made here. Use volume, bind, tmpfs or anonymous.")
    return kind


def _word(name: str, value: Any) -> str:
    return _text(name, value).lower()


def _consistency(name: str, value: Any) -> str:
    word = _word(name, value)
    return "" if word == "default" else word


def _recursive(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "" if value else "disabled"
    word = _word(name, value)
    return "" if word == "enabled" else word


def _boolean(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower() if isinstance(value, (str, int)) else ""
    if word not in _YES | _NO:
        raise refuse(name, f"{name} must be true or false.")
    return word in _YES


def _size(name: str, value: Any) -> int:
    size = parse_size(value) if isinstance(value, str) else value
    if not isinstance(size, int) or isinstance(size, bool):
        raise refuse(name, "The size must be a number of bytes, or text like 64m or 1g.")
    return size


def _mode(name: str, value: Any) -> int:
    mode = parse_mode(value) if isinstance(value, str) else value
    if not isinstance(mode, int) or isinstance(mode, bool):
        raise refuse(name, "The mode must be octal text, like 1770.")
    return mode


def _pairs(name: str, value: Any) -> Pairs:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, Mapping):
        rows = list(value.items())
    elif isinstance(value, (list, tuple)):
        rows = [_pair(name, row) for row in value]
    else:
        raise refuse(name, f"{name} must be an object of texts, or a list of name=value.")
    if not all(isinstance(key, str) and key and isinstance(text, str) for key, text in rows):
        raise refuse(name, f"{name} must have a name and a text in each row.")
    if len(dict(rows)) < len(rows):
        raise refuse(name, f"{name} has the same name twice. Keep one of them.")
    return tuple(rows)


def _pair(name: str, row: Any) -> tuple[Any, Any]:
    if isinstance(row, str):
        key, _, text = row.partition("=")
        return key, text
    if isinstance(row, (list, tuple)) and len(row) == 2:
        return row[0], row[1]
    raise refuse(name, f"{name} must be an object of texts, or a list of name=value.")


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "type": _type,
    "source": _text,
    "target": _text,
    "read_only": _boolean,
    "no_copy": _boolean,
    "subpath": _text,
    "propagation": _word,
    "recursive": _recursive,
    **dict.fromkeys(_RECURSION_SWITCHES, _boolean),
    "create_missing": _boolean,
    "selinux": _text,
    "consistency": _consistency,
    "tmpfs_size": _size,
    "tmpfs_mode": _mode,
    "driver": _text,
    "driver_options": _pairs,
    "labels": _pairs,
}
