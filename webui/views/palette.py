"""The command palette's search."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, url_for
from htmx_flask import request

from webui import listing
from webui.views._shared import catalogue

blueprint = Blueprint("palette", __name__)

_MOST = 8


@blueprint.get("/e/<engine>/search")
def search(engine: str) -> Response:
    """Volumes and containers that match, as JSON; what an engine in trouble told last, if need be."""
    found, asked = catalogue(engine), request.args.get("q", "")
    volumes = listing.select_volumes(found.volumes(1.0, fresh=False).items, listing.VolumeQuery(q=asked))
    containers = listing.select_containers(
        found.containers.listing(1.0, fresh=False).items, listing.ContainerQuery(q=asked)
    )
    matches = [
        {
            "label": volume.name,
            "icon": "database",
            "hint": "volume",
            "url": url_for("volumes.index", inspect=volume.name),
        }
        for volume in volumes.items[:_MOST]
    ] + [
        {"label": each.name, "icon": "box", "hint": each.state, "url": url_for("containers.show", reference=each.id)}
        for each in containers.items[:_MOST]
    ]
    return jsonify({"matches": matches if asked else []})
