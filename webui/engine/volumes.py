"""Volumes of an engine: list, inspect, create, delete, measure.

Follows https://docs.docker.com/reference/cli/docker/volume/ and the volume part of the Engine API.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import docker
import msgspec

from webui.engine.connection import Engine
from webui.engine.containers import parse_time
from webui.engine.errors import translated
from webui.engine.helper import is_own, without_own
from webui.engine.model import ROLE_LABEL, Container, Volume, VolumeKind, VolumeSize, VolumeUse
from webui.engine.secrets import masked_options, masked_text, masked_volume
from webui.errors import ConflictError, InvalidInputError, NotFoundError
from webui.mounts.words import shown

T = TypeVar("T")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")
_ANONYMOUS_NAME = re.compile(r"[0-9a-f]{64}")
_PIECE_BYTES = 1024 * 1024


class _Told(msgspec.Struct, gc=False):
    """A volume in the engine's words (https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Volume)."""

    Name: str
    Driver: str | None = None
    Options: dict[str, str] | None = None
    Labels: dict[str, str] | None = None
    CreatedAt: str | None = None
    Mountpoint: str | None = None
    Scope: str | None = None
    Status: dict[str, Any] | None = None


class _ToldVolumes(msgspec.Struct):
    Volumes: list[_Told] | None = None


_Known = tuple[_Told, Volume]
"""What the engine told of a volume, and the volume made of it."""
_read_volumes = msgspec.json.Decoder(_ToldVolumes).decode


class VolumeLoader:
    """Loads every volume of one engine with the containers that hold it, sizes unknown: two calls, however many there are.

    A volume of which the engine tells the same as the last time is the same object, and where nothing at all changed, so is the
    tuple: to make ten thousand anew takes longer than to see that they are as they were.
    """

    def __init__(self) -> None:
        self._last: tuple[Mapping[str, _Known], tuple[Volume, ...]] = ({}, ())

    def __call__(self, api: docker.APIClient) -> tuple[Volume, ...]:
        """Raises docker's own errors: call it through `Engine.read`."""
        containers = _beside(lambda: api.containers(all=True))
        told = _ask_for_volumes(api)
        uses = _uses_by_volume(without_own(api, containers.result()))
        before, volumes = self._last
        now, changed = _updated(before, told, uses)
        if changed:
            volumes = tuple(volume for _, volume in now.values())
            self._last = now, volumes
        return volumes


def inspect_volume(engine: Engine, name: str, *, wait: float = 2.0) -> Volume:
    """One volume by its exact name. Raises NotFoundError."""
    return inspect_raw(engine, name, wait=wait)[0]


def inspect_raw(
    engine: Engine, name: str, *, reveal: bool = False, wait: float = 2.0
) -> tuple[Volume, Mapping[str, Any]]:
    """One volume, and what `docker volume inspect` prints of it, its secrets masked unless `reveal`. Raises NotFoundError.

    What can't be a volume's name never reaches the engine, where it could mean another address.
    """
    if not _NAME.fullmatch(name):
        raise NotFoundError(f"There is no volume {shown(name)}.")
    attributes, holders = engine.read(
        f"volume:{name}", lambda api: (api.inspect_volume(name), _holders(api, name)), wait=wait
    )
    uses = _uses_by_volume(holders).get(name, ())
    raw = attributes if reveal else masked_volume(attributes)
    return _volume_of(attributes, uses), raw


def create_volume(
    engine: Engine,
    name: str,
    *,
    driver: str = "local",
    options: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    wait: float = 2.0,
) -> Volume:
    """Make a volume that does not exist yet: `docker volume create`.

    Docker answers a second creation with the volume that is already there and drops the new options; here that is a ConflictError.
    Raises InvalidInputError for options or a driver the engine refuses, in the engine's words.
    """
    with engine.reservations.of(f"volume {name}"):
        _refuse_existing(engine, name, wait)
        return make_volume(engine, name, driver, options or {}, labels or {})


def make_volume(
    engine: Engine, name: str, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
) -> Volume:
    """Make a volume of which the caller knows that there is none yet, and has reserved the name.

    Raises InvalidInputError at driver or options, in the engine's words.
    """
    try:
        with translated(f"volume {name}"):
            attributes = engine.api.create_volume(
                name=name, driver=driver, driver_opts=dict(options), labels=dict(labels)
            )
    except NotFoundError as error:
        raise InvalidInputError({"driver": f"The engine has no volume driver “{driver}”. {error.message}"}) from error
    except InvalidInputError as error:
        raise InvalidInputError({"options": f"The driver refused: {error.message}"}) from error
    return _volume_of(attributes, ())


