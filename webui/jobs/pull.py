"""Pulling an image as a job.

There is nothing to undo: an engine knows an image only when it is complete, and throws away by itself what it
had fetched of one that was given up.
"""

from __future__ import annotations

from typing import Any

from webui.engine.connection import Engine
from webui.engine.pull import LayerProgress, PullProgress, pull
from webui.engine.references import parse_reference
from webui.jobs.context import JobContext
from webui.jobs.model import Job
from webui.jobs.runner import Runner

KIND = "pull"


def start_pull(runner: Runner, engine: Engine, reference: str) -> Job:
    """Pull an image in the background; the job that pulls it already, if there is one.

    While it runs, the job's progress is in bytes downloaded and its result is
    `{"image": name, "layers": [{"id", "status", "current", "total"}…]}`; when it is done the result has the
    image's `id` as well. Raises InvalidInputError where `reference` is not the name of an image.
    """
    image = str(parse_reference(reference))
    return runner.submit(KIND, image, engine.name, image, lambda context: _pull(context, engine, image))


def _pull(context: JobContext, engine: Engine, image: str) -> dict[str, Any]:
    newest = PullProgress()
    statuses: dict[str, str] = {}

    def watch(progress: PullProgress) -> None:
        nonlocal newest
        newest = progress
        for layer in progress.layers:
            if layer.finished and statuses.get(layer.id) != layer.status:
                context.log(f"{layer.id}: {layer.status}")
            statuses[layer.id] = layer.status
        context.progress(
            progress.done, progress.total, "bytes", pull_words(progress), details=_details(image, progress)
        )

    context.progress(0, None, "bytes", f"Asking for {image}")
    pulled = pull(engine, image, watch, context.on_cancel)
    context.check()
    if pulled is None:
        raise AssertionError("a pull ends without an image only when it is cancelled")
    context.progress(newest.done, newest.total, "bytes", newest.status)
    return {**_details(image, newest), "id": pulled.id}


def pull_words(progress: PullProgress) -> str:
    """How far a pull is, in words."""
    layers = progress.layers
    if not layers:
        return progress.status
    finished = sum(layer.finished for layer in layers)
    downloading = any(layer.total is None or layer.current < layer.total for layer in layers)
    return f"{'Downloading' if downloading else 'Unpacking'}: {finished} of {len(layers)} layers are there"


def pull_details(progress: PullProgress) -> dict[str, Any]:
    """The layers of a pull, JSON-ready."""
    return {"layers": [_layer(layer) for layer in progress.layers]}


def _details(image: str, progress: PullProgress) -> dict[str, Any]:
    return {"image": image, **pull_details(progress)}


def _layer(layer: LayerProgress) -> dict[str, Any]:
    return {"id": layer.id, "status": layer.status, "current": layer.current, "total": layer.total}
