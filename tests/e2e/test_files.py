"""The files of a volume, as in a desktop file manager: by mouse, by key, and without scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.program import Program
from tests.e2e.steps import CONTAINERS, VOLUMES, settled
from tests.e2e.test_accessibility import check
from tests.engine.looking_inside import helpers
from webui.engine.connection import Engine
from webui.engine.tools_image import NAME

NASTY = {
    b"new\nline.txt": "new\\nline.txt",
    b"-rf": "-rf",
    b"a'b\"c": "a'b\"c",
    b"<img src=x onerror=alert(1)>": "<img src=x onerror=alert(1)>",
    "\u202egnp.exe".encode(): "\\u202egnp.exe",
    b"caf\xe9": "caf\\xe9",
    b"$(reboot)`id`": "$(reboot)`id`",
    b"%2F?a#b": "%2F?a#b",
}
"""Names that are more than letters, and how they are shown."""
MANY = 100_000
MOST_ROWS = 2_000


@pytest.fixture
def volume(engine: Engine, docker: Callable[..., str], small_image: str, prefix: str) -> Iterator[str]:
    """An empty volume, and an image to look into it with."""
    docker("tag", small_image, NAME)
    docker("volume", "create", prefix)
    yield prefix
    for helper in helpers(engine, prefix):
        engine.api.remove_container(helper["Id"], force=True)


@pytest.fixture
def top(engine: Engine, volume: str) -> Path:
    """The volume's folder on the engine's machine, where the tests are too."""
    return Path(engine.api.inspect_volume(volume)["Mountpoint"])


@pytest.fixture
def shop(top: Path) -> Path:
    """The volume with some folders and files in it."""
    (top / "assets" / "img").mkdir(parents=True)
    (top / "assets" / "img" / "logo.txt").write_text("a logo\n")
    (top / "backups").mkdir()
    for name in ("alpha.txt", "beta.txt", "gamma.conf", ".hidden"):
        (top / name).write_text(f"This is {name}.\n")
    return top


@pytest.fixture
def nasty(top: Path) -> Path:
    """The volume's folder with the nasty names in it."""
    for name in NASTY:
        (top / os.fsdecode(name)).write_bytes(b"content of " + name)
    return top


def held(folder: Path) -> list[str]:
    """The names in a folder of the engine's machine, but for what is Demijohn's own."""
    return sorted(each.name for each in folder.iterdir() if not each.name.startswith(".demijohn-"))


def show(page: Page, volume: str, path: str = "") -> None:
    """Go to a folder of the volume, and wait until it is listed."""
    page.goto(f"{VOLUMES}/{volume}/files{path}")
    expect(page.locator("#folder")).to_be_visible()
    settled(page)


def entry(page: Page, shown: str) -> Locator:
    """The line about what is shown under that name."""
    return page.locator("tr[data-row]").filter(has=page.get_by_label(f"Select {shown}", exact=True))


def names(page: Page) -> list[str]:
    """The names that are listed, in their order."""
    return page.locator("tr[data-row]").evaluate_all("rows => rows.map((row) => row.dataset.label)")


def dialog(page: Page) -> Locator:
    """The dialog that is open."""
    return page.locator("dialog[open]")


def choose(page: Page, shown: str, item: str) -> None:
    """An item of the menu of an entry."""
    entry(page, shown).click(button="right")
    page.get_by_role("menuitem", name=item).click()


def pane(page: Page) -> Locator:
    """What is shown beside the list."""
    return page.get_by_role("complementary", name="Preview")


