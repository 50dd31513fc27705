"""Everything one does with files works on volumes of every kind, or says clearly why it does not."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.http_client import Client
from tests.engine.rclone_servers import Cloud, RcloneDriver, cloud, rclone_driver
from tests.waiting import wait_until

__all__ = ["cloud", "rclone_driver"]
VOLUMES = "/e/default/volumes"
PASSPHRASE = "correct horse battery staple"
KINDS = ("s3", "crypt-s3", "crypt-local", "tmpfs", "bind")
IN_A_BUCKET = {"s3", "crypt-s3"}


@dataclass(frozen=True)
class There:
    """A volume of some kind, and a script that asks for what is in it. `stored` is what its storage holds, if it keeps."""

    kind: str
    name: str
    api: Client
    stored: Callable[[], dict[str, bytes]]

    @property
    def url(self) -> str:
        return f"{VOLUMES}/{self.name}"

    def put(self, path: str, body: bytes) -> None:
        answer = self.api.request("PUT", f"{self.url}/files/{path}", body)
        assert answer.status == 201, answer.text

    def read(self, path: str) -> bytes:
        answer = self.api.get(f"{self.url}/download/{path}")
        assert answer.status == 200, answer.text
        return answer.body

    def names(self, path: str = "") -> list[str]:
        return sorted(entry["name"] for entry in self.api.get(f"{self.url}/files/{path}").json()["entries"])


@pytest.fixture(params=KINDS)
def there(
    request: pytest.FixtureRequest,
    api: Client,
    docker: Callable[..., str],
    prefix: str,
    cloud: Cloud,
    rclone_driver: RcloneDriver,
    small_image: str,
    tmp_path: Path,
) -> Iterator[There]:
    kind, name, bucket = request.param, f"{prefix}-v", cloud.new_bucket()
    folder = tmp_path / "folder"
    folder.mkdir()
    encrypted = {"passphrase": PASSPHRASE, "kept": True, "driver": rclone_driver.name}
    sent: dict[str, dict[str, Any]] = {
        "s3": {**cloud.fields(bucket), "driver": rclone_driver.name},
        "crypt-s3": {**cloud.fields(bucket), **encrypted},
        "crypt-local": {"folder": str(folder), **encrypted},
        "tmpfs": {"size": "64m"},
        "bind": {"folder": str(folder)},
    }
    api.post(VOLUMES, {"name": name, "where": kind, **sent[kind]}).json(201)
    if kind == "tmpfs":
        docker(
            "run",
            "--detach",
            "--network=none",
            f"--name={prefix}-holder",
            f"--volume={name}:/data",
            small_image,
            "sleep",
            "600",
        )
    stored = (lambda: cloud.holds(bucket)) if kind in IN_A_BUCKET else (lambda: _files(folder))
    yield There(kind, name, api, stored)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file()}


def finished(api: Client, job: dict[str, Any]) -> dict[str, Any]:
    wait_until(lambda: api.get(f"/jobs/{job['id']}").json()["state"] not in {"queued", "running"}, seconds=90)
    return api.get(f"/jobs/{job['id']}").json()


def test_what_was_taken_is_where_it_is_kept(there: There) -> None:
    body = os.urandom(300_000)
    there.put("photo.bin", body)
    assert there.read("photo.bin") == body
    if there.kind != "tmpfs":
        [(path, content)] = there.stored().items()
        assert (content == body) is (there.kind in {"s3", "bind"})
        assert ("photo" in path) is (there.kind in {"s3", "bind"})
    part = there.api.request("GET", f"{there.url}/download/photo.bin", Range="bytes=1000-1999")
    assert (part.status, part.body) == (206, body[1000:2000])


def test_a_file_is_replaced_only_by_all_of_another(there: There) -> None:
    there.put("a.txt", b"one")
    told = there.api.request("PUT", f"{there.url}/files/a.txt", b"two, and longer")
    assert told.status == 200, told.text
    assert there.read("a.txt") == b"two, and longer"
    assert there.api.request("PUT", f"{there.url}/files/a.txt?exists=refuse", b"three").status == 409
    assert there.api.request("PUT", f"{there.url}/files/a.txt?exists=keep-both", b"three").status == 201
    assert len(there.names()) == 2
    assert there.read("a.txt") == b"two, and longer"


def test_folders_are_made_walked_renamed_and_moved(there: There) -> None:
    there.api.post(f"{there.url}/folders", {"path": "albums"}).json(201)
    there.put("albums/one.txt", b"1")
    there.put("two.txt", b"2")
    there.api.post(f"{there.url}/move", {"from": "two.txt", "to": "albums/two.txt"}).json()
    there.api.post(f"{there.url}/move", {"from": "albums", "to": "pictures"}).json()
    assert there.names() == ["pictures"]
    assert there.names("pictures") == ["one.txt", "two.txt"]
    assert there.read("pictures/two.txt") == b"2"
    if there.kind in {"s3", "bind"}:
        assert there.stored() == {"pictures/one.txt": b"1", "pictures/two.txt": b"2"}
    taken = there.api.post(f"{there.url}/move", {"from": "pictures/one.txt", "to": "pictures/two.txt"})
    assert taken.status == 409
    assert there.read("pictures/two.txt") == b"2"


def test_copies_and_deletions(there: There) -> None:
    there.put("a.txt", b"a" * 1000)
    copied = finished(there.api, there.api.post(f"{there.url}/copy", {"from": "a.txt", "to": "b.txt"}).json(202)["job"])
    assert copied["state"] == "done", copied
    assert there.read("b.txt") == b"a" * 1000
    assert there.api.delete(f"{there.url}/files/a.txt").status == 204
    assert there.names() == ["b.txt"]
    if there.kind in {"s3", "bind"}:
        assert there.stored() == {"b.txt": b"a" * 1000}


def test_text_is_edited_and_nobody_overwrites_unseen(there: There) -> None:
    there.put("notes.txt", b"first\n")
    seen = there.api.get(f"{there.url}/-/edit/notes.txt").json()
    changed = there.api.post(f"{there.url}/-/edit/notes.txt", {"text": "second\n", "version": seen["version"]})
    assert changed.status == 200, changed.text
    assert there.read("notes.txt") == b"second\n"
    again = there.api.post(f"{there.url}/-/edit/notes.txt", {"text": "third\n", "version": seen["version"]})
    assert again.status == 409
    assert there.read("notes.txt") == b"second\n"


def test_archives_out_and_in(there: There) -> None:
    there.put("in/a.txt?parents=1", b"a")
    there.put("in/b.txt", b"b" * 5000)
    tar = there.api.get(f"{there.url}/archive?path=in&format=tar")
    with tarfile.open(fileobj=io.BytesIO(tar.body)) as archive:
        assert {each.name.rpartition("/")[2] for each in archive.getmembers() if each.isfile()} == {"a.txt", "b.txt"}
    zipped = there.api.get(f"{there.url}/archive?path=in&format=zip")
    with zipfile.ZipFile(io.BytesIO(zipped.body)) as archive:
        assert archive.testzip() is None
    there.api.post(f"{there.url}/folders", {"path": "out"}).json(201)
    told = there.api.request("POST", f"{there.url}/import?path=out", tar.body)
    assert told.status == 201, told.text
    [top] = [path for path in ("out", "out/in") if "b.txt" in there.names(path)]
    assert there.read(f"{top}/b.txt") == b"b" * 5000


def test_permissions_are_changed_or_said_not_to_be(there: There) -> None:
    there.put("a.txt", b"a")
    told = there.api.post(f"{there.url}/permissions", {"path": "a.txt", "mode": "0600", "uid": 1000, "gid": 1000})
    entry = there.api.get(f"{there.url}/files/a.txt").json()
    now = (entry["mode"], entry["uid"], entry["gid"])
    assert (told.status == 200) is (now == ("0600", 1000, 1000)), (told.text, now)
    if there.kind not in {"tmpfs", "bind"}:
        assert "does not keep modes" in told.json(409)["error"]


def test_what_it_takes_is_measured(there: There) -> None:
    there.put("a.bin", bytes(200_000))
    told = there.api.post(f"{there.url}/usage", {})
    job = finished(there.api, told.json(202)["job"])
    assert job["state"] == "done", job
    assert job["result"]["files"] == 1
    assert job["result"]["bytes"] >= 200_000


def test_a_container_is_launched_on_it(there: There, docker: Callable[..., str], small_image: str) -> None:
    there.put("a.txt", b"hello")
    sent = {
        **{"image": small_image, "name": f"{there.name}-c", "network": "none", "command": "cat /data/a.txt"},
        **{"mounts": [f"{there.name}:/data"], "confirm": ["0"]},
    }
    told = there.api.post("/e/default/containers", sent)
    assert told.status == 201, told.text
    docker("wait", f"{there.name}-c")
    assert docker("logs", f"{there.name}-c") == "hello"


def test_nothing_of_the_apps_own_is_left_in_the_storage(there: There) -> None:
    there.put("a.txt", b"a")
    there.api.post(f"{there.url}/move", {"from": "a.txt", "to": "b.txt"}).json()
    if there.kind in {"s3", "bind"}:
        wait_until(lambda: there.stored() == {"b.txt": b"a"})
    assert there.names() == ["b.txt"]
