"""Volumes in memory: full at their size, owned as they were made, and empty again after the last stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.http_client import Client

VOLUMES = "/e/default/volumes"
MIB = 1024 * 1024


@pytest.fixture
def name(api: Client, docker: Callable[..., str], prefix: str, small_image: str) -> str:
    """A volume of a megabyte in memory, held by a running container."""
    sent: dict[str, Any] = {"where": "tmpfs", "size": "1m", "mode": "1770", "uid": 1000, "gid": 1001}
    api.post(VOLUMES, {"name": f"{prefix}-v", **sent}).json(201)
    hold = ("run", "--detach", "--network=none", f"--name={prefix}-holder", f"--volume={prefix}-v:/data")
    docker(*hold, small_image, "sleep", "600")
    return f"{prefix}-v"


def test_it_has_the_size_mode_and_owner_that_were_asked_for(docker: Callable[..., str], prefix: str, name: str) -> None:
    told = docker("exec", f"{prefix}-holder", "stat", "-c", "%a %u %g", "/data")
    assert told == "1770 1000 1001"
    size = docker("exec", f"{prefix}-holder", "stat", "-f", "-c", "%b %S", "/data").split()
    assert int(size[0]) * int(size[1]) == MIB


def test_what_does_not_fit_is_refused_in_words_and_leaves_what_was_there(api: Client, name: str) -> None:
    files = f"{VOLUMES}/{name}/files"
    assert api.request("PUT", f"{files}/small", b"x" * 1000).status == 201
    told = api.request("PUT", f"{files}/large", bytes(2 * MIB))
    assert told.status == 409
    assert "full" in told.json(409)["error"]
    assert [each["name"] for each in api.get(files).json()["entries"]] == ["small"]
    assert api.request("PUT", f"{files}/small", bytes(2 * MIB)).status == 409
    assert api.get(f"{VOLUMES}/{name}/download/small").body == b"x" * 1000


def test_it_is_empty_again_after_the_last_stop_and_that_was_said(
    api: Client, visitor: Client, docker: Callable[..., str], prefix: str, small_image: str, name: str
) -> None:
    docker("exec", f"{prefix}-holder", "sh", "-c", "echo kept >/data/note")
    assert "empty again when the last container" in visitor.get(f"{VOLUMES}/{name}").text
    docker("rm", "--force", f"{prefix}-holder")
    for helper in docker("ps", "--quiet", f"--filter=volume={name}").split():
        docker("rm", "--force", helper)
    found = docker("run", "--rm", "--network=none", f"--volume={name}:/data", small_image, "ls", "/data")
    assert found == ""
