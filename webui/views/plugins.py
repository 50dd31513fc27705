"""Volume drivers and plugins over HTTP: which there are, whether they answer, install, enable, disable, remove."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, url_for
from htmx_flask import request

from webui import commands, forms
from webui.engine import drivers as engine_drivers
from webui.engine.catalogue import Catalogue
from webui.engine.drivers import Driver, Health
from webui.engine.model import Volume
from webui.engine.plugin_install import Installation, Permission, permissions_of
from webui.engine.references import reference_problem
from webui.errors import ConflictError, DemijohnError, InvalidInputError
from webui.jobs.plugin_install import start_plugin_install
from webui.plugin_words import permission_words
from webui.render import answer, done, go, wants_json
from webui.views._shared import catalogue, house, received, same_engine, sent_along, wait

blueprint = Blueprint("plugins", __name__, url_prefix="/e/<engine>/plugins")
RCLONE = "rclone/docker-volume-rclone"
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm-v7"}


@blueprint.get("")
def index(engine: str) -> Response:
    """The volume drivers and plugins of the engine; whether each answers comes later on a page."""
    found = catalogue(engine)
    drivers, trouble = _listed(found)
    volumes = found.volumes(wait(), fresh=False).items
    return answer(
        "plugins/list.html",
        "listing",
        {"drivers": _told(found, drivers, volumes)} if wants_json() else {},
        status=trouble.status if trouble else 200,
        drivers=[(driver, _of(driver, volumes)) for driver in drivers],
        has_rclone=any("rclone" in f"{driver.name} {driver.reference}" for driver in drivers),
        trouble=trouble,
        command=commands.plugin_list(),
    )


@blueprint.get("/-/health")
def health(engine: str) -> Response:
    """Whether one driver answers."""
    found = catalogue(engine)
    name = request.args.get("name", "")
    driver = next((each for each in found.drivers.list() if each.name == name), None)
    if driver is None:
        raise InvalidInputError({"name": "There is no such driver."})
    told = found.drivers.health(driver, wait())
    return answer("plugins/health.html", "health", _health_json(told), driver=driver, health=told)


@blueprint.get("/-/install")
def ask_install(engine: str) -> Response:
    """The form that asks which plugin to install."""
    found = catalogue(engine)
    reference = request.args.get("reference", "") or f"{RCLONE}:{_architecture(found)}"
    return _install_form({"reference": reference, "alias": request.args.get("alias", "rclone")}, {})


@blueprint.post("/-/permissions")
def permissions(engine: str) -> Response:
    """What a plugin asks for, to be agreed to."""
    found, sent = catalogue(engine), received()
    forms.check_fields(sent, {"reference", "alias", "permissions"})
    typed = _typed(sent)
    if problems := _problems(found, typed):
        return _refused(typed, problems)
    try:
        asked = permissions_of(found.engine, typed["reference"])
    except DemijohnError as error:
        return _refused(typed, {"reference": f"{error.message} {error.hint}".strip()}, error)
    return _install_form(typed, {}, asked)


@blueprint.post("/install")
def install(engine: str) -> Response:
    """Install a plugin with the permissions that were agreed to, as a job."""
    found, sent = catalogue(engine), received()
    forms.check_fields(sent, {"reference", "alias", "permissions"})
    typed = _typed(sent)
    if problems := _problems(found, typed):
        return _refused(typed, problems)
    plugin = Installation(typed["reference"], typed["alias"], _agreed(sent.get("permissions")))
    job = start_plugin_install(house().runner, found.engine, house().settings.helper_image, plugin)
    return go(url_for("jobs.show", job_id=job.id), {"job": job.to_json()}, status=202)


@blueprint.get("/-/<any(disable, remove):action>")
def confirm(engine: str, action: str) -> Response:
    """What disabling or removing a plugin takes away."""
    found = catalogue(engine)
    plugin = found.drivers.get(request.args.get("name", ""))
    volumes = _of(plugin, found.volumes(wait(), fresh=False).items)
    return answer(
        "plugins/confirm.html",
        "dialog",
        {"plugin": plugin.name, "volumes": [volume.name for volume in volumes]},
        plugin=plugin,
        action=action,
        volumes=volumes,
        engine_id=found.engine.facts().identity,
        command=_command(action, plugin),
    )


@blueprint.post("/-/<any(enable, disable, remove):action>")
def change(engine: str, action: str) -> Response:
    """Enable, disable or remove a plugin."""
    found, sent = catalogue(engine), received()
    forms.check_fields(sent, {"name"})
    return _changed(found, sent, action, forms.text(sent, "name"))


@blueprint.delete("/<path:name>")
def delete(engine: str, name: str) -> Response:
    """Remove a plugin by its name."""
    return _changed(catalogue(engine), sent_along(set()), "remove", name)


def _changed(found: Catalogue, sent: Mapping[str, Any], action: str, name: str) -> Response:
    same_engine(found, sent)
    plugin = found.drivers.get(name)
    {"enable": engine_drivers.enable, "disable": engine_drivers.disable, "remove": engine_drivers.remove}[action](
        found.engine, plugin
    )
    json = None if action == "remove" else {"name": plugin.name, "enabled": action == "enable"}
    return done(url_for(".index"), json, event="plugin", message=f"Plugin {plugin.name}: {action}d.")


def _listed(found: Catalogue) -> tuple[tuple[Driver, ...], DemijohnError | None]:
    try:
        return found.drivers.list(wait()), None
    except DemijohnError as error:
        if wants_json():
            raise
        return (), error


def _of(driver: Driver, volumes: tuple[Volume, ...]) -> list[Volume]:
    return [volume for volume in volumes if volume.driver in {driver.name, driver.short_name}]


def _told(found: Catalogue, drivers: tuple[Driver, ...], volumes: tuple[Volume, ...]) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(max(1, len(drivers))) as together:
        healths = list(together.map(found.drivers.health, drivers))
    return [
        {
            **asdict(driver),
            "scope": next((volume.scope for volume in _of(driver, volumes)), ""),
            "volumes": len(_of(driver, volumes)),
            "health": _health_json(told),
        }
        for driver, told in zip(drivers, healths, strict=True)
    ]


def _health_json(told: Health) -> dict[str, Any]:
    took = None if told.took is None else round(told.took * 1000, 1)
    return {"state": told.state, "took_ms": took, "error": told.error}


def _typed(sent: Mapping[str, Any]) -> dict[str, str]:
    return {"reference": forms.text(sent, "reference"), "alias": forms.text(sent, "alias")}


def _problems(found: Catalogue, typed: Mapping[str, str]) -> dict[str, str]:
    problems = {}
    if problem := reference_problem(typed["reference"]):
        problems["reference"] = problem
    if problem := reference_problem(typed["alias"]):
        problems["alias"] = problem
    elif any(typed["alias"] in {each.name, each.short_name} for each in found.drivers.list(wait()) if each.id):
        problems["alias"] = f"There is a plugin {typed['alias']} already. Enable it, or take another name."
    return problems


def _agreed(sent: Any) -> tuple[Permission, ...]:
    """The permissions that were shown: a page sends them back as it got them. Raises InvalidInputError."""
    try:
        told = json.loads(sent[-1] if isinstance(sent, tuple) else sent) if isinstance(sent, str | tuple) else sent
        return tuple(
            Permission(str(each["Name"]), str(each["Description"]), tuple(map(str, each["Value"]))) for each in told
        )
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise InvalidInputError(
            {"permissions": "Say which permissions were agreed to, as POST …/-/permissions tells them."}
        ) from error


def _refused(typed: Mapping[str, str], problems: Mapping[str, str], error: DemijohnError | None = None) -> Response:
    if wants_json():
        raise error or InvalidInputError(problems)
    return _install_form(typed, problems, status=error.status if error else 422)


def _install_form(
    typed: Mapping[str, str],
    problems: Mapping[str, str],
    asked: tuple[Permission, ...] | None = None,
    *,
    status: int = 200,
) -> Response:
    told = None if asked is None else [each.to_json() for each in asked]
    return answer(
        "plugins/install.html",
        "dialog",
        {"reference": typed["reference"], "permissions": told},
        status=status,
        typed=typed,
        problems=problems,
        asked=None if asked is None else [permission_words(each.name, each.values) for each in asked],
        agreed=json.dumps(told),
        command=commands.plugin_install(typed["reference"], typed["alias"]),
    )


def _command(action: str, plugin: Driver) -> str:
    return commands.plugin_remove(plugin.name) if action == "remove" else commands.plugin_switch(action, plugin.name)


def _architecture(found: Catalogue) -> str:
    """The tag for the engine's processor."""
    try:
        facts = found.engine.facts()
    except DemijohnError:
        return "amd64"
    if facts.product == "Podman":
        raise ConflictError(
            "Podman has no managed plugins.",
            hint="Run the driver as a program beside it, and name its socket in containers.conf.",
        )
    return _ARCHITECTURES.get(facts.architecture, "amd64")
