"""Editing a text file of a volume: the editor, saving, and what to do when somebody else saved first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, url_for

from webui import commands, forms
from webui.engine.file_model import Entry, Exists
from webui.errors import ConflictError, InvalidInputError
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
    found = opened(engine, where)
    entry, data = _content(found, path_from(rest))
    text = decoded(data)
    return _editor(found, entry, text, version=_version(data))


@blueprint.post("/<entry:rest>")
def save(engine: str, where: str, rest: str) -> Response:
    """Save the file, if it still is what the editor was given."""
    sent = received(longest=FORM_BYTES)
    meant_engine(catalogue(engine), sent)
    draft = _draft(sent)
    found = opened(engine, where)
    entry, data = _content(found, path_from(rest))
    if not draft.as_copy and _version(data) != draft.version:
        return _conflict(found, entry, draft, data)
    try:
        written = _encoded(draft, data)
    except InvalidInputError as error:
        if wants_json():
            raise
        return _again(found, entry, draft, error)
    if draft.as_copy:
        return _save_copy(found, entry.path, written)
    try:
        result = found.changes.put(entry.path, [written], len(written), digest=draft.version)
    except ConflictError:
        entry, data = _content(found, path_from(rest))
        if _version(data) == draft.version:
            raise
        return _conflict(found, entry, draft, data)
    if result is None:
        raise AssertionError("a file that replaces another is written or an error is raised")
    return _saved(found, result.entry, written, result.warnings)


def _save_copy(found: Opened, path: VolumePath, written: bytes) -> Response:
    result = found.changes.put(path, [written], len(written), exists=Exists.KEEP_BOTH)
    if result is None:
        raise AssertionError("a copy is kept beside what is there or an error is raised")
    return _saved(found, result.entry, written, ())


def _saved(found: Opened, entry: Entry, written: bytes, warnings: tuple[str, ...]) -> Response:
    warnings = (*warnings, *found.warnings)
    said = {
        "version": _version(written),
        "entry": entry_json(entry),
        "warnings": list(warnings),
        "url": _url(found, entry.path),
    }
    message = " ".join((f"{entry.path.shown} was saved.", *warnings))
    return done(_url(found, entry.path), said, event="volume", message=message)


def _conflict(found: Opened, entry: Entry, draft: Draft, data: bytes) -> Response:
    try:
        theirs = decoded(data).text
    except InvalidInputError:
        theirs = ""
    conflict = Conflict(theirs, _version(data), [*line_diff(draft.text, theirs)])
    return _editor(found, entry, draft.shown, version=draft.version, conflict=conflict, status=409)


def _again(found: Opened, entry: Entry, draft: Draft, error: InvalidInputError) -> Response:
    """The editor with what was sent, and why that can't be written."""
    return _editor(found, entry, draft.shown, version=draft.version, problem=error.message, status=error.status)


def _editor(
    found: Opened,
    entry: Entry,
    text: EditableText,
    *,
    version: str,
    conflict: Conflict | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    url = _url(found, entry.path)
    error = f"“{entry.path.shown}” was saved by somebody else meanwhile; nothing was written."
    return answer(
        "files/edit.html",
        "conflict" if conflict else "editor",
        {
            **({"error": error} if conflict else {}),
            "version": conflict.version if conflict else version,
            "text": conflict.theirs if conflict else text.text,
            "encoding": text.encoding,
            "line_endings": text.line_endings,
            "bom": text.bom,
        },
        status=status,
        opened=found,
        place=found.place,
        path=entry.path,
        entry=entry,
        text=text.text,
        encoding=text.encoding,
        line_endings=text.line_endings,
        bom=text.bom,
        version=version,
        mode=mode_for(entry.name),
        read_only=found.place.read_only,
        writers=found.writers,
        saved=False,
        conflict=conflict,
        problem=problem,
        save_url=url,
        back_url=found.url_of(entry.path.parent),
        engine_id=found.engine_id,
        command=commands.file_copy_in(found.place, entry.path),
    )


def _content(found: Opened, path: VolumePath) -> tuple[Entry, bytes]:
    """The whole of a file that is small enough. Raises ConflictError where it is not."""
    entry = found.files.entry(path)
    data = found.files.read(path, EDIT_BYTES + 1) if entry.size <= EDIT_BYTES else b""
    if max(entry.size, len(data)) > EDIT_BYTES:
        raise ConflictError(
            f"“{path.shown}” is larger than the {EDIT_BYTES // 1024**2} MB that can be edited here.",
            hint="Download it, edit it, and upload it again.",
        )
    return entry, data


def _draft(sent: Mapping[str, Any]) -> Draft:
    forms.check_fields(sent, {"text", "version", "encoding", "line_endings", "bom", "copy", "overwrite_version"})
    if sent.get("text") is None:
        raise InvalidInputError({"text": "Send the text to save."})
    version = forms.text(sent, "overwrite_version") or forms.text(sent, "version")
    draft = Draft(
        text=forms.text(sent, "text", strip=False),
        encoding=forms.text(sent, "encoding") or "utf-8",
        line_endings=forms.text(sent, "line_endings") or "LF",
        bom=forms.flag(sent, "bom"),
        version=version,
        as_copy=forms.flag(sent, "copy"),
    )
    if not draft.version and not draft.as_copy:
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
