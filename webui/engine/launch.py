"""Launching containers with mounts: all that were asked for, or none and nothing left behind.

Follows https://docs.docker.com/reference/cli/docker/container/run/. Mounts go to the engine as `Mount` objects only.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker.types

from webui.engine.connection import Engine
from webui.engine.containers import inspect_container
from webui.engine.errors import translated
from webui.engine.images import image_detail
from webui.engine.model import Container
from webui.engine.volumes import inspect_volume
from webui.errors import ConflictError, DemijohnError, EngineError, InvalidInputError, NotFoundError
from webui.mounts import Launch, Mount, MountType, PortMapping, api_object

_log = logging.getLogger(__name__)
_PORT_TAKEN = re.compile(r"port is already allocated|address already in use", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Launched:
    """The containers that were made, and what the engine or the app had to remark."""

    containers: tuple[Container, ...]
    warnings: tuple[str, ...]


def launch(engine: Engine, wanted: Launch, taken_ports: Iterable[tuple[str, PortMapping]] = ()) -> Launched:
    """Create the containers, and start them unless told otherwise: `docker run --detach`.

    `taken_ports` are the ports that other containers publish, with their names. When one can't be created, those made
    before it and the volumes made on the way are removed again. When one can't be started, the same happens
    unless another one runs already: then that one stays, and a warning says what is missing.

    Raises InvalidInputError (fields as in the HTTP contract), ConflictError, EngineError, EngineUnreachableError.
    """
    _check_image(engine, wanted.image)
    with engine.writing:
        _check_names(engine, wanted)
        _check_ports(engine, wanted, taken_ports)
        new_volumes = tuple(name for name in _volume_names(wanted.mounts) if not _volume_exists(engine, name))
        made = _Made(engine, new_volumes)
        try:
            _make_host_folders(engine, wanted.mounts)
            for name in replica_names(wanted):
                made.create(wanted, name)
            if wanted.start:
                made.start()
        except BaseException:
            made.undo()
            raise
    containers = tuple(inspect_container(engine, identifier).container for identifier in made.identifiers)
    return Launched(containers, tuple(dict.fromkeys(made.warnings)))


def replica_names(wanted: Launch) -> tuple[str, ...]:
    """The name of each container; empty ones are chosen by the engine."""
    if wanted.replicas == 1 or not wanted.name:
        return (wanted.name,) * wanted.replicas
    return tuple(f"{wanted.name}-{number}" for number in range(1, wanted.replicas + 1))


class _Made:
    """What a launch has made so far, and how to take it back."""

    def __init__(self, engine: Engine, new_volumes: tuple[str, ...]) -> None:
        self._engine = engine
        self._new_volumes = new_volumes
        self._running: list[str] = []
        self.identifiers: list[str] = []
        self.warnings: list[str] = []

    def create(self, wanted: Launch, name: str) -> None:
        api = self._engine.api
        try:
            with translated("the new container"):
                answer = api.create_container(
                    image=wanted.image,
                    command=list(wanted.command) or None,
                    name=name or None,
                    environment=[f"{key}={value}" for key, value in wanted.environment],
                    ports=[(port.container_port, port.protocol) for port in wanted.ports],
                    host_config=_host_config(self._engine, wanted),
                )
        except DemijohnError as error:
            raise explained(error, wanted) from error
        self.identifiers.append(answer["Id"])
        self.warnings += [warning for warning in answer.get("Warnings") or () if warning]

    def start(self) -> None:
        for identifier in tuple(self.identifiers):
            try:
                with translated("the new container"):
                    self._engine.api.start(identifier)
            except DemijohnError as error:
                if not self._running:
                    raise _not_started(error) from error
                self._give_up(identifier, error)
            else:
                self._running.append(identifier)

    def undo(self) -> None:
        """Remove what was made, the newest first. What can't be removed is logged; the first error is the one that counts."""
        for identifier in reversed(self.identifiers):
            self._try(
                f"container {identifier[:12]}",
                lambda api, one=identifier: api.remove_container(one, v=True, force=True),
            )
        for volume in self._new_volumes:
            self._try(f"volume {volume}", lambda api, one=volume: api.remove_volume(one))

    def _give_up(self, identifier: str, error: DemijohnError) -> None:
        self.warnings.append(f"One container could not be started and was removed again: {error.message}")
        self.identifiers.remove(identifier)
        self._try(f"container {identifier[:12]}", lambda api: api.remove_container(identifier, v=True))

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
    for place, mount in enumerate(wanted.mounts):
        if mount.source and mount.source in said and ("path" in said or "volume" in said.lower()):
            return InvalidInputError({f"mounts.{place}.source": said}, hint=error.hint)
        if mount.target and mount.target in said and "mount" in said.lower():
            return InvalidInputError({f"mounts.{place}.target": said}, hint=error.hint)
    if wanted.network and wanted.network in said and "network" in said.lower():
        return InvalidInputError({"network": said})
    if _PORT_TAKEN.search(said):
        return ConflictError(said, fields={"ports": said})
    if isinstance(error, ConflictError) and "name" in said.lower():
        return ConflictError(said, fields={"name": said})
    if isinstance(error, NotFoundError):
        return InvalidInputError({"image": said})
    return error


