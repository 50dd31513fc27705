"""The names of images, to the grammar of the registries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.engine.references import Reference, parse_reference, reference_problem
from webui.errors import InvalidInputError

DIGEST = "sha256:" + "0f" * 32


@pytest.mark.parametrize(
    ("text", "full", "registry"),
    [
        ("nginx", "nginx:latest", "docker.io"),
        ("nginx:1.27-alpine", "nginx:1.27-alpine", "docker.io"),
        ("library/nginx", "library/nginx:latest", "docker.io"),
        ("ghcr.io/owner/thing_x/y--z:v1", "ghcr.io/owner/thing_x/y--z:v1", "ghcr.io"),
        ("localhost/x", "localhost/x:latest", "localhost"),
        ("localhost:5000/x", "localhost:5000/x:latest", "localhost:5000"),
        ("127.0.0.1:5000/a/b:t", "127.0.0.1:5000/a/b:t", "127.0.0.1:5000"),
        ("[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000"),
        (f"nginx@{DIGEST}", f"nginx@{DIGEST}", "docker.io"),
        (f"nginx:1@{DIGEST}", f"nginx@{DIGEST}", "docker.io"),
        ("a__b.c-d", "a__b.c-d:latest", "docker.io"),
    ],
)
def test_a_name_is_understood_and_its_tag_spelled_out(text: str, full: str, registry: str) -> None:
    found = parse_reference(text)
    assert (str(found), found.registry) == (full, registry)
    assert str(parse_reference(full)) == full


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Name an image"),
        ("nginx latest", "no spaces"),
        ("nginx\n", "no spaces"),
        ("Nginx", "did you mean nginx?"),
        ("UPPER/x", "did you mean upper/x?"),
        ("nginx:", "After the last colon"),
        ("nginx:-x", "After the last colon"),
        ("nginx:" + "x" * 129, "at most 128"),
        ("nginx@", "digest"),
        ("nginx@sha256:short", "digest"),
        ("a//b", "a-z and 0-9"),
        ("/a", "a-z and 0-9"),
        ("a/", "a-z and 0-9"),
        ("a___b", "a-z and 0-9"),
        ("-a", "a-z and 0-9"),
        ("é", "a-z and 0-9"),
        (":tag", "a-z and 0-9"),
        ("exa mple.com/x", "no spaces"),
        ("-bad-.com/x", "address"),
        ("host:port/x", "address"),
        ("x" * 256, "255 is the most"),
        ("a" * 64, "id of an image"),
        ("https://ghcr.io/x", "address"),
    ],
)
def test_what_is_no_name_is_told_why(text: str, words: str) -> None:
    assert words in reference_problem(text)
    with pytest.raises(InvalidInputError) as caught:
        parse_reference(text)
    assert words in caught.value.fields["image"]


@given(st.text())
def test_any_text_is_a_name_or_has_a_problem(text: str) -> None:
    if not reference_problem(text):
        assert isinstance(parse_reference(text), Reference)
        assert text.isascii()


@given(
    st.from_regex(
        r"[a-z0-9]+([_-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)?(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,20})?", fullmatch=True
    )
)
def test_ordinary_names_are_accepted_and_come_back(text: str) -> None:
    if len(text) < 64:
        assert str(parse_reference(text)).startswith(text)
