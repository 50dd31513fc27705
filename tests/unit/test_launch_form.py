"""The launch form: what is typed, pasted or sent means the same launch, and comes back as it was."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.mounts.strategies import CONTEXT, launches, mounts
from webui.errors import InvalidInputError
from webui.launch_form import LaunchForm, MountRow, form_of, page_form, row_of, script_form, unconfirmed
from webui.mounts import Launch, Mount, MountType, PortMapping, previews

RELAXED = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("image", "name", "command", "env", "ports", "network", "restart", "replicas", "start", "mounts", "confirm")


def page_fields(form: LaunchForm) -> dict[str, tuple[str, ...]]:
    """The fields as a browser sends them."""
    sent: dict[str, tuple[str, ...]] = {
        name: (getattr(form, name),) for name in ("image", "name", "command", "network", "restart", "replicas", "paste")
    }
    sent["env_key"] = tuple(key for key, _ in form.env)
    sent["env_value"] = tuple(value for _, value in form.env)
    sent["port"] = form.ports
    sent |= {"start": ("no", "yes") if form.start else ("no",)}
    for place, row in enumerate(form.mounts):
        sent |= {f"mounts-{place}-{name}": (text,) for name, text in row_fields(row).items()}
    return sent


def row_fields(row: MountRow) -> dict[str, str]:
    said = {each.name: getattr(row, each.name) for each in fields(row) if each.name != "rest"}
    texts = {name: "yes" if value is True else value for name, value in said.items() if value is not False}
    return {**texts, "rest": row.rest_json}


def launch_of(form: LaunchForm) -> Launch:
    """The launch a form means, which nothing is wrong with."""
    launch, problems = form.read(CONTEXT)
    assert not problems
    return launch


def told_at_fields(form: LaunchForm) -> bool:
    """Whether the form can be read, and each thing wrong with it stands at a field, in a sentence."""
    _, problems = form.read(CONTEXT)
    return all(field.partition(".")[0] in FIELDS and sentence for field, sentence in problems.items())


def trimmed(mount: Mount) -> Mount:
    """A page drops blanks around a source: they come from copying, and no one means them."""
    return replace(mount, source=mount.source.strip(), subpath=mount.subpath.strip())


@RELAXED
@given(launches)
def test_the_form_of_a_launch_means_that_launch(launch: Launch) -> None:
    assert launch_of(form_of(launch)) == launch


@RELAXED
@given(launches)
def test_a_page_sends_the_form_back_whole(launch: Launch) -> None:
    launch = replace(launch, mounts=tuple(map(trimmed, launch.mounts)))
    form = form_of(launch)
    assert page_form(page_fields(form)) == form


@RELAXED
@given(launches)
def test_a_script_sends_a_launch_as_json(launch: Launch) -> None:
    assert launch_of(script_form(launch.to_json(), CONTEXT)) == launch


@RELAXED
@given(mounts)
def test_the_row_of_a_mount_means_that_mount(mount: Mount) -> None:
    assert row_of(mount).mount(0, CONTEXT) == mount


@RELAXED
@given(launches)
def test_a_pasted_preview_fills_the_form_with_the_same_launch(launch: Launch) -> None:
    form, not_understood = LaunchForm(paste=previews(launch)["mount"]).acted("paste", CONTEXT)
    assert not_understood == ()
    assert launch_of(form) == launch


@RELAXED
@given(st.dictionaries(st.sampled_from(FIELDS), anything))
def test_whatever_a_script_sends_is_a_launch_or_an_error_at_a_field(sent: dict[str, Any]) -> None:
    try:
        form = script_form(sent, CONTEXT)
    except InvalidInputError as error:
        assert error.fields
    else:
        assert told_at_fields(form)


row_names = st.sampled_from(
    ["type", "source", "target", "read_only", "no_copy", "rest", "tmpfs_size", "tmpfs_mode", "propagation", "confirm"]
)
page_names = (
    st.sampled_from(["image", "name", "command", "network", "restart", "replicas", "env_text", "port", "start"])
    | st.sampled_from(["env_key", "env_value", "paste"])
    | st.builds("mounts-{}-{}".format, st.integers(0, 12), row_names)
)


@RELAXED
@given(st.dictionaries(page_names, st.lists(st.text(), min_size=1, max_size=2).map(tuple)))
def test_whatever_a_page_sends_is_a_launch_or_an_error_at_a_field(sent: dict[str, Any]) -> None:
    try:
        form = page_form(sent)
    except InvalidInputError as error:
        assert error.fields
    else:
        assert told_at_fields(form)


@RELAXED
@given(st.text(), st.text())
def test_no_button_breaks_the_form(verb: str, rest: str) -> None:
    form = LaunchForm(mounts=(MountRow(target="/x"),), env=(("A", "b"),), ports=("80",))
    for action in (verb, f"remove-mount:{rest}", f"add-mount:{rest}", f"remove-env:{rest}", f"remove-port:{rest}"):
        form.acted(action, CONTEXT)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("add-mount:tmpfs", {"mounts": (MountRow(target="/x"), MountRow("tmpfs"))}),
        ("remove-mount:0", {"mounts": ()}),
        ("remove-mount:9", {}),
        ("add-env", {"env": (("A", "b"), ("", ""))}),
        ("remove-env:0", {"env": ()}),
        ("add-port", {"ports": ("80", "")}),
        ("remove-port:0", {"ports": ()}),
        ("dance", {}),
    ],
)
def test_buttons_change_rows(action: str, expected: dict[str, Any]) -> None:
    form = LaunchForm(mounts=(MountRow(target="/x"),), env=(("A", "b"),), ports=("80",))
    assert form.acted(action, CONTEXT) == (replace(form, **expected), ())


def test_pasted_mounts_join_the_rows_and_a_whole_line_replaces_the_form() -> None:
    form = LaunchForm(image="debian", mounts=(MountRow(), MountRow(source="a1", target="/a")), paste="-v b1:/b:ro")
    joined, _ = form.acted("paste", CONTEXT)
    assert [(row.source, row.target, row.read_only) for row in joined.mounts] == [
        ("a1", "/a", False),
        ("b1", "/b", True),
    ]
    assert (joined.image, joined.paste) == ("debian", "")
    whole, strange = replace(form, paste="docker run --gpus all -v c1:/c postgres:16").acted("paste", CONTEXT)
    assert (whole.image, [row.source for row in whole.mounts]) == ("postgres:16", ["c1"])
    assert any("gpus" in each for each in strange)


def test_a_paste_nobody_can_read_is_told_at_its_field() -> None:
    with pytest.raises(InvalidInputError) as raised:
        LaunchForm(paste="docker run 'open").acted("paste", CONTEXT)
    assert set(raised.value.fields) == {"paste"}


def test_every_mistake_is_told_at_its_own_field() -> None:
    form = LaunchForm(
        image="Bad Image",
        name="-x",
        command="sh 'open",
        restart="sometimes",
        replicas="1000",
        env=(("A B", "c"),),
        ports=("80", "99999:80", ""),
        mounts=(MountRow(source="data", target="/ok"), MountRow(source="/etc", target="relative")),
    )
    _, problems = form.read(CONTEXT)
    expected = {"image", "name", "command", "restart", "replicas", "env.0", "ports.1"}
    assert expected <= set(problems)
    assert {name for name in problems if name.startswith("mounts.")} <= {"mounts.1.source", "mounts.1.target"}
    assert any(name.startswith("mounts.1.") for name in problems)


@pytest.mark.parametrize("field", ["images", "mounts-0", "mounts-x-target", "mounts-00000-target", "env_keys"])
def test_a_misspelt_field_does_not_pass_unnoticed(field: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        page_form({"image": ("debian",), field: ("x",)})
    assert field in raised.value.fields
    with pytest.raises(InvalidInputError) as raised:
        script_form({"image": "debian", field: "x"}, CONTEXT)
    assert field in raised.value.fields


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        (["8080:80", 81], (PortMapping(80, 8080), PortMapping(81))),
        ({"80/tcp": 8080, "53/udp": None}, (PortMapping(80, 8080), PortMapping(53, None, "udp"))),
        ({"80/tcp": ["127.0.0.1", 8080]}, (PortMapping(80, 8080, "tcp", "127.0.0.1"),)),
        ([{"container_port": 80, "host_port": 8080, "host_ip": "::1"}], (PortMapping(80, 8080, "tcp", "::1"),)),
    ],
)
def test_scripts_may_write_ports_as_docker_py_does(ports: object, expected: tuple[PortMapping, ...]) -> None:
    assert launch_of(script_form({"image": "debian", "ports": ports}, CONTEXT)).ports == expected


def test_what_another_type_of_row_had_does_not_count() -> None:
    row = MountRow("tmpfs", source="left-over", target="/t", subpath="x", propagation="shared", no_copy=True)
    assert row.mount(0, CONTEXT) == Mount(MountType.TMPFS, "", "/t")


def test_danger_has_to_be_typed() -> None:
    form = LaunchForm(mounts=(MountRow("bind", "/etc", "/a"), MountRow("bind", "/", "/b", confirm=" / ")))
    assert set(unconfirmed(form, [(0, "/etc"), (1, "/")])) == {"mounts.0.confirm"}
    assert unconfirmed(replace(form, confirmed=("/etc",)), [(0, "/etc"), (1, "/")]) == {}


def test_empty_rows_do_not_count() -> None:
    form = LaunchForm(mounts=(MountRow(), MountRow(target="/x")), ports=("", "80"), env=(("", ""), ("A", "")))
    kept = form.without_empty_rows()
    assert (kept.mounts, kept.ports, kept.env) == ((MountRow(target="/x"),), ("80",), (("A", ""),))
