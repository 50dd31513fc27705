"""Secrets in what an engine tells in clear: recognised by their names, and masked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "••••••••"

_SECRET_NAME = re.compile(r"pass|secret|token|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"(?P<key>[\w.-]*(?:pass(?:word|wd|phrase)?\d?|secret[\w.-]*|token|access_key_id|credentials?))(?P<sign>\s*=\s*)"
    r"(?P<value>\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|[^,;:\s]+)",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(?P<before>//[^/@:\s]*:)[^/@\s]+(?=@)")


def masked_value(name: str, value: str) -> str:
    """The value of an option or variable, masked where its name says that it is a secret or one stands inside."""
    return MASK if value and _SECRET_NAME.search(name) else masked_text(value)


def masked_options(options: Mapping[str, str]) -> dict[str, str]:
    """Driver options with passwords, keys and tokens replaced by dots, also those inside longer values.

    >>> masked_options({"o": "username=ann,password=x1", "device": "//host/share"})
    {'o': 'username=ann,password=••••••••', 'device': '//host/share'}
    """
    return {key: masked_value(key, value) for key, value in options.items()}


def masked_text(text: str) -> str:
    """A value with the secrets assigned inside it (`password=…`, `//user:…@host`) replaced by dots."""
    masked = _ASSIGNMENT.sub(lambda found: f"{found['key']}{found['sign']}{MASK}", text)
    return _URL_PASSWORD.sub(lambda found: found["before"] + MASK, masked)


def masked_volume(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `docker volume inspect` prints of a volume, with the secrets in its options masked."""
    return {**raw, "Options": masked_options(raw["Options"])} if raw.get("Options") else raw


def masked_inspection(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What `docker inspect` prints of a container, with the values of secret variables and options masked."""
    config, host = raw.get("Config") or {}, raw.get("HostConfig") or {}
    environment = [_masked_assignment(line) for line in config.get("Env") or ()]
    mounts = [_masked_mount(mount) for mount in host.get("Mounts") or ()]
    return {
        **raw,
        "Config": {**config, "Env": environment},
        "HostConfig": {**host, **({"Mounts": mounts} if mounts else {})},
    }


def _masked_assignment(line: str) -> str:
    name, sign, value = line.partition("=")
    return f"{name}{sign}{masked_value(name, value)}"


def _masked_mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    volume = mount.get("VolumeOptions") or {}
    driver = volume.get("DriverConfig") or {}
    if not driver.get("Options"):
        return dict(mount)
    masked = {**driver, "Options": masked_options(driver["Options"])}
    return {**mount, "VolumeOptions": {**volume, "DriverConfig": masked}}
