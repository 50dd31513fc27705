"""Whatever a person pastes in place of filling in the form: flags, `docker run` lines, Compose YAML, docker-py."""

from __future__ import annotations

import re

from webui.errors import InvalidInputError
from webui.mounts.draft import Pasted
from webui.mounts.model import MountContext
from webui.mounts.parse import MAX_SPEC
from webui.mounts.paste_compose import paste_compose
from webui.mounts.paste_python import paste_python
from webui.mounts.paste_run import paste_bare, paste_flags, paste_run
from webui.mounts.words import refuse

_FLAG_LINE = re.compile(r"--?[a-zA-Z]")
_RUN_LINE = re.compile(
    r"(?:[$%>#] +)?(?:[A-Za-z_]\w*=\S* +|(?:sudo|doas) +|-\S+ +)*(?:\S*[/\\])?(?:docker|podman|nerdctl)(?:\.exe)?(?=\s+[^\s:=])"
)
_PYTHON_LINE = re.compile(
    r"(?:import|from)\s+\w|[A-Za-z_][\w.]*\s*=[^=]|[A-Za-z_][\w.]*\(|for\s+\w+\s+in\b|with\s|def\s|async\s|@\w|\"\"\""
)
_YAML_LINE = re.compile(r"(?:[\w.-]+|\"[^\"]*\"|'[^']*')\s*:(?:\s|$)|-\s|[{\[]|---")


def parse_paste(text: str, context: MountContext) -> Pasted:
    """What a pasted text says, of whichever kind it is, at most 64 KB of it.

    Raises InvalidInputError at `spec` where it is of no kind that is known, and at fields like `mounts.0.source`,
    `ports` or `image` where a piece of it can't be right. What is merely unknown is named in `not_understood`.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_SPEC:
        raise refuse("spec", "That is too long to paste here: 64 KB is the most.")
    if any(0xD800 <= ord(letter) < 0xE000 or letter == "\0" for letter in text):
        raise refuse("spec", "The text holds a NUL or a broken character. Copy it again.")
    line = _first_line(text)
    if not line:
        raise refuse("spec", "Nothing was pasted. Paste mounts, a docker run line, Compose YAML or docker-py.")
    return _read(text, line, context)


def _first_line(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and (not line.startswith("#") or _RUN_LINE.match(line))), "")


def _read(text: str, line: str, context: MountContext) -> Pasted:
    if _FLAG_LINE.match(line):
        return paste_flags(text, context)
    if _RUN_LINE.match(line):
        return paste_run(text, context)
    if _YAML_LINE.match(line):
        return paste_compose(text, context)
    if _PYTHON_LINE.match(line) and _is_python(line, text):
        return paste_python(text, context)
    if re.search(rf"(?m)(?:^|[;&|])\s*{_RUN_LINE.pattern}", text):
        return paste_run(text, context)
    return _bare(text, context)


def _is_python(line: str, text: str) -> bool:
    """Tells `mounts = [Mount(…)]` from a mount such as `type=bind,src=/a,dst=/b`."""
    return "(" in text or line.startswith(("import ", "from "))


def _bare(text: str, context: MountContext) -> Pasted:
    try:
        return paste_bare(text, context)
    except InvalidInputError as error:
        raise InvalidInputError(error.fields, hint="Mounts are written one a line, like data:/data:ro.") from None
