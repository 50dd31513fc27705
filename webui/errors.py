"""The domain's errors: what a person can be told, and the HTTP status that says it.

Each error speaks in one sentence of what happened and to what; `hint` says what to do next. Docker's own
exceptions never leave `webui.engine`: they are translated to these in `webui.engine.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class DemijohnError(Exception):
    """Anything that went wrong and can be explained. `status` is the HTTP status it is answered with."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "That did not work"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def details(self) -> dict[str, Any]:
        """What stands in the JSON answer beside `error` and `hint`."""
        return {}


class NotFoundError(DemijohnError):
    """The thing asked for does not exist (any more)."""

    status = 404
    title = "Not found"


class ConflictError(DemijohnError):
    """The state of the engine forbids it. `used_by` names who is in the way, as JSON-ready mappings."""

    status = 409
    title = "In the way"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        used_by: tuple[Mapping[str, Any], ...] = (),
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.used_by = used_by
        self.fields = dict(fields or {})

    def details(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.used_by:
            found["used_by"] = [dict(use) for use in self.used_by]
        if self.fields:
            found["fields"] = self.fields
        return found


class InvalidInputError(DemijohnError):
    """What was sent can't be used. `fields` maps a field's name to the sentence to show beside it.

    A field of a repeated row is named by its place: `mounts.0.target`.
    """

    status = 422
    title = "Please check what was entered"

    def __init__(self, fields: Mapping[str, str], message: str = "", *, hint: str = "") -> None:
        super().__init__(message or next(iter(fields.values()), "Please check what was entered."), hint=hint)
        self.fields = dict(fields)

    def details(self) -> dict[str, Any]:
        return {"fields": self.fields}


class PartlyDoneError(DemijohnError):
    """Some of what was asked for is done and some is not; `results` says how each went, JSON-ready."""

    status = 207
    title = "Only a part was done"

    def __init__(self, message: str, results: Sequence[Mapping[str, Any]], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.results = [dict(each) for each in results]

    def details(self) -> dict[str, Any]:
        return {"results": self.results}


class EngineError(DemijohnError):
    """The engine answered, and its answer was a failure that is not the person's."""

    status = 502
    title = "The engine reported a failure"


class EngineUnreachableError(DemijohnError):
    """No answer from the engine: nobody listens, access is denied, or the connection broke."""

    status = 503
    title = "The engine can't be reached"


class BusyError(DemijohnError):
    """The app itself has too much open at once."""

    status = 503
    title = "Too much at once"


class EngineSlowError(DemijohnError):
    """The engine accepted the question and has not answered yet; the question goes on in the background."""

    status = 503
    title = "Still waiting for the engine"


class StorageSilentError(EngineSlowError):
    """The engine waits for storage that does not answer: of the volume `drivers` or the `volumes` of these names."""

    title = "Waiting for storage"

    def __init__(self, drivers: Sequence[str], volumes: Sequence[str] = ()) -> None:
        told = [f"the volume driver {name}" for name in drivers] + [f"the storage of volume {name}" for name in volumes]
        sentence = f"{' and '.join(told)} {'does' if len(told) == 1 else 'do'} not answer"
        super().__init__(
            f"{sentence[:1].upper()}{sentence[1:]}, which keeps the engine from listing its volumes.",
            hint=_ABOUT_DRIVERS if drivers else _ABOUT_SERVERS,
        )
        self.drivers = tuple(drivers)
        self.volumes = tuple(volumes)

    def details(self) -> dict[str, Any]:
        return {"drivers": list(self.drivers), "volumes": list(self.volumes)}


_ABOUT_DRIVERS = "Look at it under Drivers and plugins: start it again, or disable it."
_ABOUT_SERVERS = (
    "Bring its server back, or stop the containers that use it: the engine asks after every mounted volume."
)
