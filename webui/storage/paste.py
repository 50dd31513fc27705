"""A pasted `docker volume create …` line, as the fields of the form. Pure.

Follows https://docs.docker.com/reference/cli/docker/volume/create/.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from webui.errors import InvalidInputError
from webui.mounts import MountContext
from webui.mounts.shell import split_commands
from webui.mounts.words import shown
from webui.storage.fields import FIELDS
from webui.storage.model import Where
from webui.storage.reading import read_options

_FIELD = "command_text"
_WITH_VALUE = {"-d": "driver", "--driver": "driver", "-o": "opt", "--opt": "opt", "--label": "label", "-l": "label"}
_WITH_VALUE |= {"--name": "name"}


@dataclass(frozen=True, slots=True)
class PastedVolume:
    """What the line says: the form's fields, and those whose secrets stood in it and have to be typed again."""

    fields: dict[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


def paste_command(text: str) -> PastedVolume:
    """The volume a line makes. What has a form of its own gets it; everything else becomes driver and options.

    Secrets are left out of it: what is pasted is not sent back. Raises InvalidInputError at `command_text`.
    """
    said = _said(text)
    driver = said["driver"][-1] if said["driver"] else "local"
    options = dict(_pair(each) for each in said["opt"])
    labels = [_pair(each) for each in said["label"]]
    fields: dict[str, Any] = {
        "name": said["name"][-1] if said["name"] else "",
        "labels_key": tuple(key for key, _ in labels),
        "labels_value": tuple(value for _, value in labels),
    }
    reading = read_options(driver, options)
    if reading.left_over or reading.where is Where.OTHER:
        return PastedVolume(fields | _rows(driver, options))
    values = {each.name: "" for each in FIELDS[reading.where]} | dict(reading.values)
    attached = {"attach": "yes"} if reading.where.encrypted else {}
    return PastedVolume(
        fields | {"where": reading.where.value} | values | attached,
        tuple(each.label for each in FIELDS[reading.where] if each.name in reading.secrets),
    )


def _rows(driver: str, options: dict[str, str]) -> dict[str, Any]:
    return {
        "where": Where.OTHER.value,
        "driver": driver,
        "options_key": tuple(options),
        "options_value": tuple(options.values()),
    }


def _said(text: str) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {"driver": [], "opt": [], "label": [], "name": []}
    words = iter(_words(text))
    for word in words:
        flag, sign, value = word.partition("=")
        if word.startswith("-") and flag in _WITH_VALUE:
            said[_WITH_VALUE[flag]].append(value if sign else _next(words, flag))
        elif word[:2] in {"-o", "-d"} and len(word) > 2:
            said[_WITH_VALUE[word[:2]]].append(word[2:].removeprefix("="))
        elif word.startswith("-"):
            raise InvalidInputError({_FIELD: f"{shown(flag)} is no option of docker volume create."})
        else:
            said["name"].append(word)
    if len(said["name"]) > 1:
        raise InvalidInputError({_FIELD: "There is more than one name in it. Is a quote missing?"})
    return said


def _words(text: str) -> Sequence[str]:
    try:
        commands = split_commands(text, MountContext()).commands
    except InvalidInputError as error:
        raise InvalidInputError({_FIELD: error.message}) from None
    for words in commands:
        for place in range(len(words) - 1):
            if words[place : place + 2] == ("volume", "create"):
                return words[place + 2 :]
    raise InvalidInputError({_FIELD: "There is no docker volume create in this text."})


def _next(words: Iterator[str], flag: str) -> str:
    try:
        return next(words)
    except StopIteration:
        raise InvalidInputError({_FIELD: f"Nothing follows {shown(flag)}."}) from None


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key, value
