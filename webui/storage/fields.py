"""The fields of the form for each place where data can live: what a page shows and what a script may send. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from webui.mounts.words import shown
from webui.storage import checks
from webui.storage.model import Where
from webui.storage.providers import FURTHER, PRESETS

Check = Callable[[str], str]
"""A sentence for what is wrong with a value that is not empty, or an empty string."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. A `secret` is never sent back to the page, and hidden while it is typed unless it is `visible`.

    What is `more` is folded away there; `wide` takes a whole line.
    """

    name: str
    label: str
    kind: Literal["text", "secret", "choice", "switch", "driver"] = "text"
    hint: str = ""
    example: str = ""
    default: str = ""
    required: str = ""
    check: Check = lambda _value: ""
    choices: tuple[tuple[str, str], ...] = ()
    more: bool = False
    wide: bool = False
    visible: bool = False

    def problem(self, value: str) -> str:
        """What is wrong with what was entered, or an empty string."""
        if not value:
            return self.required
        if self.kind == "choice" and value not in dict(self.choices):
            return f"{shown(value)} is not among the choices: {', '.join(name for name, _ in self.choices[:8])}."
        return self.check(value)


_PORT = Field("port", "Port", check=checks.port, example="the usual one", more=True)
_READ_ONLY = Field("read_only", "Read-only", "switch", "Nobody can write through this volume.", default="no")
_UID = Field(
    "uid", "Owner", check=checks.owner, example="0", hint="The user’s number that all files seem to have.", more=True
)
_GID = Field("gid", "Group", check=checks.owner, example="0", hint="The group’s number.", more=True)
_EXTRA = Field(
    "extra",
    "Further mount options",
    hint="As the mount command knows them, separated by commas.",
    check=checks.extra,
    more=True,
    wide=True,
)
_SERVER = Field(
    "server",
    "Server",
    required="Which server? Give its name or address.",
    check=checks.host,
    example="nas.example.com",
    hint="The engine’s machine has to reach it, not this browser.",
)
_DRIVER = Field("driver", "Driver", "driver", "rclone’s volume driver, by its name on this engine.", more=True)

_BIND = (
    Field(
        "folder",
        "Folder",
        required="Which folder of the engine’s machine?",
        check=checks.folder,
        example="/srv/data",
        hint="It has to exist: Docker finds out at the first mount only.",
        wide=True,
    ),
)
_TMPFS = (
    Field(
        "size",
        "Largest size",
        check=checks.memory,
        example="64m",
        hint="64m, 1g, or 50% of the memory. Empty: half of the machine’s memory.",
    ),
    Field("mode", "Mode", check=checks.mode, example="1777", hint="Octal. Empty: 1777, everyone may write."),
    Field("uid", "Owner", check=checks.owner, example="0", hint="The user’s number, as the container knows it."),
    Field("gid", "Group", check=checks.owner, example="0", hint="The group’s number."),
)
_NFS = (
    _SERVER,
    Field(
        "export",
        "Export",
        required="Which of the server’s exports?",
        check=checks.export,
        example="/srv/export",
        hint="The path as the server exports it.",
    ),
    Field(
        "version",
        "Version",
        "choice",
        "Docker does not negotiate it: without one the kernel takes 3.",
        default="4.2",
        choices=(("4.2", "4.2"), ("4.1", "4.1"), ("4", "4.0"), ("3", "3")),
    ),
    _READ_ONLY,
    Field(
        "give_up",
        "Give up when the server does not answer",
        "switch",
        "Programs get an error after some seconds, and what they were writing may be lost. Otherwise they wait for as "
        "long as it takes.",
        default="no",
        more=True,
        wide=True,
    ),
    _PORT,
    _EXTRA,
)
_SMB = (
    _SERVER,
    Field(
        "share",
        "Share",
        required="Which of the server’s shares?",
        check=checks.share,
        example="media",
        hint="Its name, or share/folder.",
    ),
    Field("username", "User", check=checks.plain, example="ann", hint="Empty: as a guest."),
    Field("password", "Password", "secret", "Everyone who may inspect the volume can read it.", check=checks.secret),
    _READ_ONLY,
    Field("domain", "Domain", check=checks.plain, example="WORKGROUP", more=True),
    Field(
        "version",
        "Version",
        "choice",
        default="3.0",
        choices=(("3.1.1", "3.1.1"), ("3.0", "3.0"), ("2.1", "2.1"), ("2.0", "2.0"), ("1.0", "1.0 (old, unsafe)")),
        more=True,
    ),
    _PORT,
    _UID,
    _GID,
    Field("file_mode", "Mode of files", check=checks.mode, example="0755", more=True),
    Field("dir_mode", "Mode of folders", check=checks.mode, example="0755", more=True),
    _EXTRA,
)
_BUCKET = (
    Field(
        "provider",
        "Kept by",
        "choice",
        default="AWS",
        choices=tuple((each.name, each.label) for each in PRESETS) + tuple((name, name) for name in FURTHER),
    ),
    Field("endpoint", "Address", check=checks.endpoint, example="https://s3.example.com"),
    Field("region", "Region", check=checks.region, example="eu-central-1", hint="Where the provider asks for one."),
    Field("bucket", "Bucket", required="Which bucket? It has to exist.", check=checks.bucket, example="my-bucket"),
    Field("prefix", "Folder in the bucket", check=checks.prefix, example="backups", hint="Empty: the whole bucket."),
    Field(
        "access_key_id",
        "Access key",
        "secret",
        required="The id of a key that may use the bucket.",
        check=checks.key,
        visible=True,
    ),
    Field(
        "secret_access_key",
        "Secret key",
        "secret",
        "Everyone who may inspect the volume can read both.",
        required="The secret that belongs to the access key.",
        check=checks.key,
    ),
)
_EMPTY_FOLDERS = Field(
    "empty_folders",
    "Keep empty folders",
    "switch",
    "As objects whose names end with a slash. Off: a bucket knows files only, and a folder is gone with its last one. Not "
    "every server takes such objects.",
    default="no",
    more=True,
    wide=True,
)
_MOUNTING = (
    Field(
        "write_at_once",
        "Write at once",
        "switch",
        "A file is stored when the program closes it. Off: up to five seconds later, which is quicker with many small "
        "files, and a container that ends before that leaves them behind on the engine’s machine until the next mount.",
        default="yes",
        wide=True,
    ),
    _READ_ONLY,
    _UID,
    _GID,
    _DRIVER,
)
_CRYPT = (
    Field(
        "attach",
        "It exists already",
        "switch",
        "Attach encrypted data that is there, with the passphrase it was written under.",
        default="no",
        wide=True,
    ),
    Field(
        "passphrase",
        "Passphrase",
        "secret",
        "Without it the data is gone for good: nobody can bring it back.",
        required="Encryption needs a passphrase. Without it the data is gone.",
        check=checks.secret,
        wide=True,
    ),
    Field(
        "salt",
        "Second passphrase (salt)",
        "secret",
        "Needed again as well, if one is given.",
        check=checks.secret,
        more=True,
    ),
    Field(
        "names",
        "Encrypt names too",
        "switch",
        "Off: names of files and folders can be read where the data lies; their contents can’t.",
        default="yes",
        more=True,
        wide=True,
    ),
)
_KEPT = Field(
    "kept",
    "I have kept the passphrase",
    "switch",
    "In a password manager, or as the key sheet. Nobody else has it.",
    default="no",
    wide=True,
)
_CRYPT_FOLDER = Field(
    "folder",
    "Folder for the encrypted files",
    required="Which folder of the engine’s machine?",
    check=checks.new_folder,
    example="/srv/encrypted",
    wide=True,
)

FIELDS: Mapping[Where, tuple[Field, ...]] = {
    Where.LOCAL: (),
    Where.BIND: _BIND,
    Where.TMPFS: _TMPFS,
    Where.NFS: _NFS,
    Where.SMB: _SMB,
    Where.S3: (*_BUCKET, *_MOUNTING, _EMPTY_FOLDERS),
    Where.CRYPT_LOCAL: (_CRYPT_FOLDER, *_CRYPT, _KEPT, *_MOUNTING),
    Where.CRYPT_S3: (*_BUCKET, *_CRYPT, _KEPT, *_MOUNTING, _EMPTY_FOLDERS),
    Where.OTHER: (),
}

NAMES = frozenset(field.name for fields in FIELDS.values() for field in fields)
"""Every field of any of them: a form that was of another kind before may send its fields along."""

SECRETS = frozenset(field.name for fields in FIELDS.values() for field in fields if field.kind == "secret")
