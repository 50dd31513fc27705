"""Telling archives by their first bytes, and what is said of each format."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.archives.building import END, Zip, file, header, tar
from webui.archives import HEAD_BYTES, ArchiveFormat, detect
from webui.archives.zstd_library import zstd
from webui.errors import InvalidInputError


@pytest.mark.parametrize(
    ("archive", "fmt"),
    [
        (tar(file(b"a")), ArchiveFormat.TAR),
        (tar(file(b"a", magic=b"ustar  \0")), ArchiveFormat.TAR),
        (tar(file(b"a", magic=b"")), ArchiveFormat.TAR),
        (END, ArchiveFormat.TAR),
        (gzip.compress(b""), ArchiveFormat.TAR_GZ),
        (zstd.compress(b""), ArchiveFormat.TAR_ZST),
        (b"\x50\x2a\x4d\x18\0\0\0\0", ArchiveFormat.TAR_ZST),
        (b"\x5f\x2a\x4d\x18\0\0\0\0", ArchiveFormat.TAR_ZST),
        (Zip().add(b"a").built(), ArchiveFormat.ZIP),
        (Zip().built(), ArchiveFormat.ZIP),
    ],
)
def test_an_archive_is_told_by_its_first_bytes(archive: bytes, fmt: ArchiveFormat) -> None:
    assert detect(archive[:HEAD_BYTES]) is fmt
    assert detect(archive) is fmt


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\xfd7zXZ\0", "an xz file"),
        (b"BZh9", "a bzip2 file"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"\x04\x22\x4d\x18", "an LZ4 file"),
        (b"LZIP\1", "an lzip file"),
        (b"\x5d\0\0\x80", "an LZMA file"),
        (b"\x1f\x9d\x90", "compress"),
        (b"070701", "a cpio archive"),
        (b"!<arch>\ndebian-binary", "an ar archive or a Debian package"),
        (b"PK\7\x08PK", "in several parts"),
        (b"MZ\x90", "a program for Windows"),
        (b"", "is empty"),
        (b"hello", "no archive that is known"),
        (b"x" * 512, "no archive that is known"),
        (bytes(511), "no archive that is known"),
        (header(b"a", magic=b"")[:511], "no archive that is known"),
    ],
)
def test_what_is_not_understood_is_named(start: bytes, words: str) -> None:
    with pytest.raises(InvalidInputError) as found:
        detect(start)
    assert words in found.value.fields["archive"]
    assert "tar, tar.gz, tar.zst and zip are understood" in found.value.fields["archive"]


@given(st.binary(max_size=600))
def test_any_bytes_are_an_archive_or_refused(start: bytes) -> None:
    try:
        assert detect(start) in ArchiveFormat
    except InvalidInputError:
        return


def test_a_format_says_what_it_is() -> None:
    assert [fmt.suffix for fmt in ArchiveFormat] == [".tar", ".tar.gz", ".tar.zst", ".zip"]
    for fmt in ArchiveFormat:
        assert fmt.media_type.startswith("application/")
        assert fmt.carries.endswith(".")
        assert fmt.cannot.endswith(".")
        assert fmt.tar_options == (("--hard-dereference",) if fmt is ArchiveFormat.ZIP else ())


def test_gnu_tar_knows_the_options(tmp_path: Path) -> None:
    for fmt in ArchiveFormat:
        command = ["tar", "--create", "--format=posix", "--sparse", *fmt.tar_options, "-C", tmp_path, "."]
        assert detect(subprocess.run(command, check=True, capture_output=True).stdout) is ArchiveFormat.TAR
