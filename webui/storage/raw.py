"""Options as they go to a driver, checked for what would be found out at the first mount only. Pure.

Only what can't be meant is refused: drivers know options of which nothing is known here.
"""

from __future__ import annotations

from collections.abc import Mapping

from webui.errors import InvalidInputError
from webui.mounts.words import has_control_characters, shown
from webui.storage import checks
from webui.storage.model import Where
from webui.storage.reading import read_options, read_remote

_NFS_VERSIONS = frozenset({"2", "3", "4", "4.0", "4.1", "4.2"})
_SMB_VERSIONS = frozenset({"1.0", "2.0", "2.1", "3", "3.0", "3.02", "3.0.2", "3.1.1", "3.11", "default"})
_CHECKS = {
    Where.TMPFS: {"size": checks.memory, "mode": checks.mode, "uid": checks.owner, "gid": checks.owner},
    Where.NFS: {"port": checks.port, "server": checks.host, "version": lambda value: _version(value, _NFS_VERSIONS)},
    Where.SMB: {"port": checks.port, "server": checks.host, "version": lambda value: _version(value, _SMB_VERSIONS)},
    Where.S3: {"endpoint": checks.endpoint},
    Where.CRYPT_S3: {"endpoint": checks.endpoint},
}


def check_options(driver: str, options: Mapping[str, str]) -> None:
    """Raises InvalidInputError at `options` for a size, mode, port or address that is none. Secrets are not repeated."""
    reading = read_options(driver, options)
    if driver in {"", "local"} or reading.where.by_rclone:
        _refuse_invisible(options)
    values = dict(reading.values)
    if reading.where is Where.OTHER and (found := read_remote(options.get("crypt-remote", ""))):
        values["endpoint"] = found[1].get("endpoint", "")
    for name, check in _CHECKS.get(reading.where, {}).items():
        # rclone takes an address without http:// as well.
        value = values.get(name, "")
        told = f"https://{value}" if name == "endpoint" and value and "://" not in value else value
        if told and (problem := check(told)):
            raise InvalidInputError({"options": f"{name}: {problem}"})


def _refuse_invisible(options: Mapping[str, str]) -> None:
    """Other drivers may take whole files in their options; these take lines."""
    for key, value in options.items():
        if has_control_characters(key + value):
            raise InvalidInputError(
                {"options": f"{shown(key)} or its value has an invisible character in it, such as a line’s end."}
            )


def _version(value: str, known: frozenset[str]) -> str:
    return "" if value in known else f"{shown(value)} is none of the versions {', '.join(sorted(known))}."
