"""How the entries of a folder look: their icon, their permissions in letters, and what they are in words. Pure."""

from __future__ import annotations

import stat
from posixpath import normpath
from typing import Final

from webui.engine.file_model import Entry, EntryType, TargetState
from webui.paths import TOP, VolumePath, volume_path
from webui.preview import EDIT_BYTES, Preview

_BY_TYPE: Final = {
    EntryType.FOLDER: "folder",
    EntryType.LINK: "link",
    EntryType.FIFO: "pipeline",
    EntryType.SOCKET: "plug",
    EntryType.DEVICE: "cpu",
}
_BY_SUFFIX: Final = {
    "photo": "avif bmp gif ico jpeg jpg png svg tif tiff webp",
    "file-zip": "7z bz2 gz rar tar tgz txz xz zip zst",
    "file-code": "c conf cpp cs css go h html ini java js json jsx kt lua php pl py rb rs scss sh sql toml ts tsx xml yaml yml",
    "file-text": "csv log md rst rtf text tsv txt",
    "database": "db ibd mdb sqlite sqlite3",
    "lock": "crt key pem pub",
}
_ICONS: Final = {suffix: icon for icon, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()}
_WORDS: Final = {
    EntryType.FILE: "File",
    EntryType.FOLDER: "Folder",
    EntryType.LINK: "Symbolic link",
    EntryType.FIFO: "Named pipe (FIFO)",
    EntryType.SOCKET: "Socket",
    EntryType.DEVICE: "Device",
}
_TARGETS: Final = {
    TargetState.MISSING: "missing",
    TargetState.LOOP: "loop",
    TargetState.OUTSIDE: "outside",
    TargetState.SPECIAL: "special file",
}
ICONS: Final = frozenset({*_BY_TYPE.values(), *_BY_SUFFIX, "file", "folder-symlink", "unlink"})
"""Every icon that may be asked for."""


def file_icon(entry: Entry) -> str:
    """The icon of an entry: by its type, of a file by how its name ends."""
    if entry.type is EntryType.LINK:
        if entry.target_state is TargetState.FOLDER:
            return "folder-symlink"
        return "unlink" if entry.target_state in {TargetState.MISSING, TargetState.LOOP} else "link"
    if entry.type is not EntryType.FILE:
        return _BY_TYPE[entry.type]
    suffix = entry.name.rpartition(b".")[2].decode("utf-8", "replace").lower()
    return _ICONS.get(suffix, "file")


def letters(mode: int) -> str:
    """The twelve bits of a mode as `ls -l` has them, without the letter of the type: `rwxr-x---`."""
    return stat.filemode(mode)[1:]


def type_words(entry: Entry) -> str:
    """What an entry is."""
    return _WORDS[entry.type]


def target_words(entry: Entry) -> str:
    """What is peculiar about where a link leads; nothing where it leads to a file or folder inside."""
    return _TARGETS.get(entry.target_state, "") if entry.target_state else ""


def link_path(entry: Entry) -> VolumePath | None:
    """The file or folder inside that a link leads to; None where it leads elsewhere or nowhere."""
    if entry.target is None or entry.target_state not in {TargetState.FILE, TargetState.FOLDER}:
        return None
    reached = normpath(b"/".join(filter(None, (entry.path.parent.raw, entry.target))))
    return TOP if reached == b"." else volume_path(reached)


def can_edit(entry: Entry, preview: Preview | None) -> bool:
    """Whether it is text that the editor takes."""
    return preview is not None and preview.kind in {"text", "empty"} and entry.size <= EDIT_BYTES
