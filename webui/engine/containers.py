"""Containers of an engine: list, inspect, start, stop, restart, remove, read logs.

Follows https://docs.docker.com/reference/cli/docker/container/ and the container part of the Engine API. How a new one
is made stands in `webui.engine.launch`.
"""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal

import docker
from docker.types.daemon import CancellableStream

from webui.engine.connection import Engine
from webui.engine.errors import translated
from webui.engine.helper import is_own, without_own
from webui.engine.model import Container, ContainerDetail, ContainerMount, PublishedPort
from webui.engine.parsing import listed_name, parse_time, parse_variable
from webui.errors import DemijohnError, NotFoundError
from webui.mounts.words import shown

_log = logging.getLogger(__name__)
_REFERENCE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")

STOP_SECONDS = 10
"""How long a container may take to stop by itself before the engine kills it; Docker's own default."""


def load_containers(api: docker.APIClient) -> tuple[Container, ...]:
    """Every container of a person, running or stopped, in one call; Demijohn's own helpers are left out.

    Raises docker's own errors: call it through `Engine.read`.
    """
    return tuple(_container(found) for found in without_own(api, api.containers(all=True)))


def inspect_container(engine: Engine, reference: str, *, wait: float = 2.0) -> ContainerDetail:
    """One container by its id or name. Raises NotFoundError, also for Demijohn's own helpers.

    What can't be a container's name never reaches the engine, where it could mean another address.
    """
    if not _REFERENCE.fullmatch(reference):
        raise NotFoundError(f"There is no container {shown(reference)}.")
    raw, own = engine.read(f"container:{reference}", lambda api: _inspected(api, reference), wait=wait)
    if own:
        raise NotFoundError(f"There is no container {reference} of yours on this engine.")
    return _detail(raw)


def start_container(engine: Engine, reference: str) -> None:
    """Start a stopped container: `docker start`. Raises NotFoundError, ConflictError, EngineError."""
    with translated(f"container {reference}"):
        engine.api.start(_own_excluded(engine, reference))


def stop_container(engine: Engine, reference: str) -> None:
    """Stop a container, killed after STOP_SECONDS: `docker stop`. Raises NotFoundError, EngineError."""
    with translated(f"container {reference}"):
        engine.api.stop(_own_excluded(engine, reference), timeout=STOP_SECONDS)


def restart_container(engine: Engine, reference: str) -> None:
    """Stop and start a container: `docker restart`. Raises NotFoundError, EngineError."""
    with translated(f"container {reference}"):
        engine.api.restart(_own_excluded(engine, reference), timeout=STOP_SECONDS)


def pause_container(engine: Engine, reference: str) -> None:
    """Have all processes of a container stand still: `docker pause`. Raises NotFoundError, ConflictError, EngineError."""
    with translated(f"container {reference}"):
        engine.api.pause(_own_excluded(engine, reference))


def unpause_container(engine: Engine, reference: str) -> None:
    """Let a container go on that was paused: `docker unpause`; one that is gone, or is not paused, is fine.

    Raises EngineError, EngineUnreachableError.
    """
    with suppress(NotFoundError), translated(f"container {reference}"):
        if (engine.api.inspect_container(reference)["State"] or {}).get("Paused"):
            engine.api.unpause(reference)


def remove_container(
    engine: Engine, reference: str, *, anonymous_volumes: bool = False, stop_first: bool = False
) -> None:
    """Remove a container: `docker rm`, with its anonymous volumes only if asked (`docker rm --volumes`). Never forced.

    Named volumes always stay. Raises NotFoundError, and ConflictError while it runs unless `stop_first`.
    """
    identifier = _own_excluded(engine, reference)
    with translated(f"container {reference}"):
        if stop_first:
            engine.api.stop(identifier, timeout=STOP_SECONDS)
        engine.api.remove_container(identifier, v=anonymous_volumes)