def _not_started(error: DemijohnError) -> DemijohnError:
    """Why a container that could be created could not be started; nothing of it is left."""
    said = error.message
    if _PORT_TAKEN.search(said):
        return ConflictError(said, fields={"ports": said}, hint="Nothing was left behind. Choose another port.")
    if re.search(r"executable file not found|no such file or directory|permission denied", said) and "exec" in said:
        return InvalidInputError(
            {"command": said}, hint="Nothing was left behind. Check the command against what the image has."
        )
    return type(error)(said, hint=error.hint) if isinstance(error, EngineError) else error


def _check_image(engine: Engine, reference: str) -> None:
    try:
        image_detail(engine, reference)
    except NotFoundError as error:
        raise InvalidInputError(
            {"image": f"There is no image {reference} on this engine. Pull it first, or choose one that is there."}
        ) from error


def _check_names(engine: Engine, wanted: Launch) -> None:
    for name in replica_names(wanted):
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


def _check_ports(engine: Engine, wanted: Launch, taken: Iterable[tuple[str, PortMapping]]) -> None:
    """Find taken ports before anything is made; an engine without a network of its own would not even say."""
    held = list(taken)
    for port in wanted.ports:
        if port.host_port is None:
            continue
        for name, other in held:
            if _same_port(port, other):
                raise _port_taken(port, f"container {name}")
        if engine.facts().local and not _can_bind(port):
            raise _port_taken(port, "another program on this machine")


def _same_port(one: PortMapping, other: PortMapping) -> bool:
    everywhere = {"", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound
    same_address = one.host_ip == other.host_ip or bool({one.host_ip, other.host_ip} & everywhere)
    return same_address and (one.host_port, one.protocol) == (other.host_port, other.protocol)


def _can_bind(port: PortMapping) -> bool:
    """Whether this machine's port is free. Ports that this account may not bind count as free: the engine may."""
    kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}.get(port.protocol)
    if kind is None:
        return True
    family = socket.AF_INET6 if ":" in port.host_ip else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.host_ip, port.host_port))
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


def _make_host_folders(engine: Engine, mounts: Sequence[Mount]) -> None:
    """Make the missing folders that the person agreed to, where the engine can't or would make them root's."""
    if not engine.facts().local:
        return
    for place, mount in enumerate(mounts):
        if not mount.create_missing or Path(mount.source).exists():
            continue
        try:
            os.makedirs(mount.source)  # noqa: PTH103 - Path.mkdir gives parents another mode
        except OSError as error:
            raise InvalidInputError(
                {f"mounts.{place}.source": f"The folder {mount.source} could not be made: {error.strerror}."}
            ) from error


def _host_config(engine: Engine, wanted: Launch) -> Any:
    name, _, retries = wanted.restart.partition(":")
    return engine.api.create_host_config(
        mounts=[_mount(engine, mount) for mount in wanted.mounts],
        port_bindings=_bindings(wanted.ports),
        network_mode=wanted.network or None,
        restart_policy={"Name": name, "MaximumRetryCount": int(retries or 0)} if name not in {"", "no"} else None,
    )


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
