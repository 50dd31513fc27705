"""Paths inside a volume: bytes, as the file system has them, and the ways they are shown and sent.

A path is relative to the volume's top folder. What can't be one is refused, never repaired.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

from webui.errors import InvalidInputError

LONGEST_NAME = 255
"""Bytes of a name; Linux has no longer ones."""
LONGEST_PATH = 64 * 1024
"""Bytes of a path. Deeper than the 4,096 that one call of the system takes, since folders can be."""

_NOT_NAMES = frozenset({b"", b".", b".."})
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True, order=True)
class VolumePath:
    """A file or folder of a volume; the top folder is empty. Made by `volume_path` and `/`."""

    raw: bytes = b""

    @property
    def is_top(self) -> bool:
        """Whether it is the volume's top folder."""
        return not self.raw

    @property
    def parts(self) -> tuple[bytes, ...]:
        """The names on the way to it, its own the last; none for the top folder."""
        return tuple(self.raw.split(b"/")) if self.raw else ()

    @property
    def name(self) -> bytes:
        """Its own name; empty for the top folder."""
        return self.raw.rpartition(b"/")[2]

    @property
    def parent(self) -> VolumePath:
        """The folder it is in; the top folder is in itself."""
        return VolumePath(self.raw.rpartition(b"/")[0])

    @property
    def text(self) -> str:
        """As JSON has it: UTF-8, other bytes as lone surrogates, so that nothing is lost."""
        return name_text(self.raw)

    @property
    def shown(self) -> str:
        """As a person sees it; see `shown_name`."""
        return shown_name(self.raw)

    @property
    def id(self) -> str:
        """As a URL has it: its bytes, percent-encoded."""
        return quote(self.raw, safe="/")

    @property
    def above(self) -> tuple[VolumePath, ...]:
        """The folders on the way to it, the top folder first; without itself."""
        parts = self.parts
        return tuple(VolumePath(b"/".join(parts[:count])) for count in range(len(parts)))

    def __truediv__(self, name: bytes) -> VolumePath:
        """What is called `name` in it. Raises InvalidInputError where that is no name."""
        child = file_name(name, "path")
        return volume_path(self.raw + b"/" + child if self.raw else child)

    def is_within(self, folder: VolumePath) -> bool:
        """Whether it is the folder or below it."""
        return folder.is_top or self.raw == folder.raw or self.raw.startswith(folder.raw + b"/")


TOP = VolumePath()


def volume_path(text: str | bytes, field: str = "path") -> VolumePath:
    """The path that is meant; one slash before it and one behind it are not part of it.

    Raises InvalidInputError naming `field` where it climbs, has an empty name on the way, a NUL, or is too long.
    """
    raw = text if isinstance(text, bytes) else _encoded(text, field)
    raw = raw.removeprefix(b"/").removesuffix(b"/")
    if not raw:
        return TOP
    problem = _path_problem(raw)
    if problem:
        raise InvalidInputError({field: problem})
    return VolumePath(raw)


def file_name(text: str | bytes, field: str = "name") -> bytes:
    """A name of its own, without a folder. Raises InvalidInputError naming `field` where it can't be one."""
    raw = text if isinstance(text, bytes) else _encoded(text, field)
    if raw in _NOT_NAMES or b"/" in raw:
        raise InvalidInputError({field: "Give a name without a slash that is not “.” or “..”."})
    return volume_path(raw, field).raw


def name_text(raw: bytes) -> str:
    """Bytes as JSON has them: UTF-8, others as lone surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def shown_name(raw: bytes) -> str:
    """A name as a person may see it: what is no text, can't be seen or turns the direction is spelled out.

    `\\n` and the like for control characters, `\\xff` for bytes that are not UTF-8, `\\u202e` for other marks.
    """
    return "".join(map(_shown_character, name_text(raw)))


def _shown_character(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character) not in _INVISIBLE:
        return character
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    return named or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _encoded(text: str, field: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidInputError({field: "This is not text that a file system could have."}) from None


def _path_problem(raw: bytes) -> str:
    if b"\0" in raw:
        return "A path has no NUL character in it."
    if len(raw) > LONGEST_PATH:
        return f"This path is longer than {LONGEST_PATH:,} bytes."
    for part in raw.split(b"/"):
        if part in _NOT_NAMES:
            return "Give the path as it is, without “.”, “..” or an empty name in it."
        if len(part) > LONGEST_NAME:
            return f"“{shown_name(part[:40])}…” is longer than the {LONGEST_NAME} bytes a name may have."
    return ""
