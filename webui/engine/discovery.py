"""Which engines this machine knows: DOCKER_HOST, the docker command's contexts, and the usual sockets.

Contexts (https://docs.docker.com/engine/manage-resources/contexts/) are `contexts/meta/<id>/meta.json` and
`contexts/tls/<id>/docker/*.pem` in the folder of the docker command's configuration.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from docker.tls import TLSConfig

from webui.engine.model import EngineAddress
from webui.errors import NotFoundError
from webui.settings import DockerEnvironment, Settings

DEFAULT = "default"
STANDARD_SOCKET = "unix:///var/run/docker.sock"
_RESERVED = frozenset({DEFAULT, "private"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and the certificates to speak to it with."""

    address: EngineAddress
    tls: TLSConfig | None = None

    def named(self, name: str) -> Endpoint:
        """The same endpoint under another name."""
        return replace(self, address=replace(self.address, name=name))


def preferred(settings: Settings) -> tuple[Endpoint, ...]:
    """Where the engine to start with may be, the most wanted first: several for auto, none for private.

    Raises:
        NotFoundError: `--engine` names a context that does not exist.
    """
    if settings.engine == "private":
        return ()
    if "://" in settings.engine:
        return (_from_url(settings.engine, "option", "given with --engine", settings.docker),)
    found = {endpoint.address.name: endpoint for endpoint in contexts(settings.docker)}
    if settings.engine not in {"auto", DEFAULT}:
        return (_context(settings.engine, found),)
    return tuple(_distinct(_automatic(settings, found)))


def others(settings: Settings, chosen: Endpoint) -> tuple[Endpoint, ...]:
    """Every further context and every further socket that exists, each under a name that fits a URL."""
    taken = set(_RESERVED)
    listed = []
    known_urls = {chosen.address.url}
    for endpoint in contexts(settings.docker):
        if endpoint.address.description != chosen.address.description:
            listed.append(endpoint.named(_free_name(endpoint.address.name, taken)))
            known_urls.add(endpoint.address.url)
    for endpoint in sockets(settings):
        if endpoint.address.url not in known_urls and _socket_path(endpoint).exists():
            listed.append(endpoint.named(_free_name(endpoint.address.name, taken)))
            known_urls.add(endpoint.address.url)
    return tuple(listed)


def contexts(environment: DockerEnvironment) -> tuple[Endpoint, ...]:
    """The contexts the docker command keeps, by name; what can't be read is left out."""
    folder = environment.config_folder / "contexts"
    found = [_read_context(file, folder) for file in folder.glob("meta/*/meta.json")]
    return tuple(sorted((each for each in found if each), key=lambda each: each.address.name))


def sockets(settings: Settings) -> tuple[Endpoint, ...]:
    """The usual sockets of the engines that run on a person's own machine, whether they exist or not."""
    home = settings.home_folder
    runtime = settings.runtime_folder or Path(f"/run/user/{os.getuid()}")
    places = (
        ("docker", Path("/var/run/docker.sock"), "Docker"),
        ("docker-rootless", runtime / "docker.sock", "rootless Docker"),
        ("docker-desktop", home / ".docker/desktop/docker.sock", "Docker Desktop"),
        ("docker-desktop", home / ".docker/run/docker.sock", "Docker Desktop"),
        ("orbstack", home / ".orbstack/run/docker.sock", "OrbStack"),
        ("colima", home / ".colima/default/docker.sock", "Colima"),
        ("rancher-desktop", home / ".rd/docker.sock", "Rancher Desktop"),
        ("podman", Path("/run/podman/podman.sock"), "Podman"),
        ("podman-rootless", runtime / "podman/podman.sock", "rootless Podman"),
    )
    return tuple(
        Endpoint(EngineAddress(name, f"unix://{path}", "socket", f"{product}'s usual socket"))
        for name, path, product in places
    )


def _automatic(settings: Settings, found: dict[str, Endpoint]) -> Iterator[Endpoint]:
    environment = settings.docker
    if environment.host:
        yield _from_url(environment.host, "environment", "given in DOCKER_HOST", environment)
    wanted = environment.context or _current_context(environment)
    if wanted and wanted != DEFAULT and (environment.context or not environment.host):
        yield _context(wanted, found)
    yield from (each for each in sockets(settings) if _socket_path(each).exists())
    yield Endpoint(EngineAddress(DEFAULT, STANDARD_SOCKET, "socket", "Docker's usual socket"))


def _distinct(endpoints: Iterable[Endpoint]) -> Iterator[Endpoint]:
    seen: set[str] = set()
    for endpoint in endpoints:
        if endpoint.address.url not in seen:
            seen.add(endpoint.address.url)
            yield endpoint.named(DEFAULT)


def _context(name: str, found: dict[str, Endpoint]) -> Endpoint:
    if name in found:
        return found[name].named(DEFAULT)
    known = ", ".join(sorted(found)) or "none"
    raise NotFoundError(f"There is no docker context named {name}.", hint=f"`docker context ls` lists them: {known}.")


def _current_context(environment: DockerEnvironment) -> str:
    name = _read_json(environment.config_folder / "config.json").get("currentContext", "")
    return name if isinstance(name, str) else ""


def _read_context(file: Path, folder: Path) -> Endpoint | None:
    content = _read_json(file)
    name = content.get("Name")
    endpoints = content.get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(name, str) or not name or not isinstance(endpoint, dict):
        return None
    address = EngineAddress(name, str(endpoint.get("Host") or STANDARD_SOCKET), "context", f"docker context {name}")
    material = folder / "tls" / hashlib.sha256(name.encode()).hexdigest() / "docker"
    verify = not endpoint.get("SkipTLSVerify", False)
    return Endpoint(address, _certificates(material, verify=verify) if address.url.startswith("tcp") else None)


def _from_url(url: str, source: str, description: str, environment: DockerEnvironment) -> Endpoint:
    tls = None
    if environment.tls_verify or url.startswith("https://"):
        folder = environment.certificate_folder or environment.config_folder
        tls = _certificates(folder, verify=True) or TLSConfig(verify=True)
    local = url.startswith(("unix://", "npipe://"))
    return Endpoint(EngineAddress(DEFAULT, url, source, description), None if local else tls)


def _certificates(folder: Path, *, verify: bool) -> TLSConfig | None:
    ca, certificate, key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
    pair = (str(certificate), str(key)) if certificate.exists() and key.exists() else None
    if not pair and not ca.exists():
        return None
    return TLSConfig(client_cert=pair, ca_cert=str(ca) if ca.exists() else None, verify=verify)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _socket_path(endpoint: Endpoint) -> Path:
    return Path(endpoint.address.url.removeprefix("unix://"))


def _free_name(wanted: str, taken: set[str]) -> str:
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).strip(".-") or "engine"
    name, number = slug, 2
    while name in taken:
        name, number = f"{slug}-{number}", number + 1
    taken.add(name)
    return name
