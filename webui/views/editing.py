"""Editing a text file of a volume: the editor, saving, and what to do when somebody else saved first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, url_for
from htmx_flask import request

from webui import commands, forms
from webui.engine.file_model import Entry, Exists
from webui.errors import ConflictError, DemijohnError, InvalidInputError, NotFoundError
from webui.paths import VolumePath
from webui.preview import EDIT_BYTES, FORM_BYTES, EditableText, decoded, encoded, line_diff, mode_for
from webui.render import answer, done, wants_json
from webui.views._shared import catalogue, meant_engine, received
from webui.views.file_shapes import entry_json
from webui.views.places import Opened, opened, path_from

blueprint = Blueprint("editing", __name__, url_prefix="/e/<engine>/<place:where>/-/edit")


@dataclass(frozen=True, slots=True)
class Draft:
    """What an editor sent: the text, how it is to be written, and the version it was made from."""

    text: str
    encoding: str
    line_endings: str
    bom: bool
    version: str
    as_copy: bool
    again: bool
    """Whether it is to be made anew, as it is gone."""

    @property
    def shown(self) -> EditableText:
        """The text as the editor shows it."""
        return EditableText(self.text, self.encoding, self.line_endings, bom=self.bom)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Conflict:
    """The file was changed meanwhile: what it holds now, its version, and what differs."""

    theirs: str
    version: str
    diff: list[tuple[str, str]]


@blueprint.get("/<entry:rest>")
def edit(engine: str, where: str, rest: str) -> Response:
    """The editor with the file in it."""
    found, path = opened(engine, where), path_from(rest)
    try:
        data = _content(found, path)
        text = decoded(data)
    except DemijohnError as error:
        if wants_json():
            raise
        return _refusal(error, where, path)
    return _editor(found, path, text, version=_version(data))


@blueprint.post("/<entry:rest>")
def save(engine: str, where: str, rest: str) -> Response:
    """Save the file, if it still is what the editor was given."""
    sent = received(longest=FORM_BYTES)
    meant_engine(catalogue(engine), sent)
    draft = _draft(sent)
    found, path = opened(engine, where), path_from(rest)
    try:
        return _saved_draft(found, path, draft)
    except _ChangedError as error:
        return _conflict(found, path, draft, error.data)
    except NotFoundError:
        if wants_json():
            raise
        return _editor(found, path, draft.shown, version=draft.version, gone=True, status=404)
    except InvalidInputError as error:
        if wants_json():
            raise
        return _editor(found, path, draft.shown, version=draft.version, problem=error.message, status=error.status)


class _ChangedError(Exception):
    """The file is not what the editor was given any more; `data` is what it holds now."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data


def _saved_draft(found: Opened, path: VolumePath, draft: Draft) -> Response:
    """Write the draft where it is to go. Raises _ChangedError, NotFoundError where there is no such file any more."""
    if draft.again:
        return _written(found, path, _encoded(draft, b""), Exists.REFUSE)
    data = _content(found, path)
    if draft.as_copy:
        return _written(found, path, _encoded(draft, data), Exists.KEEP_BOTH)
    if _version(data) != draft.version:
        raise _ChangedError(data)
    try:
        return _written(found, path, _encoded(draft, data), Exists.REPLACE, digest=draft.version)
    except ConflictError:
        data = _content(found, path)
        if _version(data) == draft.version:
            raise
        raise _ChangedError(data) from None


def _written(found: Opened, path: VolumePath, text: bytes, exists: Exists, *, digest: str = "") -> Response:
    result = found.changes.put(path, [text], len(text), exists=exists, digest=digest)
    if result is None:
        raise AssertionError("what is not to be skipped is written or an error is raised")
    return _saved(found, result.entry, text, result.warnings)


def _refusal(error: DemijohnError, where: str, path: VolumePath) -> Response:
    """A page that says why the file can't be edited, with the ways on from there."""
    title = "It can’t be edited"
    return answer(
        "files/trouble.html", "trouble", {}, status=error.status, error=error, where=where, path=path, title=title
    )


def _saved(found: Opened, entry: Entry, written: bytes, warnings: tuple[str, ...]) -> Response:
    warnings = (*warnings, *found.warnings)
    said = {
        "version": _version(written),
        "entry": entry_json(entry),
        "warnings": list(warnings),
        "url": _url(found, entry.path),
    }
    message = " ".join((f"{entry.path.shown} was saved.", *warnings))
    return done(f"{_url(found, entry.path)}?saved=1", said, event="volume", message=message)


