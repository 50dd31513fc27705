"""An archive from outside, made safe to unpack: every entry checked, and a new tar written of what may pass.

Not a byte of the original headers is handed on, so that whoever unpacks can't read them otherwise than they were checked.
Safe means: GNU tar, unpacking into an empty folder, touches nothing outside of it. Where the folder is not empty, what
stands there may be a symbolic link: unpack beside it, then move.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from webui.archives.byte_source import gathered
from webui.archives.decoding import Readable, decoded
from webui.archives.formats import ArchiveFormat
from webui.archives.members import DEVICES, Kind, Member, Members
from webui.archives.rules import LONGEST_PATH, ImportOptions, LeftOut, Limits, Summary, quoted, refusal
from webui.archives.sparse import print_map
from webui.archives.tar_fields import BLOCK
from webui.archives.tar_reading import TarReader
from webui.archives.tar_writing import END, RECORD, print_header
from webui.archives.tree import Place, Tree, clean_path
from webui.archives.zip_reading import ZipReader

_MOST_ID: Final = 2**32 - 2
_MOST_DEVICE: Final = (2**12 - 1, 2**20 - 1)
_PLAIN_MODE: Final = 0o1777
_PLAIN_ATTRIBUTES: Final = (b"SCHILY.xattr.user.", b"SCHILY.acl.")
_DEFAULT_LIMITS: Final = Limits()
_DEFAULT_OPTIONS: Final = ImportOptions()


def checked_tar(
    source: Readable,
    fmt: ArchiveFormat,
    limits: Limits = _DEFAULT_LIMITS,
    options: ImportOptions = _DEFAULT_OPTIONS,
) -> CheckedArchive:
    """A safe tar of the tar that is read from `source`, compressed as `fmt` says; see `CheckedArchive`.

    `source.read(n)` gives at most n bytes and none at the end. Memory stays within a few MiB, 24 bytes for every entry, and the
    window of a compressed stream (zstd: up to 128 MiB where the archive was made so).
    """
    return CheckedArchive(TarReader(decoded(source, fmt, limits), limits), limits, options)


def checked_zip(
    file: BinaryIO, limits: Limits = _DEFAULT_LIMITS, options: ImportOptions = _DEFAULT_OPTIONS
) -> CheckedArchive:
    """A safe tar of the zip in `file`, which can be sought in; see `CheckedArchive`.

    Raises InvalidInputError at once where the zip's directory can't be trusted or has too many entries.
    Names without the mark of UTF-8 are taken as they are where Unix wrote them, else as code page 437. Times without a zone
    count as UTC.
    """
    return CheckedArchive(ZipReader(file, limits, options), limits, options)


class CheckedArchive(Iterator[bytes]):
    """A PAX tar in chunks, as GNU tar unpacks it with `--numeric-owner` (and `--xattrs --acls` for those).

    Raises InvalidInputError at `archive`, naming the entry, as soon as one may not pass: what came before is written by
    then, so nothing of it may be used before the end is reached. `summary` is complete at the end.
    """

    def __init__(self, members: Members, limits: Limits, options: ImportOptions) -> None:
        self.summary = Summary()
        self._members = members
        self._limits = limits
        self._options = options
        self._tree = Tree(limits)
        self._entries = 0
        self._stream = gathered(self._written())

    def __next__(self) -> bytes:
        return next(self._stream)

    def _written(self) -> Iterator[bytes]:
        written = 0
        for member in self._members:
            if not self._admits(member):
                continue
            for piece in self._printed(member):
                written += len(piece)
                yield piece
        yield END + bytes(-(written + len(END)) % RECORD)

    def _printed(self, member: Member) -> Iterator[bytes]:
        yield print_header(member)
        if member.segments is not None:
            yield from print_map(member.segments, member.size)
        if member.stored:
            yield from self._members.content()
            yield bytes(-member.stored % BLOCK)

    def _admits(self, member: Member) -> bool:
        """Whether the member is handed on, as it then is; not, where it is left out."""
        self._count(member)
        path = clean_path(member.name, self._limits)
        if not path and member.kind is not Kind.FOLDER:
            raise refusal(
                f"{quoted(member.name)} is the name of a folder, but its entry is none. Make the archive again."
            )
        member.name = path or b"./"
        if not self._placed(member, path):
            return False
        self._own(member)
        self._add_up(member)
        return True

    def _count(self, member: Member) -> None:
        self._entries += 1
        if self._entries > self._limits.entries:
            raise refusal(
                f"The archive has more than {self._limits.entries:,} entries. Split it, and send the parts one by one."
            )
        if self.summary.bytes + member.stored > self._limits.bytes:
            raise refusal(
                f"With {quoted(member.name)} the archive holds more than {self._limits.bytes:,} bytes. Split it, and send "
                "the parts one by one."
            )

    def _placed(self, member: Member, path: bytes) -> bool:
        """Whether the member has a place in the tree; not, where it is left out. Changes hard links to symbolic ones."""
        if member.kind is Kind.HARD_LINK:
            return self._placed_hard_link(member, path)
        if member.kind is Kind.SYMLINK:
            _check_target(member)
            self._tree.add_symlink(path, member.target)
            return True
        left_out = member.kind in DEVICES and not self._options.devices
        if member.kind in DEVICES:
            _check_device(member)
        self._tree.add(path, member.kind, left_out=left_out)
        if left_out:
            self.summary.leave_out(LeftOut(member.name, "It is a device, and devices were not asked for."))
        return not left_out

    def _placed_hard_link(self, member: Member, path: bytes) -> bool:
        member.target = clean_path(member.target, self._limits)
        place = self._tree.linked(path, member.target)
        if place is Place.SYMLINK:
            member.kind = Kind.SYMLINK
            member.target = self._tree.symlink_target(member.target)
            self._tree.add_symlink(path, member.target)
            return True
        left_out = place is Place.LEFT_OUT
        self._tree.add(path, Kind.FILE if place is Place.FILE else Kind.FIFO, left_out=left_out)
        if left_out:
            self.summary.leave_out(LeftOut(member.name, "It is a hard link to something that was left out."))
        return not left_out

    def _own(self, member: Member) -> None:
        """Set owner, mode and attributes as the options say."""
        options = self._options
        if options.owners == "map" or member.uid is None:
            member.uid = options.uid
        if options.owners == "map" or member.gid is None:
            member.gid = options.gid
        if not all(0 <= each <= _MOST_ID for each in (member.uid, member.gid)):
            raise refusal(
                f"{quoted(member.name)} has an owner that can't be: {member.uid}:{member.gid}. Map owners instead."
            )
        if options.modes == "plain":
            member.mode &= _PLAIN_MODE
            member.attributes = {
                key: value for key, value in member.attributes.items() if key.startswith(_PLAIN_ATTRIBUTES)
            }

    def _add_up(self, member: Member) -> None:
        summary = self.summary
        summary.bytes += member.stored
        if member.kind is Kind.FILE:
            summary.files += 1
        elif member.kind is Kind.FOLDER:
            summary.folders += 1
        elif member.kind in (Kind.SYMLINK, Kind.HARD_LINK):
            summary.links += 1
        else:
            summary.others += 1


def _check_target(member: Member) -> None:
    """A symbolic link may point anywhere: nothing is ever put through it. It has to point somewhere."""
    if not 0 < len(member.target) <= LONGEST_PATH or b"\0" in member.target:
        raise refusal(f"{quoted(member.name)} is a symbolic link with a target that can't be. Make the archive again.")


def _check_device(member: Member) -> None:
    if not all(0 <= number <= most for number, most in zip(member.device, _MOST_DEVICE, strict=True)):
        raise refusal(
            f"{quoted(member.name)} is a device with a number that can't be. Make the archive again without it."
        )
