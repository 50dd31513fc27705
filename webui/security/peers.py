"""Which account of this machine is at the other end of a connection.

The kernel knows, and says so in two ways: at once when asked for the one connection (the way `ss` asks), or in a list of
all of them, which takes some milliseconds to make and is for kernels without the first way.
(https://man7.org/linux/man-pages/man7/sock_diag.7.html, https://docs.kernel.org/networking/proc_net_tcp.html)
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

UNKNOWN: Final = "unknown"

_ESTABLISHED: Final = 1
_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST: Final = 1
_ANY_COOKIE: Final = b"\xff" * 8
_MESSAGE: Final = struct.Struct("=LHHLL")
_QUESTION: Final = struct.Struct("=BBBBL")
_ANSWER: Final = struct.Struct("=BBBB48sLLLLL")
_TABLES: Final = {4: Path("/proc/net/tcp"), 6: Path("/proc/net/tcp6")}


class End(NamedTuple):
    """One end of a connection. IPv4 written as IPv6 (`::ffff:127.0.0.1`) is the IPv4 address."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int

    @classmethod
    def parse(cls, address: str, port: str) -> End:
        """Raises ValueError where either is none."""
        parsed = ipaddress.ip_address(address)
        return cls(getattr(parsed, "ipv4_mapped", None) or parsed, int(port))


def account(environ: WSGIEnvironment) -> str:
    """The number of the account (uid) that made the request, or UNKNOWN: another machine, another system.

    It needs `SERVER_ADDR`, which `webui.serving` adds. Asked anew for every request, as ports are used again.
    """
    try:
        ours = End.parse(environ["SERVER_ADDR"], environ["SERVER_PORT"])
        theirs = End.parse(environ["REMOTE_ADDR"], environ["REMOTE_PORT"])
    except (KeyError, ValueError):
        return UNKNOWN
    uid = ask_for_uid(theirs, ours)
    if uid is None and theirs.address.is_loopback:
        uid = find_uid(theirs, ours)
    return UNKNOWN if uid is None else str(uid)


def ask_for_uid(theirs: End, ours: End) -> int | None:
    """The owner of the socket at `theirs` that is connected to `ours`; None without one, or where none can be asked."""
    family = socket.AF_INET if theirs.address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(1)
            kernel.send(_question(family, theirs, ours))
            reply = kernel.recv(4096)
    except (OSError, AttributeError):
        return None
    _, kind, *_ = _MESSAGE.unpack_from(reply)
    if kind != _SOCK_DIAG_BY_FAMILY:
        return None
    _, state, _, _, ends, _, _, _, uid, _ = _ANSWER.unpack_from(reply, _MESSAGE.size)
    return int(uid) if state == _ESTABLISHED and ends.startswith(_ends(theirs, ours)) else None


def find_uid(theirs: End, ours: End) -> int | None:
    """The same from the list of all connections."""
    versions = (4, 6) if theirs.address.version == 4 else (6,)
    for version in versions:
        row = f" {_listed(theirs, version)} {_listed(ours, version)} {_ESTABLISHED:02X} ".encode()
        with suppress(OSError):
            _, found, rest = _TABLES[version].read_bytes().partition(row)
            if found:
                return int(rest.split(maxsplit=4)[3])
    return None


def _question(family: int, theirs: End, ours: End) -> bytes:
    """A `inet_diag_req_v2` for exactly one connection, in any of the states a connection can have."""
    body = _QUESTION.pack(family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF)
    body += _ends(theirs, ours) + bytes(4) + _ANY_COOKIE
    return _MESSAGE.pack(_MESSAGE.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0) + body


def _ends(theirs: End, ours: End) -> bytes:
    """The first part of a `inet_diag_sockid`: ports and addresses, as they go over the wire."""
    addresses = (end.address.packed.ljust(16, b"\0") for end in (theirs, ours))
    return struct.pack(">HH", theirs.port, ours.port) + b"".join(addresses)


def _listed(end: End, version: int) -> str:
    """An end as the list writes it: numbers of 32 bits in the order of this machine's bytes."""
    packed = end.address.packed
    if version == 6 and end.address.version == 4:
        packed = bytes(10) + b"\xff\xff" + packed
    numbers = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{number:08X}" for number in numbers) + f":{end.port:04X}"
