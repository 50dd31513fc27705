"""What is shown of a file to someone who only looks."""

from __future__ import annotations

import unicodedata
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.preview import (
    HEX_BYTES,
    IMAGE_BYTES,
    MODES,
    PLAIN,
    PREVIEW_BYTES,
    HexRow,
    Preview,
    Segment,
    hex_rows,
    marked,
    mode_for,
    preview_of,
)

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0"
BMP = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0"


def test_an_empty_file() -> None:
    assert preview_of(b"a.yaml", b"", 0) == Preview("empty", mode="text/x-yaml")


def test_text_with_all_there_is_to_know_about_it() -> None:
    assert preview_of(b"a.json", b'{"a": 1}\r\n', 10) == Preview(
        "text",
        text='{"a": 1}\r\n',
        encoding="utf-8",
        line_endings="CRLF",
        shown_bytes=10,
        total_bytes=10,
        mode="application/json",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "euc-jp", "gb18030"])
@pytest.mark.parametrize("beyond", range(4))
def test_a_head_that_ends_within_a_character_is_text(encoding: str, beyond: int) -> None:
    text = "key=設定ファイルを読みます。\n" * (PREVIEW_BYTES // 20)
    data = text.encode(encoding)
    seen = preview_of(b"x", data[: PREVIEW_BYTES - beyond], len(data))
    assert (seen.kind, seen.truncated, seen.shown_bytes) == ("text", True, PREVIEW_BYTES - beyond)
    assert text.startswith(seen.text)
    assert len(text[len(seen.text) :].encode(encoding)) <= len(data) - seen.shown_bytes + 8


def test_more_than_is_shown_is_cut() -> None:
    seen = preview_of(b"log", b"a" * (PREVIEW_BYTES + 1), PREVIEW_BYTES + 1)
    assert (seen.truncated, seen.shown_bytes, len(seen.text)) == (True, PREVIEW_BYTES, PREVIEW_BYTES)


@pytest.mark.parametrize(
    ("head", "type_"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
        (b"GIF89a\x01\0\x01\0\x80\0\0", "image/gif"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "image/avif"),
        (BMP, "image/bmp"),
    ],
)
def test_images_are_known_by_their_first_bytes(head: bytes, type_: str) -> None:
    seen = preview_of(b"notes.txt", head, 5000)
    assert (seen.kind, seen.image_type, seen.total_bytes) == ("image", type_, 5000)


@pytest.mark.parametrize(
    "head",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a;<?php system($_GET['x']); ?>",
        b"BMW is a make of car, and this is a text about it",
        b"RIFF text WEBP text",
    ],
)
def test_what_reads_as_text_is_no_image(head: bytes) -> None:
    seen = preview_of(b"picture.png", head, len(head))
    assert (seen.kind, seen.image_type, seen.text) == ("text", "", head.decode())


def test_an_image_that_is_too_large_is_shown_as_bytes_and_said_to_be_one() -> None:
    assert preview_of(b"a.png", PNG, IMAGE_BYTES).kind == "image"
    seen = preview_of(b"a.png", PNG, IMAGE_BYTES + 1)
    assert (seen.kind, seen.image_type, seen.truncated) == ("hex", "image/png", True)


def test_other_bytes_are_shown_in_hexadecimal() -> None:
    data = zlib.compress(b"some text that is worth it")
    seen = preview_of(b"a.txt", data, len(data))
    assert (seen.kind, seen.truncated, seen.shown_bytes) == ("hex", False, len(data))
    assert bytes.fromhex("".join(row.hex for row in seen.rows)) == data


def test_of_many_bytes_the_first_are_shown() -> None:
    seen = preview_of(b"a", bytes(PREVIEW_BYTES), 10**9)
    assert (seen.shown_bytes, seen.total_bytes, seen.truncated) == (HEX_BYTES, 10**9, True)
    assert len(seen.rows) == HEX_BYTES // 16


def test_a_file_that_gave_nothing_says_how_large_it_is() -> None:
    assert preview_of(b"a", b"", 7) == Preview("hex", total_bytes=7, truncated=True)


def test_a_file_of_no_size_that_has_something_is_shown() -> None:
    assert preview_of(b"uptime", b"12 34\n", 0).text == "12 34\n"