def delete_volume(engine: Engine, name: str, *, seen: str = "", wait: float = 2.0) -> None:
    """Delete a volume and all that is in it: `docker volume rm`, never forced.

    `seen` is the time it was created at (as `seen_mark` has it) when the person was asked; empty: not asked.
    Raises NotFoundError, and ConflictError naming the containers that hold it, running or stopped, or because it is not what the
    person saw: another volume of that name, or one that was written to since.
    """
    volume = inspect_volume(engine, name, wait=wait)
    if volume.used_by:
        raise in_use(name, volume.used_by)
    if seen and seen != seen_mark(volume):
        raise ConflictError(
            f"Volume {name} is not as it was when you were asked: it was made anew or written to since.",
            hint="Look at it again, and delete it if it still is the one you mean.",
        )
    try:
        _remove(engine, name)
    except ConflictError as error:
        holders = inspect_volume(engine, name, wait=wait).used_by
        if holders:
            raise in_use(name, holders) from error
        _remove_helpers(engine, name)
        _remove(engine, name)


def seen_mark(volume: Volume) -> str:
    """What tells a volume from another of the same name: the engine moves the time of creation when a volume is written to."""
    return volume.created.isoformat() if volume.created else "unknown"


def in_use(name: str, uses: Sequence[VolumeUse]) -> ConflictError:
    """The error that names who holds a volume."""
    who = ", ".join(use.name for use in uses[:3]) + (f" and {len(uses) - 3} more" if len(uses) > 3 else "")
    return ConflictError(
        f"Volume {name} is in use by {who}.",
        hint="Stopped containers hold their volumes too. Remove the containers first, then delete the volume.",
        used_by=tuple(use_json(use) for use in uses),
    )


def measure_volumes(api: Any) -> Mapping[str, VolumeSize]:
    """Sizes the engine itself can tell, by volume name; a volume it can't measure is left out.

    The engine walks through every file of every volume for this: it can take minutes. It leaves out local volumes with
    mount options and most other drivers. Raises docker's own errors: call it in the background.
    """
    # docker-py's df() can't ask for volumes alone (API 1.42), nor for details (API 1.52).
    url = api._url("/system/df")
    response = api._get(url, params={"type": "volume", "verbose": "1"}, timeout=None)
    report = api._result(response, True)
    volumes = report.get("Volumes") or (report.get("VolumeUsage") or {}).get("Items") or []
    now = datetime.now(UTC)
    return {
        volume["Name"]: VolumeSize(bytes=size, measured_at=now)
        for volume in volumes
        if (size := (volume.get("UsageData") or {}).get("Size", -1)) >= 0
    }


def with_sizes(volumes: Iterable[Volume], sizes: Mapping[str, VolumeSize]) -> tuple[Volume, ...]:
    """The same volumes with the sizes that are known."""
    if not sizes:
        return tuple(volumes)
    return tuple(replace(volume, size=sizes[volume.name]) if volume.name in sizes else volume for volume in volumes)


def volume_kind(driver: str, options: Mapping[str, str]) -> VolumeKind:
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


def volume_json(volume: Volume, *, reveal: bool = False) -> dict[str, Any]:
    """A volume as the HTTP contract shapes it: V. Secrets are masked unless `reveal`."""
    return {
        "name": volume.name,
        "driver": volume.driver,
        "kind": volume.kind.value,
        "options": dict(volume.options) if reveal else masked_options(volume.options),
        "labels": dict(volume.labels),
        "created": volume.created.isoformat() if volume.created else None,
        "mountpoint": masked_text(volume.mountpoint),
        "scope": volume.scope,
        "project": volume.project,
        "anonymous": volume.anonymous,
        "used_by": [use_json(use) for use in volume.used_by],
        "size": {"bytes": volume.size.bytes, "measured_at": volume.size.measured_at.isoformat()}
        if volume.size
        else None,
    }


def use_json(use: VolumeUse) -> dict[str, Any]:
    """One container that holds a volume, as the HTTP contract shapes it."""
    return {
        "id": use.id,
        "name": use.name,
        "state": use.state,
        "target": use.target,
        "read_only": use.read_only,
    }


def holders_of(volume: str, containers: Iterable[Container]) -> tuple[Container, ...]:
    """The containers that hold a volume."""
    return tuple(container for container in containers if any(mount.name == volume for mount in container.mounts))


