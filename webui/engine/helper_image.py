"""Which image the helper containers are made from."""

from __future__ import annotations

from typing import Any

from webui.engine.connection import Engine
from webui.engine.errors import translated
from webui.engine.tools_image import NAME
from webui.errors import ConflictError, NotFoundError


def find_helper_image(engine: Engine, wanted: str) -> str | None:
    """The id of the wanted image, else of the one made from this machine's tools; None where neither is there.

    Raises EngineError, EngineUnreachableError.
    """
    api: Any = engine.api
    for name in (wanted, NAME):
        try:
            with translated(f"image {name}"):
                return str(api.inspect_image(name)["Id"])
        except NotFoundError:
            continue
    return None


def helper_image(engine: Engine, wanted: str) -> str:
    """The same. Raises ConflictError where neither is there."""
    found = find_helper_image(engine, wanted)
    if found is None:
        raise ConflictError(
            f"The image of the helper containers, {wanted}, is not on the engine.",
            hint="Open the volume’s files once more: it is fetched then.",
        )
    return found
