"""What may stand in a field of a form about storage: a sentence for what is wrong with a value, or nothing. Pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from webui.mounts import danger_of
from webui.mounts.words import has_control_characters, parse_mode, parse_size, shown

_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}))*\.?")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_PERCENT = re.compile(r"(?:100|[1-9][0-9]?)%")
_EXTRA = re.compile(r"[a-z][a-z0-9_]*(?:=[A-Za-z0-9_.:/%@-]+)?")
_NUMBER = re.compile(r"[0-9]{1,10}")
_LARGEST_ID = 2**32 - 2
_OWN_FIELDS = frozenset(
    {"addr", "bind", "rbind", "username", "user", "password", "pass", "domain", "dom", "credentials", "device", "port"}
    | {"vers", "nfsvers", "ip"}
)
SHORTEST_PASSPHRASE = 12


def host(value: str) -> str:
    """A server's name or address, without a port or a path."""
    if _is_address(value) or _HOST.fullmatch(value):
        return ""
    if has_control_characters(value) or " " in value:
        return f"{shown(value)} has a space or an invisible character in it: give the server’s name or address alone."
    if "/" in value or "\\" in value or (value.count(":") == 1):
        return f"{shown(value)} is more than a server: give its name or address alone; the rest has fields of its own."
    return f"{shown(value)} is no name or address of a server, like nas.example.com or 192.168.1.20."


def export(value: str) -> str:
    """A path on an NFS server."""
    return _clean(value) or ("" if value.startswith("/") else f"{shown(value)} does not start with /, as exports do.")


def share(value: str) -> str:
    """A share of an SMB server, with folders behind it or none."""
    if problem := _clean(value):
        return problem
    if "\\" in value:
        return f"{shown(value)} has backslashes: write share/folder with /, and the server in its own field."
    if value.startswith("/") or "" in value.split("/") or {".", ".."} & set(value.split("/")):
        return f"{shown(value)} is no share: write its name alone, or share/folder; the server has a field of its own."
    return ""


def plain(value: str) -> str:
    """A name that goes among mount options: nothing invisible, and no comma, which would end it there."""
    return _clean(value) or (f"{shown(value)} has a comma in it, which would end it there." if "," in value else "")


def secret(value: str) -> str:
    """A password: anything that can be seen. The value itself is not repeated."""
    return "There is an invisible character in it, such as a line’s end." if has_control_characters(value) else ""


def key(value: str) -> str:
    """A key of a cloud: no blanks either."""
    if secret(value) or " " in value:
        return "There is a space or an invisible character in it: copy the key alone."
    return ""


def passphrase(value: str) -> str:
    """One for something new."""
    if problem := secret(value):
        return problem
    if len(value) < SHORTEST_PASSPHRASE:
        return f"This is too short to keep anything secret: {SHORTEST_PASSPHRASE} characters at least."
    return ""


def port(value: str) -> str:
    """1 to 65535."""
    fits = _NUMBER.fullmatch(value) and 1 <= int(value) <= 65535
    return "" if fits else f"{shown(value)} is no port: 1 to 65535."


def owner(value: str) -> str:
    """A numeric user or group."""
    fits = _NUMBER.fullmatch(value) and int(value) <= _LARGEST_ID
    return "" if fits else f"{shown(value)} is no number of a user or group, such as 1000."


def mode(value: str) -> str:
    """Octal permissions, up to 7777."""
    number = parse_mode(value)
    return "" if number is not None and number <= 0o7777 else f"{shown(value)} is no octal mode, such as 1777 or 0755."


def memory(value: str) -> str:
    """A size of a tmpfs: bytes with a unit, or a part of the machine's memory."""
    if _PERCENT.fullmatch(value):
        return ""
    size = parse_size(value)
    if size is None:
        return f"{shown(value)} is no size. Write 64m, 1g, 512 KiB, or 50% of the machine’s memory."
    return "" if size else "0 would mean no limit at all. Leave it empty for half of the machine’s memory."


def folder(value: str) -> str:
    """An absolute folder of the engine's machine."""
    if problem := _clean(value):
        return problem
    if not value.startswith("/"):
        return f"{shown(value)} is no absolute path: write it from the root, like /srv/data."
    if {".", ".."} & set(value.split("/")):
        return f"{shown(value)} has . or .. in it: write the path itself."
    return ""


def new_folder(value: str) -> str:
    """A folder that encrypted files can fill."""
    if problem := folder(value):
        return problem
    danger = danger_of(value)
    return f"{shown(value)} is {danger}. Take a folder that is for these files alone." if danger else ""


def bucket(value: str) -> str:
    """A bucket's name."""
    if _BUCKET.fullmatch(value):
        return ""
    return f"{shown(value)} is no name of a bucket: 3 to 63 letters, digits, dots and dashes; folders have their own field."


def prefix(value: str) -> str:
    """A folder inside a bucket."""
    if problem := _clean(value):
        return problem
    if {"", ".", ".."} & set(value.split("/")):
        return f"{shown(value)} is no folder of a bucket: write backups or backups/2026, without a slash at the ends."
    return ""


def region(value: str) -> str:
    """A region's name."""
    return "" if re.fullmatch(r"[A-Za-z0-9-]{1,64}", value) else f"{shown(value)} is no region, such as eu-central-1."


def endpoint(value: str) -> str:
    """The address of an S3 server. One with credentials in it is not repeated."""
    if "@" in value:
        return "There is a user or password in the address. Keys have fields of their own: leave them out here."
    if has_control_characters(value) or " " in value:
        return f"{shown(value)} has a space or an invisible character in it, such as a line’s end."
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - asking for it is what checks it
    except ValueError:
        return f"{shown(value)} is no address, such as https://s3.example.com."
    if parts.scheme not in {"http", "https"}:
        return f"{shown(value)} does not begin with https:// (or http://)."
    if parts.query or parts.fragment:
        return f"{shown(value)} goes on behind the address: leave out what begins with ? or #."
    name = parts.hostname or ""
    return "" if not host(name) else f"{shown(value)} names no server, as in https://s3.example.com."


def extra(value: str) -> str:
    """Further mount options: `name` or `name=value`, separated by commas, none that has a field of its own."""
    for each in value.split(","):
        name = each.partition("=")[0]
        if name in _OWN_FIELDS:
            return f"{shown(name)} has a field of its own."
        if not _EXTRA.fullmatch(each):
            return f"{shown(each)} is no mount option: write names or name=value, separated by commas."
    return ""


def _clean(value: str) -> str:
    return (
        f"{shown(value)} has an invisible character in it, such as a line’s end."
        if has_control_characters(value)
        else ""
    )


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
