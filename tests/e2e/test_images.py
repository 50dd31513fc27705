"""Images, and the jobs that fetch them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import IMAGES, WIZARD
from webui.engine.tools_image import NAME


@pytest.fixture
def no_small_image(docker: Callable[..., str]) -> Iterator[None]:
    """The image that the program makes by itself is not there, before and after."""

    def remove() -> None:
        if docker("images", "--quiet", NAME):
            docker("rmi", NAME)

    remove()
    try:
        yield
    finally:
        remove()


def test_a_small_image_is_made_from_this_machine_and_can_be_launched(page: Page, no_small_image: None) -> None:
    page.goto(IMAGES)
    page.get_by_role("button", name="Make a small image").click()
    page.wait_for_url(re.compile("/jobs/"))
    job = page.get_by_role("article")
    expect(job).to_contain_text(NAME)
    expect(job.get_by_text("done", exact=True)).to_be_visible()
    job.get_by_role("link", name="Launch a container from it").click()
    page.wait_for_url(re.compile(re.escape(WIZARD)))
    expect(page.get_by_label("Image", exact=True)).to_have_value(NAME)
    page.goto(f"{IMAGES}?q={NAME}")
    expect(page.get_by_role("row").filter(has_text=NAME)).to_be_visible()


def test_an_image_that_can_not_be_pulled_says_why_in_words(page: Page, prefix: str) -> None:
    page.goto(IMAGES)
    page.get_by_role("link", name="Pull an image").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Image", exact=True).fill(f"127.0.0.1:9/{prefix}:1")
    dialog.get_by_role("button", name="Pull", exact=True).click()
    page.wait_for_url(re.compile("/jobs/"))
    job = page.get_by_role("article")
    expect(job.get_by_text("failed", exact=True)).to_be_visible()
    expect(job.get_by_role("alert")).to_contain_text("127.0.0.1:9")
    expect(job.get_by_role("alert")).not_to_contain_text("Traceback")


@pytest.mark.answers(422)
def test_a_name_that_no_image_can_have_is_refused_at_its_field(page: Page) -> None:
    page.goto(IMAGES)
    page.get_by_role("link", name="Pull an image").click()
    field = page.get_by_role("dialog").get_by_label("Image", exact=True)
    field.fill("Upper Case")
    page.get_by_role("dialog").get_by_role("button", name="Pull", exact=True).click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("Upper Case")
