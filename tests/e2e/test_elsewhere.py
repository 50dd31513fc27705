"""Volumes that live elsewhere, from the form to a container that reads them, as a person makes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.steps import VOLUMES, launch, row
from tests.engine.rclone_servers import KEY, SECRET, Cloud, RcloneDriver, cloud, rclone_driver

__all__ = ["cloud", "rclone_driver"]


def new_volume(page: Page, name: str, place: str) -> Locator:
    """Open the dialog and say where the data is to live."""
    page.goto(VOLUMES)
    page.get_by_role("link", name="New volume").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(name)
    choose(dialog, place)
    return dialog


def choose(dialog: Locator, place: str) -> None:
    dialog.get_by_role("radio", name=place).check()


def fill_bucket(dialog: Locator, cloud: Cloud, bucket: str, driver: RcloneDriver, secret: str) -> None:
    """Everything about the bucket; the driver's name stands among the further options."""
    dialog.get_by_label("Kept by").select_option("Other")
    dialog.get_by_label("Address").fill(cloud.endpoint)
    dialog.get_by_label("Bucket", exact=True).fill(bucket)
    dialog.get_by_label("Access key").fill(KEY)
    dialog.get_by_label("Secret key", exact=True).fill(secret)
    dialog.get_by_text("More options").click()
    dialog.get_by_label("Driver", exact=True).fill(driver.name)


@pytest.mark.answers(422)
def test_an_encrypted_cloud_volume_from_nothing_to_a_container_that_reads_it(
    page: Page, cloud: Cloud, rclone_driver: RcloneDriver, small_image: str, prefix: str, tmp_path: Path
) -> None:
    name, bucket = f"{prefix}-vault", cloud.new_bucket()
    dialog = new_volume(page, name, "Encrypted in the cloud")
    fill_bucket(dialog, cloud, bucket, rclone_driver, "notthesecret")
    dialog.get_by_role("button", name="Generate one").click()
    passphrase = dialog.get_by_label("Passphrase", exact=True).input_value()
    assert re.fullmatch(r"[a-z2-9]{5}(-[a-z2-9]{5}){4}", passphrase)

    with page.expect_download() as downloading:
        dialog.get_by_role("button", name="Save the key sheet").click()
    sheet = tmp_path / "sheet.txt"
    downloading.value.save_as(sheet)
    assert downloading.value.suggested_filename == f"{name}-key-sheet.txt"
    assert passphrase in sheet.read_text()

    dialog.get_by_label("I have kept the passphrase").check()
    dialog.get_by_role("button", name="Create volume").click()
    expect(dialog).to_contain_text("The secret key does not belong to the access key.")
    expect(dialog.get_by_label("Passphrase", exact=True)).to_have_value(passphrase)
    assert not [text for text in (passphrase, "notthesecret", KEY) if text in page.content()]

    dialog.get_by_label("Secret key", exact=True).fill(SECRET)
    dialog.get_by_role("button", name="Create volume").click()
    page.wait_for_url(re.compile(r"inspect="))
    expect(page.locator("#inspector")).to_contain_text(f"Encrypted in the bucket {bucket}")
    expect(row(page, name)).to_contain_text("crypt")
    page.get_by_role("button", name="Does it answer?").click()
    expect(page.locator("#storage-check")).to_contain_text("It answers.")
    assert not [text for text in (passphrase, SECRET, KEY) if text in page.content()]

    launch(page, small_image, f"{prefix}-writer", "sh -c 'echo secret plans >/data/plans'", volume=name, target="/data")
    expect(row(page, f"{prefix}-writer")).to_contain_text("exited")
    [(path, content)] = cloud.holds(bucket).items()
    assert "plans" not in path
    assert b"secret plans" not in content
    launch(page, small_image, f"{prefix}-reader", "cat /data/plans", volume=name, target="/data")
    expect(row(page, f"{prefix}-reader")).to_contain_text("exited")
    page.goto("/jobs")
    assert not [text for text in (passphrase, SECRET) if text in page.content()]


