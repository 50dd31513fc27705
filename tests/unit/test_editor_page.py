"""The page of the text editor: what a browser gets is what the file holds, and nothing of it acts."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2_fragments.flask import render_block

from webui import assets, templating
from webui.engine.file_model import Place
from webui.paths import VolumePath
from webui.preview import ENCODINGS, line_diff

HOSTILE = "</textarea></noscript><script>alert(1)</script>\u202e\x1b"


class Conflict:
    """What the view gives to the page when somebody else saved first."""

    def __init__(self, ours: str, theirs: str) -> None:
        self.theirs, self.version, self.diff = theirs, "newer", line_diff(ours, theirs)


class Page(HTMLParser):
    """What stands in the elements of a page, and how often each element is there."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"input", "link", "meta", "use", "img", "path"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open:
            self.text[self._open[-1]] = self.text.get(self._open[-1], "") + data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """The attributes of the elements that have these."""
        return [found for name, found in self.elements if name == tag and wanted.items() <= found.items()]

    def values(self, name: str) -> list[str | None]:
        """What the fields of this name send."""
        return [found.get("value") for _, found in self.elements if found.get("name") == name]


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask("webui", template_folder=str(assets.ROOT / "templates"), static_folder=str(assets.ROOT / "static"))
    app.add_template_global(lambda: "mark", "form_token")
    templating.init_app(app)
    return app


def context(**changed: Any) -> dict[str, Any]:
    return {
        "place": Place.volume("data"),
        "path": VolumePath(b"conf/a.yaml"),
        "text": "a: 1\n",
        "encoding": "utf-8",
        "line_endings": "LF",
        "bom": False,
        "version": "old",
        "mode": "text/x-yaml",
        "read_only": False,
        "writers": (),
        "saved": False,
        "conflict": None,
        "gone": False,
        "save_url": "/save",
        "back_url": "/back",
        "engine_id": "engine",
        "command": "docker run",
        **changed,
    }


def page(app: Flask, block: str = "editor", **changed: Any) -> Page:
    with app.test_request_context():
        return Page(render_block("files/edit.html", block, **context(**changed)))


@given(text=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=60))
@settings(deadline=None)
def test_the_text_is_whole(app: Flask, text: str) -> None:
    """A browser drops the first newline of a <textarea>, so that is not one of the file's."""
    assert page(app, text=text).text["textarea"] == f"\n{text}"


def test_nothing_of_a_file_acts(app: Flask) -> None:
    seen = page(
        app, text=HOSTILE, path=VolumePath(HOSTILE.encode()), conflict=Conflict("", HOSTILE), writers=(HOSTILE,)
    )
    assert not seen.all("script")
    assert len(seen.all("textarea")) == len(seen.all("noscript")) == 1


def test_the_form_sends_all_that_the_file_is_written_with(app: Flask) -> None:
    seen = page(app, line_endings="mixed", bom=True)
    assert seen.all("form", method="post", action="/save", enctype="multipart/form-data")
    assert (seen.values("version"), seen.values("engine_id"), seen.values("form_token")) == (
        ["old"],
        ["engine"],
        ["mark"],
    )
    assert seen.all("option", value="mixed", selected=None)  # type: ignore[arg-type]
    assert seen.values("bom") == ["1"]
    assert len(seen.all("textarea", name="text")) == 1


def test_only_a_file_of_mixed_endings_or_with_a_mark_is_offered_them(app: Flask) -> None:
    seen = page(app)
    assert not seen.all("option", value="mixed")
    assert seen.values("bom") == []


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_the_way_out_of_an_encoding_is_utf_8(app: Flask, encoding: str) -> None:
    offered = [found["value"] for found in page(app, encoding=encoding).all("option")]
    assert offered[0] == encoding
    assert offered.count("utf-8") == 1


def test_what_can_only_be_read_has_no_way_to_save(app: Flask) -> None:
    seen = page(app, read_only=True, bom=True, writers=("web",))
    assert not seen.all("button", type="submit")
    assert "readonly" in seen.all("textarea")[0]
    assert all("disabled" in found for found in [*seen.all("select"), *seen.all("input", type="checkbox")])


def test_a_conflict_offers_three_ways_and_marks_what_hides(app: Flask) -> None:
    seen = page(app, text="mine\n", conflict=Conflict("mine\n", "theirs \u202e\n"))
    assert seen.text["textarea"] == "\nmine\n"
    assert (seen.values("overwrite_version"), seen.values("copy")) == (["newer"], ["1"])
    assert seen.all("a", href="/save")
    assert seen.all("form")[0].keys() >= {"data-unsaved"}
    assert "U+202E" in seen.text["span"]
    assert "\u202e" not in "".join(text for tag, text in seen.text.items() if tag != "textarea")


def test_the_conflict_is_a_block_of_its_own_without_the_text(app: Flask) -> None:
    seen = page(app, "conflict", text="mine\n", conflict=Conflict("mine\n", "theirs\n"))
    assert seen.elements[0] == ("div", {"id": "conflict"})
    assert not seen.all("textarea")


def test_texts_that_differ_in_their_endings_only_say_so(app: Flask) -> None:
    seen = page(app, conflict=Conflict("a\n", "a\r\n"))
    assert not seen.all("table")
    assert "The lines are the same" in seen.text["p"]


def test_a_problem_leaves_the_text_unsaved(app: Flask) -> None:
    seen = page(app, problem="“€” can’t be written.")
    assert "“€” can’t be written." in seen.text["p"]
    assert "hidden" not in seen.all("p", id="editor-problem")[0]
    assert "data-unsaved" in seen.all("form")[0]
    assert "hidden" in page(app).all("p", id="editor-problem")[0]
