"""With scripts switched off the pages are plain links and forms, and do the work all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.program import Program
from tests.e2e.steps import CONTAINERS, VOLUMES, WIZARD, fill_launch, mount_row


@pytest.fixture
def plain(new_context: Callable[..., BrowserContext], program: Program) -> Page:
    """A signed-in page that runs no scripts."""
    page = new_context(java_script_enabled=False).new_page()
    page.goto(program.address)
    return page


def test_a_volume_is_created_listed_inspected_and_deleted(plain: Page, prefix: str, docker: Callable[..., str]) -> None:
    name = f"{prefix}-plain"
    plain.get_by_role("link", name="New volume").first.click()
    plain.get_by_label("Name", exact=True).fill(name)
    plain.get_by_role("button", name="Create volume").last.click()
    assert name in docker("volume", "ls", "--quiet").split()

    plain.goto(VOLUMES)
    plain.get_by_role("searchbox").fill(name)
    plain.get_by_role("button", name="Search").click()
    expect(plain.locator("tr[data-row]")).to_have_count(1)
    plain.get_by_role("link", name=name, exact=True).click()
    expect(plain.get_by_role("article")).to_contain_text("Mountpoint")
    plain.get_by_role("link", name="Delete…").click()
    expect(plain.get_by_text("There is no undo")).to_be_visible()
    plain.get_by_role("button", name="Delete volume").click()
    plain.wait_for_url(f"**{VOLUMES}")
    assert name not in docker("volume", "ls", "--quiet").split()


@pytest.mark.answers(409, 422)
def test_a_mistake_comes_back_with_the_input(plain: Page, prefix: str, docker: Callable[..., str]) -> None:
    docker("volume", "create", f"{prefix}-taken")
    plain.goto(f"{VOLUMES}/-/new")
    for name in ("a b", f"{prefix}-taken"):
        plain.get_by_label("Name", exact=True).fill(name)
        plain.get_by_role("button", name="Create volume").last.click()
        expect(plain.get_by_label("Name", exact=True)).to_have_value(name)
        expect(plain.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    plain.get_by_role("link", name="Open the volume that exists").click()
    expect(plain.get_by_role("article")).to_contain_text(f"{prefix}-taken")


def test_a_container_is_launched_on_a_volume(
    plain: Page, prefix: str, small_image: str, docker: Callable[..., str]
) -> None:
    plain.goto(f"{WIZARD}?volume={prefix}-data")
    fill_launch(plain, small_image, f"{prefix}-plain", "sh -c 'echo hello > /data/x; echo done'")
    mount_row(plain, 1).get_by_label("In the container at").fill("/data")
    plain.get_by_role("button", name="Port", exact=True).click()
    plain.get_by_label("Port 1", exact=True).fill("")
    plain.get_by_role("button", name="Launch").last.click()
    plain.wait_for_url(f"**{CONTAINERS}**")
    docker("wait", f"{prefix}-plain")
    plain.goto(f"{CONTAINERS}/{prefix}-plain?tab=logs")
    expect(plain.get_by_label(f"Log of {prefix}-plain")).to_contain_text("done")
