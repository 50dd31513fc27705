"""The dialogs that ask before files of a volume are changed; `file_changes` does what they ask for.

Entries are named by `id`, the folder something goes into by `into_id`. What is asked about a selection may be sent as a
form (`ask/…`), as a long one has no room in an address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from flask import Blueprint, Response
from htmx_flask import request

from webui import commands, forms
from webui.engine.file_model import Entry
from webui.errors import DemijohnError, InvalidInputError, NotFoundError
from webui.paths import TOP, VolumePath, file_name, name_text, shown_name
from webui.render import answer, wants_json
from webui.views._shared import received
from webui.views.file_shapes import entry_json
from webui.views.places import GettingReadyError, Opened, opened, opened_to_change, paths_by_id

blueprint = Blueprint("file_dialogs", __name__, url_prefix="/e/<engine>/<place:where>/-")

MOST_FOLDERS = 1_000
"""Folders that are offered to move something into."""
MOST_IN_COMMAND = 20
"""Entries that the command names; with more it would be longer than a command line may be."""
_NOT_SAID = b"NAME"
_View = Callable[[str, str], Response]


@blueprint.get("/new-<any(folder, file):what>")
def new(engine: str, where: str, what: str) -> Response:
    """Ask for the name of a new folder or file."""
    found = opened_to_change(engine, where)
    return new_dialog(found, what, _folder(request.args) or TOP, request.args.get("name", ""))


def new_dialog(found: Opened, what: str, folder: VolumePath, name: str, error: DemijohnError | None = None) -> Response:
    """The same, or again with what was refused."""
    make = commands.folder_make if what == "folder" else commands.file_make
    return _dialog(
        "files/new.html",
        error,
        opened=found,
        what=what,
        folder=folder,
        name=name,
        command=make(found.place, folder / _named(name)),
    )


@blueprint.get("/rename")
@blueprint.post("/ask/rename", endpoint="ask_rename")
def rename(engine: str, where: str) -> Response:
    """Ask for another name."""
    found = opened_to_change(engine, where)
    paths = _paths(_sent({"id"}))
    if len(paths) > 1:
        raise InvalidInputError({"id": "Only one entry at a time can be given another name."})
    entry = found.files.entry(paths[0])
    return rename_dialog(found, entry, request.args.get("name", field_text(entry.name)))


def rename_dialog(
    found: Opened, entry: Entry, name: str, exists: str = "", error: DemijohnError | None = None
) -> Response:
    """The same, or again with what was refused."""
    return _dialog(
        "files/rename.html",
        error,
        opened=found,
        entry=entry,
        name=name,
        exists=exists,
        exact=field_text(entry.name) == name_text(entry.name),
        command=commands.file_move(found.place, entry.path, entry.path.parent / _named(name)),
    )


@blueprint.get("/<any(move, copy):verb>")
@blueprint.post("/ask/<any(move, copy):verb>", endpoint="ask_move")
def move(engine: str, where: str, verb: str) -> Response:
    """Ask where to."""
    found, sent = opened_to_change(engine, where), _sent({"id", "from_id", "into_id", "exists"})
    entries = _entries(found, _paths(sent, "from_id" if "from_id" in sent else "id"))
    folder = _folder(sent)
    if folder is None:
        usual = "keep-both" if verb == "copy" else "refuse"
        return move_dialog(found, verb, entries, entries[0].path.parent, exists=usual, ready=False)
    return move_dialog(found, verb, entries, folder, exists=forms.text(sent, "exists") or "refuse")


def move_dialog(
    found: Opened,
    verb: str,
    entries: Sequence[Entry],
    folder: VolumePath,
    *,
    exists: str,
    ready: bool = True,
    error: DemijohnError | None = None,
) -> Response:
    """The same, or again with what was refused; `ready` where it is known which folder it is."""
    first = entries[0].path
    return _dialog(
        "files/move.html",
        error,
        opened=found,
        verb=verb,
        entries=entries,
        exists=exists,
        ready=ready,
        first=first,
        number=len(entries),
        command=_move_command(found, verb, first, folder),
        **_choice(found, folder),
    )


@blueprint.get("/folders")
def folders(engine: str, where: str) -> Response:
    """The folders in a folder, to choose one of them; with the `id` of what goes there and a `verb` the command too."""
    found = opened(engine, where)
    choice = _choice(found, _folder(request.args) or TOP)
    moved = paths_by_id({"id": request.args.getlist("id")})
    verb = request.args.get("verb", "move")
    return answer(
        "files/folders.html",
        "chooser",
        {"folders": [entry_json(each) for each in choice["folders"]], "more": choice["more"]},
        opened=found,
        verb=verb,
        ready=True,
        first=moved[0] if moved else None,
        number=forms.number(request.args, "number", default=1),
        command=_move_command(found, verb, moved[0], choice["folder"]) if moved else "",
        **choice,
    )


@blueprint.get("/delete")
@blueprint.post("/ask/delete", endpoint="ask_delete")
def delete(engine: str, where: str) -> Response:
    """Say what would go, and ask."""
    found = opened_to_change(engine, where)
    paths = _paths(_sent({"id"}))
    entries = _entries(found, paths)
    return delete_dialog(found, entries, gone=len(paths) - len(entries))


def delete_dialog(
    found: Opened,
    entries: Sequence[Entry],
    *,
    gone: int = 0,
    results: Sequence[Mapping[str, Any]] = (),
    status: int = 200,
) -> Response:
    """The same; or again for what could not be deleted, with the results."""
    return answer(
        "files/delete.html",
        "dialog",
        {"results": list(results)} if results else {"entries": [entry_json(each) for each in entries]},
        status=status,
        opened=found,
        entries=entries,
        gone=gone,
        results=results,
        engine_id=found.engine_id,
        command=commands.files_delete(found.place, [each.path for each in entries[:MOST_IN_COMMAND]]),
        in_command=min(len(entries), MOST_IN_COMMAND),
    )


@blueprint.get("/count")
@blueprint.post("/count")
def count(engine: str, where: str) -> Response:
    """How much the entries are with all that is in them. Slow where they are many."""
    found, sent = opened(engine, where), _sent({"id", "version"})
    entries = _entries(found, _paths(sent, top=True))
    inside, taken = found.files.count([each.path for each in entries if each.is_folder])
    below = inside - sum(each.is_folder for each in entries)
    taken += sum(each.allocated for each in entries if not each.is_folder)
    return answer(
        "files/count.html",
        "count",
        {"below": below, "bytes": taken},
        opened=found,
        folders=sum(each.is_folder for each in entries),
        below=below,
        taken=taken,
    )


@blueprint.get("/permissions")
@blueprint.post("/ask/permissions", endpoint="ask_permissions")
def permissions(engine: str, where: str) -> Response:
    """Ask for mode and owner. What they are now is shown, not filled in: only what is said is changed, deep down too."""
    found, sent = opened_to_change(engine, where), _sent({"id", "mode", "uid", "gid", "recursive"})
    entries = _entries(found, _paths(sent, top=True))
    return permissions_dialog(found, entries, _typed(sent), recursive=forms.flag(sent, "recursive"))


def permissions_dialog(
    found: Opened,
    entries: Sequence[Entry],
    typed: Mapping[str, str],
    *,
    recursive: bool,
    error: DemijohnError | None = None,
) -> Response:
    """The same, or again with what was refused."""
    owner = typed["uid"] + (f":{typed['gid']}" if typed["gid"] else "")
    return _dialog(
        "files/permissions.html",
        error,
        opened=found,
        entries=entries,
        typed=typed,
        now=_common(entries),
        recursive=recursive,
        command=commands.files_permit(
            found.place,
            [each.path for each in entries[:MOST_IN_COMMAND]],
            typed["mode"],
            owner,
            recursive=recursive,
        ),
        in_command=min(len(entries), MOST_IN_COMMAND),
    )


def or_again(dialog: Callable[[str, str, DemijohnError], Response]) -> Callable[[_View], _View]:
    """For a view that changes something: what it refuses is answered with the dialog that asked for it, input kept.

    Scripts get the error as it is.
    """

    def wrap(view: _View) -> _View:
        @wraps(view)
        def asked(engine: str, where: str) -> Response:
            try:
                return view(engine, where)
            except DemijohnError as error:
                if wants_json() or isinstance(error, GettingReadyError):
                    raise
                return dialog(engine, where, error)

        return asked

    return wrap


def new_again(engine: str, where: str, error: DemijohnError) -> Response:
    """The dialog for a new folder or file, with why there is none."""
    sent = received()
    what = "folder" if request.path.endswith("/folders") else "file"
    name = forms.text(sent, "name", strip=False)
    return new_dialog(opened(engine, where), what, _folder(sent) or TOP, name, error)


def move_again(engine: str, where: str, error: DemijohnError) -> Response:
    """The dialog for moving, copying or renaming, with why nothing was."""
    found, sent = opened(engine, where), received()
    entries = _entries(found, _paths(sent, "from_id"))
    exists = forms.text(sent, "exists")
    if "name" in sent:
        return rename_dialog(found, entries[0], forms.text(sent, "name", strip=False), exists, error)
    folder = _folder(sent) or entries[0].path.parent
    return move_dialog(found, request.path.rpartition("/")[2], entries, folder, exists=exists, error=error)


def permissions_again(engine: str, where: str, error: DemijohnError) -> Response:
    """The dialog for mode and owner, with why they stay."""
    found, sent = opened(engine, where), received()
    entries, recursive = _entries(found, _paths(sent, top=True)), forms.flag(sent, "recursive")
    return permissions_dialog(found, entries, _typed(sent), recursive=recursive, error=error)


def field_text(name: bytes) -> str:
    """A name as a field can hold it: what can't be seen or typed is an underscore in it."""
    letters = name_text(name)
    return "".join(each if shown_name(each.encode("utf-8", "surrogateescape")) == each else "_" for each in letters)


