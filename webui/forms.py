"""Data that was sent, turned into values or into errors at their fields. Pure.

A field of a form is a tuple of strings, as it may be repeated; every other value is what JSON has.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from webui.errors import InvalidInputError

_DRIVER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*(?:[/:@][a-zA-Z0-9_.-]*[a-zA-Z0-9_-])*")

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,12}")
MOST_ENTRIES = 100
"""Labels, options or variables of one thing."""

LONGEST_VALUE = 32 * 1024
"""Characters of one value; the engine would take more and every list of it would carry them."""


def text(sent: Mapping[str, Any], name: str, *, strip: bool = True) -> str:
    """One value as text, empty where it was not sent. Raises InvalidInputError for anything that is not text."""
    value = sent.get(name)
    if isinstance(value, tuple):
        value = value[-1] if value else ""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInputError({name: "This has to be text."})
    if is_broken(value):
        raise InvalidInputError({name: "The text has a broken character in it. Type it again."})
    return value.strip() if strip else value


def many(sent: Mapping[str, Any], name: str) -> list[str]:
    """The values of a repeated field; a single one counts as a list of one."""
    value = sent.get(name)
    if value is None:
        return []
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not all(isinstance(item, str) and not is_broken(item) for item in values):
        raise InvalidInputError({name: "This has to be a list of text."})
    return values


def flag(sent: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """A yes or no: a JSON boolean, or a checkbox's value."""
    value = sent.get(name)
    if isinstance(value, bool):
        return value
    if value is None:
        return default
    said = str(value) if isinstance(value, int) else text(sent, name).lower()
    if said in {"1", "true", "yes", "on"}:
        return True
    if said in {"", "0", "false", "no", "off"}:
        return False
    raise InvalidInputError({name: f"“{said}” is neither yes nor no."})


def number(sent: Mapping[str, Any], name: str, *, default: int) -> int:
    """A whole number, also as text. Raises InvalidInputError."""
    value = sent.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    said = text(sent, name)
    if not said:
        return default
    if not _WHOLE_NUMBER.fullmatch(said):
        raise InvalidInputError({name: f"“{_short(said)}” is not a whole number."})
    return int(said)


def driver(sent: Mapping[str, Any]) -> str:
    """The name of a volume driver, `local` where none was sent. Raises InvalidInputError."""
    named = text(sent, "driver") or "local"
    if not _DRIVER_NAME.fullmatch(named):
        raise InvalidInputError({"driver": f"“{_short(named)}” is no name of a volume driver."})
    return named


def entries(sent: Mapping[str, Any], name: str) -> dict[str, str]:
    """Keys and values: a JSON object, a JSON list of `key=value`, or a form's rows and pasted text.

    A form sends rows as `<name>_key` and `<name>_value` and pasted text as `<name>_text`: a `key=value` a line, or as
    on a command line (`--label a=b`, `-o type=nfs`). Raises InvalidInputError for an empty key, a key twice, too many
    or too long ones.
    """
    found: dict[str, str] = {}
    for key, value in _entry_pairs(sent, name):
        if not key.strip():
            raise InvalidInputError(
                {name: f"A key is missing before “={_short(value)}”." if value else "A key is empty."}
            )
        if key in found:
            raise InvalidInputError({name: f"“{_short(key)}” is there twice."})
        if is_broken(key + value):
            raise InvalidInputError({name: "There is a broken character in it. Type it again."})
        if len(key) + len(value) > LONGEST_VALUE:
            raise InvalidInputError({name: f"The value of “{_short(key)}” is longer than {LONGEST_VALUE // 1024} KiB."})
        found[key] = value
    if len(found) > MOST_ENTRIES:
        raise InvalidInputError({name: f"{len(found)} are too many: {MOST_ENTRIES} at most."})
    return found


def pasted_entries(pasted: str, name: str) -> list[tuple[str, str]]:
    """Keys and values in pasted text: one a line, or as flags of a command line. Raises InvalidInputError."""
    pairs: list[tuple[str, str]] = []
    for line in pasted.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        for assignment in _assignments(stripped, name):
            key, sign, value = assignment.partition("=")
            if not sign and name == "options":
                raise InvalidInputError({name: f"“{_short(assignment)}” has no “=”: write key=value."})
            pairs.append((key.strip(), value))
    return pairs


def is_broken(value: str) -> bool:
    """Whether it holds half a character (a lone surrogate), which JSON can say and no engine can be told."""
    return any("\ud800" <= letter <= "\udfff" for letter in value)


def unknown_fields(sent: Mapping[str, Any], known: set[str]) -> dict[str, str]:
    """A sentence for every field that nobody reads: a misspelt one must not pass unnoticed."""
    return {str(name): "There is no such field." for name in sent if name not in known}


def check_fields(sent: Mapping[str, Any], known: set[str]) -> None:
    """Raises InvalidInputError naming every field that nobody reads; `engine_id` goes with everything."""
    if strange := unknown_fields(sent, known | {"engine_id"}):
        raise InvalidInputError(strange)


def _entry_pairs(sent: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    value = sent.get(name)
    if isinstance(value, Mapping):
        return [(str(key), _scalar(name, key, item)) for key, item in value.items()]
    if isinstance(value, list):
        return [_split(name, item) for item in value]
    if value is not None:
        raise InvalidInputError({name: "This has to be an object of keys and values."})
    rows = list(zip(many(sent, f"{name}_key"), many(sent, f"{name}_value"), strict=False))
    kept = [(key, item) for key, item in rows if key or item]
    return kept + pasted_entries(text(sent, f"{name}_text"), name)


def _split(name: str, item: Any) -> tuple[str, str]:
    if not isinstance(item, str):
        raise InvalidInputError({name: "Each entry has to be text of the form key=value."})
    key, _, value = item.partition("=")
    return key, value


def _scalar(name: str, key: Any, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise InvalidInputError({name: f"The value of “{_short(str(key))}” has to be text."})
    return str(value)


def _assignments(line: str, name: str) -> list[str]:
    if not line.startswith("-"):
        return [line]
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise InvalidInputError({name: f"“{_short(line)}” has a quote that is not closed."}) from error
    flags = {"-o", "--opt", "--label", "-l", "-e", "--env"}
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        option, sign, value = word.partition("=")
        if option not in flags:
            raise InvalidInputError({name: f"“{_short(word)}” is not understood here."})
        found.append(value if sign else next(rest, ""))
    return found


def _short(value: str) -> str:
    return value if len(value) <= 40 else value[:39] + "…"
