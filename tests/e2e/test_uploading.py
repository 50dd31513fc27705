"""Files in and out with the mouse and the keys: dropped, chosen, asked about, given up; archives out and in."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import docker.errors
import pytest
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, Route, expect

from tests.e2e.program import Program
from tests.e2e.steps import VOLUMES, settled
from tests.e2e.test_accessibility import check
from tests.engine.looking_inside import helpers
from tests.waiting import wait_until
from webui.engine.connection import Engine
from webui.engine.tools_image import NAME

MIB = 1024 * 1024


@pytest.fixture
def volume(engine: Engine, docker: Callable[..., str], small_image: str, prefix: str) -> Iterator[str]:
    """An empty volume, and an image to look into it with."""
    docker("tag", small_image, NAME)
    docker("volume", "create", prefix)
    yield prefix
    wait_until(lambda: is_removed(engine, prefix))


def is_removed(engine: Engine, volume: str) -> bool:
    """Remove a volume with the helpers that look into it; a page that is still open may have a new one started."""
    with suppress(docker.errors.APIError):
        for helper in helpers(engine, volume):
            engine.api.remove_container(helper["Id"], force=True)
        engine.api.remove_volume(volume)
        return True
    return False


@pytest.fixture
def top(engine: Engine, volume: str) -> Path:
    """The volume's folder on the engine's machine, where the tests are too."""
    return Path(engine.api.inspect_volume(volume)["Mountpoint"])


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder of the person's own: files, folders in folders, one with nothing in it, one with very many."""
    for path, content in {"album/a.txt": b"a", "album/b/c.bin": os.urandom(70_000), "album/é ü.txt": b"u"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / "album" / "empty").mkdir()
    (tmp_path / "album" / "many").mkdir()
    for number in range(120):
        (tmp_path / "album" / "many" / f"{number:03}").write_bytes(b"%d" % number)
    (tmp_path / "note.txt").write_bytes(b"a note")
    return tmp_path


def show(page: Page, volume: str, path: str = "") -> None:
    """Go to a folder of the volume, and wait until it is listed."""
    page.goto(f"{VOLUMES}/{volume}/files{path}")
    expect(page.locator("#folder")).to_be_visible()
    settled(page)


def entry(page: Page, shown: str) -> Locator:
    """The line about what is shown under that name."""
    return page.locator("tr[data-row]").filter(has=page.get_by_label(f"Select {shown}", exact=True))


def panel(page: Page) -> Locator:
    """Where uploads are shown."""
    return page.get_by_role("region", name="Uploads")


def question(page: Page) -> Locator:
    """The question about a name that is taken."""
    return page.get_by_role("dialog", name="This name is taken")


def upload(page: Page, *files: Path | FilePayload, label: str = "Files") -> None:
    """Choose files in the dialog, and upload them."""
    page.get_by_role("link", name="Upload").first.click()
    dialog = page.get_by_role("dialog", name="Upload")
    dialog.get_by_label(label).set_input_files(list(files))  # type: ignore[arg-type]
    dialog.get_by_role("button", name="Upload").click()


