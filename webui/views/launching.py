"""Launching containers with mounts over HTTP: the form, what it would do, and doing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from flask import Blueprint, Response, url_for
from htmx_flask import request

from webui.engine.catalogue import PAGE_WAIT, Catalogue, Listing
from webui.engine.launch import launch as launch_containers
from webui.engine.model import Volume
from webui.engine.mount_facts import Knowledge
from webui.engine.patience import Patience
from webui.errors import DemijohnError, InvalidInputError
from webui.launch_form import LaunchForm, MountRow, page_form, script_form, unconfirmed
from webui.mounts import (
    VOLUME_OR_BIND,
    Advice,
    Launch,
    MountContext,
    explain,
    explain_declared,
    launch_warnings,
    previews,
)
from webui.render import answer, go, wants_json
from webui.views._shared import catalogue, house, received, wait
from webui.views.shapes import container_json

FORMS = (("volume", "docker run -v"), ("mount", "docker run --mount"), ("compose", "Compose"), ("python", "Python"))


class Advised(NamedTuple):
    """A launch with what is to be known about it: advice for each of its mounts, and about what the image declares."""

    launch: Launch | None
    problems: dict[str, str]
    advice: tuple[tuple[Advice, ...], ...]
    declared: tuple[Advice, ...]
    image_missing: bool = False


def add_to(blueprint: Blueprint) -> None:
    """Register the routes: they belong to containers."""
    blueprint.post("")(create)
    blueprint.get("/-/new")(new)
    blueprint.post("/-/new")(preview)


def create(engine: str) -> Response:
    """Launch."""
    found, context = catalogue(engine), mount_context(engine)
    sent = received()
    if request.is_json:
        return _launched(found, script_form(sent, context), context)
    form = page_form(sent)
    try:
        return _launched(found, form, context)
    except DemijohnError as error:
        if wants_json():
            raise
        return _page(found, form, context, error=error)


def new(engine: str) -> Response:
    """The form, empty or for the volume or image named in the URL."""
    found = catalogue(engine)
    volume, image = request.args.get("volume", ""), request.args.get("image", "")
    rows = (MountRow(source=volume, target="/data" if volume else ""),)
    return _page(found, LaunchForm(image=image, mounts=rows), mount_context(engine), untouched=True)


def preview(engine: str) -> Response:
    """The form again after a change, with what it would do; nothing is made."""
    found, context = catalogue(engine), mount_context(engine)
    form, action = page_form(received()), request.form.get("action", "")
    try:
        form, not_understood = _acted(found, form, action, context)
    except InvalidInputError as error:
        return _page(found, form, context, error=error)
    return _page(found, form, context, not_understood=not_understood, untouched=True)


def mount_context(engine: str) -> MountContext:
    """What relative sources of mounts are read from."""
    settings, facts = house().settings, house().engines.get(engine).known_facts
    return MountContext(str(settings.start_folder), str(settings.home_folder), facts.local if facts else True)


def advised(
    found: Catalogue,
    form: LaunchForm,
    context: MountContext,
    patience: Patience,
    volumes: Listing[Volume] | None = None,
) -> Advised:
    """The launch a form means, with all the advice there is; one list for each row of the form.

    Without `volumes`, those that can be had within `patience` count: enough to advise, not enough to act on.
    """
    launch, problems = form.read(context)
    if "mounts" in problems:
        return Advised(None, problems, ((),) * len(form.mounts), ())
    knowledge = Knowledge(found, launch, context, patience, volumes)
    advice: list[tuple[Advice, ...]] = []
    for place, row in enumerate(form.mounts):
        try:
            mount = row.mount(place, context)
        except InvalidInputError:
            advice.append(())
        else:
            advice.append(() if row.untouched else explain(mount, knowledge.of(mount, new=row.new)))
    declared = explain_declared(launch.mounts, knowledge.image_volumes)
    return Advised(launch, problems, tuple(advice), declared, knowledge.image_missing)


def _launched(found: Catalogue, form: LaunchForm, context: MountContext) -> Response:
    form = form.without_empty_rows()
    volumes = found.volumes(wait())
    if volumes.trouble:
        raise volumes.trouble
    said = advised(found, form, context, Patience(PAGE_WAIT), volumes)
    problems = said.problems | unconfirmed(form, _confirmations(said))
    if problems or said.launch is None:
        raise InvalidInputError(problems)
    made = launch_containers(found.engine, said.launch)
    warnings = [
        *made.warnings,
        *launch_warnings(said.launch),
        *(advice.message for each in said.advice for advice in each if advice.severity != "info"),
    ]
    return go(
        url_for(".index", inspect=made.containers[0].id),
        {"containers": [container_json(each) for each in made.containers], "warnings": warnings},
    )


def _confirmations(said: Advised) -> list[tuple[int, str]]:
    return [
        (place, advice.needs_confirmation)
        for place, each in enumerate(said.advice)
        for advice in each
        if advice.needs_confirmation
    ]


def _acted(
    found: Catalogue, form: LaunchForm, action: str, context: MountContext
) -> tuple[LaunchForm, tuple[str, ...]]:
    """The form after a button, and what of pasted text was not understood."""
    verb, _, rest = action.partition(":")
    if verb not in {"fix", "add-declared"}:
        return form.acted(action, context)
    said = advised(found, form, context, Patience(PAGE_WAIT))
    return _with_fix(form, said.advice, rest) if verb == "fix" else _with_declared(form, said.declared, rest), ()


def _with_fix(form: LaunchForm, advice: Sequence[Sequence[Advice]], asked: str) -> LaunchForm:
    """The form with one row mended. `asked` is row, advice and number of the fix: `0:relative-source:1`."""
    row, _, which = asked.partition(":")
    code, _, number = which.partition(":")
    for place, about_row in enumerate(advice):
        fixes = [fix for each in about_row if each.code == code for fix in each.fixes]
        for index, fix in enumerate(fixes):
            if (str(place), str(index)) == (row, number):
                return form.with_mount(place, fix.mount, new=True)
    return form


def _with_declared(form: LaunchForm, declared: Sequence[Advice], target: str) -> LaunchForm:
    """The form with a row for the volume that the image declares at `target`."""
    fixes = [fix for advice in declared for fix in advice.fixes]
    return form.with_mounts(fix.mount for fix in fixes if fix.mount.target == target)


def _page(
    found: Catalogue,
    form: LaunchForm,
    context: MountContext,
    *,
    error: DemijohnError | None = None,
    not_understood: tuple[str, ...] = (),
    untouched: bool = False,
) -> Response:
    patience = Patience(0 if error and error.status == 503 else PAGE_WAIT)
    said = advised(found, form, context, patience)
    choices = _choices(found, patience)
    return answer(
        "containers/new.html",
        "wizard",
        _json(said),
        status=error.status if error else 200,
        form=form,
        context=context,
        said=said,
        remarks=_remarks(said),
        problems=_problems(form, said, error, untouched=untouched),
        error=error,
        not_understood=not_understood,
        missing_image=form.image.strip() if said.image_missing else "",
        previews=_previews(form, context, choices["volumes"]),
        forms=FORMS,
        comparison=VOLUME_OR_BIND,
        facts=found.engine.known_facts,
        **choices,
    )


def _choices(found: Catalogue, patience: Patience) -> dict[str, Any]:
    """What the fields offer, as far as it is known in time."""
    return {
        "volumes": found.volumes(patience.left(), fresh=False).items,
        "images": found.images.listing(patience.left(), fresh=False).items,
        "networks": found.networks.listing(patience.left(), fresh=False).items,
    }


def _previews(form: LaunchForm, context: MountContext, volumes: Iterable[Volume]) -> Mapping[Any, str]:
    launch, _ = form.without_empty_rows().read(context)
    return previews(launch, frozenset(volume.name for volume in volumes))


def _remarks(said: Advised) -> tuple[str, ...]:
    return launch_warnings(said.launch) if said.launch else ()


def _problems(form: LaunchForm, said: Advised, error: DemijohnError | None, *, untouched: bool) -> Mapping[str, str]:
    """A sentence for each field; what the engine or the app refused goes before what is wrong by itself."""
    found = _shown_problems(form, said.problems) if untouched else said.problems
    return {**found, **(error.details().get("fields", {}) if error else {})}


def _shown_problems(form: LaunchForm, problems: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with what was typed; nothing is said yet about fields still empty."""
    return {name: sentence for name, sentence in problems.items() if not _is_empty(form, name)}


def _is_empty(form: LaunchForm, name: str) -> bool:
    noun, _, rest = name.partition(".")
    if noun == "mounts" and rest:
        place, _, field = rest.partition(".")
        row = form.mounts[int(place)] if place.isdigit() and int(place) < len(form.mounts) else None
        return row is not None and (row.untouched or not getattr(row, field, "x"))
    return noun == "image" and not form.image


def _json(said: Advised) -> dict[str, Any]:
    return {
        "launch": said.launch.to_json() if said.launch else None,
        "fields": said.problems,
        "warnings": [
            *_remarks(said),
            *(advice.message for each in said.advice for advice in each),
        ],
    }
