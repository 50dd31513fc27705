"""What templates can use beside their own context: macros, links, and human numbers, sizes and times."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import humanize
from flask import Flask
from jinja2 import StrictUndefined

from webui import glossary
from webui.engine.model import Volume
from webui.engine.secrets import masked_options
from webui.file_looks import can_edit, file_icon, letters, link_path, target_words, type_words
from webui.paths import shown_name
from webui.preview import marked
from webui.storage import storage_words

STYLESHEETS = (
    "tokens.css",
    "shell.css",
    "controls.css",
    "listing.css",
    "inspector.css",
    "dialog.css",
    "storage.css",
    "plugins.css",
    "wizard.css",
    "pages.css",
    "files.css",
    "transfers.css",
    "editor.css",
    "usage.css",
)

HTMX_CONFIG = {
    "allowEval": False,
    "allowScriptTags": False,
    "includeIndicatorStyles": False,
    "selfRequestsOnly": True,
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
    "defaultSwapStyle": "innerHTML",
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..", "swap": True},
        {"code": "[45]..", "swap": True, "error": True},
    ],
}

KEYS = (
    (("/",), "Search"),
    (("n",), "New: a volume, or a container where containers are listed"),
    (("↑", "↓"), "Move through the list; Home and End to its ends"),
    (("Enter",), "Open in the inspector"),
    (("Space",), "Select or unselect"),
    (("Del",), "Delete the selected, after a confirmation"),
    (("Esc",), "Close what is open, then clear the selection"),
    (("Shift F10",), "The row’s menu, as a right-click does"),
    (("g", "v"), "Go to volumes; g c containers, g i images, g j jobs"),
    (("Ctrl K", "⌘ K"), "Command palette: go anywhere, do anything"),
    (("?",), "This list"),
)

FILE_KEYS = (
    (("Enter",), "Open: go into a folder, preview a file"),
    (("Backspace", "Alt ↑"), "Go to the folder above"),
    (("a…z",), "Jump to the name that begins so"),
    (("Shift ↑↓",), "Select from where one began to where one goes"),
    (("Ctrl ↑↓",), "Go on and keep the selection; Space adds or leaves out"),
    (("Del",), "Delete the selected, or what one is on, after a confirmation"),
    (("Ctrl A",), "Select everything that is shown, 5,000 entries at most"),
    (("F2",), "Rename"),
    (("Ctrl C", "Ctrl X"), "Hold the selected, or what one is on, to be copied, or moved"),
    (("Ctrl V",), "Paste here, after a confirmation"),
    (("Alt N",), "New folder"),
    (("Double-click",), "Open; a click previews and starts over, Ctrl and Shift with it select"),
)


def init_app(app: Flask) -> None:
    """Give the templates their macros, filters and constants; an undefined name is an error."""
    environment = app.jinja_env
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters.update(
        ago=ago,
        segment=segment,
        exact_time=exact_time,
        size=size,
        short_name=short_name,
        tojson_pretty=pretty_json,
        count=count,
        marked=marked,
        shown=shown_name,
        file_icon=file_icon,
        letters=letters,
        type_words=type_words,
        target_words=target_words,
        link_path=link_path,
        can_edit=can_edit,
        kept_where=kept_where,
    )
    environment.globals.update(
        asset=asset_finder(Path(app.static_folder or ""), app.static_url_path or ""),
        glossary=glossary.ENTRIES,
        htmx_config=json.dumps(HTMX_CONFIG),
        key_list=KEYS,
        file_key_list=FILE_KEYS,
        stylesheets=STYLESHEETS,
    )
    environment.globals["ui"] = environment.get_template("_macros.html").module


def asset_finder(folder: Path, address: str) -> Callable[[str], str]:
    """A function from a static file's name to its address below `address`, which changes with the file so that browsers may keep it.

    A page asks it some hundred times, so it looks at a file's time only.
    """

    @lru_cache
    def path_of(name: str) -> Path:
        return folder / name

    @lru_cache
    def version(name: str, _changed: int) -> str:
        return hashlib.sha256(path_of(name).read_bytes()).hexdigest()[:12]

    def asset(name: str) -> str:
        try:
            changed = path_of(name).stat().st_mtime_ns
        except FileNotFoundError:
            return f"{address}/{quote(name)}"
        return f"{address}/{quote(name)}?v={version(name, changed)}"

    return asset


def kept_where(volume: Volume) -> str:
    """Where a volume's data lives, in a sentence; nothing for the usual place."""
    return storage_words(volume.driver, masked_options(volume.options)).sentence if volume.options else ""


def segment(name: str) -> str:
    """A name as one segment of an address, slashes and all."""
    return quote(name, safe="")


def ago(moment: datetime) -> str:
    """How long ago, in words: “3 minutes ago”."""
    return humanize.naturaltime(datetime.now(UTC) - moment)


def exact_time(moment: datetime) -> str:
    """The moment to the second, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def size(amount: int | None) -> str:
    """Bytes as people read them, in powers of 1024; unknown is not zero."""
    return "unknown" if amount is None else humanize.naturalsize(amount, binary=True)


def count(amount: int) -> str:
    """A number with its thousands apart."""
    return f"{amount:,}"


def short_name(name: str, anonymous: bool = False) -> str:
    """An anonymous volume's name cut to what tells it from others, as Docker shortens ids; others whole."""
    return f"{name[:12]}…" if anonymous and len(name) > 12 else name


def pretty_json(value: Mapping[str, Any]) -> str:
    """JSON as `docker inspect` prints it."""
    return json.dumps(value, indent=4, ensure_ascii=False, default=str)
