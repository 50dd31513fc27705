"""What a volume takes: as du says, whatever is in it; found by a job that can be stopped; shown in the list."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.engine import golden_tree
from tests.engine.looking_inside import Volume, helpers, opened, path
from tests.engine.plain_tree import by_du, fill, fill_long, throttle
from tests.waiting import wait_until
from webui.engine.catalogue import Catalogue
from webui.engine.connection import Engine, Engines
from webui.engine.file_model import Place
from webui.engine.files import Files
from webui.engine.session import SessionLostError
from webui.engine.usage import TreeUsage, measure
from webui.errors import ConflictError, NotFoundError
from webui.jobs import JobState, Runner
from webui.jobs.measuring import measuring, start_measure
from webui.jobs.usage_records import UsageRecords
from webui.paths import TOP, VolumePath
from webui.store import Store


@pytest.fixture
def volume(engine: Engine, small_image: str, prefix: str) -> Iterator[Volume]:
    """An empty volume."""
    with opened(engine, small_image, f"{prefix}-measured") as made:
        yield made


@pytest.fixture
def records(tmp_path: Path) -> Iterator[UsageRecords]:
    with closing(Store(tmp_path / "records")) as store:
        yield UsageRecords(store)


@pytest.fixture
def runner(tmp_path: Path, engines: Engines) -> Iterator[Runner]:
    with closing(Store(tmp_path / "jobs")) as store, closing(Runner(store, engines)) as made:
        yield made


def by_app(volume: Volume, folder: VolumePath = TOP) -> TreeUsage:
    return measure(volume.files, folder, lambda *_: None)


def programs(engine: Engine, volume: Volume) -> list[str]:
    """The programs that run in the volume's helpers."""
    (helper,) = helpers(engine, volume.name)
    return [row[-1].split()[0] for row in engine.api.top(helper["Id"])["Processes"]]


def test_a_volume_takes_what_du_says(volume: Volume) -> None:
    fill(volume.root)
    os.truncate(volume.root / "folder-3" / "file-7", 10**9)
    usage = by_app(volume)
    assert {folder.path: folder.bytes for folder in usage.folders} == by_du(volume.root)
    assert (usage.files, usage.count, usage.unreadable) == (600, 21, 0)
    assert all(folder.files == 30 for folder in usage.folders if folder.path)


def test_it_does_with_anything_that_can_be_in_it(volume: Volume) -> None:
    golden_tree.build(volume.root)
    golden_tree.build_deeper(volume.root)
    usage = by_app(volume)
    folders = by_du(volume.root)
    assert usage.bytes == folders[b""]
    assert {folder.path for folder in usage.folders} == set(folders)
    inodes = by_du(volume.root, "--inodes", "-s")[b""]
    assert (usage.files, usage.count, usage.unreadable) == (inodes - len(folders), len(folders), 0)


@pytest.mark.parametrize("names", [(b"a", b"b"), (b"a", b"c"), (b"b", b"d")])
def test_a_file_with_several_names_is_counted_once(volume: Volume, names: tuple[bytes, bytes]) -> None:
    """Whoever of those who share the work finds it."""
    for name in names:
        (volume.root / os.fsdecode(name)).mkdir()
    (volume.root / os.fsdecode(names[0]) / "file").write_bytes(b"x" * 100_000)
    for place in ("again", f"{os.fsdecode(names[1])}/once more"):
        (volume.root / place).hardlink_to(volume.root / os.fsdecode(names[0]) / "file")
    usage = by_app(volume)
    assert (usage.bytes, usage.files) == (by_du(volume.root)[b""], 1)


def test_an_empty_volume_takes_its_top_folder(volume: Volume) -> None:
    usage = by_app(volume)
    assert (usage.bytes, usage.files, usage.count) == (by_du(volume.root)[b""], 0, 1)


def test_a_folder_is_measured_by_itself(volume: Volume) -> None:
    (volume.root / "a" / "b").mkdir(parents=True)
    (volume.root / "a" / "b" / "file").write_bytes(b"x" * 10_000)
    usage = by_app(volume, path("a"))
    assert {folder.path: folder.bytes for folder in usage.folders} == by_du(volume.root / "a")


