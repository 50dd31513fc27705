"""Trees of files as they are on the disk: made, packed and unpacked by GNU tar, and compared."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ATTRIBUTES = ("--xattrs", "--xattrs-include=*", "--acls")
QUIET = ("--warning=no-timestamp",)
"""Of files from before 1970."""
_CHUNK = 1024 * 1024


AS_THE_APP_DOES = ("--format=posix", "--sparse", "--numeric-owner")


def gnu_tar(folder: Path, *options: str) -> bytes:
    """The folder as GNU tar packs it."""
    command = ["tar", "--create", *options, "-C", os.fspath(folder), "."]
    return subprocess.run(command, check=True, capture_output=True, env=_environment()).stdout


def unpack(chunks: Iterable[bytes], folder: Path, *options: str) -> None:
    """Have GNU tar unpack a stream, and fail at whatever it complains of."""
    command = [
        "tar",
        "--extract",
        "--preserve-permissions",
        "--numeric-owner",
        *QUIET,
        *options,
        "-C",
        os.fspath(folder),
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment())
    assert process.stdin and process.stderr
    try:
        for chunk in chunks:
            process.stdin.write(chunk)
    finally:
        process.stdin.close()
        complaint = process.stderr.read()
        process.stderr.close()
        process.wait()
    assert (process.returncode, complaint.decode(errors="replace")[:600]) == (0, "")


def described(folder: Path) -> dict[bytes, dict[str, Any]]:
    """Every path below the folder, with all that an archive has to keep of it."""
    top = os.fsencode(folder)
    found: dict[bytes, dict[str, Any]] = {b"": _facts(top)}
    names: dict[tuple[int, int], bytes] = {}
    for where, folders, files in os.walk(top):
        for name in folders + files:
            path = where + b"/" + name
            found[path[len(top) + 1 :]] = _facts(path)
    for path in sorted(found):
        state = os.lstat(top + b"/" + path)
        if not stat.S_ISDIR(state.st_mode):
            found[path]["same as"] = names.setdefault((state.st_dev, state.st_ino), path)
    return found


def data_size(path: Path) -> int:
    """How many bytes of a file are not in a hole."""
    return sum(length for _, length in _pieces(os.fsencode(path)))


def _facts(path: bytes) -> dict[str, Any]:
    state = os.lstat(path)
    facts: dict[str, Any] = {"mode": state.st_mode, "owner": (state.st_uid, state.st_gid)}
    if stat.S_ISLNK(state.st_mode):
        return facts | {"target": os.fsencode(Path(os.fsdecode(path)).readlink()), "modified": state.st_mtime_ns}
    facts |= {"modified": state.st_mtime_ns, "attributes": _attributes(path), "device": state.st_rdev}
    if stat.S_ISREG(state.st_mode):
        facts |= {"size": state.st_size, "pieces": _pieces(path), "hash": _hash(path)}
    return facts


def _attributes(path: bytes) -> dict[str, bytes]:
    return {name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)}


def _pieces(path: bytes) -> list[tuple[int, int]]:
    """Where a file has data, by SEEK_DATA and SEEK_HOLE."""
    found = []
    with Path(os.fsdecode(path)).open("rb", buffering=0) as opened:
        at = 0
        size = opened.seek(0, os.SEEK_END)
        while at < size:
            try:
                start = opened.seek(at, os.SEEK_DATA)
            except OSError:
                break
            at = opened.seek(start, os.SEEK_HOLE)
            found.append((start, at - start))
    return found


def _hash(path: bytes) -> str:
    """Of the data alone, which with its places is the whole file: a hole of 1 TiB is not read."""
    total = hashlib.sha256()
    with Path(os.fsdecode(path)).open("rb") as opened:
        for start, length in _pieces(path):
            opened.seek(start)
            end = start + length
            while chunk := opened.read(min(_CHUNK, end - opened.tell())):
                total.update(chunk)
    return total.hexdigest()


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}
