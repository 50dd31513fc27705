"""What is entered becomes options, the options are read back, and no secret shows where it must not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.storage.strategies import RELAXED, described, secrets
from webui import commands
from webui.engine.secrets import MASK, masked_options
from webui.storage import (
    FIELDS,
    SECRETS,
    Bucket,
    Crypt,
    Folder,
    driver_of,
    driver_options,
    paste_command,
    read_bucket,
    read_options,
    read_remote,
    shown_options,
    storage_form,
    storage_words,
)
from webui.storage.obscure import obscure, reveal
from webui.storage.options import remote_of
from webui.volume_draft import volume_draft

RCLONE = Path(sys.executable).parent / "rclone"
NOT_IN_OPTIONS = {"kept", "attach"}


def entered(sent: dict[str, Any]) -> dict[str, str]:
    """What was entered, without what is not kept in options and without secrets."""
    left_out = NOT_IN_OPTIONS | SECRETS | {"where"}
    return {name: value for name, value in sent.items() if name not in left_out and value not in {"no", ""}}


@RELAXED
@given(described)
def test_options_are_read_back_as_what_was_entered(sent: dict[str, Any]) -> None:
    storage = storage_form(sent)
    reading = read_options(driver_of(storage), driver_options(storage))
    assert reading.where == sent["where"]
    assert not reading.left_over
    told = {name: value for name, value in reading.values.items() if value != "no"}
    defaults = {each.name: each.default for each in FIELDS[reading.where]}
    for name, value in entered(sent).items():
        assert told.get(name, "") == value
    for name, value in told.items():
        assert value == sent.get(name, defaults.get(name)) or name in {"driver", "version"}
    assert reading.secrets == {name for name in SECRETS & set(sent) if sent[name]}


@RELAXED
@given(described)
def test_a_volumes_own_command_pasted_is_the_same_volume(sent: dict[str, Any]) -> None:
    storage = storage_form(sent)
    line = commands.volume_create("data", driver_of(storage), driver_options(storage).items(), [("owner", "a b")])
    pasted = paste_command(line)
    assert pasted.fields["where"] == sent["where"]
    assert (pasted.fields["name"], pasted.fields["labels_key"], pasted.fields["labels_value"]) == (
        "data",
        ("owner",),
        ("a b",),
    )
    for name, value in entered(sent).items():
        assert pasted.fields[name] == value
    shown = repr(pasted.fields) + repr(volume_draft({"action": "paste-command", "command_text": line}))
    assert not [name for name in SECRETS & set(sent) if sent[name] and sent[name] in shown]


@RELAXED
@given(described)
def test_no_secret_is_left_in_masked_options_words_or_the_shown_command(sent: dict[str, Any]) -> None:
    storage = storage_form(sent)
    options = driver_options(storage, obscured=lambda text: text)
    masked = masked_options(options)
    told = repr([*masked.values(), storage_words(driver_of(storage), masked), shown_options(storage), storage])
    told += repr(volume_draft({**sent, "name": "data"}))
    others = repr([value for name, value in sent.items() if name not in SECRETS])
    for name in SECRETS & set(sent):
        assert sent[name] not in told or sent[name] in others
        assert sent[name].replace(",", ",,") not in told or sent[name] in others


@RELAXED
@given(
    st.lists(secrets, min_size=2, max_size=2),
    st.lists(st.from_regex(r"[a-z]{3,9}", fullmatch=True), min_size=3, max_size=3),
)
def test_connection_strings_keep_what_is_quoted(values: list[str], names: list[str]) -> None:
    bucket = Bucket("Minio", names[0], values[0], values[1], "http://127.0.0.1:9000", names[1], names[2])
    told = read_remote(remote_of(bucket))
    assert told is not None
    backend, settings, path = told
    assert (backend, path) == ("s3", f"{names[0]}/{names[2]}/")
    assert (settings["access_key_id"], settings["secret_access_key"]) == (values[0], values[1])
    crypt = Crypt("rclone", bucket, "correct horse battery")
    found = read_bucket("rclone", driver_options(crypt))
    assert found == Bucket("Minio", names[0], values[0], values[1], "http://127.0.0.1:9000", names[1], names[2])


@pytest.mark.parametrize("remote", ["", "s3:b", ":s3", ":", ":s3,", ":s3,a", ":s3,a='b", ":s3,a='b'c:d", ":local:/x"])
def test_connection_strings_of_other_kinds_do_not_break_the_reading(remote: str) -> None:
    read_remote(remote)
    read_options("rclone", {"type": "crypt", "crypt-remote": remote})
    storage_words("rclone", {"type": "crypt", "crypt-remote": remote})


def test_a_folder_is_no_connection_with_settings() -> None:
    assert remote_of(Folder("/srv/x:y")) == ":local:/srv/x:y"


@RELAXED
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_what_is_obscured_is_revealed(text: str) -> None:
    assert reveal(obscure(text)) == text
    assert obscure(text) != obscure(text)


@pytest.mark.parametrize("text", ["correct horse", "wörd, with: signs='\"", "x" * 200])
def test_rclone_itself_takes_it(text: str) -> None:
    revealed = subprocess.run(
        [RCLONE, "reveal", "--", obscure(text)], check=True, capture_output=True, text=True
    ).stdout
    assert revealed.removesuffix("\n") == text
    obscured = subprocess.run(
        [RCLONE, "obscure", "--", text], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert reveal(obscured) == text


SHELL = shutil.which("sh") or "sh"
VARIABLES = {"PASSWORD": "password", "SECRET_ACCESS_KEY": "secret_access_key", "ACCESS_KEY_ID": "access_key_id"}
VARIABLES |= {"PASSPHRASE": "passphrase", "SALT": "salt"}


@RELAXED
@given(described)
def test_a_shell_makes_of_the_shown_command_what_docker_is_told(sent: dict[str, Any]) -> None:
    """But for commas and quotes in secrets, which options want twice."""
    assume(not [name for name in SECRETS & set(sent) if {",", '"'} & set(sent[name])])
    storage = storage_form(sent)
    command = commands.volume_create("data", driver_of(storage), shown_options(storage).items(), [])
    script = 'rclone() { printf %s "$2"; }\ndocker() { printf "%s\\0" "$@"; }\n' + command
    environment = {name: sent.get(field, "") for name, field in VARIABLES.items()}
    said = subprocess.run([SHELL, "-c", script], check=True, capture_output=True, env=environment).stdout
    words = said.decode().split("\0")[:-1]
    told = [word for place, word in enumerate(words) if place and words[place - 1] == "--opt"]
    expected = driver_options(storage, obscured=lambda text: text)
    assert told == [f"{key}={value}" for key, value in expected.items()]


def test_dots_stand_where_a_secret_was() -> None:
    options = {"type": "cifs", "o": "addr=nas,username=ann,password=a,,b=c,vers=3.0", "device": "//nas/x"}
    assert masked_options(options)["o"] == f"addr=nas,username=ann,password={MASK},vers=3.0"