def test_rows_of_bytes() -> None:
    assert hex_rows(b"0123456789abcdef\xff \x00~", 32) == (
        HexRow(32, "30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66", "0123456789abcdef"),
        HexRow(48, "ff 20 00 7e", "· ·~"),
    )


@given(st.binary(max_size=300), st.binary(max_size=10), st.integers(0, 2**40))
@settings(deadline=None)
def test_there_is_a_preview_of_anything(head: bytes, name: bytes, size: int) -> None:
    seen = preview_of(name, head, size)
    assert seen.total_bytes == max(size, len(head))
    assert seen.shown_bytes <= seen.total_bytes
    assert seen.truncated == (seen.shown_bytes < seen.total_bytes)
    assert (seen.kind == "text") >= bool(seen.text)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", []),
        ("plain\ttext\r\nsecond\n", [("text", "plain\ttext\nsecond\n")]),
        ("a\x1b[31mred\x07\x07", [("text", "a"), ("control", "␛"), ("text", "[31mred"), ("control", "␇␇")]),
        ("harmless\rrm -rf", [("text", "harmless"), ("control", "␍"), ("text", "\nrm -rf")]),
        ("if \u202e}\u2066", [("text", "if "), ("bidi", "U+202E"), ("text", "}"), ("bidi", "U+2066")]),
        ("ad\u200bmin\ufeff", [("text", "ad"), ("invisible", "U+200B"), ("text", "min"), ("invisible", "U+FEFF")]),
        ("\x00\x7f\x85\u2028", [("control", "␀␡U+0085U+2028")]),
        ("\U000e0041", [("invisible", "U+E0041")]),
        ("می\u200cخواهم 👩\u200d💻 ❤\ufe0f", [("text", "می\u200cخواهم 👩\u200d💻 ❤\ufe0f")]),
    ],
)
def test_tricks_are_marked(text: str, segments: list[tuple[str, str]]) -> None:
    assert [(segment.kind, segment.text) for segment in marked(text)] == segments


@given(st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("\r\n\t\x1b\u202e\u200b"), max_size=60))
@settings(deadline=None)
def test_nothing_that_hides_or_turns_is_left(text: str) -> None:
    segments = marked(text)
    seen = "".join(segment.text for segment in segments)
    for character in seen:
        assert character in "\n\t" or unicodedata.category(character) != "Cc"
        assert unicodedata.bidirectional(character) not in {
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        }
    assert all(segment.text for segment in segments)
    assert all(one.kind != other.kind for one, other in pairwise(segments))


@given(st.text(st.characters(categories=("L", "N", "P", "Zs"), max_codepoint=0x10FF), max_size=40))
@settings(deadline=None)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    if not set(text) & set("\u115f\u1160"):
        assert marked(text) == ([Segment("text", text)] if text else [])


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        (b"docker-compose.yml", "text/x-yaml"),
        (b"CONFIG.YAML", "text/x-yaml"),
        (b"package.json", "application/json"),
        (b"Dockerfile", "text/x-dockerfile"),
        (b"Dockerfile.prod", "text/x-dockerfile"),
        (b"api.dockerfile", "text/x-dockerfile"),
        (b".env", "text/x-ini"),
        (b".env.production", "text/x-ini"),
        (b".bashrc", "text/x-sh"),
        (b"my.cnf", "text/x-ini"),
        (b"nginx.conf", "text/x-nginx-conf"),
        (b"wp-config.php", "application/x-httpd-php"),
        (b"logo.svg", "application/xml"),
        (b"a.tar.gz", PLAIN),
        (b"README", PLAIN),
        (b"sh", PLAIN),
        (b"json", PLAIN),
        (b"", PLAIN),
        (b".", PLAIN),
        (b"\xff\xfe.py", "text/x-python"),
    ],
)
def test_the_mode_goes_by_the_name(name: bytes, mode: str) -> None:
    assert mode_for(name) == mode


@given(st.binary(max_size=20))
@settings(deadline=None)
def test_every_name_has_a_mode(name: bytes) -> None:
    assert mode_for(name) in {*MODES, PLAIN}
