"""The volume drivers of an engine: its own, managed plugins, and unmanaged ones that listen on a socket.

Follows https://docs.docker.com/engine/extend/ and the plugin part of the Engine API.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import docker.errors

from webui.engine.connection import Engine
from webui.engine.errors import TRANSLATED, engine_words, translated
from webui.engine.model import EngineFacts
from webui.engine.single_flight import SingleFlight
from webui.errors import ConflictError, DemijohnError, EngineSlowError, NotFoundError
from webui.mounts.words import shown

T = TypeVar("T")
Source = Literal["built-in", "managed", "unmanaged"]
HealthState = Literal["answers", "failed", "silent", "disabled"]
PROBE_SECONDS = 2.0
_VOLUME_DRIVER = "volumedriver"
_SOCKET_FOLDERS = ("/run/docker/plugins", "/etc/docker/plugins", "/usr/lib/docker/plugins")
_SOCKET_ENDINGS = {".sock", ".spec", ".json"}
_BUILT_IN = "The engine’s own: folders on its disk, and whatever its kernel can mount."


@dataclass(frozen=True, slots=True)
class Driver:
    """Something that keeps volumes, or a managed plugin that does something else (`keeps_volumes` is false then).

    `id`, `reference`, `permissions` and `folders` are those of a managed plugin; `folders` are pairs of a folder of
    the engine's machine and its path inside the plugin.
    """

    name: str
    source: Source
    enabled: bool
    description: str = ""
    keeps_volumes: bool = True
    id: str = ""
    reference: str = ""
    permissions: tuple[str, ...] = ()
    folders: tuple[tuple[str, str], ...] = ()

    @property
    def short_name(self) -> str:
        """Its name without the tag that is there by default, as volumes may name it."""
        return self.name.removesuffix(":latest")


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a driver answers. `took` is in seconds; `error` is a sentence."""

    state: HealthState
    took: float | None = None
    error: str = ""


