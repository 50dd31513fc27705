"""Everything without a mouse."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import CONTAINERS, VOLUMES, row, settled


@pytest.fixture
def three(page: Page, prefix: str, docker: Callable[..., str]) -> list[str]:
    """Three volumes, listed in the page."""
    names = [f"{prefix}-{word}" for word in ("one", "three", "two")]
    for name in names:
        docker("volume", "create", name)
    page.goto(f"{VOLUMES}?q={prefix}")
    settled(page)
    return names


def test_n_types_and_enter_creates_a_volume(page: Page, prefix: str) -> None:
    page.goto(VOLUMES)
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type(f"{prefix}-typed")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    settled(page)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type(prefix)
    expect(row(page, f"{prefix}-typed")).to_be_visible()


def test_arrows_walk_and_enter_inspects(page: Page, three: list[str]) -> None:
    page.keyboard.press("ArrowDown")
    expect(row(page, three[0])).to_be_focused()
    page.keyboard.press("End")
    expect(row(page, three[2])).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    inspector = page.get_by_role("complementary", name="Inspector")
    expect(inspector.get_by_role("heading", name=three[1])).to_be_visible()
    expect(row(page, three[1])).to_be_focused()
    page.keyboard.press("Escape")
    expect(inspector.get_by_role("heading", name=three[1])).to_have_count(0)
    expect(row(page, three[1])).to_be_focused()


@pytest.mark.answers(404)
def test_space_selects_and_delete_deletes_after_enter(page: Page, three: list[str]) -> None:
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.keyboard.press("Delete")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Delete 2 volumes")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.keyboard.press("Delete")
    expect(dialog.get_by_role("button", name="Delete 2 volumes")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, three[0])).to_have_count(0)
    expect(row(page, three[1])).to_have_count(0)
    expect(row(page, three[2])).to_be_visible()


@pytest.mark.answers(404)
def test_delete_on_a_row_is_about_that_row(page: Page, three: list[str]) -> None:
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"docker volume rm {three[0]}")
    expect(dialog.get_by_role("button", name="Delete volume")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, three[0])).to_have_count(0)


def test_shift_f10_opens_the_row_menu_and_arrows_walk_it(page: Page, three: list[str]) -> None:
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+F10")
    menu = page.get_by_role("menu", name=f"Actions for {three[0]}")
    expect(menu.get_by_role("menuitem", name="Inspect")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("menuitem", name="Launch a container with it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(row(page, three[0])).to_be_focused()
    page.keyboard.press("Shift+F10")
    page.keyboard.press("ArrowUp")
    expect(menu.get_by_role("menuitem", name="Delete…")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    inspector = page.get_by_role("complementary", name="Inspector")
    expect(inspector.get_by_role("heading", name=three[0])).to_be_visible()


def test_question_mark_lists_the_keys(page: Page) -> None:
    page.goto(VOLUMES)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Command palette")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_the_palette_finds_a_volume_and_goes_there(page: Page, three: list[str]) -> None:
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Command palette")
    expect(palette.get_by_role("combobox")).to_be_focused()
    page.keyboard.type(three[1])
    expect(palette.get_by_role("option", name=three[1])).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(three[1]))
    expect(page.get_by_role("article")).to_contain_text(three[1])


def test_g_and_a_letter_go_to_a_room(page: Page) -> None:
    page.goto(VOLUMES)
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url(re.compile(CONTAINERS))
    page.keyboard.press("g")
    page.keyboard.press("v")
    page.wait_for_url(re.compile(VOLUMES))


def test_tab_goes_in_the_order_one_reads(page: Page, three: list[str]) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    order = []
    for _ in range(40):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.dataset.key || ''"))
    search, new, first = order.index("q"), order.index("n"), order.index(f"volume-{three[0]}")
    assert search < new < first


def test_keys_do_nothing_while_one_types(page: Page) -> None:
    page.goto(VOLUMES)
    page.keyboard.press("/")
    page.keyboard.type("n?gc/")
    expect(page.get_by_role("searchbox")).to_have_value("n?gc/")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).to_have_value("")
