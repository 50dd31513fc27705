"""What the engine and this machine know about a mount that is about to be made, for the advice beside it."""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from webui.engine.catalogue import Catalogue, Listing
from webui.engine.connection import Engine
from webui.engine.images import has_content_at, image_detail, is_empty
from webui.engine.model import EngineFacts, ImageDetail, Volume, VolumeKind
from webui.engine.patience import Patience
from webui.errors import DemijohnError, EngineSlowError, NotFoundError
from webui.mounts import Launch, Mount, MountContext, MountFacts, MountType, check, device_of

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Knowledge:
    """What can be found out for one launch, each fact asked for once; an engine in trouble only means fewer of them.

    `image_missing` is whether the engine said that it has no such image.
    What is not known when `patience` has run out is not spoken of.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        launch: Launch,
        context: MountContext,
        patience: Patience,
        volumes: Listing[Volume] | None = None,
    ) -> None:
        self._catalogue, self._launch, self._context = catalogue, launch, context
        self._engine: Engine = catalogue.engine
        self._patience = patience
        self._facts: EngineFacts | None = _known(self._engine.facts)
        self.image_missing = False
        self._image = self._look_for_image(launch.image) if launch.image else None
        listing = volumes or catalogue.volumes(patience.left(), fresh=False)
        self._volumes = {volume.name: volume for volume in listing.items}
        self._volumes_known = listing.trouble is None

    def _look_for_image(self, reference: str) -> ImageDetail | None:
        try:
            return _known(lambda: image_detail(self._engine, reference, wait=self._patience.left()), but=NotFoundError)
        except NotFoundError:
            self.image_missing = True
            return None

    @property
    def image_volumes(self) -> tuple[str, ...]:
        """The paths the image declares as volumes."""
        return self._image.volumes if self._image else ()

    def of(self, mount: Mount, *, new: bool) -> MountFacts:
        """What is known about one mount; `new` is whether the person asked for a new volume."""
        volume = self._volumes.get(mount.source) if mount.type is MountType.VOLUME else None
        mode = self._source_mode(mount)
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
            source_exists=None if mode is None else mode != 0,
            source_is_folder=stat.S_ISDIR(mode) if mode else None,
            image_content=self._image_content(mount),
            image_declared_volumes=self.image_volumes,
            replicas=self._launch.replicas,
        )

    def _source_mode(self, mount: Mount) -> int | None:
        """The file mode of a bind's source on this machine, 0 where there is none; None if not known in time."""
        if not self._is_local_bind(mount):
            return None
        source = mount.source
        return _known(
            lambda: self._engine.read(f"host:{source}", lambda _api: _mode(source), wait=self._patience.left())
        )

    def _is_local_bind(self, mount: Mount) -> bool:
        local = self._facts is not None and self._facts.local
        return local and mount.type is MountType.BIND and not check(mount)

    def _image_content(self, mount: Mount) -> bool | None:
        if self._image is None or check(mount):
            return None
        image, target = self._image.image.id, mount.target
        return _known(
            lambda: self._engine.read(
                f"content:{image}:{target}",
                lambda _api: has_content_at(self._engine, image, target),
                wait=self._patience.left(),
            )
        )

    def _is_empty(self, volume: Volume) -> bool | None:
        """Whether a local volume is empty; others are not mounted just to look."""
        if self._image is None or volume.kind is not VolumeKind.LOCAL or volume.options:
            return None
        image = self._image.image.id
        return _known(
            lambda: self._engine.read(
                f"empty:{volume.name}", lambda api: is_empty(api, image, volume.name), wait=self._patience.left()
            )
        )


def _mode(path: str) -> int | None:
    try:
        return Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError:  # no access, or a name no file can have
        return None


def _known(ask: Callable[[], T], *, but: type[DemijohnError] | tuple[()] = ()) -> T | None:
    """The answer, or None where there is none in time or an engine in trouble; errors of the type `but` are raised."""
    try:
        return ask()
    except but:
        raise
    except EngineSlowError:
        return None
    except DemijohnError as error:
        _log.info("advice goes without a fact: %s", error.message)
        return None
