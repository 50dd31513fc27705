"""What Docker will do with a mount that a person may not expect, in plain words, and the fix one click away.

`explain` looks at one mount, `explain_declared` at what an image brings along. Both only know what the caller found
out: what is unknown gives no advice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from webui.mounts.checks import check, normal_target, volume_name_problem
from webui.mounts.host_paths import danger_of, device_of, is_engine_socket, normal_source
from webui.mounts.model import Mount, MountType, is_absolute
from webui.mounts.sources import meant_path
from webui.mounts.words import shown

Severity = Literal["info", "warning", "danger"]

_DOCS = "https://docs.docker.com/engine/"
VOLUMES_PAGE = _DOCS + "storage/volumes/"
VOLUME_CONTENT_PAGE = VOLUMES_PAGE + "#mounting-a-volume-over-existing-data"
SHARED_VOLUMES_PAGE = VOLUMES_PAGE + "#share-data-between-machines"
ANONYMOUS_PAGE = VOLUMES_PAGE + "#named-and-anonymous-volumes"
BINDS_PAGE = _DOCS + "storage/bind-mounts/"
BIND_CONTENT_PAGE = BINDS_PAGE + "#bind-mounting-over-existing-data"
BIND_LIMITS_PAGE = BINDS_PAGE + "#considerations-and-constraints"
SELINUX_PAGE = BINDS_PAGE + "#configure-the-selinux-label"
TMPFS_PAGE = _DOCS + "storage/tmpfs/"
SECURITY_PAGE = _DOCS + "security/#docker-daemon-attack-surface"

_CONTAINER_SYSTEM = frozenset({"/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr", "/var"})


@dataclass(frozen=True, slots=True)
class Fix:
    """One click: what the button says, and the mount that takes the place of the old one."""

    label: str
    mount: Mount


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to know about a mount.

    `field` is the mount's field it stands beside, `link` a page of Docker's documentation. Where `needs_confirmation`
    is not empty, the launch waits until a person has typed exactly that.
    """

    code: str
    severity: Severity
    message: str
    field: str
    fixes: tuple[Fix, ...] = ()
    link: str = VOLUMES_PAGE
    needs_confirmation: str = ""