def test_what_is_mounted_inside_is_left_out(volume: Volume) -> None:
    mounts = [volume.root / "top", volume.root / "folder" / "below"]
    fill(volume.root, folders=2)
    with ExitStack() as mounted:
        for mount in mounts:
            mount.mkdir(parents=True)
            subprocess.run(["mount", "-t", "tmpfs", "none", mount], check=True)
            mounted.callback(subprocess.run, ["umount", mount], check=True)
            (mount / "large").write_bytes(b"x" * 1_000_000)
            (mount / "deep").mkdir()
        usage = by_app(volume)
        mounted.callback(volume.inside.close)
        assert {folder.path: folder.bytes for folder in usage.folders} == by_du(volume.root)
        assert usage.files == 60


def test_the_largest_of_many_folders_are_kept(volume: Volume) -> None:
    fill(volume.root, folders=40)
    (volume.root / "folder-7" / "large").write_bytes(b"x" * 1_000_000)
    usage = measure(volume.files, TOP, lambda *_: None, most_folders=2)
    assert [folder.path for folder in usage.folders] == [b"", b"folder-7"]
    assert (usage.bytes, usage.count) == (by_du(volume.root)[b""], 41)


@pytest.mark.parametrize(
    ("where", "error"), [("nowhere", NotFoundError), ("file", ConflictError), ("link", ConflictError)]
)
def test_what_is_no_folder_is_not_measured(volume: Volume, where: str, error: type[Exception]) -> None:
    (volume.root / "file").write_text("x")
    (volume.root / "link").symlink_to("/etc")
    with pytest.raises(error):
        by_app(volume, path(where))


def test_it_says_how_far_it_is(volume: Volume) -> None:
    fill(volume.root, folders=400, files=10)
    told: list[tuple[int, int]] = []
    usage = measure(volume.files, TOP, lambda taken, folders: told.append((taken, folders)))
    assert told == sorted(told)
    assert len(told) > 3
    assert told[-1] == (usage.bytes, usage.count)


