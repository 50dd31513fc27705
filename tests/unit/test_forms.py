"""What is sent becomes a dataclass or an error at its field; nothing passes unnoticed, nothing else is raised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui import forms
from webui.errors import InvalidInputError

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(anything)
def test_single_values_are_read_or_refused(value: Any) -> None:
    for read in (
        lambda: forms.text({"x": value}, "x"),
        lambda: forms.many({"x": value}, "x"),
        lambda: forms.flag({"x": value}, "x"),
        lambda: forms.number({"x": value}, "x", default=1),
        lambda: forms.entries({"x": value}, "x"),
    ):
        try:
            read()
        except InvalidInputError as error:
            assert set(error.fields) == {"x"}


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), (("on",), True), ("No", False), ("", False), (None, False), ("1", True)]
)
def test_flags(value: object, expected: bool) -> None:
    assert forms.flag({"x": value}, "x") is expected


def test_numbers() -> None:
    assert forms.number({"n": " 12 "}, "n", default=1) == 12
    assert forms.number({}, "n", default=3) == 3
    for wrong in ("twelve", "1.5", "²", "٣", "1_0", "9" * 30, {}):
        with pytest.raises(InvalidInputError):
            forms.number({"n": wrong}, "n", default=1)
