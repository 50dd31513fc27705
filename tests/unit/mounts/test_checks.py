"""What is refused before any engine is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from webui.errors import InvalidInputError
from webui.mounts import (
    Launch,
    Mount,
    MountType,
    PortMapping,
    check,
    check_all,
    check_launch,
    image_problem,
    launch_warnings,
    parse_port,
    print_port,
    volume_name_problem,
)

VOLUME = Mount(MountType.VOLUME, "data", "/data")
BIND = Mount(MountType.BIND, "/srv", "/data")
TMPFS = Mount(MountType.TMPFS, "", "/run")


@pytest.mark.parametrize("name", ["ab", "a..", "data", "Data_1.2-x", "0a", "a" * 255])
def test_good_volume_names_pass(name: str) -> None:
    assert volume_name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "needs a name"),
        ("a", "too short"),
        ("a" * 256, "too long"),
        ("my/data", "use a bind mount"),
        ("/etc", "use a bind mount"),
        ("my data", "space"),
        ("é" * 2, "letters that Docker doesn't take"),
        ("data\n", "line break"),
        ("data\0", "invisible"),
        ("-data", "start with"),
        ("da@ta", "can't hold"),
    ],
)
def test_each_bad_volume_name_has_its_own_sentence(name: str, words: str) -> None:
    assert words in volume_name_problem(name)


@pytest.mark.parametrize(
    ("mount", "field", "words"),
    [
        (replace(VOLUME, target=""), "target", "missing"),
        (replace(VOLUME, target="data"), "target", "“/data”"),
        (replace(VOLUME, target="/"), "target", "root"),
        (replace(VOLUME, target="//./"), "target", "root"),
        (replace(VOLUME, target="/v/../../etc"), "target", ".."),
        (replace(VOLUME, target="/da\nta"), "target", "line break"),
        (replace(VOLUME, target="/" + "a" * 5000), "target", "too long"),
        (replace(VOLUME, source="/etc"), "source", "bind mount"),
        (replace(VOLUME, source="", read_only=True), "read_only", "empty"),
        (replace(VOLUME, subpath="/a"), "subpath", "inside the volume"),
        (replace(VOLUME, subpath="a/../b"), "subpath", ".."),
        (replace(VOLUME, propagation="rshared"), "propagation", "belongs to a bind mount"),
        (replace(VOLUME, tmpfs_size=1), "tmpfs_size", "belongs to a tmpfs"),
        (replace(VOLUME, consistency="sometimes"), "consistency", "no consistency"),
        (replace(VOLUME, selinux="z", subpath="a"), "selinux", "Only -v"),
        (replace(BIND, source=""), "source", "needs a folder"),
        (replace(BIND, source="srv"), "source", "relative"),
        (replace(BIND, source="/a/../etc"), "source", "“/etc”"),
        (replace(BIND, source="/a\n"), "source", "line break"),
        (replace(BIND, no_copy=True), "no_copy", "belongs to a volume"),
        (replace(BIND, propagation="upwards"), "propagation", "no propagation"),
        (replace(BIND, recursive="readonly"), "recursive", "read-only"),
        (replace(BIND, recursive="readonly", read_only=True, propagation="rshared"), "propagation", "rprivate"),
        (replace(BIND, selinux="x"), "selinux", "SELinux"),
        (replace(TMPFS, source="data"), "source", "no source"),
        (replace(TMPFS, tmpfs_size=0), "tmpfs_size", "more than nothing"),
        (replace(TMPFS, tmpfs_size=-1), "tmpfs_size", "more than nothing"),
        (replace(TMPFS, tmpfs_mode=0o10000), "tmpfs_mode", "7777"),
        (replace(TMPFS, no_copy=True), "no_copy", "belongs to a volume"),
        (replace(TMPFS, consistency="cached"), "consistency", "tmpfs"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(mount: Mount, field: str, words: str) -> None:
    found = check(mount, "mounts.1.")
    assert words in found[f"mounts.1.{field}"]


def test_a_colon_in_the_target_is_fine() -> None:
    assert check(replace(VOLUME, target="/da:ta")) == {}


@pytest.mark.parametrize("again", ["/data", "/data/", "//data", "/./data"])
def test_a_target_may_occur_once(again: str) -> None:
    found = check_all([VOLUME, replace(TMPFS, target=again)])
    assert list(found) == ["mounts.1.target"]


def test_one_volume_is_described_in_one_way() -> None:
    other = replace(VOLUME, target="/other", driver="local")
    assert list(check_all([VOLUME, other])) == ["mounts.1.driver"]


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("80", [PortMapping(80)]),
        ("8080:80", [PortMapping(80, 8080)]),
        ("8080:80/UDP", [PortMapping(80, 8080, "udp")]),
        ("127.0.0.1:8080:80", [PortMapping(80, 8080, "tcp", "127.0.0.1")]),
        ("127.0.0.1::80", [PortMapping(80, None, "tcp", "127.0.0.1")]),
        ("[::1]:8080:80", [PortMapping(80, 8080, "tcp", "::1")]),
        ("0:80", [PortMapping(80)]),
        ("8000-8002:80-82", [PortMapping(80, 8000), PortMapping(81, 8001), PortMapping(82, 8002)]),
        ("80-81", [PortMapping(80), PortMapping(81)]),
    ],
)
def test_ports_are_read_as_docker_reads_them(text: str, ports: list[PortMapping]) -> None:
    assert list(parse_port(text)) == ports
    assert [port for one in ports for port in parse_port(print_port(one))] == ports


@pytest.mark.parametrize(
    "text", ["", "x", "70000:80", "80:0", "1-3:1-2", "8000-8010:80", "9-1", "80/icmp", "::1:80:80", "a:1:2", "[::1]80", "[x]:1:2"]
)  # fmt: skip
def test_ports_that_can_not_be_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_port(text)
    assert list(caught.value.fields) == ["ports"]


@pytest.mark.parametrize(
    "image", ["debian", "debian:12", "a/b/c", "localhost:5000/a:b", "x@sha256:" + "0" * 64, "1d83a79308ec"]
)
def test_good_image_names_pass(image: str) -> None:
    assert image_problem(image) == ""


@pytest.mark.parametrize("image", ["", "Debian", "a b", "-x", "a:", "a/", "a@b", "x" * 600, "a\n", "é"])
def test_bad_image_names_are_refused(image: str) -> None:
    assert image_problem(image)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"image": ""}, "image"),
        ({"name": "x"}, "name"),
        ({"name": "a b"}, "name"),
        ({"command": ("a\0",)}, "command"),
        ({"environment": (("", "x"),)}, "environment.0"),
        ({"environment": (("A", "1"), ("A", "2"))}, "environment.1"),
        ({"environment": (("A B", "1"),)}, "environment.0"),
        ({"restart": "sometimes"}, "restart"),
        ({"restart": "always:3"}, "restart"),
        ({"replicas": 0}, "replicas"),
        ({"replicas": 101}, "replicas"),
        ({"replicas": 10**9, "name": "web"}, "replicas"),
        ({"replicas": 2, "ports": (PortMapping(80, 8080),)}, "ports.0"),
        ({"ports": (PortMapping(80, 8080), PortMapping(81, 8080))}, "ports.1"),
        ({"ports": (PortMapping(0),)}, "ports.0"),
        ({"ports": (PortMapping(80, 70000),)}, "ports.0"),
        ({"network": "a b"}, "network"),
        ({"mounts": (replace(VOLUME, target="x"),)}, "mounts.0.target"),
    ],
)
def test_a_launch_is_checked_field_by_field(change: dict[str, object], field: str) -> None:
    assert field in check_launch(replace(Launch("debian"), **change))  # type: ignore[arg-type]


def test_a_good_launch_passes() -> None:
    assert check_launch(Launch("debian", name="web", ports=(PortMapping(80, 8080),), mounts=(VOLUME, TMPFS))) == {}


@pytest.mark.parametrize(
    ("launch", "words"),
    [
        (Launch("debian", network="host", ports=(PortMapping(80, 8080),)), "no ports are published"),
        (Launch("debian", mounts=(VOLUME, replace(BIND, target="/srv", selinux="Z"))), "label Z of “/srv” is not set"),
    ],
)
def test_what_comes_out_otherwise_is_said(launch: Launch, words: str) -> None:
    (warning,) = launch_warnings(launch)
    assert words in warning


def test_an_ordinary_launch_comes_out_as_asked() -> None:
    assert launch_warnings(Launch("debian", ports=(PortMapping(80, 8080),), mounts=(VOLUME, BIND, TMPFS))) == ()


def test_names_are_counted_where_there_are_several() -> None:
    assert Launch("debian", name="web", replicas=2).names == ("web-1", "web-2")
    assert Launch("debian", replicas=2).names == ("", "")
    assert Launch("debian", name="web").names == ("web",)