def _refuse_existing(engine: Engine, name: str, wait: float) -> None:
    try:
        existing = inspect_volume(engine, name, wait=wait)
    except NotFoundError:
        return
    raise ConflictError(
        f"A volume named {name} exists already.",
        hint="Docker would hand it out unchanged and ignore the new options. Open it, or choose another name.",
        fields={"name": f"A volume named {name} exists already."},
        used_by=tuple(use_json(use) for use in existing.used_by),
    )


def _remove(engine: Engine, name: str) -> None:
    with translated(f"volume {name}"):
        engine.api.remove_volume(name)


def _remove_helpers(engine: Engine, name: str) -> None:
    """Remove Demijohn's own containers that hold the volume; a person's are left alone."""
    for helper in engine.api.containers(all=True, filters={"volume": name, "label": ROLE_LABEL}):
        held = {mount.get("Name") for mount in helper.get("Mounts") or ()}
        if name in held and is_own(engine.api, engine.api.inspect_container(helper["Id"])):
            with suppress(NotFoundError), translated(f"helper {helper['Id'][:12]}"):
                engine.api.remove_container(helper["Id"], force=True)


def _holders(api: docker.APIClient, name: str) -> list[Mapping[str, Any]]:
    # The filter matches substrings and mount points too; _uses_by_volume keeps the exact ones.
    return without_own(api, api.containers(all=True, filters={"volume": name}))


def _uses_by_volume(containers: Iterable[Mapping[str, Any]]) -> dict[str, tuple[VolumeUse, ...]]:
    uses: dict[str, list[VolumeUse]] = {}
    for container in containers:
        for mount in container.get("Mounts") or ():
            volume = mount.get("Name")
            if volume:
                uses.setdefault(volume, []).append(_use(container, mount))
    return {volume: tuple(sorted(found, key=lambda use: use.name)) for volume, found in uses.items()}


def _ask_for_volumes(api: docker.APIClient) -> list[_Told]:
    """What `api.volumes()` answers, read the way megabytes of it are read quickly."""
    response = api._get(api._url("/volumes"), stream=True)  # type: ignore[attr-defined]
    api._raise_for_status(response)  # type: ignore[attr-defined]
    return _read_volumes(b"".join(response.iter_content(_PIECE_BYTES))).Volumes or []


def _beside(call: Callable[[], T]) -> Future[T]:
    """Start a call in a thread of its own, one that can't keep the app from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  raised again by whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=run, name="containers", daemon=True).start()
    return future


def _updated(
    before: Mapping[str, _Known], told: Sequence[_Told], uses: Mapping[str, tuple[VolumeUse, ...]]
) -> tuple[Mapping[str, _Known], bool]:
    """What is known now, made anew only where it differs from what was known before; and whether anything does."""
    now: dict[str, _Known] = {}
    changed = len(told) != len(before)
    for each in told:
        name = each.Name
        used_by = uses.get(name, ())
        known = before.get(name)
        if known is None or known[0] != each or known[1].used_by != used_by:
            known, changed = (each, _volume(each, used_by)), True
        now[name] = known
    return now, changed


def _use(container: Mapping[str, Any], mount: Mapping[str, Any]) -> VolumeUse:
    names = container.get("Names") or [container["Id"][:12]]
    return VolumeUse(
        id=container["Id"],
        name=names[0].lstrip("/"),
        state=container.get("State", ""),
        target=mount.get("Destination", ""),
        read_only=not mount.get("RW", True),
    )


def _volume_of(attributes: Mapping[str, Any], uses: tuple[VolumeUse, ...]) -> Volume:
    """The volume in what docker-py made of the engine's answer."""
    return _volume(msgspec.convert(attributes, _Told), uses)


def _volume(told: _Told, uses: tuple[VolumeUse, ...]) -> Volume:
    options = told.Options or {}
    labels = told.Labels or {}
    name = told.Name
    driver = told.Driver or "local"
    return Volume(
        name=name,
        driver=driver,
        kind=volume_kind(driver, options),
        options=options,
        labels=labels,
        created=parse_time(told.CreatedAt),
        mountpoint=told.Mountpoint or "",
        scope=told.Scope or "",
        anonymous="com.docker.volume.anonymous" in labels or _ANONYMOUS_NAME.fullmatch(name) is not None,
        used_by=uses,
        status=told.Status or {},
    )
