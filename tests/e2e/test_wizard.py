"""The launch wizard: pasting, previews, traps and mistakes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.program import Program
from tests.e2e.steps import WIZARD, fill_launch, mount_row, paste, press_launch, previewed, row

LINE = (
    "docker run -d --name pasted -p 127.0.0.1:8080:80 -e MODE=fast -e EMPTY= --restart unless-stopped --network host "
    "-v pasted-data:/data:ro --mount type=tmpfs,dst=/scratch,tmpfs-size=64m --frobnicate=9 debian:12 sh -c 'echo \"a b\"'"
)
COMPOSE = """\
services:
  web:
    image: nginx:1.27
    environment: {MODE: fast}
    volumes:
      - pages:/usr/share/nginx/html:ro
volumes:
  pages:
"""
PYTHON = """\
import docker
from docker.types import Mount
client = docker.from_env()
client.containers.run("nginx:1.27", name="web", detach=True, mounts=[Mount("/data", "pages", type="volume", read_only=True)])
"""
FORMS = ("docker run -v", "docker run --mount", "Compose", "Python")


def filled_in(page: Page) -> dict[str, object]:
    """What the form holds, field by field."""
    found: dict[str, object] = page.locator("#wizard").evaluate(
        """form => Object.fromEntries([...new Set(new FormData(form).keys())]
            .filter(name => !["form_token", "form", "paste"].includes(name))
            .map(name => [name, new FormData(form).getAll(name)]))"""
    )
    return found


def test_a_whole_docker_run_line_fills_the_form_and_what_is_not_understood_is_named(page: Page) -> None:
    page.goto(WIZARD)
    paste(page, LINE)
    expect(page.get_by_text("Not taken over from what you pasted")).to_contain_text("--frobnicate=9")
    expect(page.get_by_label("Image", exact=True)).to_have_value("debian:12")
    expect(page.get_by_label("Name", exact=True)).to_have_value("pasted")
    expect(page.get_by_label("Command", exact=True)).to_have_value("sh -c 'echo \"a b\"'")
    expect(page.get_by_label("Port 1", exact=True)).to_have_value("127.0.0.1:8080:80")
    expect(page.get_by_label("Variable 1: name")).to_have_value("MODE")
    expect(page.get_by_label("Variable 2: name")).to_have_value("EMPTY")
    expect(page.get_by_label("Restart", exact=True)).to_have_value("unless-stopped")
    expect(page.get_by_label("Network", exact=True)).to_have_value("host")
    expect(mount_row(page, 1).get_by_label("Volume, existing or new")).to_have_value("pasted-data")
    expect(mount_row(page, 1).get_by_label("Read-only")).to_be_checked()
    expect(mount_row(page, 2).get_by_label("Type")).to_have_value("tmpfs")
    expect(mount_row(page, 2).get_by_label("Size, at most")).to_have_value(re.compile("64m|67108864", re.IGNORECASE))


@pytest.mark.parametrize("text", [COMPOSE, PYTHON], ids=["compose", "python"])
def test_compose_and_python_fill_the_form_too(page: Page, text: str) -> None:
    page.goto(WIZARD)
    paste(page, text)
    expect(page.get_by_label("Image", exact=True)).to_have_value("nginx:1.27")
    expect(mount_row(page, 1).get_by_label("Volume, existing or new")).to_have_value("pages")
    expect(mount_row(page, 1).get_by_label("Read-only")).to_be_checked()


@pytest.mark.parametrize("form", FORMS)
def test_a_preview_pasted_back_gives_the_same_form(page: Page, form: str) -> None:
    page.goto(WIZARD)
    paste(page, LINE.replace("--frobnicate=9 ", ""))
    expect(mount_row(page, 2)).to_be_visible()
    before = filled_in(page)
    page.get_by_text(form, exact=True).first.click()
    preview = page.get_by_label(form, exact=True).last
    expect(preview).to_contain_text("pasted-data")
    text = preview.inner_text()
    page.goto(WIZARD)
    paste(page, text)
    expect(mount_row(page, 2)).to_be_visible()
    assert filled_in(page) == before


def test_nothing_typed_quickly_is_lost_while_previews_come_and_go(page: Page, prefix: str, small_image: str) -> None:
    page.goto(WIZARD)
    mounts = mount_row(page, 1)
    typed = (
        (page.get_by_label("Image", exact=True), small_image),
        (page.get_by_label("Name", exact=True), f"{prefix}-quick-brown-fox"),
        (page.get_by_label("Command", exact=True), "sh -c 'echo jumps over the lazy dog; sleep 1'"),
        (mounts.get_by_label("Volume, existing or new"), f"{prefix}-some-long-volume-name"),
        (mounts.get_by_label("In the container at"), "/var/lib/some/deep/folder"),
        (page.get_by_label("How many containers"), "2"),
    )
    for field, text in typed:
        field.clear()
        field.press_sequentially(text, delay=15)
    for field, text in typed:
        expect(field).to_have_value(text)
    previewed(page, "/var/lib/some/deep/folder")
    previewed(page, "sleep 1")
    for field, text in typed:
        expect(field).to_have_value(text)


@pytest.mark.answers(422)
def test_mistakes_are_named_beside_their_fields_and_the_input_stays(page: Page, prefix: str, small_image: str) -> None:
    page.goto(WIZARD)
    fill_launch(page, small_image, "é", "true")
    mounts = mount_row(page, 1)
    mounts.get_by_label("Volume, existing or new").fill("x")
    mounts.get_by_label("In the container at").fill("data")
    page.get_by_role("button", name="Port", exact=True).click()
    page.get_by_label("Port 1", exact=True).fill("80:99999")
    page.get_by_role("button", name="Launch").last.click()
    expect(page.get_by_text("Nothing was launched.")).to_be_visible()
    for field in (
        page.get_by_label("Name", exact=True),
        mounts.get_by_label("In the container at"),
        page.get_by_label("Port 1", exact=True),
    ):
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(r"\w+ \w+"))
    expect(page.get_by_label("Name", exact=True)).to_have_value("é")
    expect(mounts.get_by_label("In the container at")).to_have_value("data")
    expect(page.get_by_label("Port 1", exact=True)).to_have_value("80:99999")


@pytest.mark.answers(422)
def test_a_system_path_waits_for_a_second_look(
    page: Page, prefix: str, small_image: str, docker: Callable[..., str]
) -> None:
    page.goto(WIZARD)
    paste(page, "-v /etc:/host-etc:ro")
    fill_launch(page, small_image, f"{prefix}-peek", "true")
    mounts = mount_row(page, 1)
    expect(mounts.get_by_role("alert")).to_contain_text("“/etc”")
    previewed(page, f"{prefix}-peek")
    page.get_by_role("button", name="Launch").last.click()
    expect(mounts).to_contain_text("Type /etc to confirm")
    assert f"{prefix}-peek" not in docker("ps", "--all", "--format={{.Names}}").split()
    mounts.get_by_label("To go on, type").fill("/etc")
    press_launch(page)
    expect(row(page, f"{prefix}-peek")).to_be_visible()


def test_a_folder_is_picked_instead_of_typed(page: Page, prefix: str, program: Program) -> None:
    (program.start_folder / prefix / "inner").mkdir(parents=True)
    page.goto(WIZARD)
    mount_row(page, 1).get_by_label("Type").select_option("Bind mount")
    mount_row(page, 1).get_by_role("link", name="Choose a folder").click()
    picker = page.get_by_role("dialog")
    picker.get_by_role("link", name=prefix).click()
    picker.get_by_role("link", name="inner").click()
    expect(picker).to_contain_text("No folders in here.")
    picker.get_by_role("button", name="Use this folder").click()
    chosen = str(program.start_folder / prefix / "inner")
    expect(mount_row(page, 1).get_by_label("Folder or file of the machine")).to_have_value(chosen)
    mount_row(page, 1).get_by_label("In the container at").fill("/work")
    previewed(page, f"-v {chosen}:/work")


@pytest.mark.answers(404, 422)
def test_an_image_that_is_not_there_can_be_pulled_from_the_spot(page: Page, prefix: str) -> None:
    image = f"127.0.0.1:9/{prefix}:1"
    page.goto(WIZARD)
    fill_launch(page, image, "", "")
    page.get_by_role("button", name="Remove mount 1").click()
    previewed(page, image)
    page.get_by_role("button", name="Launch").last.click()
    page.get_by_role("link", name=f"Pull {image}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Image", exact=True)).to_have_value(image)
    expect(dialog).to_contain_text(f"docker pull {image}")


def test_launch_pressed_right_after_typing_launches_what_was_typed(
    page: Page, prefix: str, small_image: str, docker: Callable[..., str]
) -> None:
    page.goto(f"{WIZARD}?image={small_image}")
    page.get_by_role("button", name="Remove mount 1").click()
    expect(mount_row(page, 1)).to_have_count(0)
    page.get_by_label("Command", exact=True).fill("true")
    page.get_by_label("Name", exact=True).fill(f"{prefix}-hasty")
    page.get_by_label("Name", exact=True).press("Enter")
    page.wait_for_url(re.compile("inspect="))
    assert docker("inspect", "--format={{.Path}}", f"{prefix}-hasty") == "true"
