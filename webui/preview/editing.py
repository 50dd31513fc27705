"""A file's text as an editor gets it, and back to bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from webui.errors import InvalidInputError
from webui.preview.encodings import BYTE_ORDER_MARKS, ENCODINGS, read_text
from webui.preview.lines import BREAK, ENDINGS, LineEndings, line_endings, with_endings_of
from webui.preview.matching import shared_start

EDIT_BYTES: Final = 4 * 1024 * 1024
"""The largest file that is edited."""
FORM_BYTES: Final = 3 * EDIT_BYTES + 64 * 1024
"""What a form with it may take: in UTF-8, and with two bytes to a line's end, a byte of the file becomes three at most."""


@dataclass(frozen=True, slots=True)
class EditableText:
    """A file's text with the line endings it has, and what it takes to write it back.

    `text` is without the byte order mark, `bom` says that there is one. `encoding` is one of ENCODINGS.
    """

    text: str
    encoding: str = "utf-8"
    line_endings: LineEndings = "LF"
    final_newline: bool = False
    bom: bool = False


def decoded(data: bytes) -> EditableText:
    """The whole of a file as text. Raises InvalidInputError naming `text` where it is none."""
    found = read_text(data)
    if found is None:
        raise InvalidInputError({"text": "This file is not text, so it can't be edited here."})
    text = found.text
    return EditableText(text, found.encoding, line_endings(text), text.endswith(("\n", "\r")), found.bom)


def encoded(text: str, encoding: str, line_endings: str, bom: bool, original: EditableText | None = None) -> bytes:
    """The bytes to write for `text` as an editor sent it.

    Browsers end every line of a <textarea> with CRLF when they send it, and scripts with what they like
    (https://html.spec.whatwg.org/multipage/form-elements.html#the-textarea-element): what ends a line in `text` is not
    looked at. LF, CRLF and CR end all lines so. "mixed" keeps what each line has in `original`, the file that is about
    to be replaced; a new line ends like the one above it. What was not changed comes out byte for byte.

    A byte order mark is written in the encodings of Unicode only.

    Raises InvalidInputError naming `encoding`, `line_endings`, or `text` where it has a character that the encoding has
    not.
    """
    if encoding not in ENCODINGS:
        raise InvalidInputError({"encoding": "Files are not written in this encoding here."})
    mark = BYTE_ORDER_MARKS.get(encoding, b"") if bom else b""
    return mark + _bytes(_with_endings(text, line_endings, original), encoding)


def _with_endings(text: str, endings: str, original: EditableText | None) -> str:
    if endings == "mixed":
        return with_endings_of(original.text if original else "", text)
    if endings not in ENDINGS:
        raise InvalidInputError({"line_endings": "Lines end with LF, CRLF or CR, or as they did before: mixed."})
    return BREAK.sub(ENDINGS[endings], text)


def _bytes(text: str, encoding: str) -> bytes:
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        raise _not_in(encoding, text, error.start) from None
    # Some encodings write a character that they lack as one that looks like it.
    read = data.decode(encoding)
    if read != text:
        raise _not_in(encoding, text, shared_start(text, read))
    return data


def _not_in(encoding: str, text: str, place: int) -> InvalidInputError:
    character = text[place]
    named = f"“{character}”" if character.isprintable() else f"U+{ord(character):04X}"
    line = len(BREAK.findall(text, 0, place)) + 1
    return InvalidInputError(
        {
            "text": f"{named} in line {line:,} can’t be written in {encoding}. Take it out, or choose UTF-8 as the encoding.",
        }
    )
