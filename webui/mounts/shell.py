"""Words of a pasted shell command, as a POSIX shell would make them, without running anything.

`$PWD`, `$(pwd)`, `$HOME` and `~` become the folders they mean; every other variable stays as it is written and is
named. Line ends continued with a backslash (or, from Windows, a backtick or `^`) are joined, and the backslashes of
`C:\\data` are kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from webui.mounts.model import MountContext
from webui.mounts.words import refuse

_SEPARATORS = frozenset("\n;&|<>")
_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([^{}]*)\}|\$\(([^()]*)\)|`([^`\n]*)`")
_DRIVE = re.compile(r"[=,]?[A-Za-z]:")
_CONTINUATION = re.compile(r"[\\`^]\r?\n")


@dataclass(frozen=True, slots=True)
class ShellText:
    """The commands, each a tuple of words, and the variables nobody could replace."""

    commands: tuple[tuple[str, ...], ...]
    unknown: tuple[str, ...]


def split_commands(text: str, context: MountContext) -> ShellText:
    """The commands in a text. Raises InvalidInputError at `spec` where a quote is never closed."""
    return _Lexer(text, context).run()


class _Lexer:
    """One pass over the text, a letter or a quoted stretch at a time."""

    def __init__(self, text: str, context: MountContext) -> None:
        self._text = text
        self._position = 0
        self._folders = {"PWD": context.start_folder, "pwd": context.start_folder, "HOME": context.home}
        self._word: list[str] | None = None
        self._words: list[str] = []
        self._in_drive_path = False
        self._commands: list[tuple[str, ...]] = []
        self._unknown: list[str] = []

    def run(self) -> ShellText:
        while self._position < len(self._text):
            self._step()
        self._end_command()
        return ShellText(tuple(self._commands), tuple(dict.fromkeys(self._unknown)))

    def _step(self) -> None:
        letter = self._text[self._position]
        if found := _CONTINUATION.match(self._text, self._position):
            self._position = found.end()
        elif letter in _SEPARATORS:
            self._end_command()
            self._position += 1
        elif letter in " \t\r":
            self._end_word()
            self._position += 1
        elif letter == "#" and self._word is None:
            self._skip_comment()
        else:
            self._read_into_word(letter)

    def _read_into_word(self, letter: str) -> None:
        if letter == "'":
            self._add(self._until_quote("'"))
        elif letter == '"':
            self._read_double_quoted()
        elif letter == "\\":
            self._read_backslash()
        elif letter == "~" and self._word is None and re.match(r"~(?=[/\s]|$)", self._text[self._position :][:2]):
            self._add(self._folders["HOME"] or "~")
            self._position += 1
        elif not self._read_variable():
            self._add(letter)
            self._position += 1

    def _read_backslash(self) -> None:
        following = self._text[self._position + 1 : self._position + 2]
        self._in_drive_path = self._in_drive_path or self._is_after_drive()
        self._add("\\" + following if self._in_drive_path and following.isalnum() else following)
        self._position += 2

    def _is_after_drive(self) -> bool:
        """Whether the word so far ends with a drive, as in `C:` or `src=C:`."""
        word = self._word or []
        return _DRIVE.fullmatch("".join(word[-3:])) is not None and (len(word) == 2 or word[-3] in {"=", ","})

    def _read_double_quoted(self) -> None:
        self._add("")
        self._position += 1
        while self._position < len(self._text) and self._text[self._position] != '"':
            if self._text[self._position] == "\\" and self._text[self._position + 1 : self._position + 2] in {
                *'$`"\\\n'
            }:
                escaped = self._text[self._position + 1]
                self._add("" if escaped == "\n" else escaped)
                self._position += 2
            elif not self._read_variable():
                self._add(self._text[self._position])
                self._position += 1
        if self._position >= len(self._text):
            raise refuse("spec", 'A quote (") is opened and never closed. Close it.')
        self._position += 1

    def _read_variable(self) -> bool:
        if self._text[self._position] not in "$`":
            return False
        found = _VARIABLE.match(self._text, self._position)
        if found is None:
            return False
        name = next(group for group in found.groups() if group is not None).strip()
        folder = self._folders.get(name, "")
        self._add(folder or found[0])
        if not folder:
            self._unknown.append(found[0])
        self._position = found.end()
        return True

    def _until_quote(self, quote: str) -> str:
        end = self._text.find(quote, self._position + 1)
        if end < 0:
            raise refuse("spec", f"A quote ({quote}) is opened and never closed. Close it.")
        found = self._text[self._position + 1 : end]
        self._position = end + 1
        return found

    def _skip_comment(self) -> None:
        end = self._text.find("\n", self._position)
        self._position = len(self._text) if end < 0 else end

    def _add(self, text: str) -> None:
        if self._word is None:
            self._word = []
        if text in {":", ","}:
            self._in_drive_path = False
        self._word.append(text)

    def _end_word(self) -> None:
        if self._word is not None:
            self._words.append("".join(self._word))
            self._word = None
            self._in_drive_path = False

    def _end_command(self) -> None:
        self._end_word()
        if self._words:
            self._commands.append(tuple(self._words))
            self._words = []
