"""Published ports, in the syntax of `-p`.

Follows https://docs.docker.com/reference/cli/docker/container/run/#publish.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from webui.mounts.words import refuse, shown

PROTOCOLS = ("tcp", "udp", "sctp")
_LARGEST = 65535
_LONGEST_RANGE = 1000
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A container's port and where the machine offers it. No `host_port`: Docker chooses one. No `host_ip`: on all."""

    container_port: int
    host_port: int | None = None
    protocol: str = "tcp"
    host_ip: str = ""

    def to_json(self) -> dict[str, str | int | None]:
        """Its four fields by name."""
        return {
            "container_port": self.container_port,
            "host_port": self.host_port,
            "protocol": self.protocol,
            "host_ip": self.host_ip,
        }


def parse_port(text: str) -> tuple[PortMapping, ...]:
    """The ports of `[[IP:][HOST]:]CONTAINER[/PROTOCOL]`, one for each in a range; an IPv6 address stands in brackets.

    Raises InvalidInputError at `ports`.
    """
    rest, slash, protocol = text.strip().partition("/")
    if slash and protocol.lower() not in PROTOCOLS:
        raise refuse("ports", f"{shown(protocol)} is no protocol. Use tcp, udp or sctp.")
    address, host, container = _split(rest, text)
    inside = _read_range(container, text, smallest=1)
    outside = _read_range(host, text, smallest=0) if host else range(0)
    if host and len(outside) != len(inside):
        raise refuse("ports", f"In {shown(text)} both ranges must be equally long.")
    pairs = zip(inside, outside, strict=True) if host else ((port, 0) for port in inside)
    return tuple(PortMapping(port, there or None, protocol.lower() or "tcp", address) for port, there in pairs)


def print_port(port: PortMapping) -> str:
    """What stands after `-p` for this port."""
    host = "" if port.host_port is None else str(port.host_port)
    address = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    before = f"{address}:{host}:" if address else (f"{host}:" if host else "")
    return f"{before}{port.container_port}" + ("" if port.protocol == "tcp" else f"/{port.protocol}")


def port_problem(port: PortMapping) -> str:
    """What is wrong with a port, in a sentence. Empty: nothing."""
    if not 1 <= port.container_port <= _LARGEST:
        return f"{port.container_port} is no port. Ports go from 1 to 65535."
    if port.host_port is not None and not 1 <= port.host_port <= _LARGEST:
        return f"{port.host_port} is no port. Ports go from 1 to 65535."
    if port.protocol not in PROTOCOLS:
        return f"{shown(port.protocol)} is no protocol. Use tcp, udp or sctp."
    return (
        ""
        if not port.host_ip or _is_address(port.host_ip)
        else f"{shown(port.host_ip)} is no IP address of the machine."
    )


def _split(rest: str, text: str) -> tuple[str, str, str]:
    address = ""
    if rest.startswith("["):
        address, bracket, rest = rest[1:].partition("]")
        if not bracket or not rest.startswith(":"):
            raise refuse("ports", f"In {shown(text)} the IPv6 address must stand in brackets: [::1]:8080:80.")
        rest = rest[1:]
    pieces = rest.split(":")
    if len(pieces) > (2 if address else 3):
        raise refuse("ports", f"{shown(text)} has too many colons. An IPv6 address stands in brackets: [::1]:8080:80.")
    *before, container = pieces
    if len(before) == 2:
        address = before.pop(0)
    if (address or len(pieces) == 3) and not _is_address(address):
        raise refuse("ports", f"{shown(address)} is no IP address of the machine.")
    return address, before[0] if before else "", container


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _read_range(text: str, whole: str, *, smallest: int) -> range:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise refuse("ports", f"{shown(whole)} is no port. Write it like 8080:80 or 127.0.0.1:8080:80/udp.")
    first, last = int(found[1]), int(found[2] or found[1])
    if first < smallest or last > _LARGEST:
        raise refuse("ports", f"{shown(whole)} is out of range. Ports go from 1 to 65535.")
    if last < first:
        raise refuse("ports", f"In {shown(whole)} the range ends before it begins.")
    if last - first >= _LONGEST_RANGE:
        raise refuse("ports", f"{shown(whole)} are too many ports at once: {_LONGEST_RANGE} at most.")
    if first == 0 and last > 0:
        raise refuse("ports", f"{shown(whole)} is out of range. Ports go from 1 to 65535.")
    return range(first, last + 1)
