"""One mount out of whatever a person typed: any of the three flags, with or without the flag itself."""

from __future__ import annotations

import re

from webui.mounts.model import Mount, MountContext
from webui.mounts.mount_flag import looks_like_mount_flag, parse_mount_flag
from webui.mounts.shell import split_commands
from webui.mounts.volume_flag import parse_tmpfs_flag, parse_volume_flag
from webui.mounts.words import refuse, shown

MAX_SPEC = 64 * 1024
"""Letters of the longest text that is read."""

_FLAG = re.compile(r"(--volume|--mount|--tmpfs|-v)(?:=|\s+|(?<=-v))(?=\S)")


def parse(spec: str, context: MountContext) -> Mount:
    """The mount that a `-v`, `--mount` or `--tmpfs` string means.

    With a leading flag the text is read as a shell would, quotes included; without one the form is recognised. What
    the mount says is not judged here: `check` does that.
    Raises InvalidInputError with fields named like the mount's, or `spec` and `options`.
    """
    if len(spec) > MAX_SPEC:
        raise refuse("spec", "That is too long for a mount.")
    flag, value = _split_flag(spec, context)
    return parse_flag(flag, value, context) if flag else parse_bare(value, context)


def parse_flag(flag: str, value: str, context: MountContext) -> Mount:
    """The mount of one flag (`-v`, `--volume`, `--mount`, `--tmpfs`) and its value. Raises as `parse` does."""
    if flag == "--mount":
        return parse_mount_flag(value, context)
    return parse_tmpfs_flag(value) if flag == "--tmpfs" else parse_volume_flag(value, context)


def parse_bare(value: str, context: MountContext) -> Mount:
    """The mount of a value without its flag. Raises as `parse` does."""
    return parse_mount_flag(value, context) if looks_like_mount_flag(value) else parse_volume_flag(value, context)


def _split_flag(spec: str, context: MountContext) -> tuple[str, str]:
    found = _FLAG.match(spec.lstrip())
    if found is None:
        return "", spec.strip()
    commands = split_commands(spec.lstrip()[found.end() :], context).commands
    words = [word for command in commands for word in command]
    if len(words) != 1:
        raise refuse("spec", f"{shown(spec)} holds more than one mount. Put quotes around a path with spaces.")
    return found[1], words[0]
