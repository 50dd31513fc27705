"""Pasted Compose YAML: a file, one service, or a `volumes:` list.

Follows https://docs.docker.com/reference/compose-file/services/ and its page on interpolation.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from webui.mounts.draft import Draft, Pasted
from webui.mounts.json_shape import mount_from_json
from webui.mounts.launch_printing import UNNAMED_REPLICAS, UNNAMED_SERVICE
from webui.mounts.model import Mount, MountContext, MountType
from webui.mounts.parse import parse_flag
from webui.mounts.paste_run import add_environment, add_ports
from webui.mounts.words import parse_boolean, refuse, shown
from webui.mounts.yaml_text import load_yaml

_VARIABLE = re.compile(r"\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+?])([^{}]*))?\})")
_SERVICE_SIGNS = frozenset({"image", "build", "command", "container_name", "environment", "ports", "restart"})


@dataclass(frozen=True, slots=True)
class _File:
    """The top level of a Compose file, as far as a service refers to it."""

    volumes: Mapping[str, Any]
    networks: Mapping[str, Any]


def paste_compose(text: str, context: MountContext) -> Pasted:
    """The launch in a Compose file: its first service, the others named. A list is taken for a service's `volumes:`.

    Raises InvalidInputError at `spec` for what is no Compose, and at the field that can't be read.
    """
    draft = Draft()
    content = _interpolate(load_yaml(text), context, draft)
    if isinstance(content, list):
        _read_mounts(content, _File({}, {}), context, draft)
        return draft.finished()
    if not isinstance(content, Mapping):
        raise refuse("spec", "This is no Compose file: it needs services, or a list of volumes.")
    key, service, file = _first_service(content, draft)
    _read_service(key, service, file, context, draft)
    return draft.finished()


def _interpolate(value: Any, context: MountContext, draft: Draft) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _replacement(found, context, draft), value)
    if isinstance(value, list):
        return [_interpolate(item, context, draft) for item in value]
    if isinstance(value, Mapping):
        return {key: _interpolate(item, context, draft) for key, item in value.items()}
    return value


def _replacement(found: re.Match[str], context: MountContext, draft: Draft) -> str:
    if found[1]:
        return "$"
    folder = {"PWD": context.start_folder, "HOME": context.home}.get(found[2] or found[3], "")
    if folder:
        return folder
    draft.notes.append(f"the variable {found[0]}")
    return found[5] if found[4] in {"-", ":-"} else found[0]


def _first_service(content: Mapping[Any, Any], draft: Draft) -> tuple[str, Mapping[Any, Any], _File]:
    if "services" in content:
        services = _mapping(content["services"], "services")
        draft.notes += [f"{key}:" for key in content if key not in {"services", "volumes", "networks"}]
        file = _File(
            _mapping(content.get("volumes") or {}, "volumes"), _mapping(content.get("networks") or {}, "networks")
        )
    elif _is_service(content):
        return UNNAMED_SERVICE, content, _File({}, {})
    else:
        services, file = content, _File({}, {})
    if not services:
        raise refuse("spec", "The Compose file has no services. Add one, or paste its volumes as a list.")
    (key, first), *others = services.items()
    draft.notes += [f"the service {shown(str(name))}" for name, _ in others]
    return str(key), _mapping(first, f"services.{key}"), file


def _is_service(content: Mapping[Any, Any]) -> bool:
    return bool(_SERVICE_SIGNS.intersection(content)) or isinstance(content.get("volumes"), list)


def _read_service(key: str, service: Mapping[Any, Any], file: _File, context: MountContext, draft: Draft) -> None:
    for name, value in service.items():
        if reader := _READERS.get(name):
            reader(draft, value)
        elif name == "networks":
            _read_networks(value, file, draft)
        elif name == "volumes":
            _read_mounts(_list(value, "volumes"), file, context, draft)
        else:
            draft.notes.append(f"{name}:")
    _read_key_as_name(key, draft)


def _read_key_as_name(key: str, draft: Draft) -> None:
    unnamed = key == (UNNAMED_REPLICAS if draft.fields.get("replicas", 1) > 1 else UNNAMED_SERVICE)
    if not unnamed and "image" in draft.fields:
        draft.fields.setdefault("name", key)


def _read_mounts(entries: list[Any], file: _File, context: MountContext, draft: Draft) -> None:
    for entry in entries:
        draft.add_mount(partial(_mount, entry, file, context, draft))


def _mount(entry: Any, file: _File, context: MountContext, draft: Draft) -> Mount:
    mount = _entry_mount(entry, context)
    if mount.type is not MountType.VOLUME or mount.source not in file.volumes:
        return mount
    return _with_file_volume(mount, file.volumes[mount.source], draft)


def _entry_mount(entry: Any, context: MountContext) -> Mount:
    if isinstance(entry, str):
        return parse_flag("-v", entry, context)
    return mount_from_json(_with_numeric_mode(entry), "", context)


def _with_numeric_mode(entry: Any) -> Any:
    """The entry with its tmpfs mode as the number YAML means: octal only with a leading zero."""
    tmpfs = entry.get("tmpfs") if isinstance(entry, Mapping) else None
    if not isinstance(tmpfs, Mapping) or not re.fullmatch(r"[1-9][0-9]{0,9}", str(tmpfs.get("mode"))):
        return entry
    return {**entry, "tmpfs": {**tmpfs, "mode": int(tmpfs["mode"])}}


def _with_file_volume(mount: Mount, settings: Any, draft: Draft) -> Mount:
    settings = _mapping(settings or {}, f"volumes.{mount.source}")
    external = settings.get("external")
    name = settings.get("name") or (external.get("name") if isinstance(external, Mapping) else None)
    if not name and not external:
        draft.notes.append(f"Compose would put its project's name before the volume {shown(mount.source)}")
    draft.notes += [f"volumes.{mount.source}.{key}:" for key in settings if key not in _VOLUME_KEYS]
    made = mount_from_json(
        {
            "driver": settings.get("driver"),
            "driver_options": settings.get("driver_opts"),
            "labels": settings.get("labels"),
        }
    )
    return replace(
        mount,
        source=_text(name or mount.source, "source"),
        driver=made.driver,
        driver_options=made.driver_options,
        labels=made.labels or mount.labels,
    )


_VOLUME_KEYS = frozenset({"name", "external", "driver", "driver_opts", "labels"})


def _read_networks(value: Any, file: _File, draft: Draft) -> None:
    keys = list(value) if isinstance(value, (list, Mapping)) else []
    if not keys:
        return
    first, *others = [_text(key, "network") for key in keys]
    settings = file.networks.get(first)
    name = settings.get("name") if isinstance(settings, Mapping) else None
    draft.fields["network"] = "" if first == "default" and not name else _text(name or first, "network")
    draft.notes += [f"the network {shown(key)}" for key in others]


def _read_text(field: str) -> Callable[[Draft, Any], None]:
    def read(draft: Draft, value: Any) -> None:
        if value is not None:
            draft.fields[field] = _text(value, field)

    return read


def _read_command(draft: Draft, value: Any) -> None:
    if isinstance(value, str):
        draft.fields["command"] = _words(value)
    elif value:
        draft.fields["command"] = tuple(_text(word, "command") for word in _list(value, "command"))


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        raise refuse("command", "A quote in the command is opened and never closed. Close it.") from None


def _read_environment(draft: Draft, value: Any) -> None:
    if isinstance(value, Mapping):
        rows = [name if text is None else f"{name}={_text(text, 'environment')}" for name, text in value.items()]
    else:
        rows = [_text(row, "environment") for row in _list(value or [], "environment")]
    for row in rows:
        add_environment(draft, str(row), f"environment {row}")


def _read_ports(draft: Draft, value: Any) -> None:
    for entry in _list(value or [], "ports"):
        if isinstance(entry, Mapping):
            draft.notes += [
                f"ports.{key}:" for key in entry if key not in {"target", "published", "host_ip", "protocol"}
            ]
            add_ports(draft, _port_text(entry))
        else:
            add_ports(draft, _text(entry, "ports"))


def _port_text(entry: Mapping[Any, Any]) -> str:
    parts = {key: _text(entry.get(key) or "", "ports") for key in ("target", "published", "host_ip", "protocol")}
    address = f"[{parts['host_ip']}]" if ":" in parts["host_ip"] else parts["host_ip"]
    before = f"{address}:{parts['published']}:" if address else (f"{parts['published']}:" if parts["published"] else "")
    return f"{before}{parts['target']}" + (f"/{parts['protocol']}" if parts["protocol"] else "")


def _read_deploy(draft: Draft, value: Any) -> None:
    for key, setting in _mapping(value or {}, "deploy").items():
        if key == "replicas":
            _read_replicas(draft, setting)
        else:
            draft.notes.append(f"deploy.{key}:")


def _read_replicas(draft: Draft, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,6}", value):
        raise refuse("replicas", "The number of containers must be a whole number.")
    draft.fields["replicas"] = int(value)


def _read_tmpfs(draft: Draft, value: Any) -> None:
    for spec in [value] if isinstance(value, str) else _list(value or [], "tmpfs"):
        draft.add_mount(partial(parse_flag, "--tmpfs", _text(spec, "target"), MountContext()))


def _read_restart(draft: Draft, value: Any) -> None:
    text = "no" if value is None else _text(value, "restart")
    draft.fields["restart"] = "no" if parse_boolean(text) is False else text


_READERS: dict[str, Callable[[Draft, Any], None]] = {
    "image": _read_text("image"),
    "container_name": _read_text("name"),
    "command": _read_command,
    "environment": _read_environment,
    "ports": _read_ports,
    "network_mode": _read_text("network"),
    "restart": _read_restart,
    "deploy": _read_deploy,
    "scale": _read_replicas,
    "tmpfs": _read_tmpfs,
}


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise refuse(field, f"The Compose file has something other than text where {field} stands.")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise refuse("spec", f"In the Compose file {what} must be a list.")
    return value


def _mapping(value: Any, what: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise refuse("spec", f"In the Compose file {what} must be a mapping of names.")
    return value