def container_logs(engine: Engine, reference: str, *, tail: int = 500, wait: float = 2.0) -> str:
    """The last `tail` lines a container printed, both streams in order, each with its time: `docker logs -t`.

    Bytes that are not UTF-8 are shown as replacement characters. Raises NotFoundError, and EngineError where the
    container's log driver keeps nothing to read.
    """

    def load(api: docker.APIClient) -> bytes:
        text: bytes = api.logs(reference, stdout=True, stderr=True, timestamps=True, tail=tail)
        return text

    return engine.read(f"logs:{reference}:{tail}", load, wait=wait).decode(errors="replace")


def follow_logs(
    engine: Engine, reference: str, *, tail: int | Literal["all"] = 0, follow: bool = True
) -> CancellableStream[bytes]:
    """What a container prints, as it comes, in chunks of bytes: `docker logs -f`.

    It ends with the container, with the engine, or when it is closed, which may be done from another thread.
    Raises NotFoundError, and EngineError where the container's log driver keeps nothing to read.
    """
    raw = inspect_container(engine, reference).raw
    asked = {"stdout": 1, "stderr": 1, "timestamps": 1, "tail": tail, "follow": int(follow)}
    api: Any = engine.api
    with translated(f"container {reference}"):
        # docker-py's logs() can't be closed, and hands out a terminal's output byte by byte.
        response = api._get(api._url("/containers/{0}/logs", raw["Id"]), params=asked, stream=True)
        api._raise_for_status(response)
        api._disable_socket_timeout(api._get_raw_response_socket(response))
    terminal = raw["Config"].get("Tty")
    chunks = response.iter_content(None) if terminal else api._multiplexed_response_stream_helper(response)
    return CancellableStream(_until_lost(chunks, reference), response)


def _inspected(api: docker.APIClient, reference: str) -> tuple[Mapping[str, Any], bool]:
    raw = api.inspect_container(reference)
    return raw, is_own(api, raw)


def _until_lost(chunks: Iterator[bytes], reference: str) -> Iterator[bytes]:
    try:
        with translated(f"container {reference}"):
            yield from chunks
    except DemijohnError as error:
        _log.info("the log of container %s ended: %s", reference, error.message)


def _own_excluded(engine: Engine, reference: str) -> str:
    return inspect_container(engine, reference).container.id


def _container(found: Mapping[str, Any]) -> Container:
    return Container(
        id=found["Id"],
        name=listed_name(found),
        image=found.get("Image", ""),
        command=found.get("Command") or "",
        state=found.get("State", ""),
        status=found.get("Status", ""),
        created=parse_time(found.get("Created")),
        mounts=_mounts(found),
        ports=_unique_ports(_port(port) for port in found.get("Ports") or ()),
        networks=_networks(found),
        labels=found.get("Labels") or {},
    )


def _detail(raw: Mapping[str, Any]) -> ContainerDetail:
    config, state = raw["Config"], raw["State"]
    return ContainerDetail(
        container=_inspected_container(raw),
        argv=_argv(raw),
        environment=tuple(parse_variable(line) for line in config.get("Env") or ()),
        restart=_restart_in_words((raw.get("HostConfig") or {}).get("RestartPolicy") or {}),
        exit_code=state.get("ExitCode") if state.get("Status") in {"exited", "dead"} else None,
        error=state.get("Error") or "",
        started_at=parse_time(state.get("StartedAt")),
        finished_at=parse_time(state.get("FinishedAt")),
        anonymous_volumes=_anonymous_volumes(raw),
        raw=raw,
    )


def _inspected_container(raw: Mapping[str, Any]) -> Container:
    config, state = raw["Config"], raw["State"]
    return Container(
        id=raw["Id"],
        name=raw["Name"].lstrip("/"),
        image=config.get("Image") or raw.get("Image", ""),
        command=shlex.join(_argv(raw)),
        state=state.get("Status", ""),
        status=_status_in_words(state),
        created=parse_time(raw.get("Created")),
        mounts=_mounts(raw),
        ports=_inspected_ports(raw),
        networks=_networks(raw),
        labels=config.get("Labels") or {},
    )


