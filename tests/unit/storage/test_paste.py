"""A pasted `docker volume create` is read in every way it is written, and what can't be read is said."""

from __future__ import annotations

import pytest

from webui.errors import InvalidInputError
from webui.storage import paste_command

SIZE = {"where": "tmpfs", "name": "data", "size": "64m"}


@pytest.mark.parametrize(
    "line",
    [
        "docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=64m data",
        "docker volume create --opt=type=tmpfs --opt=device=tmpfs --opt=o=size=64m data",
        "docker volume create -o type=tmpfs -o=device=tmpfs -oo=size=64m data",
        "sudo docker volume create -d local -o type=tmpfs \\\n  -o device=tmpfs \\\n  -o 'o=size=64m' --name data",
        '$ podman volume create data -o "type=tmpfs" -o device=tmpfs -o o=size=64m',
    ],
)
def test_each_way_of_writing_it_is_the_same_volume(line: str) -> None:
    fields = paste_command(line).fields
    assert {name: fields[name] for name in SIZE} == SIZE


@pytest.mark.parametrize(
    "line",
    [
        "",
        "docker volume ls",
        "docker volume create --opt",
        "docker volume create one two",
        "docker volume create --what x",
        "docker volume create 'open",
    ],
)
def test_what_can_not_be_read_is_said(line: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        paste_command(line)
    assert set(raised.value.fields) == {"command_text"}
