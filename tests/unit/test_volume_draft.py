"""The form for a new volume as it stands: rows come and go, a pasted line fills it in, and no secret is in it."""

from __future__ import annotations

from typing import Any

from webui.errors import InvalidInputError
from webui.storage import Where
from webui.volume_draft import touched, volume_draft

ROWS: dict[str, Any] = {
    **{"where": ("other",), "options_row": ("aa", "bb", "cc"), "options_key": ("type", "token", "o")},
    "options_value": ("nfs", "hidden", "addr=nas,password=hidden"),
}


def test_it_begins_on_this_machine_with_a_row_to_fill_in() -> None:
    draft = volume_draft({})
    assert draft.where is Where.LOCAL
    assert draft.fields == ()
    assert [(row.key, row.value) for row in draft.labels] == [("", "")]
    assert draft.command == "docker volume create"


def test_rows_keep_what_tells_them_apart_when_others_go() -> None:
    assert [row.id for row in volume_draft(ROWS).options] == ["aa", "bb", "cc"]
    assert [row.id for row in volume_draft({**ROWS, "action": ("remove-options:bb",)}).options] == ["aa", "cc"]
    added = volume_draft({**ROWS, "action": ("add-options",)}).options
    assert [row.id for row in added[:3]] == ["aa", "bb", "cc"]
    assert len({row.id for row in added}) == 4


def test_secrets_of_rows_are_not_shown_nor_told() -> None:
    draft = volume_draft(ROWS)
    assert [row.secret for row in draft.options] == [False, True, True]
    assert "hidden" not in repr(draft)
    assert "'token=••••••••'" in draft.command


def test_pasted_rows_join_those_that_are_there() -> None:
    draft = volume_draft({**ROWS, "options_text": ("device=:/srv\n-o ro=1",), "action": ("paste-options",)})
    assert [row.key for row in draft.options] == ["type", "token", "o", "device", "ro"]
    assert draft.options_text == ""
    kept = volume_draft({"labels_text": ("--label 'open",), "action": ("paste-labels",)})
    assert kept.labels_text == "--label 'open"


def test_a_line_that_can_not_be_read_leaves_the_form_as_it_was_and_says_why() -> None:
    draft = volume_draft(
        {"name": ("data",), "where": ("tmpfs",), "action": ("paste-command",), "command_text": ("docker ps",)}
    )
    assert (draft.name, draft.where) == ("data", Where.TMPFS)
    assert "no docker volume create" in draft.problem
    assert not draft.pasted


def test_a_line_keeps_a_name_that_was_typed_unless_it_has_one() -> None:
    line = "podman volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=64m"
    typed = {"name": ("mine",), "action": ("paste-command",)}
    assert volume_draft({**typed, "command_text": (line,)}).name == "mine"
    assert volume_draft({**typed, "command_text": (f"{line} theirs",)}).name == "theirs"


def test_what_has_no_form_of_its_own_becomes_rows() -> None:
    line = "docker volume create -d vieux/sshfs -o sshcmd=a@b:/c -o password=hidden data"
    draft = volume_draft({"action": ("paste-command",), "command_text": (line,)})
    assert (draft.where, draft.driver) == (Where.OTHER, "vieux/sshfs")
    assert [(row.key, row.value) for row in draft.options] == [("sshcmd", "a@b:/c"), ("password", "")]
    assert draft.retype == ("password",)


def test_a_system_folder_is_warned_of() -> None:
    assert "system folder" in volume_draft({"where": ("bind",), "folder": ("/etc",)}).warning
    assert volume_draft({"where": ("bind",), "folder": ("/srv/x",)}).warning == ""


def test_fields_that_nobody_filled_in_are_not_complained_about() -> None:
    error = InvalidInputError({"server": "Which server?", "export": "No.", "kept": "Keep it.", "options": "Odd."})
    sent = {"export": ("srv",), "server": ("",), "kept": ("no",)}
    assert set(touched(sent, error)) == {"export", "options"}
