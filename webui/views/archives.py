"""Archives out of a volume, made while they are sent, and into it, checked while they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from posixpath import basename
from typing import Any, Literal, cast

from flask import Blueprint, Response, url_for
from htmx_flask import request

from webui import commands, forms
from webui.archives import ArchiveFormat, packed
from webui.engine.file_model import EntryType, Exists, Place
from webui.errors import DemijohnError, InvalidInputError, NotFoundError
from webui.jobs.importing import Imported, Wish, import_archive
from webui.paths import VolumePath, name_text, shown_name
from webui.render import VARY, answer, wants_json
from webui.views._shared import catalogue, house, meant_engine, received
from webui.views.places import Opened, named, opened, paths_by_id, paths_sent
from webui.views.receiving import (
    SentFile,
    SentForm,
    body,
    body_size,
    choice,
    folder_in_query,
    is_form,
    paths_in_query,
)
from webui.views.sending import NOTHING_RUNS, disposition, flowing, place_among

_WISHES = {"owners", "modes", "devices", "exists"}
_MERGE = (Exists.REFUSE, Exists.REPLACE, Exists.SKIP)
_FORMAT_WORDS = {
    ArchiveFormat.TAR: "The quickest, and as large as the files.",
    ArchiveFormat.TAR_GZ: "Smaller, and understood everywhere.",
    ArchiveFormat.TAR_ZST: "Small and quick; unpacked with zstd.",
    ArchiveFormat.ZIP: "Opens on every desktop.",
}
_OPTIONS = (
    (
        "exists",
        "Where a name is taken",
        (
            (
                "refuse",
                "Change nothing, and say so",
                "Folders that exist are no obstacle: what is new is put into them.",
            ),
            ("replace", "Replace what is there", "A folder is never replaced, and keeps its owner and mode."),
            ("skip", "Leave what is there", "The rest is imported."),
        ),
    ),
    (
        "owners",
        "Owners",
        (
            ("keep", "As in the archive", "User and group by their numbers, as tar does for root."),
            ("folder", "As the folder’s", "Everything belongs to whoever the folder belongs to."),
        ),
    ),
    (
        "modes",
        "Modes",
        (
            ("keep", "As in the archive", "Set-user-ID programs and file capabilities too."),
            ("plain", "Without special rights", "Set-user-ID, set-group-ID and file capabilities are taken away."),
        ),
    ),
    (
        "devices",
        "Devices",
        (
            ("0", "Leave them out", "An archive of files rarely means to bring any."),
            ("1", "Make them", "Whoever may open such a file in a container may reach the hardware behind it."),
        ),
    ),
)
"""Fields of the form: name, legend, and for each choice its value, label and a sentence."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Entries of one folder, or without names all that is in it; `name` is what an archive of them is called."""

    folder: VolumePath
    names: tuple[bytes, ...]
    name: bytes

    @property
    def paths(self) -> list[VolumePath]:
        """What is selected."""
        return [self.folder / name for name in self.names] or [self.folder]


def add_to(blueprint: Blueprint) -> None:
    """Register the routes: they belong to transfers."""
    for rule, view in (("/archive", pack), ("/-/archive", archive), ("/-/archive/contents", archive_contents)):
        blueprint.route(rule, methods=["GET", "POST"])(view)
    blueprint.get("/-/import")(import_form)
    blueprint.post("/import")(take_in)


def pack(engine: str, where: str) -> Response:
    """An archive of what is selected; a long selection is sent as a form."""
    sent = _sent({"format"})
    kind = ArchiveFormat(choice({"format": forms.text(sent, "format")}, "format", *ArchiveFormat))
    found = opened(engine, where)
    selected = _selection(found, sent)
    name = selected.name + kind.suffix.encode()
    response = Response(iter(()), mimetype=kind.media_type)
    if request.method != "HEAD":
        tar = found.files.tar(selected.folder, selected.names, options=kind.tar_options)
        places = place_among(house().downloads, "downloads")
        response.response = flowing(places, _packing(tar, kind), f"the archive {shown_name(name)}")
    response.headers["Content-Disposition"] = disposition(name)
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    response.vary.update(VARY.split(", "))
    return response


def archive(engine: str, where: str) -> Response:
    """The formats to choose from, and what each can't carry."""
    found = named(engine, where)
    selected = _selection(found, _sent(), look=False)
    shown = [shown_name(name) for name in selected.names]
    formats = [{"format": kind.value, "carries": kind.carries, "cannot": kind.cannot} for kind in ArchiveFormat]
    words = {kind.value: said for kind, said in _FORMAT_WORDS.items()}
    return answer(
        "files/archive.html",
        "dialog",
        {"formats": formats},
        opened=found,
        selected=selected,
        shown=shown,
        formats=[{**each, "words": words[each["format"]]} for each in formats],
        folder_url=found.url_of(selected.folder),
        command=commands.archive_out(
            found.place,
            selected.folder,
            [name_text(name) for name in selected.names],
            f"{shown_name(selected.name)}.tar",
        ),
    )


def archive_contents(engine: str, where: str) -> Response:
    """How much is selected, and how much of it is neither file, folder nor link: not every format carries that."""
    found = opened(engine, where)
    selected = _selection(found, _sent())
    entries, taken = found.files.count(selected.paths)
    counted = found.files.not_carried(selected.folder, selected.names)
    special = {kind.value: number for kind, number in counted.items() if kind is not EntryType.LINK}
    return answer(
        "files/archive_contents.html",
        "contents",
        {"entries": entries, "bytes": taken, "special": special},
        number=entries,
        taken=taken,
        special=special,
        folder_url=found.url_of(selected.folder),
    )


