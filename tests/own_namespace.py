"""A mount namespace of the run's own: drivers of other engines stay out of it, and its own stay in.

Every engine of a machine reads `/run/docker/plugins`, and one socket there that nobody serves costs each of its lists
fifteen seconds (https://docs.docker.com/engine/extend/plugin_api/#plugin-discovery).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

CLONE_NEWNS = 0x00020000
DRIVERS = Path("/run/docker")


def enter() -> None:
    """Leave the machine's mount namespace for a new one with no drivers in it; only root can, and nobody else needs it.

    To be called while the process has one thread: others would stay behind. Raises OSError where root may not.
    """
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"No mount namespace could be made for the tests: {os.strerror(number)}")
    DRIVERS.mkdir(mode=0o700, exist_ok=True)
    _mount("--make-rprivate", "/")
    _mount("--make-rshared", "/")
    _mount("-t", "tmpfs", "tmpfs", str(DRIVERS))


def _mount(*arguments: str) -> None:
    """Run mount(8)."""
    subprocess.run(["mount", *arguments], check=True, timeout=30)
