"""Helper containers: Demijohn's own, made to look inside an image or a volume and removed at once.

Each has the label `io.demijohn.role` and a name of its own, no network and no log.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import docker
import docker.types
from docker.types import LogConfig

from webui.engine.model import ROLE_LABEL

_NAME_PREFIX = "demijohn-helper-"


@contextmanager
def laid_open(api: Any, image_id: str, mounts: Iterable[docker.types.Mount] = ()) -> Iterator[str]:
    """The id of a container of the image to look into through the archive API, never started, with these mounts.

    A tmpfs over each volume the image declares keeps the engine from making an anonymous volume for it; as the
    container never starts, it hides nothing. Raises docker's own errors.
    """
    declared = (api.inspect_image(image_id).get("Config") or {}).get("Volumes") or {}
    container = api.create_container(
        image_id,
        command=["-"],
        name=_NAME_PREFIX + secrets.token_hex(6),
        labels={ROLE_LABEL: "helper"},
        host_config=api.create_host_config(
            mounts=list(mounts),
            log_config=LogConfig(type="none"),
            network_mode="none",
            tmpfs=dict.fromkeys(declared, "") or None,
        ),
    )["Id"]
    try:
        yield container
    finally:
        api.remove_container(container, v=True, force=True)


def without_own(api: docker.APIClient, containers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The containers (as `GET /containers/json` tells them) that are a person's.

    A container inherits the labels of its image: one whose image carries the label itself is not Demijohn's, or any
    image could hide a person's containers. That costs a call more, and only where the label is seen at all.
    """
    if not any(_labelled(container) for container in containers):
        return list(containers)
    inherited = {image["Id"] for image in api.images(all=True, filters={"label": ROLE_LABEL})}
    return [each for each in containers if not _labelled(each) or each["ImageID"] in inherited]


def is_own(api: Any, inspected: Mapping[str, Any]) -> bool:
    """Whether an inspected container was made by Demijohn for itself; see `without_own`."""
    if ROLE_LABEL not in (inspected["Config"].get("Labels") or {}):
        return False
    image = api.inspect_image(inspected["Image"])
    return ROLE_LABEL not in ((image.get("Config") or {}).get("Labels") or {})


def is_own_event(attributes: Mapping[str, str]) -> bool:
    """Whether an event with these attributes is about a helper container."""
    return ROLE_LABEL in attributes and attributes.get("name", "").startswith(_NAME_PREFIX)


def _labelled(container: Mapping[str, Any]) -> bool:
    return ROLE_LABEL in (container.get("Labels") or {})
