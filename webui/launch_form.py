"""The launch form: what was sent, as rows to show again and as a launch to make. Pure.

A page sends text fields, `mounts-0-type`, `mounts-0-source` … for each mount row, repeated `port`, `env_key` and
`env_value`; a script sends the JSON of the HTTP contract. Both become a `LaunchForm`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from webui import forms
from webui.errors import InvalidInputError
from webui.mounts import (
    Launch,
    Mount,
    MountContext,
    PortMapping,
    check_launch,
    mount_from_json,
    parse_paste,
    parse_port,
    print_port,
)

T = TypeVar("T")

ROW_TYPES = ("volume", "bind", "tmpfs", "anonymous")
MOST_MOUNTS = 100
_ROW_FIELD = re.compile(r"mounts-(\d{1,4})-([a-z_]+)")
_FITTING = {
    "volume": frozenset({"source", "no_copy", "subpath"}),
    "anonymous": frozenset({"no_copy"}),
    "bind": frozenset({"source", "propagation", "create_missing"}),
    "tmpfs": frozenset({"tmpfs_size", "tmpfs_mode"}),
}
"""What a row of each type shows beside target and read-only; what was typed there for another type does not count."""
_FIELDS = frozenset(
    {"image", "name", "command", "env", "ports", "network", "restart", "replicas", "start", "mounts", "confirm"}
)
_PAGE_FIELDS = frozenset({"port", "env_key", "env_value", "env_text", "paste", "action", "shown", "engine_id"})


@dataclass(frozen=True, slots=True)
class MountRow:
    """A mount as a row of the form has it: text as typed.

    `rest` holds what the row has no field for, so that nothing pasted is lost.
    `new` says that a volume by that name is meant to be made; `confirm` is what was typed to confirm something
    dangerous.
    """

    type: str = "volume"
    source: str = ""
    target: str = ""
    read_only: bool = False
    no_copy: bool = False
    create_missing: bool = False
    subpath: str = ""
    propagation: str = ""
    tmpfs_size: str = ""
    tmpfs_mode: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)
    new: bool = False
    confirm: str = ""

    @property
    def untouched(self) -> bool:
        """Whether nobody has typed into it yet."""
        return not (self.source or self.target)

    @property
    def rest_json(self) -> str:
        """`rest` for a hidden field."""
        return json.dumps(self.rest) if self.rest else ""

    def mount(self, place: int, context: MountContext) -> Mount:
        """The mount it means. Raises InvalidInputError with fields like `mounts.0.target`."""
        said = {**self.rest, "type": self.type, "target": self.target, "read_only": self.read_only}
        said |= {name: getattr(self, name) for name in _FITTING[self.type] if getattr(self, name)}
        return mount_from_json(said, f"mounts.{place}.", context)


@dataclass(frozen=True, slots=True)
class LaunchForm:
    """A launch as it was typed, field by field."""

    image: str = ""
    name: str = ""
    command: str = ""
    network: str = ""
    restart: str = "no"
    replicas: str = "1"
    start: bool = True
    env: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ()
    mounts: tuple[MountRow, ...] = ()
    paste: str = ""
    confirmed: tuple[str, ...] = ()
    """What a script confirms for all mounts at once."""

    def read(self, context: MountContext) -> tuple[Launch, dict[str, str]]:
        """The launch as far as it can be read, and a sentence for each field that is wrong with it."""
        problems: dict[str, str] = {}
        mounts = self._mounts(context, problems)
        launch = Launch(
            image=self.image.strip(),
            name=self.name,
            command=_tried(problems, "command", lambda: _words(self.command)) or (),
            environment=tuple((key, value) for key, value in self.env if key or value),
            ports=self._ports(problems),
            network=self.network,
            restart=self.restart or "no",
            replicas=self._replicas(problems),
            start=self.start,
            mounts=tuple(mount for mount in mounts if mount is not None),
        )
        checked = check_launch(replace(launch, mounts=()) if None in mounts else launch)
        renamed = {re.sub(r"^environment\b", "env", name): sentence for name, sentence in checked.items()}
        return launch, renamed | problems

    def acted(self, action: str, context: MountContext) -> tuple[LaunchForm, tuple[str, ...]]:
        """The form after a button that changes rows, and what of pasted text was not understood."""
        verb, _, rest = action.partition(":")
        place = int(rest) if rest.isascii() and rest.isdigit() and len(rest) < 5 else 0
        if verb == "add-mount":
            return replace(self, mounts=(*self.mounts, MountRow(type=rest if rest in ROW_TYPES else "volume"))), ()
        if verb == "remove-mount":
            return replace(self, mounts=_without(self.mounts, place)), ()
        if verb == "add-env":
            return replace(self, env=(*self.env, ("", ""))), ()
        if verb == "remove-env":
            return replace(self, env=_without(self.env, place)), ()
        if verb == "add-port":
            return replace(self, ports=(*self.ports, "")), ()
        if verb == "remove-port":
            return replace(self, ports=_without(self.ports, place)), ()
        if verb == "paste":
            return self._pasted(context)
        return self, ()

    def with_mount(self, place: int, mount: Mount, *, new: bool = False) -> LaunchForm:
        """The form with one row replaced by another mount."""
        rows = list(self.mounts)
        rows[place] = replace(row_of(mount), new=new)
        return replace(self, mounts=tuple(rows))

    def with_mounts(self, mounts: Iterable[Mount]) -> LaunchForm:
        """The form with rows added for these mounts."""
        return replace(self, mounts=(*self.mounts, *(row_of(mount) for mount in mounts)))

    def without_empty_rows(self) -> LaunchForm:
        """The form without the rows nobody has typed into."""
        return replace(
            self,
            mounts=tuple(row for row in self.mounts if not row.untouched),
            ports=tuple(port for port in self.ports if port.strip()),
            env=tuple(pair for pair in self.env if any(pair)),
        )

    def _mounts(self, context: MountContext, problems: dict[str, str]) -> list[Mount | None]:
        """The mount of each row, None where it can't be read."""
        if len(self.mounts) > MOST_MOUNTS:
            problems["mounts"] = f"{len(self.mounts)} mounts are too many: {MOST_MOUNTS} at most."
        return [
            _tried(problems, f"mounts.{place}", partial(row.mount, place, context))
            for place, row in enumerate(self.mounts)
        ]

    def _ports(self, problems: dict[str, str]) -> tuple[PortMapping, ...]:
        read = [
            _tried(problems, f"ports.{place}", partial(parse_port, text))
            for place, text in enumerate(self.ports)
            if text.strip()
        ]
        return tuple(port for ports in read for port in ports or ())

    def _replicas(self, problems: dict[str, str]) -> int:
        sent = {"replicas": self.replicas}
        read = _tried(problems, "replicas", partial(forms.number, sent, "replicas", default=1))
        return 1 if read is None else read

    def _pasted(self, context: MountContext) -> tuple[LaunchForm, tuple[str, ...]]:
        """What was pasted, put into the fields; raises InvalidInputError at `paste`."""
        try:
            pasted = parse_paste(self.paste, context)
        except InvalidInputError as error:
            raise InvalidInputError({"paste": error.message}) from error
        kept = tuple(row for row in self.mounts if not row.untouched)
        rows = tuple(row_of(mount) for mount in pasted.mounts)
        if not pasted.launch_fields:
            return replace(self, mounts=kept + rows, paste=""), pasted.not_understood
        whole = Launch(**{"image": self.image, **pasted.launch_fields}, mounts=pasted.mounts)
        return form_of(whole), pasted.not_understood


