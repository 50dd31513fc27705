"""The records file: made, migrated, refused."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from webui.store import FILE_NAME, MIGRATIONS, Store, StoreError

OLD = (("CREATE TABLE notes (text TEXT)",),)
NEW = (*OLD, ("ALTER TABLE notes ADD COLUMN colour TEXT", "UPDATE notes SET colour = 'grey'"))


def test_a_new_file_is_for_this_account_only_and_up_to_date(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    with closing(Store(folder)) as store:
        assert store.path.stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
        with store.read() as connection:
            assert connection.execute(text("PRAGMA user_version")).scalar() == len(MIGRATIONS)
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    write_note(tmp_path, OLD, "kept")
    with closing(Store(tmp_path, OLD)) as store:
        assert notes(store) == ["kept"]


def test_an_older_file_is_migrated_and_a_copy_put_aside(tmp_path: Path) -> None:
    write_note(tmp_path, OLD, "kept")
    with closing(Store(tmp_path, NEW)) as store, store.read() as connection:
        assert connection.execute(text("SELECT text, colour FROM notes")).all() == [("kept", "grey")]
    copy = tmp_path / f"{FILE_NAME}.version-1"
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as before:
        assert before.execute("SELECT * FROM notes").fetchall() == [("kept",)]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    write_note(tmp_path, OLD, "kept")
    broken = (*NEW, ("ALTER TABLE nowhere ADD COLUMN x TEXT",))
    with pytest.raises(StoreError, match="no such table: nowhere"):
        Store(tmp_path, broken)
    with closing(Store(tmp_path, OLD)) as store:
        assert notes(store) == ["kept"]


def test_a_newer_file_stops_the_start_and_stays_as_it_is(tmp_path: Path) -> None:
    write_note(tmp_path, NEW, "from the future")
    with pytest.raises(StoreError, match="newer Demijohn") as caught:
        Store(tmp_path, OLD)
    assert "--data-dir" in caught.value.hint
    with closing(Store(tmp_path, NEW)) as store:
        assert notes(store) == ["from the future"]


def test_a_file_that_is_no_database_stops_the_start_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_bytes(b"this is not a database, whatever its name says. " * 100)
    before = file.read_bytes()
    with pytest.raises(StoreError, match="damaged") as caught:
        Store(tmp_path)
    assert "Move that file away" in caught.value.hint
    assert file.read_bytes() == before


def test_a_damaged_file_stops_the_start(tmp_path: Path) -> None:
    write_note(tmp_path, OLD, "x" * 50_000)
    file = tmp_path / FILE_NAME
    content = bytearray(file.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    file.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        Store(tmp_path, OLD)


def test_somebody_elses_database_stops_the_start(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    with pytest.raises(StoreError, match="not one of Demijohn's"):
        Store(tmp_path)


def test_a_data_directory_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StoreError, match="can't be used"):
        Store(tmp_path / "data")


def test_one_app_at_a_time_has_it_open(tmp_path: Path) -> None:
    with closing(Store(tmp_path)), pytest.raises(StoreError, match="already running"):
        Store(tmp_path)
    Store(tmp_path).close()


def test_another_process_is_kept_out_and_lets_go_when_it_is_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from webui.store import Store\n"
            "store = Store(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()",
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"open\n"
            with pytest.raises(StoreError, match="already running"):
                Store(tmp_path)
        finally:
            holder.kill()
    Store(tmp_path).close()


def test_many_threads_write_and_nothing_is_lost(tmp_path: Path) -> None:
    with closing(Store(tmp_path, OLD)) as store, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: add_note(store, str(n)), range(400)))
        assert sorted(map(int, notes(store))) == list(range(400))


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with closing(Store(tmp_path, OLD)) as store:
        with pytest.raises(RuntimeError), store.write() as connection:
            connection.execute(text("INSERT INTO notes VALUES ('half')"))
            raise RuntimeError
        assert notes(store) == []


@pytest.mark.parametrize(
    "code", ["import webui", "import tempfile, webui.store as s; s.Store(s.Path(tempfile.mkdtemp()))"]
)
def test_starting_does_not_load_the_database_toolkit(code: str) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print('sqlalchemy' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "False\n"


def write_note(folder: Path, migrations: tuple[tuple[str, ...], ...], note: str) -> None:
    with closing(Store(folder, migrations)) as store:
        add_note(store, note)


def add_note(store: Store, note: str) -> None:
    with store.write() as connection:
        connection.execute(text("INSERT INTO notes (text) VALUES (:note)"), {"note": note})


def notes(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(text("SELECT text FROM notes")).scalars())


def test_a_full_disk_is_told_in_words_and_nothing_is_lost(tmp_path: Path) -> None:
    write_note(tmp_path, OLD, "kept")
    with closing(Store(tmp_path, OLD)) as store:
        with pytest.raises(StoreError, match="full") as caught, store.write() as connection:
            connection.execute(text("PRAGMA max_page_count = 1"))
            connection.execute(text("INSERT INTO notes VALUES (:note)"), {"note": "x" * 100_000})
        assert "disk has room" in caught.value.hint
        assert notes(store) == ["kept"]
