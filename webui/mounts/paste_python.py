"""Pasted docker-py code, read from its syntax tree and never run.

Follows https://docker-py.readthedocs.io/en/stable/containers.html.
"""

from __future__ import annotations

import ast
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from webui.mounts.draft import Draft, Pasted, merge
from webui.mounts.json_shape import mount_from_json
from webui.mounts.model import MountContext
from webui.mounts.parse import parse_flag
from webui.mounts.paste_run import add_environment, add_ports
from webui.mounts.python_values import NotKnownError, Values, dotted_name, source_of
from webui.mounts.words import refuse

_POSITIONAL = ("image", "command")


@dataclass(frozen=True, slots=True)
class _Loop:
    """A `for number in range(first, last + 1)` around a call."""

    variable: str
    count: int
    starts_at_one: bool


_NO_LOOP = _Loop("", 1, True)


def paste_python(text: str, context: MountContext) -> Pasted:
    """The launch in docker-py code: its `containers.run` or `containers.create`, or else its `Mount` objects.

    Raises InvalidInputError at `spec` for what is no Python or starts nothing, and at the field that can't be read.
    """
    try:
        return _read(ast.parse(text), context)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno else ""
        raise refuse("spec", f"This is not Python that can be read{line}. Check brackets and quotes.") from None


def _read(module: ast.Module, context: MountContext) -> Pasted:
    values = Values(context)
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            values.assign(node.targets[0].id, node.value)
    drafts = [
        _read_call(call, loop, values, context) for call, loop in _calls(module, _NO_LOOP) if _starts_container(call)
    ]
    if drafts:
        return merge(drafts)
    draft = Draft()
    for call, _ in _calls(module, _NO_LOOP):
        if dotted_name(call.func).rpartition(".")[2] == "Mount":
            _read_mounts(draft, [_known(values, call)], context)
    if not draft.mounts:
        raise refuse("spec", "This Python starts no container and makes no Mount. Paste the call of containers.run.")
    return draft.finished()


def _calls(node: ast.AST, loop: _Loop) -> Iterator[tuple[ast.Call, _Loop]]:
    if isinstance(node, ast.For):
        loop = _loop_of(node)
    if isinstance(node, ast.Call):
        yield node, loop
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, loop)


def _loop_of(node: ast.For) -> _Loop:
    call = node.iter
    if not (isinstance(node.target, ast.Name) and isinstance(call, ast.Call) and dotted_name(call.func) == "range"):
        return _NO_LOOP
    bounds = [item.value for item in call.args if isinstance(item, ast.Constant) and isinstance(item.value, int)]
    if len(bounds) != len(call.args) or len(bounds) not in {1, 2}:
        return _NO_LOOP
    first, end = bounds if len(bounds) == 2 else (0, bounds[0])
    return _Loop(node.target.id, end - first, first == 1)


def _starts_container(call: ast.Call) -> bool:
    return dotted_name(call.func).endswith((".containers.run", ".containers.create"))


def _read_call(call: ast.Call, loop: _Loop, values: Values, context: MountContext) -> Draft:
    draft = Draft(fields={"start": dotted_name(call.func).endswith(".run")})
    if loop.variable:
        draft.fields["replicas"] = loop.count
        draft.notes += [] if loop.starts_at_one else ["the loop's own numbers (names count from 1)"]
    for name, node in _arguments(call, draft):
        if name == "name" and loop.variable:
            _read_numbered_name(draft, node, loop, values)
        else:
            _read_argument(draft, name, node, values, context)
    if "image" not in draft.fields:
        raise refuse("image", "The call of containers.run names no image. Add one, like debian:stable-slim.")
    return draft


def _arguments(call: ast.Call, draft: Draft) -> Iterator[tuple[str, ast.expr]]:
    yield from zip(_POSITIONAL, call.args, strict=False)
    draft.notes += [source_of(argument) for argument in call.args[2:]]
    for keyword in call.keywords:
        if keyword.arg is None:
            draft.notes.append(f"**{source_of(keyword.value)}")
        else:
            yield keyword.arg, keyword.value


def _read_numbered_name(draft: Draft, node: ast.expr, loop: _Loop, values: Values) -> None:
    """A name like `f"web-{number}"`, whose part before the number is the name of all."""
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    last = parts[-1] if parts else None
    counted = (
        isinstance(last, ast.FormattedValue) and isinstance(last.value, ast.Name) and last.value.id == loop.variable
    )
    prefix = _try_value(values, ast.JoinedStr(list(parts[:-1]))) if counted else None
    if isinstance(prefix, str) and len(prefix) > 1 and prefix.endswith("-"):
        draft.fields["name"] = prefix[:-1]
    else:
        draft.notes.append(f"name={source_of(node)}")


def _read_argument(draft: Draft, name: str, node: ast.expr, values: Values, context: MountContext) -> None:
    written = f"{name}={source_of(node)}"
    if name in {"mounts", "volumes", "tmpfs"}:
        _MOUNT_READERS[name](draft, _known(values, node), context)
    elif name in _READERS:
        try:
            _READERS[name](draft, values.value(node), written)
        except NotKnownError:
            draft.notes.append(written)
    elif not (name == "detach" and _try_value(values, node) is True):
        draft.notes.append(written)