def _dialog(template: str, error: DemijohnError | None, *, opened: Opened, **context: Any) -> Response:
    """A dialog, or the part of it that says the command while one types."""
    return answer(
        template,
        "command" if request.args.get("preview") else "dialog",
        {},
        status=error.status if error else 200,
        error=error,
        problems=error.details().get("fields", {}) if error else {},
        opened=opened,
        engine_id=opened.engine_id,
        **context,
    )


def _move_command(found: Opened, verb: str, first: VolumePath, folder: VolumePath) -> str:
    """Empty where it would put something onto itself, which the command refuses."""
    if first.parent == folder:
        return ""
    return (commands.file_copy if verb == "copy" else commands.file_move)(found.place, first, folder / first.name)


def _choice(found: Opened, folder: VolumePath) -> dict[str, Any]:
    page = found.files.listing(folder, limit=MOST_FOLDERS)
    inside = [each for each in page.entries if each.is_folder]
    return {"folder": folder, "folders": inside, "more": len(inside) == MOST_FOLDERS and page.next is not None}


def _sent(known: set[str]) -> dict[str, Any]:
    """The query of a GET, or the form of a POST. Raises InvalidInputError for other fields than `known`."""
    if request.method == "GET":
        return {name: tuple(values) for name, values in request.args.to_dict(flat=False).items() if name != "preview"}
    sent = received()
    forms.check_fields(sent, known)
    return sent


