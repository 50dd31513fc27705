"""Names, labels, logs and commands that try to be more than text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import CONTAINERS, IMAGES, VOLUMES, WIZARD, mount_row, paste, row
from webui.engine.connection import Engine

MARKUP = "<img src=x onerror=alert(1)>"
SCRIPT = "\"'><script>alert(2)</script>"
STRANGE = "\u202egnp.exe\u202c\nsecond line\t{{ 7*7 }}"
PLANTED = (MARKUP, SCRIPT, STRANGE)


@pytest.fixture
def planted(prefix: str, engine: Engine, small_image: str) -> Iterator[str]:
    """A volume and a container on it, with markup wherever the engine takes it."""
    client = engine.api
    labels = {f"{MARKUP}-{number}": text for number, text in enumerate(PLANTED)}
    client.create_volume(prefix, labels={**labels, "com.docker.compose.project": f"{prefix}{MARKUP}"})
    container = client.create_container(
        small_image,
        ["sh", "-c", 'printf "%s\\n" "$@"', SCRIPT, *PLANTED],
        name=f"{prefix}-planted",
        labels={**labels, "com.docker.compose.project": f"{prefix}{MARKUP}"},
        environment={f"V{number}": text for number, text in enumerate(PLANTED)},
        host_config=client.create_host_config(binds=[f"{prefix}:/data"], network_mode="none"),
    )["Id"]
    client.start(container)
    client.wait(container)
    yield f"{prefix}-planted"


def shows(page: Page, *texts: str) -> None:
    """The page has these texts, and nothing in it was made of them."""
    for text in texts:
        expect(page.get_by_text(text).first).to_be_attached()
    expect(page.locator("img[src='x']")).to_have_count(0)
    expect(page.locator("script:not([src])")).to_have_count(0)


def test_labels_commands_variables_and_logs_are_text_everywhere(page: Page, prefix: str, planted: str) -> None:
    page.goto(f"{VOLUMES}?q={prefix}")
    expect(row(page, prefix)).to_contain_text(MARKUP)
    shows(page, f"{prefix}{MARKUP}")
    page.get_by_role("link", name=prefix, exact=True).first.click()
    shows(page, MARKUP, SCRIPT, "{{ 7*7 }}")
    for tab in ("containers", "raw"):
        page.goto(f"{VOLUMES}/{prefix}?tab={tab}")
        shows(page, prefix)
    for tab, texts in {
        "overview": PLANTED[:2],
        "mounts": (),
        "logs": PLANTED[:2],
        "raw": ("onerror=alert(1)",),
    }.items():
        page.goto(f"{CONTAINERS}/{planted}?tab={tab}")
        shows(page, planted, *texts)
    page.goto(f"{CONTAINERS}?q={prefix}")
    expect(row(page, planted)).to_contain_text(MARKUP)
    shows(page)


@pytest.mark.answers(404, 422)
def test_what_one_types_and_what_stands_in_the_address_is_text(page: Page) -> None:
    page.goto(f"{VOLUMES}?q={MARKUP}&project={SCRIPT}")
    shows(page, "No volume matches")
    expect(page.get_by_role("searchbox")).to_have_value(MARKUP)
    page.goto(f"{VOLUMES}?inspect=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    shows(page, "Volumes")
    page.goto(f"{IMAGES}?q={MARKUP}")
    shows(page, "No image matches")
    page.goto(f"{VOLUMES}/%3Cimg%20src=x%20onerror=alert(1)%3E")
    shows(page, MARKUP)
    page.goto(f"{WIZARD}?image={MARKUP}")
    expect(page.get_by_label("Image", exact=True)).to_have_value(MARKUP)
    paste(page, f"docker run --{MARKUP} -v '{MARKUP}:/data' -e A='{SCRIPT}' debian '{SCRIPT}'")
    expect(mount_row(page, 1)).to_be_visible()
    shows(page)


def test_a_markup_name_is_refused_in_words(page: Page) -> None:
    page.goto(f"{VOLUMES}/-/new")
    page.get_by_label("Name", exact=True).fill(MARKUP)
    expect(page.get_by_text("docker volume create")).to_contain_text("onerror")
    shows(page)
