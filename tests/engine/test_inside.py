"""Helper containers: made on demand, allowed little, gone when nobody needs them, and cleaned up after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.engine.looking_inside import Volume, helpers, opened, path
from tests.waiting import wait_until
from webui.engine.changes import BY_SESSION
from webui.engine.connection import Engine
from webui.engine.containers import inspect_container, load_containers
from webui.engine.file_model import Place
from webui.engine.files import Files
from webui.engine.inside import Helper, Inside
from webui.engine.model import ROLE_LABEL
from webui.engine.volumes import delete_volume, inspect_volume
from webui.errors import ConflictError, DemijohnError, EngineUnreachableError, NotFoundError

Run = Callable[..., str]


@pytest.fixture
def volume(engine: Engine, small_image: str, prefix: str) -> Iterator[Volume]:
    """A volume with one file in it."""
    with opened(engine, small_image, f"{prefix}-looked-into") as made:
        (made.root / "file").write_text("content")
        yield made


@contextmanager
def both(volume: Volume) -> Iterator[tuple[Helper, Helper]]:
    """A helper that reads and one that writes."""
    with volume.inside.helper(volume.place) as reader, volume.inside.helper(volume.place, writing=True) as writer:
        yield reader, writer


def running(engine: Engine, volume: Volume) -> list[str]:
    """The ids of the helpers that run."""
    return [each["Id"] for each in helpers(engine, volume.name) if each["State"] == "running"]


def test_a_helper_is_made_on_demand_one_for_each_place_and_mode(
    volume: Volume, engine: Engine, small_image: str, prefix: str
) -> None:
    assert helpers(engine, volume.name) == []
    assert not volume.inside.is_open(volume.place)
    with ThreadPoolExecutor(8) as pool:
        for entry in pool.map(lambda _: volume.files.entry(path("file")), range(24)):
            assert entry.size == 7
    assert len(helpers(engine, volume.name)) == 1
    assert volume.inside.is_open(volume.place)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: volume.changes.make_folder(path(f"folder-{number}")), range(24)))
    assert len(helpers(engine, volume.name)) == 2
    with opened(engine, small_image, f"{prefix}-other") as other:
        assert other.files.listing().total == 0
        assert len(helpers(engine, other.name)) == 1


def test_idle_helpers_end_by_themselves(engine: Engine, small_image: str, prefix: str) -> None:
    with opened(engine, small_image, f"{prefix}-idle", idle_seconds=0.1) as volume:
        volume.changes.make_folder(path("folder"))
        assert helpers(engine, volume.name)
        wait_until(lambda: not helpers(engine, volume.name))
        assert not volume.inside.is_open(volume.place)
        assert volume.files.listing().total == 1


def test_one_that_was_just_started_is_not_one_too_many(
    engine: Engine, small_image: str, prefix: str, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webui.engine.inside.MOST_HELPERS", 1)
    other = f"{prefix}-other"
    engine.api.create_volume(other)
    with volume.inside.helper(volume.place), volume.inside.helper(Place.volume(other)) as started:
        assert not started.lost
        assert Files(volume.inside, Place.volume(other)).listing().total == 0
    assert volume.files.listing().total == 1
    volume.inside.end(Place.volume(other))


def test_a_helper_that_is_used_is_not_idle(engine: Engine, small_image: str, prefix: str) -> None:
    with (
        opened(engine, small_image, f"{prefix}-busy", idle_seconds=0.1) as volume,
        opened(engine, small_image, f"{prefix}-idle", idle_seconds=0.1) as idle,
    ):
        with volume.inside.helper(volume.place) as used:
            idle.files.listing()
            wait_until(lambda: not helpers(engine, idle.name))
            assert running(engine, volume) == [used.id]
        wait_until(lambda: not helpers(engine, volume.name))


def test_all_helpers_end_at_close_and_no_more_are_made(volume: Volume, engine: Engine) -> None:
    volume.changes.make_folder(path("folder"))
    assert len(helpers(engine, volume.name)) == 2
    volume.inside.close()
    assert helpers(engine, volume.name) == []
    with pytest.raises(EngineUnreachableError):
        volume.files.listing()
    volume.inside.close()


def test_helpers_are_not_among_a_persons_containers_and_do_not_use_the_volume(volume: Volume, engine: Engine) -> None:
    with both(volume) as pair:
        assert volume.name not in {mount.name for each in load_containers(engine.api) for mount in each.mounts}
        assert inspect_volume(engine, volume.name).used_by == ()
        for helper in pair:
            with pytest.raises(NotFoundError):
                inspect_container(engine, helper.id)


def test_a_helper_may_do_what_it_needs_and_no_more(volume: Volume, engine: Engine) -> None:
    with both(volume) as pair:
        reader, writer = (engine.api.inspect_container(each.id) for each in pair)
    for helper in (reader, writer):
        host, config = helper["HostConfig"], helper["Config"]
        assert (host["NetworkMode"], host["ReadonlyRootfs"], host["Privileged"]) == ("none", True, False)
        assert (host["CapDrop"], host["SecurityOpt"]) == (["ALL"], ["no-new-privileges"])
        assert host["PidsLimit"] == 256
        assert host["Memory"] == 512 * 1024 * 1024
        assert host["LogConfig"]["Type"] == "none"
        assert not (host["Binds"] or host["Devices"] or host["PortBindings"])
        assert config["Labels"][ROLE_LABEL] == "helper"
        assert [mount["Destination"] for mount in helper["Mounts"]] == ["/volume"]
        assert helper["Name"].startswith("/demijohn-helper-")
    assert [each["HostConfig"]["CapAdd"] for each in (reader, writer)] == [
        ["DAC_READ_SEARCH"],
        ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "MKNOD", "SETFCAP"],
    ]
    assert [each["Mounts"][0]["RW"] for each in (reader, writer)] == [False, True]
    assert [each["HostConfig"]["AutoRemove"] for each in (reader, writer)] == [True, False]


def test_a_helper_that_reads_can_not_write_at_all(volume: Volume) -> None:
    with volume.inside.helper(volume.place) as reader, reader.session() as session:
        for attempt in (
            b"touch /volume/new",
            b"rm -f /volume/file",
            b"chmod 777 /volume",
            b"touch /tmp/x",
            b"touch /x",
        ):
            found = session.run(attempt)
            assert found.status != 0
            assert b"Read-only file system" in found.errors
        assert session.run(b"ls /sys/class/net").out.split() == [b"lo"]
    assert sorted(each.name for each in volume.root.iterdir()) == ["file"]


def test_a_folder_of_the_host_is_looked_at_and_never_written_to(volume: Volume, engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "seen").write_text("seen")
    files = Files(volume.inside, Place.folder(str(tmp_path), "a folder"))
    assert files.read(path("seen"), 100) == b"seen"
    with volume.inside.helper(files.place) as reader, reader.session() as session:
        assert b"Read-only" in session.run(b"touch /volume/new").errors
    with pytest.raises(ConflictError, match="only to be looked at"), volume.inside.helper(files.place, writing=True):
        pass
    volume.inside.end(files.place)


def test_a_volume_that_is_gone_is_not_made_anew(volume: Volume, engine: Engine, prefix: str) -> None:
    gone = Files(volume.inside, Place.volume(f"{prefix}-gone"))
    with pytest.raises(NotFoundError, match=f"no volume {prefix}-gone"):
        gone.listing()
    assert f"{prefix}-gone" not in {each["Name"] for each in engine.api.volumes()["Volumes"]}


@pytest.mark.parametrize("writing", [False, True])
def test_a_volume_deleted_while_its_helper_is_made_is_not_made_anew(
    engine: Engine, small_image: str, prefix: str, monkeypatch: pytest.MonkeyPatch, writing: bool
) -> None:
    """It goes after it was looked at, and before the container is created."""
    name = f"{prefix}-going"
    engine.api.create_volume(name)
    inspect_image = engine.api.inspect_image

    def deleting(image: str) -> object:
        monkeypatch.setattr(engine.api, "inspect_image", inspect_image)
        engine.api.remove_volume(name)
        return inspect_image(image)

    monkeypatch.setattr(engine.api, "inspect_image", deleting)
    with (
        closing(Inside(engine, lambda: small_image)) as inside,
        pytest.raises(NotFoundError, match=f"no volume {name}"),
        inside.helper(Place.volume(name), writing=writing),
    ):
        pass
    assert helpers(engine, name) == []
    assert name not in {each["Name"] for each in engine.api.volumes()["Volumes"]}


def download(volume: Volume) -> bytes:
    with volume.files.download(path("file"), 0, 7) as chunks:
        return b"".join(chunks)


CALLS: dict[str, Callable[[Volume], object]] = {
    "listing": lambda volume: volume.files.listing(),
    "download": download,
    "put": lambda volume: volume.changes.put(path("new"), [b"new"]),
    "make_folder": lambda volume: volume.changes.make_folder(path("folder")),
}


@pytest.mark.parametrize("name", CALLS)
def test_when_helpers_were_killed_the_next_call_has_new_ones(volume: Volume, engine: Engine, name: str) -> None:
    with both(volume) as pair:
        for helper in pair:
            engine.api.kill(helper.id)
    wait_until(lambda: not running(engine, volume))
    CALLS[name](volume)
    assert volume.left_behind() == []
    assert running(engine, volume)


def test_a_helper_killed_under_a_running_listing_fails_that_at_most_and_the_next_works(
    volume: Volume, engine: Engine
) -> None:
    for number in range(3000):
        (volume.root / f"{number:05}").touch()
    with ThreadPoolExecutor(1) as pool:
        for _ in range(2):
            with volume.inside.helper(volume.place) as reader:
                listing = pool.submit(volume.files.listing, limit=3000)
                engine.api.kill(reader.id)
                error = listing.exception()
            assert error is None or isinstance(error, DemijohnError)
            assert len(volume.files.listing(limit=4000).entries) == 3001


def test_a_process_left_in_the_middle_is_killed(volume: Volume) -> None:
    with volume.inside.helper(volume.place) as reader:
        with reader.process() as process, process.command(b"echo here; exec tail -f /dev/null") as command:
            assert next(command.output()) == b"here\n"
        with reader.session() as session:
            wait_until(lambda: b"tail" not in session.run(b"cat /proc/[0-9]*/comm").out)


def test_too_many_processes_at_once_are_refused(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webui.engine.inside.MOST_PROCESSES", 1)
    monkeypatch.setattr("webui.engine.inside.PROCESS_SECONDS", 0.05)
    with volume.inside.helper(volume.place) as reader, reader.process() as first:
        assert first.run(b"echo works").out == b"works\n"
        with pytest.raises(ConflictError, match="Too much goes on"), reader.process():
            pass
    with volume.inside.helper(volume.place) as reader, reader.process() as again:
        assert again is first


def stage(volume: Volume, helper: Helper) -> None:
    """Leave something half done where a helper keeps it."""
    folder = volume.root / helper.staging.decode()
    folder.mkdir()
    (folder / "half").write_text("half")


def test_the_sweep_removes_writers_that_ended_and_what_they_had_staged(
    volume: Volume, engine: Engine, small_image: str
) -> None:
    with closing(Inside(engine, lambda: small_image)) as earlier, earlier.helper(volume.place, writing=True) as writer:
        stage(volume, writer)
        engine.api.kill(writer.id)
        wait_until(lambda: not running(engine, volume))
        volume.inside.sweep()
        assert volume.left_behind() == []
        assert writer.id not in [each["Id"] for each in helpers(engine, volume.name)]
    assert (volume.root / "file").read_text() == "content"


def test_the_sweep_removes_a_writer_of_this_very_run_that_ended(volume: Volume, engine: Engine) -> None:
    """The engine ended and came back; nobody has asked the helper anything since."""
    with volume.inside.helper(volume.place, writing=True) as writer:
        stage(volume, writer)
    engine.api.kill(writer.id)
    wait_until(lambda: not running(engine, volume))
    volume.inside.sweep()
    assert volume.left_behind() == []
    assert writer.id not in [each["Id"] for each in helpers(engine, volume.name)]


def test_the_sweep_cleans_up_although_a_writer_runs_already(volume: Volume, engine: Engine, small_image: str) -> None:
    with (
        closing(Inside(engine, lambda: small_image)) as earlier,
        earlier.helper(volume.place, writing=True) as ended,
        volume.inside.helper(volume.place, writing=True) as writer,
    ):
        stage(volume, ended)
        engine.api.kill(ended.id)
        wait_until(lambda: running(engine, volume) == [writer.id])
        volume.inside.sweep()
        assert [each["Id"] for each in helpers(engine, volume.name)] == [writer.id]
        assert volume.left_behind() == []


def test_the_sweep_leaves_a_writer_of_another_app_at_its_work(volume: Volume, engine: Engine, small_image: str) -> None:
    with closing(Inside(engine, lambda: small_image)) as other, other.helper(volume.place, writing=True) as working:
        stage(volume, working)
        volume.inside.sweep()
        volume.changes.make_folder(path("folder"))
        assert working.id in running(engine, volume)
        assert (volume.root / working.staging.decode() / "half").read_text() == "half"
        with working.session() as session:
            assert session.run(b"rm -r /volume/" + working.staging).status == 0


def test_the_sweep_removes_writers_of_volumes_that_are_gone(volume: Volume, engine: Engine, small_image: str) -> None:
    """A volume can't go while a container holds it; one with a plugin's driver may be gone with the plugin."""
    with closing(Inside(engine, lambda: small_image)) as earlier, earlier.helper(volume.place, writing=True) as writer:
        engine.api.kill(writer.id)
        wait_until(lambda: not running(engine, volume))
        with pytest.MonkeyPatch.context() as patched:

            def gone(*_: object, **__: object) -> None:
                raise NotFoundError("gone")

            patched.setattr("webui.engine.helper.start", gone)
            volume.inside.sweep()
    assert helpers(engine, volume.name) == []


def test_helpers_end_before_a_volume_is_deleted(volume: Volume, engine: Engine) -> None:
    with both(volume):
        pass
    volume.inside.end(volume.place)
    assert helpers(engine, volume.name) == []
    with both(volume), pytest.raises(ConflictError, match="being written"):
        volume.inside.end(volume.place)
    with volume.inside.helper(volume.place) as reader:
        volume.inside.end(volume.place)
        assert reader.lost


def test_open_helpers_are_not_in_the_way_of_a_deletion(engine: Engine, small_image: str, prefix: str) -> None:
    name = f"{prefix}-deleted"
    engine.api.create_volume(name)
    with closing(Inside(engine, lambda: small_image)) as inside:
        place = Place.volume(name)
        with inside.helper(place), inside.helper(place, writing=True):
            pass
        assert len(helpers(engine, name)) == 2
        delete_volume(engine, name)
        assert helpers(engine, name) == []
        assert name not in {each["Name"] for each in engine.api.volumes()["Volumes"]}
        with pytest.raises(NotFoundError):
            Files(inside, place).listing()
    assert name not in {each["Name"] for each in engine.api.volumes()["Volumes"]}


PROGRAM = """
import sys
from pathlib import Path
from webui.engine.changes import Changes
from webui.engine.connection import Engines
from webui.engine.file_model import Place
from webui.engine.files import Files
from webui.engine.inside import Inside
from webui.paths import volume_path
from webui.settings import Settings

