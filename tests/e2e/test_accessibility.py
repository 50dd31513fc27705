"""Every page and dialog, light and dark, on a desk and on a phone: axe finds nothing, and nothing sticks out sideways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.program import Program
from tests.e2e.steps import CONTAINERS, IMAGES, VOLUMES, WIZARD, mount_row, paste, row, settled
from tests.waiting import wait_until
from webui.engine.tools_image import NAME

axe = Axe()


@pytest.fixture(scope="module")
def furnished(docker: Callable[..., str], small_image: str) -> Iterator[str]:
    """The name of a volume with labels, held by a running container with a log and by a stopped one."""
    name = "furnished"
    containers, volumes = (f"{name}-user", f"{name}-second"), (name, f"{name}-memory")
    try:
        docker("volume", "create", "--label=owner=ann", f"--label=com.docker.compose.project={name}", name)
        docker("volume", "create", "--opt=type=tmpfs", "--opt=device=tmpfs", "--opt=o=size=1m", f"{name}-memory")
        docker("run", "--detach", f"--name={containers[0]}", "--network=none", f"--volume={name}:/data", "--volume=/scratch",
               "--env=PASSWORD=secret", small_image, "sh", "-c", "echo first; echo second; sleep 600")  # fmt: skip
        docker("create", f"--name={containers[1]}", "--network=none", f"--volume={name}:/data:ro", small_image, "true")
        yield name
    finally:
        docker("rm", "--force", "--volumes", *containers)
        wait_until(lambda: _removed(docker, volumes), seconds=60)


def _removed(docker: Callable[..., str], volumes: Sequence[str]) -> bool:
    """Try to remove them, and what looks inside them: that may be on its way out by itself."""
    try:
        holding = docker("ps", "--all", "--quiet", *(f"--filter=volume={volume}" for volume in volumes)).split()
        docker("rm", "--force", *holding) if holding else None
        docker("volume", "rm", "--force", *volumes)
    except AssertionError:
        return False
    return True


LOOKS = (("light", DESKTOP), ("dark", PHONE))
WIDE = "document.documentElement.scrollWidth"


def check(page: Page) -> None:
    """Fail on what axe finds, in each theme and size, and on a page that is wider than its window."""
    findings = []
    for scheme, window in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(window)
        where = f"{scheme}, {window['width']} px"
        findings += [f"{where}: {describe(violation)}" for violation in axe.run(page).response["violations"]]
        if page.evaluate(WIDE) > window["width"]:
            findings.append(f"{where}: the page is {page.evaluate(WIDE)} px wide")
    page.set_viewport_size(DESKTOP)
    assert not findings, "\n".join(findings)


def describe(violation: dict[str, object]) -> str:
    """A violation in a line: the rule, and the elements that break it."""
    nodes = violation["nodes"]
    assert isinstance(nodes, list)
    places = "; ".join(
        f"{node['target']} {node['html'][:160]} {node.get('failureSummary', '')[:220]}" for node in nodes[:3]
    )
    return f"{violation['id']}: {places}".replace("\n", " ")


PAGES = {
    "volumes": f"{VOLUMES}?q={{}}",
    "no match": f"{VOLUMES}?q={{}}-nothing-is-called-so",
    "volume": f"{VOLUMES}/{{}}",
    "volume with options": f"{VOLUMES}/{{}}-memory",
    "volume, containers": f"{VOLUMES}/{{}}?tab=containers",
    "volume, raw": f"{VOLUMES}/{{}}?tab=raw",
    "new volume": f"{VOLUMES}/-/new",
    "clone": f"{VOLUMES}/{{}}/-/clone",
    "containers": f"{CONTAINERS}?q={{}}",
    "container": f"{CONTAINERS}/{{}}-user",
    "container, mounts": f"{CONTAINERS}/{{}}-user?tab=mounts",
    "container, logs": f"{CONTAINERS}/{{}}-user?tab=logs",
    "container, raw": f"{CONTAINERS}/{{}}-user?tab=raw",
    "log": f"{CONTAINERS}/{{}}-user/logs",
    "wizard": WIZARD,
    "images": IMAGES,
    "jobs": "/jobs",
    "engines": "/engines",
    "drivers": "/e/default/plugins",
    "install a plugin": "/e/default/plugins/-/install",
    "a driver": "/e/default/plugins/-/health?name=local",
    "help": "/help",
    "explain a mount": "/e/default/mounts",
}


@pytest.mark.parametrize("address", PAGES.values(), ids=PAGES.keys())
def test_page(page: Page, furnished: str, address: str) -> None:
    page.goto(address.format(furnished))
    settled(page)
    check(page)


@pytest.fixture(scope="module")
def filled(docker: Callable[..., str], small_image: str, furnished: str) -> str:
    """A volume with all kinds of files, in use, and a container with a folder of the host."""
    make = (
        "cd /data && mkdir -p deep/er/and/deep/er/still .hidden empty && echo text >text.txt && "
        "head -c 5000 /dev/urandom >binary && mkfifo pipe && ln -s nowhere gone && ln -s /etc out && ln -s deep in"
    )
    docker("tag", small_image, NAME)
    docker("run", "--rm", "--network=none", f"--volume={furnished}:/data", small_image, "sh", "-c", make)
    return furnished


FILE_PAGES = {
    "folder": f"{VOLUMES}/{{}}/files?hidden=yes",
    "folder, deep": f"{VOLUMES}/{{}}/files/deep/er/and/deep/er",
    "folder, empty": f"{VOLUMES}/{{}}/files/empty",
    "folder, no match": f"{VOLUMES}/{{}}/files?q=nothing-is-called-so",
    "folder beside a file": f"{VOLUMES}/{{}}/files?inspect=binary",
    "folder beside a folder": f"{VOLUMES}/{{}}/files?inspect=deep",
    "folder in memory": f"{VOLUMES}/{{}}-memory/files",
    "text": f"{VOLUMES}/{{}}/files/text.txt",
    "bytes": f"{VOLUMES}/{{}}/files/binary",
    "pipe": f"{VOLUMES}/{{}}/files/pipe",
    "link": f"{VOLUMES}/{{}}/files/in",
    "new folder": f"{VOLUMES}/{{}}/-/new-folder?into_id=deep",
    "rename": f"{VOLUMES}/{{}}/-/rename?id=text.txt",
    "move": f"{VOLUMES}/{{}}/-/move?id=text.txt&id=binary&into_id=deep/er",
    "permissions": f"{VOLUMES}/{{}}/-/permissions?id=deep&id=text.txt",
    "delete": f"{VOLUMES}/{{}}/-/delete?id=deep&id=gone",
}


@pytest.mark.parametrize("address", FILE_PAGES.values(), ids=FILE_PAGES.keys())
def test_page_of_files(page: Page, filled: str, address: str) -> None:
    page.goto(address.format(filled))
    settled(page)
    check(page)


@pytest.mark.answers(404, 409)
@pytest.mark.parametrize("path", ["never", "in/er"])
def test_files_that_are_not_there(page: Page, filled: str, path: str) -> None:
    page.goto(f"{VOLUMES}/{filled}/files/{path}")
    check(page)


def test_selected_files_and_their_menu(page: Page, filled: str) -> None:
    page.goto(f"{VOLUMES}/{filled}/files")
    page.get_by_label("Select text.txt").check()
    page.get_by_label("Select binary").check()
    check(page)
    page.locator("tr[data-label='binary']").click(button="right")
    expect(page.get_by_role("menu")).to_be_visible()
    check(page)


def test_dialog_delete_files(page: Page, filled: str) -> None:
    page.goto(f"{VOLUMES}/{filled}/files")
    page.locator("tr[data-label='deep']").focus()
    page.keyboard.press("Delete")
    expect(page.get_by_role("dialog")).to_contain_text("5 entries in it")
    check(page)


@pytest.mark.answers(404)
def test_error_page(page: Page) -> None:
    page.goto("/there/is/no/such/page")
    check(page)


def test_inspector_beside_the_list(page: Page, furnished: str) -> None:
    page.goto(f"{VOLUMES}?q={furnished}&inspect={furnished}")
    expect(page.get_by_role("complementary", name="Inspector").get_by_role("heading", name=furnished)).to_be_visible()
    page.get_by_label(f"Select {furnished}", exact=True).check()
    check(page)


def test_dialog_new_volume_with_mistakes(page: Page, furnished: str) -> None:
    page.goto(VOLUMES)
    page.get_by_role("link", name="New volume").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("é")
    expect(dialog.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    dialog.get_by_role("button", name="Add").last.click()
    expect(dialog.get_by_label("Labels: key 2")).to_be_visible()
    check(page)


@pytest.mark.parametrize(
    "place", ["In a folder", "In memory", "NFS server", "Windows share", "Encrypted in the cloud", "Another driver"]
)
@pytest.mark.answers(422)
def test_dialog_new_volume_elsewhere(page: Page, place: str) -> None:
    page.goto(VOLUMES)
    page.get_by_role("link", name="New volume").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name=place).check()
    with page.expect_response(lambda answer: answer.url.endswith("/-/test")):
        dialog.get_by_role("button", name="Test first").click()
    more = dialog.get_by_text("More options")
    if (
        more.count()
        and not dialog.get_by_label("Owner", exact=True).or_(dialog.get_by_label("Port")).first.is_visible()
    ):
        more.click()
    check(page)


def test_dialog_delete_with_one_in_use(page: Page, furnished: str) -> None:
    page.goto(f"{VOLUMES}?q={furnished}")
    page.get_by_label("Select all shown").check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"{furnished}-user")
    check(page)


def test_dialog_remove_container(page: Page, furnished: str) -> None:
    page.goto(f"{CONTAINERS}?q={furnished}")
    row(page, f"{furnished}-user").focus()
    page.keyboard.press("Delete")
    expect(page.get_by_role("dialog")).to_contain_text("anonymous volume")
    check(page)


def test_row_menu(page: Page, furnished: str) -> None:
    page.goto(f"{VOLUMES}?q={furnished}")
    row(page, furnished).click(button="right")
    expect(page.get_by_role("menu")).to_be_visible()
    check(page)


def test_wizard_with_advice(page: Page, furnished: str) -> None:
    page.goto(WIZARD)
    paste(page, f"docker run -p 80:80 -e A=b -v {furnished}:/data -v relative:/other -v /etc:/host debian")
    expect(mount_row(page, 3).get_by_role("alert")).to_contain_text("“/etc”")
    check(page)


@pytest.mark.answers(422)
def test_wizard_with_mistakes(page: Page, furnished: str) -> None:
    page.goto(WIZARD)
    page.get_by_label("Name", exact=True).fill("é")
    mount_row(page, 1).get_by_label("In the container at").fill("data")
    page.get_by_role("button", name="Launch").last.click()
    expect(page.get_by_text("Nothing was launched.")).to_be_visible()
    check(page)


def test_dialog_folders(page: Page, program: Program) -> None:
    page.goto(WIZARD)
    mount_row(page, 1).get_by_label("Type").select_option("Bind mount")
    mount_row(page, 1).get_by_role("link", name="Choose a folder").click()
    expect(page.get_by_role("dialog")).to_contain_text(str(program.start_folder))
    check(page)


def test_dialog_pull(page: Page) -> None:
    page.goto(IMAGES)
    page.get_by_role("link", name="Pull an image").click()
    expect(page.get_by_role("dialog")).to_contain_text("docker pull")
    check(page)


def test_job_and_the_list_of_jobs(page: Page, prefix: str) -> None:
    page.goto(f"{IMAGES}/-/pull?image=127.0.0.1:9/{prefix}")
    page.get_by_role("button", name="Pull", exact=True).click()
    expect(page.get_by_role("article").get_by_text("failed", exact=True)).to_be_visible()
    check(page)
    page.goto("/jobs")
    check(page)


def test_mount_explained(page: Page) -> None:
    page.goto("/e/default/mounts")
    page.get_by_role("textbox", name="A mount").fill("my_folder:/data")
    expect(page.get_by_text("It does not use the folder")).to_be_visible()
    check(page)


@pytest.mark.parametrize(("key", "name"), [("Control+k", "Command palette"), ("?", "Keys")])
def test_dialogs_of_keys(page: Page, key: str, name: str) -> None:
    page.goto(VOLUMES)
    page.keyboard.press(key)
    expect(page.get_by_role("dialog", name=name)).to_be_visible()
    check(page)


def test_help_beside_a_term(page: Page) -> None:
    page.goto(VOLUMES)
    page.get_by_label(re.compile("What is this: volume")).first.click()
    expect(page.get_by_text("A folder that Docker keeps outside of containers")).to_be_visible()
    check(page)


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[Program]:
    """The program with an engine that is not there."""
    program = Program(tmp_path / "lost", "unix:///nonexistent/docker.sock")
    try:
        yield program
    finally:
        assert program.stop() == 0


@pytest.mark.answers(502, 503)
def test_engine_unreachable(page: Page, lost: Program) -> None:
    page.goto(lost.address)
    expect(page.get_by_role("link", name="Try again")).to_be_visible()
    check(page)
    page.goto(f"{lost.origin}/engines")
    check(page)


def test_no_volumes_yet(page: Page, own_program: Program) -> None:
    for address in (own_program.address, own_program.origin + CONTAINERS, own_program.origin + IMAGES):
        page.goto(address)
        expect(page.get_by_role("heading", name=re.compile("yet$"))).to_be_visible()
        check(page)