def named(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def drop(page: Page, *paths: Path, on: Locator | None = None) -> None:
    """Drop files and folders of this machine on the list, or a part of it, as the system's file manager would."""
    zone = on or page.locator("#folder")
    box = zone.bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
        if kind == "dragOver":
            expect(zone).to_have_attribute("data-dropping", "")
    session.detach()


def tree(folder: Path) -> dict[str, bytes | None]:
    """What is in a folder: files with their bytes, folders without."""
    return {
        str(each.relative_to(folder)): each.read_bytes() if each.is_file() else None
        for each in folder.rglob("*")
        if not each.name.startswith(".demijohn")
    }


def test_files_are_chosen_and_uploaded(page: Page, volume: str, top: Path, desk: Path) -> None:
    show(page, volume)
    upload(page, desk / "note.txt", desk / "album" / "é ü.txt")
    expect(panel(page).get_by_role("status")).to_have_text("2 files uploaded")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(entry(page, "note.txt")).to_be_visible()
    expect(entry(page, "é ü.txt")).to_be_visible()
    assert tree(top) == {"note.txt": b"a note", "é ü.txt": b"u"}
    panel(page).get_by_role("button", name="Close").click()
    expect(panel(page)).to_have_count(0)


def test_what_is_dropped_on_a_folder_goes_into_it(page: Page, volume: str, top: Path, desk: Path) -> None:
    (top / "into").mkdir()
    show(page, volume)
    drop(page, desk / "note.txt", on=entry(page, "into"))
    expect(panel(page).get_by_role("status")).to_have_text("1 file uploaded")
    assert tree(top) == {"into": None, "into/note.txt": b"a note"}
    panel(page).get_by_role("button", name="Close").click()
    expect(page.locator("#folder")).to_be_focused()


@pytest.mark.answers(404)
def test_what_is_given_up_while_its_name_is_asked_about_is_not_sent(
    page: Page, volume: str, top: Path, desk: Path
) -> None:
    asked: list[Route] = []
    page.route(
        "**/files/large", lambda route: asked.append(route) if route.request.method == "HEAD" else route.fallback()
    )
    (desk / "large").write_bytes(bytes(2 * MIB))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    show(page, volume)
    upload(page, desk / "large")
    panel(page).get_by_role("button", name="Cancel large").click()
    expect(panel(page).get_by_role("status")).to_have_text("0 files uploaded, 1 cancelled")
    asked[0].fulfill(status=404)
    upload(page, desk / "note.txt")
    expect(entry(page, "note.txt")).to_be_visible()
    assert sent.count("PUT") == 1
    assert tree(top) == {"note.txt": b"a note"}


def test_a_folder_is_chosen_and_uploaded(page: Page, volume: str, top: Path, desk: Path) -> None:
    (top / "into").mkdir()
    show(page, volume, "/into")
    upload(page, desk / "album", label="A whole folder")
    expect(panel(page).get_by_role("status")).to_have_text("123 files uploaded", timeout=60_000)
    expect(entry(page, "album")).to_be_visible()
    expected = tree(desk / "album")
    del expected["empty"]  # a browser's chooser of folders brings files alone
    assert tree(top / "into" / "album") == expected


def test_files_and_folders_are_dropped(page: Page, volume: str, top: Path, desk: Path) -> None:
    show(page, volume)
    drop(page, desk / "album", desk / "note.txt")
    expect(panel(page).get_by_role("status")).to_have_text("124 files uploaded", timeout=60_000)
    expect(entry(page, "album")).to_be_visible()
    expect(entry(page, "note.txt")).to_be_visible()
    wait_until((top / "album" / "empty").is_dir)
    assert tree(top) == tree(desk)


def test_what_is_dropped_beside_the_list_does_not_leave_the_page(page: Page, volume: str, desk: Path) -> None:
    show(page, volume)
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(desk / "note.txt")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 20, "y": 400, "data": data})
    expect(page.locator("#folder")).to_be_visible()
    expect(panel(page)).to_have_count(0)


@pytest.mark.answers(409)
def test_a_name_that_is_taken_is_asked_about(page: Page, volume: str, top: Path) -> None:
    for name in ("one.txt", "two.txt", "three.txt"):
        (top / name).write_bytes(b"old")
    show(page, volume)
    upload(page, *(named(f"{name}.txt", b"new") for name in ("one", "two", "three", "four")))
    choices = {"one.txt": "Replace", "two.txt": "Keep both", "three.txt": "Skip"}
    while choices:
        name = question(page).get_by_role("strong").inner_text()
        question(page).get_by_role("button", name=choices.pop(name)).click()
        expect(question(page).get_by_role("strong").filter(has_text=name)).to_have_count(0)
    expect(panel(page).get_by_role("status")).to_have_text("3 files uploaded, 1 skipped")
    assert tree(top) == {
        "one.txt": b"new",
        "two.txt": b"old",
        "two (2).txt": b"new",
        "three.txt": b"old",
        "four.txt": b"new",
    }


@pytest.mark.answers(409)
def test_the_same_is_done_for_all_others(page: Page, volume: str, top: Path) -> None:
    for number in range(8):
        (top / f"{number}").write_bytes(b"old")
    show(page, volume)
    upload(page, *(named(f"{number}", b"new") for number in range(8)))
    question(page).get_by_label("Do the same for all others").check()
    question(page).get_by_role("button", name="Replace").click()
    expect(panel(page).get_by_role("status")).to_have_text("8 files uploaded")
    expect(question(page)).to_have_count(0)
    assert set(tree(top).values()) == {b"new"}


