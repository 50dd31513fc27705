"""The README's pictures: `pytest tests/e2e/test_screenshots.py --screenshots FOLDER`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.program import Program
from tests.e2e.steps import VOLUMES, WIZARD, mount_row, paste, row, settled
from tests.engine.rclone_servers import RcloneDriver, rclone_driver
from webui.engine.tools_image import NAME

__all__ = ["rclone_driver"]

VOLUME_LIST = (
    ("blog_database", "blog", 48),
    ("blog_uploads", "blog", 130),
    ("certificates", "", 1),
    ("grafana-data", "monitoring", 22),
    ("mail_queue", "mail", 3),
    ("mail_spool", "mail", 64),
    ("postgres-main", "shop", 210),
    ("prometheus", "monitoring", 96),
    ("redis-cache", "shop", 12),
    ("shop_images", "shop", 75),
)
CONTAINERS = (
    ("blog-web", "blog_uploads:/var/www/uploads"),
    ("blog-db", "blog_database:/var/lib/mysql"),
    ("monitoring-grafana", "grafana-data:/var/lib/grafana"),
    ("monitoring-prometheus", "prometheus:/prometheus"),
    ("shop-db", "postgres-main:/var/lib/postgresql/data"),
    ("shop-backup", "postgres-main:/source:ro"),
    ("shop-web", "shop_images:/srv/images"),
)
BUCKET = {
    "Address": "https://minio.example.com:9000",
    "Bucket": "family",
    "Folder in the bucket": "photos",
    "Access key": "QX7T2MPLDA0ZC3VW",
    "Secret key": "not-a-real-one",
}
SITE = """
cd /data && mkdir -p assets/fonts config/nginx logs uploads/2026/10 uploads/2026/11
for page in index about contact; do echo "<h1>$page</h1>" >$page.html; done
printf 'server:\\n  host: 0.0.0.0\\n  port: 8080\\n\\nlog:\\n  level: info\\n  file: /var/log/app.log\\n' >settings.yaml
for month in 10 11; do for number in 1 2 3 4 5; do truncate -s "${number}00K" uploads/2026/$month/photo-$number.jpg; done; done
truncate -s 34M backup.tar.gz && ln -s index.html current && ln -s /etc/localtime timezone && chown 33:33 uploads settings.yaml
"""
LARGEST_PICTURE = 250_000


@pytest.fixture
def folder_for_pictures(request: pytest.FixtureRequest) -> Path:
    """Where the pictures go; without a folder nobody wants them."""
    folder: Path | None = request.config.getoption("--screenshots")
    if folder is None:
        pytest.skip("pictures are made with --screenshots FOLDER")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def furnished(own_docker: Callable[..., str], own_program: Program, page: Page) -> None:
    """An engine with the volumes and containers of somebody who has been busy."""
    page.goto(own_program.origin + "/e/default/images")
    page.get_by_role("button", name="Make a small image").click()
    expect(page.get_by_role("link", name="Launch a container from it")).to_be_visible()
    for name, project, megabytes in VOLUME_LIST:
        labels = [f"--label=com.docker.compose.project={project}"] if project else []
        own_docker("volume", "create", *labels, name)
        own_docker("run", "--rm", "--network=none", f"--volume={name}:/data", NAME,
                   "truncate", "--size", f"{megabytes}M", "/data/blob")  # fmt: skip
    for name, volume in CONTAINERS:
        own_docker("run", "--detach", f"--name={name}", "--network=none", f"--volume={volume}", NAME, "sleep", "600")
    own_docker("stop", "--time=0", "shop-backup")
    own_docker(
        "run", "--rm", "--network=none", "--volume=blog_uploads:/data", NAME, "sh", "-c", f"rm /data/blob; {SITE}"
    )


@pytest.fixture
def page(page: Page, own_program: Program) -> Page:
    """The page shows the test's own engine."""
    page.goto(own_program.address)
    return page


def test_pictures(
    folder_for_pictures: Path, page: Page, own_program: Program, furnished: None, rclone_driver: RcloneDriver
) -> None:
    page.goto(f"{own_program.origin}{VOLUMES}?inspect=postgres-main")
    settled(page)
    expect(page.get_by_role("complementary", name="Inspector")).to_contain_text("Mountpoint")
    page.get_by_label("Measure the sizes again").click()
    expect(row(page, "postgres-main")).to_contain_text("MiB")
    expect(page.get_by_text("Sizes measured")).to_be_visible()
    page.locator("summary", has_text="Columns").click()
    page.get_by_role("checkbox", name="Created").uncheck()
    page.keyboard.press("Escape")
    photograph(page, folder_for_pictures, "volumes")

    page.goto(f"{own_program.origin}{VOLUMES}/blog_uploads/files?inspect=settings.yaml")
    expect(page.get_by_role("complementary", name="Preview")).to_contain_text("lines end with LF")
    settled(page)
    photograph(page, folder_for_pictures, "files")

    page.goto(own_program.origin + VOLUMES)
    page.get_by_role("link", name="New volume").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("family-photos")
    dialog.get_by_role("radio", name="Encrypted in the cloud").check()
    dialog.get_by_label("Kept by").select_option("Minio")
    for label, text in BUCKET.items():
        dialog.get_by_label(label, exact=True).fill(text)
    dialog.get_by_role("button", name="Generate one").click()
    expect(dialog).to_contain_text('crypt-password="$(rclone obscure')
    dialog.get_by_text("Where should the data live?").evaluate("legend => legend.scrollIntoView()")
    photograph(page, folder_for_pictures, "elsewhere")

    page.goto(own_program.origin + WIZARD)
    paste(
        page,
        f"docker run --name report -v postgres-main:/data -v my_folder:/out -v /etc/ssl:/ssl:ro {NAME} sh /out/run",
    )
    expect(mount_row(page, 2)).to_contain_text("There is no volume called")
    page.get_by_text("Paste a command instead of filling in").click()
    page.get_by_role("heading", name="Mounts").evaluate("heading => heading.scrollIntoView()")
    photograph(page, folder_for_pictures, "wizard")


def photograph(page: Page, folder: Path, name: str) -> None:
    """One picture by day, one by night."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        picture = folder / f"{name}-{scheme}.png"
        page.screenshot(path=picture, animations="disabled", caret="hide")
        assert picture.stat().st_size < LARGEST_PICTURE
