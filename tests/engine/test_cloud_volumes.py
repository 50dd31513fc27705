"""Volumes in a bucket, plain and encrypted: what a container wrote is there, and nobody else can read what is secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.engine.http_client import Client
from tests.engine.rclone_servers import SECRET, Cloud, RcloneDriver, cloud, rclone_driver
from tests.waiting import wait_until
from webui.engine.connection import Engine

__all__ = ["cloud", "rclone_driver"]

VOLUMES = "/e/default/volumes"
PASSPHRASE = "correct horse, battery: staple"


@pytest.fixture
def sent(prefix: str, cloud: Cloud, rclone_driver: RcloneDriver, small_image: str) -> dict[str, Any]:
    """What makes a volume of the test's in a new bucket."""
    return {"name": f"{prefix}-v", "where": "s3", "driver": rclone_driver.name, **cloud.fields(cloud.new_bucket())}


def encrypted(sent: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The same volume, encrypted."""
    return {**sent, "where": "crypt-s3", "prefix": "vault", "passphrase": PASSPHRASE, "kept": True, **more}


def run(docker: Callable[..., str], image: str, volume: str, command: str) -> str:
    """Run a container on the volume to its end."""
    return docker("run", "--rm", "--network=none", f"--volume={volume}:/data", image, "sh", "-c", command)


def names(docker: Callable[..., str], prefix: str) -> set[str]:
    """The test's volumes, and those that were made to try storage."""
    return {name for name in docker("volume", "ls", "--quiet").split() if name.startswith((prefix, "demijohn-test-"))}


def test_what_a_container_wrote_that_exits_at_once_is_in_the_bucket(
    api: Client, docker: Callable[..., str], small_image: str, cloud: Cloud, sent: dict[str, Any]
) -> None:
    assert api.post(VOLUMES, sent).json(201)["kind"] == "s3"
    run(docker, small_image, sent["name"], "echo kept >/data/note.txt")
    assert cloud.holds(str(sent["bucket"])) == {"note.txt": b"kept\n"}
    assert run(docker, small_image, sent["name"], "cat /data/note.txt") == "kept"


@pytest.mark.parametrize("names_too", [True, False], ids=["names and contents", "contents"])
def test_an_encrypted_volume_is_ciphertext_in_the_bucket_and_plain_in_a_container(
    api: Client, docker: Callable[..., str], small_image: str, cloud: Cloud, sent: dict[str, Any], names_too: bool
) -> None:
    assert api.post(VOLUMES, encrypted(sent, names=names_too, salt="pepper too")).json(201)["kind"] == "crypt"
    run(docker, small_image, sent["name"], "echo secret plans >/data/plans.txt")
    [(path, content)] = cloud.holds(str(sent["bucket"])).items()
    assert path.startswith("vault/")
    assert ("plans" in path) is not names_too
    assert b"secret plans" not in content
    assert run(docker, small_image, sent["name"], "cat /data/plans.txt") == "secret plans"


def test_encrypted_data_is_attached_again_with_its_passphrase_and_with_no_other(
    api: Client, docker: Callable[..., str], small_image: str, prefix: str, sent: dict[str, Any]
) -> None:
    api.post(VOLUMES, encrypted(sent)).json(201)
    run(docker, small_image, sent["name"], "echo secret plans >/data/plans.txt")
    api.delete(f"{VOLUMES}/{sent['name']}")
    again = {**encrypted(sent), "attach": True, "kept": False}
    wrong = api.post(VOLUMES, {**again, "passphrase": "wrong horse battery staple"})
    assert set(wrong.fields()) == {"passphrase"}
    assert set(api.post(VOLUMES, {**again, "salt": "pepper"}).fields()) == {"passphrase"}
    assert set(api.post(VOLUMES, {**again, "prefix": "elsewhere"}).fields()) == {"attach"}
    taken = api.post(VOLUMES, encrypted(sent, passphrase="another horse battery staple"))
    assert set(taken.fields()) == {"attach"}
    assert not names(docker, prefix)
    api.post(VOLUMES, again).json(201)
    assert run(docker, small_image, sent["name"], "cat /data/plans.txt") == "secret plans"


@pytest.mark.parametrize("names_too", [True, False], ids=["names and contents", "contents"])
def test_a_folder_of_this_machine_is_encrypted_as_well(
    api: Client,
    docker: Callable[..., str],
    small_image: str,
    sent: dict[str, Any],
    rclone_driver: RcloneDriver,
    names_too: bool,
    tmp_path: Path,
) -> None:
    new = {
        **{"name": sent["name"], "where": "crypt-local", "driver": rclone_driver.name, "folder": str(tmp_path)},
        **{"passphrase": PASSPHRASE, "kept": True, "names": names_too},
    }
    assert api.post(VOLUMES, new).json(201)["kind"] == "crypt"
    run(docker, small_image, sent["name"], "echo secret plans >/data/plans.txt")
    [file] = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert ("plans" in file.name) is not names_too
    assert b"secret plans" not in file.read_bytes()
    api.delete(f"{VOLUMES}/{sent['name']}")
    wrong = {**new, "attach": True, "passphrase": "wrong horse battery staple"}
    assert set(api.post(VOLUMES, wrong).fields()) == {"passphrase"}
    api.post(VOLUMES, {**new, "attach": True}).json(201)
    assert run(docker, small_image, sent["name"], "cat /data/plans.txt") == "secret plans"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"secret_access_key": "not-the-secret"}, "secret_access_key"),
        ({"access_key_id": "AKNOBODY00001"}, "access_key_id"),
        ({"bucket": "no-such-bucket"}, "bucket"),
        ({"endpoint": "http://127.0.0.1:9"}, "endpoint"),
        ({"endpoint": "http://no.such.host.invalid:9000"}, "endpoint"),
        ({"provider": "Nobody"}, "provider"),
        ({"endpoint": "http://user:s3cr3t@127.0.0.1:9"}, "endpoint"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("make", [dict, encrypted], ids=["plain", "encrypted"])
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(
    api: Client,
    docker: Callable[..., str],
    prefix: str,
    sent: dict[str, Any],
    wrong: dict[str, str],
    field: str,
    make: Callable[..., dict[str, Any]],
) -> None:
    told = api.post(VOLUMES, make(sent) | wrong)
    assert set(told.fields()) == {field}
    assert not any(secret in told.text for secret in (SECRET, PASSPHRASE, "not-the-secret", "s3cr3t"))
    assert not names(docker, prefix)


def test_no_secret_is_told_by_pages_jobs_records_or_the_log(
    api: Client, visitor: Client, engine: Engine, sent: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    api.post(VOLUMES, encrypted(sent)).json(201)
    api.post(VOLUMES, encrypted(sent, name=f"{sent['name']}2", secret_access_key="not-the-secret"))
    address = f"{VOLUMES}/{sent['name']}"
    told = [
        each.get(path).text for each in (api, visitor) for path in (VOLUMES, address, f"{address}?tab=raw", "/jobs")
    ]
    jobs = api.get("/jobs").json()["jobs"]
    told += [client.get(f"/jobs/{job['id']}").text for client in (api, visitor) for job in jobs]
    told.append(caplog.text)
    obscured = engine.api.inspect_volume(sent["name"])["Options"]["crypt-password"]
    for secret in (SECRET, PASSPHRASE, "not-the-secret", obscured):
        assert not [text for text in told if secret in text or json.dumps(secret)[1:-1] in text]


def test_a_server_that_goes_away_and_comes_back(
    api: Client, docker: Callable[..., str], small_image: str, cloud: Cloud, sent: dict[str, Any]
) -> None:
    """While it is away its volume lists, inspects and says what is wrong; afterwards it is as before."""
    api.post(VOLUMES, sent).json(201)
    run(docker, small_image, sent["name"], "echo kept >/data/note.txt")
    cloud.stop()
    try:
        assert api.get(f"{VOLUMES}/{sent['name']}").json()["kind"] == "s3"
        assert [each["name"] for each in api.get(VOLUMES, q=sent["name"]).json()["volumes"]] == [sent["name"]]
        job = checked(api, str(sent["name"]))
        assert job["state"] == "failed"
        assert job["error"]
    finally:
        cloud.start()
    assert checked(api, str(sent["name"]))["result"] == {"found": 1}
    assert run(docker, small_image, sent["name"], "cat /data/note.txt") == "kept"


def test_a_volume_whose_bucket_is_gone_can_be_deleted(
    api: Client, docker: Callable[..., str], cloud: Cloud, prefix: str, sent: dict[str, Any]
) -> None:
    api.post(VOLUMES, sent).json(201)
    cloud.stop()
    try:
        assert api.delete(f"{VOLUMES}/{sent['name']}").status == 204
    finally:
        cloud.start()
    assert not names(docker, prefix)


def checked(api: Client, name: str) -> dict[str, Any]:
    """What asking the volume's storage comes to."""
    job = api.post(f"{VOLUMES}/{name}/-/check", {}).json(202)["job"]
    wait_until(lambda: api.get(f"/jobs/{job['id']}").json()["state"] not in {"queued", "running"}, seconds=90)
    return api.get(f"/jobs/{job['id']}").json()