def page_form(sent: Mapping[str, Any]) -> LaunchForm:
    """The form as a page sent it. Raises InvalidInputError for fields that do not exist."""
    rows: dict[int, dict[str, str]] = {}
    strange: dict[str, str] = {}
    for name in sent:
        found = _ROW_FIELD.fullmatch(name)
        if found:
            rows.setdefault(int(found[1]), {})[found[2]] = forms.text(sent, name, strip=False)
        elif name not in _FIELDS | _PAGE_FIELDS:
            strange[name] = "There is no such field."
    if strange:
        raise InvalidInputError(strange)
    env = tuple(zip(forms.many(sent, "env_key"), forms.many(sent, "env_value"), strict=False))
    return LaunchForm(
        **{name: forms.text(sent, name) for name in ("image", "command", "network", "restart", "replicas", "paste")},
        name=forms.text(sent, "name", strip=False),
        start=forms.flag(sent, "start", default=True),
        env=env + tuple(forms.pasted_entries(forms.text(sent, "env_text"), "env")),
        ports=tuple(forms.many(sent, "port")),
        mounts=tuple(_row(rows[place]) for place in sorted(rows)),
        confirmed=(),
    )


def script_form(sent: Mapping[str, Any], context: MountContext) -> LaunchForm:
    """The form as a script sent it in JSON. Raises InvalidInputError naming every field that can't be read."""
    problems = forms.unknown_fields(sent, set(_FIELDS) | {"engine_id"})
    form = LaunchForm(
        **{
            name: _tried(problems, name, partial(forms.text, sent, name, strip=name != "name")) or ""
            for name in ("image", "name", "network", "restart")
        },
        replicas=_tried(problems, "replicas", lambda: str(forms.number(sent, "replicas", default=1))) or "1",
        command=_tried(problems, "command", lambda: _command_text(sent.get("command"))) or "",
        start=_tried(problems, "start", lambda: forms.flag(sent, "start", default=True)) is not False,
        env=tuple((_tried(problems, "env", lambda: forms.entries(sent, "env")) or {}).items()),
        ports=tuple(_tried(problems, "ports", lambda: _port_texts(sent.get("ports"))) or ()),
        mounts=_script_rows(sent, context, problems),
        confirmed=tuple(_tried(problems, "confirm", lambda: forms.many(sent, "confirm")) or ()),
    )
    if problems:
        problems |= {name: sentence for name, sentence in form.read(context)[1].items() if name not in problems}
        raise InvalidInputError(problems)
    return form


