"""What one sees stands in the address or stays with the browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE
from tests.e2e.steps import VOLUMES, row, settled


@pytest.fixture
def volumes(prefix: str, docker: Callable[..., str]) -> list[str]:
    names = [f"{prefix}-alpha", f"{prefix}-beta"]
    for name in names:
        docker("volume", "create", f"--label=com.docker.compose.project={name}", name)
    return names


def test_hidden_columns_stay_hidden(page: Page, prefix: str, volumes: list[str]) -> None:
    page.goto(f"{VOLUMES}?q={prefix}")
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Project", exact=True).and_(page.get_by_role("checkbox")).uncheck()
    expect(page.get_by_role("columnheader", name="Project")).to_be_hidden()
    page.reload()
    expect(row(page, volumes[0])).to_be_visible()
    expect(page.get_by_role("columnheader", name="Project")).to_be_hidden()
    expect(page.get_by_role("columnheader", name="Kind")).to_be_visible()


def test_search_filter_and_order_survive_reload_back_and_forward(page: Page, prefix: str, volumes: list[str]) -> None:
    alpha, beta = volumes
    page.goto(VOLUMES)
    page.get_by_role("searchbox").fill(prefix)
    page.wait_for_url(re.compile(f"q={prefix}"))
    expect(page.locator("tr[data-row]")).to_have_count(2)
    page.get_by_role("columnheader", name="Name").get_by_role("link").click()
    page.wait_for_url(re.compile("sort=-name"))
    expect(page.locator("tr[data-row]").first).to_have_attribute("data-name", beta)
    page.get_by_label("Project", exact=True).and_(page.get_by_role("combobox")).select_option(alpha)
    page.wait_for_url(re.compile(f"project={alpha}"))
    expect(page.locator("tr[data-row]")).to_have_count(1)

    page.reload()
    expect(page.locator("tr[data-row]")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value(prefix)
    expect(page.get_by_label("Project", exact=True).and_(page.get_by_role("combobox"))).to_have_value(alpha)
    settled(page)
    page.go_back()
    expect(page.locator("tr[data-row]")).to_have_count(2)
    settled(page)
    expect(page.get_by_label("Project", exact=True).and_(page.get_by_role("combobox"))).to_have_value("")
    expect(page.locator("tr[data-row]").first).to_have_attribute("data-name", beta)
    page.go_forward()
    expect(page.locator("tr[data-row]")).to_have_count(1)
    assert "sort=-name" in page.url


def test_the_inspector_is_open_again_after_a_reload(page: Page, prefix: str, volumes: list[str]) -> None:
    page.goto(f"{VOLUMES}?q={prefix}")
    page.get_by_role("link", name=volumes[0], exact=True).first.click()
    inspector = page.get_by_role("complementary", name="Inspector")
    inspector.get_by_role("link", name="Raw").click()
    expect(inspector).to_contain_text('"Mountpoint"')
    page.reload()
    expect(inspector.get_by_role("heading", name=volumes[0])).to_be_visible()
    expect(inspector).to_contain_text('"Mountpoint"')
    inspector.get_by_role("button", name="Close the inspector").click()
    expect(inspector.get_by_role("heading")).to_have_count(0)
    page.reload()
    expect(row(page, volumes[0])).to_be_visible()
    expect(inspector.get_by_role("heading")).to_have_count(0)


def test_on_a_phone_back_closes_what_covers_the_list(page: Page, prefix: str, volumes: list[str]) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{VOLUMES}?q={prefix}")
    settled(page)
    inspector = page.get_by_role("complementary", name="Inspector")
    heading = inspector.get_by_role("heading", name=volumes[0])
    opener = page.get_by_role("link", name=volumes[0], exact=True).first
    opener.click()
    expect(heading).to_be_visible()
    page.wait_for_url(re.compile("inspect="))
    page.go_back()
    expect(heading).to_have_count(0)
    assert page.url.endswith(f"{VOLUMES}?q={prefix}")
    page.go_forward()
    expect(heading).to_be_visible()
    inspector.get_by_role("button", name="Close the inspector").click()
    expect(heading).to_have_count(0)
    page.wait_for_url(re.compile(f"q={prefix}$"))
    page.reload()
    expect(opener).to_be_visible()
    expect(heading).to_have_count(0)
