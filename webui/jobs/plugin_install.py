"""Installing a managed plugin as a job: fetched, given its folders, enabled; or nothing of it is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from webui.engine.connection import Engine
from webui.engine.helper_image import find_helper_image
from webui.engine.plugin_install import Installation, enable_plugin, make_folders, mounted_folders, pull_plugin
from webui.engine.pull import PullProgress
from webui.jobs.context import JobContext
from webui.jobs.helper_image import get_helper_image
from webui.jobs.model import Job
from webui.jobs.pull import pull_details, pull_words
from webui.jobs.runner import Runner

KIND = "plugin"


def start_plugin_install(runner: Runner, engine: Engine, image: str, plugin: Installation) -> Job:
    """Install a plugin in the background, with exactly its permissions; `image` is the helper image's name.

    Progress is in bytes downloaded; the result is `{"plugin": alias, "layers": […]}`.
    """
    return runner.submit(
        KIND, plugin.alias, engine.name, plugin.alias, lambda context: _install(context, engine, image, plugin)
    )


def _install(context: JobContext, engine: Engine, image: str, plugin: Installation) -> dict[str, Any]:
    alias = plugin.alias
    newest = PullProgress()

    def watch(progress: PullProgress) -> None:
        nonlocal newest
        newest = progress
        context.progress(
            progress.done, progress.total, "bytes", pull_words(progress), details=_details(alias, progress)
        )

    context.progress(0, None, "bytes", f"Asking for {plugin.reference}")
    step = context.undo("remove-plugin", plugin=alias)
    if not pull_plugin(engine, plugin, watch, context.on_cancel):
        context.check()
    context.check()
    folders = mounted_folders(plugin.permissions)
    if folders:
        context.progress(newest.done, newest.total, "bytes", "Making the folders it needs")
        _make_folders(context, engine, image, folders)
    context.check()
    context.progress(newest.done, newest.total, "bytes", "Enabling it")
    enable_plugin(engine, alias)
    context.done_with(step)
    engine.changed()
    context.progress(newest.done, newest.total, "bytes", "Enabled")
    return _details(alias, newest)


def _make_folders(context: JobContext, engine: Engine, image: str, folders: Sequence[str]) -> None:
    if find_helper_image(engine, image) is None:
        get_helper_image(context, engine, image)
    found = find_helper_image(engine, image)
    if found:
        make_folders(engine, found, folders)
    for folder in folders:
        context.log(f"There is a folder {folder} on the engine’s machine.")


def _details(alias: str, progress: PullProgress) -> dict[str, Any]:
    return {"plugin": alias, **pull_details(progress)}
