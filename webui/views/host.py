"""Folders of this machine, to choose one for a bind mount on a local engine."""

from __future__ import annotations

from flask import Blueprint, Response
from htmx_flask import request

from webui import host_folders
from webui.errors import ConflictError
from webui.render import answer
from webui.views._shared import catalogue, house

blueprint = Blueprint("host", __name__, url_prefix="/e/<engine>/host")


@blueprint.get("/folders")
def folders(engine: str) -> Response:
    """The folders in a folder of this machine."""
    if not catalogue(engine).engine.facts().local:
        raise ConflictError(
            "This engine runs on another machine; its folders can't be listed from here.",
            hint="Type the path as it is on the engine's machine.",
        )
    settings = house().settings
    listed = host_folders.listed(
        request.args.get("path") or str(settings.start_folder), hidden=request.args.get("hidden") == "yes"
    )
    return answer(
        "host/folders.html",
        "dialog",
        {"path": listed.path, "parent": listed.parent, "folders": list(listed.folders), "cut": listed.cut},
        listed=listed,
        places=(
            ("Where Demijohn was started", str(settings.start_folder)),
            ("Home", str(settings.home_folder)),
            ("Everything", "/"),
        ),
        row=request.args.get("row", ""),
    )