def test_storage_is_tested_before_anything_is_made(
    page: Page, cloud: Cloud, rclone_driver: RcloneDriver, small_image: str, prefix: str, docker: Callable[..., str]
) -> None:
    bucket = cloud.new_bucket()
    dialog = new_volume(page, f"{prefix}-v", "Cloud (S3)")
    fill_bucket(dialog, cloud, "no-such-bucket", rclone_driver, SECRET)
    dialog.get_by_role("button", name="Test first").click()
    expect(dialog).to_contain_text("There is no bucket no-such-bucket.")
    dialog.get_by_label("Bucket", exact=True).fill(bucket)
    expect(dialog.locator("#storage-test")).not_to_contain_text("no-such-bucket")
    dialog.get_by_role("button", name="Test first").click()
    expect(dialog.locator("#storage-test")).to_contain_text("It works.")
    assert prefix not in docker("volume", "ls", "--quiet")
    dialog.get_by_role("button", name="Create volume").click()
    page.wait_for_url(re.compile(r"inspect="))
    expect(row(page, f"{prefix}-v")).to_contain_text("s3")


def test_a_pasted_line_fills_the_form_in(page: Page, prefix: str) -> None:
    dialog = new_volume(page, prefix, "On this machine")
    dialog.get_by_text("Fill it in from a command line").click()
    dialog.get_by_label("A docker volume create line").fill(
        "docker volume create \\\n  --opt type=cifs --opt device=//nas/media \\\n"
        "  --opt o=addr=nas,username=ann,password=hidden-word,vers=3.1.1 films"
    )
    dialog.get_by_role("button", name="Fill in the form").click()
    expect(dialog.get_by_role("radio", name="Windows share")).to_be_checked()
    expect(dialog.get_by_label("Share", exact=True)).to_have_value("media")
    expect(dialog.get_by_label("User", exact=True)).to_have_value("ann")
    expect(dialog).to_contain_text("type or paste again: Password")
    assert "hidden-word" not in page.content()
    dialog.get_by_label("Password", exact=True).fill("hidden-word")
    expect(dialog).to_contain_text('password="$PASSWORD"')
    assert "hidden-word" not in page.content()


def test_the_places_are_reached_by_keyboard(page: Page, prefix: str) -> None:
    dialog = new_volume(page, prefix, "On this machine")
    dialog.get_by_role("radio", name="On this machine").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_label("Largest size")).to_be_visible()
    expect(dialog.get_by_role("radio", name="In memory")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(dialog.get_by_label("Largest size")).to_be_focused()
    page.keyboard.type("10 bananas")
    expect(dialog).to_contain_text("“10 bananas” is no size.")
    expect(dialog.get_by_label("Largest size")).to_have_value("10 bananas")


def test_drivers_are_listed_with_their_health(page: Page, rclone_driver: RcloneDriver) -> None:
    page.goto("/e/default/plugins")
    line = page.get_by_role("row").filter(has_text=rclone_driver.name)
    expect(line).to_contain_text("answers")
    with rclone_driver.frozen():
        line.get_by_role("link", name=f"Ask {rclone_driver.name} again").click()
        expect(line).to_contain_text("does not answer")
    line.get_by_role("link", name=f"Ask {rclone_driver.name} again").click()
    expect(line).to_contain_text("in ")


@pytest.mark.answers(502)
def test_a_plugin_that_no_registry_has_is_said_in_the_dialog(page: Page) -> None:
    page.goto("/e/default/plugins")
    page.get_by_role("link", name="Install a plugin").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Plugin", exact=True).fill("127.0.0.1:9/none/such:latest")
    dialog.get_by_role("button", name="Show what it asks for").click()
    expect(dialog).to_contain_text("can't reach the registry")
    expect(dialog).to_contain_text("rclone serve docker")
