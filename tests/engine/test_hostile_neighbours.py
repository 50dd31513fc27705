"""Others write to the volume too: whoever owns its top folder, and what is mounted inside of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.http_client import Client
from tests.waiting import wait_until
from webui.engine.changes import Changes
from webui.engine.connection import Engine
from webui.engine.file_model import Place
from webui.engine.files import Files
from webui.engine.helper_image import helper_image
from webui.engine.inside import Inside
from webui.errors import ConflictError
from webui.paths import volume_path


@pytest.fixture
def top(engine: Engine, prefix: str) -> Path:
    """The folder of an empty volume, on the engine's machine, where the tests are too."""
    return Path(engine.api.create_volume(prefix)["Mountpoint"])


@pytest.fixture
def url(prefix: str) -> str:
    return f"/e/default/volumes/{prefix}"


def test_what_is_mounted_in_a_folder_is_not_deleted_with_it(
    api: Client, url: str, top: Path, tmp_path: Path, small_image: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_bytes(b"x")
    inside = top / "dir with space" / "share"
    inside.mkdir(parents=True)
    subprocess.run(["mount", "--bind", elsewhere, inside], check=True)
    try:
        assert api.delete(f"{url}/files/dir%20with%20space").status == 409
        assert (elsewhere / "precious").read_bytes() == b"x"
        assert inside.is_dir()
    finally:
        api.delete(f"/e/default/volumes/{top.parent.name}")  # its helpers have the mount as well
        subprocess.run(["umount", inside], check=True)


def test_a_staging_folder_that_somebody_else_put_there_is_not_used(
    engine: Engine, prefix: str, top: Path, small_image: str
) -> None:
    os.chown(top, 1000, 1000)
    (top / "rootdir").mkdir(mode=0o755)
    secret = top / "rootdir" / "secret"
    secret.write_bytes(b"s")
    secret.chmod(0o600)
    inside = Inside(engine, lambda: helper_image(engine, small_image))
    try:
        changes = Changes(Files(inside, Place.volume(prefix)))

        def chunks() -> Iterator[bytes]:
            yield b"x" * 1024 * 1024
            with inside.helper(Place.volume(prefix), writing=True) as helper:
                folder = top / helper.staging.decode()
            wait_until(lambda: folder.is_dir() and any(folder.iterdir()))
            (staged,) = folder.iterdir()
            folder.rename(top / "away")
            folder.mkdir(mode=0o777)
            os.chown(folder, 1000, 1000)
            (folder / staged.name).symlink_to("../rootdir/secret")

        with pytest.raises(ConflictError):
            changes.put(volume_path("f"), chunks())
        found = secret.stat()
        assert (found.st_uid, found.st_mode & 0o7777, secret.read_bytes()) == (0, 0o600, b"s")
        assert not (top / "f").exists()
    finally:
        inside.close()


def test_a_mode_is_not_given_to_what_a_link_points_to(api: Client, url: str, top: Path, small_image: str) -> None:
    (top / "f").write_bytes(b"")
    (top / "l").symlink_to("f")
    before = (top / "f").stat().st_mode
    assert api.post(f"{url}/permissions", {"path": "l", "mode": "0777"}).status == 409
    assert (top / "f").stat().st_mode == before
    assert sorted(each.name for each in top.iterdir()) == ["f", "l"]


def test_the_mounts_of_a_container_keep_their_numbers(
    api: Client, prefix: str, small_image: str, tmp_path: Path
) -> None:
    mounts = []
    for name in ("c", "a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"in-{name}").write_bytes(b"")
        mounts.append({"type": "bind", "source": str(tmp_path / name), "target": f"/{name}"})
    sent = {"image": small_image, "name": f"{prefix}-c", "mounts": mounts, "start": False}
    made = api.post("/e/default/containers", sent).json(201)["containers"][0]
    for _ in range(5):
        for number, name in enumerate("abc"):
            found = api.get(f"/e/default/containers/{made['id']}/mounts/{number}/files").json()
            assert [entry["name"] for entry in found["entries"]] == [f"in-{name}"]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("move", {"from": "a", "to": "b", "exists": "replace"}),
        ("copy", {"from": "a", "to": "b", "exists": "replace"}),
        ("permissions", {"path": "a", "mode": "0600"}),
        ("-/edit/a", {"text": "x", "version": "0"}),
    ],
)
@pytest.mark.usefixtures("small_image")
def test_nothing_is_changed_on_another_engine_than_the_one_that_was_seen(
    api: Client, url: str, top: Path, path: str, sent: dict[str, str]
) -> None:
    for name in "ab":
        (top / name).write_bytes(name.encode())
    before = {each.name: (each.read_bytes(), each.stat().st_mode) for each in top.iterdir()}
    assert api.post(f"{url}/{path}", sent, X_Engine_Id="another").status == 409
    assert {each.name: (each.read_bytes(), each.stat().st_mode) for each in top.iterdir()} == before


def test_versions_that_fit_no_paths_delete_nothing(api: Client, url: str, top: Path, small_image: str) -> None:
    for name in "abc":
        (top / name).write_bytes(b"")
    sent = {"path": ["a", "b", "c"], "version": ["1"]}
    assert "version" in api.post(f"{url}/-/delete", sent).fields()
    assert sorted(each.name for each in top.iterdir()) == ["a", "b", "c"]


def test_a_part_of_a_file_or_a_packed_one_is_not_put(api: Client, url: str, top: Path, small_image: str) -> None:
    (top / "f").write_bytes(b"0123456789")
    assert api.request("PUT", f"{url}/files/f", b"xx", Content_Range="bytes 2-3/10").status == 400
    assert api.request("PUT", f"{url}/files/f", b"xx", Content_Encoding="gzip").status == 415
    assert (top / "f").read_bytes() == b"0123456789"


def test_an_encoded_slash_is_one(api: Client, url: str, top: Path, small_image: str) -> None:
    (top / "u").mkdir()
    assert api.request("PUT", f"{url}/files/u%2Ff", b"x").status == 201
    assert (top / "u" / "f").read_bytes() == b"x"
    assert api.request("PUT", f"{url}/files/u%252Ff", b"y").status == 201
    assert (top / "u%2Ff").read_bytes() == b"y"


def test_a_command_to_copy_has_no_keys_in_it(
    api: Client, visitor: Client, url: str, top: Path, small_image: str
) -> None:
    (top / "x\x03\nid").write_bytes(b"")
    page = visitor.get(f"{url}/files/x%03%0Aid").text
    assert "\x03" not in page
    assert "$&#39;/volume/x\\x03\\x0aid&#39;" in page
