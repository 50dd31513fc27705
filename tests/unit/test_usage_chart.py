"""A folder's parts as tiles and rows: the same parts, the largest first, and words only where there is room."""

from __future__ import annotations

from webui.engine.usage import FolderUsage
from webui.jobs.usage_records import Level
from webui.paths import volume_path
from webui.treemap import MOST_TILES
from webui.usage_chart import MOST_ROWS, chart


def level(*sizes: int, own: int = 0, smaller: int = 0) -> Level:
    folders = tuple(FolderUsage(b"top/%d" % number, size, 0, 3) for number, size in enumerate(sizes))
    return Level(volume_path("top"), sum(sizes) + own + smaller, 3 * len(sizes), own, folders)


def test_tiles_and_rows_are_the_same_parts() -> None:
    shown = chart(level(500, 300, own=150, smaller=50))
    assert [(row.name, row.id, row.bytes, row.percent) for row in shown.rows] == [
        ("0", "top/0", 500, "50 %"),
        ("1", "top/1", 300, "30 %"),
        ("Files in this folder", "", 150, "15 %"),
        ("Smaller folders", "", 50, "5 %"),
    ]
    assert [box.part for box in shown.boxes] == list(shown.rows)
    assert len({row.shade for row in shown.rows}) == 4


def test_one_tile_and_one_row_are_for_all_that_is_too_small() -> None:
    shown = chart(level(*(1000 - number for number in range(300)), smaller=7))
    assert len(shown.boxes) == MOST_TILES + 1
    assert len(shown.rows) == MOST_ROWS + 1
    last = shown.rows[-1]
    assert (last.name, last.bytes) == ("Smaller folders", sum(range(701, 801)) + 7)
    assert sum(row.bytes for row in shown.rows) == sum(box.part.bytes for box in shown.boxes)


def test_tiles_fill_a_hundred_by_a_hundred() -> None:
    boxes = chart(level(500, 300, 20, 5, own=150, smaller=50)).boxes
    assert abs(sum(box.width * box.height for box in boxes) - 10_000) < 1
    assert all(box.x + box.width < 100.01 and box.y + box.height < 100.01 for box in boxes)


def test_words_stand_where_there_is_room() -> None:
    boxes = chart(level(100_000, 10_000, 200, 100)).boxes
    assert [box.words for box in boxes] == ["many", "few", "none", "none"]
    assert boxes[0].lines == 2


def test_an_empty_folder_has_none() -> None:
    shown = chart(level())
    assert (shown.boxes, shown.rows) == ((), ())


def test_folders_without_a_byte_have_a_row_and_no_tile() -> None:
    shown = chart(level(0, 0))
    assert shown.boxes == ()
    assert [row.percent for row in shown.rows] == ["< 1 %", "< 1 %"]


def test_names_are_shown_and_sent_whatever_their_bytes() -> None:
    folder = FolderUsage(b"top/\xff\n\xe2\x80\xae", 10, 0, 1)
    (row,) = chart(Level(volume_path("top"), 10, 1, 0, (folder,))).rows
    assert row.name == "\\xff\\n\\u202e"
    assert row.id == "top/%FF%0A%E2%80%AE"
