"""Every command that is shown for copying means what it says, whatever the names in it are."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st

from webui import commands

words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1)
pairs = st.lists(st.tuples(words.map(lambda word: word.replace("=", "_")), words), max_size=3)


def parsed(command: str) -> list[str]:
    return shlex.split(command)


def test_commands_without_names() -> None:
    assert parsed(commands.volume_list()) == ["docker", "volume", "ls"]
    assert parsed(commands.container_list()) == ["docker", "ps", "--all"]
    assert parsed(commands.image_list()) == ["docker", "image", "ls"]


@given(words)
def test_a_name_stays_one_word(name: str) -> None:
    assert parsed(commands.volume_inspect(name)) == ["docker", "volume", "inspect", name]
    assert parsed(commands.container_inspect(name)) == ["docker", "container", "inspect", name]
    assert parsed(commands.container_action("restart", name)) == ["docker", "restart", name]
    assert parsed(commands.container_logs(name)) == ["docker", "logs", "--timestamps", "--follow", name]
    assert parsed(commands.image_pull(name)) == ["docker", "pull", name]
    assert parsed(commands.image_remove(name)) == ["docker", "image", "rm", name]


@given(st.lists(words, min_size=1, max_size=4))
def test_several_volumes_are_removed_by_one_command(names: list[str]) -> None:
    assert parsed(commands.volume_remove(names)) == ["docker", "volume", "rm", *names]


@given(words, words, pairs, pairs)
def test_a_new_volume_keeps_its_options_and_labels(
    name: str, driver: str, options: list[tuple[str, str]], labels: list[tuple[str, str]]
) -> None:
    found = parsed(commands.volume_create(name, driver, options, labels))
    expected = ["docker", "volume", "create"]
    expected += [] if driver == "local" else ["--driver", driver]
    expected += [word for key, value in options for word in ("--opt", f"{key}={value}")]
    expected += [word for key, value in labels for word in ("--label", f"{key}={value}")]
    assert found == [*expected, name]


def test_what_docker_takes_anyway_is_left_out() -> None:
    assert commands.volume_create("data", "local", [], [("note", "")]) == "docker volume create --label note data"
    assert commands.volume_create("", "", [], []) == "docker volume create"


@given(words, st.booleans())
def test_removing_a_running_container_stops_it_first(name: str, volumes: bool) -> None:
    found = parsed(commands.container_remove(name, anonymous_volumes=volumes, stop_first=True))
    remove = ["docker", "rm", *(["--volumes"] if volumes else []), name]
    assert found == ["docker", "stop", name, "&&", *remove]
    assert parsed(commands.container_remove(name, anonymous_volumes=volumes, stop_first=False)) == remove
