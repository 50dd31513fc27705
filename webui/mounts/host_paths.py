"""Which folders of a machine a container had better not be given without a second look."""

from __future__ import annotations

import ntpath
import posixpath
from collections.abc import Iterable, Mapping

from webui.mounts.model import is_drive_path

_SYSTEM_TREES = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr",
    "/Library", "/System", "/private/etc", "/private/var",
)  # fmt: skip
_SYSTEM_FOLDERS = frozenset(
    ("/", "/home", "/opt", "/private", "/root", "/run", "/Users", "/var", "/var/lib", "/var/log", "/var/run")
)
_ENGINE_FOLDERS = ("/var/lib/containerd", "/var/lib/containers", "/var/lib/docker")
_SOCKETS = frozenset({"containerd.sock", "crio.sock", "docker.raw.sock", "docker.sock", "podman.sock"})
_SECRET_FOLDERS = frozenset({".aws", ".azure", ".docker", ".gnupg", ".kube", ".password-store", ".ssh"})
_HARMLESS_READ_ONLY = ("/etc/localtime", "/etc/timezone", "/lib/modules", "/usr/share/zoneinfo")
_NETWORK_TYPES = frozenset({"nfs", "nfs3", "nfs4", "cifs", "smb3", "tmpfs"})


def normal_source(path: str) -> str:
    """The path without dots, doubled and trailing slashes, to compare it with others."""
    if is_drive_path(path):
        return ntpath.normpath(path)
    return "/" + posixpath.normpath(path).lstrip("/") if path.startswith("/") else path


def is_engine_socket(path: str) -> bool:
    """Whether it is the socket of a container engine. Who reaches it commands the engine, even read-only."""
    folder, _, name = normal_source(path).rpartition("/")
    return name in _SOCKETS or (name == "podman" and folder.endswith("/run"))


def danger_of(path: str, *, read_only: bool = False, home: str = "", data_folder: str = "") -> str:
    """What a container gets with this folder, as the end of “gives the container …”. Empty: nothing special."""
    source = normal_source(path)
    if read_only and any(_is_within(source, harmless) for harmless in _HARMLESS_READ_ONLY):
        return ""
    if source == "/":
        return "the whole machine, with every file on it"
    if is_drive_path(source):
        return _windows_danger(source)
    if any(_is_within(source, folder) for folder in _engine_folders(data_folder)):
        return "the engine's own data, with the files of every volume, image and container"
    if source in _SYSTEM_FOLDERS or any(_is_within(source, tree) for tree in _SYSTEM_TREES):
        return "a system folder of the machine, which can take it over or break it"
    if any(_is_within(folder, source) for folder in _engine_folders(data_folder)):
        return "a folder that holds the engine's own data"
    return _home_danger(source, home)


def device_of(driver: str, options: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """The folder or device of the machine that a volume with these options really is. Empty where it is none.

    `type=none,o=bind,device=/srv` makes a volume that is `/srv`; with another type the device itself is mounted.
    """
    found = dict(options)
    device = found.get("device", "")
    if driver not in {"", "local"} or not device.startswith("/") or device.startswith("//"):
        return ""
    return "" if found.get("type", "").lower() in _NETWORK_TYPES else device


def _engine_folders(data_folder: str) -> tuple[str, ...]:
    return (*_ENGINE_FOLDERS, normal_source(data_folder)) if data_folder else _ENGINE_FOLDERS


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _windows_danger(source: str) -> str:
    rest = source[2:].strip("\\").lower()
    if rest in {"", "users"} or rest.split("\\")[0] in {"windows", "program files", "programdata"}:
        return "a system folder of the machine, which can take it over or break it"
    return ""


def _home_danger(source: str, home: str) -> str:
    pieces = source.split("/")
    if _SECRET_FOLDERS.intersection(pieces):
        return "a folder that holds keys or passwords"
    if home and source == normal_source(home):
        return "your whole home folder, with keys and passwords in it"
    return ""
