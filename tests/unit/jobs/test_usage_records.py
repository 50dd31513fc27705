"""What volumes were measured to take is kept, and never shown of another volume than the one that was measured."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from webui.engine.file_model import Place
from webui.engine.model import Volume, VolumeKind, VolumeSize
from webui.engine.sizes import with_sizes
from webui.engine.usage import FolderUsage, TreeUsage
from webui.errors import NotFoundError
from webui.jobs.usage_records import Level, UsageRecords
from webui.jobs.usage_table import UsageTable
from webui.paths import TOP, VolumePath, volume_path
from webui.store import Store

ENGINE, OTHER = "the first engine", "another engine"
CREATED = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASSWORD = "a-password-nobody-may-read"
VOLUME = Volume(
    name="data",
    driver="local",
    kind=VolumeKind.CIFS,
    options={"type": "cifs", "o": f"username=me,password={PASSWORD}"},
    labels={"owner": "me"},
    created=CREATED,
    mountpoint="/var/lib/docker/volumes/data/_data",
    scope="local",
    anonymous=False,
)
PLACE = Place.volume("data")
USAGE = TreeUsage(
    bytes=1000,
    files=12,
    count=99,
    folders=(
        FolderUsage(b"", 1000, 100, 12),
        FolderUsage(b"a", 300, 300, 3),
        FolderUsage(b"b", 500, 50, 8),
        FolderUsage(b"b/\xff\n", 200, 200, 2),
        FolderUsage("b/ü".encode(), 240, 240, 5),
    ),
    unreadable=2,
)


@pytest.fixture
def records(store: Store) -> UsageRecords:
    return UsageRecords(store)


def saved(records: UsageRecords, volume: Volume = VOLUME, usage: TreeUsage = USAGE) -> datetime:
    return records.save(ENGINE, Place.volume(volume.name), volume, usage, 1.5).measured_at


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store:
        measured_at = saved(UsageRecords(store))
    with closing(Store(tmp_path)) as store:
        found = UsageRecords(store).find(ENGINE, PLACE, VOLUME, None)
    assert found is not None
    assert (found.usage, found.measured_at, found.seconds) == (USAGE, measured_at, 1.5)


def test_nothing_is_known_of_what_was_not_measured(records: UsageRecords) -> None:
    saved(records)
    assert records.find(ENGINE, Place.volume("other"), replace(VOLUME, name="other"), None) is None
    assert records.find(OTHER, PLACE, VOLUME, None) is None
    assert records.sizes(OTHER) == {}


def test_a_new_measurement_takes_the_place_of_the_old(records: UsageRecords) -> None:
    saved(records)
    saved(records, usage=TreeUsage(5, 1, 1, (FolderUsage(b"", 5, 5, 1),)))
    found = records.find(ENGINE, PLACE, VOLUME, None)
    assert found is not None
    assert found.usage.bytes == 5
    assert records.sizes(ENGINE)["data"].size.bytes == 5


def test_a_host_folder_is_its_path(records: UsageRecords) -> None:
    records.save(ENGINE, Place.folder("/srv", "web: /data"), None, USAGE, 1.5)
    found = records.find(ENGINE, Place.folder("/srv", "another name"), None, None)
    assert found is not None
    assert found.usage == USAGE
    assert records.find(ENGINE, Place.folder("/srv/x", "web: /data"), None, None) is None
    assert records.sizes(ENGINE) == {}


class TestAnotherVolumeOfTheSameName:
    @pytest.mark.parametrize(
        "changed",
        [
            {"driver": "nfs"},
            {"options": {}},
            {"labels": {}},
            {"mountpoint": "/mnt/docker/volumes/data/_data"},
            {"created": CREATED + timedelta(seconds=1)},
            {"created": CREATED - timedelta(seconds=1)},
            {"created": None},
        ],
    )
    def test_is_not_shown_the_record(self, records: UsageRecords, changed: dict[str, object]) -> None:
        saved(records)
        other = replace(VOLUME, **changed)  # type: ignore[arg-type]
        assert records.find(ENGINE, PLACE, VOLUME, None)
        assert records.find(ENGINE, PLACE, other, None) is None
        assert with_sizes((other,), {}, records.sizes(ENGINE))[0].size is None

    def test_may_be_made_in_the_second_the_first_was_measured_in(self, records: UsageRecords) -> None:
        """The engine does not tell the times of their creation apart."""
        young = replace(VOLUME, created=datetime.now(UTC).replace(microsecond=0))
        saved(records, young)
        assert records.find(ENGINE, PLACE, young, None) is None
        assert records.find(ENGINE, PLACE, young, datetime.now(UTC) - timedelta(seconds=5))

    def test_that_is_seen_to_be_deleted_is_forgotten(self, records: UsageRecords, store: Store) -> None:
        watched_since = datetime.now(UTC)
        saved(records)
        records.forget(ENGINE, "data")
        assert records.find(ENGINE, PLACE, VOLUME, watched_since) is None
        assert records.sizes(ENGINE) == {}
        assert UsageTable(store).sizes() == {}

    def test_that_is_deleted_before_the_records_were_read_is_forgotten(self, store: Store) -> None:
        saved(UsageRecords(store))
        records = UsageRecords(store)
        records.forget(ENGINE, "data")
        records.load()
        assert records.sizes(ENGINE) == {}

    def test_on_another_engine_is_another(self, records: UsageRecords) -> None:
        saved(records)
        records.load()
        records.forget(OTHER, "data")
        assert records.find(ENGINE, PLACE, VOLUME, None)


class TestTheSameVolumeWrittenTo:
    """The engine moves the time of creation then."""

    WRITTEN = replace(VOLUME, created=CREATED + timedelta(days=1))

    def test_is_known_while_nobody_can_have_deleted_it_unseen(self, records: UsageRecords) -> None:
        watched_since = datetime.now(UTC)
        saved(records)
        assert records.find(ENGINE, PLACE, self.WRITTEN, watched_since)
        assert with_sizes((self.WRITTEN,), {}, records.sizes(ENGINE), watched_since)[0].size

    def test_is_not_once_the_engine_was_out_of_sight(self, records: UsageRecords) -> None:
        saved(records)
        watched_since = datetime.now(UTC)
        assert records.find(ENGINE, PLACE, self.WRITTEN, watched_since) is None

    def test_is_not_where_it_is_made_in_another_way(self, records: UsageRecords) -> None:
        watched_since = datetime.now(UTC)
        saved(records)
        assert records.find(ENGINE, PLACE, replace(VOLUME, labels={}), watched_since) is None

    def test_of_a_plugin_may_be_mounted_elsewhere(self, records: UsageRecords) -> None:
        plugin = replace(VOLUME, driver="rclone", mountpoint="")
        saved(records, plugin)
        assert records.find(ENGINE, PLACE, replace(plugin, mountpoint="/mnt/x"), None)


class TestSizes:
    def test_are_the_same_mapping_as_long_as_nothing_changes(self, records: UsageRecords) -> None:
        records.load()
        saved(records)
        known = records.sizes(ENGINE)
        assert records.sizes(ENGINE) is known
        records.load()
        records.forget(ENGINE, "no such volume")
        assert records.sizes(ENGINE) is known
        saved(records)
        assert records.sizes(ENGINE) is not known

    def test_of_earlier_runs_are_there_once_they_were_read(self, store: Store) -> None:
        measured_at = saved(UsageRecords(store))
        records = UsageRecords(store)
        assert records.sizes(ENGINE) == {}
        records.load()
        assert {name: known.size for name, known in records.sizes(ENGINE).items()} == {
            "data": VolumeSize(1000, measured_at)
        }

    def test_measured_before_the_earlier_ones_were_read_are_newer(self, store: Store) -> None:
        saved(UsageRecords(store))
        records = UsageRecords(store)
        saved(records, usage=replace(USAGE, bytes=7))
        records.load()
        assert records.sizes(ENGINE)["data"].size.bytes == 7

    @pytest.mark.parametrize(("hours", "shown"), [(-1, 1000), (1, 4)])
    def test_in_a_list_are_the_newest_known(self, records: UsageRecords, hours: int, shown: int) -> None:
        by_the_engine = VolumeSize(4, saved(records) + timedelta(hours=hours))
        other = replace(VOLUME, name="other")
        first, second = with_sizes(
            (VOLUME, other), {"data": by_the_engine, "other": by_the_engine}, records.sizes(ENGINE)
        )
        assert first.size is not None
        assert first.size.bytes == shown
        assert second.size == by_the_engine


class TestLevels:
    @pytest.fixture
    def level(self, records: UsageRecords) -> Callable[[VolumePath], Level]:
        saved(records)
        found = records.find(ENGINE, PLACE, VOLUME, None)
        assert found is not None
        return found.level

    def test_the_top(self, level: Callable[[VolumePath], Level]) -> None:
        top = level(TOP)
        assert top.path == TOP
        assert [folder.path for folder in top.folders] == [b"b", b"a"]
        assert (top.bytes, top.files, top.own, top.rest, top.smaller) == (1000, 12, 100, 200, 100)

    def test_a_folder_with_any_name(self, level: Callable[[VolumePath], Level]) -> None:
        inner = level(volume_path("b"))
        assert [folder.path for folder in inner.folders] == ["b/ü".encode(), b"b/\xff\n"]
        assert (inner.rest, inner.smaller) == (60, 10)
        innermost = level(volume_path(b"b/\xff\n"))
        assert (innermost.folders, innermost.bytes, innermost.own, innermost.rest) == ((), 200, 200, 200)

    @pytest.mark.parametrize("path", ["c", "b/a", "a/b", "b/\\xff"])
    def test_one_that_is_not_known(self, level: Callable[[VolumePath], Level], path: str) -> None:
        with pytest.raises(NotFoundError, match="not among the folders"):
            level(volume_path(path))


def test_only_so_many_places_are_kept_the_newest(store: Store, records: UsageRecords) -> None:
    saved(records)
    found = UsageTable(store).find(ENGINE, PLACE)
    assert found is not None
    size, record = found
    table = UsageTable(store, most_places=3)
    for number in range(5):
        at = CREATED + timedelta(days=1000 + number)
        table.save(ENGINE, Place.volume(f"v{number}"), size, replace(record, measured_at=at))
    assert set(table.sizes()[ENGINE]) == {"v2", "v3", "v4"}


def test_options_are_not_written_down(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store:
        saved(UsageRecords(store))
        files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert any(b"measured_usage" in content for content in files)
    assert not any(PASSWORD.encode() in content for content in files)


def test_ten_thousand_folders_take_little_room(tmp_path: Path) -> None:
    folders = [FolderUsage(b"", 10**12, 4096, 10**6)]
    folders += [FolderUsage(b"folder-%04d" % number, 10**8 + number, 4096, 100) for number in range(10_000)]
    with closing(Store(tmp_path)) as store:
        saved(UsageRecords(store), usage=TreeUsage(10**12, 10**6, 10_001, tuple(folders)))
        with store.read() as connection:
            (size,) = connection.exec_driver_sql("SELECT length(tree) FROM measured_usage").one()
    assert size < 200_000
