"""A whole launch as `docker run`, as Compose YAML and as a docker-py script. `paste` reads each of them back.

Several containers: `docker run` gets one line each, Compose `deploy.replicas`, docker-py a loop.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any, Literal

from webui.mounts.launch import Launch
from webui.mounts.model import Mount, MountType
from webui.mounts.ports import PortMapping, print_port
from webui.mounts.printing import compose_entry, compose_escape, docker_py_expression, flag_words
from webui.mounts.yaml_text import dump_yaml

Form = Literal["volume", "mount", "compose", "python"]

UNNAMED_SERVICE = "app"
UNNAMED_REPLICAS = "_app"
"""Keys of a Compose service that stands for a container without a name. The second can't be a container's name: with
several containers the key is all that tells their name."""

_MODE_WORDS = frozenset({"bridge", "default", "host", "none"})


def previews(launch: Launch, existing_volumes: frozenset[str] = frozenset()) -> dict[Form, str]:
    """The launch in all four forms. `existing_volumes` is as in `compose`."""
    return {
        "volume": docker_run(launch, "volume"),
        "mount": docker_run(launch, "mount"),
        "compose": compose(launch, existing_volumes),
        "python": python(launch),
    }


def docker_run(launch: Launch, style: Literal["volume", "mount"] = "volume") -> str:
    """One `docker run` (or `docker create`) line for each container.

    Mounts are written in the style asked for, in the other where that one can't say them.
    """
    return "\n".join(shlex.join(_run_words(launch, name, style)) for name in launch.names)


def compose(launch: Launch, existing_volumes: frozenset[str] = frozenset()) -> str:
    """The launch as a Compose file.

    Each volume stands at the end with its exact `name:`, as Compose would otherwise put the project's name before it.
    Those in `existing_volumes` are `external: true`: Compose then uses them as they are and never removes them.
    """
    service: dict[str, Any] = {"image": compose_escape(launch.image)} | _compose_service(launch)
    volumes = {mount.source: _compose_volume(mount, existing_volumes) for mount in _named(launch.mounts)}
    file: dict[str, Any] = {"services": {_service_key(launch): service}}
    file |= {"volumes": volumes} if volumes else {}
    if _joins_network(launch):
        file["networks"] = {launch.network: {"name": launch.network, "external": True}}
    return _comments(launch, "compose") + dump_yaml(file)


def python(launch: Launch) -> str:
    """The launch as a docker-py script.

    Mounts are `docker.types.Mount` objects; those with an SELinux label stand in `volumes=`, the only place for them.
    """
    call = "client.containers.run" if launch.start else "client.containers.create"
    arguments = _python_arguments(launch)
    lines = [*_python_imports(launch), "", "client = docker.from_env()"]
    if launch.replicas == 1:
        lines += [f"{call}(", *(f"    {argument}," for argument in arguments), ")"]
    else:
        lines.append(f"for number in range(1, {launch.replicas + 1}):")
        lines += [f"    {call}(", *(f"        {argument}," for argument in arguments), "    )"]
    return "\n".join(lines) + "\n"


def left_out(launch: Launch, form: Form) -> tuple[str, ...]:
    """What a form can't say of this launch, a sentence each. It stands as a comment in that preview, or beside it."""
    found = []
    if form == "compose":
        if not launch.start:
            found.append("Compose has no word for “create, don't start”: use docker compose create.")
        if launch.replicas > 1 and launch.name:
            found.append(f"Compose puts its project before the names: project-{launch.name}-1 and so on.")
        if any(mount.anonymous and (mount.driver or mount.driver_options) for mount in launch.mounts):
            found.append("Compose can't give an anonymous volume a driver: name the volume.")
    if form == "volume" and any(mount.create_missing and flag_words(mount, form)[0] == "-v" for mount in launch.mounts):
        found.append("-v makes missing folders without asking.")
    if form in {"volume", "mount"} and any(
        "bind-create-src" in word for mount in launch.mounts for word in flag_words(mount, form)
    ):
        found.append("bind-create-src needs a docker command of version 29 or later.")
    return tuple(found)