@dataclass(frozen=True, slots=True)
class MountFacts:
    """What the caller found out about the engine, the source and the image. None and empty mean: not known.

    `new_volume` says that the person asked for a new volume by that name. `device` is the folder an existing volume
    really is (see `device_of`), `volume_kind` its `VolumeKind`, `writers` the names of the containers that hold the
    source without read-only. `image_content` is whether the image has files at the target.
    """

    start_folder: str = ""
    home: str = ""
    local: bool | None = None
    rootless: bool | None = None
    swarm: bool | None = None
    data_folder: str = ""
    volume_names: frozenset[str] | None = None
    new_volume: bool = False
    volume_kind: str = ""
    device: str = ""
    writers: tuple[str, ...] = ()
    likely_empty: bool | None = None
    source_exists: bool | None = None
    source_is_folder: bool | None = None
    image_content: bool | None = None
    image_declared_volumes: tuple[str, ...] = ()
    replicas: int = 1


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One question of "volume or bind mount?", and both answers."""

    question: str
    volume: str
    bind: str


VOLUME_OR_BIND = (
    ComparisonRow("Who looks after the files?", "Docker, in a place of its own.", "You, in a folder you chose."),
    ComparisonRow("Moves to another machine?", "Yes: by name, wherever it is.", "No: the folder must exist there too."),
    ComparisonRow("What is in it at first?", "What the image has at that path.", "What the folder has; it hides the image's files."),
    ComparisonRow("Can it be encrypted, or in the cloud?", "Yes, with a driver.", "Only if the folder already is."),
    ComparisonRow("What can the container reach?", "Only what is in the volume.", "That part of your machine."),
    ComparisonRow("Good for", "databases, uploads, caches: what the program keeps.", "source code and settings: what you edit and want seen at once."),
)  # fmt: skip
"""A short comparison for whoever wonders which to take."""


def explain(mount: Mount, facts: MountFacts) -> tuple[Advice, ...]:
    """Everything worth knowing about this mount, the gravest first."""
    found = [advice for trap in _TRAPS for advice in trap(mount, facts)]
    return tuple(sorted(found, key=lambda advice: ("danger", "warning", "info").index(advice.severity)))


def explain_declared(mounts: Iterable[Mount], declared: Iterable[str]) -> tuple[Advice, ...]:
    """What happens to the volumes an image declares and nobody mounted: anonymous ones. The fix is one more mount."""
    taken = {normal_target(mount.target) for mount in mounts}
    return tuple(_declared(target) for target in declared if normal_target(target) not in taken)


def _declared(target: str) -> Advice:
    named = Mount(MountType.VOLUME, _name_for(target, None), target)
    message = f"The image keeps data at {shown(target)}. Nothing is mounted there, so Docker makes an anonymous volume."
    return Advice("declared-volume", "info", message, "target", (_naming_fix(named),), ANONYMOUS_PAGE)


def _relative_target(mount: Mount, _facts: MountFacts) -> Iterator[Advice]:
    if mount.target and not mount.target.startswith("/"):
        better = replace(mount, target="/" + normal_target(mount.target))
        message = f"{shown(mount.target)} is a relative path, and inside a container Docker takes only absolute ones."
        fixes = () if check(better) else (Fix(f"Use {better.target}", better),)
        yield Advice("relative-target", "danger", message, "target", fixes)


def _path_as_volume(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.type is not MountType.VOLUME or not ("/" in mount.source or "\\" in mount.source):
        return
    path = mount.source if is_absolute(mount.source) else meant_path(mount.source, facts.start_folder)
    message = f"{shown(mount.source)} is a path, and a volume has only a name. A folder is used with a bind mount."
    fixes = (_bind_fix(mount, path),) if path else ()
    yield Advice("path-as-volume", "danger", message, "source", fixes, BINDS_PAGE)


def _bare_word(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if not _is_named_volume(mount) or facts.volume_names is None or mount.driver or mount.driver_options:
        return
    if mount.source in facts.volume_names:
        yield Advice(
            "existing-volume",
            "info",
            f"The existing volume {shown(mount.source)} is used, with what is in it.",
            "source",
        )
    elif facts.new_volume:
        yield Advice("new-volume", "info", f"A new, empty volume called {shown(mount.source)} is made.", "source")
    else:
        yield _bare_word_warning(mount, facts)


def _bare_word_warning(mount: Mount, facts: MountFacts) -> Advice:
    path = meant_path(mount.source, facts.start_folder)
    message = f"There is no volume called {shown(mount.source)}: Docker makes a new, empty one."
    message += f" It does not use the folder {path}." if path else " It does not use a folder of that name."
    fixes = [_bind_fix(mount, path)] if path else []
    fixes.append(Fix(f"Yes, a new volume called {mount.source}", mount))
    return Advice("bare-word", "warning", message, "source", tuple(fixes))


def _other_case(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    names = facts.volume_names or frozenset()
    if not _is_named_volume(mount) or mount.source in names:
        return
    for name in sorted(name for name in names if name.lower() == mount.source.lower()):
        message = (
            f"There is a volume called {shown(name)}. Upper and lower case count: {shown(mount.source)} is another one."
        )
        yield Advice("other-case", "warning", message, "source", (Fix(f"Use {name}", replace(mount, source=name)),))


def _anonymous(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.anonymous:
        named = replace(mount, source=_name_for(mount.target, facts.volume_names))
        message = (
            "Without a name the volume gets a random one, is hard to find again, and goes when the container is "
            "removed with its volumes."
        )
        yield Advice("anonymous-volume", "warning", message, "source", (_naming_fix(named),), ANONYMOUS_PAGE)


def _missing_source(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.type is not MountType.BIND or facts.source_exists is not False:
        return
    owner = "you" if facts.rootless else "root"
    if mount.create_missing:
        message = f"There is no {shown(mount.source)} yet. Docker makes it as an empty folder that belongs to {owner}."
        stop = Fix("Don't create it", replace(mount, create_missing=False))
        yield Advice("created-source", "warning", message, "source", (stop,), BINDS_PAGE)
        return
    message = (
        f"There is no {shown(mount.source)} on the engine's machine, so the container can't start. "
        f"docker run -v would silently make an empty folder that belongs to {owner}; here you choose."
    )
    fixes = (Fix("Create the empty folder", replace(mount, create_missing=True)), _volume_fix(mount, facts))
    yield Advice("missing-source", "warning", message, "source", fixes, BINDS_PAGE)


def _hidden_by_bind(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.type is not MountType.VOLUME and facts.image_content:
        what = "bind mount" if mount.type is MountType.BIND else "tmpfs"
        message = f"The image has files at {shown(mount.target)}. The {what} hides them: the container sees only what is mounted."
        fixes = (_volume_fix(mount, facts, "Use a volume: it starts with the image's files"),)
        yield Advice("hides-image-content", "warning", message, "target", fixes, BIND_CONTENT_PAGE)


def _volume_over_content(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.type is not MountType.VOLUME or not facts.image_content or mount.subpath:
        return
    empty = _starts_empty(mount, facts)
    if empty is None:
        return
    if not empty:
        message = f"The image has files at {shown(mount.target)}. The volume isn't empty, so its files are seen and the image's are hidden."
        yield Advice("volume-hides-content", "info", message, "target", (), VOLUME_CONTENT_PAGE)
    elif mount.no_copy:
        message = f"The image's files at {shown(mount.target)} are hidden: the empty volume stays empty (nocopy)."
        fix = Fix("Copy them into the volume", replace(mount, no_copy=False))
        yield Advice("nocopy", "info", message, "no_copy", (fix,), VOLUME_CONTENT_PAGE)
    else:
        message = f"The volume is empty, so Docker first copies into it what the image has at {shown(mount.target)}."
        fix = Fix("Leave the volume empty (nocopy)", replace(mount, no_copy=True))
        yield Advice("filled-from-image", "info", message, "no_copy", (fix,), VOLUME_CONTENT_PAGE)


def _not_portable(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.type is MountType.BIND and not is_engine_socket(mount.source):
        reach = "read" if mount.read_only else "change"
        message = (
            f"Works only on a machine that has {shown(mount.source)}, and lets the container {reach} the files there."
        )
        yield Advice("not-portable", "info", message, "type", (_volume_fix(mount, facts),), BIND_LIMITS_PAGE)


def _dangerous_source(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.type is not MountType.BIND:
        return
    source = normal_source(mount.source)
    if is_engine_socket(source):
        message = "With the engine's socket the container commands the engine, and so the whole machine. Read-only doesn't prevent that."
        yield Advice("engine-socket", "danger", message, "source", (), SECURITY_PAGE, source)
    elif what := _danger(source, mount, facts):
        fixes = () if mount.read_only else (Fix("Make it read-only", replace(mount, read_only=True)),)
        message = f"{shown(source)} gives the container {what}."
        yield Advice("system-path", "danger", message, "source", fixes, BIND_LIMITS_PAGE, source)


def _disguised_host_access(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    device = facts.device or device_of(mount.driver, mount.driver_options)
    if mount.type is not MountType.VOLUME or not device:
        return
    message = f"This volume is really {shown(device)} of the engine's machine: a bind mount in disguise."
    if what := "the engine itself" if is_engine_socket(device) else _danger(device, mount, facts):
        yield Advice(
            "host-access",
            "danger",
            f"{message} It gives the container {what}.",
            "source",
            (),
            BIND_LIMITS_PAGE,
            normal_source(device),
        )
    else:
        yield Advice("host-access", "warning", message, "source", (), BIND_LIMITS_PAGE)


def _several_writers(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.read_only or mount.type is MountType.TMPFS or not (facts.writers or _is_shared_by_replicas(mount, facts)):
        return
    who = [shown(name) for name in facts.writers[:3]] + (
        [f"{len(facts.writers) - 3} more"] if len(facts.writers) > 3 else []
    )
    others = f"{', '.join(who)} can write here too" if who else f"All {facts.replicas} containers can write here"
    message = f"{others}. Programs that don't expect that, databases above all, damage their files."
    fix = Fix("Make it read-only", replace(mount, read_only=True))
    yield Advice("several-writers", "warning", message, "read_only", (fix,), SHARED_VOLUMES_PAGE)


def _short_lived(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.type is MountType.TMPFS:
        message = "Lives in memory: whatever is in it is gone when the container stops."
        yield Advice(
            "tmpfs-emptied", "info", message, "type", (_volume_fix(mount, facts, "Keep it: use a volume"),), TMPFS_PAGE
        )
        if mount.tmpfs_size is None:
            limited = Fix("Limit it to 64 MB", replace(mount, tmpfs_size=64 * 1024**2))
            yield Advice(
                "tmpfs-unlimited",
                "info",
                "Without a size it can fill the machine's memory.",
                "tmpfs_size",
                (limited,),
                TMPFS_PAGE,
            )
    elif mount.type is MountType.VOLUME and facts.volume_kind == "tmpfs":
        message = f"The volume {shown(mount.source)} lives in memory: it is empty after the last container on it stops."
        yield Advice("tmpfs-emptied", "warning", message, "source", (), TMPFS_PAGE)


def _swarm(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if (
        facts.swarm
        and mount.type is MountType.VOLUME
        and mount.driver in {"", "local"}
        and facts.volume_kind in {"", "local"}
    ):
        message = "In a swarm, each node has a local volume of its own by this name. To share the data, use NFS or another shared driver."
        yield Advice("swarm-local", "warning", message, "driver", (), SHARED_VOLUMES_PAGE)


def _remote(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.type is MountType.BIND and facts.local is False:
        message = f"The engine runs on another machine: {shown(mount.source)} is a folder there, not here."
        yield Advice("remote-bind", "warning", message, "source", (_volume_fix(mount, facts),), BIND_LIMITS_PAGE)


def _single_file(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    if mount.type is MountType.BIND and facts.source_is_folder is False and not is_engine_socket(mount.source):
        message = "A single file is mounted. Editors that save by replacing it leave the container with the old one; mounting its folder avoids that."
        yield Advice("single-file", "info", message, "source", (), BINDS_PAGE)


def _declared_below(mount: Mount, facts: MountFacts) -> Iterator[Advice]:
    """An image's volume below the target is a mount of its own: what the program writes there misses this one."""
    for declared in facts.image_declared_volumes:
        if mount.target and normal_target(declared).startswith(normal_target(mount.target).rstrip("/") + "/"):
            message = (
                f"The image keeps its data at {shown(declared)} and makes an anonymous volume there: "
                "what the program writes there does not end up in this mount."
            )
            fix = Fix(f"Mount at {declared}", replace(mount, target=declared))
            yield Advice("declared-below", "warning", message, "target", (fix,), ANONYMOUS_PAGE)


