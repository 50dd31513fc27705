"""Pulls images: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageCreate"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Event, Lock, Thread
from typing import Any

import docker.auth
import docker.errors
import requests
from docker.types import CancellableStream

from webui.engine.connection import Engine
from webui.engine.errors import TRANSLATED, engine_words, translate
from webui.engine.images import image_detail
from webui.engine.model import Image
from webui.engine.references import Reference, parse_reference
from webui.errors import DemijohnError, EngineError, NotFoundError

_WAITING = {"Pulling fs layer", "Waiting"}
_HERE_ALREADY = "Already exists"
_DOWNLOADED = {"Verifying Checksum", "Download complete", "Extracting", "Pull complete", "Complete"}
_FINISHED = {"Pull complete", "Complete", _HERE_ALREADY}
"""What engines say of images; of plugins some say “Complete”, and how large a layer is when they have it only."""


@dataclass(frozen=True, slots=True)
class LayerProgress:
    """A layer of an image on its way: the engine's own word for its state, and its compressed bytes.

    `current` of `total` bytes are here; `total` is None until its download begins, 0 for one that was here.
    """

    id: str
    status: str
    current: int = 0
    total: int | None = None

    @property
    def finished(self) -> bool:
        """Whether it is unpacked."""
        return self.status in _FINISHED


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is. `status` is the engine's last word about the whole."""

    layers: tuple[LayerProgress, ...] = ()
    status: str = ""

    @property
    def done(self) -> int:
        """Bytes downloaded."""
        return sum(layer.current for layer in self.layers)

    @property
    def total(self) -> int | None:
        """Bytes to download; None until the size of each layer is known."""
        sizes = [layer.total for layer in self.layers if layer.total is not None]
        return sum(sizes) if sizes and len(sizes) == len(self.layers) else None

    def after(self, item: Mapping[str, Any]) -> PullProgress:
        """The progress after one message of the engine's."""
        status = str(item.get("status", ""))
        layer_id = item.get("id")
        known = {layer.id: layer for layer in self.layers}
        if layer_id in known:
            known[layer_id] = _advanced(known[layer_id], status, item.get("progressDetail") or {})
        elif layer_id and (status in _WAITING or status in _FINISHED):
            known[layer_id] = LayerProgress(layer_id, status, total=0 if status == _HERE_ALREADY else None)
        else:
            return replace(self, status=status)
        return replace(self, layers=tuple(known.values()))


def pull(
    engine: Engine,
    reference: str,
    on_progress: Callable[[PullProgress], None],
    on_start: Callable[[Callable[[], None]], None],
) -> Image | None:
    """Pull an image, the tag `latest` if none is given, like `docker pull`. Returns it; None when cancelled.

    `on_start` is given, before anything is sent, what cancels the pull from another thread: it closes the
    connection, whereupon the engine stops downloading. Credentials are those of `docker login`.

    Raises:
        InvalidInputError: this is not the name of an image.
        NotFoundError: the registry has no such image, or not for this account.
        EngineError: the registry can't be reached, the engine's disk is full, or what else it said.
        EngineUnreachableError: the connection to the engine broke.
    """
    wanted = parse_reference(reference)
    request = EngineStream(engine.api, f"pull {wanted}", lambda api: _ask(api, wanted))
    on_start(request.cancel)
    progress = PullProgress()
    try:
        for item in request.messages():
            if "error" in item:
                raise pull_error(wanted, _error_text(item))
            progress = progress.after(item)
            on_progress(progress)
    except TRANSLATED as error:
        if not request.cancelled:
            raise _explained(wanted, error) from error
    return None if request.cancelled else image_detail(engine, str(wanted)).image


def pull_error(wanted: Reference, said: str) -> DemijohnError:
    """The domain's error for what an engine says about a pull that failed."""
    for pattern, explain in _REASONS:
        if pattern.search(said):
            return explain(wanted, said)
    return EngineError(f"Pulling {wanted} failed: {said}")


class EngineStream:
    """What an engine tells of a pull; it can be given up at any moment, also while the engine has not answered.

    `ask` sends the request and returns its response, a stream.
    """

    def __init__(self, api: Any, name: str, ask: Callable[[Any], requests.Response]) -> None:
        self._api = api
        self._name = name
        self._ask = ask
        self._response: requests.Response | None = None
        self._error: BaseException | None = None
        self._cancelled = False
        self._settled = Event()
        self._lock = Lock()

    @property
    def cancelled(self) -> bool:
        """Whether it was given up."""
        return self._cancelled

    def cancel(self) -> None:
        """Give it up, from any thread: the connection is closed, and the engine stops."""
        with self._lock:
            self._cancelled = True
            response = self._response
        self._settled.set()
        if response is not None:
            _cut(response)

    def messages(self) -> Iterator[Mapping[str, Any]]:
        """What the engine says, message by message. Raises docker's errors and those beneath it."""
        Thread(target=self._send, name=self._name, daemon=True).start()
        self._settled.wait()
        if self._cancelled:
            return
        if self._error is not None:
            raise self._error
        try:
            yield from self._api._stream_helper(self._response, decode=True)
        finally:
            if self._response is not None:
                self._response.close()

    def _send(self) -> None:
        """An engine answers as late as its registry does: a cancel must not wait for it."""
        try:
            response = self._ask(self._api)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error
        else:
            with self._lock:
                self._response = response
            if self._cancelled:
                response.close()
        self._settled.set()


