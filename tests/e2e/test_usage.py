"""What a volume takes: measured while one looks, walked through by click and by key, stopped on the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.steps import VOLUMES, row, settled
from tests.e2e.test_accessibility import check
from tests.engine.looking_inside import helpers
from tests.engine.plain_tree import throttle
from webui.engine.connection import Engine
from webui.engine.tools_image import NAME

Docker = Callable[..., str]


@pytest.fixture
def volume(docker: Docker, small_image: str, engine: Engine, prefix: str) -> Iterator[str]:
    """A volume with photos of two years, the older ones larger."""
    docker("tag", small_image, NAME)
    docker("volume", "create", prefix)
    fill = "mkdir -p /data/2023/summer /data/2024; head -c 900000 /dev/zero >/data/2023/summer/film; " \
           "head -c 90000 /dev/zero >/data/2024/photo; echo >/data/notes"  # fmt: skip
    docker("run", "--rm", "--network=none", f"--volume={prefix}:/data", small_image, "sh", "-c", fill)
    yield prefix
    for helper in helpers(engine, prefix):
        engine.api.remove_container(helper["Id"], force=True)


def opened(page: Page, volume: str) -> Locator:
    """The table of the volume's usage, once it was measured."""
    page.goto(f"{VOLUMES}/{volume}/usage")
    table = page.get_by_role("table")
    expect(table).to_be_visible()
    settled(page)
    return table


def trail(page: Page) -> Locator:
    """The way down to the folder that is shown."""
    return page.get_by_role("navigation", name="Path")


def test_it_is_measured_while_one_looks_and_stands_in_the_list(page: Page, volume: str) -> None:
    table = opened(page, volume)
    expect(table.get_by_role("row")).to_contain_text(["Folder", "2023", "2024", "Files in this folder"])
    expect(page.get_by_text("3 files in 4 folders")).to_be_visible()
    check(page)
    page.goto(f"{VOLUMES}?q={volume}")
    expect(row(page, volume)).to_contain_text(re.compile(r"9\d\d\.\d KiB|1\.\d MiB"))


def test_one_walks_in_by_click_and_by_key_and_back(page: Page, volume: str) -> None:
    table = opened(page, volume)
    treemap = page.get_by_role("group", name="Map")
    treemap.get_by_role("link", name=re.compile("^2023, ")).focus()
    page.keyboard.press("Enter")
    expect(trail(page)).to_contain_text(re.compile(f"{volume}.*2023", re.DOTALL))
    page.wait_for_url(re.compile(r"/usage\?path=2023$"))
    summer = treemap.get_by_role("link", name=re.compile("^summer, "))
    expect(summer).to_be_focused()
    expect(treemap.locator("text").first).to_have_text("summer")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/usage\?path=2023/summer$"))
    expect(table.get_by_role("row")).to_contain_text(["Folder", "Files in this folder"])
    expect(trail(page).locator("[aria-current]")).to_be_focused()
    check(page)
    page.go_back()
    expect(table.get_by_role("link", name="summer")).to_be_visible()
    trail(page).get_by_role("link", name=volume).click()
    table.get_by_role("link", name="2024").click()
    page.wait_for_url(re.compile(r"/usage\?path=2024$"))
    expect(page.get_by_role("link", name="Open in Files")).to_have_attribute("href", f"{VOLUMES}/{volume}/files/2024")


def test_it_is_measured_again_in_its_place(page: Page, volume: str, docker: Docker, small_image: str) -> None:
    table = opened(page, volume)
    add = "mkdir /data/new; head -c 500000 /dev/zero >/data/new/file"
    docker("run", "--rm", "--network=none", f"--volume={volume}:/data", small_image, "sh", "-c", add)
    page.get_by_role("button", name="Measure again").click()
    expect(table.get_by_role("link", name="new")).to_be_visible()
    expect(page.get_by_role("button", name="Measure again")).to_be_visible()


def test_it_can_be_stopped(page: Page, volume: str, engine: Engine, docker: Docker, small_image: str) -> None:
    many = "cd /data/2023 && seq 20000 | xargs mkdir"
    docker("run", "--rm", "--network=none", f"--volume={volume}:/data", small_image, "sh", "-c", many)
    page.request.get(f"{VOLUMES}/{volume}/files", headers={"Accept": "application/json"})
    throttle(engine, volume)
    page.goto(f"{VOLUMES}/{volume}/usage")
    expect(page.get_by_role("heading", name=f"Measuring {volume}")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Measuring was cancelled")).to_be_visible(timeout=60_000)
    check(page)
    expect(page.get_by_role("button", name="Measure again")).to_be_visible()