def import_form(engine: str, where: str) -> Response:
    """The form for an archive to import into a folder."""
    return _import_dialog(named(engine, where), folder_in_query())


def take_in(engine: str, where: str) -> Response:
    """Unpack an archive, which is the body or the file of a form, into a folder: all of it, or nothing."""
    forms.check_fields(request.args, {"path", "form_token", *_WISHES})
    meant_engine(catalogue(engine), {})
    found, folder = opened(engine, where), folder_in_query()
    try:
        with place_among(house().uploads, "uploads"):
            imported = _imported(found, folder)
    except DemijohnError as error:
        if wants_json():
            raise
        return _import_dialog(found, folder, error=error)
    told = replace(imported, warnings=(*imported.warnings, *found.warnings))
    return _import_dialog(found, folder, imported=told)


def _imported(found: Opened, folder: VolumePath) -> Imported:
    runner = house().runner
    if not is_form():
        return import_archive(runner, found.changes, folder, _wish(request.args), body(), size=body_size())
    sent = SentForm()
    files = sent.files()
    file = next(files, None)
    if file is None:
        raise InvalidInputError({"archive": "Choose an archive to import."})
    forms.check_fields(sent.fields, {"form_token", *_WISHES})
    wish = _wish({**request.args, **sent.fields})
    return import_archive(runner, found.changes, folder, wish, _only(file, files, sent), size=None)


def _only(file: SentFile, others: Iterator[SentFile], sent: SentForm) -> Iterator[bytes]:
    """The bytes of the file of a form. Raises InvalidInputError where another file follows it, or a field unread."""
    before = dict(sent.fields)
    yield from file.chunks
    if next(others, None) is not None:
        raise InvalidInputError({"archive": "Send one archive at a time; nothing was changed."})
    late = [name for name, value in sent.fields.items() if before.get(name) != value]
    if late:
        raise InvalidInputError(dict.fromkeys(late, "Send this before the archive; nothing was changed."))


def _wish(sent: Mapping[str, Any]) -> Wish:
    return Wish(
        owners=cast(Literal["keep", "folder"], choice(sent, "owners", "keep", "folder")),
        modes=cast(Literal["keep", "plain"], choice(sent, "modes", "keep", "plain")),
        devices=forms.flag(sent, "devices"),
        exists=Exists(choice(sent, "exists", *_MERGE)),
    )


def _import_dialog(
    found: Opened,
    folder: VolumePath,
    *,
    error: DemijohnError | None = None,
    imported: Imported | None = None,
) -> Response:
    """The form, with what came of it where it was sent; htmx only gets that part."""
    return answer(
        "files/import.html",
        "outcome" if error or imported else "dialog",
        imported.to_json() if imported else {},
        status=error.status if error else (201 if imported else 200),
        opened=found,
        folder=folder,
        folder_url=found.url_of(folder),
        form_url=f"{url_for('.take_in', where=found.where)}?path={folder.id}",
        engine_id=found.engine_id,
        options=_OPTIONS,
        error=error,
        problems=error.details().get("fields", {}) if error else {},
        clashes=getattr(error, "clashes", ()),
        clash_count=getattr(error, "count", 0),
        imported=imported,
        command=commands.archive_in(found.place, folder, "ARCHIVE.tar"),
    )


@contextmanager
def _packing(opening: AbstractContextManager[Iterator[bytes]], kind: ArchiveFormat) -> Iterator[Iterator[bytes]]:
    with opening as tar:
        yield packed(tar, kind)


def _sent(known: Set[str] = frozenset()) -> dict[str, Any]:
    """The arguments, or what was posted: what is selected, and the known ones."""
    arguments = {name: tuple(values) for name, values in request.args.to_dict(flat=False).items()}
    sent = received() if request.method == "POST" else arguments
    forms.check_fields(arguments | sent, {"path", "id", *known})
    return sent


def _selection(found: Opened, sent: Mapping[str, Any], *, look: bool = True) -> Selection:
    """What is named by `path` or by `id`, which is percent-encoded; with `look` only if all of it is there.

    Raises InvalidInputError where it is not of one folder, NotFoundError.
    """
    in_body = paths_sent(sent, "path") if request.method == "POST" else []
    paths = list(dict.fromkeys([*in_body, *paths_in_query(), *paths_by_id(sent)]))
    if not paths or paths == [VolumePath()]:
        return Selection(VolumePath(), (), _place_name(found.place))
    folder = paths[0].parent
    if any(path.is_top or path.parent != folder for path in paths):
        raise InvalidInputError({"path": "Name entries of one folder, or the folder itself."})
    if look:
        there = {entry.path for entry in found.files.entries(paths)}
        missing = next((path for path in paths if path not in there), None)
        if missing is not None:
            raise NotFoundError(f"“{missing.shown}” is not in {found.place.subject} (any more).")
    name = paths[0].name if len(paths) == 1 else folder.name or _place_name(found.place)
    return Selection(folder, tuple(path.name for path in paths), name)


def _place_name(place: Place) -> bytes:
    name = place.name if place.kind == "volume" else basename(place.source) or "folder"
    return name.encode("utf-8", "surrogateescape")
