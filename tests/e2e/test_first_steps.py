"""The first thing a person does: a volume, a container that writes into it, another that finds it there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import create_volume, launch, open_log, remove_container, row


@pytest.mark.answers(404)
def test_data_outlives_the_container_that_wrote_it(
    page: Page, prefix: str, small_image: str, docker: Callable[..., str]
) -> None:
    volume = f"{prefix}-data"
    create_volume(page, volume)
    expect(row(page, volume)).to_contain_text("unused")

    launch(page, small_image, f"{prefix}-writer", 'sh -c "echo hello > /data/x"', volume=volume, target="/data")
    expect(row(page, f"{prefix}-writer")).to_contain_text("exited")
    remove_container(page, f"{prefix}-writer")

    launch(page, small_image, f"{prefix}-reader", "cat /data/x", volume=volume, target="/data")
    open_log(page, f"{prefix}-reader")
    expect(page.get_by_label(f"Log of {prefix}-reader")).to_contain_text("hello")
    remove_container(page, f"{prefix}-reader")

    page.goto(f"/e/default/volumes?q={prefix}")
    page.get_by_role("link", name=volume, exact=True).click()
    inspector = page.get_by_role("complementary", name="Inspector")
    expect(inspector).to_contain_text("Mountpoint")
    expect(inspector).to_contain_text(docker("volume", "inspect", "--format={{.Mountpoint}}", volume))
    inspector.get_by_role("link", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(volume)
    expect(dialog).to_contain_text(f"docker volume rm {volume}")
    dialog.get_by_role("button", name="Delete volume").click()
    expect(row(page, volume)).to_have_count(0)
    assert volume not in docker("volume", "ls", "--quiet").split()
