"""Volumes in the engine's words, made the app's own.

Follows https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Volume and
https://docs.docker.com/engine/storage/volumes/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from webui.engine.model import Volume, VolumeKind, VolumeUse
from webui.engine.parsing import listed_name, parse_time

_ANONYMOUS_NAME = re.compile(r"[0-9a-f]{64}")


class ToldVolume(msgspec.Struct, gc=False):
    """A volume as the engine tells it."""

    Name: str
    Driver: str | None = None
    Options: dict[str, str] | None = None
    Labels: dict[str, str] | None = None
    CreatedAt: str | None = None
    Mountpoint: str | None = None
    Scope: str | None = None
    Status: dict[str, Any] | None = None


class ToldVolumes(msgspec.Struct):
    """What the engine answers to `GET /volumes`."""

    Volumes: list[ToldVolume] | None = None


def volume_of(told: ToldVolume, used_by: tuple[VolumeUse, ...]) -> Volume:
    """The volume that was told of, its size unknown."""
    options = told.Options or {}
    labels = told.Labels or {}
    driver = told.Driver or "local"
    return Volume(
        name=told.Name,
        driver=driver,
        kind=_kind(driver, options),
        options=options,
        labels=labels,
        created=parse_time(told.CreatedAt),
        mountpoint=told.Mountpoint or "",
        scope=told.Scope or "",
        anonymous="com.docker.volume.anonymous" in labels or _ANONYMOUS_NAME.fullmatch(told.Name) is not None,
        used_by=used_by,
        status=told.Status or {},
    )


def inspected_volume(attributes: Mapping[str, Any], used_by: tuple[VolumeUse, ...]) -> Volume:
    """The volume in what docker-py made of the engine's answer. Raises msgspec.ValidationError where that is none."""
    return volume_of(msgspec.convert(attributes, ToldVolume), used_by)


def uses_by_volume(containers: Iterable[Mapping[str, Any]]) -> dict[str, tuple[VolumeUse, ...]]:
    """Who holds each volume, by name, in containers as `GET /containers/json` tells them."""
    uses: dict[str, list[VolumeUse]] = {}
    for container in containers:
        for mount in container.get("Mounts") or ():
            volume = mount.get("Name")
            if volume:
                uses.setdefault(volume, []).append(_use(container, mount))
    return {volume: tuple(sorted(found, key=lambda use: use.name)) for volume, found in uses.items()}


def _kind(driver: str, options: Mapping[str, str]) -> VolumeKind:
    """Where the data lives, by driver and options (https://docs.docker.com/engine/storage/volumes/)."""
    storage = options.get("type", "").lower()
    if driver != "local":
        return {"s3": VolumeKind.S3, "crypt": VolumeKind.CRYPT}.get(storage, VolumeKind.PLUGIN)
    flags = options.get("o", "").split(",")
    if "bind" in flags or "rbind" in flags or storage == "bind":
        return VolumeKind.BIND
    if storage.startswith("nfs"):
        return VolumeKind.NFS
    if storage in {"cifs", "smb3", "smbfs"}:
        return VolumeKind.CIFS
    if storage == "tmpfs":
        return VolumeKind.TMPFS
    return VolumeKind.LOCAL


def _use(container: Mapping[str, Any], mount: Mapping[str, Any]) -> VolumeUse:
    return VolumeUse(
        id=container["Id"],
        name=listed_name(container),
        state=container.get("State", ""),
        target=mount.get("Destination", ""),
        read_only=not mount.get("RW", True),
    )
