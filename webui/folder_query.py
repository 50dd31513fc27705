"""What a person asked a folder for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from webui import forms
from webui.engine.file_model import MOST_AT_ONCE, SORTS
from webui.errors import InvalidInputError

WINDOW: Final = 200
"""Entries a page shows at a time."""
_KNOWN: Final = {"q", "sort", "hidden", "limit", "next", "offset", "snapshot", "inspect"}
_CURSOR = re.compile(r"([0-9a-f]{1,32})\.([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class FolderQuery:
    """Search, order and the part that is shown. `snapshot` is that of an earlier part, or empty; where this `goes_on`
    with an earlier answer it has to fit that."""

    q: str = ""
    sort: str = "name"
    hidden: bool = False
    offset: int = 0
    limit: int = WINDOW
    snapshot: str = ""
    goes_on: bool = False

    @property
    def column(self) -> str:
        """The column it is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether it is sorted the other way round."""
        return self.sort.startswith("-")

    def url(self, **changes: Any) -> str:
        """The query string for this folder with some things changed, defaults left out; starts with `?`."""
        changed = replace(self, **{"offset": 0, "snapshot": "", **changes})
        said = {
            "q": changed.q,
            "sort": changed.sort if changed.sort != "name" else "",
            "hidden": "yes" if changed.hidden else "",
            "offset": changed.offset or "",
            "snapshot": changed.snapshot,
        }
        return "?" + urlencode({name: value for name, value in said.items() if value})


def folder_query(arguments: Mapping[str, str], *, script: bool) -> FolderQuery:
    """The query in a URL's arguments; a `script` sees hidden entries too unless it says otherwise, and more at once.

    Raises InvalidInputError naming the argument that can't be read.
    """
    if script:
        forms.check_fields(arguments, _KNOWN)
    offset, snapshot = forms.number(arguments, "offset", default=0), arguments.get("snapshot", "")
    said = arguments.get("next", "")
    if said:
        cursor = _CURSOR.fullmatch(said)
        if cursor is None:
            raise InvalidInputError({"next": "This is not the `next` of an earlier answer."})
        snapshot, offset = cursor[1], int(cursor[2])
    sort = arguments.get("sort", "") or "name"
    if sort.removeprefix("-") not in SORTS:
        raise InvalidInputError({"sort": f"Sort by one of {', '.join(SORTS)}, with a minus the other way round."})
    limit = forms.number(arguments, "limit", default=1_000 if script else WINDOW)
    if not 1 <= limit <= MOST_AT_ONCE:
        raise InvalidInputError({"limit": f"Ask for 1 to {MOST_AT_ONCE:,} entries at once."})
    if offset < 0:
        raise InvalidInputError({"offset": "The first entry is number 0."})
    hidden = forms.flag(arguments, "hidden", default=script)
    return FolderQuery(arguments.get("q", "").strip(), sort, hidden, offset, limit, snapshot, goes_on=bool(said))
