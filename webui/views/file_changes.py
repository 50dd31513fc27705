"""Changing the files of a volume over HTTP: folders, new files, move, copy, delete, permissions.

A path is sent as text (`path`, `from`, `to`, `into`), with lone surrogates for bytes that are not UTF-8; or, as a form
can't carry these, percent-encoded as an entry's `id` has it (`id`, `from_id`, `into_id`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Blueprint, Response, url_for

from webui import forms
from webui.engine.file_model import MOST_AT_ONCE, Entry, Exists
from webui.errors import DemijohnError, InvalidInputError, NotFoundError, PartlyDoneError
from webui.jobs.copying import start_copy
from webui.paths import VolumePath, file_name, shown_name, volume_path
from webui.render import done, wants_json
from webui.views._shared import catalogue, house, meant_engine, outcome, received, same_engine, sent_along
from webui.views.file_dialogs import delete_dialog, move_again, new_again, or_again, permissions_again
from webui.views.file_shapes import entry_json
from webui.views.places import Opened, opened, opened_to_change, path_from, paths_by_id, paths_sent

blueprint = Blueprint("file_changes", __name__, url_prefix="/e/<engine>/<place:where>")


@blueprint.delete("/files/<entry:rest>")
def delete(engine: str, where: str, rest: str) -> Response:
    """Delete a file, or a folder with all that is in it."""
    sent = sent_along(set())
    same_engine(catalogue(engine), sent)
    found = opened(engine, where)
    path = path_from(rest)
    found.changes.delete(path)
    return done(found.url_of(path.parent), None, event="volume", message=f"{path.shown} was deleted.")


@blueprint.post("/-/delete")
def delete_many(engine: str, where: str) -> Response:
    """Delete the named entries, each by itself, and say how each went."""
    sent = received()
    forms.check_fields(sent, {"path", "id", "version"})
    same_engine(catalogue(engine), sent)
    found = opened(engine, where)
    paths = _paths(sent, "path", "id")
    versions = forms.many(sent, "version") or [""] * len(paths)
    if len(versions) != len(paths):
        raise InvalidInputError({"version": "Send a version for each path, each path once, or none at all."})
    results = [_deleted(found, path, version) for path, version in zip(paths, versions, strict=True)]
    failed = [result for result in results if not result["ok"]]
    if failed:
        kept = [path for path, each in zip(paths, results, strict=True) if not each["ok"]]
        return delete_dialog(found, _still_there(found, kept), results=results, status=207)
    said = f"{len(paths)} entries were deleted." if len(paths) > 1 else f"{paths[0].shown} was deleted."
    return done(found.url_of(paths[0].parent), {"results": results}, event="volume", message=said)


@blueprint.post("/folders")
@or_again(new_again)
def make_folder(engine: str, where: str) -> Response:
    """Make a folder."""
    sent = received()
    forms.check_fields(sent, {"path", "into", "into_id", "name", "parents"})
    meant_engine(catalogue(engine), sent)
    found = opened(engine, where)
    path = _new_path(sent)
    entry = found.changes.make_folder(path, parents=forms.flag(sent, "parents"))
    return _changed(found, entry, f"Folder {path.shown} was made.", status=201)


@blueprint.post("/-/file")
@or_again(new_again)
def make_file(engine: str, where: str) -> Response:
    """Make an empty file."""
    sent = received()
    forms.check_fields(sent, {"path", "into", "into_id", "name"})
    meant_engine(catalogue(engine), sent)
    found = opened(engine, where)
    path = _new_path(sent)
    written = found.changes.put(path, (), 0, exists=Exists.REFUSE)
    if written is None:
        raise AssertionError("a file that is refused where it exists is written or an error is raised")
    return _changed(found, written.entry, f"File {path.shown} was made.", status=201)


@blueprint.post("/move")
@or_again(move_again)
def move(engine: str, where: str) -> Response:
    """Move entries into another folder, or give one another name."""
    sent = received()
    forms.check_fields(sent, {"from", "from_id", "to", "into", "into_id", "name", "exists"})
    meant_engine(catalogue(engine), sent)
    found = opened(engine, where)
    exists = _exists(sent)
    pairs = _pairs(sent)
    results = [_moved(found, source, target, exists) for source, target in pairs]
    return _results(found, pairs, results)


@blueprint.post("/copy")
@or_again(move_again)
def copy(engine: str, where: str) -> Response:
    """Copy entries within the volume, in the background."""
    sent = received()
    forms.check_fields(sent, {"from", "from_id", "to", "into", "into_id", "name", "exists"})
    meant_engine(catalogue(engine), sent)
    found = opened_to_change(engine, where)
    pairs, exists = _pairs(sent), _exists(sent)
    for source, target in pairs:
        found.changes.check_copy(source, target, exists)
    job = start_copy(house().runner, catalogue(engine).engine, found.changes, pairs, exists)
    said = pairs[0][0].shown if len(pairs) == 1 else f"{len(pairs)} entries"
    return done(
        url_for("jobs.show", job_id=job.id),
        {"job": job.to_json()},
        status=202,
        event="job",
        subject=job.id,
        message=f"Copying {said}.",
    )


@blueprint.post("/permissions")
@or_again(permissions_again)
def permit(engine: str, where: str) -> Response:
    """Set mode and owner of entries, with all that is in them where that is asked."""
    sent = received()
    forms.check_fields(sent, {"path", "id", "mode", "uid", "gid", "recursive"})
    meant_engine(catalogue(engine), sent)
    found = opened(engine, where)
    paths = _paths(sent, "path", "id", top=True)
    mode, recursive = forms.text(sent, "mode"), forms.flag(sent, "recursive")
    uid, gid = _id(sent, "uid"), _id(sent, "gid")
    _check_there(found, paths)
    tried = [_permitted(found, path, mode=mode, uid=uid, gid=gid, recursive=recursive) for path in paths]
    entries = _all_changed(paths, tried)
    said = f"Permissions of {paths[0].shown if len(paths) == 1 else f'{len(paths)} entries'} were changed."
    shown = entry_json(entries[0]) if len(entries) == 1 else {"entries": [entry_json(each) for each in entries]}
    return done(found.url_of(paths[0].parent), shown, event="volume", message=said)


def _permitted(found: Opened, path: VolumePath, **wanted: Any) -> Entry | DemijohnError:
    """The entry as it is now, or why it could not be changed."""
    try:
        return found.changes.permit(path, **wanted)
    except DemijohnError as error:
        return error


def _all_changed(paths: Sequence[VolumePath], tried: Sequence[Entry | DemijohnError]) -> list[Entry]:
    """Raises what the first was refused with where none was changed, PartlyDoneError where some were."""
    refused = [each for each in tried if isinstance(each, DemijohnError)]
    if len(refused) == len(tried):
        raise refused[0]
    if refused:
        said = f"Permissions of {len(tried) - len(refused)} of {len(tried)} entries were changed. {refused[0].message}"
        raise PartlyDoneError(said, _outcomes(paths, tried), hint=refused[0].hint)
    return [each for each in tried if isinstance(each, Entry)]


def _outcomes(paths: Sequence[VolumePath], tried: Sequence[Entry | DemijohnError]) -> list[dict[str, Any]]:
    errors = [each if isinstance(each, DemijohnError) else None for each in tried]
    return [outcome(error, path=path.text, id=path.id) for path, error in zip(paths, errors, strict=True)]


def _check_there(found: Opened, paths: Sequence[VolumePath]) -> None:
    """See that all is there before anything is changed. Raises NotFoundError, ConflictError."""
    wanted = [path for path in paths if not path.is_top]
    there = {entry.path for entry in found.files.entries(wanted)}
    missing = next((path for path in wanted if path not in there), None)
    if missing is not None:
        raise NotFoundError(f"“{missing.shown}” is not in {found.place.subject} (any more); nothing was changed.")


def _still_there(found: Opened, paths: Sequence[VolumePath]) -> list[Entry]:
    """Those of the entries that can be looked at, for the dialog; a script is told of each in the results."""
    entries: list[Entry] = []
    for path in () if wants_json() else paths:
        with suppress(DemijohnError):  # said in its result
            entries.append(found.files.entry(path))
    return entries


def _deleted(found: Opened, path: VolumePath, version: str) -> dict[str, Any]:
    try:
        found.changes.delete(path, version=version)
    except DemijohnError as error:
        return outcome(error, path=path.text, id=path.id)
    return outcome(None, path=path.text, id=path.id)


def _moved(found: Opened, source: VolumePath, target: VolumePath, exists: Exists) -> dict[str, Any]:
    about = {"from": source.text, "id": source.id}
    try:
        if source == target:
            found.files.entry(source)
            return {**outcome(None, **about), "entry": None}
        entry = found.changes.rename(source, target, exists=exists)
    except DemijohnError as error:
        return {**outcome(error, **about), "status": error.status, "raised": error}
    return {**outcome(None, **about), "entry": None if entry is None else entry_json(entry)}


def _results(found: Opened, pairs: list[tuple[VolumePath, VolumePath]], results: list[dict[str, Any]]) -> Response:
    """One entry answers as itself; of many each says how it went."""
    raised = [result.pop("raised") for result in results if "raised" in result]
    if raised and len(raised) == len(results):
        raise raised[0]
    folder = pairs[0][1].parent
    if len(results) == 1:
        entry = results[0]["entry"]
        said = _what_became(*pairs[0], entry)
        subject = entry["id"] if entry else ""
        shown = entry or {"skipped": True}
        return done(found.url_of(folder), shown, event="volume", subject=subject, message=said)
    said = f"{len(results) - len(raised)} of {len(results)} entries were moved."
    if raised:
        said += f" {raised[0].message}"
    status = 207 if raised else 200
    return done(found.url_of(folder), {"results": results}, status=status, event="volume", message=said)


def _what_became(source: VolumePath, target: VolumePath, entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return f"{source.shown} was left where it is."
    if source.parent == target.parent:
        return (
            f"{shown_name(source.name)} was renamed to {shown_name(volume_path(unquote_to_bytes(entry['id'])).name)}."
        )
    return f"{source.shown} was moved."


def _changed(found: Opened, entry: Entry, said: str, *, status: int = 200) -> Response:
    location = found.url_of(entry.path)
    return done(location, entry_json(entry), status=status, event="volume", subject=entry.path.id, message=said)


def _paths(sent: Mapping[str, Any], text: str, identifier: str, *, top: bool = False) -> list[VolumePath]:
    """The paths that were sent, as text or by id, at least one. Raises InvalidInputError."""
    paths = [*paths_sent(sent, text), *paths_by_id(sent, identifier)]
    if not paths or (not top and any(path.is_top for path in paths)):
        raise InvalidInputError({text: "Say which file or folder is meant."})
    if len(paths) > MOST_AT_ONCE:
        raise InvalidInputError({text: f"Name at most {MOST_AT_ONCE:,} entries at once."})
    return list(dict.fromkeys(paths))


def _one(sent: Mapping[str, Any], text: str, identifier: str) -> VolumePath | None:
    """A path that may be left out."""
    if text not in sent and identifier not in sent:
        return None
    paths = _paths(sent, text, identifier, top=True)
    if len(paths) > 1:
        raise InvalidInputError({text: "Name one folder."})
    return paths[0]


def _new_path(sent: Mapping[str, Any]) -> VolumePath:
    """`path`, or `name` in the folder `into`."""
    if "name" not in sent:
        paths = _paths(sent, "path", "id")
        if len(paths) > 1:
            raise InvalidInputError({"path": "Name one: each is made by a request of its own."})
        return paths[0]
    folder = _one(sent, "into", "into_id") or VolumePath()
    return folder / file_name(forms.text(sent, "name", strip=False))


def _pairs(sent: Mapping[str, Any]) -> list[tuple[VolumePath, VolumePath]]:
    """What goes where: `to` is the new path of one entry, `into` the folder for any number, `name` a new name in it."""
    sources = _paths(sent, "from", "from_id")
    if "to" in sent:
        if not {"into", "into_id", "name"}.isdisjoint(sent):
            raise InvalidInputError({"to": "Say either `to`, or `into` and `name`."})
        targets = paths_sent(sent, "to")
        if len(sources) != 1 or len(targets) != 1:
            raise InvalidInputError({"to": "Say `into` which folder, if it is more than one entry."})
        return [(sources[0], targets[0])]
    folder = _one(sent, "into", "into_id")
    if "name" in sent:
        if len(sources) != 1:
            raise InvalidInputError({"name": "Only one entry can be given that name."})
        name = file_name(forms.text(sent, "name", strip=False))
        return [(sources[0], (sources[0].parent if folder is None else folder) / name)]
    if folder is None:
        raise InvalidInputError({"to": "Say where to: `to` a path, or `into` a folder."})
    return [(source, folder / source.name) for source in sources]


def _exists(sent: Mapping[str, Any]) -> Exists:
    said = forms.text(sent, "exists") or Exists.REFUSE.value
    try:
        return Exists(said)
    except ValueError:
        raise InvalidInputError({"exists": f"Say one of {', '.join(Exists)}."}) from None


def _id(sent: Mapping[str, Any], name: str) -> int | None:
    said = sent.get(name)
    return None if said is None or said in ("", ("",)) else forms.number(sent, name, default=0)
