"""What must never delete a person's data: looking, failing, mistaking one thing for another."""

from __future__ import annotations

import io
import tarfile
import threading
from pathlib import Path

import pytest

from tests.engine.http_client import Client
from webui.engine.connection import Engine
from webui.engine.model import ROLE_LABEL

VOLUMES = "/e/default/volumes"
CONTAINERS = "/e/default/containers"


def run(engine: Engine, image: str, volume: str, script: str, name: str = "") -> None:
    """Let a container do something to a volume, and remove it."""
    mounts = [{"Type": "volume", "Source": volume, "Target": "/data", "ReadOnly": False}]
    made = engine.api.create_container(
        image,
        command=["sh", "-c", script],
        name=name or None,
        host_config=engine.api.create_host_config(mounts=mounts, network_mode="none"),
    )["Id"]
    try:
        engine.api.start(made)
        assert engine.api.wait(made)["StatusCode"] == 0
    finally:
        engine.api.remove_container(made, force=True)


def has(engine: Engine, image: str, volume: str, path: str) -> bool:
    """Whether a file is in a volume."""
    run(engine, image, volume, f"test -e /data/{path}")
    return True


@pytest.fixture
def labelled_image(engine: Engine, small_image: str, prefix: str) -> str:
    """An image that carries the label Demijohn gives to its own helpers."""
    base = engine.api.create_container(small_image, command=["true"])["Id"]
    try:
        engine.api.commit(base, repository=f"{prefix}-labelled", tag="1", changes=[f"LABEL {ROLE_LABEL}=helper"])
    finally:
        engine.api.remove_container(base)
    return f"{prefix}-labelled:1"


def test_looking_at_a_volume_that_is_being_written_to_leaves_it_alone(
    api: Client, engine: Engine, small_image: str, prefix: str
) -> None:
    volume = f"{prefix}-busy"
    engine.api.create_volume(volume)
    run(engine, small_image, volume, "echo precious > /data/precious")
    over = threading.Event()

    def write() -> None:
        for number in range(6):
            run(engine, small_image, volume, f"echo x > /data/{number}; rm /data/{number}")
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not over.is_set():
        assert api.get(f"{CONTAINERS}/-/new", image=small_image, volume=volume).status == 200
    writer.join()
    assert has(engine, small_image, volume, "precious")


def test_a_label_of_the_image_does_not_hide_a_container(
    api: Client, engine: Engine, labelled_image: str, prefix: str
) -> None:
    volume, name = f"{prefix}-db", f"{prefix}-db"
    sent = {"image": labelled_image, "name": name, "command": "sleep 600", "mounts": [f"{volume}:/data"]}
    api.post(CONTAINERS, sent).json(201)
    try:
        listed = api.get(CONTAINERS, q=name).json()["containers"]
        assert [each["name"] for each in listed] == [name]
        refused = api.delete(f"{VOLUMES}/{volume}")
        assert [use["name"] for use in refused.json(409)["used_by"]] == [name]
        assert api.get(f"{CONTAINERS}/{name}").json()["state"] == "running"
    finally:
        engine.api.remove_container(name, force=True, v=True)
        engine.api.remove_image(labelled_image)


def test_a_volume_made_anew_since_the_question_is_not_deleted(htmx: Client, engine: Engine, prefix: str) -> None:
    volume = f"{prefix}-swapped"
    engine.api.create_volume(volume)
    asked = htmx.get(f"{VOLUMES}/-/delete", name=volume).text
    seen = asked.split('name="seen" value="')[1].split('"')[0]
    engine_id = asked.split('name="engine_id" value="')[1].split('"')[0]
    sent = {"name": volume, "seen": "2001-01-01T00:00:00+00:00", "engine_id": engine_id}
    assert htmx.form(f"{VOLUMES}/-/delete", sent).status == 409
    assert engine.api.inspect_volume(volume)["Name"] == volume
    assert htmx.form(f"{VOLUMES}/-/delete", {**sent, "seen": seen}).status == 200


def test_a_failed_launch_keeps_a_new_volume_that_was_written_to(
    api: Client, engine: Engine, small_image: str, prefix: str, tmp_path: Path
) -> None:
    """The first container writes, and moves away the folder that the second can't start without."""
    volume, moved = f"{prefix}-kept", tmp_path / "moved"
    moved.mkdir()
    sent = {
        "image": small_image,
        "name": f"{prefix}-twice",
        "command": ["sh", "-c", "mv /host/moved /host/away; echo precious > /data/precious; sleep 600"],
        "replicas": 2,
        "mounts": [
            f"{volume}:/data",
            {"type": "bind", "source": str(tmp_path), "target": "/host"},
            {"type": "bind", "source": str(moved), "target": "/needed"},
        ],
    }
    refused = api.post(CONTAINERS, sent).json(422)
    assert volume in refused["hint"]
    assert has(engine, small_image, volume, "precious")
    assert not api.get(CONTAINERS, q=f"{prefix}-twice").json()["containers"]


def test_two_engines_of_one_machine_are_told_apart(engine: Engine) -> None:
    """Their ids may be the same: older ones take it from a file of the machine."""
    assert engine.facts().identity.endswith(engine.facts().data_folder)


def test_an_image_with_files_is_no_writing(engine: Engine, small_image: str, prefix: str) -> None:
    """What the engine copied from the image into a new volume goes with the volume when the launch fails."""
    from webui.engine.images import has_content_at, is_empty

    base = engine.api.create_container(small_image, command=["true"])["Id"]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("seed/hello")
        entry.size = 2
        tar.addfile(entry, io.BytesIO(b"hi"))
    engine.api.put_archive(base, "/", archive.getvalue())
    engine.api.commit(base, repository=f"{prefix}-seeded", tag="1")
    engine.api.remove_container(base)
    try:
        volume = f"{prefix}-empty"
        engine.api.create_volume(volume)
        assert has_content_at(engine, f"{prefix}-seeded:1", "/seed")
        assert is_empty(engine.api, small_image, volume)
        run(engine, small_image, volume, "touch /data/x")
        assert not is_empty(engine.api, small_image, volume)
    finally:
        engine.api.remove_image(f"{prefix}-seeded:1")