def _run_words(launch: Launch, name: str, style: str) -> list[str]:
    words = ["docker", "run", "-d"] if launch.start else ["docker", "create"]
    words += ["--name", name] if name else []
    words += ["--restart", launch.restart] if launch.restart != "no" else []
    words += ["--network", launch.network] if launch.network else []
    for port in launch.ports:
        words += ["-p", print_port(port)]
    for variable, value in launch.environment:
        words += ["-e", f"{variable}={value}"]
    for mount in launch.mounts:
        words += flag_words(mount, style)
    return [*words, launch.image, *launch.command]


def _comments(launch: Launch, form: Form) -> str:
    return "".join(f"# {sentence}\n" for sentence in left_out(launch, form))


def _service_key(launch: Launch) -> str:
    if launch.name:
        return launch.name
    return UNNAMED_SERVICE if launch.replicas == 1 else UNNAMED_REPLICAS


def _compose_service(launch: Launch) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if launch.name and launch.replicas == 1:
        found["container_name"] = launch.name
    if launch.command:
        found["command"] = [compose_escape(word) for word in launch.command]
    if launch.environment:
        found["environment"] = {name: compose_escape(value) for name, value in launch.environment}
    if launch.ports:
        found["ports"] = [print_port(port) for port in launch.ports]
    if launch.network:
        found |= {"networks": [launch.network]} if _joins_network(launch) else {"network_mode": launch.network}
    if launch.restart != "no":
        found["restart"] = launch.restart
    if launch.replicas > 1:
        found["deploy"] = {"replicas": launch.replicas}
    if launch.mounts:
        found["volumes"] = [compose_entry(mount) for mount in launch.mounts]
    return found


def _joins_network(launch: Launch) -> bool:
    return bool(launch.network) and launch.network not in _MODE_WORDS and not launch.network.startswith("container:")


def _named(mounts: Iterable[Mount]) -> list[Mount]:
    return [mount for mount in mounts if mount.type is MountType.VOLUME and mount.source]


def _compose_volume(mount: Mount, existing: frozenset[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": compose_escape(mount.source)}
    if mount.source in existing:
        return found | {"external": True}
    found |= {"driver": compose_escape(mount.driver)} if mount.driver else {}
    for key, pairs in (("driver_opts", mount.driver_options), ("labels", mount.labels)):
        found |= {key: {name: compose_escape(text) for name, text in pairs}} if pairs else {}
    return found


def _python_imports(launch: Launch) -> list[str]:
    shapes = [docker_py_expression(mount) for mount in launch.mounts]
    names = [name for name in ("DriverConfig", "Mount") if any(f"{name}(" in shape for shape in shapes)]
    return ["import docker"] + ([f"from docker.types import {', '.join(names)}"] if names else [])


def _python_arguments(launch: Launch) -> list[str]:
    found = [repr(launch.image)]
    found += [f"command={list(launch.command)!r}"] if launch.command else []
    found += [f"name={_python_name(launch)}"] if launch.name else []
    found += [f"environment={dict(launch.environment)!r}"] if launch.environment else []
    found += [f"ports={_python_ports(launch.ports)!r}"] if launch.ports else []
    if launch.network:
        found.append(f"{'network' if _joins_network(launch) else 'network_mode'}={launch.network!r}")
    found += [f"restart_policy={_python_restart(launch.restart)!r}"] if launch.restart != "no" else []
    labelled = [docker_py_expression(mount) for mount in launch.mounts if mount.selinux]
    others = [docker_py_expression(mount) for mount in launch.mounts if not mount.selinux]
    found += [f"mounts=[{', '.join(others)}]"] if others else []
    found += [f"volumes=[{', '.join(labelled)}]"] if labelled else []
    return found + (["detach=True"] if launch.start else [])


def _python_name(launch: Launch) -> str:
    return repr(launch.name) if launch.replicas == 1 else f'f"{launch.name}-{{number}}"'


def _python_ports(ports: Iterable[PortMapping]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    for port in ports:
        found.setdefault(f"{port.container_port}/{port.protocol}", []).append(_python_binding(port))
    return {key: bindings[0] if len(bindings) == 1 else bindings for key, bindings in found.items()}


def _python_binding(port: PortMapping) -> Any:
    if not port.host_ip:
        return port.host_port
    return (port.host_ip,) if port.host_port is None else (port.host_ip, port.host_port)


def _python_restart(restart: str) -> dict[str, Any]:
    name, colon, count = restart.partition(":")
    return {"Name": name, "MaximumRetryCount": int(count)} if colon else {"Name": name}
