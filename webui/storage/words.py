"""Where a volume's data lives, and what does not survive there, in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from webui.storage.model import Where
from webui.storage.providers import provider
from webui.storage.reading import Reading, read_options

LABELS: Mapping[Where, str] = {
    Where.LOCAL: "On this machine",
    Where.BIND: "In a folder",
    Where.TMPFS: "In memory",
    Where.NFS: "NFS server",
    Where.SMB: "Windows share",
    Where.S3: "Cloud (S3)",
    Where.CRYPT_LOCAL: "Encrypted here",
    Where.CRYPT_S3: "Encrypted in the cloud",
    Where.OTHER: "Another driver",
}


HINTS: Mapping[Where, str] = {
    Where.LOCAL: "On the engine’s own disk, in a folder that Docker looks after. The usual choice.",
    Where.BIND: "A folder of the engine’s machine in the disguise of a volume. Whoever mounts it changes the machine’s own "
    "files, and on another machine it is another folder, or none. A bind mount says the same openly.",
    Where.TMPFS: "In the memory of the engine’s machine: quick, and empty again when the last container that uses it has "
    "stopped. For what is not to be kept.",
    Where.NFS: "In a folder that another machine exports over NFS. Machines that mount the same export share the data.",
    Where.SMB: "In a share of a Windows, Samba or NAS server.",
    Where.S3: "In a bucket of Amazon S3 or of anything that speaks its language, through rclone’s volume driver. Good for "
    "whole files; a database does not belong there.",
    Where.CRYPT_LOCAL: "Encrypted in a folder of the engine’s machine, through rclone’s volume driver: who takes the disk can’t "
    "read it.",
    Where.CRYPT_S3: "In a bucket, encrypted before it leaves the engine’s machine, through rclone’s volume driver: who keeps "
    "the bucket can’t read it.",
    Where.OTHER: "By any driver the engine has, with its own options.",
}


_DOCKER = "https://docs.docker.com/engine/storage"
PAGES: Mapping[Where, str] = {
    Where.LOCAL: f"{_DOCKER}/volumes/",
    Where.BIND: f"{_DOCKER}/bind-mounts/",
    Where.TMPFS: f"{_DOCKER}/tmpfs/",  # noqa: S108 - an address
    Where.NFS: f"{_DOCKER}/volumes/#create-a-service-which-creates-an-nfs-volume",
    Where.SMB: f"{_DOCKER}/volumes/#create-cifssamba-volumes",
    Where.S3: "https://rclone.org/docker/",
    Where.CRYPT_LOCAL: "https://rclone.org/crypt/",
    Where.CRYPT_S3: "https://rclone.org/crypt/",
    Where.OTHER: f"{_DOCKER}/volumes/#use-a-volume-driver",
}


@dataclass(frozen=True, slots=True)
class StorageWords:
    """What to tell of a volume: where it is kept in a sentence, details as label and text, and what does not survive."""

    where: Where
    sentence: str
    details: tuple[tuple[str, str], ...] = ()
    lost: str = ""


def storage_words(driver: str, options: Mapping[str, str]) -> StorageWords:
    """Words for a volume with these options. Give them masked: what stands in them is repeated."""
    reading = read_options(driver, options)
    return _WRITERS[reading.where](reading)


def _local(_reading: Reading) -> StorageWords:
    return StorageWords(Where.LOCAL, "On the engine’s own disk.")


def _other(reading: Reading) -> StorageWords:
    return StorageWords(Where.OTHER, f"By the driver {reading.values['driver']}, as its options say.")


def _bind(reading: Reading) -> StorageWords:
    folder = reading.values.get("folder", "")
    return StorageWords(
        Where.BIND,
        f"The folder {folder} of the engine’s machine, in the disguise of a volume.",
        (("Folder", folder),),
        "Deleting the volume leaves the folder as it is. On another machine it is another folder.",
    )


def _tmpfs(reading: Reading) -> StorageWords:
    values = reading.values
    size = values.get("size", "")
    return StorageWords(
        Where.TMPFS,
        f"In the memory of the engine’s machine, at most {size}." if size else "In the memory of the engine’s machine.",
        _told(values, ("size", "Largest size"), ("mode", "Mode"), ("uid", "Owner"), ("gid", "Group")),
        "It is empty again when the last container that uses it has stopped.",
    )


def _nfs(reading: Reading) -> StorageWords:
    values = reading.values
    return StorageWords(
        Where.NFS,
        f"The export {values.get('export', '')} of the NFS server {values.get('server', '')}{_only_read(values)}.",
        _told(
            values,
            ("server", "Server"),
            ("export", "Export"),
            ("version", "NFS version"),
            ("port", "Port"),
            ("extra", "Further options"),
        ),
        "Programs get an error when the server does not answer for some seconds."
        if values.get("give_up") == "yes"
        else "",
    )


def _smb(reading: Reading) -> StorageWords:
    values = reading.values
    who = f", as {values['username']}" if values.get("username") else ", as a guest"
    return StorageWords(
        Where.SMB,
        f"The share {values.get('share', '')} of the server {values.get('server', '')}{who}{_only_read(values)}.",
        _told(
            values,
            *(("server", "Server"), ("share", "Share"), ("username", "User"), ("domain", "Domain")),
            *(("version", "SMB version"), ("port", "Port"), ("extra", "Further options")),
        ),
    )


def _s3(reading: Reading) -> StorageWords:
    return StorageWords(
        Where.S3,
        f"{_bucket(reading.values)}{_only_read(reading.values)}.",
        _bucket_details(reading.values),
        _left_behind(reading.values),
    )


def _crypt_s3(reading: Reading) -> StorageWords:
    return StorageWords(
        Where.CRYPT_S3,
        f"Encrypted in the {_bucket(reading.values).removeprefix('The ')}{_only_read(reading.values)}.",
        (*_bucket_details(reading.values), _names(reading.values)),
        f"{_KEY_NEEDED} {_left_behind(reading.values)}".strip(),
    )


def _crypt_local(reading: Reading) -> StorageWords:
    folder = reading.values.get("folder", "")
    return StorageWords(
        Where.CRYPT_LOCAL,
        f"Encrypted in the folder {folder} of the engine’s machine{_only_read(reading.values)}.",
        (("Folder", folder), _names(reading.values)),
        f"{_KEY_NEEDED} {_left_behind(reading.values)}".strip(),
    )


_KEY_NEEDED = "Without its passphrase nobody can read it; deleting the volume leaves the encrypted files."

_WRITERS: Mapping[Where, Callable[[Reading], StorageWords]] = {
    Where.LOCAL: _local,
    Where.BIND: _bind,
    Where.TMPFS: _tmpfs,
    Where.NFS: _nfs,
    Where.SMB: _smb,
    Where.S3: _s3,
    Where.CRYPT_S3: _crypt_s3,
    Where.CRYPT_LOCAL: _crypt_local,
    Where.OTHER: _other,
}


def _bucket(values: Mapping[str, str]) -> str:
    folder = f", folder {values['prefix']}," if values.get("prefix") else ""
    address = f" ({values['endpoint']})" if values.get("endpoint") else ""
    return f"The bucket {values.get('bucket', '')}{folder} at {_who(values)}{address}"


def _bucket_details(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return (
        ("Kept by", _who(values)),
        *_told(values, ("endpoint", "Address"), ("region", "Region"), ("bucket", "Bucket"), ("prefix", "Folder")),
    )


def _who(values: Mapping[str, str]) -> str:
    name = values.get("provider", "")
    known = provider(name)
    return known.label if known and name != "Other" else "an S3 server"


def _names(values: Mapping[str, str]) -> tuple[str, str]:
    return ("Encrypted", "names and contents" if values.get("names") == "yes" else "contents; names can be read")


def _left_behind(values: Mapping[str, str]) -> str:
    if values.get("write_at_once") == "yes":
        return ""
    return (
        "A container that ends within seconds of its last write leaves that in the driver’s cache until the next mount."
    )


def _only_read(values: Mapping[str, str]) -> str:
    return ", read-only" if values.get("read_only") == "yes" else ""


def _told(values: Mapping[str, str], *names: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((label, values[name]) for name, label in names if values.get(name))
