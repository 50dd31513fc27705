"""Makes `static/vendor/`: the few built files of the front-end packages that the pages use, and a sprite of icons.

`python -m webui.assets` copies them from `node_modules`; `make assets` fetches that first. A template shows an icon
of the sprite with `<use href="/static/vendor/icons.svg#name">`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
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

EDITOR = "codemirror"
_EDITOR_ADDONS = (
    *("dialog/dialog", "edit/closebrackets", "edit/matchbrackets", "mode/simple", "search/search"),
    *("search/searchcursor", "selection/active-line"),
)
EDITOR_MODES = {
    "application/json": ("javascript",),
    "application/x-httpd-php": ("xml", "javascript", "htmlmixed", "clike", "php"),
    "application/xml": ("xml",),
    "text/css": ("css",),
    "text/html": ("xml", "javascript", "css", "htmlmixed"),
    "text/javascript": ("javascript",),
    "text/typescript": ("javascript",),
    "text/x-c++src": ("clike",),
    "text/x-csharp": ("clike",),
    "text/x-csrc": ("clike",),
    "text/x-diff": ("diff",),
    "text/x-dockerfile": ("dockerfile",),
    "text/x-go": ("go",),
    "text/x-ini": ("properties",),
    "text/x-java": ("clike",),
    "text/x-kotlin": ("clike",),
    "text/x-less": ("css",),
    "text/x-lua": ("lua",),
    "text/x-markdown": ("xml", "markdown"),
    "text/x-nginx-conf": ("nginx",),
    "text/x-perl": ("perl",),
    "text/x-python": ("python",),
    "text/x-ruby": ("ruby",),
    "text/x-rustsrc": ("rust",),
    "text/x-scss": ("css",),
    "text/x-sh": ("shell",),
    "text/x-sql": ("sql",),
    "text/x-toml": ("toml",),
    "text/x-yaml": ("yaml",),
}
"""The scripts of each of the text editor's modes. A page loads the file of the one it needs, see `mode_file`.

In PHP style sheets have no colours: with the editor itself that would be more than a page should weigh.
"""

ICONS = (
    *("alert-circle", "alert-triangle", "arrow-left", "arrow-right", "arrow-up", "arrows-sort", "ban", "bolt", "box"),
    *("brand-docker", "check", "chevron-down", "chevron-right", "chevron-up", "circle", "circle-check", "circle-dot"),
    *(
        "clipboard",
        "cloud",
        "cloud-lock",
        "columns",
        "command",
        "copy",
        "copy-plus",
        "cpu",
        "cursor-text",
        "database",
        "database-plus",
        "dots",
    ),
    *("download", "edit", "external-link", "eye", "eye-off", "file", "file-code", "file-import", "file-plus"),
    *("file-text", "file-zip", "filter", "flask", "folder", "folder-off", "folder-plus", "folder-symlink"),
    *("folder-up", "help", "history", "home", "info-circle", "key", "keyboard", "layout-sidebar-right", "link"),
    *("list-check", "loader-2", "lock", "moon", "network", "note", "packages", "photo", "pipeline", "player-play"),
    *("player-stop", "plug", "plug-connected", "plug-connected-x", "plus", "refresh", "rotate-clockwise", "scissors"),
    *("search", "server", "settings", "share", "sun", "terminal-2", "trash", "unlink", "upload", "x"),
)
"""The icons of the sprite, by their names at https://tabler.io/icons."""

_ICONS_PACKAGE = "@tabler/icons"
_SOURCE_MAP = re.compile(r"\s*(/\*# sourceMappingURL=\S+ \*/|//# sourceMappingURL=\S+)\s*$")
_DRAWING = re.compile(r"<svg\b[^>]*>(.*)</svg>", re.DOTALL)
_FRAME = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>')
_COMMENT_OR_INDENT = re.compile(r"^[ \t]*//.*\n|^[ \t]+|^\n", re.MULTILINE)
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
    contents |= _editor(modules / EDITOR)
    contents["icons.svg"] = _sprite(modules / _ICONS_PACKAGE / "icons" / "outline")
    contents["LICENSES.txt"] = "\n".join(_licence(modules / name) for name in (*FILES, EDITOR, _ICONS_PACKAGE))
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


def _editor(package: Path) -> dict[str, str]:
    """The text editor with its add-ons as one script and one style sheet, and a script for every mode."""
    parts = (package / "lib" / "codemirror", *(package / "addon" / name for name in _EDITOR_ADDONS))
    sheets = (package / "lib" / "codemirror.css", package / "addon" / "dialog" / "dialog.css")
    contents = {
        "codemirror.js": _joined(part.with_suffix(".js") for part in parts),
        "codemirror.css": "".join(_copied(sheet) for sheet in sheets),
    }
    for mode, names in EDITOR_MODES.items():
        contents[mode_file(mode)] = _joined(package / "mode" / name / f"{name}.js" for name in names)
    return contents


def mode_file(mode: str) -> str:
    """The script of a mode of the text editor."""
    return f"mode-{mode.replace('/', '-')}.js"


def _joined(scripts: Iterable[Path]) -> str:
    """The scripts one after the other, without lines that are a comment and without indentation: a quarter less to send."""
    return "".join(_COMMENT_OR_INDENT.sub("", _copied(script)) for script in scripts)


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
