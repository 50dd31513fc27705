"""The `docker` command for each thing the app does, to copy. Pure.

Follows https://docs.docker.com/reference/cli/docker/. What a launch looks like stands in `webui.mounts`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from webui.engine.file_model import Place
from webui.paths import VolumePath, name_text, shown_name
from webui.storage import shell_words

_HELPER = "debian:stable-slim"


def volume_list() -> str:
    """`docker volume ls`."""
    return "docker volume ls"


def volume_inspect(name: str) -> str:
    """`docker volume inspect`."""
    return shlex.join(["docker", "volume", "inspect", name])


def volume_remove(names: Sequence[str]) -> str:
    """`docker volume rm`."""
    return shlex.join(["docker", "volume", "rm", *names])


def volume_create(name: str, driver: str, options: Iterable[tuple[str, str]], labels: Iterable[tuple[str, str]]) -> str:
    """`docker volume create` with its driver, options and labels; Docker's defaults are left out.

    Placeholders of secrets, as `webui.storage.shown_options` sets them, become variables of the shell.
    """
    words = ["docker", "volume", "create"]
    if driver not in {"", "local"}:
        words += ["--driver", driver]
    for key, value in options:
        words += ["--opt", f"{key}={value}"]
    for key, value in labels:
        words += ["--label", f"{key}={value}" if value else key]
    return shell_words([*words, name] if name else words)


def volume_clone(create: str, source: str, name: str) -> str:
    """The command that makes the new volume, and one that copies everything into it: `docker run` with `cp -a`."""
    mounts = ["--volume", f"{source}:/from:ro", "--volume", f"{name or 'NAME'}:/to"]
    copy = shlex.join(["docker", "run", "--rm", "--network=none", *mounts, _HELPER, "cp", "-a", "/from/.", "/to"])
    return f"{create} && {copy}"


def container_list() -> str:
    """`docker ps --all`."""
    return "docker ps --all"


def container_inspect(name: str) -> str:
    """`docker inspect`."""
    return shlex.join(["docker", "container", "inspect", name])


def container_action(action: str, name: str) -> str:
    """`docker start`, `stop` or `restart`."""
    return shlex.join(["docker", action, name])


def container_remove(name: str, *, anonymous_volumes: bool, stop_first: bool) -> str:
    """`docker rm`, after `docker stop` where it still runs."""
    remove = shlex.join(["docker", "rm", *(["--volumes"] if anonymous_volumes else []), name])
    return f"{container_action('stop', name)} && {remove}" if stop_first else remove


def container_logs(name: str) -> str:
    """`docker logs` with times, going on as lines come."""
    return shlex.join(["docker", "logs", "--timestamps", "--follow", name])


def image_list() -> str:
    """`docker image ls`."""
    return "docker image ls"


def image_pull(reference: str) -> str:
    """`docker pull`."""
    return shlex.join(["docker", "pull", reference or "IMAGE"])


def image_remove(reference: str) -> str:
    """`docker image rm`."""
    return shlex.join(["docker", "image", "rm", reference])


def plugin_list() -> str:
    """`docker plugin ls`."""
    return "docker plugin ls"


def plugin_install(reference: str, alias: str) -> str:
    """`docker plugin install` under a name."""
    return shlex.join(["docker", "plugin", "install", *(["--alias", alias] if alias else []), reference or "PLUGIN"])


def plugin_switch(action: str, name: str) -> str:
    """`docker plugin enable` or `disable`."""
    return shlex.join(["docker", "plugin", action, name])


def plugin_remove(name: str) -> str:
    """`docker plugin rm`."""
    return shlex.join(["docker", "plugin", "rm", name])


def files_list(place: Place, folder: VolumePath) -> str:
    """`ls` in a container that has nothing but the volume."""
    return _inside(place, ["ls", "-la", _in_container(folder)])


def file_copy_out(place: Place, path: VolumePath) -> str:
    """What a file holds, in a file of this machine."""
    return _inside(place, ["cat", _in_container(path)]) + " > " + _word(path.name)


def file_copy_in(place: Place, path: VolumePath) -> str:
    """A file of this machine into the volume."""
    name = _word(path.name)
    return (
        _inside(place, ["dd", "status=none", f"of={_in_container(path)}"], "--interactive", writing=True) + f" < {name}"
    )


def folder_make(place: Place, path: VolumePath) -> str:
    """`mkdir` in a container that has nothing but the volume."""
    return _inside(place, ["mkdir", _in_container(path)], writing=True)


def file_make(place: Place, path: VolumePath) -> str:
    """`touch` in a container that has nothing but the volume."""
    return _inside(place, ["touch", _in_container(path)], writing=True)


def file_move(place: Place, source: VolumePath, target: VolumePath) -> str:
    """`mv` in a container that has nothing but the volume."""
    return _inside(place, ["mv", "-n", _in_container(source), _in_container(target)], writing=True)


def file_copy(place: Place, source: VolumePath, target: VolumePath) -> str:
    """`cp` in a container that has nothing but the volume."""
    return _inside(place, ["cp", "-a", _in_container(source), _in_container(target)], writing=True)


def files_delete(place: Place, paths: Iterable[VolumePath]) -> str:
    """`rm` in a container that has nothing but the volume."""
    return _inside(place, ["rm", "-r", *map(_in_container, paths)], writing=True)


def files_permit(place: Place, paths: Iterable[VolumePath], mode: str, owner: str, *, recursive: bool) -> str:
    """`chown` and `chmod` in a container that has nothing but the volume."""
    deep = ["-R"] if recursive else []
    targets = [_in_container(path) for path in paths]
    wanted = [["chown", *deep, owner, *targets]] if owner else []
    wanted += [["chmod", *deep, mode, *targets]] if mode else []
    return " && ".join(_inside(place, each, writing=True) for each in wanted)


def archive_out(place: Place, folder: VolumePath, names: Iterable[str], archive: str) -> str:
    """A tar of a folder, or of some of what is in it, as a file of this machine."""
    words = ["tar", "-C", _in_container(folder), "-c", "--", *(names or ["."])]
    return _inside(place, words) + " > " + shlex.quote(archive)


def archive_in(place: Place, folder: VolumePath, archive: str) -> str:
    """A tar of this machine, unpacked into a folder."""
    words = ["tar", "-C", _in_container(folder), "-x"]
    return _inside(place, words, "--interactive", writing=True) + " < " + shlex.quote(archive)


def usage(place: Place, folder: VolumePath) -> str:
    """`du` in a container that has nothing but the volume."""
    return _inside(place, ["du", "-h", "--max-depth=1", _in_container(folder)])


def _inside(place: Place, words: Sequence[str], *options: str, writing: bool = False) -> str:
    """`docker run --rm` with the volume, or a host's folder, at /volume; see
    https://docs.docker.com/reference/cli/docker/container/run/#mount
    """
    source = place.name if place.kind == "volume" else place.source
    mount = f"{source}:/volume" + ("" if writing else ":ro")
    return _joined(["docker", "run", "--rm", *options, "-v", mount, _HELPER, *words])


def _in_container(path: VolumePath) -> str:
    return "/volume" + (f"/{path.text}" if path.raw else "")


def _joined(words: Iterable[str]) -> str:
    return " ".join(map(_word, words))


def _word(word: str | bytes) -> str:
    """A word as a shell reads it, with nothing in it that a terminal would take for a key when it is pasted."""
    raw = word if isinstance(word, bytes) else word.encode("utf-8", "surrogateescape")
    if shown_name(raw) == name_text(raw):
        return shlex.quote(name_text(raw))
    return "$'" + "".join(map(_escaped, raw)) + "'"


def _escaped(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 and byte not in b"\\'" else f"\\x{byte:02x}"
