"""The form for a new volume while somebody fills it in: what is shown of it, secrets never. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from webui import commands, forms
from webui.engine.secrets import masked_value
from webui.errors import InvalidInputError
from webui.mounts import danger_of
from webui.storage import (
    FIELDS,
    Bind,
    Field,
    Where,
    draft_storage,
    driver_of,
    in_words,
    paste_command,
    provider,
    read_fields,
    shown_options,
    where_of,
)
from webui.volume_form import CLONE_FIELDS


@dataclass(frozen=True, slots=True)
class Row:
    """A key and its value. `id` stays with it when others go; the value of a `secret` one is not shown again."""

    id: str
    key: str = ""
    value: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field and what stands in it; nothing for a secret. `hidden` is what stands there and is not to be repeated."""

    field: Field
    value: str
    hint: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class VolumeDraft:
    """All of the form. `told` are the options as the driver is told them, and `pasted` whether a line was just read.

    `retype` are the labels of fields whose secrets stood in that line; `problem` is what was wrong with it. A clone has
    a `source`, what becomes of the `writers` to it, and whether to `leave_out` what its storage does not know.
    """

    name: str
    where: Where
    driver: str
    fields: tuple[ShownField, ...]
    options: tuple[Row, ...]
    labels: tuple[Row, ...]
    options_text: str
    labels_text: str
    told: tuple[tuple[str, str], ...]
    command: str
    warning: str = ""
    pasted: bool = False
    retype: tuple[str, ...] = ()
    problem: str = ""
    untested: bool = False
    source: str = ""
    writers: str = ""
    leave_out: bool = False

    @property
    def shown_names(self) -> frozenset[str]:
        """The fields at which something can be said."""
        own = {"driver", "options"} if self.where is Where.OTHER else {each.field.name for each in self.fields}
        return frozenset({"name", "where", "labels", *(("writers", "leave_out") if self.source else ())} | own)

    @property
    def attaches(self) -> bool:
        """Whether encrypted data is said to be there already."""
        return any(each.field.name == "attach" and each.value == "yes" for each in self.fields)


def volume_draft(sent: Mapping[str, Any], *, podman: bool = False) -> VolumeDraft:
    """The form with what was sent so far, after the button that was pressed: a row more or less, or a paste."""
    if forms.text(sent, "action") == "paste-command":
        return _after_paste(sent, podman=podman)
    where = _where(sent)
    options, labels = _rows(sent, "options"), _rows(sent, "labels")
    draft = VolumeDraft(
        name=forms.text(sent, "name", strip=False),
        where=where,
        driver=forms.text(sent, "driver") or ("local" if where is Where.OTHER else ""),
        fields=_shown(sent, where),
        options=options,
        labels=labels,
        options_text=_text(sent, "options"),
        labels_text=_text(sent, "labels"),
        told=(),
        command="",
        warning=_warning(sent, where),
        untested=_is_set(sent, "untested"),
        source=forms.text(sent, "source"),
        writers=forms.text(sent, "writers"),
        leave_out=_is_set(sent, "leave_out"),
    )
    draft = _with_command(draft, sent, podman=podman)
    return (
        replace(draft, command=commands.volume_clone(draft.command, draft.source, draft.name))
        if draft.source
        else draft
    )


def touched(sent: Mapping[str, Any], error: InvalidInputError) -> dict[str, str]:
    """Of what is wrong with a form, that of which somebody knows already: fields nobody has filled in are left alone."""
    always = {"where", "driver", "options", "labels"}
    return {
        name: problem
        for name, problem in error.fields.items()
        if name in always or (name not in {"kept", "attach"} and _said(sent, name))
    }


def _after_paste(sent: Mapping[str, Any], *, podman: bool) -> VolumeDraft:
    before = {name: value for name, value in sent.items() if name not in {"action", "command_text"}}
    try:
        pasted = paste_command(forms.text(sent, "command_text"))
    except InvalidInputError as error:
        return replace(volume_draft(before, podman=podman), problem=error.message)
    stays = CLONE_FIELDS | (frozenset() if pasted.fields.get("name") else {"name"})
    kept = {name: value for name, value in before.items() if name in stays}
    draft = volume_draft({**pasted.fields, **kept}, podman=podman)
    rows = [row.key for row in draft.options if row.secret]
    return replace(draft, pasted=True, retype=(*pasted.secrets, *rows))


def _where(sent: Mapping[str, Any]) -> Where:
    try:
        return where_of(sent) if forms.text(sent, "where") else Where.LOCAL
    except InvalidInputError:
        return Where.LOCAL


