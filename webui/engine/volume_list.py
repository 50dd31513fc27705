"""The list of all volumes, read again and again: ten thousand of them, most as they were."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TypeVar

import docker
import msgspec

from webui.engine.helper import without_own
from webui.engine.model import Volume, VolumeUse
from webui.engine.volume_words import ToldVolume, ToldVolumes, uses_by_volume, volume_of

T = TypeVar("T")
_PIECE_BYTES = 1024 * 1024
_read_volumes = msgspec.json.Decoder(ToldVolumes).decode

_Known = tuple[ToldVolume, Volume]
"""What the engine told of a volume, and the volume made of it."""


class VolumeLoader:
    """Loads every volume of one engine with the containers that hold it, sizes unknown, in two calls.

    A volume of which the engine tells the same as the last time is the same object, and where nothing at all changed,
    so is the tuple: to make ten thousand anew takes longer than to see that they are as they were.
    """

    def __init__(self) -> None:
        self._last: tuple[Mapping[str, _Known], tuple[Volume, ...]] = ({}, ())

    def __call__(self, api: docker.APIClient) -> tuple[Volume, ...]:
        """Raises docker's own errors: call it through `Engine.read`."""
        containers = _beside(lambda: api.containers(all=True))
        told = _ask_for_volumes(api)
        uses = uses_by_volume(without_own(api, containers.result()))
        before, volumes = self._last
        now, changed = _updated(before, told, uses)
        if changed:
            volumes = tuple(volume for _, volume in now.values())
            self._last = now, volumes
        return volumes


def _ask_for_volumes(api: docker.APIClient) -> list[ToldVolume]:
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
    before: Mapping[str, _Known], told: Sequence[ToldVolume], uses: Mapping[str, tuple[VolumeUse, ...]]
) -> tuple[Mapping[str, _Known], bool]:
    """What is known now, made anew only where it differs from what was known before; and whether anything does."""
    now: dict[str, _Known] = {}
    changed = len(told) != len(before)
    for each in told:
        name = each.Name
        used_by = uses.get(name, ())
        known = before.get(name)
        if known is None or known[0] != each or known[1].used_by != used_by:
            known, changed = (each, volume_of(each, used_by)), True
        now[name] = known
    return now, changed