def _hides_system(mount: Mount, _facts: MountFacts) -> Iterator[Advice]:
    if normal_target(mount.target) in _CONTAINER_SYSTEM:
        message = f"{shown(mount.target)} holds what the container's own system needs. With something else mounted there it may not start."
        yield Advice("hides-system", "warning", message, "target", (), BIND_CONTENT_PAGE)


def _relabelling(mount: Mount, _facts: MountFacts) -> Iterator[Advice]:
    if mount.type is MountType.BIND and mount.selinux:
        message = f"On a machine with SELinux, all files below {shown(mount.source)} get a new label, and other programs may lose them."
        fix = Fix("Leave the labels alone", replace(mount, selinux=""))
        yield Advice("selinux-relabel", "warning", message, "selinux", (fix,), SELINUX_PAGE)


_TRAPS: tuple[Callable[[Mount, MountFacts], Iterator[Advice]], ...] = (
    _relative_target,
    _path_as_volume,
    _bare_word,
    _other_case,
    _anonymous,
    _dangerous_source,
    _disguised_host_access,
    _missing_source,
    _hidden_by_bind,
    _volume_over_content,
    _declared_below,
    _hides_system,
    _several_writers,
    _relabelling,
    _remote,
    _swarm,
    _short_lived,
    _single_file,
    _not_portable,
)


