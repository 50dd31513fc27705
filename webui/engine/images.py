"""Images of an engine: list, inspect, remove, and look whether one has files at a path.

Follows https://docs.docker.com/reference/cli/docker/image/. How one comes to the engine stands in
`webui.engine.pull` and `webui.engine.tools_image`.
"""

from __future__ import annotations

import base64
import json
import re
import tarfile
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import closing
from threading import Lock
from typing import Any

import docker
import docker.errors
import docker.types
import requests

from webui.engine.connection import Engine
from webui.engine.errors import translated
from webui.engine.helper import laid_open, without_own
from webui.engine.model import Image, ImageDetail
from webui.engine.parsing import listed_name, parse_time, parse_variable
from webui.engine.references import reference_problem
from webui.errors import ConflictError, NotFoundError
from webui.mounts.words import shown

_IMAGE_ID = re.compile(r"(sha256:)?[0-9a-f]{64}")
_FOLDER_BIT = 1 << 31
_LINK_BIT = 1 << 27


def load_images(api: docker.APIClient) -> tuple[Image, ...]:
    """Every local image, newest first, with the names of the containers made from it, Demijohn's own left out.

    Raises docker's own errors: call it through `Engine.read`.
    """
    users: dict[str, list[str]] = {}
    for container in without_own(api, api.containers(all=True)):
        users.setdefault(container["ImageID"], []).append(listed_name(container))
    images = (_image(found, found.get("RepoTags"), users.get(found["Id"], ())) for found in api.images())
    return tuple(sorted(images, key=lambda image: (image.created is not None, image.created), reverse=True))


def image_detail(engine: Engine, reference: str, *, wait: float = 2.0) -> ImageDetail:
    """A local image by name or id, with what it brings along for a container. Raises NotFoundError."""
    try:
        _check_reference(reference)
        raw = engine.read(f"image:{reference}", lambda api: _inspect(api, reference), wait=wait)
    except NotFoundError as error:
        raise NotFoundError(
            f"There is no image {reference} on this engine.", hint="Pull it first, or choose another."
        ) from error
    config = raw.get("Config") or {}
    return ImageDetail(
        image=_image(raw, raw.get("RepoTags"), ()),
        volumes=tuple(sorted(config.get("Volumes") or ())),
        environment=tuple(parse_variable(line) for line in config.get("Env") or ()),
        exposed_ports=tuple(sorted(config.get("ExposedPorts") or ())),
        argv=(*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())),
        working_directory=config.get("WorkingDir") or "",
    )


def remove_image(engine: Engine, reference: str) -> None:
    """Remove an image, or only this name of it where it has others: `docker image rm`, never forced.

    Raises:
        NotFoundError: there is no such image.
        ConflictError: containers are made from it (`used_by`: id, name, state), or other images build on it.
    """
    _check_reference(reference)
    with translated(f"image {reference}"):
        try:
            engine.api.remove_image(reference, force=False)
        except docker.errors.APIError as error:
            if error.status_code != 409:
                raise
            raise _in_use(engine.api, reference, error) from error


def has_content_at(engine: Engine, reference: str, path: str) -> bool | None:
    """Whether the image has files at the absolute `path`: they fill an empty volume there, a bind hides them.

    None where the image is not on this engine, so that nobody can know. Looks through a container that is never
    started and removed at once. Raises EngineError and EngineUnreachableError.
    """
    try:
        image_id = image_detail(engine, reference).image.id
    except NotFoundError:
        return None
    known = _content.get((image_id, path))
    if known is None:
        with translated(f"image {reference}"), laid_open(engine.api, image_id) as container:
            known = _has_files(engine.api, container, path)
        _content.put((image_id, path), known)
    return known


def is_empty(api: docker.APIClient, image: str, volume: str) -> bool:
    """Whether nothing is in a volume, seen through a container that is never started.

    Only the beginning of the archive is read, however much there is. Raises docker's own errors, NotFound for a volume
    that is gone: call it through `Engine.read`.
    """
    api.inspect_volume(volume)  # the engine would make one that is gone anew
    path = "/demijohn-peek"
    mount = docker.types.Mount(target=path, source=volume, type="volume", read_only=True, no_copy=True)
    with laid_open(api, image, [mount]) as container, closing(_archive(api, container, f"{path}/.")) as answer:
        api._raise_for_status(answer)  # type: ignore[attr-defined]
        # An empty folder is one header of 512 bytes, then zeros; anything in it makes a second header.
        beginning = answer.raw.read(1024)
    return len(beginning) <= 512 or not beginning[512:1024].strip(b"\0")


class _Memory:
    """The answers asked for last. An image never changes under its id, so they stay true."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, str], bool] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, str]) -> bool | None:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def put(self, key: tuple[str, str], value: bool) -> None:
        with self._lock:
            self._known[key] = value
            if len(self._known) > self._most:
                self._known.popitem(last=False)


_content = _Memory(most=500)


def _has_files(api: Any, container: str, path: str) -> bool:
    with closing(_archive(api, container, path)) as answer:
        if answer.status_code == 404 or (answer.status_code >= 400 and "not a directory" in answer.text):
            return False
        api._raise_for_status(answer)
        stat = json.loads(base64.b64decode(answer.headers["X-Docker-Container-Path-Stat"]))
        if not stat["mode"] & (_FOLDER_BIT | _LINK_BIT):
            return True
    with closing(_archive(api, container, f"{path.rstrip('/')}/.")) as answer:
        if answer.status_code >= 400:
            return answer.status_code != 404
        with tarfile.open(fileobj=answer.raw, mode="r|") as entries:
            return any(entry.name.strip("./") for entry in entries)


def _archive(api: Any, container: str, path: str) -> requests.Response:
    """The beginning of `docker cp`'s answer; unlike docker-py's, it can be closed before the end."""
    url = api._url("/containers/{0}/archive", container)
    answer: requests.Response = api._get(
        url, params={"path": path}, headers={"Accept-Encoding": "identity"}, stream=True
    )
    return answer


def _check_reference(reference: str) -> None:
    """What can't name an image never reaches the engine, where it could mean another address."""
    if reference_problem(reference) and not _IMAGE_ID.fullmatch(reference):
        raise NotFoundError(f"There is no image {shown(reference)} on this engine.")


def _in_use(api: docker.APIClient, reference: str, error: docker.errors.APIError) -> ConflictError:
    image_id = _inspect(api, reference)["Id"]
    users = [found for found in api.containers(all=True) if found["ImageID"] == image_id]
    if not users:
        return ConflictError(
            f"The image {reference} can't be removed: {error.explanation}",
            hint="Remove what builds on it first, or its names one by one.",
        )
    names = ", ".join(listed_name(found) for found in users)
    return ConflictError(
        f"The image {reference} is in use by {names}.",
        hint="Remove these containers first.",
        used_by=tuple({"id": found["Id"], "name": listed_name(found), "state": found["State"]} for found in users),
    )


def _inspect(api: Any, reference: str) -> Mapping[str, Any]:
    raw: Mapping[str, Any] = api.inspect_image(reference)
    return raw


def _image(found: Mapping[str, Any], tags: list[str] | None, used_by: tuple[str, ...] | list[str]) -> Image:
    return Image(
        id=found["Id"],
        tags=tuple(tag for tag in tags or () if tag != "<none>:<none>"),
        size=found.get("Size") or 0,
        created=parse_time(found.get("Created")),
        used_by=tuple(sorted(used_by)),
    )
