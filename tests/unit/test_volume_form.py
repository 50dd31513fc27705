"""What is sent about a new volume becomes a dataclass or an error at its field; nothing passes unnoticed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui import forms
from webui.errors import InvalidInputError
from webui.mounts import volume_name_problem
from webui.storage import driver_of, driver_options
from webui.volume_form import VolumeForm, volume_form

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
keys = st.text(st.characters(exclude_categories=("Cs",)), min_size=1).filter(str.strip)


def form(**sent: Any) -> VolumeForm:
    return volume_form(sent, exact=False)


def problems(**sent: Any) -> dict[str, str]:
    with pytest.raises(InvalidInputError) as raised:
        form(**sent)
    return dict(raised.value.fields)


def test_a_page_and_a_script_say_the_same() -> None:
    by_page = form(
        name=("data",),
        driver=("",),
        options_key=("type", ""),
        options_value=("nfs", ""),
        options_text=("o=addr=10.0.0.1,rw\n# a remark\n--opt device=:/share",),
        labels_key=("owner",),
        labels_value=("",),
    )
    by_script = form(
        name="data", options={"type": "nfs", "o": "addr=10.0.0.1,rw", "device": ":/share"}, labels=["owner="]
    )
    assert by_page == by_script
    assert driver_options(by_script.storage) == {"type": "nfs", "o": "addr=10.0.0.1,rw", "device": ":/share"}
    assert driver_of(by_script.storage) == "local"


@pytest.mark.parametrize(
    "name", ["", "a", "é", "a/b", "a b", "data\n", " data", "x" * 256, "-a", "a\0b", "<b>", "../x"]
)
def test_a_name_the_engine_would_refuse_is_refused_here(name: str) -> None:
    assert set(problems(name=name)) == {"name"}


@pytest.mark.parametrize("name", ["a.", "aa", "A_b-c.d", "0x", "x" * 255])
def test_a_name_the_engine_takes_is_taken(name: str) -> None:
    assert form(name=name).name == name


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("labels", {"labels": {"": "x"}}),
        ("labels", {"labels": {"  ": "x"}}),
        ("labels", {"labels": {"k": "v" * (forms.LONGEST_VALUE + 1)}}),
        ("labels", {"labels": {f"k{n}": "" for n in range(forms.MOST_ENTRIES + 1)}}),
        ("labels", {"labels": ["a=1", "a=2"]}),
        ("labels", {"labels": {"a": {}}}),
        ("labels", {"labels": "a=1"}),
        ("labels", {"labels": [1]}),
        ("labels", {"labels_key": ["", "b"], "labels_value": ["orphan", "c"]}),
        ("labels", {"labels_text": "--label 'open"}),
        ("labels", {"labels_text": "--rm a=b"}),
        ("options", {"options_text": "novalue"}),
        ("options", {"options": {"size": None, "": ""}}),
        ("driver", {"driver": {}}),
        ("driver", {"driver": True}),
        ("name", {"name": ["data", 3]}),
        ("colour", {"colour": "red"}),
        ("Name", {"Name": "data"}),
    ],
)
def test_each_mistake_is_told_at_its_field(field: str, sent: dict[str, Any]) -> None:
    found = problems(**{"name": "data", **sent})
    assert set(found) == {field}
    assert found[field].endswith((".", "?"))


def test_all_mistakes_are_told_at_once() -> None:
    assert set(problems(name="a", labels={"": "x"}, options=3, colour="red")) == {"name", "labels", "options", "colour"}


@given(st.dictionaries(keys, st.text(max_size=50), max_size=5))
def test_labels_come_through_as_they_were_sent(labels: dict[str, str]) -> None:
    assert form(name="data", labels=labels).labels == labels
    by_rows = {"labels_key": tuple(labels), "labels_value": tuple(labels.values())}
    assert form(name="data", **by_rows).labels == labels


@given(
    st.dictionaries(
        st.sampled_from(["name", "driver", "options", "labels", "options_key", "options_value", "labels_text", "x"]),
        anything,
    )
)
def test_whatever_is_sent_is_a_form_or_an_error_at_a_field(sent: dict[str, Any]) -> None:
    try:
        found = volume_form(sent)
    except InvalidInputError as error:
        assert error.fields
    else:
        assert not volume_name_problem(found.name)
