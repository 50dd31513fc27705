"""What was sent about a new volume: its name, where its data should live, its labels. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from webui import forms
from webui.errors import InvalidInputError
from webui.mounts import volume_name_problem
from webui.storage import FIELDS, NAMES, Other, Storage, Where, storage_form, where_of

T = TypeVar("T")
_COMMON = frozenset({"name", "where", "driver", "engine_id", "action", "untested", "tested", "command_text"})
CLONE_FIELDS = frozenset({"source", "writers", "leave_out"})
"""What goes along with the form where a volume is made from another one."""
_ROWS = frozenset({"", "_key", "_value", "_text", "_row"})


@dataclass(frozen=True, slots=True)
class VolumeForm:
    """What a new volume is to be. `untested` is whether it is to be made even if its storage can't be mounted now."""

    name: str
    where: Where
    storage: Storage
    labels: Mapping[str, str] = field(default_factory=dict)
    untested: bool = False

    @property
    def tried_first(self) -> bool:
        """Whether its storage is mounted once before the volume is made."""
        return self.where.elsewhere and not self.untested


def volume_form(
    sent: Mapping[str, Any],
    *,
    podman: bool = False,
    named: bool = True,
    exact: bool = True,
    also: frozenset[str] = frozenset(),
) -> VolumeForm:
    """The form for a new volume; without `named` the name may be missing, as it may while storage is only tried.

    `exact` is whether fields of another place are unknown ones; a page may send those of the place chosen before. `also`
    are fields that are for others to read.
    Raises InvalidInputError with the fields that are wrong: name, labels, where, those of the place, and any field
    that is not known.
    """
    problems: dict[str, str] = {}
    where = _noted(problems, lambda: where_of(sent)) or Where.OTHER
    problems |= forms.unknown_fields(sent, _known(where, exact=exact) | also)
    form = VolumeForm(
        name=_noted(problems, lambda: forms.text(sent, "name", strip=False)) or "",
        where=where,
        storage=_noted(problems, lambda: storage_form(sent, podman=podman)) or Other(),
        labels=_noted(problems, lambda: forms.entries(sent, "labels")) or {},
        untested=_noted(problems, lambda: forms.flag(sent, "untested")) or False,
    )
    if "name" not in problems and (named or form.name) and (problem := volume_name_problem(form.name)):
        problems["name"] = problem
    if problems:
        raise InvalidInputError(problems)
    return form


def _known(where: Where, *, exact: bool) -> set[str]:
    rows = {f"labels{part}" for part in _ROWS}
    if where is Where.OTHER or not exact:
        rows |= {f"options{part}" for part in _ROWS}
    return {*_COMMON, *rows, *((each.name for each in FIELDS[where]) if exact else NAMES)}


def _noted(problems: dict[str, str], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except InvalidInputError as error:
        problems |= {name: told for name, told in error.fields.items() if name not in problems}
        return None
