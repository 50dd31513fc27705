"""Where a volume's data can live, as frozen dataclasses: each knows what Docker has to be told. Pure.

Follows https://docs.docker.com/reference/cli/docker/volume/create/ and https://rclone.org/docker/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

NfsVersion = Literal["4.2", "4.1", "4", "3"]
SmbVersion = Literal["3.1.1", "3.0", "2.1", "2.0", "1.0"]


class Where(StrEnum):
    """The answers to the question where a new volume's data should live."""

    LOCAL = "local"
    BIND = "bind"
    TMPFS = "tmpfs"
    NFS = "nfs"
    SMB = "smb"
    S3 = "s3"
    CRYPT_LOCAL = "crypt-local"
    CRYPT_S3 = "crypt-s3"
    OTHER = "other"

    @property
    def by_rclone(self) -> bool:
        """Whether rclone's volume driver keeps it."""
        return self in {Where.S3, Where.CRYPT_LOCAL, Where.CRYPT_S3}

    @property
    def encrypted(self) -> bool:
        """Whether it is written under a passphrase."""
        return self in {Where.CRYPT_LOCAL, Where.CRYPT_S3}

    @property
    def elsewhere(self) -> bool:
        """Whether it can fail at the first mount for a reason that nobody sees before: it is tried first."""
        return self.by_rclone or self in {Where.NFS, Where.SMB}


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder of the engine's machine in the disguise of a volume."""

    folder: str


@dataclass(frozen=True, slots=True)
class Tmpfs:
    """Memory. `size` as tmpfs reads it (`64m`, `50%`), `mode` octal; what is empty or None is left to the kernel."""

    size: str = ""
    mode: str = ""
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class Nfs:
    """An export of an NFS server. `extra` are further mount options, separated by commas."""

    server: str
    export: str
    version: NfsVersion = "4.2"
    port: int | None = None
    read_only: bool = False
    give_up: bool = False
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Smb:
    """A share of a Windows or Samba server; `share` may go on with folders inside it."""

    server: str
    share: str
    username: str = ""
    password: str = field(default="", repr=False)
    domain: str = ""
    version: SmbVersion = "3.0"
    port: int | None = None
    uid: int | None = None
    gid: int | None = None
    file_mode: str = ""
    dir_mode: str = ""
    read_only: bool = False
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket in S3-compatible storage, or a folder in it. `provider` is who keeps it.

    With `empty_folders` a folder with nothing in it is kept as an object whose name ends with a slash.
    """

    provider: str
    bucket: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    endpoint: str = ""
    region: str = ""
    prefix: str = ""
    empty_folders: bool = False

    @property
    def path(self) -> str:
        """Bucket and folder; the slash at its end says that it is none of the bucket's files."""
        return f"{self.bucket}/{self.prefix}/" if self.prefix else self.bucket


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as rclone's driver sees it, in which encrypted files lie."""

    path: str


@dataclass(frozen=True, slots=True)
class Mounting:
    """How rclone mounts: whether a file is in the cloud before its container can exit, and who owns the files."""

    write_at_once: bool = True
    read_only: bool = False
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class S3:
    """A bucket as a volume, by rclone's driver of the name `driver`."""

    driver: str
    bucket: Bucket
    mounting: Mounting = Mounting()


@dataclass(frozen=True, slots=True)
class Crypt:
    """Encrypted contents, and names unless `names` is false, in a bucket or a folder; `salt` may be empty."""

    driver: str
    inside: Bucket | Folder
    passphrase: str = field(repr=False)
    salt: str = field(default="", repr=False)
    names: bool = True
    mounting: Mounting = Mounting()


@dataclass(frozen=True, slots=True)
class Other:
    """Any driver with any options, as they were given; the engine's own disk with none."""

    driver: str = "local"
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


Storage = Bind | Tmpfs | Nfs | Smb | S3 | Crypt | Other
