"""Installing managed plugins: what one asks for, its files, the folders it needs, and enabling it.

Follows https://docs.docker.com/reference/cli/docker/plugin/install/ and
https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Plugin.
"""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker.errors
import docker.types
import requests
from docker.types import LogConfig

from webui.engine.connection import Engine
from webui.engine.errors import TRANSLATED, engine_words, translate, translated
from webui.engine.model import ROLE_LABEL
from webui.engine.pull import EngineStream, PullProgress, credentials_for, pull_error
from webui.engine.references import parse_reference
from webui.errors import ConflictError, DemijohnError, EngineError, NotFoundError

ENABLE_SECONDS = 60
_HELPER_NAME = "demijohn-helper-"
_NO_PLUGINS = "This engine has no managed plugins"


@dataclass(frozen=True, slots=True)
class Permission:
    """Something a plugin asks for: the engine's name for it, its description and values."""

    name: str
    description: str
    values: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As the engine has it."""
        return {"Name": self.name, "Description": self.description, "Value": list(self.values)}


@dataclass(frozen=True, slots=True)
class Installation:
    """A plugin that is to be installed: from where, under which name, and what it may do."""

    reference: str
    alias: str
    permissions: tuple[Permission, ...]


def permissions_of(engine: Engine, reference: str) -> tuple[Permission, ...]:
    """What the plugin asks for, as its registry says now.

    Raises InvalidInputError where `reference` is no name, NotFoundError, EngineError for a registry out of reach.
    """
    wanted = parse_reference(reference)
    api: Any = engine.api
    try:
        response = api._get(
            api._url("/plugins/privileges"), params={"remote": str(wanted)}, headers=credentials_for(api, wanted.name)
        )
        api._raise_for_status(response)
        told = response.json()
        if not told:  # engines say so as well of a plugin that is not there, or in no registry they reach
            api.inspect_distribution(str(wanted))
    except docker.errors.APIError as error:
        if error.status_code == 404 and "page not found" in engine_words(error).lower():
            raise ConflictError(f"{_NO_PLUGINS}; run the driver as a program beside it.") from error
        raise pull_error(wanted, engine_words(error)) from error
    except TRANSLATED as error:
        raise translate(error, subject=f"plugin {wanted}") from error
    return tuple(
        Permission(str(each["Name"]), str(each.get("Description") or ""), tuple(map(str, each.get("Value") or ())))
        for each in told or ()
    )


def pull_plugin(
    engine: Engine,
    plugin: Installation,
    on_progress: Callable[[PullProgress], None],
    on_start: Callable[[Callable[[], None]], None],
) -> bool:
    """Fetch a plugin, with the permissions that were agreed to and no others; False where it was cancelled.

    Raises ConflictError where it asks for others by now, or there is one of that name; and as `permissions_of`.
    """
    wanted = parse_reference(plugin.reference)
    stream = EngineStream(engine.api, f"plugin {wanted}", lambda api: _ask(api, plugin))
    on_start(stream.cancel)
    progress = PullProgress()
    try:
        for item in stream.messages():
            if "error" in item:
                raise _refused(wanted, str((item.get("errorDetail") or {}).get("message") or item["error"]))
            progress = progress.after(item)
            on_progress(progress)
    except docker.errors.APIError as error:
        if not stream.cancelled:
            raise _refused(wanted, engine_words(error)) from error
    except TRANSLATED as error:
        if not stream.cancelled:
            raise translate(error, subject=f"plugin {wanted}") from error
    return not stream.cancelled


def enable_plugin(engine: Engine, name: str) -> None:
    """Start it. Raises EngineError in the engine's words where it does not start."""
    with translated(f"plugin {name}"):
        try:
            engine.api.enable_plugin(name, timeout=ENABLE_SECONDS)
        except docker.errors.APIError as error:
            raise EngineError(
                f"Plugin {name} is installed and does not start: {engine_words(error)}",
                hint=_start_hint(engine_words(error)),
            ) from error


