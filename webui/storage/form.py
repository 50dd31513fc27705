"""What was sent about where a volume's data should live, made a storage or errors at its fields. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from webui import forms
from webui.errors import InvalidInputError
from webui.mounts.words import format_size, parse_size, shown
from webui.storage import checks
from webui.storage.fields import FIELDS, Field
from webui.storage.model import (
    S3,
    Bind,
    Bucket,
    Crypt,
    Folder,
    Mounting,
    Nfs,
    NfsVersion,
    Other,
    Smb,
    SmbVersion,
    Storage,
    Tmpfs,
    Where,
)
from webui.storage.providers import provider
from webui.storage.raw import check_options

DEFAULT_DRIVER = "rclone"


def where_of(sent: Mapping[str, Any]) -> Where:
    """The place that was chosen; `other`, with driver and options as they are, where none was named.

    Raises InvalidInputError at `where`.
    """
    said = forms.text(sent, "where")
    try:
        return Where(said) if said else Where.OTHER
    except ValueError:
        raise InvalidInputError({"where": f"{shown(said)} is none of {', '.join(Where)}."}) from None


def storage_form(sent: Mapping[str, Any], *, podman: bool = False) -> Storage:
    """The storage that was described. `podman` is whether the engine is Podman, which mounts in another way.

    Raises InvalidInputError with the fields of `webui.storage.fields`, or `where`, `driver` and `options`.
    """
    where = where_of(sent)
    if where in {Where.LOCAL, Where.OTHER}:
        return _other(sent, where)
    values, problems = read_fields(sent, where)
    problems |= {name: told for name, told in _cross_checks(where, values, podman).items() if name not in problems}
    if problems:
        raise InvalidInputError(problems)
    return _BUILDERS[where](values)


def draft_storage(sent: Mapping[str, Any], where: Where) -> Storage:
    """The storage as far as it has been described: fields that are wrong are as if nothing had been entered."""
    if where in {Where.LOCAL, Where.OTHER}:
        return Other()
    values, problems = read_fields(sent, where)
    defaults = {field.name: field.default for field in FIELDS[where]}
    return _BUILDERS[where](values | {name: defaults[name] for name in problems})


def read_fields(sent: Mapping[str, Any], where: Where) -> tuple[dict[str, str], dict[str, str]]:
    """The values of the fields of that place, defaults where nothing was sent, and what is wrong with them."""
    values: dict[str, str] = {}
    problems: dict[str, str] = {}
    for field in FIELDS[where]:
        try:
            values[field.name] = _value(sent, field)
            problem = field.problem(values[field.name])
        except InvalidInputError as error:
            values[field.name], problem = "", error.message
        if problem:
            problems[field.name] = problem
    return values, problems


def _value(sent: Mapping[str, Any], field: Field) -> str:
    if field.kind == "switch":
        return "yes" if forms.flag(sent, field.name, default=field.default == "yes") else "no"
    value = sent.get(field.name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if value is None:
        return field.default
    said = forms.text(sent, field.name, strip=False)
    # What is around a secret may belong to it, and a line's end inside an address is told of, not taken away.
    return (
        said
        if field.kind == "secret"
        else (said.strip(" ") or field.default if field.kind == "choice" else said.strip(" "))
    )


def _cross_checks(where: Where, values: Mapping[str, str], podman: bool) -> dict[str, str]:
    """What is wrong with the fields taken together."""
    problems: dict[str, str] = {}
    if "provider" in values:
        problems |= _bucket_problems(values)
    if where is Where.SMB and values["password"] and not values["username"]:
        problems["username"] = "Whose password is this?"
    if where is Where.SMB and podman and "," in values["password"]:
        problems |= {"password": "Podman can’t pass on a password with a comma in it."}
    if where.encrypted and values["attach"] == "no":
        if problem := checks.passphrase(values["passphrase"]):
            problems["passphrase"] = problem
        if values["kept"] == "no":
            problems["kept"] = "Keep the passphrase first, then say so here: without it the data is gone."
    return problems


def _bucket_problems(values: Mapping[str, str]) -> dict[str, str]:
    who = provider(values["provider"])
    problems = {}
    if who and who.needs_endpoint and not values["endpoint"]:
        problems["endpoint"] = f"Which address? It looks like {who.endpoint}."
    if who and who.needs_region and not values["region"]:
        problems["region"] = "Which region is the bucket in? It looks like eu-central-1."
    return problems


def _other(sent: Mapping[str, Any], where: Where) -> Other:
    driver, options = forms.driver(sent), forms.entries(sent, "options")
    if where is Where.LOCAL and (driver != "local" or options):
        driver, options = "local", {}
    check_options(driver, options)
    return Other(driver, options)


def _bind(values: Mapping[str, str]) -> Bind:
    return Bind(values["folder"])


def _tmpfs(values: Mapping[str, str]) -> Tmpfs:
    size = parse_size(values["size"])
    return Tmpfs(
        values["size"] if size is None else format_size(size),
        values["mode"],
        _number(values["uid"]),
        _number(values["gid"]),
    )


def _nfs(values: Mapping[str, str]) -> Nfs:
    return Nfs(
        values["server"],
        values["export"],
        cast(NfsVersion, values["version"]),
        _number(values["port"]),
        read_only=values["read_only"] == "yes",
        give_up=values["give_up"] == "yes",
        extra=values["extra"],
    )


def _smb(values: Mapping[str, str]) -> Smb:
    return Smb(
        values["server"],
        values["share"],
        values["username"],
        values["password"],
        values["domain"],
        cast(SmbVersion, values["version"]),
        _number(values["port"]),
        _number(values["uid"]),
        _number(values["gid"]),
        values["file_mode"],
        values["dir_mode"],
        read_only=values["read_only"] == "yes",
        extra=values["extra"],
    )


def _bucket(values: Mapping[str, str]) -> Bucket:
    return Bucket(
        values["provider"],
        values["bucket"],
        values["access_key_id"],
        values["secret_access_key"],
        values["endpoint"],
        values["region"],
        values["prefix"],
        empty_folders=values["empty_folders"] == "yes",
    )


def _mounting(values: Mapping[str, str]) -> Mounting:
    return Mounting(
        values["write_at_once"] == "yes", values["read_only"] == "yes", _number(values["uid"]), _number(values["gid"])
    )


def _s3(values: Mapping[str, str]) -> S3:
    return S3(values["driver"] or DEFAULT_DRIVER, _bucket(values), _mounting(values))


def _crypt(values: Mapping[str, str], inside: Bucket | Folder) -> Crypt:
    return Crypt(
        values["driver"] or DEFAULT_DRIVER,
        inside,
        values["passphrase"],
        values["salt"],
        values["names"] == "yes",
        _mounting(values),
    )


_BUILDERS: Mapping[Where, Callable[[Mapping[str, str]], Storage]] = {
    Where.BIND: _bind,
    Where.TMPFS: _tmpfs,
    Where.NFS: _nfs,
    Where.SMB: _smb,
    Where.S3: _s3,
    Where.CRYPT_LOCAL: lambda values: _crypt(values, Folder(values["folder"])),
    Where.CRYPT_S3: lambda values: _crypt(values, _bucket(values)),
}


def _number(text: str) -> int | None:
    return int(text) if text else None
