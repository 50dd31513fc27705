"""The engines one can choose, and one client for each that survives the engine's comings and goings."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import docker
import docker.errors
import requests
from docker.constants import DEFAULT_TIMEOUT_SECONDS

from webui.engine import discovery
from webui.engine.discovery import DEFAULT, Endpoint
from webui.engine.errors import translated
from webui.engine.model import EngineAddress, EngineFacts
from webui.engine.private import PrivateEngine
from webui.engine.reservations import Reservations
from webui.engine.single_flight import SingleFlight
from webui.errors import DemijohnError, EngineUnreachableError, NotFoundError
from webui.settings import Settings

CONNECT_SECONDS = 5
"""How long an engine may take to answer the first question."""
_PROBE_SECONDS = 2.0
_MOST_CONNECTIONS = 32
_READING = frozenset({"GET", "HEAD"})
_SSH_HINT = (
    "Forward the engine's socket instead: `ssh -N -L /tmp/engine.sock:/var/run/docker.sock HOST`, and start "
    "Demijohn with --engine unix:///tmp/engine.sock. (Or install the Python package paramiko beside it.)"
)
_WRONG_HINT = "Check the address and the certificates; an engine that listens with TLS needs them."
_VIRTUAL_MACHINES = ("docker desktop", "orbstack", "colima", "rancher desktop")

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Engine:
    """One engine and its one client. Every method may be called from any thread.

    The client is made at first use, and anew after the connection was lost; the API version is the one that
    the engine itself offers (https://docs.docker.com/reference/api/engine/#versioned-api-and-sdk).
    """

    def __init__(self, endpoint: Endpoint, *, explain: Callable[[], DemijohnError | None] | None = None) -> None:
        """`explain` is asked for a better reason when the engine can't be reached; None keeps the first."""
        self.reservations = Reservations()
        """The names and ports that are being given to something new."""
        self._endpoint = endpoint
        self._explain = explain
        self._flights = SingleFlight(f"engine {endpoint.address.name}")
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None
        self._facts: EngineFacts | None = None
        self._closed = False

    @property
    def address(self) -> EngineAddress:
        """Its name in URLs, where it listens, and who said so."""
        return self._endpoint.address

    @property
    def name(self) -> str:
        """Its name in URLs."""
        return self.address.name

    @property
    def api(self) -> docker.APIClient:
        """The client, connected. Calls that change something go inside `translated(…)`.

        Raises:
            EngineUnreachableError: nobody answers there, with why and what to do.
            EngineSlowError: it accepts the connection and does not answer within CONNECT_SECONDS.
        """
        client = self._client
        return client or self._flights.run("connect", self._connect, wait=CONNECT_SECONDS)

    @property
    def known_facts(self) -> EngineFacts | None:
        """The facts if they were read since the engine was reached last; it is not asked."""
        return self._facts

    def facts(self) -> EngineFacts:
        """What is known of the engine, read once per connection. Raises as `read` does."""
        return self._facts or self.read("facts", self._read_facts)

    def identity(self) -> str:
        """Who answers now, asked anew: another engine may listen at the same address since. Raises as `read` does."""
        self.changed()
        return self.read("facts", self._read_facts).identity

    def read(self, key: str, call: Callable[[docker.APIClient], T], *, wait: float = 2.0) -> T:
        """What `call` answers, within `wait` seconds; a call with the same key that still runs is shared.

        Raises:
            EngineSlowError: no answer yet; it goes on in the background, and the next caller gets it.
            EngineUnreachableError: no connection, or it broke.
            DemijohnError: what the engine answered, as `webui.engine.errors.translate` has it.
        """
        return self._flights.run(("read", key), lambda: self._ask(call), wait=wait)

    def changed(self) -> None:
        """Something on the engine changed: reads from now on don't join those that began before."""
        self._flights.renew()

    def forget(self) -> None:
        """The connection was lost: the next call connects anew and reads the facts again."""
        with self._lock:
            client, self._client, self._facts = self._client, None, None
        self.changed()
        if client is not None:
            client.close()

    def close(self) -> None:
        """Give the connections back; later calls raise EngineUnreachableError."""
        self._closed = True
        self.forget()

    def _ask(self, call: Callable[[docker.APIClient], T]) -> T:
        client = self.api
        try:
            with translated(self._subject):
                return call(client)
        except EngineUnreachableError as error:
            _log.warning("%s", error)
            if self._client is client:
                self.forget()
            raise self._better(error) from error

    def _connect(self) -> docker.APIClient:
        try:
            client = self._make_client()
        except EngineUnreachableError as error:
            raise self._better(error) from error
        with self._lock:
            if self._closed:
                client.close()
                raise EngineUnreachableError("Demijohn is stopping.")
            self._client, self._facts = client, None
        _log.info("connected to %s, API %s", self._subject, client.api_version)
        return client

    def _make_client(self) -> docker.APIClient:
        try:
            with translated(self._subject):
                client = _Client(
                    base_url=self.address.url,
                    version="auto",
                    timeout=CONNECT_SECONDS,
                    tls=self._endpoint.tls or False,
                    max_pool_size=_MOST_CONNECTIONS,
                )
        except EngineUnreachableError:
            raise
        except DemijohnError as error:
            hint = _SSH_HINT if self.address.url.startswith("ssh://") else _WRONG_HINT
            raise EngineUnreachableError(error.message, hint=hint) from error
        client.timeout = DEFAULT_TIMEOUT_SECONDS
        client.hooks["response"].append(self._note_change)
        return client

    def _note_change(self, response: requests.Response, *_: Any, **__: Any) -> None:
        if response.request.method not in _READING:
            self.changed()

    def _better(self, error: EngineUnreachableError) -> DemijohnError:
        return (self._explain() if self._explain else None) or error

    def _read_facts(self, client: docker.APIClient) -> EngineFacts:
        facts = _facts(client.version(), client.info(), client.api_version, self.address.url)
        with self._lock:
            if self._client is client:
                self._facts = facts
        return facts

    @property
    def _subject(self) -> str:
        return f"the engine at {self.address.url}"


class _Client(docker.APIClient):
    """A client whose own certificate authority counts; requests would let REQUESTS_CA_BUNDLE win over it."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        own = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, own, cert)


class Engines:
    """All engines: the one chosen at the start, named `default`, and every other one this machine knows.

    `notes` are sentences about engines that were preferred and did not answer.
    """

    default = DEFAULT

    def __init__(self, settings: Settings) -> None:
        """Finds them; where `--engine auto` finds none that answers, a private one is being started.

        Raises:
            NotFoundError: `--engine` names a context that does not exist.
            EngineUnreachableError: `--engine private` on a machine without dockerd and podman.
        """
        self._private: PrivateEngine | None = None
        self.notes: tuple[str, ...] = ()
        chosen = self._choose(settings)
        rest = discovery.others(settings, chosen._endpoint)
        self._engines = {DEFAULT: chosen} | {each.address.name: Engine(each) for each in rest}

    def get(self, name: str) -> Engine:
        """The engine of that name. Raises NotFoundError."""
        try:
            return self._engines[name]
        except KeyError:
            known = ", ".join(self._engines)
            raise NotFoundError(f"There is no engine named {name}.", hint=f"There are: {known}.") from None

    def addresses(self) -> tuple[EngineAddress, ...]:
        """Where all of them are, the default first."""
        return tuple(engine.address for engine in self._engines.values())

    def close(self) -> None:
        """Close the clients and stop the private engine, if this app started one."""
        for engine in self._engines.values():
            engine.close()
        if self._private is not None:
            self._private.stop()

    def _choose(self, settings: Settings) -> Engine:
        if settings.engine == "private":
            return self._start_private(settings)
        candidates = discovery.preferred(settings)
        if settings.engine != "auto":
            return Engine(candidates[0])
        for candidate in candidates:
            engine = Engine(candidate)
            trouble = trouble_with(engine)
            if trouble is None:
                return engine
            self._note(candidate.address, trouble)
        if PrivateEngine.possible(settings):
            return self._start_private(settings)
        return Engine(candidates[0])

    def _note(self, address: EngineAddress, trouble: DemijohnError) -> None:
        if address.source != "socket" or Path(address.url.removeprefix("unix://")).exists():
            self.notes += (f"Passed over: {address.description}. {trouble.message} {trouble.hint}",)

    def _start_private(self, settings: Settings) -> Engine:
        self._private = private = PrivateEngine.of(settings)
        private.wake()
        return Engine(Endpoint(private.address(DEFAULT)), explain=private.wake)


def trouble_with(engine: Engine) -> DemijohnError | None:
    """Why it can't be used now, or None."""
    try:
        engine.read("ping", lambda client: client.ping(), wait=_PROBE_SECONDS)
    except DemijohnError as error:
        return error
    return None


def _facts(version: Mapping[str, Any], info: Mapping[str, Any], api: str, url: str) -> EngineFacts:
    components = " ".join(str(each.get("Name", "")) for each in version.get("Components") or ())
    podman = "podman" in components.lower()
    hostname = str(info.get("Name", ""))
    data_folder = str(info.get("DockerRootDir", ""))
    system = str(info.get("OperatingSystem", ""))
    swarm = info.get("Swarm") or {}
    return EngineFacts(
        identity=":".join((hostname if podman else str(info.get("ID", "")), data_folder)),
        hostname=hostname,
        product=_product(system, podman=podman),
        version=str(version.get("Version", "")),
        api_version=_api_version(api),
        operating_system=system,
        data_folder=data_folder,
        local=_is_local(url, hostname, system),
        rootless=any("rootless" in str(option) for option in info.get("SecurityOptions") or ()),
        swarm=swarm.get("LocalNodeState") == "active",
        volume_drivers=tuple(sorted((info.get("Plugins") or {}).get("Volume") or ("local",))),
        architecture=str(info.get("Architecture", "")),
    )


def _product(system: str, *, podman: bool) -> str:
    if podman:
        return "Podman"
    return "Docker Desktop" if system == "Docker Desktop" else "Docker"


def _api_version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor or 0)


def _is_local(url: str, hostname: str, system: str) -> bool:
    """Whether the engine's host is this machine, so that a path means the same folder here and there."""
    if not url.startswith(("unix://", "npipe://")) or system.lower().startswith(_VIRTUAL_MACHINES):
        return False
    return hostname == socket.gethostname()
