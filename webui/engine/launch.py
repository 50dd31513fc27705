"""Launching containers with mounts: all that were asked for, or none and nothing left behind.

Follows https://docs.docker.com/reference/cli/docker/container/run/. Mounts go to the engine as `Mount` objects only.
"""

from __future__ import annotations

import errno
import logging
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import docker.types

from webui.engine.connection import Engine
from webui.engine.containers import STOP_SECONDS, inspect_container, load_containers
from webui.engine.errors import translated
from webui.engine.images import has_content_at, image_detail, is_empty
from webui.engine.model import Container, PublishedPort
from webui.engine.volumes import inspect_volume, make_volume
from webui.errors import ConflictError, DemijohnError, EngineError, InvalidInputError, NotFoundError
from webui.mounts import Launch, Mount, MountType, PortMapping, api_object

_log = logging.getLogger(__name__)
_PORT_TAKEN = re.compile(r"port is already allocated|address already in use", re.IGNORECASE)
_NO_COMMAND = re.compile(
    r"no command specified|executable file .*not found"
    r"|exec.*(no such file or directory|permission denied|format error)",
    re.IGNORECASE,
)
_ABOUT_MOUNTS = re.compile(r"mount|volume|bind source|invalid option", re.IGNORECASE)
_NOTHING_LEFT = "Nothing was left behind."


@dataclass(frozen=True, slots=True)
class Launched:
    """The containers that were made, and what the engine or the app had to remark."""

    containers: tuple[Container, ...]
    warnings: tuple[str, ...]


def launch(engine: Engine, wanted: Launch) -> Launched:
    """Create the containers, and start them unless told otherwise: `docker run --detach`.

    When one can't be created or started, all that were made before it are removed again, and so are the volumes and
    host folders made on the way.

    Raises InvalidInputError (fields as in the HTTP contract), ConflictError, EngineError, EngineUnreachableError.
    """
    _check_image(engine, wanted.image)
    _check_network(engine, wanted.network)
    with engine.reservations.of(*_reservations(wanted)):
        _check_names(engine, wanted)
        _check_ports(engine, wanted)
        made = _Made(engine, wanted)
        try:
            made.make_host_folders()
            made.make_volumes()
            made.create()
            if wanted.start:
                made.start()
            containers = tuple(inspect_container(engine, identifier).container for identifier in made.identifiers)
        except DemijohnError as error:
            raise made.undone(error) from error
        except BaseException:
            made.undo()
            raise
    return Launched(containers, tuple(dict.fromkeys(made.warnings)))


