"""Paths inside a volume: bytes that are refused or kept, never repaired, and shown without harm."""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webui.errors import InvalidInputError
from webui.paths import (
    LONGEST_NAME,
    LONGEST_PATH,
    TOP,
    VolumePath,
    file_name,
    name_text,
    shown_name,
    volume_path,
)

names = st.binary(min_size=1, max_size=LONGEST_NAME).map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_"))
names = names.filter(lambda raw: raw not in {b".", b".."})
paths = st.lists(names, max_size=5).map(lambda parts: VolumePath(b"/".join(parts)))


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("", b""),
        ("/", b""),
        ("//", b""),
        ("a", b"a"),
        ("/a", b"a"),
        ("a/", b"a"),
        ("/a/b/", b"a/b"),
        (b"a/\xff", b"a/\xff"),
        ("a/\udcff", b"a/\xff"),
        ("é", "é".encode()),
        (" a ", b" a "),
        ("-rf", b"-rf"),
        ("...", b"..."),
        ("..a/a..", b"..a/a.."),
        ("a\nb", b"a\nb"),
        ("a\\..\\b", b"a\\..\\b"),
        ("%2e%2e/x", b"%2e%2e/x"),
        ("C:", b"C:"),
        ("~", b"~"),
        ("x" * 255, b"x" * 255),
        ("é" * 127, "é".encode() * 127),
    ],
)
def test_a_path_is_kept_byte_for_byte(text: str | bytes, raw: bytes) -> None:
    assert volume_path(text).raw == raw


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("..", "“..”"),
        (".", "“.”"),
        ("a/../b", "“..”"),
        ("a/./b", "“.”"),
        ("../a", "“..”"),
        ("/..", "“..”"),
        ("a/..", "“..”"),
        ("a/../", "“..”"),
        ("a//b", "empty name"),
        ("//a", "empty name"),
        ("a//", "empty name"),
        ("///", "empty name"),
        ("a\0b", "NUL"),
        (b"\0", "NUL"),
        ("x" * 256, "255 bytes"),
        ("a/" + "é" * 128, "255 bytes"),
        ("\udc41", "not text"),
        ("\ud800", "not text"),
        ("/".join(["x" * 250] * 300), "longer than 65,536 bytes"),
    ],
)
def test_what_can_not_be_a_path_is_refused_at_its_field(text: str | bytes, words: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        volume_path(text, "target")
    assert words in refused.value.fields["target"]


def test_a_refusal_shows_no_more_of_a_name_than_fits_and_none_of_its_controls() -> None:
    with pytest.raises(InvalidInputError) as refused:
        volume_path(b"\x1b\n\xff" + b"x" * 5000)
    assert refused.value.message.startswith("“\\x1b\\n\\xff" + "x" * 37 + "…”")


@pytest.mark.parametrize("name", ["a", ".a", "a b", b"\xff", "x" * 255, "..."])
def test_a_name_is_kept(name: str | bytes) -> None:
    assert file_name(name) == (name if isinstance(name, bytes) else name.encode())


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a/b", "/a", "a/", "a\0", "x" * 256, "\ud800", b"../x"])
def test_what_can_not_be_a_name_is_refused_at_its_field(name: str | bytes) -> None:
    with pytest.raises(InvalidInputError) as refused:
        file_name(name, "new_name")
    assert refused.value.fields.keys() == {"new_name"}


@pytest.mark.parametrize("name", [b"", b".", b"..", b"a/b", b"/a", b"a/", b"a\0", b"x" * 256])
@pytest.mark.parametrize("folder", [TOP, VolumePath(b"folder")])
def test_only_a_name_can_be_joined(folder: VolumePath, name: bytes) -> None:
    with pytest.raises(InvalidInputError):
        folder / name


def test_the_top_folder_has_no_name_and_is_in_itself() -> None:
    assert (TOP.name, TOP.parts, TOP.above, TOP.parent, TOP.is_top) == (b"", (), (), TOP, True)
    assert (TOP.text, TOP.shown, TOP.id) == ("", "", "")


def test_a_path_knows_the_folders_above_it_the_outermost_first() -> None:
    path = volume_path("a/b/c")
    assert path.above == (TOP, VolumePath(b"a"), VolumePath(b"a/b"))
    assert (path.name, path.parent, path.is_top) == (b"c", VolumePath(b"a/b"), False)


@pytest.mark.parametrize(
    ("path", "folder", "within"),
    [
        (b"a/b", b"a", True),
        (b"a", b"a", True),
        (b"a", b"", True),
        (b"", b"", True),
        (b"ab", b"a", False),
        (b"a", b"a/b", False),
        (b"", b"a", False),
        (b"b/a", b"a", False),
    ],
)
def test_what_is_within_a_folder(path: bytes, folder: bytes, within: bool) -> None:
    assert VolumePath(path).is_within(VolumePath(folder)) is within


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain.txt", "plain.txt"),
        ("日本語 é 👩".encode(), "日本語 é 👩"),
        (b"two\nlines\r\t", "two\\nlines\\r\\t"),
        (b"\x00\x1b[31m\x7f", "\\x00\\x1b[31m\\x7f"),
        (b"caf\xe9", "caf\\xe9"),
        (b"\xc3", "\\xc3"),
        ("\u202eexe.txt".encode(), "\\u202eexe.txt"),
        ("\u2066a\u2069\u200f\ufeff\u200b".encode(), "\\u2066a\\u2069\\u200f\\ufeff\\u200b"),
        ("\u2028\u2029".encode(), "\\u2028\\u2029"),
        ("\ue000".encode(), "\\ue000"),
        (b"<b>&amp;", "<b>&amp;"),
        (b" a ", " a "),
    ],
)
def test_a_name_is_shown_with_its_invisible_parts_spelled_out(raw: bytes, shown: str) -> None:
    assert shown_name(raw) == shown


