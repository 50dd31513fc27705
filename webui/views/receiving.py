"""Bodies that are files: read as they come, a piece at a time, and never kept.

A script and the pages' own uploads send the file itself; a form without JavaScript sends it among its fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, cast
from urllib.parse import parse_qsl

from htmx_flask import request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from webui.errors import InvalidInputError
from webui.paths import VolumePath, volume_path

PIECE: Final = 1024 * 1024
_FORM_PIECE: Final = 256 * 1024
_LONGEST_FIELDS: Final = 64 * 1024
_LONGEST_HEAD: Final = 1024 * 1024
"""What may be held of a form: a piece, and what of an earlier one did not end yet."""
_MOST_PARTS: Final = 10_000
_FILE_NAME: Final = re.compile(r';\s*filename="([^"]*)"\s*(?:;|$)', re.IGNORECASE)


class BrokenOffError(InvalidInputError):
    """The body ended before it was complete."""

    title = "The upload broke off"

    def __init__(self) -> None:
        super().__init__(
            {}, "The upload broke off; nothing was changed by what did not come whole.", hint="Send it again."
        )


@dataclass(slots=True)
class SentFile:
    """A file of a form: its name as the browser sends it, with folders where one was chosen, and its bytes.

    `chunks` has to be read before the next file is asked for; what is left of it is skipped then.
    """

    field: str
    name: str
    chunks: Iterator[bytes]


@dataclass(slots=True)
class SentForm:
    """A form whose files flow. `fields` are those that came before the file one is at, the last value of each."""

    fields: dict[str, str] = field(default_factory=dict)

    def files(self) -> Iterator[SentFile]:
        """The files, one after the other; fields left empty are none. Raises InvalidInputError, BrokenOffError."""
        events = _Events()
        while (event := events.next()) is not None:
            if isinstance(event, Field):
                self._take(event.name, events)
            elif isinstance(event, File):
                chunks = events.data()
                if event.filename:
                    yield SentFile(event.name, _file_name(event), chunks)
                for _ in chunks:
                    """What nobody wanted."""

    def _take(self, name: str, events: _Events) -> None:
        value = bytearray()
        for chunk in events.data():
            value += chunk
            if len(value) + sum(map(len, self.fields.values())) > _LONGEST_FIELDS:
                raise RequestEntityTooLarge
        self.fields[name] = value.decode("utf-8", "replace")


def is_form() -> bool:
    """Whether the file comes in a form."""
    return bool(request.mimetype == "multipart/form-data")


def body_size() -> int | None:
    """How many bytes the body has, where that was announced."""
    if request.content_length is None and "Transfer-Encoding" not in request.headers:
        return 0
    return cast(int | None, request.content_length)


def body(piece: int = PIECE) -> Iterator[bytes]:
    """The body in pieces, as they come. Raises BrokenOffError where it is shorter than announced or the sender is gone."""
    done, size = 0, body_size()
    while chunk := _read(piece):
        done += len(chunk)
        yield chunk
    if size is not None and done != size:
        raise BrokenOffError


def paths_in_query() -> list[VolumePath]:
    """Every `path` of the query as the bytes that were sent, UTF-8 or not. Raises InvalidInputError."""
    query = request.query_string.decode("utf-8", "surrogateescape")
    try:
        found = parse_qsl(query, keep_blank_values=True, errors="surrogateescape", max_num_fields=_MOST_PARTS)
    except ValueError:
        raise InvalidInputError({"path": f"Name at most {_MOST_PARTS:,} entries at once."}) from None
    return [volume_path(value) for name, value in found if name == "path"]


def folder_in_query() -> VolumePath:
    """The one `path` of the query; the top folder where there is none. Raises InvalidInputError."""
    paths = paths_in_query() or [VolumePath()]
    if len(paths) > 1:
        raise InvalidInputError({"path": "Name one folder."})
    return paths[0]


def choice(sent: Mapping[str, Any], name: str, *known: str) -> str:
    """One of the known words, the first where nothing was said. Raises InvalidInputError."""
    said = sent.get(name) or known[0]
    if said not in known:
        raise InvalidInputError({name: f"Say one of {', '.join(known)}."})
    return str(said)


class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Events:
    """What is in a form, as it comes."""

    def __init__(self) -> None:
        boundary = request.mimetype_params.get("boundary", "").encode("ascii", "replace")
        if not boundary:
            raise InvalidInputError({}, "The form does not say where its parts end.")
        self._decoder = MultipartDecoder(boundary, _LONGEST_HEAD, max_parts=_MOST_PARTS)
        self._pieces = body(_FORM_PIECE)

    def next(self) -> Any:
        """The next field, file or piece of data; None at the end."""
        while True:
            try:
                event = self._decoder.next_event()
            except ValueError as error:
                raise InvalidInputError({}, "The form can't be read.") from error
            if isinstance(event, NeedData):
                self._decoder.receive_data(next(self._pieces, None))
            elif isinstance(event, Epilogue):
                for _ in self._pieces:
                    """Nothing of a form comes after its end."""
                return None
            elif isinstance(event, Field | File | Data):
                return event

    def data(self) -> Iterator[bytes]:
        """The data of the part that was handed out last."""
        while isinstance(event := self.next(), Data):
            if event.data:
                yield event.data
            if not event.more_data:
                return


def _read(piece: int) -> bytes:
    stream: _Reads = request.stream
    try:
        return stream.read(piece)
    except (OSError, ValueError, HTTPException) as error:
        raise BrokenOffError from error


def _file_name(part: File) -> str:
    """The name of a file in a form; a browser spells out what would end it, and a backslash is one.

    (https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data)
    """
    quoted = _FILE_NAME.search(part.headers["Content-Disposition"])
    name = quoted[1] if quoted else part.filename
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