def remove_plugin(engine: Engine, name: str) -> None:
    """Remove it, running or not; one that is gone is fine. Raises EngineError, EngineUnreachableError."""
    try:
        with translated(f"plugin {name}"):
            engine.api.remove_plugin(name, force=True)
    except NotFoundError:
        return


def make_folders(engine: Engine, image: str, folders: Sequence[str]) -> None:
    """Make folders on the engine's machine, with those above them, where they are missing.

    A container does it that sees the nearest folder which is there, and nothing else. Raises ConflictError, EngineError.
    """
    for folder in folders:
        _make_folder(engine, image, posixpath.normpath(folder))


def _make_folder(engine: Engine, image: str, folder: str) -> None:
    above = folder
    while True:
        try:
            _run(engine.api, image, above, posixpath.relpath(folder, above))
        except docker.errors.APIError as error:
            if above == "/" or "bind source path does not exist" not in engine_words(error):
                raise ConflictError(
                    f"The folder {folder} can’t be made on the engine’s machine: {engine_words(error)}"
                ) from error
            above = posixpath.dirname(above)
        else:
            return


def _run(api: Any, image: str, above: str, rest: str) -> None:
    container = api.create_container(
        image,
        entrypoint=["/bin/mkdir"],
        command=["-p", "--", posixpath.join("/volume", rest)],
        name=_HELPER_NAME + secrets.token_hex(6),
        user="0:0",
        labels={ROLE_LABEL: "helper"},
        host_config=api.create_host_config(
            mounts=[
                docker.types.Mount("/volume", above, type="bind", propagation="rslave" if above == "/" else "rprivate")
            ],
            log_config=LogConfig(type="none"),
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            cap_add=["DAC_OVERRIDE"],
            security_opt=["no-new-privileges"],
        ),
    )["Id"]
    try:
        api.start(container)
        status = api.wait(container, timeout=30)["StatusCode"]
    finally:
        api.remove_container(container, force=True)
    if status:
        raise ConflictError(f"The folder {posixpath.join(above, rest)} can’t be made on the engine’s machine.")


def _ask(api: Any, plugin: Installation) -> requests.Response:
    wanted = parse_reference(plugin.reference)
    response: requests.Response = api._post_json(
        api._url("/plugins/pull"),
        params={"remote": str(wanted), "name": plugin.alias},
        headers=credentials_for(api, wanted.name) | {"Content-Type": "application/json"},
        data=[each.to_json() for each in plugin.permissions],
        stream=True,
        timeout=None,
    )
    api._raise_for_status(response)
    return response


def _refused(wanted: Any, words: str) -> DemijohnError:
    if "incorrect privileges" in words.lower():
        return ConflictError(
            f"{wanted} asks for other permissions than those that were agreed to; nothing was installed.",
            hint="Look at what it asks for now.",
        )
    if "already exists" in words.lower():
        return ConflictError(
            f"There is a plugin of that name already. {words}", hint="Enable it, or choose another name."
        )
    return pull_error(wanted, words)


def _start_hint(words: str) -> str:
    if "/dev/fuse" in words:
        return "FUSE is missing on the engine’s machine: load it with `modprobe fuse`."
    if "no such file or directory" in words:
        return "A folder it needs is missing on the engine’s machine."
    return "The engine’s own log says more."


def mounted_folders(permissions: Sequence[Permission]) -> tuple[str, ...]:
    """The folders of the engine's machine that a plugin asks for and that may have to be made."""
    values = [value for each in permissions if each.name == "mount" for value in each.values]
    return tuple(value for value in values if value.startswith("/") and not value.startswith(("/dev", "/proc", "/sys")))


def undo_handlers() -> dict[str, Callable[[Engine, Mapping[str, Any]], None]]:
    """What the undo steps of an installation do."""
    return {"remove-plugin": lambda engine, arguments: remove_plugin(engine, str(arguments["plugin"]))}
