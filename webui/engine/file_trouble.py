"""What went wrong in a helper, in words: exit statuses of scripts and the complaints of GNU's tools."""

from __future__ import annotations

from typing import Final

from webui.engine import scripts, session
from webui.engine.file_model import Place
from webui.engine.session import Output
from webui.errors import ConflictError, DemijohnError, EngineError, NotFoundError
from webui.paths import VolumePath, shown_name

_AGAIN: Final = "Look at the folder again."
_SAYINGS: Final = (
    ("No space left on device", "{place} is full", "Delete something in it, or use a larger volume."),
    ("Wrote only", "{place} is full", "Delete something in it, or use a larger volume."),
    ("Disk quota exceeded", "{place} has reached its quota", "Delete something in it, or raise the quota."),
    ("Read-only file system", "{place} can only be read", "Its storage is mounted read-only."),
    ("File name too long", "the name or path is too long for {place}", "Choose a shorter one."),
    ("Operation not permitted", "{place} does not allow that", "Its file system forbids it, or the file is immutable."),
    ("Permission denied", "{place} does not allow that", "Its storage refuses even root: a file server may do so."),
    ("Not a directory", "something on the way to it is no folder (any more)", _AGAIN),
    ("No such file or directory", "it is not there any more", _AGAIN),
    ("Too many levels of symbolic links", "it has become a symbolic link, which is not followed", _AGAIN),
    ("Invalid argument", "somebody else changed what is in it meanwhile", _AGAIN),
    ("are the same file", "both are names of one and the same file", "Delete one of the two."),
    ("Device or resource busy", "something else holds it, a mount perhaps", "Look at who uses it."),
    ("Stale file handle", "the storage of {place} has lost it", _AGAIN),
    ("Input/output error", "the storage of {place} failed", "Check its disk, share or bucket."),
    ("Invalid cross-device link", "the target is on another file system", "Copy it instead, then delete the original."),
    ("Too many links", "it has as many names as its file system allows", "Copy it instead."),
    ("File too large", "it is too large for the file system of {place}", "Use a volume on another one."),
)
_TELL_NOTHING: Final = (
    "file changed as we read it",
    "Exiting with failure status due to previous errors",
    "Error is not recoverable: exiting now",
)
"""What GNU tar says beside the reason why it failed: lines that end so."""
_LONGEST = 500


def refuse(output: Output, place: Place, path: VolumePath, doing: str) -> None:
    """Raise what a script's status means for the path; nothing where it is 0. `doing` reads after “could not be”."""
    if output.status:
        raise trouble(output, place, path, doing)


def trouble(output: Output, place: Place, path: VolumePath, doing: str) -> DemijohnError:
    """The domain's error for a script that failed."""
    return _by_status(output.status, place, path) or _by_saying(output.errors, place, path, doing)


def named(path: VolumePath, place: Place) -> str:
    """The path as it reads at the beginning of a sentence."""
    if path.is_top:
        return f"The top folder of {place.subject}"
    shown = path.shown
    return f"“{shown if len(shown) <= 120 else '…' + shown[-120:]}”"


def _by_status(status: int, place: Place, path: VolumePath) -> DemijohnError | None:
    name = named(path, place)
    if status == session.NO_WAY_IN:
        return ConflictError(f"The {place.subject} is no folder that can be looked into.")
    if status == session.MISSING:
        return NotFoundError(f"{name} is not in {place.subject} (any more).", hint=_AGAIN)
    if status == session.LINK:
        return ConflictError(
            f"{name} is a symbolic link, or lies behind one, and links are not followed.",
            hint="Open the place it points to instead.",
        )
    if status == session.NOT_A_FOLDER:
        return ConflictError(f"{name} is no folder, or lies below something that is none.", hint=_AGAIN)
    if status == scripts.NOT_A_FILE:
        return ConflictError(f"{name} is no regular file: it can't be opened.")
    if status == scripts.TAKEN:
        return ConflictError(
            f"{name} exists already.",
            hint="Choose another name, or say that it is to be replaced.",
            fields={"exists": f"{name} exists already."},
        )
    if status == scripts.INCOMPLETE:
        return ConflictError(f"{name} did not come whole, so nothing was changed.", hint="Send it again.")
    if status == scripts.OTHER_DEVICE:
        return ConflictError(
            f"{name} is on another file system that is mounted inside {place.subject}, or such a one is mounted in it.",
            hint="Copy it instead of moving it. To delete it, unmount what is mounted there first.",
        )
    if status == scripts.CHANGED:
        return ConflictError(
            f"{name} was changed by somebody else meanwhile; nothing was written.", hint="Look at what it is now."
        )
    return None


def _by_saying(errors: bytes, place: Place, path: VolumePath, doing: str) -> DemijohnError:
    said = errors.decode("utf-8", "replace")
    name = named(path, place)
    for words, meaning, hint in _SAYINGS:
        if words in said:
            sentence = f"{name} could not be {doing}: {meaning.format(place=place.subject)}."
            kind = NotFoundError if words == "No such file or directory" else ConflictError
            return kind(sentence, hint=hint)
    reasons = [line for line in said.splitlines() if line.strip() and not line.endswith(_TELL_NOTHING)]
    last = shown_name(reasons[-1].encode())[:_LONGEST] if reasons else "nothing"
    return EngineError(f"{name} could not be {doing}. The helper said: {last}")
