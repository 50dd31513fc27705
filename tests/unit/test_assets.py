"""The front-end files: copied whole, offline, and with every icon the templates ask for."""

from __future__ import annotations

import gzip
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from webui import assets, preview
from webui.assets import ICONS, ROOT, AssetsError, build

SVG = "{http://www.w3.org/2000/svg}"
ASKED_FOR = re.compile(r"""\bicon\(\s*['"]([\w-]+)['"]""")


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vendor")
    build(vendor=folder)
    return folder


def test_every_icon_a_template_asks_for_is_in_the_sprite() -> None:
    asked = {
        (name, file.relative_to(ROOT).as_posix())
        for file in (ROOT / "templates").rglob("*.html")
        for name in ASKED_FOR.findall(file.read_text(encoding="utf-8"))
    }
    assert {(name, file) for name, file in asked if name not in ICONS} == set()


def test_icons_are_listed_once_and_in_order() -> None:
    assert list(ICONS) == sorted(set(ICONS))


def test_the_sprite_has_a_symbol_for_every_icon_in_the_colour_of_the_text(vendor: Path) -> None:
    symbols = ET.parse(vendor / "icons.svg").getroot().findall(f"{SVG}symbol")
    assert {symbol.get("id") for symbol in symbols} == set(ICONS)
    for symbol in symbols:
        assert symbol.get("stroke") == "currentColor"
        assert symbol.get("viewBox") == "0 0 24 24"
        assert len(symbol), f"{symbol.get('id')} draws nothing"


def test_nothing_refers_to_another_host_or_to_a_source_map(vendor: Path) -> None:
    for file in vendor.iterdir():
        text = file.read_text(encoding="utf-8")
        assert "sourceMappingURL" not in text
        # A script that colours style sheets knows the word as well.
        assert file.suffix == ".js" or not re.findall(r"url\(\s*(?!['\"]?(?:data:|#))", text), (
            f"{file.name} loads something else"
        )


def test_idiomorph_comes_with_its_htmx_extension(vendor: Path) -> None:
    assert "defineExtension" in (vendor / "idiomorph-ext.min.js").read_text(encoding="utf-8")


def test_the_editor_has_what_its_page_asks_for(vendor: Path) -> None:
    script = (vendor / "codemirror.js").read_text(encoding="utf-8")
    for extension in ("fromTextArea", "openDialog", "getSearchCursor", "autoCloseBrackets", "matchBrackets"):
        assert extension in script
    assert 'defineOption("styleActiveLine"' in script
    styles = (vendor / "codemirror.css").read_text(encoding="utf-8")
    assert ".CodeMirror-dialog" in styles


def test_every_mode_a_file_may_ask_for_is_there(vendor: Path) -> None:
    assert set(assets.EDITOR_MODES) == preview.MODES
    for mode in preview.MODES:
        script = (vendor / assets.mode_file(mode)).read_text(encoding="utf-8")
        assert re.search(rf"""(?:MIME|def|mime)\(\[?(?:[^\])]*,\s*)?["']{re.escape(mode)}["']""", script), mode


def test_a_page_with_the_editor_loads_less_than_120_kilobytes(vendor: Path) -> None:
    def sent(name: str) -> int:
        return len(gzip.compress((vendor / name).read_bytes(), 5))

    editor = sent("codemirror.js") + sent("codemirror.css")
    assert {mode for mode in assets.EDITOR_MODES if editor + sent(assets.mode_file(mode)) >= 120_000} == set()


def test_the_editor_loses_nothing_but_comments_and_indentation(vendor: Path) -> None:
    source = (assets.MODULES / "codemirror" / "lib" / "codemirror.js").read_text(encoding="utf-8")
    assert not re.search(r"\\$", source, re.MULTILINE), "a string goes over two lines"
    lines = [line.lstrip() for line in source.split("\n")]
    kept = [line for line in lines if line and not line.startswith("//")]
    assert (vendor / "codemirror.js").read_text(encoding="utf-8").split("\n")[: len(kept)] == kept


def test_licences_stand_beside_the_files(vendor: Path) -> None:
    licences = (vendor / "LICENSES.txt").read_text(encoding="utf-8")
    for package in ("htmx.org", "idiomorph", "codemirror", "@tabler/core", "@tabler/icons"):
        assert f"{package} " in licences


def test_building_again_touches_nothing(vendor: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in vendor.iterdir()}
    build(vendor=vendor)
    assert {file: file.stat().st_mtime_ns for file in vendor.iterdir()} == before


def test_missing_packages_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(AssetsError, match=r"htmx\.min\.js is missing: run `make assets`"):
        build(modules=tmp_path, vendor=tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


def test_the_command_says_so_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(assets, "build", lambda: build(modules=tmp_path, vendor=tmp_path / "vendor"))
    assert assets.main() == 1
    assert "make assets" in capsys.readouterr().err


def test_versions_are_exact_and_the_lock_file_names_no_host() -> None:
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert all(re.fullmatch(r"[\d.]+", version) for version in package["dependencies"].values())
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    for name, entry in lock["packages"].items():
        assert "resolved" not in entry, name
        assert not name or entry["integrity"], name
