"""The driver and the options that `docker volume create` needs for a storage. Pure.

Follows https://docs.docker.com/reference/cli/docker/volume/create/#opt, mount(8), nfs(5), mount.cifs(8),
https://rclone.org/docker/ and, for Podman, https://docs.podman.io/en/latest/markdown/podman-volume-create.1.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from webui.storage.model import S3, Bind, Bucket, Crypt, Folder, Mounting, Nfs, Other, Smb, Storage, Tmpfs
from webui.storage.obscure import obscure
from webui.storage.providers import rclone_name

_PLAIN = re.compile(r"[A-Za-z0-9._-]+")
GIVING_UP = ("soft", "timeo=100", "retrans=2")
"""Mount options with which a program is told of an error where a server does not answer, and not left waiting."""


def driver_of(storage: Storage) -> str:
    """The volume driver that keeps it."""
    return storage.driver if isinstance(storage, S3 | Crypt | Other) else "local"


def driver_options(
    storage: Storage, *, podman: bool = False, obscured: Callable[[str], str] = obscure
) -> dict[str, str]:
    """Its options, secrets included. `obscured` makes of a passphrase what rclone takes for one."""
    match storage:
        case Bind():
            return {"type": "none", "o": "bind", "device": storage.folder}
        case Tmpfs():
            return _tmpfs(storage)
        case Nfs():
            return _nfs(storage, podman=podman)
        case Smb():
            return _smb(storage)
        case S3():
            return _s3(storage)
        case Crypt():
            return _crypt(storage, obscured)
        case Other():
            return dict(storage.options)


def remote_of(inside: Bucket | Folder) -> str:
    """A bucket or folder as one of rclone's connection strings: https://rclone.org/docs/#connection-strings"""
    if isinstance(inside, Folder):
        return f":local:{inside.path}"
    settings = ",".join(f"{key}={_quoted(key, value)}" for key, value in _bucket(inside).items())
    return f":s3,{settings}:{inside.path}"


def _tmpfs(storage: Tmpfs) -> dict[str, str]:
    flags = _flags(
        ("size", storage.size), ("mode", storage.mode), ("uid", _text(storage.uid)), ("gid", _text(storage.gid))
    )
    return {"type": "tmpfs", "device": "tmpfs"} | ({"o": ",".join(flags)} if flags else {})


def _nfs(storage: Nfs, *, podman: bool) -> dict[str, str]:
    """Docker calls mount(2) itself, which wants the server as an option; Podman calls mount(8), which finds it."""
    flags = [
        *_flags(("addr", "" if podman else storage.server), ("nfsvers", storage.version)),
        *_flags(("port", _text(storage.port))),
        *(("ro",) if storage.read_only else ("rw",)),
        *(GIVING_UP if storage.give_up else ()),
        *_further(storage.extra),
    ]
    server = f"[{storage.server}]" if ":" in storage.server else storage.server
    return {"type": "nfs", "o": ",".join(flags), "device": f"{server if podman else ''}:{storage.export}"}


def _smb(storage: Smb) -> dict[str, str]:
    """`addr` is the server once more: mount(2) does not look its name up in the device.

    A guest is a user without a name; `guest` itself is a word of mount(8) alone.
    """
    flags = [
        f"addr={storage.server}",
        f"username={storage.username}",
        *(_flags(("password", storage.password.replace(",", ",,"))) if storage.username else ["password="]),
        *_flags(("domain", storage.domain), ("vers", storage.version), ("port", _text(storage.port))),
        *_flags(("uid", _text(storage.uid)), ("gid", _text(storage.gid))),
        *_flags(("file_mode", storage.file_mode), ("dir_mode", storage.dir_mode)),
        *(("ro",) if storage.read_only else ()),
        *_further(storage.extra),
    ]
    return {"type": "cifs", "o": ",".join(flags), "device": f"//{storage.server}/{storage.share}"}


def _s3(storage: S3) -> dict[str, str]:
    settings = {f"s3-{key.replace('_', '-')}": value for key, value in _bucket(storage.bucket).items()}
    return {"type": "s3", "path": storage.bucket.path} | settings | _mounting(storage.mounting)


def _crypt(storage: Crypt, obscured: Callable[[str], str]) -> dict[str, str]:
    secrets = {"crypt-password": obscured(storage.passphrase)}
    if storage.salt:
        secrets["crypt-password2"] = obscured(storage.salt)
    names = {} if storage.names else {"crypt-filename-encryption": "off", "crypt-directory-name-encryption": "false"}
    return {"type": "crypt", "crypt-remote": remote_of(storage.inside)} | secrets | names | _mounting(storage.mounting)


def _bucket(bucket: Bucket) -> dict[str, str]:
    """Settings of rclone's S3, by their names. It makes no bucket: one that is not there was misspelt."""
    settings = {
        "provider": rclone_name(bucket.provider),
        "endpoint": bucket.endpoint,
        "region": bucket.region,
        "access_key_id": bucket.access_key_id,
        "secret_access_key": bucket.secret_access_key,
        "no_check_bucket": "true",
        "directory_markers": "true" if bucket.empty_folders else "",
    }
    return {key: value for key, value in settings.items() if value}


def _mounting(mounting: Mounting) -> dict[str, str]:
    """Files go through rclone's cache on the engine's disk; with no write-back they are in the cloud when closed."""
    options = {
        "allow-other": "true",
        "vfs-cache-mode": "writes",
        "vfs-write-back": "0s" if mounting.write_at_once else "5s",
        "read-only": "true" if mounting.read_only else "",
        "uid": _text(mounting.uid),
        "gid": _text(mounting.gid),
    }
    return {key: value for key, value in options.items() if value}


def _flags(*pairs: tuple[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in pairs if value]


def _further(extra: str) -> list[str]:
    return extra.split(",") if extra else []


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _quoted(key: str, value: str) -> str:
    """A value in a connection string, keys always in quotes; those inside it are doubled."""
    return value if _PLAIN.fullmatch(value) and "key" not in key else '"' + value.replace('"', '""') + '"'
