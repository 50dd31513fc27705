"""The key sheet of an encrypted volume: all that is needed to read it again, to be kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from webui.storage.model import Bucket, Crypt


def key_sheet(name: str, storage: Crypt, at: datetime) -> str:
    """The sheet as plain text, passphrases in clear."""
    return "\n".join(_lines(name, storage, at)) + "\n"


def _lines(name: str, storage: Crypt, at: datetime) -> Iterator[str]:
    yield f"KEY SHEET of the encrypted volume {name or '(not named yet)'}"
    yield f"written on {at:%Y-%m-%d %H:%M} UTC"
    yield ""
    yield "Whoever has this sheet and gets at the encrypted files can read them. Without it nobody can: keep it safe,"
    yield "apart from the data, and keep a second one."
    yield ""
    yield f"passphrase:         {storage.passphrase}"
    yield f"second (salt):      {storage.salt or '(none)'}"
    yield f"names encrypted:    {'yes' if storage.names else 'no'}"
    yield from _place(storage)
    yield ""
    yield "To read it again: make a new volume in Demijohn, choose the same place, “It exists already”, and type the"
    yield "passphrase. Or with rclone alone (https://rclone.org/crypt/): a remote of the type crypt over that place, with"
    yield "this passphrase as “password” and the second as “password2”."


def _place(storage: Crypt) -> Iterator[str]:
    inside = storage.inside
    if isinstance(inside, Bucket):
        yield f"kept by:            {inside.provider}"
        if inside.endpoint:
            yield f"address:            {inside.endpoint}"
        if inside.region:
            yield f"region:             {inside.region}"
        yield f"bucket and folder:  {inside.path}"
        yield f"access key:         {inside.access_key_id}   (its secret key is not on this sheet)"
    else:
        yield f"folder:             {inside.path}"
