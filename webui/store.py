"""The app's own records: one SQLite file in the data directory, opened by one app at a time.

Opening speaks to sqlite3 directly: a file that can't be used has to stop the start with a sentence, and
SQLAlchemy, a third of all the app would import at its start, is loaded with the first record instead.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from webui.errors import DemijohnError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

FILE_NAME = "demijohn.sqlite3"
LOCK_NAME = "demijohn.lock"
BUSY_SECONDS = 10.0

Migration = Sequence[str]
"""The statements that bring a file from one version to the next."""

MIGRATIONS: tuple[Migration, ...] = (
    (
        """
        CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            engine TEXT NOT NULL,
            state TEXT NOT NULL,
            progress_done INTEGER NOT NULL,
            progress_total INTEGER,
            progress_unit TEXT NOT NULL,
            message TEXT NOT NULL,
            result TEXT,
            error TEXT NOT NULL,
            created_at TEXT NOT NULL,
            started_at TEXT,
            finished_at TEXT
        )
        """,
        "CREATE INDEX jobs_by_creation ON jobs (created_at)",
        "CREATE INDEX jobs_by_state ON jobs (state, finished_at)",
        """
        CREATE TABLE job_steps (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            arguments TEXT NOT NULL,
            engine_identity TEXT NOT NULL,
            error TEXT NOT NULL
        )
        """,
        "CREATE INDEX job_steps_by_job ON job_steps (job_id)",
        """
        CREATE TABLE job_log (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            at TEXT NOT NULL,
            text TEXT NOT NULL
        )
        """,
        "CREATE INDEX job_log_by_job ON job_log (job_id)",
    ),
    (
        """
        CREATE TABLE measured_usage (
            engine_identity TEXT NOT NULL,
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            mark TEXT NOT NULL,
            created TEXT,
            bytes INTEGER NOT NULL,
            files INTEGER NOT NULL,
            folders INTEGER NOT NULL,
            unreadable INTEGER NOT NULL,
            measured_at TEXT NOT NULL,
            seconds REAL NOT NULL,
            tree BLOB NOT NULL,
            PRIMARY KEY (engine_identity, kind, name)
        )
        """,
        "CREATE INDEX measured_usage_by_time ON measured_usage (measured_at)",
    ),
)
"""In order; a file's `user_version` is how many of them it has had. Append only."""


class StoreError(DemijohnError):
    """The records can't be opened; the app does not start without them."""

    title = "Demijohn's records can't be used"


class Store:
    """The records file, open. Safe to use from any thread; writers take turns."""

    def __init__(self, data_dir: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        """Open the file in `data_dir`, made where missing and brought up to date.

        Raises:
            StoreError: another app has it open, it is newer than this app, damaged, not Demijohn's, or the
                folder can't be written.
        """
        self.path = data_dir / FILE_NAME
        self._writing = Lock()
        with _explained(self.path):
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._claim = _claim(data_dir)
            try:
                _bring_up_to_date(self.path, migrations)
            except BaseException:
                self._claim.close()
                raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read from. Raises StoreError where the file can't be read."""
        with self._told(), self._database.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction: all that is written in it is kept, or nothing.

        Raises StoreError where nothing can be written, because the disk is full, say.
        """
        with self._told(), self._writing, self._database.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the file and let another app open it."""
        if "_database" in self.__dict__:
            self._database.dispose()
        self._claim.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - not needed for the first page

        try:
            yield
        except DBAPIError as error:
            raise StoreError(
                f"Demijohn's records in {self.path} can't be read or written: {error.orig}.",
                hint="Check that the file can be written and its disk has room.",
            ) from error

    @cached_property
    def _database(self) -> Engine:
        from sqlalchemy import URL, create_engine, event  # noqa: PLC0415 - not needed for the first page

        database = create_engine(URL.create("sqlite", database=str(self.path)), connect_args={"timeout": BUSY_SECONDS})
        event.listen(database, "connect", lambda connection, _record: _prepare(connection))
        return database


def _claim(data_dir: Path) -> sqlite3.Connection:
    """Hold a lock that the system lets go when this process ends, however it ends.

    It is a lock of SQLite's because that works alike on every system and is not inherited by child processes.
    """
    claim = sqlite3.connect(data_dir / LOCK_NAME, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        claim.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        claim.close()
        if "locked" not in str(error):
            raise
        raise StoreError(
            f"Another Demijohn is already running with the data directory {data_dir}.",
            hint="Use that one, stop it first, or start this one with another --data-dir.",
        ) from error
    return claim


def _bring_up_to_date(path: Path, migrations: Sequence[Migration]) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        _prepare(connection)
        version = _version(connection, path, newest=len(migrations))
        if version == len(migrations):
            return
        if version:
            _put_aside(connection, path.with_name(f"{path.name}.version-{version}"))
        _migrate(connection, migrations, version)


def _prepare(connection: sqlite3.Connection) -> None:
    """Set what SQLite forgets with each connection."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")


def _version(connection: sqlite3.Connection, path: Path, newest: int) -> int:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise _damaged(path, found)
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > newest:
        raise StoreError(
            f"The records in {path} were written by a newer Demijohn (format {version}, not {newest}).",
            hint="Start the newer Demijohn, or this one with another --data-dir.",
        )
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreError(
            f"{path} is a database, but not one of Demijohn's.",
            hint="Move it away, or start with another --data-dir.",
        )
    return version


def _put_aside(connection: sqlite3.Connection, copy: Path) -> None:
    """Keep the file as it is; what is half-copied never carries the copy's name."""
    unfinished = copy.with_name(f"{copy.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(unfinished)) as target:
        connection.backup(target)
    unfinished.replace(copy)


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Migration], version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for migration in migrations[version:]:
            for statement in migration:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say in a sentence why the records can't be opened."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"The records in {path} can't be opened or brought up to date: {error}.",
            hint="Check that the folder can be written and its disk has room, or choose another --data-dir.",
        ) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise StoreError(
            f"The data directory {path.parent} can't be used: {error.strerror}.",
            hint="Make it writable for you, or choose another one with --data-dir.",
        ) from error


def _damaged(path: Path, reason: str) -> StoreError:
    return StoreError(
        f"The records in {path} are damaged: {reason}.",
        hint="Move that file away and start again: only Demijohn's own history is in it, no volume is lost.",
    )
