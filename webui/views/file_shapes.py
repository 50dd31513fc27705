"""Files and folders as the HTTP contract shapes them."""

from __future__ import annotations

from typing import Any

from webui.engine.file_model import Entry, FolderPage
from webui.paths import name_text
from webui.preview import Preview


def entry_json(entry: Entry) -> dict[str, Any]:
    """F: an entry of a folder.

    `name` and `path` are text, with lone surrogates for bytes that are not UTF-8; `id` is the path as a URL takes it,
    whatever its bytes. `mode` is octal, `modified` ISO 8601, `target` and `target_state` are null but for links.
    """
    return {
        "name": name_text(entry.name),
        "path": entry.path.text,
        "id": entry.path.id,
        "type": entry.type.value,
        "size": entry.size,
        "allocated": entry.allocated,
        "modified": entry.modified.isoformat(),
        "mode": f"{entry.mode:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "links": entry.links,
        "target": None if entry.target is None else name_text(entry.target),
        "target_state": entry.target_state.value if entry.target_state else None,
        "version": entry.version,
    }


def folder_json(page: FolderPage) -> dict[str, Any]:
    """A part of a folder; `next` is what `next=` takes for the entries after these, or null."""
    return {
        "path": page.path.text,
        "entries": [entry_json(entry) for entry in page.entries],
        "next": page.next,
        "total": page.total,
        "cut": page.cut,
    }


def file_json(entry: Entry, preview: Preview | None) -> dict[str, Any]:
    """F with what is seen of its content: `preview` is null for all but regular files."""
    return {**entry_json(entry), "preview": None if preview is None else _preview_json(preview)}


def _preview_json(preview: Preview) -> dict[str, Any]:
    return {
        "kind": preview.kind,
        "text": preview.text,
        "encoding": preview.encoding,
        "line_endings": preview.line_endings,
        "image_type": preview.image_type,
        "hex": [{"offset": row.offset, "hex": row.hex, "ascii": row.ascii} for row in preview.rows],
        "bytes": preview.shown_bytes,
        "truncated": preview.truncated,
    }