@pytest.mark.answers(409)
def test_a_question_is_answered_by_key(page: Page, volume: str, top: Path) -> None:
    (top / "f").write_bytes(b"old")
    (top / "g").write_bytes(b"old")
    show(page, volume)
    upload(page, named("f", b"new"))
    expect(question(page).get_by_role("button", name="Keep both")).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel(page).get_by_role("status")).to_have_text("1 file uploaded")
    upload(page, named("g", b"new"))
    expect(question(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel(page).get_by_role("status")).to_have_text("1 file uploaded, 1 cancelled")
    assert tree(top) == {"f": b"old", "f (2)": b"new", "g": b"old"}


@pytest.mark.answers(409)
def test_what_went_wrong_stays_and_is_tried_again(page: Page, volume: str, top: Path) -> None:
    (top / "f").mkdir()
    show(page, volume)
    upload(page, named("f", b"new"))
    question(page).get_by_role("button", name="Replace").click()
    expect(panel(page).get_by_role("alert")).to_contain_text("is a folder")
    expect(panel(page).get_by_role("status")).to_have_text("0 files uploaded, 1 failed")
    (top / "f").rmdir()
    panel(page).get_by_role("button", name="Try again: f").click()
    expect(panel(page).get_by_role("status")).to_have_text("1 file uploaded")
    assert tree(top) == {"f": b"new"}


@pytest.mark.answers(404)
def test_one_is_cancelled_and_tried_again(page: Page, volume: str, top: Path, desk: Path) -> None:
    content = os.urandom(20 * MIB)
    (desk / "large").write_bytes(content)
    show(page, volume)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": MIB}
    session.send("Network.emulateNetworkConditions", slow)
    upload(page, desk / "large")
    expect(panel(page)).to_contain_text("of 20.0 MiB")
    expect(panel(page).get_by_role("progressbar", name="large")).to_be_visible()
    leaving = "const e = new Event('beforeunload', {cancelable: true}); window.dispatchEvent(e); e.defaultPrevented"
    assert page.evaluate(leaving)
    wait_until(lambda: any("demijohn" in each.name for each in top.iterdir()), seconds=30)
    panel(page).get_by_role("button", name="Cancel large").click()
    expect(panel(page).get_by_role("status")).to_have_text("0 files uploaded, 1 cancelled")
    wait_until(lambda: list(top.iterdir()) == [], seconds=30)
    assert not page.evaluate(leaving)
    session.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    panel(page).get_by_role("button", name="Try again: large").click()
    expect(panel(page).get_by_role("status")).to_have_text("1 file uploaded")
    assert hashlib.sha256((top / "large").read_bytes()).digest() == hashlib.sha256(content).digest()


@pytest.mark.answers(404)
def test_all_are_cancelled(page: Page, volume: str, top: Path, desk: Path) -> None:
    (desk / "large").mkdir()
    for number in range(6):
        (desk / "large" / f"{number}").write_bytes(bytes(5 * MIB))
    show(page, volume)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": MIB}
    session.send("Network.emulateNetworkConditions", slow)
    drop(page, desk / "large")
    expect(panel(page).get_by_role("progressbar", name="large/0")).to_be_visible()
    panel(page).get_by_role("button", name="Cancel all").click()
    expect(panel(page).get_by_role("status")).to_contain_text("cancelled")
    expect(panel(page).get_by_role("button", name="Close")).to_be_visible()
    wait_until(lambda: tree(top) == {}, seconds=30)


def test_a_download_is_what_is_in_the_file(page: Page, volume: str, top: Path, tmp_path: Path) -> None:
    content = os.urandom(3 * MIB)
    (top / "data.bin").write_bytes(content)
    (top / "page.html").write_bytes(b"<script>document.title = 'run'</script>")
    show(page, volume)
    for name, expected in {"data.bin": content, "page.html": b"<script>document.title = 'run'</script>"}.items():
        entry(page, name).click(button="right")
        with page.expect_download() as download:
            page.get_by_role("menuitem", name="Download").click()
        assert download.value.suggested_filename == name
        assert Path(download.value.path()).read_bytes() == expected
    expect(page).not_to_have_title("run")


def test_a_selection_is_downloaded_as_an_archive(page: Page, volume: str, top: Path) -> None:
    for path, content in {"a/one": b"1", "two": b"22", "three": b"333"}.items():
        (top / path).parent.mkdir(exist_ok=True)
        (top / path).write_bytes(content)
    os.mkfifo(top / "a" / "pipe")
    show(page, volume)
    page.get_by_label("Select a", exact=True).check()
    page.get_by_label("Select two", exact=True).check()
    page.locator("#selection").get_by_role("button", name="Download").click()
    dialog = page.get_by_role("dialog", name="Download as an archive")
    expect(dialog).to_contain_text("4 entries,")
    expect(dialog).to_contain_text("1 FIFO")
    dialog.get_by_role("radio", name="zip", exact=True).check()
    check(page)
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == f"{volume}.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")} == {
            "a/one": b"1",
            "two": b"22",
        }
    expect(dialog).to_have_count(0)