def test_one_walks_in_by_key_and_comes_back(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    assert names(page) == ["assets", "backups", "alpha.txt", "beta.txt", "gamma.conf"]
    page.keyboard.press("ArrowDown")
    expect(entry(page, "assets")).to_be_focused()
    page.keyboard.press("Enter")
    expect(entry(page, "img")).to_be_focused()
    page.wait_for_url(re.compile(f"{volume}/files/assets$"))
    expect(page).to_have_title(re.compile("^assets"))
    page.keyboard.press("Enter")
    expect(entry(page, "logo.txt")).to_be_focused()
    page.keyboard.press("Enter")
    expect(pane(page)).to_contain_text("a logo")
    page.keyboard.press("Escape")
    expect(pane(page)).to_be_hidden()
    page.keyboard.press("Backspace")
    expect(entry(page, "img")).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(entry(page, "assets")).to_be_focused()
    page.go_back()
    page.wait_for_url(re.compile(f"{volume}/files/assets$"))
    expect(entry(page, "img")).to_be_visible()


def test_a_double_click_goes_in_and_the_trail_leads_back(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    entry(page, "assets").get_by_role("cell").nth(4).dblclick()
    entry(page, "img").get_by_role("link").click()
    trail = page.get_by_role("navigation", name="Path")
    expect(trail).to_contain_text(re.compile(f"{volume}.*assets.*img", re.DOTALL))
    trail.get_by_role("link", name="assets").click()
    page.wait_for_url(re.compile("/files/assets$"))
    expect(entry(page, "img")).to_be_visible()
    trail.get_by_role("link", name=volume).click()
    expect(entry(page, "alpha.txt")).to_be_visible()


def test_a_click_shows_a_file_beside_the_list_and_a_reload_again(page: Page, volume: str, shop: Path) -> None:
    (shop / "crlf.txt").write_bytes("Größe\r\n\u202e\r\n".encode())
    show(page, volume)
    entry(page, "crlf.txt").get_by_role("cell").nth(3).click()
    expect(pane(page)).to_contain_text("utf-8, lines end with CRLF")
    expect(pane(page)).to_contain_text("U+202E")
    expect(pane(page)).to_contain_text("rw-r--r-- 0644")
    page.reload()
    expect(pane(page)).to_contain_text("utf-8, lines end with CRLF")
    page.keyboard.press("Escape")
    entry(page, "assets").get_by_role("cell").nth(3).click()
    pane(page).get_by_role("link", name="Count").click()
    expect(pane(page)).to_contain_text("2 entries in it")


def test_f2_renames_and_enter_does_it(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    entry(page, "alpha.txt").focus()
    page.keyboard.press("F2")
    expect(dialog(page).get_by_label("New name")).to_be_focused()
    page.keyboard.type("omega")  # the stem is selected, how it ends stays
    expect(dialog(page)).to_contain_text("mv -n /volume/alpha.txt /volume/omega.txt")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_count(0)
    expect(entry(page, "omega.txt")).to_be_visible()
    expect(entry(page, "alpha.txt")).to_have_count(0)
    assert (shop / "omega.txt").read_text() == "This is alpha.txt.\n"


@pytest.mark.answers(409, 422)
def test_a_name_that_is_taken_or_none_is_refused_in_the_dialog(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    choose(page, "alpha.txt", "Rename…")
    field = dialog(page).get_by_label("New name")
    field.fill("beta.txt")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("“beta.txt” exists already.")
    expect(field).to_have_value("beta.txt")
    assert (shop / "beta.txt").read_text() == "This is beta.txt.\n"
    field.fill("a/b")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("without a slash")
    field.fill("beta.txt")
    dialog(page).get_by_label("Where the name is taken").select_option("keep-both")
    dialog(page).get_by_role("button", name="Rename").click()
    expect(entry(page, "beta (2).txt")).to_be_visible()


def test_a_folder_and_a_file_are_made(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    page.keyboard.press("n")
    expect(dialog(page).get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("made here")
    expect(dialog(page)).to_contain_text("mkdir '/volume/made here'")
    page.keyboard.press("Enter")
    expect(entry(page, "made here")).to_be_visible()
    assert (shop / "made here").is_dir()
    page.get_by_role("link", name="New file").click()
    dialog(page).get_by_label("Name", exact=True).fill("empty.txt")
    dialog(page).get_by_role("button", name="Make file").click()
    expect(entry(page, "empty.txt")).to_contain_text("0 Bytes")
    assert (shop / "empty.txt").read_bytes() == b""


def test_many_are_selected_counted_and_deleted(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    entry(page, "assets").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.get_by_text("3 selected, 19 Bytes, 2 folders not counted")).to_be_visible()
    page.keyboard.press("Delete")
    expect(dialog(page)).to_contain_text("2 entries in 2 folders")
    expect(dialog(page)).to_contain_text(f"These 3 entries in volume {volume}")
    expect(dialog(page).get_by_role("button", name="Delete 3 entries")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.keyboard.press("Delete")
    dialog(page).get_by_role("button", name="Delete 3 entries").click()
    expect(entry(page, "assets")).to_have_count(0)
    assert names(page) == ["beta.txt", "gamma.conf"]
    assert held(shop) == [".hidden", "beta.txt", "gamma.conf"]
    expect(page.get_by_text("3 selected")).to_be_hidden()


def selected(page: Page) -> list[str]:
    """The names that are selected."""
    return page.locator("tr[data-selected]").evaluate_all("rows => rows.map((row) => row.dataset.label)")


def test_a_range_grows_shrinks_and_starts_over(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    entry(page, "backups").get_by_role("cell").nth(3).click()
    entry(page, "beta.txt").get_by_role("cell").nth(3).click(modifiers=["Shift"])
    expect(page.get_by_text("3 selected")).to_be_visible()
    assert selected(page) == ["backups", "alpha.txt", "beta.txt"]
    entry(page, "alpha.txt").get_by_role("cell").nth(3).click(modifiers=["Shift"])
    expect(page.get_by_text("2 selected")).to_be_visible()
    entry(page, "assets").get_by_role("cell").nth(3).click(modifiers=["Shift"])
    expect(entry(page, "alpha.txt")).not_to_have_attribute("data-selected", "")
    assert selected(page) == ["assets", "backups"]
    entry(page, "gamma.conf").get_by_role("cell").nth(3).click()
    expect(page.get_by_text("2 selected")).to_be_hidden()
    for key, number in (("Shift+ArrowUp", 2), ("Shift+ArrowUp", 3), ("Shift+ArrowDown", 2)):
        page.keyboard.press(key)
        expect(page.get_by_text(f"{number} selected")).to_be_visible()
    assert selected(page) == ["beta.txt", "gamma.conf"]
    page.keyboard.press("ArrowUp")
    expect(page.get_by_text("2 selected")).to_be_hidden()


def test_what_a_search_hides_is_not_selected_any_more(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    page.get_by_label("Select alpha.txt").check()
    page.get_by_label("Select beta.txt").check()
    page.get_by_role("searchbox").fill("bet")
    expect(page.get_by_text("1 of 6 match")).to_be_visible()
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(page.get_by_label("Select everything that is shown")).to_be_checked()
    entry(page, "beta.txt").focus()
    page.keyboard.press("Delete")
    dialog(page).get_by_role("button", name="Delete file").click()
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    assert held(shop) == [".hidden", "alpha.txt", "assets", "backups", "gamma.conf"]


@pytest.mark.answers(409)
def test_what_changed_meanwhile_is_not_deleted(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    choose(page, "alpha.txt", "Delete…")
    expect(dialog(page)).to_contain_text("This file in volume")
    (shop / "alpha.txt").write_text("somebody else was here")
    dialog(page).get_by_role("button", name="Delete file").click()
    expect(dialog(page)).to_contain_text("was changed by somebody else meanwhile")
    assert (shop / "alpha.txt").read_text() == "somebody else was here"


def test_hidden_entries_are_shown_on_demand_and_stay_shown_on_the_way(page: Page, volume: str, shop: Path) -> None:
    (shop / "assets" / ".secret").write_text("")
    show(page, volume)
    expect(page.get_by_text("5 entries, 1 hidden")).to_be_visible()
    page.get_by_label("Hidden").check()
    expect(entry(page, ".hidden")).to_be_visible()
    entry(page, "assets").get_by_role("link").click()
    expect(entry(page, ".secret")).to_be_visible()
    expect(page.get_by_label("Hidden")).to_be_checked()
    page.get_by_label("Hidden").uncheck()
    expect(entry(page, ".secret")).to_have_count(0)


def test_one_finds_by_typing_and_sorts_by_a_column(page: Page, volume: str, shop: Path) -> None:
    (shop / "gamma.conf").write_text("x" * 5000)
    show(page, volume)
    page.keyboard.press("/")
    page.keyboard.type("TA")
    expect(page.get_by_text("1 of 6 match")).to_be_visible()
    assert names(page) == ["beta.txt"]
    page.wait_for_url(re.compile("q=TA"))
    page.keyboard.type("zz")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(entry(page, "gamma.conf")).to_be_visible()
    for order in ("size", "-size"):
        page.get_by_role("columnheader", name="Size").get_by_role("link").click()
        page.wait_for_url(re.compile(f"sort={order}"))
    expect(page.locator("tr[data-row]").nth(2)).to_have_attribute("data-label", "gamma.conf")
    assert sorted(names(page)[:2]) == ["assets", "backups"]  # folders come first whatever the order


def test_typing_letters_jumps(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    page.keyboard.press("ArrowDown")
    page.keyboard.type("gam")
    expect(entry(page, "gamma.conf")).to_be_focused()
    page.keyboard.type("qq")
    expect(page.get_by_text("Press / to search the whole folder")).to_be_visible()


def test_entries_are_held_and_pasted_elsewhere(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    entry(page, "beta.txt").focus()
    page.keyboard.press("Control+x")
    expect(page.get_by_text("One entry is held to be moved")).to_be_visible()
    entry(page, "backups").get_by_role("link").click()
    expect(page.get_by_text("This folder is empty")).to_be_visible()
    page.keyboard.press("Control+v")
    expect(dialog(page).get_by_role("button", name="Move here")).to_be_focused()
    page.keyboard.press("Enter")
    expect(entry(page, "beta.txt")).to_be_visible()
    assert (shop / "backups" / "beta.txt").exists()
    assert not (shop / "beta.txt").exists()
    expect(page.get_by_role("button", name="Paste")).to_be_hidden()
    entry(page, "beta.txt").focus()
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    expect(dialog(page).get_by_label("Where the name is taken")).to_have_value("keep-both")
    dialog(page).get_by_role("button", name="Copy here").click()
    expect(entry(page, "beta (2).txt")).to_be_visible()
    expect(page.get_by_text("backups/beta (2).txt was copied.")).to_be_visible()


def test_menus_cut_and_paste_and_make(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    choose(page, "beta.txt", "Cut")
    expect(entry(page, "beta.txt")).to_have_attribute("data-cut", "")
    entry(page, "backups").get_by_role("link").click()
    page.get_by_text("This folder is empty").click(button="right")
    page.get_by_role("menuitem", name="Paste").click()
    expect(dialog(page).get_by_role("button", name="Move here")).to_be_focused()
    page.keyboard.press("Enter")
    expect(entry(page, "beta.txt")).to_be_visible()
    expect(entry(page, "beta.txt")).not_to_have_attribute("data-cut", "")
    page.get_by_role("region", name="Entries of").click(button="right", position={"x": 200, "y": 300})
    page.get_by_role("menuitem", name="New folder").click()
    expect(dialog(page).get_by_role("heading", name="New folder")).to_be_visible()


def test_a_copy_that_fails_says_so(page: Page, volume: str, shop: Path) -> None:
    page.route(
        "**/jobs/*", lambda route: route.fulfill(json={"kind": "copy", "state": "failed", "error": "The disk is full."})
    )
    show(page, volume)
    choose(page, "beta.txt", "Copy to…")
    expect(dialog(page).get_by_label("Where the name is taken")).to_have_value("keep-both")
    dialog(page).get_by_role("button", name="Copy here").click()
    expect(page.get_by_role("alert")).to_contain_text("Copying failed. The disk is full.")


def test_the_focus_goes_to_what_was_made_and_is_never_lost(page: Page, volume: str, shop: Path) -> None:
    for number in range(400):
        (shop / f"file-{number:03}").touch()
    show(page, volume)
    page.get_by_role("link", name="New file").click()
    dialog(page).get_by_label("Name", exact=True).fill("file-399b")
    page.keyboard.press("Enter")
    expect(entry(page, "file-399b")).to_be_focused()
    expect(entry(page, "file-399b")).to_be_in_viewport()
    page.get_by_role("link", name="New file").click()
    dialog(page).get_by_label("Name", exact=True).fill(".made")
    page.keyboard.press("Enter")
    expect(page.get_by_text("tick Hidden to see it")).to_be_visible()
    page.get_by_label("Select file-399b").check()
    page.get_by_role("button", name="Delete…").click()
    dialog(page).get_by_role("button", name="Delete file").click()
    expect(entry(page, "file-399b")).to_have_count(0)
    expect(page.locator("tr[data-row]:focus")).to_have_count(1)


def crowded(page: Page) -> list[str]:
    """The buttons of the bar about the selection that lie upon one another or reach out of the folder."""
    return page.evaluate("""() => {
        const end = document.getElementById("folder").getBoundingClientRect().right;
        const parts = [...document.querySelectorAll("#selection > *")].filter((each) => each.offsetWidth);
        const box = (each) => each.getBoundingClientRect();
        const meets = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
        return parts.filter((each, place) => box(each).right > end + 1 || each.scrollWidth > each.clientWidth + 1
            || parts.slice(place + 1).some((other) => meets(box(each), box(other)))).map((each) => each.textContent.trim());
    }""")


@pytest.mark.parametrize("width", [390, 700, 1000, 1280, 1440])
def test_what_is_about_the_selection_has_room(page: Page, volume: str, shop: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    show(page, volume)
    page.get_by_label("Select everything that is shown").check()
    expect(page.get_by_text("5 selected, ")).to_be_visible()
    assert crowded(page) == []
    if width > 900:
        entry(page, "gamma.conf").get_by_role("link").focus()
        page.keyboard.press("Enter")
        expect(pane(page)).to_contain_text("This is gamma.conf.")
        assert crowded(page) == []
    page.get_by_role("link", name="Size").click()
    page.wait_for_url(re.compile("sort=size"))


def test_the_dialogs_about_files_are_for_everybody(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    for item in ("Permissions…", "Move to…", "Rename…"):
        choose(page, "alpha.txt", item)
        expect(dialog(page).locator("form")).to_be_visible()
        check(page)
        page.keyboard.press("Escape")


def test_one_walks_to_where_something_is_moved(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    page.get_by_label("Select alpha.txt").check()
    page.get_by_label("Select beta.txt").check()
    page.get_by_role("button", name="Move to…").click()
    dialog(page).get_by_role("button", name="assets").click()
    dialog(page).get_by_role("button", name="img").click()
    expect(dialog(page)).to_contain_text("mv -n /volume/alpha.txt /volume/assets/img/alpha.txt")
    expect(dialog(page)).to_contain_text("No folders in here.")
    dialog(page).get_by_role("button", name="Move here").click()
    expect(entry(page, "alpha.txt")).to_have_count(0)
    assert held(shop / "assets" / "img") == ["alpha.txt", "beta.txt", "logo.txt"]


def test_permissions_are_set_for_all_that_is_in_a_folder(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    choose(page, "assets", "Permissions…")
    form = dialog(page)
    expect(form.get_by_label("Owner: read")).to_be_checked()
    expect(form.get_by_label("Group: write")).not_to_be_checked()
    form.get_by_label("Group: write").check()
    expect(form.get_by_label("Mode", exact=True)).to_have_value("0775")
    form.get_by_label("Mode", exact=True).fill("u=rwX,go=")
    form.get_by_label("User number").fill("1234")
    form.get_by_label("And of all that is in it").check()
    expect(form).to_contain_text("chmod -R u=rwX,go= /volume/assets")
    form.get_by_role("button", name="Change").click()
    expect(dialog(page)).to_have_count(0)
    expect(entry(page, "assets")).to_contain_text("rwx------")
    expect(entry(page, "assets")).to_contain_text("1234:0")
    logo = (shop / "assets" / "img" / "logo.txt").stat()
    assert (logo.st_mode & 0o7777, logo.st_uid, logo.st_gid) == (0o600, 1234, 0)
    assert (shop / "assets" / "img").stat().st_mode & 0o7777 == 0o700


@pytest.mark.answers(422)
def test_a_mode_that_is_none_is_refused_with_what_was_typed(page: Page, volume: str, shop: Path) -> None:
    show(page, volume)
    choose(page, "alpha.txt", "Permissions…")
    dialog(page).get_by_label("Mode", exact=True).fill("999")
    dialog(page).get_by_role("button", name="Change").click()
    expect(dialog(page)).to_contain_text("Give the mode as octal digits")
    expect(dialog(page).get_by_label("Mode", exact=True)).to_have_value("999")
    assert (shop / "alpha.txt").stat().st_mode & 0o777 == 0o644


def test_nasty_names_are_text_and_every_one_is_shown(page: Page, volume: str, nasty: Path) -> None:
    show(page, volume)
    assert sorted(names(page)) == sorted(NASTY.values())
    expect(page.locator("img[src='x']")).to_have_count(0)
    for raw, shown in NASTY.items():
        entry(page, shown).get_by_role("link").click()
        expect(pane(page).get_by_role("heading", name=shown)).to_be_visible()
        expect(pane(page)).to_contain_text(f"{len(raw) + 11} Bytes")
    expect(page.locator("img[src='x']")).to_have_count(0)


def test_nasty_names_are_downloaded_renamed_and_deleted(page: Page, volume: str, nasty: Path) -> None:
    show(page, volume)
    for number, (raw, shown) in enumerate(NASTY.items()):
        entry(page, shown).click(button="right")
        with page.expect_download() as downloading:
            page.get_by_role("menuitem", name="Download").click()
        assert downloading.value.path().read_bytes() == b"content of " + raw
        choose(page, shown, "Rename…")
        dialog(page).get_by_label("New name").fill(f"plain {number}")
        page.keyboard.press("Enter")
        expect(entry(page, f"plain {number}")).to_be_visible()
    assert held(nasty) == [f"plain {number}" for number in range(len(NASTY))]
    for number, raw in enumerate(NASTY):
        (nasty / f"plain {number}").rename(nasty / os.fsdecode(raw))
    page.reload()
    for shown in NASTY.values():
        choose(page, shown, "Delete…")
        dialog(page).get_by_role("button", name="Delete file").click()
        expect(entry(page, shown)).to_have_count(0)
    assert held(nasty) == []


@pytest.fixture
def many(top: Path) -> Path:
    """A folder with very many entries."""
    for number in range(MANY):
        (top / f"file-{number:06}").touch()
    return top


def rows(page: Page) -> int:
    """How many entries the page holds."""
    return page.locator("tr[data-row]").count()


def test_a_folder_of_100_000_entries_is_scrolled_to_its_end(page: Page, volume: str, many: Path) -> None:
    page.set_default_timeout(60_000)
    show(page, volume)
    expect(page.get_by_text("100,000 entries")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("Control+End")
    expect(entry(page, "file-099999")).to_be_focused(timeout=60_000)
    assert rows(page) <= MOST_ROWS
    table = page.get_by_role("region", name="Entries of")
    for fraction in (0.5, 0.25, 0.99, 0.1):
        table.evaluate("(place, fraction) => { place.scrollTop = place.scrollHeight * fraction; }", fraction)
        expect(entry(page, f"file-{int(MANY * fraction) + 3:06}")).to_be_visible(timeout=60_000)
        assert rows(page) <= MOST_ROWS
    for _ in range(40):
        page.keyboard.press("Control+PageDown")
        assert rows(page) <= MOST_ROWS
    page.keyboard.press("Control+Home")
    expect(entry(page, "file-000000")).to_be_focused(timeout=60_000)
    expect(page.get_by_label("Select file-000000")).to_be_checked()
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.keyboard.press("Control+a")
    expect(page.get_by_text("The first 5,000 of 100,000 entries are selected")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("5,000 selected")).to_be_visible()
    everything = page.get_by_label("Select everything that is shown")
    expect(everything).not_to_be_checked()
    everything.click()
    expect(page.get_by_text("5,000 selected")).to_be_hidden()


def test_a_refresh_keeps_scroll_focus_and_selection(page: Page, volume: str, top: Path) -> None:
    for number in range(1000):
        (top / f"file-{number:04}").touch()
    show(page, volume)
    table = page.get_by_role("region", name="Entries of")
    table.evaluate("place => { place.scrollTop = 18_000; }")
    row = entry(page, "file-0610")
    row.scroll_into_view_if_needed()
    page.get_by_label("Select file-0612").check()
    row.focus()
    before = row.bounding_box()
    (top / "zzz").touch()
    (top / "zz-folder").mkdir()
    page.evaluate("htmx.trigger(document.body, 'files:changed')")
    expect(page.get_by_text("1,002 entries")).to_be_visible()
    expect(entry(page, "zz-folder")).to_have_count(0)
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert round(after["y"] - before["y"]) == 30  # the new folder stands before all files
    expect(page.get_by_label("Select file-0612")).to_be_checked()
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(row).to_be_focused()


def test_going_back_finds_the_folder_as_it_was_left(page: Page, volume: str, top: Path) -> None:
    for number in range(600):
        (top / f"folder-{number:03}").mkdir()
    show(page, volume)
    page.get_by_role("region", name="Entries of").evaluate("place => { place.scrollTop = 30 * 400; }")
    entry(page, "folder-410").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("This folder is empty")).to_be_visible()
    page.go_back()
    expect(entry(page, "folder-410")).to_be_focused()
    expect(entry(page, "folder-410")).to_be_in_viewport()


def test_while_the_image_is_fetched_the_page_says_so_and_goes_on(
    page: Page, own_program: Program, own_docker: Callable[..., str]
) -> None:
    own_docker("volume", "create", "fresh")
    page.goto(own_program.address)
    page.goto(f"{own_program.origin}{VOLUMES}/fresh/files")
    expect(page.get_by_text("This volume is empty")).to_be_visible(timeout=90_000)
    expect(page.get_by_role("navigation", name="Path")).to_contain_text("fresh")


def test_who_else_writes_is_said_and_links_show_where_they_lead(
    page: Page, volume: str, shop: Path, docker: Callable[..., str], small_image: str
) -> None:
    docker(
        "run",
        "--detach",
        f"--name={volume}-web",
        "--network=none",
        f"--volume={volume}:/data",
        small_image,
        "sleep",
        "600",
    )
    for name, target in (("in", "assets"), ("out", "/etc/passwd"), ("gone", "nowhere"), ("loop", "loop")):
        (shop / name).symlink_to(target)
    os.mkfifo(shop / "pipe")
    show(page, volume)
    expect(page.get_by_text(f"{volume}-web writes here too")).to_be_visible()
    for name, words in (
        ("in", "→ assets"),
        ("out", "outside"),
        ("gone", "missing"),
        ("loop", "loop"),
        ("pipe", "fifo"),
    ):
        expect(entry(page, name)).to_contain_text(words)
    entry(page, "out").get_by_role("link").click()
    expect(pane(page)).to_contain_text("outside of this volume")
    expect(pane(page)).not_to_contain_text("root:x:0")
    entry(page, "pipe").get_by_role("link").click()
    expect(pane(page)).to_contain_text("never opened here")
    entry(page, "in").get_by_role("link").click()
    pane(page).get_by_role("link", name="Go there").click()
    page.wait_for_url(re.compile("/files/assets$"))


@pytest.mark.answers(404, 409)
def test_a_folder_that_is_gone_says_so_with_the_way_out(page: Page, volume: str, shop: Path) -> None:
    page.goto(f"{VOLUMES}/{volume}/files/never/was")
    expect(page.get_by_role("alert")).to_contain_text("is not in volume")
    (shop / "backups").rename(shop / "elsewhere")
    page.goto(f"{VOLUMES}/{volume}/files/backups")
    page.get_by_role("link", name="Go to the folder above").click()
    expect(entry(page, "elsewhere")).to_be_visible()
    settled(page)
    (shop / "elsewhere").rename(shop / "away")
    entry(page, "elsewhere").get_by_role("link").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"^\s*Not found: “elsewhere” is not in volume"))
    expect(entry(page, "away")).to_be_visible()
    entry(page, "away").get_by_role("link").click()
    expect(page.get_by_text("This folder is empty")).to_be_visible()
    (shop / "away").rmdir()
    page.get_by_role("link", name="New folder").first.click()
    dialog(page).get_by_label("Name", exact=True).fill("x")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("is not in volume")


def test_the_folder_behind_a_bind_mount_is_only_looked_at(
    page: Page, volume: str, docker: Callable[..., str], small_image: str, tmp_path: Path
) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "notes.txt").write_text("from the host\n")
    docker("create", f"--name={volume}-bound", "--network=none", f"--volume={tmp_path}:/host", small_image, "true")
    page.goto(f"{CONTAINERS}/{volume}-bound?tab=mounts")
    page.get_by_role("link", name="Look inside").click()
    expect(page.get_by_text("read-only")).to_be_visible()
    settled(page)
    entry(page, "notes.txt").get_by_role("link").click()
    expect(pane(page)).to_contain_text("from the host")
    for word in ("New folder", "Upload", "Delete…", "Rename…"):
        expect(page.get_by_role("link", name=word)).to_have_count(0)
    entry(page, "inside").click(button="right")
    expect(page.get_by_role("menuitem", name="Copy the name")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Delete")).to_have_count(0)


def test_the_volumes_inspector_leads_to_its_files(page: Page, volume: str, shop: Path) -> None:
    page.goto(f"{VOLUMES}?inspect={volume}&q={volume}")
    page.get_by_role("complementary", name="Inspector").get_by_role("link", name="Files", exact=True).click()
    expect(entry(page, "alpha.txt")).to_be_visible()


class TestWithoutScripts:
    @pytest.fixture
    def plain(self, new_context: Callable[..., BrowserContext], program: Program) -> Page:
        """A signed-in page that runs no scripts."""
        page = new_context(java_script_enabled=False).new_page()
        page.goto(program.address)
        return page

    def test_one_walks_looks_and_pages_on(self, plain: Page, volume: str, shop: Path) -> None:
        for number in range(250):
            (shop / "assets" / f"{number:03}").touch()
        plain.goto(f"{VOLUMES}/{volume}/files")
        plain.get_by_role("link", name="assets", exact=True).click()
        expect(entry(plain, "198")).to_be_attached()
        plain.get_by_role("link", name="Show more").click()
        expect(entry(plain, "249")).to_be_visible()
        plain.get_by_role("link", name="Show what is before").click()
        expect(entry(plain, "000")).to_be_visible()
        plain.get_by_role("link", name=volume).last.click()
        plain.get_by_role("link", name="alpha.txt", exact=True).click()
        expect(plain.get_by_role("article")).to_contain_text("This is alpha.txt.")

    def test_one_makes_renames_moves_permits_and_deletes(self, plain: Page, volume: str, shop: Path) -> None:
        plain.goto(f"{VOLUMES}/{volume}/files")
        plain.get_by_role("link", name="New folder").click()
        plain.get_by_label("Name", exact=True).fill("made")
        plain.get_by_role("button", name="Make folder").click()
        plain.goto(f"{VOLUMES}/{volume}/files")
        plain.get_by_label("Select made").check()
        plain.get_by_role("button", name="Rename…").click()
        plain.get_by_label("New name").fill("renamed")
        plain.get_by_role("button", name="Rename").click()
        plain.get_by_label("Select alpha.txt").check()
        plain.get_by_label("Select beta.txt").check()
        plain.get_by_role("button", name="Move to…").click()
        plain.get_by_role("button", name="renamed").click()
        plain.get_by_role("button", name="Move here").click()
        assert held(shop / "renamed") == ["alpha.txt", "beta.txt"]
        plain.goto(f"{VOLUMES}/{volume}/files")
        plain.get_by_label("Select gamma.conf").check()
        plain.get_by_role("button", name="Permissions…").click()
        plain.get_by_label("Mode", exact=True).fill("0600")
        plain.get_by_role("button", name="Change").click()
        assert (shop / "gamma.conf").stat().st_mode & 0o777 == 0o600
        plain.goto(f"{VOLUMES}/{volume}/files")
        plain.get_by_label("Select renamed").check()
        plain.get_by_role("button", name="Delete…").click()
        plain.get_by_role("button", name="Delete folder").click()
        expect(entry(plain, "renamed")).to_have_count(0)
        assert not (shop / "renamed").exists()
