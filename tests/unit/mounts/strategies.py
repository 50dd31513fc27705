"""Every valid mount and launch, for the property tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from webui.mounts import Launch, Mount, MountContext, MountType, PortMapping, check, check_launch, normal_target
from webui.mounts.model import CONSISTENCIES, PROPAGATIONS, RECURSIONS

CONTEXT = MountContext("/home/ada/project", "/home/ada", True)

visible = st.characters(exclude_categories=("Cc", "Cs"))
text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
visible_but_slash = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\\")
path_piece = st.text(visible_but_slash, min_size=1, max_size=8).map(
    lambda piece: piece.replace("..", "__").strip(".") or "x"
)
absolute_paths = st.lists(path_piece, min_size=1, max_size=3).map(lambda pieces: "/" + "/".join(pieces))
drive_paths = st.lists(path_piece, min_size=1, max_size=2).map(lambda pieces: "C:\\" + "\\".join(pieces))
names = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,12}", fullmatch=True)
option_names = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="="), min_size=1, max_size=6)
pairs = st.dictionaries(option_names, text, max_size=2).map(lambda found: tuple(found.items()))
maybe = st.booleans


def optional(values: Any) -> Any:
    return st.just("") | st.sampled_from(values)


plain_volumes = st.builds(
    Mount,
    st.just(MountType.VOLUME),
    st.just("") | names,
    absolute_paths,
    read_only=maybe(),
    no_copy=maybe(),
    consistency=optional(CONSISTENCIES),
)
described_volumes = st.builds(
    replace,
    plain_volumes,
    subpath=st.just("") | path_piece,
    driver=st.just("") | names,
    driver_options=pairs,
    labels=pairs,
)
plain_binds = st.builds(
    Mount,
    st.just(MountType.BIND),
    absolute_paths | drive_paths,
    absolute_paths,
    read_only=maybe(),
    propagation=optional(PROPAGATIONS),
    create_missing=maybe(),
    consistency=optional(CONSISTENCIES),
)
recursive_binds = st.builds(
    replace, plain_binds, read_only=st.just(True), propagation=st.just(""), recursive=optional(RECURSIONS)
)
tmpfs = st.builds(
    Mount,
    st.just(MountType.TMPFS),
    st.just(""),
    absolute_paths,
    read_only=maybe(),
    tmpfs_size=st.none() | st.integers(1, 2**62) | st.integers(1, 2**20).map(lambda size: size * 1024**2),
    tmpfs_mode=st.none() | st.integers(1, 0o7777),
)


def labelled(mount: Mount) -> Mount:
    """The mount with an SELinux label, in a shape that `-v` can say."""
    paths = {"source": mount.source.replace(":", "") or "data", "target": mount.target.replace(":", "") or "/x"}
    if mount.source[1:3] == ":\\":
        paths["source"] = "/" + paths["source"].replace("\\", "")
    return replace(mount, selinux="z", create_missing=False, **paths)


mounts = (
    plain_volumes
    | described_volumes
    | plain_binds
    | recursive_binds
    | tmpfs
    | (plain_volumes | plain_binds).map(labelled)
).filter(lambda mount: not check(mount))

ports = st.builds(
    PortMapping,
    st.integers(1, 65535),
    st.none() | st.integers(1, 65535),
    st.sampled_from(["tcp", "udp", "sctp"]),
    st.sampled_from(["", "127.0.0.1", "::1", "10.1.2.3"]),
)
environments = st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True), text, max_size=3).map(
    lambda found: tuple(found.items())
)
images = st.sampled_from(
    ["debian", "debian:stable-slim", "registry.example:5000/a/b-c:1.2", "ghcr.io/x/y@sha256:" + "a" * 64, "postgres:16"]
)


def sensible(launch: Launch) -> Launch:
    """The launch without what only the combination makes wrong: ports that clash, targets that occur twice."""
    offered = () if launch.network in {"host", "none"} else launch.ports
    if launch.replicas > 1:
        offered = tuple(replace(port, host_port=None) for port in offered)
    by_target = {normal_target(mount.target): mount for mount in launch.mounts}
    return replace(
        launch, ports=tuple({port.container_port: port for port in offered}.values()), mounts=tuple(by_target.values())
    )


launches = (
    st.builds(
        Launch,
        images,
        name=st.just("") | names,
        command=st.lists(text, max_size=3).map(tuple),
        environment=environments,
        ports=st.lists(ports, max_size=3).map(tuple),
        network=st.just("") | st.sampled_from(["host", "none", "bridge", "container:db"]) | names,
        restart=st.sampled_from(["no", "always", "unless-stopped", "on-failure", "on-failure:3"]),
        replicas=st.sampled_from([1, 1, 2, 3]),
        start=maybe(),
        mounts=st.lists(mounts, max_size=3).map(tuple),
    )
    .map(sensible)
    .filter(lambda launch: not check_launch(launch))
)
