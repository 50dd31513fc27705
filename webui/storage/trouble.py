"""Why storage could not be mounted, in words, made of what the engine says. Pure.

The engine says what mount(2) answered; what that means depends on what was to be mounted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from webui.storage.model import Where


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong and what to do; `field` is the one to change, or empty."""

    sentence: str
    hint: str = ""
    field: str = ""


_Rule = tuple[str, Trouble]

_NO_DRIVER = Trouble(
    "The engine has no such volume driver, or it is not enabled.",
    "Look at Drivers and plugins: it may have to be installed or enabled.",
    "driver",
)
_NO_FUSE = Trouble(
    "The driver can’t mount anything: FUSE is missing on the engine’s machine.",
    "Install fuse3 there, and see that /dev/fuse exists (modprobe fuse).",
)
_SILENT = Trouble(
    "The storage did not answer in time.",
    "Check the server’s name, its port, and whether a firewall stands between it and the engine’s machine.",
)

_ANY: tuple[_Rule, ...] = (
    (r"plugin .* not found|error looking up volume plugin|no such volume driver", _NO_DRIVER),
    (r"fusermount|/dev/fuse|fuse: device not found|failed to mount fuse", _NO_FUSE),
    (
        r"no space left on device|disk quota exceeded",
        Trouble("The storage is full.", "Make room there, or choose another place."),
    ),
)

_UNKNOWN_SERVER = Trouble(
    "The engine’s machine does not know the server’s name.",
    "Check the spelling, or give the server’s address in numbers.",
    "server",
)
_NO_ROUTE = Trouble(
    "The engine’s machine can’t reach the server: there is no way to it, or it is switched off.",
    "Check its address, and whether the engine’s machine is in the same network.",
    "server",
)

_SERVER_RULES: tuple[_Rule, ...] = (
    (r"no such host|error resolving|server misbehaving|temporary failure in name resolution|lookup ", _UNKNOWN_SERVER),
    (r"no route to host|network is unreachable|host is down", _NO_ROUTE),
    (r"timed out|deadline exceeded|timeout", _SILENT),
)

_NFS_RULES: tuple[_Rule, ...] = (
    (
        r"no such device",
        Trouble(
            "The engine’s machine can’t mount NFS: its kernel has no NFS client.",
            "Install it there (Debian: nfs-common), or load the kernel module nfs.",
        ),
    ),
    (
        r"connection refused",
        Trouble(
            "The server refuses the connection: no NFS server listens there.",
            "Check server and port. Version 3 needs the server’s rpcbind as well: try another version.",
            "server",
        ),
    ),
    (
        r"protocol not supported|operation not supported|not supported",
        Trouble("The server does not speak this version of NFS.", "Choose another version.", "version"),
    ),
    (
        r"no such file or directory",
        Trouble("The server has no such export.", "`showmount -e SERVER` lists those it has.", "export"),
    ),
    (
        r"permission denied|access denied|operation not permitted",
        Trouble(
            "The server does not let the engine’s machine mount this export.",
            "On the server, allow the engine’s machine in /etc/exports.",
            "export",
        ),
    ),
    (
        r"invalid argument",
        Trouble("The kernel does not take these mount options.", "Check version and further options.", "extra"),
    ),
)

_SMB_RULES: tuple[_Rule, ...] = (
    (
        r"no such device",
        Trouble(
            "The engine’s machine can’t mount SMB shares: its kernel has no CIFS client.",
            "Install it there (Debian: cifs-utils), or load the kernel module cifs.",
        ),
    ),
    (
        r"connection refused",
        Trouble("The server refuses the connection: no SMB server listens there.", "Check server and port.", "server"),
    ),
    (
        r"permission denied|key was rejected|required key not available|access denied",
        Trouble(
            "The server does not let this user in: the user or the password is wrong, or may not use the share.",
            "Check user, password and domain.",
            "password",
        ),
    ),
    (
        r"no such file or directory|bad network name",
        Trouble("The server has no such share, or no such folder in it.", "Check the share’s name.", "share"),
    ),
    (
        r"operation not supported|not supported|host is down",
        Trouble("The server does not speak this version of SMB.", "Choose another version.", "version"),
    ),
    (
        r"invalid argument",
        Trouble("The kernel does not take these mount options.", "Check version and further options.", "extra"),
    ),
)

_BIND_RULES: tuple[_Rule, ...] = (
    (
        r"no such file or directory",
        Trouble("There is no such folder on the engine’s machine.", "Make it first; Docker does not.", "folder"),
    ),
    (r"not a directory", Trouble("This is a file and no folder.", "Give a folder.", "folder")),
)

_TMPFS_RULES: tuple[_Rule, ...] = (
    (r"invalid argument", Trouble("The kernel does not take this size or mode.", "Write 64m, 1g or 50%.", "size")),
)

_RCLONE_RULES: tuple[_Rule, ...] = (
    (
        r"password|decrypt|base64|obscure",
        Trouble(
            "rclone does not take this passphrase.", "It has to be obscured, as `rclone obscure` does.", "passphrase"
        ),
    ),
    (
        r"unsupported .*option|unknown .*option|didn't find",
        Trouble("This version of rclone does not know one of the options.", "Bring the driver up to date."),
    ),
    (
        r"no such host|connection refused|no route to host|timed out|timeout|deadline exceeded",
        Trouble(
            "The driver can’t reach the storage.",
            "Check its address; the engine’s machine has to reach it.",
            "endpoint",
        ),
    ),
    (
        r"input/output error|i/o error",
        Trouble("The storage answers with errors.", "Check address, bucket and keys; the driver’s log says more."),
    ),
)

_RULES: dict[Where, tuple[_Rule, ...]] = {
    Where.NFS: (*_SERVER_RULES, *_NFS_RULES),
    Where.SMB: (*(rule for rule in _SMB_RULES if "host is down" in rule[0]), *_SERVER_RULES, *_SMB_RULES),
    Where.BIND: _BIND_RULES,
    Where.TMPFS: _TMPFS_RULES,
    Where.S3: _RCLONE_RULES,
    Where.CRYPT_S3: _RCLONE_RULES,
    Where.CRYPT_LOCAL: _RCLONE_RULES,
}


def explain(where: Where, said: str) -> Trouble | None:
    """What the engine's words mean for storage of that kind, or None where nothing is known of them."""
    return _first((*_ANY, *_RULES.get(where, ())), said)


def silence() -> Trouble:
    """What to say where nobody answered at all."""
    return _SILENT


def _first(rules: Iterable[_Rule], said: str) -> Trouble | None:
    return next((trouble for pattern, trouble in rules if re.search(pattern, said, re.IGNORECASE)), None)