class Drivers:
    """The drivers of one engine, and whether they answer. A driver that hangs holds one question and no page."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._probes = SingleFlight(f"drivers of {engine.name}")

    def list(self, wait: float = PROBE_SECONDS) -> tuple[Driver, ...]:
        """All of them, the engine's own first. Raises as `Engine.read` does."""
        return self._engine.read("drivers", self._load, wait=wait)

    def names(self, wait: float = PROBE_SECONDS) -> tuple[str, ...]:
        """Those that volumes can be made with now; the engine's own where it is in trouble."""
        try:
            found = self.list(wait)
        except DemijohnError:
            return ("local",)
        return tuple(each.short_name for each in found if each.enabled and each.keeps_volumes)

    def rclone(self, wait: float = PROBE_SECONDS) -> tuple[Driver, ...]:
        """Those that are rclone's, by their names or where they came from."""
        try:
            found = self.list(wait)
        except DemijohnError:
            return ()
        return tuple(each for each in found if each.enabled and "rclone" in f"{each.name} {each.reference}")

    def get(self, name: str) -> Driver:
        """The managed plugin of that name. Raises NotFoundError, and as `Engine.read` does."""
        for each in self.list():
            if each.source == "managed" and name in {each.name, each.short_name}:
                return each
        raise NotFoundError(f"There is no plugin {shown(name)} (any more).")

    def health(self, driver: Driver, wait: float = PROBE_SECONDS) -> Health:
        """Ask one driver for its volumes, through the engine."""
        if not driver.enabled:
            return Health("disabled")
        return self._health(driver.short_name, wait)

    def silent(self, wait: float, names: Iterable[str] = ()) -> tuple[str, ...]:
        """The drivers that do not answer within `wait` seconds, of those known and those named."""
        known = self._engine.known_facts
        asked = {*names, *(known.volume_drivers if known else ())} - {"local"}
        if not asked:
            return ()
        with ThreadPoolExecutor(len(asked)) as together:
            told = zip(asked, together.map(lambda name: self._health(name, wait), asked), strict=True)
            return tuple(sorted(name for name, health in told if health.state == "silent"))

    def silent_volumes(self, wait: float, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the named volumes of which the engine can't tell anything within `wait` seconds.

        It looks at the folder of each it is asked about, which hangs where a file server is away.
        """
        if not names:
            return ()
        with ThreadPoolExecutor(len(names)) as together:
            answers = together.map(lambda name: self._is_told_of(name, wait), names)
            return tuple(name for name, told in zip(names, answers, strict=True) if not told)

    def _is_told_of(self, name: str, wait: float) -> bool:
        return self._asked(("volume", name), lambda: self._tell_of(name), wait) is not None

    def _tell_of(self, name: str) -> str:
        with suppress(DemijohnError, *TRANSLATED):  # an answer as well
            self._engine.api.inspect_volume(name)
        return name

    def _health(self, name: str, wait: float) -> Health:
        told = self._asked(name, lambda: self._probe(name), wait)
        return told or Health("silent", error=f"It has not answered within {wait:g} s.")

    def _asked(self, key: Hashable, ask: Callable[[], T], wait: float) -> T | None:
        """What is answered now, or None where nothing is in time. An answer to an earlier question is none to this."""
        began = time.monotonic()

        def timed() -> tuple[T, float]:
            return ask(), time.monotonic()

        try:
            told, ended = self._probes.run(key, timed, wait=wait)
            if ended < began:
                told, _ = self._probes.run(key, timed, wait=wait)
        except EngineSlowError:
            return None
        return told

    def _probe(self, name: str) -> Health:
        """The engine asks the named driver only; what that says of itself comes as a warning."""
        api: Any = self._engine.api
        began = time.monotonic()
        try:
            with translated(f"driver {name}"):
                response = api._get(
                    api._url("/volumes"), params={"filters": json.dumps({"driver": [name]})}, timeout=None
                )
                api._raise_for_status(response)
        except DemijohnError as error:
            return Health("failed", error=error.message)
        warnings = [str(each) for each in response.json().get("Warnings") or ()]
        took = time.monotonic() - began
        return Health("failed", took, plugin_trouble(warnings[0])) if warnings else Health("answers", took)

    def _load(self, api: Any) -> tuple[Driver, ...]:
        managed = [_managed(each) for each in _plugins(api)]
        taken = {name for each in managed for name in (each.name, each.short_name)} | {"local"}
        told = (api.info().get("Plugins") or {}).get("Volume") or ()
        facts = self._engine.facts()
        others = sorted({*told, *_listening_here(facts)} - taken)
        return (
            Driver("local", "built-in", enabled=True, description=_BUILT_IN),
            *sorted(managed, key=lambda driver: driver.name),
            *(Driver(name, "unmanaged", enabled=True) for name in others),
        )


def enable(engine: Engine, plugin: Driver) -> None:
    """`docker plugin enable`. Raises ConflictError where it is enabled or does not start, in the engine's words."""
    _change(engine, plugin, lambda api: api.enable_plugin(plugin.name, timeout=30))


def disable(engine: Engine, plugin: Driver) -> None:
    """`docker plugin disable`. Raises ConflictError where volumes or containers use it."""
    _change(engine, plugin, lambda api: api.disable_plugin(plugin.name))


def remove(engine: Engine, plugin: Driver) -> None:
    """`docker plugin rm`; one that is enabled is refused. Raises ConflictError."""
    _change(engine, plugin, lambda api: api.remove_plugin(plugin.name))


def plugin_trouble(words: str) -> str:
    """What the engine says of a driver, in a sentence."""
    if "no such file or directory" in words and ".sock" in words:
        return "Nothing listens on its socket: it is not running."
    if "connection refused" in words:
        return "Its socket is there and nobody serves it: it is not running."
    if "timeout" in words.lower() or "deadline" in words:
        return "It does not answer."
    return words[:1].upper() + words[1:]


def _change(engine: Engine, plugin: Driver, call: Any) -> None:
    try:
        with translated(f"plugin {plugin.name}"):
            try:
                call(engine.api)
            except docker.errors.APIError as error:
                if error.status_code and error.status_code < 500:
                    raise
                raise ConflictError(f"Plugin {plugin.name}: {engine_words(error)}") from error
    finally:
        engine.changed()


def _plugins(api: Any) -> list[Mapping[str, Any]]:
    """The managed plugins; Podman has none, and no address to ask for them."""
    try:
        return list(api.plugins())
    except docker.errors.APIError as error:
        if error.status_code == 404:
            return []
        raise


def _managed(plugin: Mapping[str, Any]) -> Driver:
    config, settings = plugin.get("Config") or {}, plugin.get("Settings") or {}
    types = (config.get("Interface") or {}).get("Types") or ()
    return Driver(
        name=str(plugin["Name"]),
        source="managed",
        enabled=bool(plugin.get("Enabled")),
        description=str(config.get("Description") or ""),
        keeps_volumes=any(_VOLUME_DRIVER in _type_name(each) for each in types),
        id=str(plugin.get("Id", "")),
        reference=str(plugin.get("PluginReference") or ""),
        permissions=tuple(_granted(config)),
        folders=tuple(
            (str(each.get("Source") or ""), str(each.get("Destination") or "")) for each in settings.get("Mounts") or ()
        ),
    )


def _type_name(told: Any) -> str:
    return str(told.get("Capability", "") if isinstance(told, Mapping) else told)


def _granted(config: Mapping[str, Any]) -> Iterable[str]:
    """What it may do on the engine's machine, in words."""
    network = (config.get("Network") or {}).get("Type")
    if network == "host":
        yield "the machine’s network"
    linux = config.get("Linux") or {}
    yield from (str(each) for each in linux.get("Capabilities") or ())
    yield from (str(each.get("Path")) for each in linux.get("Devices") or () if each.get("Path"))


def _listening_here(facts: EngineFacts) -> set[str]:
    """Unmanaged drivers of this machine; an engine does not know one before a volume has named it."""
    if not facts.local or facts.product == "Podman":
        return set()
    found = set()
    for folder in map(Path, _SOCKET_FOLDERS):
        try:
            found |= {each.stem for each in folder.iterdir() if each.suffix in _SOCKET_ENDINGS}
        except OSError:  # no such folder, or none that this account may look into
            continue
    return found
