"""Volumes, containers and images as the HTTP contract shapes them, secrets masked unless asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from webui.engine.model import Container, ContainerDetail, Image, Volume, VolumeSize
from webui.engine.secrets import masked_options, masked_text, masked_variables, masked_words


def volume_json(volume: Volume, *, reveal: bool = False) -> dict[str, Any]:
    """V: a volume with who holds it; `size` is in bytes, or null where nobody has measured it."""
    return {
        "name": volume.name,
        "driver": volume.driver,
        "kind": volume.kind.value,
        "options": dict(volume.options) if reveal else masked_options(volume.options),
        "labels": dict(volume.labels),
        "created": _time(volume.created),
        "mountpoint": masked_text(volume.mountpoint),
        "scope": volume.scope,
        "project": volume.project,
        "anonymous": volume.anonymous,
        "used_by": [asdict(use) for use in volume.used_by],
        "size": _size(volume.size),
    }


def container_json(container: Container) -> dict[str, Any]:
    """C: a container as the list has it."""
    return {
        "id": container.id,
        "name": container.name,
        "image": container.image,
        "command": masked_text(container.command),
        "state": container.state,
        "status": container.status,
        "created": _time(container.created),
        "project": container.project,
        "networks": list(container.networks),
        "labels": dict(container.labels),
        "ports": [asdict(port) for port in container.ports],
        "mounts": [
            {
                "type": mount.type,
                "name": mount.name,
                "source": mount.name or mount.source,
                "target": mount.target,
                "read_only": mount.read_only,
            }
            for mount in container.mounts
        ],
    }


def container_detail_json(detail: ContainerDetail, *, reveal: bool = False) -> dict[str, Any]:
    """C with what inspecting it adds."""
    return {
        **container_json(detail.container),
        "argv": list(detail.argv if reveal else masked_words(detail.argv)),
        "env": dict(detail.environment if reveal else masked_variables(detail.environment)),
        "restart": detail.restart,
        "exit_code": detail.exit_code,
        "error": detail.error,
        "started_at": _time(detail.started_at),
        "finished_at": _time(detail.finished_at),
        "anonymous_volumes": list(detail.anonymous_volumes),
    }


def image_json(image: Image) -> dict[str, Any]:
    """An image as the list has it; `size` is in bytes."""
    return {
        "id": image.id,
        "name": image.name,
        "tags": list(image.tags),
        "size": image.size,
        "created": _time(image.created),
        "used_by": list(image.used_by),
    }


def _size(size: VolumeSize | None) -> Mapping[str, Any] | None:
    return {"bytes": size.bytes, "measured_at": _time(size.measured_at)} if size else None


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
