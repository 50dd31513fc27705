"""A clone has all that is in a volume, however that is kept; or there is none, and nothing of it is left anywhere."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import TOKEN
from tests.e2e.program import Program
from tests.engine import golden_tree, http_client
from tests.engine.http_client import Client
from tests.engine.rclone_servers import Cloud, RcloneDriver, cloud, rclone_driver
from tests.engine.test_importing import killed
from tests.waiting import wait_until
from webui.engine.connection import Engine

__all__ = ["cloud", "rclone_driver"]
VOLUMES = "/e/default/volumes"


@pytest.fixture(autouse=True)
def _image(small_image: str) -> None:
    """Helpers are made from the small image, which is there already."""


@pytest.fixture
def root_of(docker: Callable[..., str]) -> Callable[[str], Path]:
    """The folder of a volume on this machine, which is the engine's."""
    return lambda name: Path(json.loads(docker("volume", "inspect", name))[0]["Mountpoint"])


@pytest.fixture
def golden(docker: Callable[..., str], root_of: Callable[[str], Path], prefix: str) -> Iterator[str]:
    """A volume with everything in it that a file system can hold."""
    name = f"{prefix}-golden"
    docker("volume", "create", name)
    golden_tree.build(root_of(name))
    try:
        yield name
    finally:
        for each in docker("volume", "ls", "--quiet").split():
            if each.startswith(prefix):
                golden_tree.remove(root_of(each))


def clone(api: Client, source: str, name: str, **sent: Any) -> dict[str, Any]:
    """The job, once it is over."""
    job = api.post(f"{VOLUMES}/{source}/clone", {"name": name, **sent}).json(202)["job"]
    assert job["kind"] == "clone"
    wait_until(lambda: api.get(f"/jobs/{job['id']}").json()["state"] not in {"queued", "running"}, seconds=120)
    return api.get(f"/jobs/{job['id']}").json()


def state(api: Client, job: dict[str, Any]) -> dict[str, Any]:
    """The job as it stands."""
    return api.get(f"/jobs/{job['id']}").json()


def started(api: Client, source: str, name: str, **sent: Any) -> dict[str, Any]:
    """The job, once it copies."""
    job = api.post(f"{VOLUMES}/{source}/clone", {"name": name, **sent}).json(202)["job"]
    wait_until(lambda: state(api, job)["message"].startswith("Copying"), seconds=60)
    return state(api, job)


def many_files(root: Path, count: int = 20_000) -> None:
    """So many small files that copying them takes a while."""
    for number in range(count):
        if number % 500 == 0:
            (root / f"{number}").mkdir()
        (root / f"{number - number % 500}" / f"file {number}").write_bytes(b"x" * 100)


def test_everything_is_in_the_clone_as_it_was(
    api: Client, golden: str, prefix: str, root_of: Callable[[str], Path]
) -> None:
    before = golden_tree.snapshot(root_of(golden))
    job = clone(api, golden, f"{prefix}-clone")
    assert job["state"] == "done", job
    changed = golden_tree.difference(
        golden_tree.without(before, "socket"), golden_tree.snapshot(root_of(f"{prefix}-clone"))
    )
    assert set(changed) <= {b"hard/fifo"}, changed  # tar makes two FIFOs of one with two names
    assert "hard links of 2 entries" in " ".join(job["result"]["warnings"])
    assert not golden_tree.difference(before, golden_tree.snapshot(root_of(golden)))
    assert job["result"]["entries"] == len(before) - 1
    assert job["result"]["left_out_count"] == sum(fact.type == "socket" for fact in before.values())
    assert job["progress"] == {"done": job["result"]["bytes"], "total": job["result"]["bytes"], "unit": "bytes"}


