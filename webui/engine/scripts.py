"""What is run in the shell of a helper: pure text, made of quoted words; see `webui.engine.session` for `into`.

Every script goes down to a folder by `into` and then speaks of names in it as `./name`, so that neither a link in the
way nor a name that looks like an option is followed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from webui.engine import by_handle, tree_copy
from webui.engine.session import command, quoted
from webui.paths import TOP, VolumePath

STAGING_PREFIX: Final = b".demijohn-helper-"
"""Folders at the top of a volume, where what comes in lies until it is whole: see `staging_folder`."""
KEPT_PREFIX: Final = b".demijohn-kept-"
"""Folders at the top of a volume, where what is needed to undo something lies until that is certain to last."""
OWN_PREFIXES: Final = (STAGING_PREFIX, KEPT_PREFIX)
"""How what is Demijohn's own at the top of a volume is named; nobody sees it."""
VERSION: Final = "%i-%s-%T@-%C@"
"""What changes with an entry: its inode, size, and the times of its content and of itself."""
FORMAT: Final = r"%f\0%y\0%s\0%b\0%T@\0%m\0%U\0%G\0%n\0%l\0%Y\0" + VERSION + r"\0"
FIELDS: Final = 12
"""How many fields FORMAT has."""
MOST_LISTED: Final = 1_000_000
"""Entries of a folder that are put in order; a folder with more is cut there, and says so."""
FEW_BYTES: Final = 256 * 1024
"""Of a folder with more details than that, some two thousand entries, names are told first."""

TAKEN: Final = 67
NOT_A_FILE: Final = 75
INCOMPLETE: Final = 76
OTHER_DEVICE: Final = 77
CHANGED: Final = 78
"""How scripts end, beside the statuses of `into`: the name is taken, it is no regular file, not all bytes came, it is on
another file system, it is not the version it should be."""


def into(folder: VolumePath) -> bytes:
    """Go down to the folder."""
    return b" ".join((b"into", *map(quoted, folder.parts))) + b"\n"


def here(name: bytes) -> bytes:
    """A name in the folder one is in, as a word."""
    return quoted(b"./" + name) if name else b"."


def names(folder: VolumePath) -> bytes:
    """Type and name of all that is in a folder, without looking at each."""
    found = command("find", ".", "-mindepth", "1", "-maxdepth", "1", "-printf", r"%y%f\0")
    return into(folder) + found + b" | head -z -n %d" % (MOST_LISTED + 1)


def all_details(folder: VolumePath) -> bytes:
    """FORMAT of all that is in a folder; what vanishes meanwhile is left out."""
    options = ("-mindepth", "1", "-maxdepth", "1", "-ignore_readdir_race", "-printf", FORMAT)
    return into(folder) + command("find", ".", *options)


def few_details(folder: VolumePath) -> bytes:
    """The same, but not more than FEW_BYTES of it."""
    words = ("iflag=fullblock", f"bs={FEW_BYTES}", "count=1", "status=none")
    return all_details(folder) + b" | " + command("dd", *words)


def details(folder: VolumePath, wanted: Iterable[bytes]) -> bytes:
    """FORMAT of the named entries; of those that are there."""
    words = b" ".join(map(here, wanted))
    return into(folder) + b"find " + words + b" " + command("-maxdepth", "0", "-printf", FORMAT)


def one(path: VolumePath) -> bytes:
    """FORMAT of one entry."""
    check = b"" if path.is_top else exists(path.name)
    return into(path.parent) + check + b"find " + here(path.name) + b" " + command("-maxdepth", "0", "-printf", FORMAT)


def exists(name: bytes) -> bytes:
    """End with MISSING where the name is not there."""
    return b"[ -e %s ] || [ -L %s ] || exit 71\n" % (here(name), here(name))


def is_file(name: bytes) -> bytes:
    """End with MISSING, LINK or NOT_A_FILE where the name is no regular file."""
    return b"[ -L %s ] && exit 72\n" % here(name) + exists(name) + b"[ -f %s ] || exit 75\n" % here(name)


