"""The `docker` command for each thing the app does, to copy. Pure.

Follows https://docs.docker.com/reference/cli/docker/. What a launch looks like stands in `webui.mounts`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence


def volume_list() -> str:
    """`docker volume ls`."""
    return "docker volume ls"


def volume_inspect(name: str) -> str:
    """`docker volume inspect`."""
    return shlex.join(["docker", "volume", "inspect", name])


def volume_remove(names: Sequence[str]) -> str:
    """`docker volume rm`."""
    return shlex.join(["docker", "volume", "rm", *names])


def volume_create(name: str, driver: str, options: Iterable[tuple[str, str]], labels: Iterable[tuple[str, str]]) -> str:
    """`docker volume create` with its driver, options and labels; Docker's defaults are left out."""
    words = ["docker", "volume", "create"]
    if driver not in {"", "local"}:
        words += ["--driver", driver]
    for key, value in options:
        words += ["--opt", f"{key}={value}"]
    for key, value in labels:
        words += ["--label", f"{key}={value}" if value else key]
    return shlex.join([*words, name] if name else words)


def container_list() -> str:
    """`docker ps --all`."""
    return "docker ps --all"


def container_inspect(name: str) -> str:
    """`docker inspect`."""
    return shlex.join(["docker", "container", "inspect", name])


def container_action(action: str, name: str) -> str:
    """`docker start`, `stop` or `restart`."""
    return shlex.join(["docker", action, name])


def container_remove(name: str, *, anonymous_volumes: bool, stop_first: bool) -> str:
    """`docker rm`, after `docker stop` where it still runs."""
    remove = shlex.join(["docker", "rm", *(["--volumes"] if anonymous_volumes else []), name])
    return f"{container_action('stop', name)} && {remove}" if stop_first else remove


def container_logs(name: str) -> str:
    """`docker logs` with times, going on as lines come."""
    return shlex.join(["docker", "logs", "--timestamps", "--follow", name])


def image_list() -> str:
    """`docker image ls`."""
    return "docker image ls"


def image_pull(reference: str) -> str:
    """`docker pull`."""
    return shlex.join(["docker", "pull", reference or "IMAGE"])


def image_remove(reference: str) -> str:
    """`docker image rm`."""
    return shlex.join(["docker", "image", "rm", reference])
