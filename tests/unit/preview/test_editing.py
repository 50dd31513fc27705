"""A text that goes through an editor: what nobody changed comes back byte for byte."""

from __future__ import annotations

import re
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webui.errors import InvalidInputError
from webui.preview import ENCODINGS, EditableText, LineEndings, decoded, encoded, line_endings
from webui.preview.encodings import BYTE_ORDER_MARKS
from webui.preview.lines import BREAK

UNICODE = sorted(BYTE_ORDER_MARKS)
BREAKS = ("\n", "\r\n", "\r")

letters = st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\t\f\x1b\u2028\u202e\ufeff")
lines = st.text(letters, max_size=8)


def as_sent(text: str) -> str:
    """What a browser makes of a <textarea> that held `text`."""
    return re.sub(r"\r\n|\r|\n", "\r\n", text)


def through_the_editor(data: bytes) -> bytes:
    found = decoded(data)
    return encoded(as_sent(found.text), found.encoding, found.line_endings, found.bom, found)


@st.composite
def texts(draw: st.DrawFn, of: st.SearchStrategy[str] = lines, breaks: tuple[str, ...] = BREAKS) -> str:
    """Lines that end in any of the ways, with and without an end of the last one."""
    ended = "".join(line + draw(st.sampled_from(breaks)) for line in draw(st.lists(of, max_size=12)))
    return ended + draw(of)


@pytest.mark.parametrize("bom", [True, False])
@pytest.mark.parametrize("encoding", UNICODE)
@given(text=texts() | texts(breaks=("\n",)) | texts(breaks=("\r\n",)) | texts(breaks=("\r",)))
@settings(deadline=None)
def test_unicode_comes_back(encoding: str, bom: bool, text: str) -> None:
    data = (BYTE_ORDER_MARKS[encoding] if bom else b"") + text.encode(encoding)
    try:
        found = decoded(data)
    except InvalidInputError:
        assert not bom
        assert encoding != "utf-8"
        return
    assert through_the_editor(data) == data
    if bom:
        assert (found.text, found.encoding, found.bom) == (text, encoding, True)
    elif encoding == "utf-8" and not text.startswith("\ufeff"):
        assert (found.text, found.encoding, found.bom) == (text, encoding, False)


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
@given(data=st.data())
@settings(deadline=None)
def test_every_encoding_comes_back(encoding: str, data: st.DataObject) -> None:
    text = data.draw(texts(texts_in(encoding)))
    original = EditableText(text, encoding, line_endings(text))
    assert encoded(as_sent(text), encoding, original.line_endings, False, original) == text.encode(encoding)


@lru_cache
def texts_in(encoding: str) -> st.SearchStrategy[str]:
    """Of some of the characters that can be written in it and read again."""
    found = [chr(code) for code in range(0x20, 0x10000) if not 0xD800 <= code < 0xE000]
    found = [character for character in found if character.encode(encoding, "ignore").decode(encoding) == character]
    return st.text(st.sampled_from(found[:: len(found) // 200 + 1]), max_size=8)


@given(st.binary(max_size=200) | texts().map(str.encode).flatmap(lambda text: st.binary(max_size=3).map(text.__add__)))
@settings(max_examples=500, deadline=None)
def test_any_bytes_come_back_or_are_refused(data: bytes) -> None:
    try:
        decoded(data)
    except InvalidInputError as error:
        assert set(error.fields) == {"text"}
    else:
        assert through_the_editor(data) == data


@given(texts(), st.sampled_from(["LF", "CRLF", "CR"]))
@settings(deadline=None)
def test_a_chosen_ending_ends_every_line(text: str, chosen: str) -> None:
    ending = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}[chosen]
    written = encoded(text, "utf-8", chosen, False).decode()
    assert BREAK.split(written) == BREAK.split(text)
    assert set(BREAK.findall(written)) <= {ending}


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(BREAKS)), min_size=1, max_size=30),
    st.data(),
)
@settings(deadline=None)
def test_lines_that_stay_keep_their_endings(plan: list[tuple[int, str]], data: st.DataObject) -> None:
    """Each line stays, goes, or stays with a new one before it."""
    original = "".join(f"line {number}{ending}" for number, (_, ending) in enumerate(plan))
    text = ""
    for number, (change, _) in enumerate(plan):
        if change == 2:
            text += f"new {data.draw(st.integers())}\n"
        if change:
            text += f"line {number}\n"
    written = encoded(as_sent(text), "utf-8", "mixed", False, EditableText(original)).decode()
    assert as_sent(written) == as_sent(text)
    for number, (change, ending) in enumerate(plan):
        if change:
            assert f"line {number}{ending}" in re.findall(r"[^\r\n]*(?:\r\n|\r|\n)", written)


