"""One volume, several containers at once."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.steps import launch, row

LINES = 50
APPEND = f"sh -c 'n=0; while [ $n -lt {LINES} ]; do echo $(cat /etc/hostname) $n >> /data/lines; n=$((n+1)); done'"


def test_three_containers_append_to_one_volume_and_no_line_is_lost(
    page: Page, prefix: str, small_image: str, docker: Callable[..., str]
) -> None:
    volume = f"{prefix}-shared"
    launch(page, small_image, f"{prefix}-writer", APPEND, volume=volume, target="/data", replicas=3)
    for number in (1, 2, 3):
        expect(row(page, f"{prefix}-writer-{number}")).to_contain_text("exited")
    read = docker("run", "--rm", "--network=none", f"--volume={volume}:/data:ro", small_image, "cat", "/data/lines")
    assert len(set(read.splitlines())) == 3 * LINES

    page.goto(f"/e/default/volumes/{volume}?tab=containers")
    for number in (1, 2, 3):
        expect(page.get_by_role("link", name=f"{prefix}-writer-{number}")).to_be_visible()
    expect(page.get_by_text("Several containers write to this volume")).to_be_visible()