def _is_named_volume(mount: Mount) -> bool:
    return mount.type is MountType.VOLUME and bool(mount.source) and not volume_name_problem(mount.source)


def _starts_empty(mount: Mount, facts: MountFacts) -> bool | None:
    is_new = facts.volume_names is not None and mount.source not in facts.volume_names
    return True if mount.anonymous or is_new else facts.likely_empty


def _is_shared_by_replicas(mount: Mount, facts: MountFacts) -> bool:
    return facts.replicas > 1 and not mount.anonymous


def _danger(path: str, mount: Mount, facts: MountFacts) -> str:
    return danger_of(path, read_only=mount.read_only, home=facts.home, data_folder=facts.data_folder)


def _bind_fix(mount: Mount, path: str) -> Fix:
    return Fix(f"Use the folder {path}", _reshaped(mount, MountType.BIND, path))


def _volume_fix(mount: Mount, facts: MountFacts, label: str = "Use a volume instead") -> Fix:
    return Fix(label, _reshaped(mount, MountType.VOLUME, _name_for(mount.source or mount.target, facts.volume_names)))


def _naming_fix(mount: Mount) -> Fix:
    return Fix(f"Name it {mount.source}", mount)


def _reshaped(mount: Mount, kind: MountType, source: str) -> Mount:
    """A mount of another type at the same place, without the options that only the old type had."""
    return Mount(kind, source, mount.target, read_only=mount.read_only)


def _name_for(path: str, taken: frozenset[str] | None) -> str:
    """A name for a new volume after the last part of a path, one that no volume has yet."""
    word = re.sub(r"[^a-zA-Z0-9_.-]", "-", normal_target(path).rpartition("/")[2]).lstrip("_.-")[:200]
    name = word if len(word) > 1 else "my-data"
    number = 1
    candidate = name
    while taken and candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate
