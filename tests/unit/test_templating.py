"""What templates print: numbers, sizes, times and addresses of files."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from webui import templating


@pytest.mark.parametrize(
    ("amount", "said"),
    [(None, "unknown"), (0, "0 Bytes"), (1, "1 Byte"), (1024, "1.0 KiB"), (5 * 1024**3, "5.0 GiB")],
)
def test_sizes_and_the_unknown_is_not_zero(amount: int | None, said: str) -> None:
    assert templating.size(amount) == said


def test_times_are_human_and_exact_on_demand() -> None:
    assert templating.ago(datetime.now(UTC) - timedelta(minutes=3)) == "3 minutes ago"
    eastern = datetime(2026, 3, 1, 12, 30, 5, tzinfo=timezone(timedelta(hours=2)))
    assert templating.exact_time(eastern) == "2026-03-01 10:30:05 UTC"


def test_names_are_cut_only_where_nobody_gave_them() -> None:
    assert templating.short_name("a" * 64, anonymous=True) == "a" * 12 + "…"
    assert templating.short_name("a" * 64) == "a" * 64
    assert templating.short_name("short", anonymous=True) == "short"


def test_numbers_and_json() -> None:
    assert templating.count(1234567) == "1,234,567"
    assert templating.pretty_json({"é": [1]}) == '{\n    "é": [\n        1\n    ]\n}'


def test_an_address_changes_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    sheet = tmp_path / "css" / "a b.css"
    sheet.write_text("one")
    asset = templating.asset_finder(tmp_path, "/static")
    first = asset("css/a b.css")
    assert first.startswith("/static/css/a%20b.css?v=")
    assert asset("css/a b.css") == first
    sheet.write_text("two")
    os.utime(sheet, (1, 1))
    assert asset("css/a b.css") != first


def test_a_file_that_is_not_there_has_an_address_all_the_same(tmp_path: Path) -> None:
    assert templating.asset_finder(tmp_path, "/static")("js/gone.js") == "/static/js/gone.js"


def test_every_style_sheet_is_loaded() -> None:
    folder = Path(__file__).parents[2] / "static" / "css"
    assert set(templating.STYLESHEETS) == {sheet.name for sheet in folder.glob("*.css")}
