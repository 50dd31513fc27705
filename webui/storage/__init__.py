"""Pure: where a volume's data can live, from what a person enters to what Docker is told, and back. No I/O."""

from webui.storage.command import in_words, shell_words, shown_options
from webui.storage.fields import FIELDS, NAMES, SECRETS, Field
from webui.storage.form import draft_storage, read_fields, storage_form, where_of
from webui.storage.model import (
    S3,
    Bind,
    Bucket,
    Crypt,
    Folder,
    Mounting,
    Nfs,
    Other,
    Smb,
    Storage,
    Tmpfs,
    Where,
)
from webui.storage.options import driver_of, driver_options
from webui.storage.paste import PastedVolume, paste_command
from webui.storage.providers import provider
from webui.storage.raw import check_options
from webui.storage.reading import Reading, read_bucket, read_options, read_remote, split_mount_options
from webui.storage.sheet import key_sheet
from webui.storage.trouble import Trouble, explain, silence
from webui.storage.words import HINTS, LABELS, PAGES, StorageWords, storage_words

__all__ = [
    "FIELDS",
    "HINTS",
    "LABELS",
    "NAMES",
    "PAGES",
    "S3",
    "SECRETS",
    "Bind",
    "Bucket",
    "Crypt",
    "Field",
    "Folder",
    "Mounting",
    "Nfs",
    "Other",
    "PastedVolume",
    "Reading",
    "Smb",
    "Storage",
    "StorageWords",
    "Tmpfs",
    "Trouble",
    "Where",
    "check_options",
    "draft_storage",
    "driver_of",
    "driver_options",
    "explain",
    "in_words",
    "key_sheet",
    "paste_command",
    "provider",
    "read_bucket",
    "read_fields",
    "read_options",
    "read_remote",
    "shell_words",
    "shown_options",
    "silence",
    "split_mount_options",
    "storage_form",
    "storage_words",
    "where_of",
]
