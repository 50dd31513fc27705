"""Archives out of volumes and into them. Pure: streams of bytes in, streams of bytes out."""

from webui.archives.checking import CheckedArchive, checked_tar, checked_zip
from webui.archives.compressing import packed
from webui.archives.decoding import Readable
from webui.archives.formats import HEAD_BYTES, ArchiveFormat, detect
from webui.archives.rules import MOST_LEFT_OUT, ImportOptions, LeftOut, Limits, Summary

__all__ = [
    "HEAD_BYTES",
    "MOST_LEFT_OUT",
    "ArchiveFormat",
    "CheckedArchive",
    "ImportOptions",
    "LeftOut",
    "Limits",
    "Readable",
    "Summary",
    "checked_tar",
    "checked_zip",
    "detect",
    "packed",
]
