"""The small words of mount options: sizes, modes, yes and no, and CSV as Go writes it."""

from __future__ import annotations

import re
from decimal import Decimal

from webui.errors import InvalidInputError

_SIZE = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,9})?) ?([kmgtp]?)i?b?", re.IGNORECASE)
_EXPONENTS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_LARGEST = 2**63 - 1
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def parse_size(text: str) -> int | None:
    """Bytes in `64m`, `1.5g`, `512 KiB` or `1048576`, units of 1024 as in all of Docker. None where it is no size."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    number, unit = found.groups()
    size = int(Decimal(number) * 1024 ** _EXPONENTS[unit.lower()])
    return size if size <= _LARGEST else None


def format_size(size: int) -> str:
    """The shortest exact form: `64m`, or plain bytes where no unit divides it. No unit beyond g, as tmpfs knows it."""
    for unit in "gmk":
        factor = 1024 ** _EXPONENTS[unit]
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def parse_mode(text: str) -> int | None:
    """The number of an octal file mode such as `1770`, `0755` or `0o755`. None where it is none."""
    digits = text.strip().removeprefix("0o")
    return int(digits, 8) if re.fullmatch(r"[0-7]{1,11}", digits) else None


def parse_boolean(text: str) -> bool | None:
    """Yes or no as Go's `strconv.ParseBool` reads it. None where it is neither."""
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


def has_control_characters(text: str) -> bool:
    """Whether it holds newlines, tabs, NUL or other characters that nobody sees, or half a surrogate pair."""
    return any(ord(letter) < 32 or 127 <= ord(letter) < 160 or 0xD800 <= ord(letter) < 0xE000 for letter in text)


def shown(text: str) -> str:
    """A person's text inside a sentence: in quotes, invisible characters escaped, cut where it is very long."""
    visible = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return f"“{visible[:80]}…”" if len(visible) > 80 else f"“{visible}”"


def refuse(field: str, sentence: str) -> InvalidInputError:
    """The error for one field."""
    return InvalidInputError({field: sentence})


def split_csv(text: str) -> tuple[str, ...]:
    """The fields of one line of CSV, by the rules of Go's `encoding/csv`.

    Raises InvalidInputError at `spec` for a quote in the wrong place, one that is never closed, or a second line.
    """
    found: list[str] = []
    position = 0
    while True:
        field, position = _csv_field(text, position)
        found.append(field)
        if position >= len(text):
            return tuple(found)
        position += 1


def _csv_field(text: str, start: int) -> tuple[str, int]:
    if text.startswith('"', start):
        return _quoted_field(text, start)
    end = text.find(",", start)
    end = len(text) if end < 0 else end
    field = text[start:end]
    if '"' in field:
        raise refuse(
            "spec",
            f'A quote stands in the middle of {shown(field)}. Put the quotes around the whole option, as in "volume-opt=o=a,b".',
        )
    if "\n" in field or "\r" in field:
        raise refuse("spec", "The mount goes over more than one line. Write it in one.")
    return field, end


def _quoted_field(text: str, start: int) -> tuple[str, int]:
    letters: list[str] = []
    position = start + 1
    while position < len(text):
        if text.startswith('""', position):
            letters.append('"')
            position += 2
        elif text[position] == '"':
            if position + 1 < len(text) and text[position + 1] != ",":
                raise refuse("spec", "After a closing quote a comma must follow. Write a quote inside quotes twice.")
            return "".join(letters), position + 1
        else:
            letters.append(text[position])
            position += 1
    raise refuse("spec", "A quote is opened and never closed. Close it or leave it out.")


def join_csv(values: list[str]) -> str:
    """One line of CSV that `split_csv`, and Go, read back to the same fields."""
    return ",".join(_csv_quoted(value) if _needs_quotes(value) else value for value in values)


def _needs_quotes(value: str) -> bool:
    return not value or value[0].isspace() or any(letter in value for letter in ',"\r\n')


def _csv_quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
