"""Deleting many at once, where some are held."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import VOLUMES, row


@pytest.fixture
def volumes(prefix: str, docker: Callable[..., str]) -> list[str]:
    names = [f"{prefix}-{word}" for word in ("apples", "bread", "cheese")]
    for name in names:
        docker("volume", "create", name)
    return names


def hold(docker: Callable[..., str], image: str, container: str, volume: str) -> None:
    """Let a container that never ran hold a volume."""
    docker("create", f"--name={container}", "--network=none", f"--volume={volume}:/held", image, "true")


def test_the_free_ones_go_and_the_held_one_names_its_container(
    page: Page, prefix: str, volumes: list[str], small_image: str, docker: Callable[..., str]
) -> None:
    apples, bread, cheese = volumes
    hold(docker, small_image, f"{prefix}-eater", bread)
    page.goto(f"{VOLUMES}?q={prefix}")
    page.get_by_label("Select all shown").check()
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("engine default")
    expect(dialog.get_by_role("link", name=f"{prefix}-eater")).to_be_visible()
    dialog.get_by_role("button", name="Delete 2 volumes").click()
    expect(row(page, apples)).to_have_count(0)
    expect(row(page, cheese)).to_have_count(0)
    expect(row(page, bread)).to_contain_text("in use by 1")

    page.get_by_label(f"Select {bread}").check()
    page.get_by_role("button", name="Delete…").click()
    dialog.get_by_role("link", name="Remove this container first…").click()
    expect(dialog).to_contain_text(f"Remove container {prefix}-eater?")
    expect(dialog).to_contain_text("This named volume stays")
    dialog.get_by_role("button", name="Remove container").click()
    expect(row(page, bread)).to_contain_text("unused")

    page.get_by_role("button", name="Delete…").click()
    dialog.get_by_role("button", name="Delete volume").click()
    expect(row(page, bread)).to_have_count(0)
    assert not set(volumes) & set(docker("volume", "ls", "--quiet").split())


@pytest.mark.answers(409)
def test_a_container_that_came_in_between_keeps_its_volume(
    page: Page, prefix: str, volumes: list[str], small_image: str, docker: Callable[..., str]
) -> None:
    page.goto(f"{VOLUMES}?q={prefix}")
    page.get_by_label("Select all shown").check()
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Delete 3 volumes")).to_be_visible()
    hold(docker, small_image, f"{prefix}-latecomer", volumes[1])
    dialog.get_by_role("button", name="Delete 3 volumes").click()
    expect(dialog).to_contain_text(f"{volumes[1]} was not deleted")
    expect(dialog.get_by_role("link", name=f"{prefix}-latecomer")).to_be_visible()
    expect(dialog.get_by_text(re.compile("^Deleted:"))).to_contain_text(volumes[0])
    dialog.get_by_role("link", name="Close").last.click()
    expect(row(page, volumes[0])).to_have_count(0)
    expect(row(page, volumes[1])).to_contain_text("in use by 1")
