"""Help: every term, and the keys."""

from __future__ import annotations

from flask import Blueprint, Response

from webui import glossary
from webui.render import answer

blueprint = Blueprint("help", __name__)


@blueprint.get("/help")
def index() -> Response:
    """Every term with its sentence and Docker's page about it, and the keys."""
    entries = {term: {"sentence": entry.sentence, "link": entry.link} for term, entry in glossary.ENTRIES.items()}
    return answer("help/index.html", "page", {"terms": entries}, terms=glossary.ENTRIES)