@pytest.mark.parametrize(
    ("original", "text", "written"),
    [
        ("a\r\nb\nc\r", "a\nB\nc\n", "a\r\nB\nc\r"),
        ("a\r\nb\nc\r", "a\nx\nb\nc\n", "a\r\nx\r\nb\nc\r"),
        ("a\r\nb\nc\n", "x\na\nb\nc\n", "x\na\r\nb\nc\n"),
        ("a\r\nb\nc", "a\nb\nc\nd\n", "a\r\nb\nc\nd\n"),
        ("a\r\nb\n", "", ""),
        ("a\r\nb\n", "c", "c"),
        ("", "a\r\nb", "a\nb"),
    ],
    ids=[
        "a changed line",
        "a new line",
        "a new first line",
        "after the last",
        "nothing left",
        "all else",
        "nothing before",
    ],
)
def test_mixed_endings_after_a_change(original: str, text: str, written: str) -> None:
    assert encoded(text, "utf-8", "mixed", False, EditableText(original)) == written.encode()


def test_mixed_endings_with_nothing_to_go_by_are_those_of_unix() -> None:
    assert encoded("a\r\nb\rc", "utf-8", "mixed", False) == b"a\nb\nc"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "LF"),
        ("a", "LF"),
        ("a\n", "LF"),
        ("a\r\n", "CRLF"),
        ("a\rb", "CR"),
        ("a\r\r\n", "mixed"),
        ("a\n\r", "mixed"),
    ],
)
def test_line_endings(text: str, kind: LineEndings) -> None:
    assert line_endings(text) == kind


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", EditableText("")),
        (b"a: 1\n", EditableText("a: 1\n", final_newline=True)),
        (b"a\rb", EditableText("a\rb", line_endings="CR")),
        (b"\xef\xbb\xbfa\r\n", EditableText("a\r\n", line_endings="CRLF", final_newline=True, bom=True)),
        ("größer\n".encode(), EditableText("größer\n", final_newline=True)),
        ("größer".encode("utf-16"), EditableText("größer", "utf-16-le", bom=True)),
        ("key=value\n".encode("utf-16-le"), EditableText("key=value\n", "utf-16-le", final_newline=True)),
        ("key=value\n".encode("utf-16-be"), EditableText("key=value\n", "utf-16-be", final_newline=True)),
        ("key=value".encode("utf-32-le"), EditableText("key=value", "utf-32-le")),
        ("key=value".encode("utf-32-be"), EditableText("key=value", "utf-32-be")),
        ("key=value".encode("utf-32"), EditableText("key=value", "utf-32-le", bom=True)),
        ("Straße=“x”".encode("windows-1252"), EditableText("Straße=“x”", "windows-1252")),
        (b"caf\xe9 " * 5 + b"\x81", EditableText("café " * 5 + "\x81", "iso-8859-1")),
        ("Привет, как дела?".encode("windows-1251"), EditableText("Привет, как дела?", "windows-1251")),
        ("設定ファイルを読みます。".encode("euc-jp"), EditableText("設定ファイルを読みます。", "euc-jp")),
        ("这是一个中文文本文件".encode("gb18030"), EditableText("这是一个中文文本文件", "gb18030")),
        (b"a\xc3", EditableText("aÃ", "windows-1252")),
    ],
)
def test_encodings_are_told_apart(data: bytes, found: EditableText) -> None:
    assert decoded(data) == found


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        b"a\0b",
        b"a\0",
        b"text and then \0 something",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
        bytes(range(1, 256)),
        b"\xff\xfe\x00\xd8",
        b"\x01\x02\x03",
        "nul \0 in it".encode("utf-16"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInputError) as caught:
        decoded(data)
    assert "not text" in caught.value.fields["text"]


@pytest.mark.parametrize(
    "encoding", ["idna", "rot13", "utf-7", "unicode_escape", "raw_unicode_escape", "no-such", "", "utf-16"]
)
def test_encodings_that_files_are_not_written_in(encoding: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        encoded("a", encoding, "LF", False)
    assert set(caught.value.fields) == {"encoding"}


def test_unknown_line_endings_are_refused() -> None:
    with pytest.raises(InvalidInputError) as caught:
        encoded("a", "utf-8", "\n", False)
    assert set(caught.value.fields) == {"line_endings"}


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        ("one\r\n5 €", "iso-8859-1", "“€” in line 2 can’t be written in iso-8859-1"),
        ("\u202e", "windows-1252", "U+202E in line 1 can’t be written in windows-1252"),
        ("12 ¢", "cp932", "“¢” in line 1 can’t be written in cp932"),
        ("\ud800", "utf-8", "U+D800 in line 1 can’t be written in utf-8"),
    ],
)
def test_a_character_the_encoding_lacks_is_named_with_its_line(text: str, encoding: str, said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        encoded(text, encoding, "LF", False)
    assert said in caught.value.fields["text"]


def test_a_byte_order_mark_is_written_in_unicode_only() -> None:
    assert encoded("a", "utf-16-be", "LF", True) == b"\xfe\xff\0a"
    assert encoded("a", "utf-8", "LF", True) == b"\xef\xbb\xbfa"
    assert encoded("a", "windows-1252", "LF", True) == b"a"


@pytest.mark.parametrize("text", ["a\u2028b\x85c\n", "\x9b31mred\x9b0m\n", "über\x80"])
def test_utf_8_with_late_controls_is_utf_8(text: str) -> None:
    found = decoded(text.encode())
    assert (found.text, found.encoding) == (text, "utf-8")
    assert through_the_editor(text.encode()) == text.encode()