def test_large_files_keep_holes_names_and_what_their_top_folder_is_like(
    api: Client, docker: Callable[..., str], prefix: str, root_of: Callable[[str], Path]
) -> None:
    docker("volume", "create", f"{prefix}-v")
    root = root_of(f"{prefix}-v")
    (root / "-rf").write_bytes(os.urandom(3_000_000))
    (root / "folder").mkdir(0o750)
    (root / "folder" / "again").hardlink_to(root / "-rf")
    with (root / "sparse").open("wb") as file:
        file.truncate(1 << 40)
        file.seek(1 << 39)
        file.write(b"data")
    os.setxattr(root, "user.note", b"top")
    os.chown(root, 1000, 1001)
    root.chmod(0o2770)
    before = golden_tree.snapshot(root)
    job = clone(api, f"{prefix}-v", f"{prefix}-w")
    assert job["state"] == "done", job
    assert not golden_tree.difference(before, golden_tree.snapshot(root_of(f"{prefix}-w")))
    assert job["result"]["warnings"] == []


def test_an_empty_volume_has_an_empty_clone_and_that_is_said(
    api: Client, docker: Callable[..., str], prefix: str, root_of: Callable[[str], Path]
) -> None:
    docker("volume", "create", f"{prefix}-v")
    job = clone(api, f"{prefix}-v", f"{prefix}-w")
    assert job["state"] == "done", job
    assert "Nothing is in volume" in " ".join(job["result"]["warnings"])
    assert list(root_of(f"{prefix}-w").iterdir()) == []


def test_labels_go_along_but_for_those_that_are_not_true_of_a_clone(
    api: Client, docker: Callable[..., str], prefix: str
) -> None:
    labels = ("--label=owner=ann", "--label=com.docker.compose.project=shop", "--label=com.docker.volume.anonymous=")
    docker("volume", "create", *labels, f"{prefix}-v")
    first, second = (
        clone(api, f"{prefix}-v", f"{prefix}-a"),
        clone(api, f"{prefix}-v", f"{prefix}-b", labels={"x": "y"}),
    )
    assert (first["state"], second["state"]) == ("done", "done")

    def told(name: str) -> dict[str, str]:
        found = api.get(f"{VOLUMES}/{name}").json()["labels"]
        return {key: value for key, value in found.items() if key != "io.demijohn.job"}

    assert told(f"{prefix}-a") == {"owner": "ann"}
    assert told(f"{prefix}-b") == {"x": "y"}


