"""What a paste has told so far, and how several pasted containers become one launch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from webui.errors import InvalidInputError
from webui.mounts.launch import Launch
from webui.mounts.model import Mount
from webui.mounts.words import shown


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a pasted text says.

    `launch_fields` holds the fields of `Launch` it speaks of, `mounts` excepted; it is empty where only mounts were
    pasted. `not_understood` names everything that found no place, in the words of the paste.
    """

    launch_fields: Mapping[str, Any]
    mounts: tuple[Mount, ...]
    not_understood: tuple[str, ...] = ()

    @property
    def launch(self) -> Launch | None:
        """The whole launch, or None where no image was named."""
        return Launch(**self.launch_fields, mounts=self.mounts) if self.launch_fields.get("image") else None


@dataclass(slots=True)
class Draft:
    """One container while it is being read."""

    fields: dict[str, Any] = field(default_factory=dict)
    mounts: list[Mount] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_mount(self, read: Callable[[], Mount]) -> None:
        """Keeps one more mount. The fields of an error get the mount's place before them (`mounts.0.target`)."""
        try:
            self.mounts.append(read())
        except InvalidInputError as error:
            prefix = f"mounts.{len(self.mounts)}."
            raise InvalidInputError({prefix + name: text for name, text in error.fields.items()}) from None

    def add_variable(self, name: str, value: str) -> None:
        """Sets an environment variable; as with Docker, the last one of a name counts."""
        kept = [pair for pair in self.fields.get("environment", ()) if pair[0] != name]
        self.fields["environment"] = (*kept, (name, value))

    def finished(self) -> Pasted:
        """What has been read."""
        return Pasted(dict(self.fields), tuple(self.mounts), tuple(dict.fromkeys(self.notes)))


def merge(drafts: Sequence[Draft]) -> Pasted:
    """One launch out of several containers: replicas where they differ only by name-1, name-2 …

    Where they differ otherwise the first is taken and the others are named.
    """
    first = drafts[0].finished()
    if len(drafts) == 1:
        return first
    base = _common_name([draft.fields.get("name", "") for draft in drafts])
    if base is not None and all(_same(first, draft) for draft in drafts[1:]):
        fields = {**first.launch_fields, "name": base, "replicas": len(drafts)}
        return replace(first, launch_fields=fields)
    others = [f"another container: {shown(_label(draft))}" for draft in drafts[1:]]
    return replace(first, not_understood=(*first.not_understood, *others))


def _common_name(names: Sequence[str]) -> str | None:
    if not any(names):
        return ""
    base = names[0].removesuffix("-1")
    matches = [f"{base}-{number}" for number in range(1, len(names) + 1)] == list(names)
    return base if base and matches else None


def _same(first: Pasted, draft: Draft) -> bool:
    other = draft.finished()
    return (
        {**first.launch_fields, "name": ""} == {**other.launch_fields, "name": ""}
        and first.mounts == other.mounts
        and first.not_understood == other.not_understood
    )


def _label(draft: Draft) -> str:
    return str(draft.fields.get("name") or draft.fields.get("image") or "without an image")
