"""Demijohn: Docker volumes and the containers that use them, point and click, on localhost."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_compress import Compress
from htmx_flask import Htmx

from webui import error_pages, log, security, templating, views
from webui.engine import plugin_install, trial
from webui.engine.connection import Engines
from webui.house import House
from webui.jobs import Runner, cloning, importing
from webui.preview import FORM_BYTES
from webui.settings import Settings
from webui.store import Store

_ROOT = Path(__file__).resolve().parent.parent
_COMPRESSION = {
    # Static files are streams to Flask, and so are logs and events; these have to arrive as they are written: not their
    # types.
    "COMPRESS_MIMETYPES": ["text/html", "text/css", "text/javascript", "application/json", "image/svg+xml"],
    "COMPRESS_ALGORITHM": ["gzip"],
    "COMPRESS_ALGORITHM_STREAMING": ["br", "gzip"],
    "COMPRESS_LEVEL": 5,
}


def create_app(settings: Settings, engines: Engines) -> Flask:
    """The WSGI app for these settings and engines. `app.extensions["demijohn"]` is its House: close it at the end."""
    app = Flask("webui", template_folder=str(_ROOT / "templates"), static_folder=str(_ROOT / "static"))
    # What guards the forms reads them before a view can say how much it takes: the most that any takes.
    app.config.update(_COMPRESSION, MAX_FORM_MEMORY_SIZE=FORM_BYTES)
    store = Store(settings.data_dir)
    undo = {
        **importing.undo_handlers(settings.helper_image),
        **cloning.undo_handlers(settings.helper_image),
        **trial.undo_handlers(),
        **plugin_install.undo_handlers(),
    }
    app.wsgi_app = log.RequestLog(app.wsgi_app)  # type: ignore[method-assign]
    app.extensions["demijohn"] = house = House(settings, engines, store, Runner(store, engines, undo))
    Htmx(app)
    Compress(app)
    security.init_app(app, settings)
    error_pages.init_app(app)
    templating.init_app(app)
    views.init_app(app)
    house.recover_soon()
    return app