def credentials_for(api: Any, name: str) -> dict[str, str]:
    """The header with what `docker login` kept for the registry of an image or plugin; none where it kept nothing."""
    api.reload_config()
    registry, _ = docker.auth.resolve_repository_name(name)
    credentials = docker.auth.get_config_header(api, registry)
    return {"X-Registry-Auth": credentials.decode()} if credentials else {}


def _ask(api: Any, wanted: Reference) -> requests.Response:
    response: requests.Response = api._post(
        api._url("/images/create"),
        params={"fromImage": wanted.name, "tag": wanted.version},
        headers=credentials_for(api, wanted.name),
        stream=True,
        timeout=None,
    )
    api._raise_for_status(response)
    return response


def _cut(response: requests.Response) -> None:
    """Close the connection under a thread that reads from it, which then sees it end."""
    try:
        CancellableStream(iter(()), response).close()
    except (docker.errors.DockerException, OSError):
        response.close()


def _advanced(layer: LayerProgress, status: str, detail: Mapping[str, Any]) -> LayerProgress:
    if status == "Downloading":
        total = detail.get("total") or layer.total
        return replace(layer, status=status, current=detail.get("current") or layer.current, total=total)
    if status in _DOWNLOADED:
        total = layer.total or detail.get("total") or detail.get("current") or 0
        return replace(layer, status=status, current=total, total=total)
    return replace(layer, status=status)


def _error_text(item: Mapping[str, Any]) -> str:
    return str((item.get("errorDetail") or {}).get("message") or item["error"])


def _explained(wanted: Reference, error: Exception) -> DemijohnError:
    if isinstance(error, docker.errors.APIError):
        return pull_error(wanted, engine_words(error))
    return translate(error, subject=f"image {wanted}")


def _not_there(wanted: Reference, said: str) -> DemijohnError:  # noqa: ARG001 - one shape for all reasons
    return NotFoundError(
        f"The registry {wanted.registry} has no image {wanted}, or not for this account.",
        hint=f"Check the spelling and the tag. If it is private, log in with `docker login {wanted.registry}`.",
    )


def _out_of_reach(wanted: Reference, said: str) -> DemijohnError:
    return EngineError(
        f"The engine can't reach the registry {wanted.registry}: {said}",
        hint="Check the engine's network and proxy, or make a small image from this machine's tools.",
    )


def _not_secure(wanted: Reference, said: str) -> DemijohnError:
    return EngineError(
        f"The engine does not trust the registry {wanted.registry}: {said}",
        hint="Give the registry a certificate the engine trusts, or list it under `insecure-registries`.",
    )


def _disk_full(wanted: Reference, said: str) -> DemijohnError:  # noqa: ARG001
    return EngineError(
        f"The engine's disk is full: {wanted} does not fit.",
        hint="Remove unused images or volumes, then try again.",
    )


def _too_often(wanted: Reference, said: str) -> DemijohnError:  # noqa: ARG001
    return EngineError(
        f"The registry {wanted.registry} allows no more pulls for now.",
        hint=f"Wait some hours, or log in with `docker login {wanted.registry}` for a higher limit.",
    )


def _other_machine(wanted: Reference, said: str) -> DemijohnError:  # noqa: ARG001
    return NotFoundError(
        f"{wanted} exists, but not for this engine's kind of processor.",
        hint="Look in the registry for a tag that does.",
    )


_REASONS: tuple[tuple[re.Pattern[str], Callable[[Reference, str], DemijohnError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), explain)
    for pattern, explain in (
        (r"no space left on device|disk quota exceeded", _disk_full),
        (r"toomanyrequests|rate limit", _too_often),
        (r"no matching manifest|no match for platform", _other_machine),
        (r"x509:|certificate|server gave HTTP response to HTTPS client", _not_secure),
        (
            r"dial tcp|no such host|connection (refused|reset)|i/o timeout|Client\.Timeout"
            r"|deadline exceeded|TLS handshake|no route to host|network is unreachable|unexpected EOF|: EOF"
            r"|proxyconnect|(502|503|504) ",
            _out_of_reach,
        ),
        (
            r"manifest (for .* )?(unknown|not found)|not found|does not exist|name unknown|denied|unauthorized"
            r"|no basic auth credentials",
            _not_there,
        ),
    )
)