class _Made:
    """What a launch has made so far, and how to take it back."""

    def __init__(self, engine: Engine, wanted: Launch) -> None:
        self._engine = engine
        self._wanted = wanted
        self._new_volumes: list[str] = []
        self._new_folders: list[Path] = []
        self._started: list[str] = []
        self._kept: list[str] = []
        self.identifiers: list[str] = []
        self.warnings: list[str] = []

    def make_host_folders(self) -> None:
        """Make the missing folders that the person agreed to, where the engine can't or would make them root's."""
        if not self._engine.facts().local:
            return
        for place, mount in enumerate(self._wanted.mounts):
            if mount.create_missing and not Path(mount.source).exists():
                self._make_folder(Path(mount.source), f"mounts.{place}.source")

    def make_volumes(self) -> None:
        """Make the volumes that don't exist yet: the engine would too, and leave some behind when it fails."""
        for place, mount in enumerate(self._wanted.mounts):
            if mount.type is MountType.VOLUME and mount.source and not _volume_exists(self._engine, mount.source):
                self._make_volume(mount, f"mounts.{place}")

    def create(self) -> None:
        for name in self._wanted.names:
            with self._explained():
                answer = self._engine.api.create_container(**_creation(self._engine, self._wanted, name))
            self.identifiers.append(answer["Id"])
            self.warnings += [warning for warning in answer.get("Warnings") or () if warning]

    def start(self) -> None:
        for identifier in self.identifiers:
            # Before the call: one that breaks off may have started it all the same.
            self._started.append(identifier)
            with self._explained():
                self._engine.api.start(identifier)

    def undone(self, error: DemijohnError) -> DemijohnError:
        """The error, after all is undone, with what had to be kept."""
        self.undo()
        if self._kept:
            kept = f"Kept, as something was written to it: volume {', '.join(self._kept)}."
            error.hint = f"{error.hint.removeprefix(_NOTHING_LEFT)} {kept}".strip()
        return error

    def undo(self) -> None:
        """Remove what was made, the newest first; a new volume that somebody has written to is kept.

        What can't be removed is logged; the first error is the one that counts.
        """
        self._stop_started()
        for identifier in reversed(self.identifiers):
            self._try(
                f"container {identifier[:12]}",
                lambda api, one=identifier: api.remove_container(one, v=True, force=True),
            )
        for volume in reversed(self._new_volumes):
            self._try(f"volume {volume}", lambda api, one=volume: self._remove_volume(api, one))
        for folder in reversed(self._new_folders):
            with suppress(OSError):  # something is in it by now
                folder.rmdir()

    def _make_volume(self, mount: Mount, row: str) -> None:
        fields = {"driver": f"{row}.driver", "options": f"{row}.driver_options"}
        try:
            make_volume(
                self._engine,
                mount.source,
                mount.driver or "local",
                dict(mount.driver_options),
                dict(mount.labels),
            )
        except InvalidInputError as error:
            raise InvalidInputError({fields[name]: said for name, said in error.fields.items()}) from error
        self._new_volumes.append(mount.source)

    def _stop_started(self) -> None:
        """Let those that run end by themselves: they may be writing to volumes that were there before."""
        for identifier in self._started:
            # It may have ended already; what else is wrong, the stop below tells.
            with suppress(DemijohnError), translated("the new container"):
                self._engine.api.kill(identifier, signal="SIGTERM")
        for identifier in self._started:
            self._try(f"container {identifier[:12]}", lambda api, one=identifier: api.stop(one, timeout=STOP_SECONDS))

    def _remove_volume(self, api: docker.APIClient, name: str) -> None:
        if self._written_to(api, name):
            self._kept.append(name)
        else:
            api.remove_volume(name)

    def _written_to(self, api: docker.APIClient, name: str) -> bool:
        """Whether more may be in the volume than the engine copied there from the image."""
        mounts = [mount for mount in self._wanted.mounts if mount.source == name]
        image = self._wanted.image
        filled = any(not mount.no_copy and has_content_at(self._engine, image, mount.target) for mount in mounts)
        return (bool(self._started) or not filled) and not is_empty(api, image, name)

    def _make_folder(self, folder: Path, field: str) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            try:
                each.mkdir()
            except FileExistsError:
                continue
            except OSError as error:
                raise InvalidInputError({field: f"The folder {folder} could not be made: {error.strerror}."}) from error
            self._new_folders.append(each)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with translated("the new container"):
                yield
        except DemijohnError as error:
            raise explained(error, self._wanted) from error

    def _try(self, what: str, remove: Any) -> None:
        try:
            with translated(what):
                remove(self._engine.api)
        except NotFoundError:
            return
        except DemijohnError as error:
            _log.warning("%s of a launch that failed is left over: %s", what, error.message)


def explained(error: DemijohnError, wanted: Launch) -> DemijohnError:
    """The engine's refusal, at the field of the launch it is about where that can be told."""
    if not isinstance(error, InvalidInputError | ConflictError | EngineError | NotFoundError):
        return error
    said = error.message
    if _PORT_TAKEN.search(said):
        return ConflictError(said, fields={"ports": said}, hint=f"{_NOTHING_LEFT} Choose another port.")
    if _NO_COMMAND.search(said):
        return InvalidInputError({"command": said}, hint=f"{_NOTHING_LEFT} Name a program that the image has.")
    if field := _mount_at_fault(said, wanted.mounts):
        return InvalidInputError({field: said}, hint=_NOTHING_LEFT)
    if "network" in said.lower() and (not wanted.network or wanted.network.removeprefix("container:") in said):
        return InvalidInputError({"network": said}, hint=_NOTHING_LEFT)
    if isinstance(error, ConflictError) and "name" in said.lower():
        return ConflictError(said, fields={"name": said})
    if isinstance(error, NotFoundError):
        return InvalidInputError({"image": said})
    return error


def _mount_at_fault(said: str, mounts: Sequence[Mount]) -> str:
    """The field of the mount that a message of the engine is about, or an empty string."""
    if not _ABOUT_MOUNTS.search(said):
        return ""
    for place, mount in enumerate(mounts):
        for field in ("driver", "source", "target"):
            value = getattr(mount, field)
            if value and value in said:
                return f"mounts.{place}.{field}"
    return ""


def _reservations(wanted: Launch) -> Iterator[str]:
    yield from (f"container {name}" for name in wanted.names if name)
    yield from (f"volume {name}" for name in _volume_names(wanted.mounts))
    yield from (f"port {port.host_port}" for port in wanted.ports if port.host_port is not None)


def _check_image(engine: Engine, reference: str) -> None:
    try:
        image_detail(engine, reference)
    except NotFoundError as error:
        raise InvalidInputError(
            {"image": f"There is no image {reference} on this engine. Pull it first, or choose one that is there."}
        ) from error


def _check_network(engine: Engine, network: str) -> None:
    """See that the network is there: the engine would tell only when the container starts."""
    kind, _, container = network.partition(":")
    if kind in {"", "default", "none", "host"}:
        return
    try:
        with translated(f"network {network}"):
            if kind == "container" and container:
                engine.api.inspect_container(container)
            else:
                engine.api.inspect_network(network)
    except NotFoundError as error:
        raise InvalidInputError(
            {"network": error.message}, hint="Choose one of the networks of this engine."
        ) from error


