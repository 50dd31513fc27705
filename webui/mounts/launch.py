"""A whole launch: an image, its mounts, and what else a container is started with.

Follows https://docs.docker.com/reference/cli/docker/container/run/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webui.mounts.checks import check_all
from webui.mounts.model import Mount, Pairs
from webui.mounts.ports import PortMapping, port_problem
from webui.mounts.words import has_control_characters, shown

MAX_REPLICAS = 100
_CONTAINER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_MAX_NAME = 253
_NETWORK = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*|container:[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_RESTART = re.compile(r"no|always|unless-stopped|on-failure(:(0|[1-9][0-9]{0,4}))?")

_DOMAIN = (
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:{_DOMAIN}(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*"
    r"(?::[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
)


@dataclass(frozen=True, slots=True)
class Launch:
    """What a person wants started.

    An empty `name` leaves it to Docker, an empty `command` to the image, an empty `network` is the engine's default.
    With several `replicas` the containers are called name-1, name-2 … and share the mounts. `start` off only creates.
    """

    image: str
    name: str = ""
    command: tuple[str, ...] = ()
    environment: Pairs = ()
    ports: tuple[PortMapping, ...] = ()
    network: str = ""
    restart: str = "no"
    replicas: int = 1
    start: bool = True
    mounts: tuple[Mount, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each container, empty where Docker is to choose."""
        count = min(self.replicas, MAX_REPLICAS)
        if count == 1 or not self.name:
            return (self.name,) * count
        return tuple(f"{self.name}-{number}" for number in range(1, count + 1))

    def to_json(self) -> dict[str, Any]:
        """Every field by name, as `POST /e/E/containers` takes them: `env` is an object, `mounts` as in `Mount`."""
        return {
            "image": self.image,
            "name": self.name,
            "command": list(self.command),
            "env": dict(self.environment),
            "ports": [port.to_json() for port in self.ports],
            "network": self.network,
            "restart": self.restart,
            "replicas": self.replicas,
            "start": self.start,
            "mounts": [mount.to_json() for mount in self.mounts],
        }


def check_launch(launch: Launch) -> dict[str, str]:
    """What is wrong with a launch: a sentence for each field, mounts as in `check_all`. Empty: nothing."""
    found: dict[str, str] = {}
    for field, sentence in _problems(launch):
        found.setdefault(field, sentence)
    return found | check_all(launch.mounts)


def launch_warnings(launch: Launch) -> tuple[str, ...]:
    """What comes out differently than one may expect, one sentence each; it goes on all the same."""
    return (*_ports_without_effect(launch), *_labels_not_set(launch))


def image_problem(image: str) -> str:
    """Why this can't be the name of an image, in a sentence. Empty where it can."""
    if not image:
        return "Choose an image to start from, like debian:stable-slim."
    if len(image) <= 512 and _IMAGE.fullmatch(image):
        return ""
    if _IMAGE.fullmatch(image.lower()):
        return f"{shown(image)} has upper-case letters. An image's name is all in lower case."
    return f"{shown(image)} is no name of an image. It looks like name, name:tag or registry.example/name:tag."


def container_name_problem(name: str) -> str:
    """Why the engine would refuse a container of this name, in a sentence. Empty where it would take it."""
    if _CONTAINER_NAME.fullmatch(name):
        return "" if len(name) <= _MAX_NAME else f"The name is too long: {_MAX_NAME} characters is the most."
    if len(name) == 1:
        return f"{shown(name)} is too short: a container's name has at least two characters."
    return f"{shown(name)} is no name for a container. Use a to z, A to Z, 0 to 9, and . _ - after the first."


def _ports_without_effect(launch: Launch) -> Iterator[str]:
    if launch.ports and launch.network in {"host", "none"}:
        yield f"With the network “{launch.network}” no ports are published: those given have no effect."


def _labels_not_set(launch: Launch) -> Iterator[str]:
    """Follows https://docs.docker.com/engine/storage/bind-mounts/#configure-the-selinux-label."""
    for mount in launch.mounts:
        if mount.selinux:
            yield (
                f"The SELinux label {mount.selinux} of {shown(mount.target)} is not set: mounts in the Engine API have "
                "none. Where the machine uses SELinux, run the docker command with -v instead."
            )


def _problems(launch: Launch) -> Iterator[tuple[str, str]]:
    if problem := image_problem(launch.image):
        yield "image", problem
    if launch.name and (problem := container_name_problem(launch.names[-1] if launch.names else launch.name)):
        yield "name", problem
    if any("\0" in word or not _is_text(word) for word in launch.command):
        yield "command", "The command holds a NUL or a broken character. Type it again, without."
    if not _RESTART.fullmatch(launch.restart):
        yield (
            "restart",
            f"{shown(launch.restart)} is no restart policy. Use no, always, unless-stopped, on-failure or on-failure:3.",
        )
    if launch.network and not _NETWORK.fullmatch(launch.network):
        yield "network", f"{shown(launch.network)} is no name of a network."
    if not 1 <= launch.replicas <= MAX_REPLICAS:
        yield "replicas", f"The number of containers must lie between 1 and {MAX_REPLICAS}."
    yield from _environment_problems(launch.environment)
    yield from _port_problems(launch)


def _environment_problems(environment: Pairs) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for place, (name, value) in enumerate(environment):
        field = f"environment.{place}"
        if not name:
            yield field, "The variable has no name. Write it like NAME=value."
        elif "=" in name or any(letter.isspace() for letter in name) or has_control_characters(name):
            yield field, f"{shown(name)} is no name for a variable. Leave out spaces and equals signs."
        elif name in seen:
            yield field, f"The variable {shown(name)} is set twice. Keep one of them."
        if "\0" in value or not _is_text(value):
            yield field, f"The value of {shown(name)} holds a NUL or a broken character. Type it again, without."
        seen.add(name)


def _port_problems(launch: Launch) -> Iterator[tuple[str, str]]:
    taken: set[PortMapping] = set()
    addresses: dict[tuple[int, str], set[str]] = {}
    for place, port in enumerate(launch.ports):
        if problem := port_problem(port):
            yield f"ports.{place}", problem
        if port in taken:
            yield (
                f"ports.{place}",
                f"Port {port.host_port or port.container_port} is published twice. Keep one of them.",
            )
        elif _clashes(port, addresses):
            yield (
                f"ports.{place}",
                f"Port {port.host_port} of the machine is already taken by another row. Choose another one.",
            )
        if port.host_port is not None and launch.replicas > 1:
            yield (
                f"ports.{place}",
                (
                    f"{launch.replicas} containers can't all have port {port.host_port}. Leave the machine's port empty, and Docker gives each its own."
                ),
            )
        taken.add(port)
        if port.host_port is not None:
            addresses.setdefault((port.host_port, port.protocol), set()).add(port.host_ip)


def _clashes(port: PortMapping, addresses: Mapping[tuple[int, str], set[str]]) -> bool:
    """Whether another row has the machine's port already, at the same address or at all of them."""
    if port.host_port is None:
        return False
    held = addresses.get((port.host_port, port.protocol), set())
    return bool(held) and (not port.host_ip or bool(held & {port.host_ip, ""}))


def _is_text(text: str) -> bool:
    return not any(0xD800 <= ord(letter) < 0xE000 for letter in text)