def _paths(sent: Mapping[str, Any], field: str = "id", *, top: bool = False) -> list[VolumePath]:
    paths = paths_by_id(sent, field)
    if not paths or (not top and any(path.is_top for path in paths)):
        raise InvalidInputError({field: "Say which file or folder is meant."})
    return list(dict.fromkeys(paths))


def _folder(sent: Mapping[str, Any]) -> VolumePath | None:
    return next(reversed(paths_by_id(sent, "into_id")), None)


def _entries(found: Opened, paths: Sequence[VolumePath]) -> tuple[Entry, ...]:
    """Those that are there, at least one. Raises NotFoundError."""
    if len(paths) == 1:
        return (found.files.entry(paths[0]),)
    entries = found.files.entries(paths)
    if not entries:
        raise NotFoundError(f"None of these is in {found.place.subject} (any more).", hint="Look at the folder again.")
    return entries


def _named(name: str) -> bytes:
    """The name for the command, or what stands for it while there is none that could be one."""
    try:
        return file_name(name) if name else _NOT_SAID
    except InvalidInputError:
        return _NOT_SAID


def _typed(sent: Mapping[str, Any]) -> dict[str, str]:
    return {name: forms.text(sent, name) for name in ("mode", "uid", "gid")}


def _common(entries: Sequence[Entry]) -> dict[str, str]:
    """What all entries have in common; empty where they differ."""
    values = {
        "mode": {f"{each.mode:04o}" for each in entries if each.type != "link"},
        "uid": {str(each.uid) for each in entries},
        "gid": {str(each.gid) for each in entries},
    }
    return {name: next(iter(each)) if len(each) == 1 else "" for name, each in values.items()}