def archive_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.answers(409, 422)
def test_an_archive_is_imported(page: Page, volume: str, top: Path, tmp_path: Path) -> None:
    (top / "there").mkdir()
    (top / "there" / "taken").write_bytes(b"old")
    (tmp_path / "a.tar.gz").write_bytes(archive_of({"taken": b"new", "<b>fresh": b"new"}))
    (tmp_path / "a.rar").write_bytes(b"Rar!\x1a\x07\x01\0" + bytes(50 * MIB))
    show(page, volume, "/there")
    page.get_by_role("link", name="Import").first.click()
    dialog = page.get_by_role("dialog", name="Import an archive")
    dialog.get_by_label("Archive", exact=True).set_input_files(tmp_path / "a.rar")
    dialog.get_by_role("button", name="Import").click()
    expect(dialog.get_by_role("alert")).to_contain_text("RAR")
    dialog.get_by_label("Archive", exact=True).set_input_files(tmp_path / "a.tar.gz")
    dialog.get_by_role("button", name="Import").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Nothing was imported")
    expect(dialog.get_by_role("list", name="Names that are taken")).to_have_text("taken")
    check(page)
    assert tree(top / "there") == {"taken": b"old"}
    dialog.get_by_role("radio", name="Replace what is there").check()
    dialog.get_by_role("button", name="Import").click()
    expect(dialog.get_by_role("status").filter(has_text="Imported")).to_contain_text("2 files")
    check(page)
    dialog.get_by_role("link", name="Close").last.click()
    expect(entry(page, "<b>fresh")).to_be_visible()
    assert tree(top / "there") == {"taken": b"new", "<b>fresh": b"new"}


def test_the_dialog_for_uploads_and_the_panel_are_for_everybody(page: Page, volume: str, desk: Path) -> None:
    show(page, volume)
    page.get_by_role("link", name="Upload").first.click()
    expect(page.get_by_role("dialog", name="Upload")).to_be_visible()
    check(page)
    page.keyboard.press("Escape")
    upload(page, *(desk / "album" / "many" / f"{number:03}" for number in range(30)))
    expect(panel(page).get_by_role("status")).to_have_text("30 files uploaded")
    check(page)


@pytest.mark.answers(409)
def test_the_question_is_for_everybody(page: Page, volume: str, top: Path) -> None:
    (top / ("long name " * 20)).write_bytes(b"old")
    show(page, volume)
    upload(page, named("long name " * 20, b"new"))
    expect(question(page)).to_be_visible()
    check(page)


@pytest.fixture
def plain(new_context: Callable[..., BrowserContext], program: Program) -> Page:
    """A signed-in page that runs no scripts."""
    page = new_context(java_script_enabled=False).new_page()
    page.goto(program.address)
    return page


def test_all_of_it_works_without_scripts(plain: Page, volume: str, top: Path, desk: Path, tmp_path: Path) -> None:
    (top / "f").write_bytes(b"old")
    plain.goto(f"{VOLUMES}/{volume}/-/upload")
    plain.get_by_label("Where the name is taken").select_option("keep-both")
    plain.get_by_label("Files").set_input_files([named("f", b"new"), named("g", os.urandom(MIB))])
    plain.get_by_role("button", name="Upload").click()
    plain.wait_for_url(f"**{VOLUMES}/{volume}/files")
    assert sorted(tree(top)) == ["f", "f (2)", "g"]

    plain.goto(f"{VOLUMES}/{volume}/-/archive")
    plain.get_by_role("radio", name="tar.gz", exact=True).check()
    with plain.expect_download() as download:
        plain.get_by_role("button", name="Download").click()
    archive = Path(download.value.path()).read_bytes()

    (top / "f").unlink()
    (tmp_path / "back.tar.gz").write_bytes(archive)
    plain.goto(f"{VOLUMES}/{volume}/-/import")
    plain.get_by_role("radio", name="Leave what is there").check()
    plain.get_by_label("Archive", exact=True).set_input_files(tmp_path / "back.tar.gz")
    plain.get_by_role("button", name="Import").click()
    expect(plain.get_by_text("Imported:")).to_be_visible()
    assert (top / "f").read_bytes() == b"old"
