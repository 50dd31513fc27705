"""The files of a volume over HTTP: folders, details, previews. What changes them is in `file_changes`."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from flask import Blueprint, Response
from htmx_flask import request

from webui import commands
from webui.engine.file_model import Entry, FolderPage
from webui.errors import DemijohnError, InvalidInputError
from webui.folder_query import FolderQuery, folder_query
from webui.paths import TOP, VolumePath, volume_path
from webui.preview import PREVIEW_BYTES, Preview, preview_of
from webui.render import answer, wants_fragment, wants_json
from webui.views.file_shapes import file_json, folder_json
from webui.views.places import GettingReadyError, Opened, opened, path_from

blueprint = Blueprint("files", __name__, url_prefix="/e/<engine>/<place:where>")


@blueprint.get("/files", defaults={"rest": ""})
@blueprint.get("/files/<entry:rest>")
def show(engine: str, where: str, rest: str) -> Response:
    """A folder's entries, or a file's details and preview."""
    try:
        found, path = opened(engine, where), path_from(rest)
        query = folder_query(request.args, script=wants_json())
        entry, seen = found.patiently(f"{path.id}?{request.query_string!r}", lambda: _seen(found, path, query))
        return _folder(found, entry, query, seen) if isinstance(seen, FolderPage) else _file(found, entry, seen)
    except GettingReadyError:
        raise
    except DemijohnError as error:
        if wants_json() or wants_fragment():
            raise
        return _trouble(error, where, rest)


@blueprint.get("/-/properties", defaults={"rest": ""})
@blueprint.get("/-/properties/<entry:rest>")
def properties(engine: str, where: str, rest: str) -> Response:
    """What there is to know of an entry: of a folder its details, not what is in it."""
    found, path = opened(engine, where), path_from(rest)
    entry, preview = found.patiently(f"{path.id} itself", lambda: _seen(found, path, None))
    return _file(found, entry, preview if isinstance(preview, Preview) else None)


@blueprint.get("/-/ready")
def get_ready(engine: str, where: str) -> Response:
    """Start what looks inside, so that the first folder is there sooner. Says nothing."""
    opened(engine, where)
    return Response(status=204)


def _seen(found: Opened, path: VolumePath, query: FolderQuery | None) -> tuple[Entry, FolderPage | Preview | None]:
    """An entry and what is in it: of a folder what the query asks for, of a regular file its preview."""
    entry = found.files.entry(path)
    if not entry.is_folder or query is None:
        return entry, _preview(found, entry)
    return entry, found.files.listing(
        entry.path,
        sort=query.column,
        descending=query.descending,
        q=query.q,
        hidden=query.hidden,
        offset=query.offset,
        limit=query.limit,
        snapshot=query.snapshot,
        goes_on=query.goes_on,
    )


def _folder(found: Opened, entry: Entry, query: FolderQuery, page: FolderPage) -> Response:
    return answer(
        "files/folder.html",
        "rows" if query.snapshot else "folder",
        {**folder_json(page), "writers": found.writers} if wants_json() else {},
        opened=found,
        entry=entry,
        page=page,
        query=query,
        inspected=_inspected(),
        command=commands.files_list(found.place, entry.path),
    )


def _file(found: Opened, entry: Entry, preview: Preview | None) -> Response:
    return answer(
        "files/file.html",
        "inspector",
        file_json(entry, preview) if wants_json() else {},
        opened=found,
        entry=entry,
        preview=preview,
        command=(commands.file_copy_out if entry.is_file else commands.files_list)(found.place, entry.path),
    )


def _trouble(error: DemijohnError, where: str, rest: str) -> Response:
    """A page that says why nothing is shown, with the ways on from there."""
    try:
        path = path_from(rest)
    except InvalidInputError:
        path = TOP
    return answer("files/trouble.html", "trouble", {}, status=error.status, error=error, where=where, path=path)


def _inspected() -> str:
    """The id of the entry that is to be shown beside the folder; empty for none, or for what can't be one."""
    try:
        return volume_path(unquote_to_bytes(request.args.get("inspect", ""))).id
    except InvalidInputError:
        return ""


def _preview(found: Opened, entry: Entry) -> Preview | None:
    """What is seen of a regular file; what is none is never opened."""
    if not entry.is_file:
        return None
    return preview_of(entry.name, found.files.read(entry.path, PREVIEW_BYTES), entry.size)
