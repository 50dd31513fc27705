"""Secrets in what an engine tells in clear: recognised by their names, and masked. Pure.

What is masked too much is shown on request; what is masked too little is lost. So a value that may belong to a secret
is masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "••••••••"

_WORDS = r"pass(?:word|wd|phrase)?\d?|secret|token|credentials?|access[-_.]?key|api[-_.]?key|requirepass"
_SECRET_NAME = re.compile(
    r"pass|secret|token|credential|jwt|auth(?!or)|grant|api[-_.]?key|access[-_.]?key|private[-_.]?key"
    r"|[-_.]pwd|pwd[-_.]|[-_.]sas|sas[-_.]|(?:^|[-_.])key(?:[-_.]|$)",
    re.IGNORECASE,
)
# Bounded, and begun only where a word begins: a value may be megabytes long.
_KEY = rf"(?<![\w.-])(?P<key>[\w.-]{{0,64}}?(?:{_WORDS}|pwd)[\w.-]{{0,64}})(?P<sign>\s*=\s*)"
_QUOTED = r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'"
_ASSIGNMENT = re.compile(rf"{_KEY}(?P<value>{_QUOTED}|(?:[^,]|,,)+)", re.IGNORECASE)
_REMOTE_ASSIGNMENT = re.compile(rf"{_KEY}(?P<value>{_QUOTED}|[^,:]+)", re.IGNORECASE)
_FLAG_AND_SECRET = re.compile(
    rf"(?P<before>(?<!\S)--?[\w.-]{{0,64}}?(?:{_WORDS}|pwd)[\w.-]{{0,64}}[ ])[^\s=-][^\s,]*", re.IGNORECASE
)
_USER_AND_PASSWORD = re.compile(r"(?P<before>\buser(?:name)?=[^,%]{0,256}%)[^,]+", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(?P<before>//[^/@:\s]{0,256}:)[^@\s]{1,256}(?=@)")
_URL_TOKEN = re.compile(r"(?P<before>//)[^/@:\s]{16,1024}(?=@)")


def masked_value(name: str, value: str) -> str:
    """The value of an option or variable, masked where its name says that it is a secret or one stands inside."""
    return MASK if value and _SECRET_NAME.search(name) else masked_text(value)


def masked_options(options: Mapping[str, str]) -> dict[str, str]:
    """Driver options with passwords, keys and tokens replaced by dots, also those inside longer values.

    >>> masked_options({"o": "username=ann,password=x1", "device": "//host/share"})
    {'o': 'username=ann,password=••••••••', 'device': '//host/share'}
    """
    return {key: masked_value(key, value) for key, value in options.items()}


def masked_variables(variables: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Environment variables with the secrets masked."""
    return tuple((name, masked_value(name, value)) for name, value in variables)


def masked_text(text: str) -> str:
    """A value with the secrets inside it replaced by dots.

    They are recognised in `password=…`, `user=ann%…`, `//user:…@host` and `--requirepass …`.
    A secret ends at the next comma, in a remote of rclone's (`:s3,key=…:bucket`) also at a colon, unless it is quoted.
    """
    assignment = _REMOTE_ASSIGNMENT if text.startswith(":") else _ASSIGNMENT
    text = _URL_PASSWORD.sub(_dotted, text)
    text = _URL_TOKEN.sub(_dotted, text)
    text = _USER_AND_PASSWORD.sub(_dotted, text)
    text = _FLAG_AND_SECRET.sub(_dotted, text)
    return assignment.sub(lambda found: f"{found['key']}{found['sign']}{MASK}", text)


def masked_words(words: Iterable[str]) -> tuple[str, ...]:
    """A command line's words with the secrets masked, also those that are a word of their own after their flag."""
    masked: list[str] = []
    flag = ""
    for word in words:
        masked.append(MASK if flag and not word.startswith("-") else masked_text(word))
        flag = word if word.startswith("-") and "=" not in word and _SECRET_NAME.search(word) else ""
    return tuple(masked)


def masked_volume(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `docker volume inspect` prints of a volume, with the secrets in its options and its status masked."""
    shown = {**raw, "Options": masked_options(raw["Options"])} if raw.get("Options") else {**raw}
    return {**shown, "Status": _masked(raw["Status"])} if raw.get("Status") else shown


def masked_inspection(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What `docker inspect` prints of a container, with every value that looks like a secret masked; labels stay."""
    return {name: _masked(value, name) for name, value in raw.items()}


def _masked(value: Any, name: str = "") -> Any:
    if name == "Labels":
        return value
    if isinstance(value, Mapping):
        return {key: _masked(item, str(key)) for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return [_masked_assignment(item) for item in value] if name == "Env" else list(masked_words(value))
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return masked_value(name, value) if isinstance(value, str) else value


def _masked_assignment(line: str) -> str:
    name, sign, value = line.partition("=")
    return f"{name}{sign}{masked_value(name, value)}"


def _dotted(found: re.Match[str]) -> str:
    return found["before"] + MASK