def form_of(launch: Launch) -> LaunchForm:
    """The form that means a launch."""
    return LaunchForm(
        image=launch.image,
        name=launch.name,
        command=shlex.join(launch.command),
        network=launch.network,
        restart=launch.restart,
        replicas=str(launch.replicas),
        start=launch.start,
        env=launch.environment,
        ports=tuple(print_port(port) for port in launch.ports),
        mounts=tuple(row_of(mount) for mount in launch.mounts),
    )


def row_of(mount: Mount) -> MountRow:
    """The row that means a mount."""
    said = mount.to_json()
    kind = "anonymous" if mount.anonymous else mount.type.value
    shown = {name: said.pop(name) for name in _FITTING[kind] & set(said)}
    texts = {name: value if isinstance(value, bool) else str(value) for name, value in shown.items()}
    rest = {name: value for name, value in said.items() if name not in {"type", "source", "target", "read_only"}}
    return MountRow(kind, target=mount.target, read_only=mount.read_only, rest=rest, **texts)  # type: ignore[arg-type]


def unconfirmed(form: LaunchForm, needed: Iterable[tuple[int, str]]) -> dict[str, str]:
    """A sentence for each dangerous mount that nobody has confirmed by typing what it asks for."""
    return {
        f"mounts.{place}.confirm": f"Type {text} to confirm that the container may have it."
        for place, text in needed
        if text not in {form.mounts[place].confirm.strip(), *form.confirmed}
    }


