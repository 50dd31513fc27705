"""Jobs on a real engine: pulls with progress and cancel, the small image, and an app that is killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.engine.registry import LAYER_BYTES, LAYERS, Registry, publish, registry, slow_road
from tests.waiting import wait_until
from webui.engine.connection import Engine, Engines
from webui.engine.images import load_images
from webui.errors import InvalidInputError
from webui.jobs.model import Job, JobState
from webui.jobs.pull import start_pull
from webui.jobs.runner import Runner
from webui.jobs.tools_image import start_tools_image
from webui.store import Store

__all__ = ["registry"]

APP_THAT_DIES = """
import sys, time
from pathlib import Path
from webui.engine.connection import Engines
from webui.jobs.runner import Runner
from webui.settings import Settings
from webui.store import Store

folder, url, volume = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
engines = Engines(Settings(data_dir=folder, token="t", engine=url))

def work(context):
    for name in (volume + "-a", volume + "-b"):
        context.undo("remove-volume", name=name)
        engines.get("default").api.create_volume(name)
    context.progress(2, 3, "volumes", "Two are made")
    context.undo("remove-volume", name=volume + "-never-made")
    print("in the middle", flush=True)
    time.sleep(60)

runner = Runner(Store(folder), engines)
print(runner.submit("test", "three volumes", "default", "x", work).id, flush=True)
time.sleep(60)
"""


def remove_volume(engine: Engine, arguments: Mapping[str, Any]) -> None:
    if arguments["name"] in volumes(engine):
        engine.api.remove_volume(arguments["name"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "records")) as opened:
        yield opened


@pytest.fixture
def runner(store: Store, engines: Engines) -> Iterator[Runner]:
    running = Runner(store, engines)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def image(engine_socket: str, small_image: str, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path in the registry of an image with several layers."""
    from webui.settings import Settings

    folder = tmp_path_factory.mktemp("publisher")
    with closing(Engines(Settings(data_dir=folder, token="t", engine=engine_socket))) as found:
        publish(found.get("default"), small_image, f"{registry.host}/jobs:latest")
    return "jobs"


def volumes(engine: Engine) -> set[str]:
    return {each["Name"] for each in engine.api.volumes()["Volumes"] or ()}


def is_local(engine: Engine, name: str) -> bool:
    return any(name in found.tags for found in load_images(engine.api))


def test_a_pull_is_a_job_with_bytes_and_layers(runner: Runner, engine: Engine, registry: Registry, image: str) -> None:
    heard: list[Job] = []
    runner.subscribe(heard.append)
    with slow_road(registry, 4_000_000) as road:
        name = f"{road.host}/{image}:latest"
        try:
            job = runner.wait(start_pull(runner, engine, f"{road.host}/{image}").id, 30)
            assert job.state is JobState.DONE, job.error
            assert is_local(engine, name)
        finally:
            engine.api.remove_image(name)
    assert (job.kind, job.subject, job.engine) == ("pull", name, "default")
    assert job.progress.unit == "bytes"
    assert job.progress.done == job.progress.total
    assert job.progress.done >= LAYERS * LAYER_BYTES
    assert job.result is not None
    assert job.result["id"].startswith("sha256:")
    assert len(job.result["layers"]) == LAYERS + 1
    assert len(runner.log(job.id)) == LAYERS + 1
    under_way = [told for told in heard if told.result and told.state is JobState.RUNNING]
    assert any(layer["status"] == "Downloading" for told in under_way for layer in told.result["layers"])
    assert any("layers are there" in told.message for told in under_way)


def test_a_cancelled_pull_ends_at_once_and_the_engine_with_it(
    runner: Runner, engine: Engine, registry: Registry, image: str
) -> None:
    with slow_road(registry, 300_000) as road:
        job = start_pull(runner, engine, f"{road.host}/{image}")
        wait_until(lambda: runner.get(job.id).progress.done > 0)
        runner.cancel(job.id)
        assert runner.wait(job.id, 2).state is JobState.CANCELLED
        wait_until(lambda: road.open == 0)
        assert not is_local(engine, f"{road.host}/{image}:latest")


def test_a_cancelled_pull_leaves_no_layers_on_the_engine(
    runner: Runner, engine: Engine, registry: Registry, image: str
) -> None:
    layers = Path(engine.facts().data_folder) / "overlay2"
    before = set(layers.iterdir())
    with slow_road(registry, 1_500_000) as road:
        job = start_pull(runner, engine, f"{road.host}/{image}")
        wait_until(lambda: any("Pull complete" in line.text for line in runner.log(job.id)))
        assert set(layers.iterdir()) > before
        runner.cancel(job.id)
        assert runner.wait(job.id, 2).state is JobState.CANCELLED
        wait_until(lambda: set(layers.iterdir()) == before)


