"""A storage as a command line can show it: with shell variables where its secrets stand. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import replace

from webui.storage.model import S3, Bucket, Crypt, Smb, Storage
from webui.storage.options import driver_options

_PLACEHOLDER = re.compile("\ue000([A-Z0-9_]+)\ue001")
_OBSCURED = frozenset({"PASSPHRASE", "SALT"})


def shown_options(storage: Storage, *, podman: bool = False) -> dict[str, str]:
    """Its options with a placeholder for each secret, which `shell_word` writes as a variable."""
    return driver_options(_without_secrets(storage), podman=podman, obscured=lambda text: text)


def in_words(value: str) -> str:
    """An option's value to be read: dots for its placeholders."""
    return _PLACEHOLDER.sub("••••••••", value)


def shell_words(words: Iterable[str]) -> str:
    """A command line of these words, quoted; placeholders become `"$PASSWORD"`, or what makes rclone's form of it."""
    return " ".join(map(_shell_word, words))


def _shell_word(word: str) -> str:
    pieces = _PLACEHOLDER.split(word)
    if len(pieces) == 1:
        return shlex.quote(word)
    quoted = [shlex.quote(each) if each else "" for each in pieces[::2]]
    variables = [*map(_variable, pieces[1::2]), ""]
    return "".join(text + variable for text, variable in zip(quoted, variables, strict=True))


def _variable(name: str) -> str:
    return f'"$(rclone obscure "${name}")"' if name in _OBSCURED else f'"${name}"'


def _without_secrets(storage: Storage) -> Storage:
    match storage:
        case Smb():
            return replace(storage, password=_held(storage.password, "PASSWORD"))
        case S3():
            return replace(storage, bucket=_without_key(storage.bucket))
        case Crypt():
            inside = _without_key(storage.inside) if isinstance(storage.inside, Bucket) else storage.inside
            return replace(
                storage,
                inside=inside,
                passphrase=_placeholder("PASSPHRASE"),
                salt=_held(storage.salt, "SALT"),
            )
        case _:
            return storage


def _without_key(bucket: Bucket) -> Bucket:
    return replace(
        bucket, access_key_id=_placeholder("ACCESS_KEY_ID"), secret_access_key=_placeholder("SECRET_ACCESS_KEY")
    )


def _held(secret: str, name: str) -> str:
    return _placeholder(name) if secret else ""


def _placeholder(name: str) -> str:
    return f"\ue000{name}\ue001"
