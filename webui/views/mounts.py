"""Mounts explained over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from webui import forms
from webui.engine.catalogue import PAGE_WAIT
from webui.engine.mount_facts import Knowledge
from webui.engine.patience import Patience
from webui.errors import InvalidInputError
from webui.mounts import Advice, Launch, Mount, MountContext, check, commands, explain, mount_from_json, parse
from webui.render import answer, wants_json
from webui.views._shared import catalogue, received
from webui.views.launching import mount_context

blueprint = Blueprint("mounts", __name__, url_prefix="/e/<engine>/mounts")


@blueprint.get("")
def index(engine: str) -> Response:
    """The page that explains a mount."""
    catalogue(engine)
    return _answer("", None, ())


@blueprint.post("/explain")
def explain_mount(engine: str) -> Response:
    """What a mount means, what is to be known about it, and every way to write it."""
    found = catalogue(engine)
    sent = received()
    context = mount_context(engine)
    image = forms.text(sent, "image")
    try:
        mount = _mount(sent, context)
    except InvalidInputError as error:
        if wants_json():
            raise
        return _answer(forms.text(sent, "spec", strip=False), None, (), error)
    knowledge = Knowledge(found, Launch(image=image, mounts=(mount,)), context, Patience(PAGE_WAIT))
    advice = explain(mount, knowledge.of(mount, new=False))
    return _answer(forms.text(sent, "spec", strip=False), mount, advice)


def _mount(sent: Mapping[str, Any], context: MountContext) -> Mount:
    forms.check_fields(sent, {"spec", "mount", "image"})
    if "mount" in sent:
        mount = mount_from_json(sent["mount"], "", context)
    else:
        spec = forms.text(sent, "spec", strip=False)
        if not spec.strip():
            raise InvalidInputError({"spec": "Write a mount, like data:/data or type=bind,src=/srv,dst=/data."})
        mount = parse(spec, context)
    if problems := check(mount):
        raise InvalidInputError(problems)
    return mount


def _answer(
    spec: str, mount: Mount | None, advice: tuple[Advice, ...], error: InvalidInputError | None = None
) -> Response:
    written = commands(mount) if mount else {}
    return answer(
        "mounts/explain.html",
        "explained",
        {
            "mount": mount.to_json() if mount else None,
            "warnings": [_advice_json(each) for each in advice],
            "commands": written,
        },
        status=error.status if error else 200,
        spec=spec,
        mount=mount,
        advice=advice,
        problems=error.fields if error else {},
        commands=written,
        commands_of=commands,
    )


def _advice_json(advice: Advice) -> dict[str, Any]:
    return {
        "code": advice.code,
        "severity": advice.severity,
        "message": advice.message,
        "field": advice.field,
        "link": advice.link,
        "fixes": [{"label": fix.label, "mount": fix.mount.to_json()} for fix in advice.fixes],
        "needs_confirmation": advice.needs_confirmation,
    }
