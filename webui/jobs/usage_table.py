"""The table of measured usage: a row for each place, its folders as compressed JSON."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table, and_, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Row
from sqlalchemy.sql.elements import ColumnElement

from webui.engine.file_model import Place
from webui.engine.model import VolumeSize
from webui.engine.recorded_sizes import RecordedSize
from webui.engine.usage import FolderUsage, TreeUsage
from webui.jobs.usage_records import UsageRecord
from webui.paths import name_text
from webui.store import Store

MOST_PLACES = 1000
"""How many places are kept, those that were measured last."""

_usage = Table(
    "measured_usage",
    MetaData(),
    Column("engine_identity", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("mark", String),
    Column("created", String),
    Column("bytes", Integer),
    Column("files", Integer),
    Column("folders", Integer),
    Column("unreadable", Integer),
    Column("measured_at", String),
    Column("seconds", Float),
    Column("tree", LargeBinary),
)


class UsageTable:
    """Rows in the store. Each method is one transaction, and raises StoreError."""

    def __init__(self, store: Store, most_places: int = MOST_PLACES) -> None:
        self._store = store
        self._most = most_places

    def save(self, engine_identity: str, place: Place, size: RecordedSize, record: UsageRecord) -> None:
        """Write the row of a place, and let the oldest rows go."""
        key = _key(engine_identity, place)
        values = _columns(size, record)
        newest = (
            select(_usage.c.measured_at)
            .order_by(_usage.c.measured_at.desc())
            .limit(1)
            .offset(self._most)
            .scalar_subquery()
        )
        with self._store.write() as connection:
            connection.execute(
                insert(_usage).values(**key, **values).on_conflict_do_update(index_elements=list(key), set_=values)
            )
            connection.execute(delete(_usage).where(_usage.c.measured_at <= newest))

    def find(self, engine_identity: str, place: Place) -> tuple[RecordedSize, UsageRecord] | None:
        """The row of a place, if there is one."""
        with self._store.read() as connection:
            row = connection.execute(select(_usage).where(_is(engine_identity, place))).one_or_none()
        return None if row is None else (_size(row), _record(row))

    def sizes(self) -> Mapping[str, Mapping[str, RecordedSize]]:
        """The size of every volume that has a row, by engine identity and name."""
        columns = [column for column in _usage.c if column.name != "tree"]
        found: dict[str, dict[str, RecordedSize]] = {}
        with self._store.read() as connection:
            for row in connection.execute(select(*columns).where(_usage.c.kind == "volume")):
                found.setdefault(row.engine_identity, {})[row.name] = _size(row)
        return found

    def delete(self, engine_identity: str, place: Place) -> None:
        """Delete the row of a place, if there is one."""
        with self._store.write() as connection:
            connection.execute(delete(_usage).where(_is(engine_identity, place)))


def _key(engine_identity: str, place: Place) -> dict[str, str]:
    name = place.name if place.kind == "volume" else place.source
    return {"engine_identity": engine_identity, "kind": place.kind, "name": name}


def _is(engine_identity: str, place: Place) -> ColumnElement[bool]:
    return and_(*(_usage.c[column] == value for column, value in _key(engine_identity, place).items()))


def _columns(size: RecordedSize, record: UsageRecord) -> dict[str, Any]:
    usage = record.usage
    return {
        "mark": size.mark,
        "created": size.created.isoformat() if size.created else None,
        "bytes": usage.bytes,
        "files": usage.files,
        "folders": usage.count,
        "unreadable": usage.unreadable,
        "measured_at": record.measured_at.isoformat(),
        "seconds": record.seconds,
        "tree": _packed(usage.folders),
    }


def _size(row: Row[Any]) -> RecordedSize:
    created = datetime.fromisoformat(row.created) if row.created else None
    return RecordedSize(VolumeSize(row.bytes, datetime.fromisoformat(row.measured_at)), row.mark, created)


def _record(row: Row[Any]) -> UsageRecord:
    usage = TreeUsage(row.bytes, row.files, row.folders, _unpacked(row.tree), row.unreadable)
    return UsageRecord(usage, datetime.fromisoformat(row.measured_at), row.seconds)


def _packed(folders: Sequence[FolderUsage]) -> bytes:
    """Each folder as the place of the one it lies in, its name, bytes, own bytes and files; -1 for the first."""
    places = {folder.path: place for place, folder in enumerate(folders)}
    rows = []
    for folder in folders:
        above, _, name = folder.path.rpartition(b"/")
        place = places[above] if folder.path else -1
        rows.append((place, name_text(name), folder.bytes, folder.own, folder.files))
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode())


def _unpacked(tree: bytes) -> tuple[FolderUsage, ...]:
    folders: list[FolderUsage] = []
    for place, name, size, own, files in json.loads(zlib.decompress(tree)):
        raw = name.encode("utf-8", "surrogateescape")
        above = folders[place].path if place >= 0 else b""
        folders.append(FolderUsage(above + b"/" + raw if above else raw, size, own, files))
    return tuple(folders)