def part_of(path: VolumePath, start: int, length: int) -> bytes:
    """Bytes of a regular file. It is opened as no link and without waiting, whatever it has become meanwhile."""
    options = (
        "bs=1M",
        "iflag=nofollow,nonblock,skip_bytes,count_bytes",
        "status=none",
        f"skip={start}",
        f"count={length}",
    )
    return into(path.parent) + is_file(path.name) + b"exec " + command("dd", b"if=./" + path.name, *options)


def staged(token: bytes) -> bytes:
    """What lies in the staging folder, as a word, wherever one is: its handle is 8."""
    return quoted(b"/proc/self/fd/8/" + token)


def open_staging(staging: bytes) -> bytes:
    """Make the staging folder where it is missing and keep a handle on it: 8. One is then in it."""
    return into(TOP) + b"mkdir -m 700 -- %s 2>/dev/null\n" % here(staging) + into(VolumePath(staging)) + b"exec 8<.\n"


def stays_in_place() -> bytes:
    """End with 1 where others than root may give the staging folder another name, once one is in it, and put theirs there."""
    owned = b"""[ "$(stat -c %u .)" = 0 ] && { [ -k . ] || [ -z "$(find . -maxdepth 0 -perm /022)" ]; }"""
    return b"cd .. && %s || exit 1" % owned


def open_target(folder: VolumePath) -> bytes:
    """Keep a handle on the folder: 7. One is then in it."""
    return into(folder) + b"exec 7<.\n"


def same_device(left: bytes, right: bytes) -> bytes:
    """End with OTHER_DEVICE where two words are on different file systems: renaming would be copying."""
    return b'[ "$(stat -c %%d -- %s)" = "$(stat -c %%d -- %s)" ] || exit 77\n' % (left, right)


def receive(staging: bytes, token: bytes) -> bytes:
    """Take pieces into a new file in staging; without the announced end there is no file."""
    name = here(token)
    return (
        open_staging(staging)
        + b"umask 077; set -C\n: >%s || exit 74\nset +C\n" % name
        + b'while read -r size && [ "$size" != 0 ]; do head -c "$size" || { rm -f %s; exit 74; }; done >%s\n'
        % (name, name)
        + b'[ "$size" = 0 ] || { rm -f %s; exit 76; }' % name
    )


def tar(wanted: Iterable[bytes], more: Iterable[str] = ()) -> bytes:
    """A tar of the named entries, or of all that is in the folder one is in, to standard output, with `more` options."""
    options: tuple[bytes | str, ...] = (
        *("--create", "--file=-", "--format=posix", "--sparse", "--acls", "--xattrs", "--numeric-owner"),
        *("--blocking-factor=128", "--warning=no-file-ignored", "--anchored", "--no-unquote"),
        *(b"--exclude=./" + prefix + b"*" for prefix in OWN_PREFIXES),
        *more,
    )
    return b"exec " + command("tar", *options, "--", *(tuple(wanted) or (".",)))


def count(path: VolumePath) -> bytes:
    """How many entries something is with all below it, and how many bytes they take."""
    check = b"" if path.is_top else exists(path.name)
    return (
        into(path.parent)
        + check
        + b"find %s -printf . 2>/dev/null | wc -c\n" % here(path.name)
        + b'size=$(du -s -B1 -- %s 2>/dev/null | cut -f1); echo "${size:-0}"' % here(path.name)
    )


def special(wanted: Iterable[bytes]) -> bytes:
    """A letter for each entry that is neither file nor folder."""
    start = b" ".join(map(here, wanted)) or b"."
    return b"find " + start + b" " + command("!", "-type", "f", "!", "-type", "d", "-printf", "%y")


def make_folder(staging: bytes, token: bytes, path: VolumePath, mode: str, *, fine: bool) -> bytes:
    """Make a folder like the one it is in; one that is there is `fine`, or ends with TAKEN.

    It gets owner and mode in staging: where others write it could be swapped for something of theirs meanwhile.
    """
    name, new = here(path.name), staged(token)
    taken = b"[ -d %s ] && [ ! -L %s ] && exit 0; exit 67" % (name, name) if fine else b"exit 67"
    return (
        open_staging(staging)
        + open_target(path.parent)
        + b"if [ -e %s ] || [ -L %s ]; then %s; fi\n" % (name, name, taken)
        + same_device(b".", b"/proc/self/fd/8/.")
        + b"mkdir -- %s && chown --reference=. -- %s && chmod %s -- %s || exit 74\n" % (new, new, quoted(mode), new)
        + b"if [ -g . ]; then chmod g+s -- %s || exit 74; fi\n" % new
        + _place(new, name, replace=False)
    )


