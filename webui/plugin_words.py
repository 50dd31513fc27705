"""What a managed plugin asks for, in words. Pure.

Follows https://docs.docker.com/engine/extend/config/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_CAPABILITIES = {
    "CAP_SYS_ADMIN": "to mount file systems, which is close to all that root may do (CAP_SYS_ADMIN)",
    "CAP_NET_ADMIN": "to change the machine’s network (CAP_NET_ADMIN)",
}


@dataclass(frozen=True, slots=True)
class PermissionWords:
    """One permission: what it means, and whether it is more than most programs get."""

    sentence: str
    great: bool = False


def permission_words(name: str, values: Sequence[str]) -> PermissionWords:
    """What a permission of that name with these values lets a plugin do."""
    told = [value for value in values if value]
    match name:
        case "network":
            if "host" in told:
                return PermissionWords(
                    "Use the network of the engine’s machine as if it were a program of its own.", True
                )
            return PermissionWords(f"Use the network: {', '.join(told)}.")
        case "mount":
            return PermissionWords(f"Read and write on the engine’s machine: {', '.join(told)}.", True)
        case "device":
            return PermissionWords(f"Use the device {', '.join(told)}.")
        case "capabilities":
            return PermissionWords(f"Be allowed {', '.join(_CAPABILITIES.get(each, each) for each in told)}.", True)
        case "allow-all-devices":
            return PermissionWords("Use every device of the engine’s machine.", True)
        case "host pid namespace" | "pid":
            return PermissionWords("See and signal every process of the engine’s machine.", True)
        case _:
            return PermissionWords(f"{name}: {', '.join(told)}.", True)