def _mounts(told: Mapping[str, Any]) -> tuple[ContainerMount, ...]:
    """By their targets: the engine tells them in another order each time."""
    return tuple(sorted(map(_mount, told.get("Mounts") or ()), key=lambda mount: mount.target))


def _argv(raw: Mapping[str, Any]) -> tuple[str, ...]:
    return (raw.get("Path") or "", *(raw.get("Args") or ()))


def _mount(found: Mapping[str, Any]) -> ContainerMount:
    return ContainerMount(
        type=found.get("Type") or "bind",
        name=found.get("Name") or "",
        source=found.get("Source") or "",
        target=found.get("Destination") or "",
        read_only=not found.get("RW", True),
        driver=found.get("Driver") or "",
        propagation=found.get("Propagation") or "",
    )


def _port(found: Mapping[str, Any]) -> PublishedPort:
    return PublishedPort(
        container_port=found["PrivatePort"],
        protocol=found.get("Type", "tcp"),
        host_port=found.get("PublicPort"),
        host_ip=found.get("IP", ""),
    )


def _inspected_ports(raw: Mapping[str, Any]) -> tuple[PublishedPort, ...]:
    """What is bound now; what was asked for where nothing is (a stopped container, a network without ports)."""
    asked = (raw.get("HostConfig") or {}).get("PortBindings") or {}
    bound = (raw.get("NetworkSettings") or {}).get("Ports") or {}
    merged = {**asked, **{port: bindings for port, bindings in bound.items() if bindings}}
    return _unique_ports(_bound(port, binding) for port, bindings in merged.items() for binding in bindings or [{}])


def _bound(port: str, binding: Mapping[str, str]) -> PublishedPort:
    number, _, protocol = port.partition("/")
    host_port = binding.get("HostPort")
    return PublishedPort(
        int(number), protocol or "tcp", int(host_port) if host_port else None, binding.get("HostIp") or ""
    )


def _unique_ports(ports: Iterator[PublishedPort]) -> tuple[PublishedPort, ...]:
    """Without the IPv6 twin that the engine lists beside each port bound to every address."""
    found = tuple(ports)
    ipv4 = [port for port in found if port.host_ip == "0.0.0.0"]  # noqa: S104 - compared, not bound
    everywhere = {(port.container_port, port.protocol, port.host_port) for port in ipv4}
    kept = (
        port
        for port in found
        if port.host_ip != "::" or (port.container_port, port.protocol, port.host_port) not in everywhere
    )
    return tuple(
        sorted(dict.fromkeys(kept), key=lambda port: (port.container_port, port.protocol, port.host_port or 0))
    )


def _networks(found: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted((found.get("NetworkSettings") or {}).get("Networks") or {}))


def _restart_in_words(policy: Mapping[str, Any]) -> str:
    name = policy.get("Name") or "no"
    retries = policy.get("MaximumRetryCount") or 0
    return f"{name}:{retries}" if name == "on-failure" and retries else name


def _status_in_words(state: Mapping[str, Any]) -> str:
    status = state.get("Status", "")
    return f"{status} ({state.get('ExitCode', 0)})" if status in {"exited", "dead"} else status


def _anonymous_volumes(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The volumes `docker rm --volumes` would take along: those that no one named when the container was made."""
    host = raw.get("HostConfig") or {}
    named = {
        mount.get("Source")
        for mount in host.get("Mounts") or ()
        if mount.get("Type") == "volume" and mount.get("Source")
    }
    named |= {bind.partition(":")[0] for bind in host.get("Binds") or ()}
    return tuple(
        mount["Name"]
        for mount in raw.get("Mounts") or ()
        if mount.get("Type") == "volume" and mount.get("Name") and mount["Name"] not in named
    )
