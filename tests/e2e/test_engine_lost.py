"""The engine dies and comes back while the page is open."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.mortal import Mortal
from tests.e2e.program import Program
from tests.e2e.steps import VOLUMES, row, settled

RECOVERY_SECONDS = 5.0


@pytest.mark.answers(502, 503)
def test_the_list_says_so_keeps_what_it_knew_and_recovers_by_itself(
    page: Page, own_program: Program, mortal: Mortal, own_docker: Callable[..., str]
) -> None:
    own_docker("volume", "create", "before")
    page.goto(own_program.address)
    expect(row(page, "before")).to_be_visible()
    settled(page)

    mortal.kill()
    alert = page.get_by_role("alert").filter(has_text="What you see is from")
    expect(alert).to_contain_text("docker.sock")
    expect(row(page, "before")).to_be_visible()
    expect(page.get_by_role("contentinfo")).to_contain_text("unreachable")

    mortal.stop()
    mortal.start()
    began = time.monotonic()
    expect(alert).to_have_count(0)
    assert time.monotonic() - began < RECOVERY_SECONDS
    own_docker("volume", "create", "after")
    expect(row(page, "after")).to_be_visible()
    expect(page.get_by_role("contentinfo")).not_to_contain_text("unreachable")


@pytest.mark.answers(502, 503)
def test_a_page_opened_without_an_engine_fills_itself_when_it_comes(
    page: Page, own_program: Program, mortal: Mortal
) -> None:
    mortal.stop()
    page.goto(own_program.address)
    expect(page.get_by_role("alert")).to_contain_text("docker.sock")
    expect(page.get_by_role("link", name="Try again")).to_be_visible()
    mortal.start()
    began = time.monotonic()
    expect(page.get_by_role("heading", name="No volumes yet")).to_be_visible()
    assert time.monotonic() - began < RECOVERY_SECONDS


@pytest.mark.answers(502, 503)
def test_what_was_typed_is_still_there_when_the_engine_dies_before_one_creates(
    page: Page, own_program: Program, mortal: Mortal
) -> None:
    page.goto(own_program.address)
    page.goto(own_program.origin + VOLUMES)
    page.get_by_role("link", name="New volume").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("typed-before")
    expect(dialog).to_contain_text("docker volume create typed-before")
    mortal.stop()
    dialog.get_by_role("button", name="Create volume").click()
    expect(dialog.get_by_role("alert")).to_contain_text("docker.sock")
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("typed-before")
