"""What is shown of a file to someone who only looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from webui.preview.encodings import ReadText, read_text
from webui.preview.lines import line_endings
from webui.preview.modes import PLAIN, mode_for

PREVIEW_BYTES: Final = 64 * 1024
"""What is looked at of a file, and shown of a text."""
HEX_BYTES: Final = 4 * 1024
"""What is shown of a file that is no text."""
IMAGE_BYTES: Final = 16 * 1024 * 1024
"""The largest image that is shown."""

_ROW: Final = 16
_BMP_HEADERS: Final = frozenset({12, 40, 52, 56, 64, 108, 124})


@dataclass(frozen=True, slots=True)
class HexRow:
    """Sixteen bytes: where they begin, each in two hexadecimal digits, and as letters of ASCII where they are such."""

    offset: int
    hex: str
    ascii: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown of a file.

    `text`, `encoding` and `line_endings` belong to the kind "text", `rows` to "hex". `image_type` is the media type of
    any image; one that is too large to show is of the kind "hex". `mode` is CodeMirror's.
    """

    kind: Literal["text", "image", "hex", "empty"]
    text: str = ""
    encoding: str = ""
    line_endings: str = ""
    image_type: str = ""
    rows: tuple[HexRow, ...] = ()
    shown_bytes: int = 0
    total_bytes: int = 0
    truncated: bool = False
    mode: str = PLAIN


def preview_of(name: bytes, head: bytes, size: int) -> Preview:
    """What is shown of the file: `head` is how it begins, PREVIEW_BYTES of it or all, `size` its bytes.

    Images are those by their first bytes, whatever the name says. SVG is text, as it can hold scripts; so is all else
    that can be read as text.
    """
    total = max(size, len(head))
    head = head[:PREVIEW_BYTES]
    if not total:
        return Preview("empty", mode=mode_for(name))
    found = read_text(head, whole=len(head) == total) if head else None
    if found is not None:
        return _of_text(name, found, len(head), total)
    image = image_type(head)
    if image and total <= IMAGE_BYTES:
        return Preview("image", image_type=image, shown_bytes=total, total_bytes=total)
    return _of_bytes(head[:HEX_BYTES], image, total)


def _of_text(name: bytes, found: ReadText, shown: int, total: int) -> Preview:
    return Preview(
        "text",
        text=found.text,
        encoding=found.encoding,
        line_endings=line_endings(found.text),
        shown_bytes=shown,
        total_bytes=total,
        truncated=shown < total,
        mode=mode_for(name),
    )


def _of_bytes(shown: bytes, image: str, total: int) -> Preview:
    return Preview(
        "hex",
        image_type=image,
        rows=hex_rows(shown),
        shown_bytes=len(shown),
        total_bytes=total,
        truncated=len(shown) < total,
    )


def image_type(head: bytes) -> str:
    """The media type of the image that begins so, of the kinds that browsers show and that hold no scripts; or nothing."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in {b"avif", b"avis"}:
        return "image/avif"
    if head.startswith(b"BM") and not any(head[6:10]) and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    return ""


def hex_rows(data: bytes, start: int = 0) -> tuple[HexRow, ...]:
    """The bytes in rows; `start` is where the first of them is in the file."""
    return tuple(_row(data[place : place + _ROW], start + place) for place in range(0, len(data), _ROW))


def _row(data: bytes, offset: int) -> HexRow:
    letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in data)
    return HexRow(offset, data.hex(" "), letters)