def rename(source: VolumePath, target: VolumePath, *, replace: bool) -> bytes:
    """Give an entry another name; the two folders are held meanwhile, so that nobody can swap them."""
    name, reached = here(source.name), quoted(b"/proc/self/fd/7/" + target.name)
    return (
        open_target(target.parent)
        + into(source.parent)
        + exists(source.name)
        + same_device(b".", b"/proc/self/fd/7/.")
        + _place(name, reached, replace=replace)
    )


def put_away(path: VolumePath, staging: bytes, token: bytes) -> bytes:
    """Rename something into staging, from where it can be removed in peace."""
    name = here(path.name)
    return (
        open_staging(staging)
        + into(path.parent)
        + exists(path.name)
        + same_device(name, b"/proc/self/fd/8/.")
        + nothing_mounted(path)
        + b"mv -nT -- %s %s" % (name, staged(token))
    )


def nothing_mounted(path: VolumePath) -> bytes:
    """End with OTHER_DEVICE where something is mounted below a path: what is in it belongs to somebody else."""
    place = b"/volume/" + path.raw
    # As the kernel writes them: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    for byte in (b"\\", b" ", b"\t", b"\n"):
        place = place.replace(byte, b"\\%03o" % ord(byte))
    return (
        b"while read -r id parent device root point rest; do case $point in %s|%s/*) exit 77 ;; esac; "
        b"done </proc/self/mountinfo\n" % (quoted(place), quoted(place))
    )


def remove(staging: bytes, token: bytes) -> bytes:
    """Remove what lies in staging, with all that is in it."""
    return into(VolumePath(staging)) + b"rm -rf --one-file-system -- " + here(token)


def permit(path: VolumePath, mode: str, owner: str, *, recursive: bool) -> bytes:
    """chmod and chown of what a path names, which is held open meanwhile, and of all below it where it is `recursive`."""
    check = b"" if path.is_top else exists(path.name)
    name = b"." if path.is_top else path.name
    return into(path.parent) + check + by_handle.permit(name, mode, owner, recursive=recursive)


def copy(source: VolumePath, staging: bytes, token: bytes) -> bytes:
    """Copy something, under its own name, into a new folder in staging with everything about it.

    It prints a line for each entry.
    """
    start, new = b"./" + source.name, staged(token)
    return (
        open_staging(staging)
        + b"mkdir -m 700 -- %s || exit 74\n" % here(token)
        + into(source.parent)
        + exists(source.name)
        + tree_copy.apart(start, special=True)
        + tree_copy.copy_apart(new, "files")
        + b" || exit 74\n"
        + b"exec 4>&1\nends=$({ { %s 4>&-; echo $? >&3; } | %s >&4 3>&-; echo $? >&3; } 3>&1)\n"
        % (tree_copy.pack("--", start), tree_copy.unpack(new, "--verbose"))
        # 1 is that something changed while it was read.
        + b'[ "${ends#?}" = "${n}0" ] && [ "${ends%??}" -le 1 ] || exit 74'
    )


def unpack(staging: bytes, token: bytes) -> bytes:
    """Unpack a tar that comes in pieces into a new folder in staging. Its names were checked before."""
    options = (
        *("--extract", "--file=-", "--same-owner", "--numeric-owner", "--preserve-permissions", "--acls"),
        *("--xattrs", "--xattrs-include=*", "--delay-directory-restore", "--warning=no-timestamp"),
        "--warning=no-unknown-keyword",
    )
    pieces = b'while read -r size && [ "$size" != 0 ]; do head -c "$size" || break; done; [ "$size" = 0 ]'
    return (
        open_staging(staging)
        + b"mkdir -m 700 -- %s && cd -P -- %s || exit 74\n" % (here(token), here(token))
        + b"ends=$({ { %s; echo $? >&3; } | %s >&2; echo $? >&3; } 3>&1)\n" % (pieces, command("tar", *options))
        + b'[ "$ends" = "0${n}0" ] || exit 74'
    )


