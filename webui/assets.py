"""Makes `static/vendor/`: the few built files of the front-end packages that the pages use, and a sprite of icons.

`python -m webui.assets` copies them from `node_modules`; `make assets` fetches that first. A template shows an icon
of the sprite with `<use href="/static/vendor/icons.svg#name">`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"

FILES = {
    "htmx.org": "dist/htmx.min.js",
    "idiomorph": "dist/idiomorph-ext.min.js",
    "@tabler/core": "dist/css/tabler.min.css",
}
"""What is copied of each package, as it is but for the comment that names a source map."""

ICONS = (
    *("alert-circle", "alert-triangle", "arrow-right", "arrows-sort", "ban", "bolt", "box", "brand-docker"),
    *("check", "chevron-down", "chevron-right", "chevron-up", "circle", "circle-check", "circle-dot"),
    *("clipboard", "cloud", "columns", "command", "copy", "cpu", "database", "database-plus", "dots", "download"),
    *(
        "edit",
        "external-link",
        "eye",
        "eye-off",
        "file-text",
        "filter",
        "flask",
        "folder",
        "folder-up",
        "help",
        "history",
    ),
    *("home", "info-circle", "keyboard", "layout-sidebar-right", "link", "list-check", "loader-2", "lock", "moon"),
    *("network", "note", "packages", "photo", "player-play", "player-stop", "plug", "plug-connected"),
    *("plug-connected-x", "plus", "refresh", "rotate-clockwise", "search", "server", "settings", "share", "sun"),
    *("terminal-2", "trash", "x"),
)
"""The icons of the sprite, by their names at https://tabler.io/icons."""

_ICONS_PACKAGE = "@tabler/icons"
_SOURCE_MAP = re.compile(r"\s*(/\*# sourceMappingURL=\S+ \*/|//# sourceMappingURL=\S+)\s*$")
_DRAWING = re.compile(r"<svg\b[^>]*>(.*)</svg>", re.DOTALL)
_FRAME = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>')
_SPRITE = '<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n'
_SYMBOL = (
    '<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
    'stroke-linecap="round" stroke-linejoin="round">{drawing}</symbol>'
)


class AssetsError(Exception):
    """A file to copy is not there; the message says what to do."""


def build(modules: Path = MODULES, vendor: Path = VENDOR) -> tuple[Path, ...]:
    """Write everything into `vendor` and return its files; only what has changed is written.

    Raises:
        AssetsError: `modules` is missing or incomplete.
    """
    contents = {Path(source).name: _copied(modules / name / source) for name, source in FILES.items()}
    contents["icons.svg"] = _sprite(modules / _ICONS_PACKAGE / "icons" / "outline")
    contents["LICENSES.txt"] = "\n".join(_licence(modules / name) for name in (*FILES, _ICONS_PACKAGE))
    vendor.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        _write(vendor / name, content)
    return tuple(vendor / name for name in contents)


def main() -> int:
    """Build, and answer with the exit status."""
    try:
        files = build()
    except AssetsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{len(files)} files are in {VENDOR.relative_to(ROOT)}/.\n")
    return 0


def _copied(file: Path) -> str:
    return _SOURCE_MAP.sub("\n", _read(file))


def _sprite(folder: Path) -> str:
    symbols = (_SYMBOL.format(name=name, drawing=_drawing(folder / f"{name}.svg")) for name in sorted(ICONS))
    return _SPRITE.format(symbols="\n".join(symbols))


def _drawing(file: Path) -> str:
    found = _DRAWING.search(_read(file))
    if found is None:
        raise AssetsError(f"{file} is not an icon.")
    return re.sub(r"\s*\n\s*", "", _FRAME.sub("", found[1])).strip()


def _licence(package: Path) -> str:
    """The package's name, version and licence, with the licence's text where the package has one."""
    facts = json.loads(_read(package / "package.json"))
    text = next((_read(file) for file in sorted(package.glob("LICENSE*"))), "")
    return f"{facts['name']} {facts['version']}, licence {facts['license']}, {facts['homepage']}\n\n{text.strip()}\n"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise AssetsError(f"{file} is missing: run `make assets`, which fetches it.") from None


def _write(file: Path, content: str) -> None:
    if not file.exists() or file.read_text(encoding="utf-8") != content:
        file.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