def test_what_can_not_be_meant_is_refused_and_nothing_is_made(
    api: Client, docker: Callable[..., str], prefix: str
) -> None:
    docker("volume", "create", f"{prefix}-v")
    docker("volume", "create", f"{prefix}-there")
    url = f"{VOLUMES}/{prefix}-v/clone"
    assert api.post(f"{VOLUMES}/{prefix}-none/clone", {"name": f"{prefix}-w"}).status == 404
    assert api.post(url, {"name": f"{prefix}-there"}).json(409)["fields"].keys() == {"name"}
    assert api.post(url, {"name": f"{prefix}-v"}).status == 409
    for sent, field in (
        ({}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": f"{prefix}-w", "writers": "shoot"}, "writers"),
        ({"name": f"{prefix}-w", "leave_out": "perhaps"}, "leave_out"),
        ({"name": f"{prefix}-w", "source": "x"}, "source"),
        ({"name": f"{prefix}-w", "where": "tmpfs", "size": "10 bananas"}, "size"),
        ({"name": f"{prefix}-w", "where": "moon"}, "where"),
    ):
        assert set(api.post(url, sent).fields()) == {field}
    assert api.post(VOLUMES, {"name": f"{prefix}-w", "writers": "pause"}).status == 422
    assert sorted(docker("volume", "ls", "--quiet", f"--filter=name={prefix}").split()) == [
        f"{prefix}-there",
        f"{prefix}-v",
    ]


def test_a_place_where_something_is_already_is_left_alone(
    api: Client, docker: Callable[..., str], prefix: str, root_of: Callable[[str], Path], tmp_path: Path
) -> None:
    docker("volume", "create", f"{prefix}-v")
    (root_of(f"{prefix}-v") / "a").write_text("new")
    (tmp_path / "a").write_text("precious")
    job = clone(api, f"{prefix}-v", f"{prefix}-w", where="bind", folder=str(tmp_path))
    assert job["state"] == "failed"
    assert "Something is there already: “a”" in job["error"]
    assert (tmp_path / "a").read_text() == "precious"
    assert f"{prefix}-w" not in docker("volume", "ls", "--quiet")


def test_a_target_that_is_full_leaves_no_volume(
    api: Client, docker: Callable[..., str], prefix: str, root_of: Callable[[str], Path]
) -> None:
    docker("volume", "create", f"{prefix}-v")
    (root_of(f"{prefix}-v") / "large").write_bytes(os.urandom(4_000_000))
    job = clone(api, f"{prefix}-v", f"{prefix}-w", where="tmpfs", size="1m")
    assert job["state"] == "failed"
    assert "is full. Choose a place that has room" in job["error"]
    assert f"{prefix}-w" not in docker("volume", "ls", "--quiet")


def test_what_changes_meanwhile_fails_it_unless_that_is_to_be_ignored(
    api: Client,
    engine: Engine,
    docker: Callable[..., str],
    prefix: str,
    small_image: str,
    root_of: Callable[[str], Path],
) -> None:
    volume = f"{prefix}-v"
    write = "while :; do echo x >>/data/log; sleep 0.02; done"
    run = ("run", "--detach", "--network=none", f"--name={prefix}-w", f"--volume={volume}:/data")
    docker(*run, small_image, "sh", "-c", write)
    many_files(root_of(volume), 3000)
    watched = clone(api, volume, f"{prefix}-a")
    assert watched["state"] == "failed"
    assert "changed while they were copied" in watched["error"]
    ignored = clone(api, volume, f"{prefix}-b", writers="ignore")
    assert ignored["state"] == "done", ignored
    assert "“log”" in " ".join(ignored["result"]["warnings"])
    paused = clone(api, volume, f"{prefix}-c", writers="pause")
    assert paused["state"] == "done", paused
    assert not paused["result"]["warnings"]
    assert docker("inspect", "--format={{.State.Status}}", f"{prefix}-w") == "running"
    about = {"container": [f"{prefix}-w"], "event": ["pause", "unpause"]}
    told = engine.api.events(since=int(time.time()) - 120, until=int(time.time()) + 1, decode=True, filters=about)
    events = [each["Action"] for each in told]
    assert events == ["pause", "unpause"]
    left = docker("volume", "ls", "--quiet", f"--filter=name={prefix}").split()
    assert set(left) == {volume, f"{prefix}-b", f"{prefix}-c"}


def test_files_that_come_and_go_meanwhile_do_not_break_it(
    api: Client, docker: Callable[..., str], prefix: str, small_image: str, root_of: Callable[[str], Path]
) -> None:
    volume = f"{prefix}-v"
    run = ("run", "--detach", "--network=none", f"--name={prefix}-w", f"--volume={volume}:/data")
    docker(
        *run, small_image, "sh", "-c", "while :; do for n in 1 2 3 4 5 6; do : >/data/$n; done; rm /data/[1-6]; done"
    )
    many_files(root_of(volume), 3000)
    job = clone(api, volume, f"{prefix}-c", writers="ignore")
    assert job["state"] == "done", job
    assert len(list(root_of(f"{prefix}-c").glob("*/file *"))) == 3000


def test_one_that_is_cancelled_leaves_nothing_and_lets_containers_go_on(
    api: Client,
    docker: Callable[..., str],
    prefix: str,
    small_image: str,
    root_of: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    volume = f"{prefix}-v"
    run = ("run", "--detach", "--network=none", f"--name={prefix}-w", f"--volume={volume}:/data")
    docker(*run, small_image, "sleep", "600")
    many_files(root_of(volume))
    target = tmp_path / "target"
    target.mkdir()
    job = started(api, volume, f"{prefix}-c", where="bind", folder=str(target), writers="pause")
    assert api.delete(f"{VOLUMES}/{volume}").status == 409
    assert api.delete(f"{VOLUMES}/{prefix}-c").status == 409
    assert api.post(f"{VOLUMES}/{volume}/clone", {"name": f"{prefix}-c"}).json(202)["job"]["id"] == job["id"]
    assert api.delete(f"/jobs/{job['id']}").status == 202
    wait_until(lambda: state(api, job)["state"] == "cancelled", seconds=60)
    assert state(api, job)["error"] == ""
    assert docker("inspect", "--format={{.State.Status}}", f"{prefix}-w") == "running"
    assert f"{prefix}-c" not in docker("volume", "ls", "--quiet")
    assert list(target.iterdir()) == []
    assert not docker("ps", "--all", "--quiet", "--filter=label=io.demijohn.copying")


def test_one_that_is_cut_off_is_put_right_at_the_next_start(
    docker: Callable[..., str],
    prefix: str,
    small_image: str,
    root_of: Callable[[str], Path],
    tmp_path: Path,
    engine_socket: str,
) -> None:
    volume, target = f"{prefix}-v", tmp_path / "target"
    target.mkdir()
    run = ("run", "--detach", "--network=none", f"--name={prefix}-w", f"--volume={volume}:/data")
    docker(*run, small_image, "sleep", "600")
    many_files(root_of(volume))
    with killed(tmp_path / "first", engine_socket, tmp_path / "data") as port:
        script = http_client.script(port, TOKEN)
        job = started(script, volume, f"{prefix}-c", where="bind", folder=str(target), writers="pause")
    program = Program(tmp_path / "second", engine_socket, f"--data-dir={tmp_path / 'data'}")
    try:
        again = http_client.script(int(program.origin.rpartition(":")[2]), TOKEN)
        wait_until(lambda: f"{prefix}-c" not in docker("volume", "ls", "--quiet"), seconds=60)
        wait_until(lambda: docker("inspect", "--format={{.State.Status}}", f"{prefix}-w") == "running")
        wait_until(lambda: state(again, job)["state"] == "interrupted")
        assert list(target.iterdir()) == []
    finally:
        program.stop()


@pytest.fixture
def places(
    cloud: Cloud, rclone_driver: RcloneDriver, tmp_path: Path
) -> Callable[[str], tuple[dict[str, Any], Callable[[], dict[str, bytes]]]]:
    """What one says of a new empty place of some kind, and what it holds."""

    def place(kind: str) -> tuple[dict[str, Any], Callable[[], dict[str, bytes]]]:
        bucket, folder = cloud.new_bucket(), Path(tempfile.mkdtemp(dir=tmp_path))
        encrypted = {"passphrase": "correct horse battery staple", "kept": True, "driver": rclone_driver.name}
        sent: dict[str, dict[str, Any]] = {
            "s3": {**cloud.fields(bucket), "driver": rclone_driver.name},
            "crypt-s3": {**cloud.fields(bucket), **encrypted},
            "crypt-local": {"folder": str(folder), **encrypted},
            "bind": {"folder": str(folder)},
        }

        def holds() -> dict[str, bytes]:
            found = (each for each in folder.rglob("*") if each.is_file())
            return cloud.holds(bucket) or {str(each.relative_to(folder)): each.read_bytes() for each in found}

        return {"where": kind, **sent[kind]}, holds

    return place


@pytest.mark.parametrize("kind", ["s3", "crypt-s3", "crypt-local", "bind"])
def test_to_every_kind_and_back(
    api: Client,
    docker: Callable[..., str],
    prefix: str,
    root_of: Callable[[str], Path],
    places: Callable[[str], tuple[dict[str, Any], Callable[[], dict[str, bytes]]]],
    kind: str,
) -> None:
    docker("volume", "create", f"{prefix}-v")
    root, large = root_of(f"{prefix}-v"), os.urandom(2_000_000)
    (root / "folder").mkdir()
    (root / "folder" / "large").write_bytes(large)
    (root / "small").write_bytes(b"small")
    os.link(root / "small", root / "same")
    sent, holds = places(kind)
    there = clone(api, f"{prefix}-v", f"{prefix}-there", **sent)
    assert there["state"] == "done", there
    assert "correct horse" not in json.dumps(there)
    stored = holds()
    assert len(stored) == 3
    assert (large in stored.values()) is (kind in {"s3", "bind"})
    back = clone(api, f"{prefix}-there", f"{prefix}-back")
    assert back["state"] == "done", back
    top = root_of(f"{prefix}-back")
    found = {str(each.relative_to(top)): each.read_bytes() for each in top.rglob("*") if each.is_file()}
    assert found == {"folder/large": large, "small": b"small", "same": b"small"}


def test_links_that_a_bucket_does_not_know_are_left_out_only_where_that_was_said(
    api: Client,
    docker: Callable[..., str],
    prefix: str,
    root_of: Callable[[str], Path],
    places: Callable[[str], tuple[dict[str, Any], Callable[[], dict[str, bytes]]]],
) -> None:
    docker("volume", "create", f"{prefix}-v")
    root = root_of(f"{prefix}-v")
    (root / "file").write_bytes(b"x")
    (root / "link").symlink_to("file")
    sent, holds = places("s3")
    refused = clone(api, f"{prefix}-v", f"{prefix}-w", **sent)
    assert refused["state"] == "failed"
    assert "can’t be kept there: “link”" in refused["error"]
    assert f"{prefix}-w" not in docker("volume", "ls", "--quiet")
    assert holds() == {}
    taken = clone(api, f"{prefix}-v", f"{prefix}-w", leave_out=True, **sent)
    assert taken["state"] == "done", taken
    assert [each["name"] for each in taken["result"]["left_out"]] == ["link"]
    assert holds() == {"file": b"x"}


def test_storage_that_does_not_answer_is_said_at_its_field_before_anything_is_made(
    api: Client,
    docker: Callable[..., str],
    prefix: str,
    places: Callable[[str], tuple[dict[str, Any], Callable[[], dict[str, bytes]]]],
) -> None:
    docker("volume", "create", f"{prefix}-v")
    sent, _ = places("s3")
    job = clone(api, f"{prefix}-v", f"{prefix}-w", **{**sent, "bucket": "no-such-bucket"})
    assert (job["state"], job["result"]["field"]) == ("failed", "bucket")
    assert f"{prefix}-w" not in docker("volume", "ls", "--quiet")


def test_one_in_memory_is_there_to_be_used_and_says_that_it_will_not_last(
    api: Client, docker: Callable[..., str], prefix: str, root_of: Callable[[str], Path]
) -> None:
    docker("volume", "create", f"{prefix}-v")
    (root_of(f"{prefix}-v") / "a").write_bytes(b"a")
    job = clone(api, f"{prefix}-v", f"{prefix}-w", where="tmpfs", size="1m")
    assert job["state"] == "done", job
    assert "kept in memory" in " ".join(job["result"]["warnings"])
    assert api.get(f"{VOLUMES}/{prefix}-w/download/a").body == b"a"


def test_the_form_offers_a_name_pauses_writers_and_tells_the_commands(
    htmx: Client, docker: Callable[..., str], prefix: str, small_image: str
) -> None:
    run = ("run", "--detach", "--network=none", f"--name={prefix}-c", f"--volume={prefix}-v:/data")
    docker(*run, small_image, "sleep", "600")
    htmx.get(VOLUMES)
    page = htmx.get(f"{VOLUMES}/{prefix}-v/-/clone").text
    assert f'value="{prefix}-v-copy"' in page
    assert f"It is in use by {prefix}-c" in page
    assert "cp -a /from/. /to" in page
    told = htmx.form(
        f"{VOLUMES}/{prefix}-v/clone",
        {"name": f"{prefix}-v", "where": "local", "source": f"{prefix}-v", "writers": "pause"},
    )
    assert told.status == 409
    assert f"A volume named {prefix}-v exists already." in told.text
