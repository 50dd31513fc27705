"""A small image made from this machine's own tools, for an engine that reaches no registry."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from webui.engine import by_handle
from webui.engine.connection import Engine
from webui.engine.errors import translated
from webui.engine.images import image_detail
from webui.engine.model import Image
from webui.engine.references import parse_reference
from webui.errors import ConflictError, EngineError

NAME = "demijohn/tools:latest"
MADE_BY_LABEL = "io.demijohn.made-by"

_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELL = Path("/bin/sh")
"""Where scripts expect it, whatever the search path finds first."""
_NEEDED = ("sh", "cat", "ls", "find", "stat", "cp", "tar", "perl")
_WELCOME = re.split(
    r"\s+",
    "bash awk base64 basename chgrp chmod chown cmp comm cut date dd df diff dirname du echo env expand "
    "expr false fold getfacl getfattr grep groups gzip head hostname id install join link ln logname "
    "md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc od paste pathchk pr printenv printf ps pwd "
    "readlink realpath rm rmdir sed seq setfacl setfattr sha1sum sha256sum sha512sum shred shuf sleep "
    "sort split stdbuf stty sum sync tac tail tee test timeout touch tr true truncate tsort tty uname "
    "unexpand uniq unlink wc which who whoami xargs xz yes zstd",
)
_TELL_FILES = 'print "$_\\0" for values %INC, @DynaLoader::dl_shared_objects'
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386", "riscv64": "riscv64"}
_LIBRARY = re.compile(r"(?:=>\s*|^\s*)(/\S+)\s+\(0x[0-9a-f]+\)", re.MULTILINE)
_FOLDERS = {
    "tmp": 0o1777,
    "root": 0o700,
    "etc": 0o755,
    "dev": 0o755,
    "proc": 0o755,
    "sys": 0o755,
    "run": 0o755,
}
_FILES = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
}


@dataclass(frozen=True, slots=True)
class _Part:
    """A file or a symbolic link of this machine that goes into the image under its own path."""

    path: Path
    size: int = 0
    link: str = ""


def make_tools_image(engine: Engine, name: str = NAME, on_progress: Callable[[int, int], None] | None = None) -> Image:
    """Make an image of this machine's shell and basic tools: some 15 MB, in about a second, with no registry.

    The tools lie in it under the paths they have here, with the libraries they load. `on_progress` is told the
    bytes sent and the bytes to send; what it raises ends the making, and no image is left.

    Raises:
        InvalidInputError: `name` is not the name of an image.
        ConflictError: this machine's programs don't run on the engine, or a tool is missing.
        EngineError, EngineUnreachableError: the engine refused it or is gone.
    """
    wanted = parse_reference(name)
    _check_machine(engine)
    parts = _parts((*_tools(), *_perl_modules()))
    with translated(f"image {wanted}"):
        answer = engine.api.import_image_from_data(
            _archive(parts, on_progress or _unwatched),
            repository=wanted.name,
            tag=wanted.version,
            changes=['CMD ["sh"]', f"ENV PATH={_SEARCH_PATH}", f"LABEL {MADE_BY_LABEL}=tools"],
        )
    _check_answer(answer)
    return image_detail(engine, str(wanted)).image


def _unwatched(_done: int, _total: int) -> None:
    """Nobody wants to know how far it is."""


def _check_machine(engine: Engine) -> None:
    with translated("the engine"):
        version = engine.api.version()
    theirs = (version.get("Os"), version.get("Arch"))
    ours = (platform.system().lower(), _ARCHITECTURES.get(platform.machine(), platform.machine()))
    if theirs != ours:
        raise ConflictError(
            f"This machine's tools ({'/'.join(ours)}) don't run on the engine ({'/'.join(map(str, theirs))}).",
            hint="Pull an image instead, or load one with `docker load`.",
        )


def _tools() -> tuple[Path, ...]:
    found = {tool: shutil.which(tool, path=_SEARCH_PATH) for tool in (*_NEEDED, *_WELCOME)}
    missing = [tool for tool in _NEEDED if not found[tool]]
    if missing:
        raise ConflictError(
            f"This machine has no {', '.join(missing)}, which the image needs.", hint="Pull an image instead."
        )
    return tuple(Path(path) for path in found.values() if path)


def _perl_modules() -> tuple[Path, ...]:
    """The files that Perl loads for what helpers do in it; it says so itself."""
    loads = "".join(f"use {module}; " for module in by_handle.MODULES)
    said = subprocess.run(
        ["perl", "-e", loads + _TELL_FILES], capture_output=True, text=True, check=True, env={"PATH": _SEARCH_PATH}
    )
    return tuple(map(Path, said.stdout.split("\0")[:-1]))


def _parts(tools: Iterable[Path]) -> tuple[_Part, ...]:
    """The tools and the libraries they load, with every symbolic link on the way to them."""
    parts: dict[Path, _Part] = {}
    for path in (*tools, *_libraries(tools), _SHELL):
        for part in _way_to(path):
            parts[part.path] = part
    return tuple(sorted(parts.values(), key=lambda part: part.path))


def _libraries(tools: Iterable[Path]) -> tuple[Path, ...]:
    """What the dynamic linker loads for them; it says so itself, and nothing for a script or a static program."""
    said = subprocess.run(["ldd", *map(str, tools)], capture_output=True, text=True, check=False)
    return tuple(sorted({Path(path) for path in _LIBRARY.findall(said.stdout)}))


def _way_to(path: Path) -> Iterator[_Part]:
    """The symbolic links one passes on the way to a file, and the file."""
    here = Path("/")
    rest = [part for part in path.parts if part != "/"]
    while rest:
        here = here / rest.pop(0)
        if here.is_symlink():
            link = str(here.readlink())
            yield _Part(here, link=link)
            rest = [*Path(os.path.normpath(here.parent / link)).parts[1:], *rest]
            here = Path("/")
    yield _Part(here, size=here.stat().st_size)


def _archive(parts: tuple[_Part, ...], on_progress: Callable[[int, int], None]) -> Iterator[bytes]:
    """The image's files as a tar stream, one part in memory at a time."""
    sink = _Sink()
    total = sum(part.size for part in parts)
    done = 0
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for folder, mode in _folders(parts).items():
            archive.addfile(_entry(folder, tarfile.DIRTYPE, mode))
        for name, content in _FILES.items():
            archive.addfile(_entry(name, tarfile.REGTYPE, 0o644, len(content)), io.BytesIO(content))
        for part in parts:
            _add(archive, part)
            yield sink.take()
            done += part.size
            on_progress(done, total)
    yield sink.take()


