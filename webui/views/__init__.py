"""One blueprint per noun."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, redirect, url_for
from werkzeug.wrappers import Response

from webui.views import places
from webui.views.cloning import blueprint as cloning
from webui.views.containers import blueprint as containers
from webui.views.editing import blueprint as editing
from webui.views.engines import blueprint as engines
from webui.views.engines import default_name, shown_name, takes_engine
from webui.views.events import blueprint as events
from webui.views.file_changes import blueprint as file_changes
from webui.views.file_dialogs import blueprint as file_dialogs
from webui.views.files import blueprint as files
from webui.views.help_pages import blueprint as help_pages
from webui.views.host import blueprint as host
from webui.views.images import blueprint as images
from webui.views.jobs import blueprint as jobs
from webui.views.mounts import blueprint as mounts
from webui.views.new_volumes import blueprint as new_volumes
from webui.views.palette import blueprint as palette
from webui.views.plugins import blueprint as plugins
from webui.views.transfers import blueprint as transfers
from webui.views.usage import blueprint as usage
from webui.views.volumes import blueprint as volumes

_BLUEPRINTS = (
    *(
        volumes,
        new_volumes,
        cloning,
        files,
        file_changes,
        file_dialogs,
        transfers,
        editing,
        usage,
        containers,
        images,
        plugins,
        mounts,
        jobs,
        engines,
        events,
        palette,
        host,
        help_pages,
    ),
)


def init_app(app: Flask) -> None:
    """Register every blueprint; links to an engine's rooms stay on the engine that is shown."""
    places.init_app(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.add_url_rule("/", "home", _home)
    app.url_value_preprocessor(_remember_engine)
    app.url_defaults(_same_engine)


def _home() -> Response:
    """The default engine's volumes."""
    return redirect(url_for("volumes.index", engine=default_name()))


def _remember_engine(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values and "engine" in values:
        g.engine_name = values["engine"]


def _same_engine(endpoint: str, values: dict[str, Any]) -> None:
    if "engine" not in values and takes_engine(endpoint):
        values["engine"] = shown_name()