def like_before(path: VolumePath, token: bytes, mode: str) -> bytes:
    """Give what is staged mode, owner and attributes of the file it replaces, else the owner of its folder."""
    name, new = here(path.name), staged(token)
    return (
        b"if [ -f %s ] && [ ! -L %s ]; then\n" % (name, name)
        # Of a link that it has become meanwhile not the attributes of what it points to are taken, but nothing at all.
        + b"  cp -P --attributes-only --preserve=mode,ownership -T -- %s %s || exit 74\n" % (name, new)
        # Where the file system knows no attributes there are none to be lost.
        + b"  cp -P --attributes-only --preserve=xattr -T -- %s %s 2>/dev/null\n" % (name, new)
        + b"  [ -f %s ] && [ ! -L %s ] || exit 78\n" % (new, new)
        + b"else\n  chown -h --reference=. -- %s && chmod %s -- %s || exit 74\nfi\n" % (new, quoted(mode), new)
    )


def same_version(name: bytes, version: str) -> bytes:
    """End with CHANGED where an entry is not there or has another version."""
    found = b"$(find %s %s 2>/dev/null)" % (here(name), command("-maxdepth", "0", "-printf", VERSION))
    return b'[ "%s" = %s ] || exit 78\n' % (found, quoted(version))


def same_content(name: bytes, digest: str) -> bytes:
    """End with CHANGED where a file's SHA-256 is another one."""
    content = command("dd", b"if=./" + name, "bs=1M", "iflag=nofollow,nonblock", "status=none")
    return b'[ -f %s ] && [ "$(%s | sha256sum | cut -c1-64)" = %s ] || exit 78\n' % (
        here(name),
        content,
        quoted(digest),
    )


def flush(staging: bytes, token: bytes) -> bytes:
    """See to it that a staged file outlasts a loss of power."""
    return into(VolumePath(staging)) + b"sync -- " + here(token)


def settle(staging: bytes, token: bytes, target: VolumePath, prepare: bytes, *, replace: bool) -> bytes:
    """Give what is staged its name, after `prepare`, which runs in the target's folder."""
    return (
        open_staging(staging)
        + open_target(target.parent)
        + same_device(b".", b"/proc/self/fd/8/.")
        + prepare
        + _place(staged(token), here(target.name), replace=replace)
    )


def stale(wanted: Iterable[bytes]) -> bytes:
    """Remove staging folders that nobody uses any more."""
    return into(TOP) + b"rm -rf --one-file-system -- " + b" ".join(map(here, wanted))


def remove_staging(staging: bytes) -> bytes:
    """Remove a staging folder in which nothing is left."""
    return into(TOP) + b"rmdir -- " + here(staging)


def staging_folder(helper: bytes) -> bytes:
    """The name of the staging folder of a helper of that name."""
    return b"." + helper


def staging_folders() -> bytes:
    """The names of the staging folders there are, NUL-ended."""
    pattern = STAGING_PREFIX + b"*"
    options = ("-mindepth", "1", "-maxdepth", "1", "-type", "d", "-name", pattern, "-printf", r"%f\0")
    return into(TOP) + command("find", ".", *options)


def _place(source: bytes, target: bytes, *, replace: bool) -> bytes:
    """Rename, both given as words. What is there is never overwritten, but for a file by a file where that is asked."""
    if not replace:
        return (
            b"if [ -e %s ] || [ -L %s ]; then exit 67; fi\n" % (target, target)
            + b"mv -nT -- %s %s\n" % (source, target)
            + b"if [ -e %s ] || [ -L %s ]; then\n" % (source, source)
            + b"  [ -e %s ] || [ -L %s ] || exit 74\n  exit 67\nfi" % (target, target)
        )
    return (
        b"[ -L %s ] && exit 72\n" % target
        + b"if [ -e %s ]; then [ -f %s ] && [ -f %s ] || exit 67; fi\n" % (target, target, source)
        + b"mv -fT -- %s %s" % (source, target)
    )
