"""Files into a volume and out of it. Their bytes flow through and are kept nowhere; for archives see `archives`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from flask import Blueprint, Response, url_for
from htmx_flask import request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from webui import commands, forms
from webui.engine.changes import Written
from webui.engine.file_model import Entry, EntryType, Exists
from webui.error_pages import error_response
from webui.errors import ConflictError, DemijohnError, InvalidInputError, NotFoundError, PartlyDoneError
from webui.paths import VolumePath, volume_path
from webui.preview import PREVIEW_BYTES, preview_of
from webui.render import answer, done
from webui.views import archives
from webui.views._shared import catalogue, house, meant_engine, outcome
from webui.views.file_shapes import entry_json
from webui.views.places import Opened, named, opened, path_from
from webui.views.receiving import SentForm, body, body_size, choice, folder_in_query
from webui.views.sending import (
    NOTHING_RUNS,
    RangeError,
    describe,
    disposition,
    flowing,
    is_unchanged,
    part_asked_for,
    place_among,
)

blueprint = Blueprint("transfers", __name__, url_prefix="/e/<engine>/<place:where>")
archives.add_to(blueprint)

BYTES = "application/octet-stream"
_OVERWRITE = (Exists.REPLACE, Exists.REFUSE, Exists.KEEP_BOTH, Exists.SKIP)
_FORM_FIELDS = {"exists", "form_token"}
_IN_FORMS = (Exists.REFUSE, Exists.REPLACE, Exists.KEEP_BOTH, Exists.SKIP)


@blueprint.put("/files", defaults={"rest": ""})
@blueprint.put("/files/<entry:rest>")
def put(engine: str, where: str, rest: str) -> Response:
    """Write a file: the body is what will be in it."""
    forms.check_fields(request.args, {"exists", "parents"})
    _check_whole()
    exists = Exists(choice(request.args, "exists", *_OVERWRITE))
    if exists is Exists.REPLACE:
        meant_engine(catalogue(engine), {})
    found, path = opened(engine, where), path_from(rest)
    _refuse_known_version(found, path)
    with place_among(house().uploads, "uploads"):
        written = found.changes.put(
            path,
            body(),
            body_size(),
            exists=Exists.REFUSE if request.if_none_match.star_tag else exists,
            version=_version_meant(found, path),
            parents=forms.flag(request.args, "parents"),
        )
    json, said = _told(found, path, written)
    new = written is not None and written.created
    location = found.url_of(path if written is None else written.entry.path)
    return done(location, json, status=201 if new else 200, event="volume", message=said)


@blueprint.get("/-/upload")
def upload(engine: str, where: str) -> Response:
    """The form for files to upload into a folder."""
    found, folder = named(engine, where), folder_in_query()
    return answer(
        "files/upload.html",
        "dialog",
        {},
        opened=found,
        folder=folder,
        folder_url=found.url_of(folder),
        form_url=f"{url_for('.upload_form', where=where)}?path={folder.id}",
        engine_id=found.engine_id,
        command=commands.file_copy_in(found.place, folder / b"FILE"),
    )


@blueprint.post("/upload")
def upload_form(engine: str, where: str) -> Response:
    """Write the files of a form into a folder, one after the other."""
    forms.check_fields(request.args, {"path", "exists", "form_token"})
    meant_engine(catalogue(engine), {})
    found, folder = opened(engine, where), folder_in_query()
    results: list[dict[str, Any]] = []
    try:
        with place_among(house().uploads, "uploads"):
            for result in _uploaded(found, folder):
                results.append(result)
    except DemijohnError as error:
        _broken_off(results, error)
    if not results:
        raise InvalidInputError({"file": "Choose a file to upload."})
    return done(found.url_of(folder), {"results": results}, event="volume", message=_how_many(results))


def _uploaded(found: Opened, folder: VolumePath) -> Iterator[dict[str, Any]]:
    """Write the files of a form as they come; the result of each."""
    sent = SentForm()
    for file in sent.files():
        forms.check_fields(sent.fields, _FORM_FIELDS)
        exists = Exists(choice({**request.args, **sent.fields}, "exists", *_IN_FORMS))
        path = _below(folder, file.name)
        yield _told(found, path, found.changes.put(path, file.chunks, exists=exists, parents=True))[0]
    forms.check_fields(sent.fields, _FORM_FIELDS)


def _broken_off(results: Sequence[Mapping[str, Any]], error: DemijohnError) -> NoReturn:
    """Raises PartlyDoneError where a file of several could not be written: those before it were, and those after it were not."""
    if not results:
        raise error
    said = f"{_how_many(results)} Then it ended: {error.message}"
    raise PartlyDoneError(said, [*results, outcome(error)], hint=error.hint) from error


def _how_many(results: Sequence[Mapping[str, Any]]) -> str:
    number = sum("skipped" not in result for result in results)
    return "One file was uploaded." if number == 1 else f"{number} files were uploaded."


@blueprint.get("/download", defaults={"rest": ""})
@blueprint.get("/download/<entry:rest>")
def download(engine: str, where: str, rest: str) -> Response:
    """A file as it is, or a part of it."""
    forms.check_fields(request.args, {"inline", "version"})
    found = opened(engine, where)
    entry = found.files.entry(path_from(rest))
    _check_is_file(found, entry)
    _refuse_other_version(entry)
    if is_unchanged(entry):
        response = Response(status=304)
        describe(response, entry)
        return response
    try:
        return _sent(found, entry, part_asked_for(entry))
    except RangeError as error:
        response = error_response(error)
        response.headers["Content-Range"] = f"bytes */{entry.size}"
        return response


def _sent(found: Opened, entry: Entry, part: tuple[int, int] | None) -> Response:
    """The file, or the part of it that begins there and is so long."""
    start, length = part or (0, entry.size)
    image = _image_type(found, entry) if forms.flag(request.args, "inline") else ""
    response = Response(iter(()), status=206 if part else 200, mimetype=image or BYTES)
    if request.method != "HEAD":
        content = found.files.download(entry.path, start, length)
        places = place_among(house().downloads, "downloads")
        response.response = flowing(places, content, f"the download of {entry.path.shown}")
    response.headers["Content-Length"] = str(length)
    if part:
        response.headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{entry.size}"
    response.headers["Content-Disposition"] = disposition(entry.name, inline=bool(image))
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    describe(response, entry)
    return response


def _image_type(found: Opened, entry: Entry) -> str:
    """The media type of an image that may be shown as such; what else it may be is only ever saved."""
    preview = preview_of(entry.name, found.files.read(entry.path, PREVIEW_BYTES), entry.size)
    return preview.image_type if preview.kind == "image" else ""


def _check_is_file(found: Opened, entry: Entry) -> None:
    name = entry.path.shown or found.place.name
    if entry.is_folder:
        archive = f"{url_for('.pack', where=found.where)}?path={entry.path.id}"
        raise ConflictError(f"“{name}” is a folder.", hint=f"Download it as an archive: {archive}&format=tar.gz")
    if entry.type is EntryType.LINK:
        raise ConflictError(f"“{name}” is a symbolic link, and links are not followed.", hint="Download its target.")
    if not entry.is_file:
        raise ConflictError(f"“{name}” is a {entry.type.value}: there is nothing in it to download.")


def _check_whole() -> None:
    """See that the body is the file: neither a part of it nor packed. Raises BadRequest, UnsupportedMediaType.

    (https://www.rfc-editor.org/rfc/rfc9110#section-14.5)
    """
    if "Content-Range" in request.headers:
        raise BadRequest("Send the whole file: a part of it is not put into what is there.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Send the file as it is, without a Content-Encoding.")


def _refuse_other_version(entry: Entry) -> None:
    """Keep `If-Match`: a file that became another is not what was asked for. Raises ConflictError."""
    if "If-Match" in request.headers and entry.version not in request.if_match:
        raise ConflictError(f"“{entry.path.shown}” has another version than the one asked for.")


def _version_meant(found: Opened, path: VolumePath) -> str:
    """The version that `If-Match` asks for: what is there if it is one of those, else one that nothing has."""
    if "If-Match" not in request.headers:
        return ""
    try:
        version = found.files.entry(path).version
    except NotFoundError:
        return "none"
    return version if version in request.if_match else "none"


def _refuse_known_version(found: Opened, path: VolumePath) -> None:
    """Keep `If-None-Match` with a version: only what is not that is written. Raises ConflictError.

    (https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2)
    """
    if "If-None-Match" not in request.headers or request.if_none_match.star_tag:
        return
    with suppress(NotFoundError):
        if request.if_none_match.contains_weak(found.files.entry(path).version):
            raise ConflictError(f"“{path.shown}” has the version that it should not have; nothing was written.")


def _told(found: Opened, path: VolumePath, written: Written | None) -> tuple[dict[str, Any], str]:
    """How writing a file went, for a script and in a sentence."""
    if written is None:
        return {"skipped": True, "path": path.text}, f"{path.shown} was there already and stays as it is."
    said = f"{written.entry.path.shown} was {'uploaded' if written.created else 'replaced'}."
    warnings = (*written.warnings, *found.warnings)
    return {**entry_json(written.entry), "warnings": list(warnings)}, " ".join((said, *warnings))


def _below(folder: VolumePath, name: str) -> VolumePath:
    """The path of a file in a form; one of a folder that was chosen has folders in its name."""
    return volume_path(b"/".join(filter(None, (folder.raw, name.encode("utf-8", "surrogateescape")))), "file")