def _known(values: Values, node: ast.expr) -> Any:
    try:
        return values.value(node)
    except NotKnownError as error:
        raise refuse("mounts", f"The value of {error} can't be read off the code. Write it out.") from None


def _try_value(values: Values, node: ast.expr) -> Any:
    try:
        return values.value(node)
    except NotKnownError:
        return None


def _read_mounts(draft: Draft, value: Any, context: MountContext) -> None:
    if not isinstance(value, (list, tuple)):
        raise refuse("mounts", "mounts= must be a list of Mount objects.")
    for item in value:
        draft.add_mount(partial(mount_from_json, item, "", context))


def _read_volumes(draft: Draft, value: Any, context: MountContext) -> None:
    """`volumes=` of docker-py: a list of `-v` strings, or a dict of sources with `bind` and `mode`."""
    if isinstance(value, Mapping):
        specs = [_volume_spec(source, place) for source, place in value.items()]
    elif isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        specs = list(value)
    else:
        raise refuse("mounts", "volumes= must be a list of texts, or a dict with bind and mode.")
    for spec in specs:
        draft.add_mount(partial(parse_flag, "-v", spec, context))


def _volume_spec(source: Any, place: Any) -> str:
    place = {"bind": place} if isinstance(place, str) else place
    if not (isinstance(source, str) and isinstance(place, Mapping) and isinstance(place.get("bind"), str)):
        raise refuse("mounts", 'volumes= must look like {"data": {"bind": "/data", "mode": "ro"}}.')
    return ":".join([source, place["bind"], *([str(place["mode"])] if place.get("mode") else [])])


def _read_tmpfs(draft: Draft, value: Any, _context: MountContext) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for pair in value.items() for item in pair):
        raise refuse("mounts", 'tmpfs= must look like {"/run": "size=64m"}.')
    for target, options in value.items():
        draft.add_mount(partial(parse_flag, "--tmpfs", f"{target}:{options}" if options else target, MountContext()))


_MOUNT_READERS: dict[str, Callable[[Draft, Any, MountContext], None]] = {
    "mounts": _read_mounts,
    "volumes": _read_volumes,
    "tmpfs": _read_tmpfs,
}


def _read_text(field: str) -> Callable[[Draft, Any, str], None]:
    def read(draft: Draft, value: Any, written: str) -> None:
        if isinstance(value, str):
            draft.fields[field] = value
        elif value is not None:
            draft.notes.append(written)

    return read


def _read_command(draft: Draft, value: Any, written: str) -> None:
    try:
        words = shlex.split(value) if isinstance(value, str) else value
    except ValueError:
        raise refuse("command", "A quote in the command is opened and never closed. Close it.") from None
    if isinstance(words, (list, tuple)) and all(isinstance(word, str) for word in words):
        draft.fields["command"] = tuple(words)
    elif words is not None:
        draft.notes.append(written)


def _read_environment(draft: Draft, value: Any, written: str) -> None:
    if isinstance(value, Mapping):
        rows = [str(name) if text is None else f"{name}={text}" for name, text in value.items()]
    elif isinstance(value, (list, tuple)):
        rows = [str(row) for row in value]
    else:
        draft.notes.append(written)
        return
    for row in rows:
        add_environment(draft, row, f"environment {row}")


def _read_ports(draft: Draft, value: Any, written: str) -> None:
    if not isinstance(value, Mapping):
        draft.notes.append(written)
        return
    for container, bindings in value.items():
        for binding in bindings if isinstance(bindings, list) else [bindings]:
            add_ports(draft, f"{_host_part(binding)}{container}")


def _host_part(binding: Any) -> str:
    """What stands before the container's port in `-p`: docker-py gives a port, an (address, port), or None."""
    if binding is None:
        return ""
    if isinstance(binding, (int, str)):
        return f"{binding}:"
    if isinstance(binding, tuple) and 1 <= len(binding) <= 2:
        address = f"[{binding[0]}]" if ":" in str(binding[0]) else str(binding[0])
        return f"{address}:{binding[1] if len(binding) == 2 and binding[1] is not None else ''}:"
    raise refuse("ports", "A port must be a number, a pair of address and number, or None.")


def _read_restart(draft: Draft, value: Any, written: str) -> None:
    name = value.get("Name") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(name, str) or set(value) - {"Name", "MaximumRetryCount"}:
        draft.notes.append(written)
        return
    count = value.get("MaximumRetryCount")
    draft.fields["restart"] = (name or "no") + ("" if count is None else f":{count}")


_READERS: dict[str, Callable[[Draft, Any, str], None]] = {
    "image": _read_text("image"),
    "command": _read_command,
    "name": _read_text("name"),
    "environment": _read_environment,
    "ports": _read_ports,
    "network": _read_text("network"),
    "network_mode": _read_text("network"),
    "restart_policy": _read_restart,
}
