"""Drivers and plugins over HTTP: real ones, installed from a real registry; and drivers that do not answer."""

from __future__ import annotations

import json
import re
import secrets
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.engine.http_client import Client
from tests.engine.rclone_plugin import make_plugin
from tests.engine.rclone_servers import PROGRAM, SOCKETS, RcloneDriver, rclone_driver
from tests.engine.registry import Registry
from tests.waiting import wait_until

__all__ = ["rclone_driver"]
PLUGINS = "/e/default/plugins"
VOLUMES = "/e/default/volumes"


@pytest.fixture(scope="module")
def published(docker: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The reference of a plugin in a registry, and the folder of this machine that it wants, which is not there yet."""
    registry = Registry(tmp_path_factory.mktemp("registry"))
    reference = f"{registry.host}/rclone/docker-volume-rclone:amd64"
    data = tmp_path_factory.mktemp("plugin-data") / "not" / "there"
    try:
        docker("plugin", "create", reference, str(make_plugin(tmp_path_factory.mktemp("plugin"), data)))
        docker("plugin", "push", reference)
        docker("plugin", "rm", reference)
        yield reference, data
    finally:
        registry.close()


@pytest.fixture
def alias(docker: Callable[..., str]) -> Iterator[str]:
    """A name for a plugin, which is gone afterwards."""
    name = f"rclone-m{secrets.token_hex(3)}"
    try:
        yield name
    finally:
        with suppress(Exception):
            docker("plugin", "rm", "--force", name)


def finished(api: Client, job: dict[str, Any]) -> dict[str, Any]:
    wait_until(lambda: api.get(f"/jobs/{job['id']}").json()["state"] not in {"queued", "running"}, seconds=120)
    return api.get(f"/jobs/{job['id']}").json()


def driver(api: Client, name: str) -> dict[str, Any] | None:
    return next((each for each in api.get(PLUGINS).json()["drivers"] if each["name"] == name), None)


def test_the_engines_own_driver_is_there_and_answers(api: Client) -> None:
    own = driver(api, "local")
    assert own is not None
    assert (own["source"], own["enabled"], own["health"]["state"]) == ("built-in", True, "answers")


def test_a_driver_beside_the_engine_is_found_before_a_volume_names_it(
    api: Client, visitor: Client, htmx: Client, rclone_driver: RcloneDriver
) -> None:
    found = driver(api, rclone_driver.name)
    assert found is not None
    assert (found["source"], found["health"]["state"]) == ("unmanaged", "answers")
    page = visitor.get(PLUGINS).text
    assert rclone_driver.name in page
    assert "answers" in htmx.get(f"{PLUGINS}/-/health", name=rclone_driver.name).text


def test_a_plugin_is_installed_with_what_was_agreed_to_used_and_removed(
    api: Client, docker: Callable[..., str], small_image: str, prefix: str, published: tuple[str, Path], alias: str
) -> None:
    reference, data = published
    asked = api.post(f"{PLUGINS}/-/permissions", {"reference": reference, "alias": alias}).json()["permissions"]
    assert {each["Name"] for each in asked} == {"network", "mount", "device", "capabilities"}
    sent = {"reference": reference, "alias": alias, "permissions": asked}
    job = finished(api, api.post(f"{PLUGINS}/install", sent).json(202)["job"])
    assert job["state"] == "done", job
    assert [layer["status"] for layer in job["result"]["layers"]] == ["Complete"]
    assert job["progress"]["done"] == job["progress"]["total"] > 1_000_000
    plugin = driver(api, f"{alias}:latest")
    assert plugin is not None
    assert (plugin["source"], plugin["enabled"], plugin["health"]["state"]) == ("managed", True, "answers")
    assert [str(data / "config"), "/data/config"] in plugin["folders"]

    (data / "config" / "files").mkdir()
    options = {"type": "local", "path": "/data/config/files", "allow-other": "true"}
    api.post(VOLUMES, {"name": f"{prefix}-v", "driver": alias, "options": options}).json(201)
    docker("run", "--rm", "--network=none", f"--volume={prefix}-v:/data", small_image, "sh", "-c", "echo kept >/data/x")
    wait_until((data / "config" / "files" / "x").exists)
    encrypted = {"where": "crypt-local", "driver": alias, "passphrase": "correct horse battery", "kept": True}
    told = api.post(VOLUMES, {"name": f"{prefix}-e", **encrypted, "folder": "/srv/encrypted"})
    assert "/data/config" in told.fields()["folder"]
    api.post(VOLUMES, {"name": f"{prefix}-e", **encrypted, "folder": "/data/config/encrypted"}).json(201)
    api.delete(f"{VOLUMES}/{prefix}-e")
    assert [each["volumes"] for each in api.get(PLUGINS).json()["drivers"] if each["name"] == plugin["name"]] == [1]
    api.delete(f"{VOLUMES}/{prefix}-v")

    assert api.post(f"{PLUGINS}/-/remove", {"name": alias}).status == 409
    assert api.post(f"{PLUGINS}/-/disable", {"name": alias}).json() == {"name": plugin["name"], "enabled": False}
    assert driver(api, plugin["name"])["health"]["state"] == "disabled"
    assert api.post(f"{PLUGINS}/-/enable", {"name": alias}).json()["enabled"] is True
    api.post(f"{PLUGINS}/-/disable", {"name": alias}).json()
    assert api.delete(f"{PLUGINS}/{alias}").status == 204
    assert driver(api, plugin["name"]) is None


def test_other_permissions_than_those_agreed_to_install_nothing(
    api: Client, published: tuple[str, Path], alias: str
) -> None:
    sent = {"reference": published[0], "alias": alias, "permissions": []}
    job = finished(api, api.post(f"{PLUGINS}/install", sent).json(202)["job"])
    assert job["state"] == "failed"
    assert "other permissions" in job["error"]
    assert driver(api, f"{alias}:latest") is None


def test_the_dialog_says_in_words_what_a_plugin_asks_for(htmx: Client, published: tuple[str, Path], alias: str) -> None:
    page = htmx.form(f"{PLUGINS}/-/permissions", {"reference": published[0], "alias": alias}).text
    assert "Use the network of the engine’s machine" in page
    assert "/dev/fuse" in page
    assert "CAP_SYS_ADMIN" in page
    assert "Agree and install" in page


def test_a_registry_out_of_reach_is_said_at_the_field(api: Client, alias: str) -> None:
    told = api.post(f"{PLUGINS}/-/permissions", {"reference": "127.0.0.1:9/x/y:z", "alias": alias})
    assert told.status == 502
    assert "registry" in told.json(502)["error"]
    assert set(api.post(f"{PLUGINS}/-/permissions", {"reference": "///", "alias": ""}).fields()) == {
        "reference",
        "alias",
    }


@contextmanager
def neighbour(*, answers: bool) -> Iterator[str]:
    """The name of a driver whose socket accepts connections, or which is there and nobody serves it."""
    name = f"hanging-{secrets.token_hex(3)}"
    SOCKETS.mkdir(parents=True, exist_ok=True)
    path = SOCKETS / f"{name}.sock"
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(path))
        held: list[socket.socket] = []
        if answers:
            listener.listen(64)
            threading.Thread(target=_accept, args=(listener, held), daemon=True).start()
        try:
            yield name
        finally:
            path.unlink()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            for each in held:
                each.close()


def _accept(listener: socket.socket, held: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            held.append(listener.accept()[0])


@pytest.mark.parametrize("answers", [True, False], ids=["accepts and is silent", "nobody serves it"])
def test_a_driver_that_hangs_holds_no_page_and_is_said_to(api: Client, htmx: Client, answers: bool) -> None:
    with neighbour(answers=answers) as name:
        page = htmx.get(PLUGINS)
        assert page.status == 200
        assert name in page.text
        told = htmx.get(f"{PLUGINS}/-/health", name=name).text
        assert "does not answer" in told or "fails" in told
        told = driver(api, name)
        assert told is not None
        assert told["health"]["state"] in {"silent", "failed"}
        assert json.dumps(told["health"]["error"])


def _alert(page: str) -> str:
    return "".join(re.findall(r'role="alert".*', page))[:500]


def test_the_driver_that_keeps_the_list_waiting_is_named_and_its_volume_is_still_shown(
    api: Client, htmx: Client, visitor: Client, prefix: str, rclone_driver: RcloneDriver, tmp_path: Path
) -> None:
    name = f"{prefix}-v"
    api.post(
        VOLUMES, {"name": name, "driver": rclone_driver.name, "options": {"type": "local", "path": str(tmp_path)}}
    ).json(201)
    assert name in visitor.get(VOLUMES).text
    with rclone_driver.frozen():
        page = visitor.get(VOLUMES, q=name)
        assert f"volume driver {rclone_driver.name} " in page.text, _alert(page.text)
        assert f'data-name="{name}"' in page.text
        shown = htmx.get(f"{VOLUMES}/{name}")
        assert shown.status == 200
        assert "what the list said of it last" in shown.text
        engine_id = api.get("/engines").json()["engines"][0]["id"]
        told = htmx.request("DELETE", f"{VOLUMES}/{name}?engine_id={engine_id}")
        assert told.status == 503
        assert rclone_driver.name in told.text
    wait_until(lambda: api.get(VOLUMES, q=name).status == 200)
    assert "does not answer" not in visitor.get(VOLUMES).text
    assert api.delete(f"{VOLUMES}/{name}").status == 204


def test_a_volume_whose_driver_is_gone_lists_and_inspects_and_says_why_it_stays(
    api: Client, visitor: Client, prefix: str, rclone_driver: RcloneDriver, tmp_path: Path
) -> None:
    name = f"{prefix}-v"
    api.post(
        VOLUMES, {"name": name, "driver": rclone_driver.name, "options": {"type": "local", "path": str(tmp_path)}}
    ).json(201)
    assert name in visitor.get(VOLUMES).text
    rclone_driver.stop()
    try:
        told = api.get(f"{VOLUMES}/{name}").json()
        assert told["driver"] == rclone_driver.name
        assert rclone_driver.name in told["trouble"]
        assert [each["name"] for each in api.get(VOLUMES, q=name).json()["volumes"]] == [name]
        refused = api.delete(f"{VOLUMES}/{name}").json(502)
        assert rclone_driver.name in refused["error"]
        assert "Start it again" in refused["hint"]
    finally:
        rclone_driver.start()
    wait_until(lambda: api.delete(f"{VOLUMES}/{name}").status in {204, 404}, seconds=60)


def test_a_mounted_volume_whose_storage_hangs_is_named(
    api: Client, docker: Callable[..., str], visitor: Client, prefix: str, small_image: str, tmp_path: Path
) -> None:
    """As with a file server that is away: the engine looks at the folder of every volume it lists."""
    (tmp_path / "data").mkdir()
    with mounted(tmp_path / "data", tmp_path / "seen") as server:
        options = {"type": "none", "o": "bind", "device": str(tmp_path / "seen")}
        api.post(VOLUMES, {"name": f"{prefix}-v", "options": options}).json(201)
        docker(
            "run",
            "--detach",
            "--network=none",
            f"--name={prefix}-c",
            f"--volume={prefix}-v:/data",
            small_image,
            "sleep",
            "600",
        )
        assert f"{prefix}-v" in visitor.get(VOLUMES).text
        server.send_signal(signal.SIGSTOP)
        try:
            wait_until(
                lambda: f"The storage of volume {prefix}-v does not answer" in visitor.get(VOLUMES).text, seconds=40
            )
        finally:
            server.send_signal(signal.SIGCONT)
        wait_until(lambda: api.get(VOLUMES).status == 200, seconds=60)
        docker("rm", "--force", f"{prefix}-c")
        api.delete(f"{VOLUMES}/{prefix}-v")


@contextmanager
def mounted(source: Path, target: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The folder seen through a program that can be made to hang."""
    target.mkdir()
    command = [
        PROGRAM,
        "mount",
        "--allow-other",
        "--attr-timeout=0s",
        "--config",
        source.parent / "none",
        source,
        target,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_until(target.is_mount)
            yield server
        finally:
            server.send_signal(signal.SIGCONT)
            server.terminate()


def test_plugins_that_are_not_there_are_404(api: Client) -> None:
    assert api.post(f"{PLUGINS}/-/disable", {"name": "nobody"}).status == 404
    assert api.get(f"{PLUGINS}/-/remove", name="nobody").status == 404
    assert api.delete(f"{PLUGINS}/nobody").status == 404


def test_a_page_that_changes_a_plugin_says_which_engine_it_means(htmx: Client) -> None:
    assert htmx.form(f"{PLUGINS}/-/disable", {"name": "nobody"}).status == 422
    assert htmx.form(f"{PLUGINS}/-/disable", {"name": "nobody", "engine_id": "another"}).status == 409
