"""Volumes whose data lives elsewhere, over HTTP: made with the right options, tried first, nothing left and no secret told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.http_client import Client
from tests.waiting import wait_until

VOLUMES = "/e/default/volumes"
PASSWORD = "s3cr3t,pass=wörd"


def inspected(docker: Callable[..., str], name: str) -> dict[str, Any]:
    return json.loads(docker("volume", "inspect", name))[0]


def volumes(docker: Callable[..., str], prefix: str) -> list[str]:
    """The names of the test's volumes, and of those that were made to try storage."""
    names = docker("volume", "ls", "--quiet").split()
    return [name for name in names if name.startswith((prefix, "demijohn-test-"))]


def finished(api: Client, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it is over."""
    wait_until(lambda: api.get(f"/jobs/{job['id']}").json()["state"] not in {"queued", "running"}, seconds=90)
    return api.get(f"/jobs/{job['id']}").json()


@pytest.mark.parametrize(
    ("sent", "kind", "options"),
    [
        ({"where": "local"}, "local", {}),
        ({"where": "bind", "folder": "/srv/x"}, "bind", {"type": "none", "o": "bind", "device": "/srv/x"}),
        ({"where": "tmpfs"}, "tmpfs", {"type": "tmpfs", "device": "tmpfs"}),
        (
            {"where": "tmpfs", "size": "64 MiB", "mode": "1770", "uid": 1000, "gid": "1000"},
            "tmpfs",
            {"type": "tmpfs", "device": "tmpfs", "o": "size=64m,mode=1770,uid=1000,gid=1000"},
        ),
        (
            {"where": "nfs", "server": "nas", "export": "/srv/x", "port": 2050, "read_only": True, "untested": True},
            "nfs",
            {"type": "nfs", "o": "addr=nas,nfsvers=4.2,port=2050,ro", "device": ":/srv/x"},
        ),
        (
            {
                **{"where": "smb", "server": "nas.lan", "share": "media/music", "username": "ann"},
                **{"password": PASSWORD, "version": "3.1.1", "untested": True},
            },
            "cifs",
            {
                "type": "cifs",
                "o": "addr=nas.lan,username=ann,password=s3cr3t,,pass=wörd,vers=3.1.1",
                "device": "//nas.lan/media/music",
            },
        ),
        (
            {"where": "other", "options": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}},
            "tmpfs",
            {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"},
        ),
    ],
    ids=lambda value: value["where"] if isinstance(value, dict) and "where" in value else "",
)
def test_each_place_becomes_the_options_that_docker_needs(
    api: Client,
    docker: Callable[..., str],
    prefix: str,
    sent: dict[str, Any],
    kind: str,
    options: dict[str, str],
) -> None:
    told = api.post(VOLUMES, {"name": f"{prefix}-v", **sent})
    assert told.json(201)["kind"] == kind
    assert (inspected(docker, f"{prefix}-v")["Options"] or {}) == options
    assert "s3cr3t" not in told.text


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"where": "moon"}, "where"),
        ({"where": "tmpfs", "size": "10 bananas"}, "size"),
        ({"where": "tmpfs", "size": "0"}, "size"),
        ({"where": "tmpfs", "mode": "rwx"}, "mode"),
        ({"where": "bind", "folder": "data"}, "folder"),
        ({"where": "bind"}, "folder"),
        ({"where": "nfs", "server": "nas:/srv", "export": "/srv"}, "server"),
        ({"where": "nfs", "server": "nas", "export": "srv"}, "export"),
        ({"where": "nfs", "server": "nas", "export": "/srv", "version": "5"}, "version"),
        ({"where": "nfs", "server": "nas", "export": "/srv", "port": 70000}, "port"),
        ({"where": "nfs", "server": "nas", "export": "/srv", "extra": "addr=evil"}, "extra"),
        ({"where": "smb", "server": "nas", "share": "\\\\nas\\x"}, "share"),
        ({"where": "smb", "server": "nas", "share": "x", "password": "a\nb", "username": "ann"}, "password"),
        ({"where": "smb", "server": "nas", "share": "x", "username": "ann,uid=0"}, "username"),
        ({"where": "local", "options": {"type": "nfs"}}, "options"),
        ({"where": "local", "size": "1m"}, "size"),
        ({"options": {"type": "tmpfs", "device": "tmpfs", "o": "size=10 bananas"}}, "options"),
        ({"driver": "rclone", "options": {"type": "s3", "s3-endpoint": "http://u:s3cr3t@h"}}, "options"),
        ({"driver": "rclone", "options": {"type": "s3", "s3-endpoint": "http://h\nX: y"}}, "options"),
        (
            {"driver": "rclone", "options": {"type": "crypt", "crypt-remote": ":s3,endpoint='http://u:s3cr3t@h':b"}},
            "options",
        ),
    ],
)
def test_what_can_not_be_meant_is_refused_at_its_field_and_nothing_is_made(
    api: Client, docker: Callable[..., str], prefix: str, sent: dict[str, Any], field: str
) -> None:
    told = api.post(VOLUMES, {"name": f"{prefix}-v", **sent})
    assert set(told.fields()) == {field}
    assert "s3cr3t" not in told.text
    assert not volumes(docker, prefix)


def test_storage_is_tried_in_a_mount_of_its_own_and_nothing_of_it_is_left(
    api: Client, docker: Callable[..., str], prefix: str, small_image: str
) -> None:
    job = api.post(f"{VOLUMES}/-/test", {"where": "tmpfs", "size": "1m"}).json(202)["job"]
    result = finished(api, job)
    assert result["state"] == "done", result
    assert result["result"]["writable"] is True
    assert result["result"]["found"] == 0
    assert not volumes(docker, prefix)


def test_a_folder_that_is_not_there_is_found_out_by_the_test(
    api: Client, docker: Callable[..., str], prefix: str, small_image: str, tmp_path: Path
) -> None:
    job = api.post(f"{VOLUMES}/-/test", {"where": "bind", "folder": f"{tmp_path}/none"}).json(202)["job"]
    result = finished(api, job)
    assert result["state"] == "failed"
    assert result["result"]["field"] == "folder"
    assert "no such folder" in result["error"]
    assert not volumes(docker, prefix)


def test_a_volume_whose_server_is_not_there_is_not_made_unless_one_insists(
    api: Client, docker: Callable[..., str], prefix: str, small_image: str
) -> None:
    """Port 9 of this machine: refused where the kernel can mount NFS, told that it can't where it can't."""
    sent = {"name": f"{prefix}-v", "where": "nfs", "server": "127.0.0.1", "export": "/srv", "port": 9}
    told = api.post(VOLUMES, sent)
    assert told.status in {409, 422}, told.text
    assert "NFS" in told.json(told.status)["error"]
    assert not volumes(docker, prefix)
    api.post(VOLUMES, {**sent, "untested": True}).json(201)
    assert volumes(docker, prefix) == [f"{prefix}-v"]


def test_a_volume_with_storage_that_is_gone_still_lists_inspects_and_goes(
    api: Client, docker: Callable[..., str], prefix: str, small_image: str
) -> None:
    name = f"{prefix}-v"
    sent = {"name": name, "where": "smb", "server": "127.0.0.1", "share": "x", "port": 9, "untested": True}
    api.post(VOLUMES, {**sent, "username": "ann", "password": PASSWORD}).json(201)
    listed = api.get(VOLUMES, q=name)
    assert [each["kind"] for each in listed.json()["volumes"]] == ["cifs"]
    shown = api.get(f"{VOLUMES}/{name}")
    assert shown.json()["options"]["o"] == "addr=127.0.0.1,username=ann,password=••••••••,vers=3.0,port=9"
    job = finished(api, api.post(f"{VOLUMES}/{name}/-/check", {}).json(202)["job"])
    assert job["state"] == "failed"
    assert job["error"]
    assert "s3cr3t" not in listed.text + shown.text + json.dumps(job)
    assert api.delete(f"{VOLUMES}/{name}").status == 204


def test_a_volume_that_answers_is_said_to(
    api: Client, docker: Callable[..., str], prefix: str, small_image: str
) -> None:
    docker("volume", "create", f"{prefix}-v")
    job = finished(api, api.post(f"{VOLUMES}/{prefix}-v/-/check", {}).json(202)["job"])
    assert (job["state"], job["result"]) == ("done", {"found": 0})


def test_no_secret_comes_back_with_the_form(htmx: Client, prefix: str) -> None:
    for address in (f"{VOLUMES}/-/preview", VOLUMES):
        page = htmx.form(
            address,
            {
                "name": f"{prefix}-v",
                "where": "smb",
                "server": "n a s",
                "share": "x",
                "username": "ann",
                "password": PASSWORD,
            },
        ).text
        assert "n a s" in page
        assert "s3cr3t" not in page
        assert "$PASSWORD" in page


def test_an_address_with_a_password_in_it_does_not_come_back_either(htmx: Client, prefix: str) -> None:
    sent = {"name": f"{prefix}-v", "where": "s3", "provider": "Minio", "endpoint": "http://ann:s3cr3t@nas:9000"}
    for address in (f"{VOLUMES}/-/preview", f"{VOLUMES}/-/test", VOLUMES):
        page = htmx.form(address, sent).text
        assert "user or password in the address" in page
        assert "s3cr3t" not in page


def test_rows_of_free_options_hide_secrets_as_well(htmx: Client, prefix: str) -> None:
    page = htmx.form(
        f"{VOLUMES}/-/preview",
        {
            "name": f"{prefix}-v",
            "where": "other",
            "options_row": ["aa", "bb"],
            "options_key": ["o", "s3-secret-access-key"],
            "options_value": ["username=ann,password=s3cr3t", "s3cr3t"],
            "options_text": "token=s3cr3t",
        },
    ).text
    assert "s3cr3t" not in page
    assert 'id="options-value-bb"' in page


def test_a_pasted_line_fills_the_form_in_and_its_secrets_are_asked_for_again(htmx: Client) -> None:
    line = "docker volume create -o type=cifs -o o=addr=nas,username=ann,password=s3cr3t,vers=3.0 -o device=//nas/media films"
    page = htmx.form(f"{VOLUMES}/-/preview", {"where": "local", "action": "paste-command", "command_text": line}).text
    assert 'value="films"' in page
    assert 'value="media"' in page
    assert "Password" in page
    assert "type or paste again" in page
    assert "s3cr3t" not in page


def test_the_key_sheet_is_a_file_with_all_that_is_needed(htmx: Client, prefix: str) -> None:
    sent = {"name": f"{prefix}-v", "where": "crypt-local", "folder": "/srv/enc", "passphrase": "correct horse battery"}
    answer = htmx.form(f"{VOLUMES}/-/key-sheet", sent)
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{prefix}-v-key-sheet.txt"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert "correct horse battery" in answer.text
    assert "/srv/enc" in answer.text


def test_an_encrypted_volume_is_not_made_before_its_passphrase_is_kept(api: Client, prefix: str) -> None:
    sent = {"name": f"{prefix}-v", "where": "crypt-local", "folder": "/srv/enc", "passphrase": "correct horse battery"}
    assert set(api.post(VOLUMES, sent).fields()) == {"kept"}
    assert set(api.post(VOLUMES, {**sent, "passphrase": "short", "kept": True}).fields()) == {"passphrase"}
    assert set(api.post(VOLUMES, {**sent, "folder": "/etc/x", "kept": True}).fields()) == {"folder"}


def test_a_driver_that_is_not_there_is_said_at_its_field(
    api: Client, docker: Callable[..., str], prefix: str, small_image: str
) -> None:
    sent = {"where": "crypt-local", "folder": "/srv/enc", "passphrase": "correct horse battery", "kept": True}
    told = api.post(VOLUMES, {"name": f"{prefix}-v", **sent, "driver": f"none-{prefix}"})
    assert set(told.fields()) == {"driver"}
    assert not volumes(docker, prefix)