@given(paths)
@example(VolumePath(b"\xed\xa0\x80/\xc3\xa9/%2F/ /?#;+&"))
def test_text_and_id_come_back_as_the_same_bytes(path: VolumePath) -> None:
    assert volume_path(path.raw) == path
    assert volume_path(path.text) == path
    assert volume_path(unquote_to_bytes(path.id)) == path


@given(paths)
def test_an_id_fits_into_a_url_as_it_is(path: VolumePath) -> None:
    assert path.id.isascii()
    assert not set(path.id) & set(" ?#&+;:\\\"'<>\n\r\t")
    assert tuple(map(unquote_to_bytes, path.id.split("/"))) == (path.parts or (b"",))


@given(names)
def test_no_byte_of_a_name_is_lost_in_its_text(name: bytes) -> None:
    assert name_text(name).encode("utf-8", "surrogateescape") == name


@given(st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)))
def test_what_is_shown_has_no_control_and_no_mark_that_turns_the_direction(raw: bytes) -> None:
    shown = shown_name(raw)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(character) for character in shown} & {"LRE", "RLE", "LRO", "RLO", "PDF"}


@given(paths, names)
def test_what_is_joined_is_in_the_folder_under_its_name(folder: VolumePath, name: bytes) -> None:
    path = folder / name
    assert (path.parent, path.name) == (folder, name)
    assert path.parts == (*folder.parts, name)
    assert path.above == (*folder.above, folder)
    assert path.is_within(folder)
    assert not folder.is_within(path)


@given(st.one_of(st.text(), st.binary(), st.text(alphabet="./a\0")))
def test_a_path_is_taken_as_it_is_or_refused(text: str | bytes) -> None:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    try:
        path = volume_path(text)
    except InvalidInputError as refused:
        assert refused.fields.keys() == {"path"}
        return
    assert path.raw in {raw, raw[1:], raw[:-1], raw[1:-1]}
    assert not set(path.parts) & {b"", b".", b".."}
    assert b"\0" not in path.raw
    assert len(path.raw) <= LONGEST_PATH
