"""Helper containers: Demijohn's own, made to look inside an image or a volume and removed when that is done.

Each has the label `io.demijohn.role` and a name of its own, no network and no log.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import docker.types
from docker.types import LogConfig

from webui.engine.errors import engine_words, translated
from webui.engine.file_model import Place
from webui.engine.model import ROLE_LABEL
from webui.engine.session import LOOP, Session, SessionLostError
from webui.errors import ConflictError, DemijohnError, NotFoundError
from webui.storage import Trouble, explain, read_options

if TYPE_CHECKING:
    from webui.engine.connection import Engine

_NAME_PREFIX = "demijohn-helper-"
TARGET = "/volume"
SOURCE = "/source"
"""Where a helper that copies one volume into another has the one it copies from."""
MADE_ANEW_LABEL = "io.demijohn.made-anew"
"""Is on a volume only if the engine made it on the way, because the one that was asked for had just gone."""
_WRITING_LABEL = "io.demijohn.writing"
_BESIDE_LABEL = "io.demijohn.beside"
_COPYING_LABEL = "io.demijohn.copying"
_FRESH_SECONDS = 600
_REMOVAL_SECONDS = 30
_READING = ("DAC_READ_SEARCH",)
_WRITING = ("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "MKNOD", "SETFCAP")
_MOST_PROCESSES = 256
_MOST_MEMORY = 512 * 1024 * 1024
_ENVIRONMENT = {
    "LC_ALL": "C",
    "HOME": "/",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


class MountError(ConflictError):
    """The engine can't mount a place; `said` are its own words about that."""

    def __init__(self, message: str, said: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.said = said


@contextmanager
def laid_open(api: Any, image_id: str, mounts: Iterable[docker.types.Mount] = (), *, beside: str = "") -> Iterator[str]:
    """The id of a container of the image to look into through the archive API, never started, with these mounts.

    A tmpfs over each volume the image declares keeps the engine from making an anonymous volume for it; as the
    container never starts, it hides nothing. One that is `beside` the helper of that name is left over when that has
    ended. Raises docker's own errors.
    """
    declared = (api.inspect_image(image_id).get("Config") or {}).get("Volumes") or {}
    container = api.create_container(
        image_id,
        command=["-"],
        name=_NAME_PREFIX + secrets.token_hex(6),
        labels={ROLE_LABEL: "helper"} | ({_BESIDE_LABEL: beside} if beside else {}),
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


def start(
    engine: Engine, place: Place, image: str, key: str, *, writing: bool, source: Place | None = None
) -> tuple[str, str, Session]:
    """Start a helper with a shell in it: its id, its name and the session.

    It may do nothing but read the one place, or write it: no network, no capabilities beyond, nothing of its own to
    write to. One that has a `source` may read that as well, and sorts long lists in a folder of its own. It ends by
    itself when the app does, because its input ends then.

    Raises NotFoundError where a volume is gone, EngineError, EngineUnreachableError.
    """
    name = f"{names_of(engine)}{secrets.token_hex(6)}"
    places = [each for each in (place, source) if each is not None]
    for each in places:
        _refuse_gone(engine.api, each)
    with translated(place.subject):
        container = _create(engine.api, place, image, name, key, writing=writing, source=source)
        anew = [each for each in places if _is_made_anew(engine.api, each, name)]
        if anew:
            engine.api.remove_container(container, force=True)
            for each in anew:
                engine.api.remove_volume(each.name)
            raise NotFoundError(f"There is no {anew[0].subject} (any more).")
        session = None
        try:
            session = _session(_attached(engine.api, container), key)
            _begin(engine.api, container, places)
            return container, name, session
        except BaseException:
            if session is not None:
                session.close()
            with suppress(DemijohnError):  # swept at the next start; what was raised first is what is to be told
                remove(engine, container)
            raise


def _refuse_gone(api: Any, place: Place) -> None:
    """The engine would make a volume that is gone anew. Raises NotFoundError."""
    if place.kind == "volume":
        with translated(place.subject):
            api.inspect_volume(place.name)


def _begin(api: Any, container: str, places: Sequence[Place]) -> None:
    """Start it. Raises MountError where the engine can't mount a place, in words and in the engine's own."""
    try:
        api.start(container)
    except docker.errors.APIError as error:
        words = engine_words(error)
        if "mount" not in words.lower():
            raise
        # Where there are two, the engine tells the path that one of them has on its machine.
        place = next((each for each in places if f"/{each.name}/" in words), places[0])
        trouble = _meaning(api, place, words)
        raise MountError(
            " ".join(filter(None, (f"The engine can’t mount {place.subject}.", trouble.sentence, words))),
            words,
            hint=f"{trouble.hint} Options can’t be changed: make a new volume where they are wrong.".lstrip(),
        ) from error


def _meaning(api: Any, place: Place, words: str) -> Trouble:
    """What the engine's words mean for the kind of storage that the volume is kept in."""
    unknown = Trouble("", "Its storage is not there, or its driver options are wrong.")
    if place.kind != "volume":
        return unknown
    volume = api.inspect_volume(place.name)
    where = read_options(volume.get("Driver") or "local", volume.get("Options") or {}).where
    return explain(where, words) or unknown


def names_of(engine: Engine) -> str:
    """How the names of the helpers of one engine begin: another one may have the same storage, with helpers of its own.

    Raises EngineError, EngineUnreachableError.
    """
    return f"{_NAME_PREFIX}{hashlib.sha256(engine.facts().identity.encode()).hexdigest()[:6]}-"


@contextmanager
def carrier(engine: Engine, place: Place, image: str, name: str) -> Iterator[str]:
    """The id of a container that brings something into a place through the archive API, for the helper of that name.

    Not the helper itself: as long as the engine unpacks into a container it keeps all else waiting that is asked of it.
    Raises the domain's errors, also for docker's own that are raised in the block.
    """
    with (
        translated(place.subject),
        laid_open(engine.api, image, [_mount(place, name, writing=True)], beside=name) as container,
    ):
        yield container


def attach_process(engine: Engine, container: str, key: str) -> Session:
    """One more shell in a running helper, a process of its own.

    Raises SessionLostError where the helper does not run any more, EngineError, EngineUnreachableError.
    """
    try:
        with translated("the helper container"):
            made = engine.api.exec_create(container, _shell(key), stdin=True, environment=_ENVIRONMENT)
            return _session(engine.api.exec_start(made["Id"], socket=True), key)
    except (NotFoundError, ConflictError) as error:
        raise SessionLostError from error


def remove(engine: Engine, container: str) -> None:
    """Remove a helper, running or not; one that is gone is fine. Raises EngineError, EngineUnreachableError."""
    with suppress(NotFoundError), translated(f"helper {container[:12]}"):
        try:
            engine.api.remove_container(container, v=True, force=True)
        except docker.errors.APIError as error:
            if error.status_code != 409:
                raise
            # It is being removed already, as it has ended; the volume is held until that is done.
            engine.api.wait(container, timeout=_REMOVAL_SECONDS, condition="removed")


def left_over(engine: Engine) -> list[tuple[Place | None, str]]:
    """Helpers that have ended, by id; of one that wrote, the place where something of it may be left.

    One that was just made and is about to be started is none. Raises EngineError, EngineUnreachableError.
    """
    with translated("the engine's helper containers"):
        ended = engine.api.containers(
            all=True, filters={"label": f"{ROLE_LABEL}=helper", "status": ["exited", "dead", "created"]}
        )
        persons = without_own(engine.api, ended)
    running = running_names(engine) if any(_BESIDE_LABEL in (each.get("Labels") or {}) for each in ended) else set()
    return [(_written_by(each), each["Id"]) for each in ended if each not in persons and _is_left_over(each, running)]


def running_names(engine: Engine) -> set[bytes]:
    """The names of the helpers that run. Raises EngineError, EngineUnreachableError."""
    with translated("the engine's helper containers"):
        running = engine.api.containers(filters={"label": f"{ROLE_LABEL}=helper"})
    return {name.lstrip("/").encode() for each in running for name in each["Names"]}


def is_copying(container: Mapping[str, Any]) -> bool:
    """Whether a helper (as `GET /containers/json` tells it) copies one volume into another just now."""
    copying = (container.get("Labels") or {}).get(_COPYING_LABEL) == "yes"
    return copying and container.get("State") == "running"


def _is_left_over(container: Mapping[str, Any], running: set[bytes]) -> bool:
    beside = (container.get("Labels") or {}).get(_BESIDE_LABEL)
    if beside:
        return beside.encode() not in running
    return bool(container["State"] != "created" or time.time() - container["Created"] > _FRESH_SECONDS)


def _written_by(container: Mapping[str, Any]) -> Place | None:
    if (container.get("Labels") or {}).get(_WRITING_LABEL) != "yes":
        return None
    names = [mount["Name"] for mount in container.get("Mounts") or () if mount.get("Type") == "volume"]
    return Place.volume(names[0]) if names else None


def _create(
    api: Any, place: Place, image: str, name: str, key: str, *, writing: bool, source: Place | None = None
) -> str:
    declared = (api.inspect_image(image).get("Config") or {}).get("Volumes") or {}
    shell = _shell(key)
    mounts = [_mount(place, name, writing=writing)]
    labels = {ROLE_LABEL: "helper", _WRITING_LABEL: "yes" if writing else "no"}
    if source is not None:
        mounts.append(_mount(source, name, writing=False, target=SOURCE))
        labels |= {_WRITING_LABEL: "no", _COPYING_LABEL: "yes"}
    return str(
        api.create_container(
            image,
            entrypoint=shell[:1],
            command=shell[1:],
            name=name,
            user="0:0",
            working_dir="/",
            stdin_open=True,
            environment=_ENVIRONMENT,
            labels=labels,
            healthcheck={"test": ["NONE"]},
            host_config=api.create_host_config(
                mounts=mounts,
                log_config=LogConfig(type="none"),
                network_mode="none",
                read_only=source is None,
                cap_drop=["ALL"],
                cap_add=list(_WRITING if writing else _READING),
                security_opt=["no-new-privileges"],
                pids_limit=_MOST_PROCESSES,
                mem_limit=_MOST_MEMORY,
                # What has been read for a person has left no trace when the app is gone. Of one that writes, something
                # may be left in the volume: it stays, so that the next start knows where to look. What copies a whole
                # volume is a job, which knows that itself.
                auto_remove=not writing or source is not None,
                tmpfs=dict.fromkeys(declared, "") or None,
            ),
        )["Id"]
    )


def _mount(place: Place, name: str, *, writing: bool, target: str = TARGET) -> docker.types.Mount:
    if place.kind == "volume":
        return docker.types.Mount(
            target, place.name, type="volume", read_only=not writing, no_copy=True, labels={MADE_ANEW_LABEL: name}
        )
    # Of the host's root the engine takes no other: its own folder is in it.
    propagation = "rslave" if place.source == "/" else "rprivate"
    return docker.types.Mount(target, place.source, type="bind", read_only=True, propagation=propagation)


def _is_made_anew(api: Any, place: Place, name: str) -> bool:
    """Whether the volume was deleted after it was looked at, so that creating the container has made it anew."""
    if place.kind != "volume":
        return False
    return bool((api.inspect_volume(place.name).get("Labels") or {}).get(MADE_ANEW_LABEL) == name)


def _attached(api: Any, container: str) -> Any:
    return api.attach_socket(container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})


def _session(attached: Any, key: str) -> Session:
    """docker-py hands out a file-like thing around the socket, or over SSH one that is a socket itself."""
    return Session(getattr(attached, "_sock", attached), key, keep=attached)


def _shell(key: str) -> list[str]:
    return ["/bin/sh", "-c", LOOP, "sh", key]


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
