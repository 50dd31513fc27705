"""What the rest of the app sees of an engine: frozen dataclasses, Docker's own terms, no docker-py objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

ROLE_LABEL = "io.demijohn.role"
"""Marks everything that Demijohn makes for itself; such containers are not shown among a person's own."""
JOB_LABEL = "io.demijohn.job"
"""Says which job has made a volume, so that undoing the job removes no other of the same name."""


class VolumeKind(StrEnum):
    """Where a volume's data lives, read off its driver and options."""

    LOCAL = "local"
    NFS = "nfs"
    CIFS = "cifs"
    TMPFS = "tmpfs"
    BIND = "bind"
    S3 = "s3"
    CRYPT = "crypt"
    PLUGIN = "plugin"


@dataclass(frozen=True, slots=True)
class VolumeUse:
    """A container that holds a volume, running or stopped, and where it mounts it."""

    id: str
    name: str
    state: str
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class VolumeSize:
    """Bytes a volume takes, and when that was measured (aware, UTC)."""

    bytes: int
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume as `docker volume inspect` knows it, with the containers that hold it.

    `options` are as the engine has them, secrets included: mask them before they are shown
    (`webui.engine.secrets`). `created` is not a reliable age: mounting may change it.
    """

    name: str
    driver: str
    kind: VolumeKind
    options: Mapping[str, str]
    labels: Mapping[str, str]
    created: datetime | None
    mountpoint: str
    scope: str
    anonymous: bool
    used_by: tuple[VolumeUse, ...] = ()
    size: VolumeSize | None = None
    status: Mapping[str, Any] = field(default_factory=dict)

    @property
    def project(self) -> str:
        """The Compose project that made the volume, or an empty string."""
        return self.labels.get("com.docker.compose.project", "")


@dataclass(frozen=True, slots=True)
class ContainerMount:
    """One mount of an existing container. `name` is the volume's, empty for binds and tmpfs."""

    type: str
    name: str
    source: str
    target: str
    read_only: bool
    driver: str = ""
    propagation: str = ""


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A port of a container; `host_port` is None where it is exposed and not published."""

    container_port: int
    protocol: str
    host_port: int | None = None
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """A container as `docker ps --all` knows it."""

    id: str
    name: str
    image: str
    command: str
    state: str
    status: str
    created: datetime | None
    mounts: tuple[ContainerMount, ...]
    ports: tuple[PublishedPort, ...]
    networks: tuple[str, ...]
    labels: Mapping[str, str]

    @property
    def project(self) -> str:
        """The Compose project that made the container, or an empty string."""
        return self.labels.get("com.docker.compose.project", "")

    @property
    def running(self) -> bool:
        """Whether a process of it is alive, paused ones included."""
        return self.state in {"running", "paused", "restarting"}


@dataclass(frozen=True, slots=True)
class ContainerDetail:
    """What `docker inspect` adds to a container."""

    container: Container
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    restart: str
    exit_code: int | None
    error: str
    started_at: datetime | None
    finished_at: datetime | None
    anonymous_volumes: tuple[str, ...]
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Image:
    """A local image. `size` is in bytes; `used_by` are the names of the containers made from it."""

    id: str
    tags: tuple[str, ...]
    size: int
    created: datetime | None
    used_by: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its first tag, or its short id where it has none."""
        return self.tags[0] if self.tags else self.id.removeprefix("sha256:")[:12]


@dataclass(frozen=True, slots=True)
class ImageDetail:
    """What an image brings along for a container: declared volumes, environment, and its start command."""

    image: Image
    volumes: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    exposed_ports: tuple[str, ...]
    argv: tuple[str, ...]
    working_directory: str


@dataclass(frozen=True, slots=True)
class Network:
    """A network a container can join."""

    name: str
    driver: str


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What is known of an engine that answered once.

    `identity` stays the same as long as it is the same engine; `local` is whether its host's folders are this
    machine's; `volume_drivers` are those it can make volumes with.
    """

    identity: str
    hostname: str
    product: str
    version: str
    api_version: tuple[int, int]
    operating_system: str
    data_folder: str
    local: bool
    rootless: bool
    swarm: bool
    volume_drivers: tuple[str, ...]
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """An engine one can choose: its name in URLs, where it listens, and who said so.

    `source` is one of option, environment, context, socket, private. `data_folder` and `start_hint` are filled for a
    private one only.
    """

    name: str
    url: str
    source: str
    description: str
    data_folder: str = ""
    start_hint: str = ""

    @property
    def private(self) -> bool:
        """Whether the app started this engine itself and will stop it."""
        return self.source == "private"


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """Something changed: which noun (volume, container, image, network, engine), what happened, to whom."""

    noun: str
    action: str
    subject: str
    at: datetime