def _conflict(found: Opened, path: VolumePath, draft: Draft, data: bytes) -> Response:
    try:
        theirs = decoded(data).text
    except InvalidInputError:
        theirs = ""
    conflict = Conflict(theirs, _version(data), [*line_diff(draft.text, theirs)])
    return _editor(found, path, draft.shown, version=draft.version, conflict=conflict, status=409)


def _editor(
    found: Opened,
    path: VolumePath,
    text: EditableText,
    *,
    version: str,
    conflict: Conflict | None = None,
    gone: bool = False,
    problem: str = "",
    status: int = 200,
) -> Response:
    return answer(
        "files/edit.html",
        "conflict" if conflict or gone else "editor",
        _text_json(path, text, version, conflict) if wants_json() else {},
        status=status,
        opened=found,
        place=found.place,
        path=path,
        text=text.text,
        encoding=text.encoding,
        line_endings=text.line_endings,
        bom=text.bom,
        version=version,
        mode=mode_for(path.name),
        read_only=found.place.read_only,
        writers=found.writers,
        saved=request.args.get("saved") == "1",
        conflict=conflict,
        gone=gone,
        problem=problem,
        save_url=_url(found, path),
        back_url=found.url_of(path.parent),
        engine_id=found.engine_id,
        command=commands.file_copy_in(found.place, path),
    )


def _text_json(path: VolumePath, text: EditableText, version: str, conflict: Conflict | None) -> dict[str, Any]:
    """The text and its version; of a conflict those of what is there now."""
    said = {"encoding": text.encoding, "line_endings": text.line_endings, "bom": text.bom}
    if conflict is None:
        return {"version": version, "text": text.text, **said}
    error = f"“{path.shown}” was saved by somebody else meanwhile; nothing was written."
    return {"error": error, "version": conflict.version, "text": conflict.theirs, **said}


def _content(found: Opened, path: VolumePath) -> bytes:
    """The whole of a file that is small enough. Raises ConflictError where it is not."""
    entry = found.files.entry(path)
    data = found.files.read(path, EDIT_BYTES + 1) if entry.size <= EDIT_BYTES else b""
    if max(entry.size, len(data)) > EDIT_BYTES:
        raise ConflictError(
            f"“{path.shown}” is larger than the {EDIT_BYTES // 1024**2} MB that can be edited here.",
            hint="Download it, edit it, and upload it again.",
        )
    return data


def _draft(sent: Mapping[str, Any]) -> Draft:
    forms.check_fields(
        sent, {"text", "version", "encoding", "line_endings", "bom", "copy", "again", "overwrite_version"}
    )
    if sent.get("text") is None:
        raise InvalidInputError({"text": "Send the text to save."})
    if "\0" in forms.text(sent, "text", strip=False):
        raise InvalidInputError({"text": "There is a NUL (U+0000) in it, which no text has. Take it out."})
    version = forms.text(sent, "overwrite_version") or forms.text(sent, "version")
    draft = Draft(
        text=forms.text(sent, "text", strip=False),
        encoding=forms.text(sent, "encoding") or "utf-8",
        line_endings=forms.text(sent, "line_endings") or "LF",
        bom=forms.flag(sent, "bom"),
        version=version,
        as_copy=forms.flag(sent, "copy"),
        again=forms.flag(sent, "again"),
    )
    if not (draft.version or draft.as_copy or draft.again):
        raise InvalidInputError({"version": "Say which version of the file was edited."})
    return draft


def _encoded(draft: Draft, data: bytes) -> bytes:
    try:
        original: EditableText | None = decoded(data)
    except InvalidInputError:
        original = None  # it was text when it was opened; line endings are then those that were asked for
    if original is None and draft.line_endings == "mixed":
        draft = replace(draft, line_endings="LF")
    return encoded(draft.text, draft.encoding, draft.line_endings, draft.bom, original)


def _version(data: bytes) -> str:
    return sha256(data).hexdigest()


def _url(found: Opened, path: VolumePath) -> str:
    base = url_for("editing.edit", where=found.where, rest="x")
    return base.removesuffix("x") + path.id