def _shown(sent: Mapping[str, Any], where: Where) -> tuple[ShownField, ...]:
    values, _ = read_fields(sent, where)
    who = provider(values.get("provider", ""))
    hints = {
        "endpoint": f"{who.hint} It looks like {who.endpoint}."
        if who and who.needs_endpoint
        else (who.hint if who else "")
    }
    return tuple(_shown_field(each, values[each.name], hints.get(each.name) or each.hint) for each in FIELDS[where])


def _shown_field(field: Field, value: str, hint: str) -> ShownField:
    """An address with somebody's password in it is as secret as the password."""
    hidden = field.kind == "secret" or (field.name == "endpoint" and "@" in value)
    return ShownField(field, "" if hidden else value, hint, hidden)


def _with_command(draft: VolumeDraft, sent: Mapping[str, Any], *, podman: bool) -> VolumeDraft:
    labels = [(row.key, row.value) for row in draft.labels if row.key]
    if draft.where is Where.OTHER:
        told = [
            (row.key, masked_value(row.key, value))
            for row, value in zip(draft.options, _values(sent, draft), strict=True)
            if row.key
        ]
        command = commands.volume_create(draft.name, draft.driver, told, labels)
        return replace(draft, command=command, told=tuple(told))
    storage = draft_storage(sent, draft.where)
    options = shown_options(storage, podman=podman) if draft.where is not Where.LOCAL else {}
    told = [(key, in_words(value)) for key, value in options.items()]
    command = commands.volume_create(draft.name, driver_of(storage), options.items(), labels)
    return replace(draft, command=command, told=tuple(told))


def _warning(sent: Mapping[str, Any], where: Where) -> str:
    if where is not Where.BIND:
        return ""
    storage = draft_storage(sent, where)
    danger = danger_of(storage.folder) if isinstance(storage, Bind) and storage.folder else ""
    return f"This gives every container that mounts the volume {danger}." if danger else ""


def _rows(sent: Mapping[str, Any], name: str) -> tuple[Row, ...]:
    """Rows as they were sent, after a button: `add-labels`, `remove-labels:ID` or `paste-labels`."""
    verb, _, place = forms.text(sent, "action").partition(":")
    rows = [row for row, _ in _sent_rows(sent, name) if verb != f"remove-{name}" or row.id != place]
    if verb == f"paste-{name}":
        rows = [row for row in rows if row.key or row.value or row.secret] + _pasted_rows(sent, name)
    return tuple([*rows, _new_row()] if verb == f"add-{name}" or not rows else rows)


def _sent_rows(sent: Mapping[str, Any], name: str) -> list[tuple[Row, str]]:
    """Each row as it is shown, and the value that was really sent."""
    keys, values = forms.many(sent, f"{name}_key"), forms.many(sent, f"{name}_value")
    ids = forms.many(sent, f"{name}_row")
    found = []
    for place, (key, value) in enumerate(zip(keys, values, strict=False)):
        row = ids[place] if place < len(ids) and ids[place].isalnum() else str(place)
        found.append((_row(row, key, value, name), value))
    return found


def _row(row: str, key: str, value: str, name: str) -> Row:
    secret = name == "options" and (masked_value(key, "x") != "x" or masked_value(key, value) != value)
    return Row(row, key, "" if secret else value, secret)


def _pasted_rows(sent: Mapping[str, Any], name: str) -> list[Row]:
    try:
        pairs = forms.pasted_entries(forms.text(sent, f"{name}_text"), name)
    except InvalidInputError:
        return []
    return [_row(secrets.token_hex(4), key, value, name) for key, value in pairs]


def _new_row() -> Row:
    return Row(secrets.token_hex(4))


def _text(sent: Mapping[str, Any], name: str) -> str:
    """Pasted text, until it has become rows; text that can't be read stays, and the form says why."""
    said = forms.text(sent, f"{name}_text", strip=False)
    if forms.text(sent, "action") != f"paste-{name}":
        return said
    try:
        forms.pasted_entries(said, name)
    except InvalidInputError:
        return said
    return ""


def _values(sent: Mapping[str, Any], draft: VolumeDraft) -> list[str]:
    known = {row.id: value for row, value in _sent_rows(sent, "options")}
    return [known.get(row.id, row.value) for row in draft.options]


def _is_set(sent: Mapping[str, Any], name: str) -> bool:
    try:
        return forms.flag(sent, name)
    except InvalidInputError:
        return False


def _said(sent: Mapping[str, Any], name: str) -> bool:
    value = sent.get(name)
    return bool(value[-1] if isinstance(value, tuple) and value else value)