def test_the_pull_after_a_cancelled_one_succeeds(
    runner: Runner, engine: Engine, registry: Registry, image: str
) -> None:
    with slow_road(registry, 300_000) as road:
        name = f"{road.host}/{image}:latest"
        job = start_pull(runner, engine, name)
        wait_until(lambda: runner.get(job.id).progress.done > 0)
        runner.cancel(job.id)
        runner.wait(job.id, 2)
        road.rate = 100_000_000
        try:
            again = runner.wait(start_pull(runner, engine, name).id, 30)
            assert again.state is JobState.DONE, again.error
        finally:
            engine.api.remove_image(name)


def test_two_people_pulling_the_same_share_a_job(
    runner: Runner, engine: Engine, registry: Registry, image: str
) -> None:
    with slow_road(registry, 300_000) as road:
        jobs = {start_pull(runner, engine, f"{road.host}/{image}{tag}").id for tag in ("", ":latest", "")}
        assert len(jobs) == 1
        runner.cancel(jobs.pop())


def test_a_pull_that_fails_says_why(runner: Runner, engine: Engine, registry: Registry) -> None:
    job = runner.wait(start_pull(runner, engine, f"{registry.host}/none").id, 10)
    assert job.state is JobState.FAILED
    assert "has no image" in job.error
    assert "docker login" in job.error


def test_what_is_no_name_makes_no_job(runner: Runner, engine: Engine) -> None:
    with pytest.raises(InvalidInputError):
        start_pull(runner, engine, "No Name")
    assert runner.list() == ()


def test_the_small_image_is_made_as_a_job(runner: Runner, engine: Engine, prefix: str) -> None:
    name = f"demijohn-test/{prefix}:latest"
    job = runner.wait(start_tools_image(runner, engine, name).id, 30)
    try:
        assert job.state is JobState.DONE, job.error
        assert job.progress.done == job.progress.total
        assert job.progress.done > 1_000_000
        assert is_local(engine, name)
    finally:
        engine.api.remove_image(name)


def test_making_the_small_image_can_be_cancelled(runner: Runner, engine: Engine, prefix: str) -> None:
    name = f"demijohn-test/{prefix}:latest"
    job = start_tools_image(runner, engine, name)
    runner.cancel(job.id)
    assert runner.wait(job.id, 10).state is JobState.CANCELLED
    assert not is_local(engine, name)


def test_an_app_killed_in_the_middle_is_put_right_at_the_next_start(
    engines: Engines, engine: Engine, engine_socket: str, tmp_path: Path, prefix: str
) -> None:
    folder = tmp_path / "killed"
    app = subprocess.Popen(
        [sys.executable, "-c", APP_THAT_DIES, folder, engine_socket, prefix], stdout=subprocess.PIPE, text=True
    )
    with app:
        try:
            assert app.stdout is not None
            job_id = app.stdout.readline().strip()
            assert app.stdout.readline() == "in the middle\n"
        finally:
            app.kill()
    assert {f"{prefix}-a", f"{prefix}-b"} <= volumes(engine)

    with closing(Store(folder)) as store:
        runner = Runner(store, engines, {"remove-volume": remove_volume})
        try:
            assert runner.get(job_id).state is JobState.RUNNING
            runner.recover()
            job = runner.get(job_id)
            assert (job.state, job.error) == (JobState.INTERRUPTED, "")
            assert not [name for name in volumes(engine) if name.startswith(prefix)]
            assert [line.text for line in runner.log(job_id)] == [
                f"Undone: remove-volume (name {prefix}-{which})" for which in ("never-made", "b", "a")
            ]
        finally:
            runner.close()


def test_a_job_that_fails_on_the_engine_is_undone_there(
    store: Store, engines: Engines, engine: Engine, prefix: str
) -> None:
    runner = Runner(store, engines, {"remove-volume": remove_volume})
    seen = threading.Event()

    def work(context: Any) -> None:
        context.undo("remove-volume", name=f"{prefix}-half")
        engine.api.create_volume(f"{prefix}-half")
        if f"{prefix}-half" in volumes(engine):
            seen.set()
        engine.facts()
        raise InvalidInputError({"name": "It can't be called so."})

    try:
        job = runner.wait(runner.submit("test", "a volume", "default", prefix, work).id, 10)
    finally:
        runner.close()
    assert seen.is_set()
    assert (job.state, job.error) == (JobState.FAILED, "It can't be called so.")
    assert f"{prefix}-half" not in volumes(engine)