def test_it_ends_with_what_the_watcher_raises(volume: Volume, engine: Engine) -> None:
    fill(volume.root)

    def watch(*_: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        measure(volume.files, TOP, watch)
    wait_until(lambda: set(programs(engine, volume)) == {"/bin/sh"})
    assert by_app(volume).count == 21


def test_it_can_be_ended_while_it_says_nothing(volume: Volume, engine: Engine) -> None:
    fill_long(volume.root)
    volume.files.entry(TOP)
    throttle(engine, volume.name)
    with pytest.raises(SessionLostError):
        measure(volume.files, TOP, lambda *_: None, lambda stop: stop())


def test_a_job_writes_down_what_it_found(volume: Volume, engine: Engine, runner: Runner, records: UsageRecords) -> None:
    fill(volume.root)
    said: list[str] = []
    job = start_measure(runner, engine, volume.files, records, volume.name, on_measured=lambda: said.append("!"))
    assert (job.kind, job.subject) == ("measure", volume.name)
    job = runner.wait(job.id, 30)
    total = by_du(volume.root)[b""]
    assert job.state is JobState.DONE, job.error
    assert job.result == {"bytes": total, "files": 600, "folders": 21, "unreadable": 0}
    assert (job.progress.done, job.progress.unit, said) == (total, "bytes", ["!"])
    assert records.sizes(engine.facts().identity)[volume.name].size.bytes == total


def test_a_volume_is_measured_by_one_job_at_a_time(
    volume: Volume, engine: Engine, runner: Runner, records: UsageRecords
) -> None:
    fill_long(volume.root)
    volume.files.entry(TOP)
    throttle(engine, volume.name)
    first, second = (start_measure(runner, engine, volume.files, records, volume.name) for _ in range(2))
    assert first.id == second.id
    found = measuring(runner, engine, volume.name)
    assert found is not None
    assert found.id == first.id
    assert measuring(runner, engine, "another") is None
    runner.cancel(first.id)
    assert runner.wait(first.id, 60).state is JobState.CANCELLED
    assert measuring(runner, engine, volume.name) is None


def test_a_cancelled_job_leaves_no_process_and_no_record(
    volume: Volume, engine: Engine, runner: Runner, records: UsageRecords
) -> None:
    fill_long(volume.root)
    volume.files.entry(TOP)
    throttle(engine, volume.name)
    job = start_measure(runner, engine, volume.files, records, volume.name)
    wait_until(lambda: "find" in programs(engine, volume), seconds=60)
    runner.cancel(job.id)
    assert runner.wait(job.id, 60).state is JobState.CANCELLED
    wait_until(lambda: set(programs(engine, volume)) == {"/bin/sh"}, seconds=60)
    assert records.sizes(engine.facts().identity) == {}


def test_a_job_whose_helper_is_taken_away_says_so(
    volume: Volume, engine: Engine, runner: Runner, records: UsageRecords
) -> None:
    fill_long(volume.root)
    volume.files.entry(TOP)
    throttle(engine, volume.name)
    job = start_measure(runner, engine, volume.files, records, volume.name)
    wait_until(lambda: "find" in programs(engine, volume), seconds=60)
    engine.api.remove_container(helpers(engine, volume.name)[0]["Id"], force=True)
    job = runner.wait(job.id, 30)
    assert job.state is JobState.FAILED
    assert "helper container" in job.error


def test_a_volume_that_is_gone_is_not_measured(
    volume: Volume, engine: Engine, runner: Runner, records: UsageRecords, prefix: str
) -> None:
    gone = Files(volume.inside, Place.volume(f"{prefix}-gone"))
    job = runner.wait(start_measure(runner, engine, gone, records, f"{prefix}-gone").id, 30)
    assert job.state is JobState.FAILED
    assert f"{prefix}-gone" in job.error


@pytest.fixture
def catalogue(engine: Engine, records: UsageRecords) -> Iterator[Catalogue]:
    """The catalogue, its events being read."""
    with closing(Catalogue(engine, lambda: None, records)) as made:
        made.feed.ensure_running()
        wait_until(lambda: made.watched_since)
        yield made


def size(catalogue: Catalogue, name: str) -> int | None:
    """The size of a volume as the list has it, and the page of its own."""
    found = next(volume for volume in catalogue.volumes(30).items if volume.name == name)
    assert catalogue.sized(found) == found
    return found.size.bytes if found.size else None


def measured(runner: Runner, engine: Engine, volume: Volume, records: UsageRecords) -> int:
    """The bytes a job found that measured the volume."""
    job = runner.wait(start_measure(runner, engine, volume.files, records, volume.name).id, 60)
    assert job.state is JobState.DONE, job.error
    return job.progress.done


def test_the_newest_size_is_shown(
    volume: Volume, engine: Engine, runner: Runner, records: UsageRecords, catalogue: Catalogue
) -> None:
    assert size(catalogue, volume.name) is None
    first = measured(runner, engine, volume, records)
    assert size(catalogue, volume.name) == first
    assert catalogue.volumes(30, fresh=False).items is catalogue.volumes(30, fresh=False).items
    (volume.root / "file").write_bytes(b"x" * 100_000)
    catalogue.measure()
    wait_until(lambda: not catalogue.measurement.running, seconds=60)
    by_engine = catalogue.measurement.sizes[volume.name].bytes
    assert size(catalogue, volume.name) == by_engine > first
    (volume.root / "more").write_bytes(b"x" * 200_000)
    assert size(catalogue, volume.name) == by_engine
    assert measured(runner, engine, volume, records) == size(catalogue, volume.name) > by_engine


def test_the_size_of_a_deleted_volume_is_not_that_of_the_next(
    volume: Volume, engine: Engine, runner: Runner, records: UsageRecords, catalogue: Catalogue
) -> None:
    fill(volume.root)
    measured(runner, engine, volume, records)
    volume.inside.end(volume.place)
    engine.api.remove_volume(volume.name)
    engine.api.create_volume(volume.name)
    wait_until(lambda: size(catalogue, volume.name) is None)
    assert records.sizes(engine.facts().identity) == {}


def test_the_size_of_a_pruned_volume_is_not_that_of_the_next(
    volume: Volume, engine: Engine, runner: Runner, records: UsageRecords, catalogue: Catalogue
) -> None:
    """Some engines do not say which volumes they pruned."""
    labels = {"pruned-by": volume.name}
    volume.inside.end(volume.place)
    engine.api.remove_volume(volume.name)
    engine.api.create_volume(volume.name, labels=labels)
    fill(volume.root)
    measured(runner, engine, volume, records)
    assert size(catalogue, volume.name) is not None
    volume.inside.end(volume.place)
    assert engine.api.prune_volumes({"label": f"pruned-by={volume.name}"})["VolumesDeleted"] == [volume.name]
    engine.api.create_volume(volume.name, labels=labels)
    wait_until(lambda: size(catalogue, volume.name) is None)
