"""An empty volume over files of the image starts with a copy of them, unless one says no."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import WIZARD, fill_launch, mount_row, press_launch, row


@pytest.fixture
def site_image(prefix: str, small_image: str, docker: Callable[..., str]) -> Iterator[str]:
    """An image with a file at /srv/site."""
    name = f"{prefix}/site:latest"
    script = "mkdir -p /srv/site && echo from the image > /srv/site/index"
    docker("run", f"--name={prefix}-maker", "--network=none", small_image, "sh", "-c", script)
    docker("commit", f"{prefix}-maker", name)
    try:
        yield name
    finally:
        docker("rmi", "--force", name)


@pytest.mark.parametrize("copies", [True, False])
def test_the_wizard_says_what_a_new_volume_will_start_with(
    page: Page, prefix: str, site_image: str, docker: Callable[..., str], copies: bool
) -> None:
    volume = f"{prefix}-site"
    page.goto(f"{WIZARD}?volume={volume}&image={site_image}")
    fill_launch(page, site_image, f"{prefix}-web", "true")
    mounts = mount_row(page, 1)
    mounts.get_by_label("In the container at").fill("/srv/site")
    if not copies:
        mounts.get_by_label("Don’t copy the image’s files").check()
    copied = "Docker first copies into it what the image has at “/srv/site”"
    expect(mounts).to_contain_text(copied if copies else "the empty volume stays empty (nocopy)")
    press_launch(page)
    expect(row(page, f"{prefix}-web")).to_contain_text("exited")
    found = docker("run", "--rm", "--network=none", f"--mount=type=volume,src={volume},dst=/look,volume-nocopy,readonly",
                   site_image, "ls", "/look")  # fmt: skip
    assert found == ("index" if copies else "")
