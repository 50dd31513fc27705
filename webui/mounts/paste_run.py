"""Pasted `docker run` lines and lone flags."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from webui.mounts.draft import Draft, Pasted, merge
from webui.mounts.model import MountContext
from webui.mounts.parse import parse_bare, parse_flag
from webui.mounts.ports import parse_port
from webui.mounts.run_flags import Flag, split_run_words
from webui.mounts.shell import split_commands
from webui.mounts.words import parse_boolean, refuse, shown

_PROGRAMS = frozenset({"docker", "nerdctl", "podman"})
_GLOBAL_WITH_VALUE = frozenset(
    [
        "-c",
        "--config",
        "--connection",
        "--context",
        "-H",
        "--host",
        "-l",
        "--log-level",
        "--tlscacert",
        "--tlscert",
        "--tlskey",
        "--url",
    ]
)
_BEFORE = re.compile(r"sudo|doas|[$%>#]|exec|time")


def paste_run(text: str, context: MountContext) -> Pasted:
    """The launch in one or more `docker run` or `docker create` lines. Other commands among them are named.

    Raises InvalidInputError at `spec` where there is none, and at the field a flag is about.
    """
    shell = split_commands(text, context)
    drafts: list[Draft] = []
    notes: list[str] = []
    for words in shell.commands:
        draft, more = _read_command(words, context)
        drafts += [draft] if draft else []
        notes += more
    if not drafts:
        raise refuse(
            "spec", "There is no docker run in this text. Paste a docker run line, mounts, Compose YAML or docker-py."
        )
    drafts[0].notes += [*notes, *(f"the variable {name}" for name in shell.unknown)]
    return merge(drafts)


def paste_flags(text: str, context: MountContext) -> Pasted:
    """The mounts (and whatever else) of flags without `docker run` before them."""
    shell = split_commands(text, context)
    draft = Draft()
    _read_run(tuple(word for words in shell.commands for word in words), context, draft)
    draft.notes += [f"the variable {name}" for name in shell.unknown]
    return draft.finished()


def paste_bare(text: str, context: MountContext) -> Pasted:
    """The mounts of values without their flags, one a line. Lines that are no mounts are named.

    Raises InvalidInputError at `spec` where none is one.
    """
    draft = Draft()
    for line in text.splitlines():
        value = line.strip().removesuffix("\\").strip()
        if any(sign in value for sign in ":=") or value.startswith("/"):
            draft.add_mount(partial(parse_bare, value, context))
        elif value and not value.startswith("#"):
            draft.notes.append(shown(value))
    if not draft.mounts:
        raise refuse(
            "spec", "This is no mount, docker run line, Compose file or docker-py code. Write mounts like data:/data."
        )
    return draft.finished()


def add_environment(draft: Draft, text: str, written: str) -> None:
    """Adds `NAME=value`. A name alone takes its value from a shell that isn't here, and is only named."""
    name, equals, value = text.partition("=")
    if equals:
        draft.add_variable(name, value)
    else:
        draft.notes.append(f"{written} (its value is in your shell: type it in)")


def add_ports(draft: Draft, text: str) -> None:
    """Adds the ports of one `-p`. Raises InvalidInputError at `ports`."""
    draft.fields["ports"] = (*draft.fields.get("ports", ()), *parse_port(text))


def _read_command(words: tuple[str, ...], context: MountContext) -> tuple[Draft | None, list[str]]:
    start = _program_place(words)
    if start is None:
        return None, [f"the command {shown(' '.join(words))}"]
    place, notes = _skip_globals(words, start + 1)
    verb_place = place + (words[place : place + 1] == ("container",))
    verb = words[verb_place] if verb_place < len(words) else ""
    if verb not in {"run", "create"}:
        return None, [f"the command {shown(' '.join(words))}"]
    draft = Draft(fields={"start": verb == "run"}, notes=notes)
    _read_run(words[verb_place + 1 :], context, draft)
    if "image" not in draft.fields:
        raise refuse("image", f"{shown(' '.join(words))} names no image. Add one at the end, like debian:stable-slim.")
    return draft, []


def _program_place(words: Sequence[str]) -> int | None:
    for place, word in enumerate(words):
        if word.replace("\\", "/").rpartition("/")[2].removesuffix(".exe").lower() in _PROGRAMS:
            return place
        if not (_BEFORE.fullmatch(word) or word.startswith("-") or re.match(r"[A-Za-z_]\w*=", word)):
            return None
    return None


def _skip_globals(words: Sequence[str], place: int) -> tuple[int, list[str]]:
    notes = []
    while place < len(words) and words[place].startswith("-"):
        used = 2 if words[place] in _GLOBAL_WITH_VALUE else 1
        notes.append(" ".join(words[place : place + used]))
        place += used
    return place, notes


def _read_run(words: tuple[str, ...], context: MountContext, draft: Draft) -> None:
    run = split_run_words(words)
    for flag in run.flags:
        _read_flag(flag, context, draft)
    if run.image:
        draft.fields["image"] = run.image
    if run.command:
        draft.fields["command"] = run.command


def _read_flag(flag: Flag, context: MountContext, draft: Draft) -> None:
    if flag.name in {"volume", "mount", "tmpfs"}:
        draft.add_mount(partial(parse_flag, f"--{flag.name}", flag.value or "", context))
    elif reader := _READERS.get(flag.name):
        reader(draft, flag)
    else:
        draft.notes.append(flag.written if flag.known else f"{flag.written} (not a flag of docker run)")


def _read_name(draft: Draft, flag: Flag) -> None:
    draft.fields["name"] = (flag.value or "").removeprefix("/")


def _read_network(draft: Draft, flag: Flag) -> None:
    if "=" in (flag.value or "") or "network" in draft.fields:
        draft.notes.append(flag.written)
    else:
        draft.fields["network"] = flag.value or ""


def _read_restart(draft: Draft, flag: Flag) -> None:
    draft.fields["restart"] = flag.value or "no"


def _read_detach(draft: Draft, flag: Flag) -> None:
    """Containers always start in the background here: `-d` needs nothing, `--detach=false` is named."""
    if flag.value is not None and parse_boolean(flag.value) is not True:
        draft.notes.append(flag.written)


def _read_environment(draft: Draft, flag: Flag) -> None:
    add_environment(draft, flag.value or "", flag.written)


def _read_port(draft: Draft, flag: Flag) -> None:
    add_ports(draft, flag.value or "")


_READERS: dict[str, Callable[[Draft, Flag], None]] = {
    "name": _read_name,
    "env": _read_environment,
    "publish": _read_port,
    "network": _read_network,
    "net": _read_network,
    "restart": _read_restart,
    "detach": _read_detach,
}
