"""Volumes of an engine: inspect, create, delete.

Follows https://docs.docker.com/reference/cli/docker/volume/ and the volume part of the Engine API. The
list of all of them stands in `webui.engine.volume_list`, their sizes in `webui.engine.sizes`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import docker

from webui.engine.connection import Engine
from webui.engine.errors import translated
from webui.engine.helper import is_copying, without_own
from webui.engine.helper import remove as remove_helper
from webui.engine.model import ROLE_LABEL, Volume, VolumeUse
from webui.engine.secrets import masked_volume
from webui.engine.volume_words import inspected_volume, uses_by_volume
from webui.errors import ConflictError, InvalidInputError, NotFoundError
from webui.mounts.words import shown

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")


def inspect_volume(engine: Engine, name: str, *, wait: float = 2.0) -> Volume:
    """One volume by its exact name. Raises NotFoundError."""
    return inspect_raw(engine, name, wait=wait)[0]


def inspect_raw(
    engine: Engine, name: str, *, reveal: bool = False, wait: float = 2.0
) -> tuple[Volume, Mapping[str, Any]]:
    """One volume, and what `docker volume inspect` prints of it, secrets masked unless `reveal`. Raises NotFoundError.

    What can't be a volume's name never reaches the engine, where it could mean another address.
    """
    if not _NAME.fullmatch(name):
        raise NotFoundError(f"There is no volume {shown(name)}.")
    volume, raw = engine.read(f"volume:{name}", lambda api: _inspected(api, name), wait=wait)
    return volume, raw if reveal else masked_volume(raw)


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

    Docker answers a second creation with the volume that is already there and drops the new options; here that is a
    ConflictError. Raises InvalidInputError for options or a driver the engine refuses, in the engine's words.
    """
    with engine.reservations.of(f"volume {name}"):
        refuse_existing(engine, name, wait)
        return make_volume(engine, name, driver, options or {}, labels or {})


def refuse_existing(engine: Engine, name: str, wait: float) -> None:
    """Raises ConflictError where there is a volume of that name."""
    try:
        existing = inspect_volume(engine, name, wait=wait)
    except NotFoundError:
        return
    raise ConflictError(
        f"A volume named {name} exists already.",
        hint="Docker would hand it out unchanged and ignore the new options. Open it, or choose another name.",
        fields={"name": f"A volume named {name} exists already."},
        used_by=tuple(asdict(use) for use in existing.used_by),
    )


def make_volume(
    engine: Engine, name: str, driver: str, options: Mapping[str, str], labels: Mapping[str, str]
) -> Volume:
    """Make a volume of which the caller knows that there is none yet, and has reserved the name.

    Raises InvalidInputError at driver or options, in the engine's words.
    """
    try:
        with translated(f"volume {name}"):
            return inspected_volume(
                engine.api.create_volume(name=name, driver=driver, driver_opts=dict(options), labels=dict(labels)), ()
            )
    except NotFoundError as error:
        raise InvalidInputError({"driver": f"The engine has no volume driver “{driver}”. {error.message}"}) from error
    except InvalidInputError as error:
        raise InvalidInputError({"options": f"The driver refused: {error.message}"}) from error


def delete_volume(engine: Engine, name: str, *, seen: str = "", wait: float = 2.0) -> None:
    """Delete a volume and all that is in it: `docker volume rm`, never forced.

    `seen` is the time it was created at (as `seen_mark` has it) when the person was asked; empty: not asked. Raises
    NotFoundError, and ConflictError naming the containers that hold it, running or stopped, or because it is not what
    the person saw: another volume of that name, or one that was written to since.
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
    """What tells a volume from another of the same name, and from itself before it was written to.

    The engine moves the time of creation when a volume is written to.
    """
    return volume.created.isoformat() if volume.created else "unknown"


def in_use(name: str, uses: Sequence[VolumeUse]) -> ConflictError:
    """The error that names who holds a volume."""
    who = ", ".join(use.name for use in uses[:3]) + (f" and {len(uses) - 3} more" if len(uses) > 3 else "")
    return ConflictError(
        f"Volume {name} is in use by {who}.",
        hint="Stopped containers hold their volumes too. Remove the containers first, then delete the volume.",
        used_by=tuple(asdict(use) for use in uses),
    )


def _remove(engine: Engine, name: str) -> None:
    with translated(f"volume {name}"):
        engine.api.remove_volume(name)


def _remove_helpers(engine: Engine, name: str) -> None:
    """Remove Demijohn's own containers that hold the volume; a person's are left alone."""
    with translated(f"volume {name}"):
        found = engine.api.containers(all=True, filters={"volume": name, "label": ROLE_LABEL})
        persons = without_own(engine.api, found)
    if any(is_copying(each) for each in found if each not in persons):
        raise ConflictError(
            f"Volume {name} is being copied just now.",
            hint="Wait until that has ended, or cancel it under Jobs.",
        )
    for each in found:
        if each not in persons and name in {mount.get("Name") for mount in each.get("Mounts") or ()}:
            remove_helper(engine, each["Id"])


def _inspected(api: docker.APIClient, name: str) -> tuple[Volume, Mapping[str, Any]]:
    attributes = api.inspect_volume(name)
    # The filter matches substrings and mount points too; the name picks out those of this very volume.
    holders = without_own(api, api.containers(all=True, filters={"volume": name}))
    return inspected_volume(attributes, uses_by_volume(holders).get(name, ())), attributes
