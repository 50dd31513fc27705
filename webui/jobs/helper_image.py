"""Getting the image of the helper containers as a job: pulled, or where that fails made from this machine's tools.

There is nothing to undo; see `webui.jobs.pull` and `webui.jobs.tools_image`.
"""

from __future__ import annotations

import threading
from typing import Any

from webui.engine.connection import Engine
from webui.engine.helper_image import find_helper_image
from webui.engine.pull import PullProgress, pull
from webui.engine.references import parse_reference
from webui.engine.tools_image import NAME, make_tools_image
from webui.errors import ConflictError, DemijohnError
from webui.jobs.context import JobContext
from webui.jobs.model import Job
from webui.jobs.runner import Runner

KIND = "helper-image"
SILENT_SECONDS = 20.0
"""How long a registry may say nothing before the image is made here instead."""


def start_helper_image(runner: Runner, engine: Engine, image: str) -> Job:
    """Get the image in the background; the job that does so already, if there is one.

    The result is `{"image": name}`: the one that was asked for, or the one made here.
    """
    name = str(parse_reference(image))
    return runner.submit(KIND, name, engine.name, name, lambda context: get_helper_image(context, engine, name))


def get_helper_image(context: JobContext, engine: Engine, name: str) -> dict[str, Any]:
    """The same as a part of another job."""
    try:
        _pull(context, engine, name)
    except DemijohnError as error:
        context.check()
        context.log(f"{error.message} So a small image is made from this machine’s own tools.")
        make_tools_image(engine, on_progress=lambda done, total: _sent(context, done, total))
        return {"image": NAME}
    return {"image": name}


def ready_helper_image(context: JobContext, engine: Engine, name: str) -> str:
    """The id of the image, got first where it is not there. Raises ConflictError where it can't be had."""
    found = find_helper_image(engine, name)
    if found is None:
        get_helper_image(context, engine, name)
        found = find_helper_image(engine, name)
    if found is None:
        raise ConflictError("The image through which Demijohn looks inside volumes could not be had.")
    return found


def _pull(context: JobContext, engine: Engine, name: str) -> None:
    """Raises DemijohnError where nothing came, and as `pull` does."""
    heard = threading.Event()

    def watch(progress: PullProgress) -> None:
        if progress.layers:
            heard.set()
        context.progress(progress.done, progress.total, "bytes", f"Downloading {name}")

    def start(cancel: Any) -> None:
        context.on_cancel(cancel)
        patience = threading.Timer(SILENT_SECONDS, lambda: None if heard.is_set() else cancel())
        patience.daemon = True
        patience.start()

    context.progress(0, None, "bytes", f"Asking for {name}")
    if pull(engine, name, watch, start) is None:
        context.check()
        raise DemijohnError(f"The registry of {name} did not answer.")


def _sent(context: JobContext, done: int, total: int) -> None:
    context.check()
    context.progress(done, total, "bytes", "Sending this machine’s tools to the engine")