def _row(values: Mapping[str, str]) -> MountRow:
    try:
        rest = json.loads(values.get("rest") or "{}")
    except (ValueError, RecursionError):
        rest = {}
    kind = values.get("type", "volume")
    return MountRow(
        type=kind if kind in ROW_TYPES else "volume",
        source=values.get("source", "").strip(),
        target=values.get("target", ""),
        read_only=values.get("read_only") == "yes",
        no_copy=values.get("no_copy") == "yes",
        create_missing=values.get("create_missing") == "yes",
        subpath=values.get("subpath", "").strip(),
        propagation=values.get("propagation", "").strip(),
        tmpfs_size=values.get("tmpfs_size", "").strip(),
        tmpfs_mode=values.get("tmpfs_mode", "").strip(),
        rest=rest if isinstance(rest, dict) else {},
        new=values.get("new", "") == "yes",
        confirm=values.get("confirm", ""),
    )


def _script_rows(sent: Mapping[str, Any], context: MountContext, problems: dict[str, str]) -> tuple[MountRow, ...]:
    mounts = sent.get("mounts")
    if mounts is None:
        return ()
    if not isinstance(mounts, list):
        problems["mounts"] = (
            "Mounts are a list: of objects with type, source and target, or of strings like data:/data."
        )
        return ()
    return tuple(_script_row(mount, place, context, problems) for place, mount in enumerate(mounts[: MOST_MOUNTS + 1]))


def _script_row(mount: Any, place: int, context: MountContext, problems: dict[str, str]) -> MountRow:
    own = {**mount} if isinstance(mount, Mapping) else mount
    confirm = str(own.pop("confirm", "")) if isinstance(own, dict) else ""
    found = _tried(problems, f"mounts.{place}", lambda: mount_from_json(own, f"mounts.{place}.", context))
    if found is None:
        return MountRow()
    return replace(row_of(found), confirm=confirm, new=True)


def _tried(problems: dict[str, str], name: str, read: Callable[[], T]) -> T | None:
    """What `read` gives; on an error None, with the error's fields noted, those of another name under `name`."""
    try:
        return read()
    except InvalidInputError as error:
        for found, sentence in error.fields.items():
            problems[found if found.startswith(name.partition(".")[0]) and "." in found else name] = sentence
        return None


def _words(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise InvalidInputError({"command": "A quote in the command is not closed."}) from error


def _command_text(command: Any) -> str:
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return shlex.join(command)
    return forms.text({"command": command}, "command")


def _port_texts(ports: Any) -> list[str]:
    """Ports as `-p` writes them, from a list of texts, numbers or objects, or from docker-py's `{"80/tcp": 8080}`."""
    if ports is None:
        return []
    if isinstance(ports, Mapping):
        return [_mapped_port(inside, outside) for inside, outside in ports.items()]
    if not isinstance(ports, list):
        raise InvalidInputError({"ports": "Ports are a list like 8080:80."})
    return [_port_text(port) for port in ports]


def _port_text(port: Any) -> str:
    if isinstance(port, Mapping):
        return print_port(_port_mapping(port))
    if isinstance(port, bool) or not isinstance(port, str | int):
        raise InvalidInputError({"ports": "A port is text like 8080:80, or a number."})
    return str(port)


def _port_mapping(port: Mapping[str, Any]) -> PortMapping:
    if unknown := set(port) - {"container_port", "host_port", "protocol", "host_ip"}:
        raise InvalidInputError({"ports": f"A port has no field {sorted(map(str, unknown))[0]}."})
    inside, outside = port.get("container_port"), port.get("host_port")
    if not all(value is None or type(value) is int for value in (inside, outside)):
        raise InvalidInputError({"ports": "container_port and host_port are whole numbers."})
    return PortMapping(inside or 0, outside, str(port.get("protocol") or "tcp"), str(port.get("host_ip") or ""))


def _mapped_port(inside: str, outside: Any) -> str:
    if outside is None:
        return inside
    if isinstance(outside, list) and len(outside) == 2:
        return f"{outside[0]}:{outside[1]}:{inside}"
    return f"{outside}:{inside}"


def _without(rows: tuple[Any, ...], place: int) -> tuple[Any, ...]:
    return rows[:place] + rows[place + 1 :]
