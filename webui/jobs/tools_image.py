"""Making the small image from this machine's tools as a job.

There is nothing to undo: an import that breaks off leaves no image.
"""

from __future__ import annotations

from typing import Any

from webui.engine.connection import Engine
from webui.engine.references import parse_reference
from webui.engine.tools_image import NAME, make_tools_image
from webui.jobs.context import JobContext
from webui.jobs.model import Job
from webui.jobs.runner import Runner

KIND = "tools-image"


def start_tools_image(runner: Runner, engine: Engine, name: str = NAME) -> Job:
    """Make the image in the background; the job that does so already, if there is one.

    Progress is in bytes sent; the result is `{"image": name, "id": id}`. Raises InvalidInputError where `name`
    is not the name of an image.
    """
    image = str(parse_reference(name))
    return runner.submit(KIND, image, engine.name, image, lambda context: _make(context, engine, image))


def _make(context: JobContext, engine: Engine, name: str) -> dict[str, Any]:
    def watch(done: int, total: int) -> None:
        context.check()
        context.progress(done, total, "bytes", "Sending this machine's tools to the engine")

    image = make_tools_image(engine, name, watch)
    return {"image": name, "id": image.id}