def _folders(parts: tuple[_Part, ...]) -> Mapping[str, int]:
    """Every folder of the image with its mode, the outer ones first."""
    links = {part.path for part in parts if part.link}
    needed = {folder for part in parts for folder in part.path.parents if folder != Path("/")} - links
    return {str(folder)[1:]: 0o755 for folder in sorted(needed)} | _FOLDERS


def _add(archive: tarfile.TarFile, part: _Part) -> None:
    name = str(part.path)[1:]
    if part.link:
        entry = _entry(name, tarfile.SYMTYPE, 0o777)
        entry.linkname = part.link
        archive.addfile(entry)
        return
    with part.path.open("rb") as content:
        executable = os.fstat(content.fileno()).st_mode & stat.S_IXUSR
        archive.addfile(_entry(name, tarfile.REGTYPE, 0o755 if executable else 0o644, part.size), content)


def _entry(name: str, kind: bytes, mode: int, size: int = 0) -> tarfile.TarInfo:
    """An entry owned by root, without set-id bits and without this machine's times."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size = kind, mode, size
    return entry


class _Sink(io.RawIOBase):
    """Collects what a tar stream writes until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._kept += data
        return len(data)

    def take(self) -> bytes:
        taken, self._kept = bytes(self._kept), bytearray()
        return taken


def _check_answer(answer: str) -> None:
    for line in answer.splitlines():
        message = json.loads(line) if line.strip() else {}
        if "error" in message:
            raise EngineError(f"The engine did not take the image: {message['error']}")
