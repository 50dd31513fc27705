"""What is printed is read back to the same: every mount, every launch, every form."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from tests.unit.mounts.strategies import CONTEXT, launches, mounts
from webui.mounts import (
    Launch,
    Mount,
    check,
    left_out,
    mount_flag,
    mount_from_json,
    parse,
    parse_paste,
    previews,
    volume_flag,
)
from webui.mounts.api_shape import api_object

RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def as_volume_flag_says(mount: Mount) -> Mount:
    """`-v` has no word for whether a missing folder is made."""
    said_by_volume_flag = (volume_flag(mount) or "").startswith("-v")
    return replace(mount, create_missing=False) if said_by_volume_flag else mount


def without_order(launch: Launch) -> tuple[object, ...]:
    """docker-py groups ports by the container's port, and labelled mounts stand apart from the others."""
    return (
        replace(launch, ports=(), mounts=()),
        Counter(launch.ports),
        Counter(launch.mounts),
    )


@RELAXED
@given(mounts)
def test_a_printed_mount_is_read_back_the_same(mount: Mount) -> None:
    short, long = volume_flag(mount), mount_flag(mount)
    assert short or long
    if short:
        assert parse(short, CONTEXT) == as_volume_flag_says(mount)
    if long:
        assert parse(long, CONTEXT) == mount


@RELAXED
@given(mounts)
def test_json_and_the_engines_own_object_are_read_back_the_same(mount: Mount) -> None:
    assert mount_from_json(mount.to_json(), "mounts.0.") == mount
    assert mount_from_json(api_object(mount)) == replace(mount, selinux="")


@RELAXED
@given(mounts)
def test_a_read_back_mount_is_still_fine(mount: Mount) -> None:
    assert check(mount) == {}


@RELAXED
@given(launches)
def test_pasting_docker_run_with_volume_flags_gives_the_same_launch(launch: Launch) -> None:
    pasted = parse_paste(previews(launch)["volume"], CONTEXT)
    assert pasted.launch == replace(launch, mounts=tuple(map(as_volume_flag_says, launch.mounts)))
    assert pasted.not_understood == ()


@RELAXED
@given(launches)
def test_pasting_docker_run_with_mount_flags_gives_the_same_launch(launch: Launch) -> None:
    pasted = parse_paste(previews(launch)["mount"], CONTEXT)
    assert pasted.launch == launch
    assert pasted.not_understood == ()


@RELAXED
@given(launches)
def test_pasting_compose_gives_the_same_launch_but_for_what_it_leaves_out(launch: Launch) -> None:
    pasted = parse_paste(previews(launch)["compose"], CONTEXT)
    expected = replace(launch, start=True)
    if any("driver" in sentence for sentence in left_out(launch, "compose")):
        expected = replace(expected, mounts=tuple(without_anonymous_driver(mount) for mount in launch.mounts))
    assert pasted.launch == expected
    assert pasted.not_understood == ()


@RELAXED
@given(launches)
def test_pasting_docker_py_gives_the_same_launch(launch: Launch) -> None:
    pasted = parse_paste(previews(launch)["python"], CONTEXT)
    assert pasted.launch is not None
    assert without_order(pasted.launch) == without_order(launch)
    assert pasted.not_understood == ()


def without_anonymous_driver(mount: Mount) -> Mount:
    return replace(mount, driver="", driver_options=()) if mount.anonymous else mount


@pytest.mark.parametrize("form", ["volume", "mount", "compose", "python"])
def test_an_ordinary_launch_comes_back_whole_from_every_form(form: str) -> None:
    launch = Launch(
        "postgres:16",
        name="db",
        environment=(("POSTGRES_PASSWORD", "it's $ecret"),),
        mounts=(
            parse("data:/var/lib/postgresql/data", CONTEXT),
            parse("./init:/docker-entrypoint-initdb.d:ro", CONTEXT),
            parse("--tmpfs /run:size=64m", CONTEXT),
        ),
    )
    pasted = parse_paste(previews(launch)[form], CONTEXT)  # type: ignore[index]
    assert pasted.launch == launch