def chunks():
    yield b"half of it"
    files.listing()
    print("under way", flush=True)
    sys.stdin.read()

url, image, volume, folder, size = sys.argv[1:]
engine = Engines(Settings(data_dir=Path(folder), token="a-token-for-the-tests-only", engine=url)).get("default")
files = Files(Inside(engine, lambda: image), Place.volume(volume))
Changes(files).put(volume_path("file"), chunks(), int(size) or None)
"""


@pytest.fixture(params=[0, 2 * BY_SESSION], ids=["through a session", "through the archive API"])
def app_at_work(
    request: pytest.FixtureRequest, volume: Volume, engine_socket: str, small_image: str, tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Another app, in the middle of replacing the volume's file."""
    arguments = [
        sys.executable,
        "-c",
        PROGRAM,
        engine_socket,
        small_image,
        volume.name,
        str(tmp_path),
        str(request.param),
    ]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as app:
        try:
            assert app.stdout is not None
            assert app.stdout.readline() == b"under way\n"
            yield app
        finally:
            app.kill()


def test_nothing_is_left_of_an_app_that_was_killed(
    app_at_work: subprocess.Popen[bytes], volume: Volume, engine: Engine
) -> None:
    assert len(running(engine, volume)) == 2
    wait_until(lambda: len(volume.left_behind()) == 1)
    os.kill(app_at_work.pid, signal.SIGKILL)
    wait_until(lambda: not running(engine, volume))
    wait_until(lambda: {each["State"] for each in helpers(engine, volume.name)} <= {"exited", "created"})
    volume.inside.sweep()
    volume.inside.close()
    assert helpers(engine, volume.name) == []
    assert [each.name for each in volume.root.iterdir()] == ["file"]
    assert (volume.root / "file").read_text() == "content"
