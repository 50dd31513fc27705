"""Folders of the machine inside containers, and the traps on the way there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.program import Program
from tests.e2e.steps import WIZARD, fill_launch, mount_row, open_log, paste, press_launch, row


@pytest.fixture
def folder(program: Program, prefix: str) -> Iterator[Path]:
    """A folder where the program was started."""
    folder = program.start_folder / f"{prefix}_folder"
    folder.mkdir()
    yield folder


def test_a_file_edited_on_the_machine_is_read_changed_in_the_running_container(
    page: Page, prefix: str, small_image: str, folder: Path
) -> None:
    (folder / "page").write_text("first edition\n")
    page.goto(WIZARD)
    fill_launch(page, small_image, f"{prefix}-web", "sh -c 'while :; do cat /site/page; sleep 0.2; done'")
    mounts = mount_row(page, 1)
    mounts.get_by_label("Type").select_option("Bind mount")
    mounts.get_by_label("Folder or file of the machine").fill(f"./{folder.name}")
    mounts.get_by_label("In the container at").fill("/site")
    press_launch(page)

    open_log(page, f"{prefix}-web")
    log = page.get_by_label(f"Log of {prefix}-web")
    expect(log).to_contain_text("first edition")
    (folder / "page").write_text("second edition\n")
    expect(log).to_contain_text("second edition")


def test_a_relative_path_that_would_make_an_empty_volume_is_noticed_and_mended(
    page: Page, prefix: str, small_image: str, folder: Path, docker: Callable[..., str]
) -> None:
    page.goto(WIZARD)
    paste(page, f"-v {folder.name}:/data")
    mounts = mount_row(page, 1)
    expect(mounts).to_contain_text(f"There is no volume called “{folder.name}”: Docker makes a new, empty one.")
    expect(mounts).to_contain_text(f"It does not use the folder {folder}")
    mounts.get_by_role("button", name=f"Use the folder {folder}").click()
    expect(mounts.get_by_label("Folder or file of the machine")).to_have_value(str(folder))

    fill_launch(page, small_image, f"{prefix}-writer", "sh -c 'echo inside > /data/x'")
    press_launch(page)
    expect(row(page, f"{prefix}-writer")).to_contain_text("exited")
    assert (folder / "x").read_text() == "inside\n"
    assert folder.name not in docker("volume", "ls", "--quiet").split()
