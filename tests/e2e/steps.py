"""What a person does, step by step, in the words of the pages."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

VOLUMES = "/e/default/volumes"
CONTAINERS = "/e/default/containers"
IMAGES = "/e/default/images"
WIZARD = "/e/default/containers/-/new"


def row(page: Page, name: str) -> Locator:
    """The line of the list that is about `name`."""
    return page.locator(f'tr[data-name="{name}"]')


def settled(page: Page) -> None:
    """Return once the page has said that it hears of changes."""
    expect(page.locator("[data-live]")).to_have_text("live")


def create_volume(page: Page, name: str) -> None:
    """Create a volume in the dialog, and see it in the list."""
    page.goto(VOLUMES)
    page.get_by_role("link", name="New volume").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(name)
    expect(dialog).to_contain_text(f"docker volume create {name}")
    dialog.get_by_role("button", name="Create volume").click()
    expect(dialog).to_be_hidden()
    page.goto(f"{VOLUMES}?q={name}")
    expect(row(page, name)).to_be_visible()


def fill_launch(page: Page, image: str, name: str, command: str) -> None:
    """Fill in what is launched; the wizard is open."""
    page.get_by_label("Image", exact=True).fill(image)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Command", exact=True).fill(command)


def mount_row(page: Page, place: int) -> Locator:
    """The wizard's row for one mount, counted from 1."""
    return page.get_by_role("group", name=f"Mount {place}", exact=True)


def press_launch(page: Page) -> None:
    """Launch, and get to the list of containers with the new one open."""
    page.get_by_role("button", name=re.compile("^(Launch|Create)")).last.click()
    page.wait_for_url(re.compile(rf"{CONTAINERS}\?inspect="))


def launch(page: Page, image: str, name: str, command: str, *, volume: str, target: str, replicas: int = 1) -> None:
    """Launch containers on a volume with the wizard, and get to the list of containers."""
    page.goto(f"{WIZARD}?volume={volume}")
    fill_launch(page, image, name, command)
    mount_row(page, 1).get_by_label(re.compile("In the container at")).fill(target)
    page.get_by_label("How many containers").fill(str(replicas))
    press_launch(page)


def open_log(page: Page, container: str) -> None:
    """Open the log tab of a container in the list's inspector."""
    page.goto(f"{CONTAINERS}?q={container}")
    page.get_by_role("link", name=container, exact=True).click()
    inspector = page.get_by_role("complementary", name="Inspector")
    inspector.get_by_role("link", name="Logs").click()
    expect(inspector.get_by_label("Follow")).to_be_visible()


def remove_container(page: Page, container: str) -> None:
    """Remove a container by its inspector."""
    page.goto(f"{CONTAINERS}?q={container}")
    page.get_by_role("link", name=container, exact=True).click()
    page.get_by_role("complementary", name="Inspector").get_by_role("link", name="Remove…").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("(Remove container|Stop and remove)")).click()
    expect(row(page, container)).to_have_count(0)


def paste(page: Page, text: str) -> None:
    """Paste a command into the open wizard, and have the form filled in from it."""
    field = page.get_by_label(re.compile("^A docker run line"))
    if not field.is_visible():
        page.get_by_text("Paste a command instead of filling in").click()
    field.fill(text)
    with page.expect_response(lambda response: "action=paste" in (response.request.post_data or "")):
        page.get_by_role("button", name="Fill in the form").click()


def previewed(page: Page, text: str) -> None:
    """Return once the command beside the form has `text` in it."""
    expect(page.get_by_label("docker run -v", exact=True).last).to_contain_text(text)
