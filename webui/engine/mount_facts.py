"""What the engine and this machine know about a mount that is about to be made, for the advice beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import docker.types
from docker.types import LogConfig

from webui.engine.catalogue import Catalogue, Listing
from webui.engine.connection import Engine
from webui.engine.images import has_content_at, image_detail
from webui.engine.model import ROLE_LABEL, EngineFacts, ImageDetail, Volume, VolumeKind
from webui.errors import DemijohnError, EngineSlowError
from webui.mounts import Launch, Mount, MountContext, MountFacts, MountType, check, device_of

QUICK = 1.0
"""Seconds that advice may cost a page; what is not known by then is not spoken of."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Knowledge:
    """What can be found out for one launch; each fact is asked for once, and an engine in trouble only means fewer of them."""

    def __init__(
        self, catalogue: Catalogue, launch: Launch, context: MountContext, volumes: Listing[Volume] | None = None
    ) -> None:
        self._catalogue, self._launch, self._context = catalogue, launch, context
        self._engine: Engine = catalogue.engine
        self._facts: EngineFacts | None = _known(self._engine.facts)
        self._image: ImageDetail | None = (
            _known(lambda: image_detail(self._engine, launch.image)) if launch.image else None
        )
        listing = volumes or catalogue.volumes(QUICK, fresh=False)
        self._volumes = {volume.name: volume for volume in listing.items}
        self._volumes_known = listing.trouble is None

    @property
    def image_volumes(self) -> tuple[str, ...]:
        """The paths the image declares as volumes."""
        return self._image.volumes if self._image else ()

    def of(self, mount: Mount, *, new: bool) -> MountFacts:
        """What is known about one mount; `new` is whether the person asked for a new volume."""
        volume = self._volumes.get(mount.source) if mount.type is MountType.VOLUME else None
        return MountFacts(
            start_folder=self._context.start_folder,
            home=self._context.home,
            local=self._facts.local if self._facts else None,
            rootless=self._facts.rootless if self._facts else None,
            swarm=self._facts.swarm if self._facts else None,
            data_folder=self._facts.data_folder if self._facts else "",
            volume_names=frozenset(self._volumes) if self._volumes_known else None,
            new_volume=new,
            volume_kind=volume.kind.value if volume else "",
            device=device_of(volume.driver, volume.options) if volume else "",
            writers=tuple(dict.fromkeys(use.name for use in volume.used_by if not use.read_only)) if volume else (),
            likely_empty=self._is_empty(volume) if volume else None,
            source_exists=self._exists(mount),
            source_is_folder=self._is_folder(mount),
            image_content=self._image_content(mount),
            image_declared_volumes=self.image_volumes,
            replicas=self._launch.replicas,
        )

    def _exists(self, mount: Mount) -> bool | None:
        return Path(mount.source).exists() if self._is_local_bind(mount) else None

    def _is_folder(self, mount: Mount) -> bool | None:
        return Path(mount.source).is_dir() if self._is_local_bind(mount) and Path(mount.source).exists() else None

    def _is_local_bind(self, mount: Mount) -> bool:
        local = self._facts is not None and self._facts.local
        return local and mount.type is MountType.BIND and not check(mount)

    def _image_content(self, mount: Mount) -> bool | None:
        if self._image is None or check(mount):
            return None
        image, target = self._image.image.id, mount.target
        return _known(
            lambda: self._engine.read(
                f"content:{image}:{target}", lambda _api: has_content_at(self._engine, image, target), wait=QUICK
            )
        )

    def _is_empty(self, volume: Volume) -> bool | None:
        """Whether a local volume is empty; others are not mounted just to look."""
        if self._image is None or volume.kind is not VolumeKind.LOCAL:
            return None
        image = self._image.image.id
        return _known(
            lambda: self._engine.read(f"empty:{volume.name}", lambda api: is_empty(api, image, volume.name), wait=QUICK)
        )


def is_empty(api: Any, image: str, volume: str) -> bool:
    """Whether nothing is in a volume, seen through a container that is never started.

    Only the beginning of the archive is read, however much there is. A volume that is gone stays gone: the engine would make it anew
    for the container. Raises docker's own errors: call it through `Engine.read`.
    """
    known = api.inspect_volume(volume).get("CreatedAt")
    path = "/demijohn-peek"
    mount = docker.types.Mount(target=path, source=volume, type="volume", read_only=True, no_copy=True)
    container = api.create_container(
        image,
        command=["-"],
        labels={ROLE_LABEL: "helper"},
        host_config=api.create_host_config(mounts=[mount], log_config=LogConfig(type="none"), network_mode="none"),
    )["Id"]
    made_anew = False
    try:
        made_anew = api.inspect_volume(volume).get("CreatedAt") != known
        response = api._get(api._url("/containers/{0}/archive", container), params={"path": f"{path}/."}, stream=True)
        with closing(response):
            api._raise_for_status(response)
            # An empty folder is one header of 512 bytes, then zeros; anything in it makes a second header.
            beginning = response.raw.read(1024)
        return len(beginning) <= 512 or not beginning[512:1024].strip(b"\0")
    finally:
        api.remove_container(container, v=True, force=True)
        if made_anew:
            api.remove_volume(volume)


def _known(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except EngineSlowError:
        return None
    except DemijohnError as error:
        _log.info("advice goes without a fact: %s", error.message)
        return None
