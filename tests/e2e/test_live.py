"""Lists follow the engine by themselves, and nobody's place in them is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import VOLUMES, row, settled
from webui.engine.connection import Engine

MANY = 250


def test_what_the_command_line_makes_and_removes_comes_and_goes_without_a_reload(
    page: Page, prefix: str, docker: Callable[..., str]
) -> None:
    docker("volume", "create", f"{prefix}-first")
    page.goto(f"{VOLUMES}?q={prefix}")
    settled(page)
    page.evaluate("window.notReloaded = true")
    docker("volume", "create", f"{prefix}-second")
    expect(row(page, f"{prefix}-second")).to_be_visible()
    docker("volume", "rm", f"{prefix}-second")
    expect(row(page, f"{prefix}-second")).to_have_count(0)
    assert page.evaluate("window.notReloaded")


@pytest.fixture
def many(prefix: str, engine: Engine) -> list[str]:
    names = [f"{prefix}-{number:03d}" for number in range(MANY)]
    for name in names:
        engine.api.create_volume(name)
    return names


def test_scroll_selection_focus_and_typing_stay_while_the_list_changes(
    page: Page, prefix: str, many: list[str], docker: Callable[..., str]
) -> None:
    page.goto(f"{VOLUMES}?q={prefix}")
    settled(page)
    search = page.get_by_role("searchbox", name="Search name")
    search.press("ArrowLeft")
    scroll_to(page, many[99])
    scroll_to(page, many[199])
    scroll_to(page, many[220])
    page.get_by_label(f"Select {many[215]}").check()
    search.evaluate("field => { field.focus({ preventScroll: true }); field.setSelectionRange(2, 2); }")
    before = place_of(page, many[220])

    late = f"{prefix}-zz-late"
    docker("volume", "create", late)
    expect(row(page, late)).to_be_attached()
    assert place_of(page, many[220]) == before
    expect(page.get_by_label(f"Select {many[215]}")).to_be_checked()
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(search).to_be_focused()
    expect(search).to_have_value(prefix)
    assert search.evaluate("field => field.selectionStart") == 2

    row(page, many[220]).focus()
    docker("volume", "rm", late)
    expect(row(page, late)).to_have_count(0)
    expect(row(page, many[220])).to_be_focused()
    assert place_of(page, many[220]) == before


def scroll_to(page: Page, name: str) -> None:
    """Scroll a row into view; the list may have to load it first."""
    row(page, name).scroll_into_view_if_needed()


def place_of(page: Page, name: str) -> float:
    """How far down in the window a row stands, in whole pixels."""
    box = row(page, name).bounding_box()
    assert box is not None
    return round(box["y"])
