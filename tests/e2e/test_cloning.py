"""Cloning a volume as a person does it: from the list, and from the inspector."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import VOLUMES, row


@pytest.fixture
def volume(docker: Callable[..., str], prefix: str, small_image: str) -> str:
    """A volume with a file in it, which a running container has."""
    name = f"{prefix}-data"
    run = ("run", "--detach", "--network=none", f"--name={prefix}-writer", f"--volume={name}:/data", small_image)
    docker(*run, "sh", "-c", "echo hello >/data/note; sleep 600")
    return name


def test_a_clone_is_made_from_the_menu_and_read(page: Page, docker: Callable[..., str], volume: str) -> None:
    page.goto(VOLUMES)
    row(page, volume).get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name="Clone…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name of the clone")).to_have_value(f"{volume}-copy")
    expect(dialog.get_by_label("Pause while it is copied")).to_be_checked()
    dialog.get_by_role("button", name="Clone volume").click()
    expect(dialog).to_be_hidden()
    expect(row(page, f"{volume}-copy")).to_be_visible()
    expect(page.get_by_text(f"Cloned {volume} as {volume}-copy.")).to_be_visible()
    page.goto("/jobs")
    page.get_by_role("link", name=f"clone {volume} as").first.click()
    expect(page.get_by_text("Copied and compared: one entry, 6 Bytes of content.")).to_be_visible()
    page.get_by_role("link", name="Open the clone").click()
    page.get_by_role("link", name="Files").click()
    expect(page.get_by_text("note", exact=True)).to_be_visible()


@pytest.mark.answers(409, 422)
def test_what_is_wrong_is_said_in_the_form_which_keeps_what_was_entered(page: Page, volume: str) -> None:
    page.goto(f"{VOLUMES}/{volume}")
    page.get_by_role("link", name="Clone…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name of the clone").fill(volume)
    dialog.get_by_role("button", name="Clone volume").click()
    expect(dialog).to_contain_text(f"A volume named {volume} exists already.")
    dialog.get_by_role("radio", name="In a folder").check()
    dialog.get_by_label("Name of the clone").fill(f"{volume}-2")
    dialog.get_by_label("Folder", exact=True).fill("not/absolute")
    expect(dialog.get_by_label("Name of the clone")).to_have_value(f"{volume}-2")
    expect(dialog).to_contain_text("cp -a /from/. /to")
    dialog.get_by_role("button", name="Clone volume").click()
    expect(dialog.get_by_label("Folder", exact=True)).to_have_value("not/absolute")
    expect(dialog.get_by_label("Folder", exact=True)).to_have_attribute("aria-invalid", "true")