def _check_names(engine: Engine, wanted: Launch) -> None:
    for name in wanted.names:
        if not name:
            continue
        try:
            with translated(f"container {name}"):
                holder = engine.api.inspect_container(name)
        except NotFoundError:
            continue
        if holder["Name"].lstrip("/") == name:
            raise ConflictError(
                f"A container named {name} exists already.",
                hint="Remove it first, or choose another name.",
                fields={"name": f"A container named {name} exists already."},
                used_by=({"id": holder["Id"], "name": name, "state": holder["State"]["Status"]},),
            )


def _check_ports(engine: Engine, wanted: Launch) -> None:
    """Find taken ports before anything is made; an engine without a network of its own would not even say."""
    fixed = [port for port in wanted.ports if port.host_port is not None]
    if not fixed:
        return
    held = _held_ports(engine)
    for port in fixed:
        for name, other in held:
            if _same_port(port, other):
                raise _port_taken(port, f"container {name}")
        if engine.facts().local and not all(_can_bind(port, address) for address in _addresses(port)):
            raise _port_taken(port, "another program on this machine")


def _held_ports(engine: Engine) -> list[tuple[str, PublishedPort]]:
    """The ports that running containers ask for, each with its container's name.

    The engine's list leaves out those of containers without a network of their own.
    """
    with translated("the list of containers"):
        running = [each for each in load_containers(engine.api) if each.running]
    asked = {each.id: each.ports for each in running}
    for each in running:
        if set(each.networks) <= {"none", "host"}:
            with suppress(NotFoundError):
                asked[each.id] = inspect_container(engine, each.id).container.ports
    return [(each.name, port) for each in running for port in asked[each.id] if port.host_port is not None]


def _same_port(one: PortMapping, other: PublishedPort) -> bool:
    everywhere = {"", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    same_address = one.host_ip == other.host_ip or bool({one.host_ip, other.host_ip} & everywhere)
    return same_address and (one.host_port, one.protocol) == (other.host_port, other.protocol)


def _addresses(port: PortMapping) -> tuple[str, ...]:
    return (port.host_ip,) if port.host_ip else ("0.0.0.0", "::")  # noqa: S104 - what the engine would bind


def _can_bind(port: PortMapping, address: str) -> bool:
    """Whether this machine's port is free. Ports that this account may not bind count as free: the engine may."""
    kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}.get(port.protocol)
    if kind is None:
        return True
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as probe:
            if ":" in address:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if kind == socket.SOCK_STREAM:  # what is left of connections that ended does not keep a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port.host_port))
    except OSError as error:
        return error.errno != errno.EADDRINUSE
    return True


def _port_taken(port: PortMapping, holder: str) -> ConflictError:
    said = f"Port {port.host_port}/{port.protocol} of the machine is taken by {holder}."
    return ConflictError(said, hint="Choose another port, or leave it to the engine.", fields={"ports": said})


def _volume_names(mounts: Iterable[Mount]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mount.source for mount in mounts if mount.type is MountType.VOLUME and mount.source))


def _volume_exists(engine: Engine, name: str) -> bool:
    try:
        inspect_volume(engine, name)
    except NotFoundError:
        return False
    return True


def _creation(engine: Engine, wanted: Launch, name: str) -> dict[str, Any]:
    """What docker-py makes a container from."""
    policy, _, retries = wanted.restart.partition(":")
    return {
        "image": wanted.image,
        "command": list(wanted.command) or None,
        "name": name or None,
        "environment": [f"{key}={value}" for key, value in wanted.environment],
        "ports": [(port.container_port, port.protocol) for port in wanted.ports],
        "host_config": engine.api.create_host_config(
            mounts=[_mount(engine, mount) for mount in wanted.mounts],
            port_bindings=_bindings(wanted.ports),
            network_mode=wanted.network or None,
            restart_policy={"Name": policy, "MaximumRetryCount": int(retries or 0)}
            if policy not in {"", "no"}
            else None,
        ),
    }


def _mount(engine: Engine, mount: Mount) -> docker.types.Mount:
    """The mount as docker-py's own object, with what its constructor does not know yet."""
    shape = api_object(mount)
    if engine.facts().local and mount.create_missing:
        shape.get("BindOptions", {}).pop("CreateMountpoint", None)
    made = docker.types.Mount(target=mount.target, source=mount.source or None, type=mount.type.value)
    made.update({name: value for name, value in shape.items() if value != {}})
    return made


def _bindings(ports: Iterable[PortMapping]) -> dict[int | str, Any]:
    found: dict[int | str, Any] = {}
    for port in ports:
        where = (port.host_ip, port.host_port) if port.host_ip else port.host_port
        found.setdefault(f"{port.container_port}/{port.protocol}", []).append(where)
    return found
