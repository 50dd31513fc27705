"""One mount out of text: `-v`, `--mount`, `--tmpfs`, with and without the flag."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.mounts.strategies import CONTEXT
from webui.errors import InvalidInputError
from webui.mounts import Mount, MountContext, MountType, mount_from_json, parse, parse_paste, parse_port
from webui.mounts.words import format_size, join_csv, parse_size, split_csv

VOLUME, BIND, TMPFS = MountType.VOLUME, MountType.BIND, MountType.TMPFS


@pytest.mark.parametrize(
    ("spec", "mount"),
    [
        ("data:/data", Mount(VOLUME, "data", "/data")),
        ("data:/data:rw", Mount(VOLUME, "data", "/data")),
        ("data:/data:ro", Mount(VOLUME, "data", "/data", read_only=True)),
        ("data:/data:ro,nocopy", Mount(VOLUME, "data", "/data", read_only=True, no_copy=True)),
        ("/data", Mount(VOLUME, "", "/data")),
        ("my_folder:/data", Mount(VOLUME, "my_folder", "/data")),
        ("data:relative", Mount(VOLUME, "data", "relative")),
        ("/srv:/data:Z,rslave,cached", Mount(BIND, "/srv", "/data", selinux="Z", propagation="rslave", consistency="cached")),
        ("./src:/app", Mount(BIND, "/home/ada/project/src", "/app")),
        (".:/app", Mount(BIND, "/home/ada/project", "/app")),
        ("..:/app", Mount(BIND, "/home/ada", "/app")),
        ("../other:/app", Mount(BIND, "/home/ada/other", "/app")),
        ("~:/app", Mount(BIND, "/home/ada", "/app")),
        ("~/x:/app", Mount(BIND, "/home/ada/x", "/app")),
        ("$HOME/x:/app", Mount(BIND, "/home/ada/x", "/app")),
        ("$PWD:/app", Mount(BIND, "/home/ada/project", "/app")),
        ("${PWD}/x:/app", Mount(BIND, "/home/ada/project/x", "/app")),
        ("$(pwd)/x:/app", Mount(BIND, "/home/ada/project/x", "/app")),
        (r"C:\data:/data", Mount(BIND, r"C:\data", "/data")),
        ("C:/data:/data:ro", Mount(BIND, "C:/data", "/data", read_only=True)),
        ("c:/data:ro", Mount(VOLUME, "c", "/data", read_only=True)),
        ("-v data:/data", Mount(VOLUME, "data", "/data")),
        ("-vdata:/data", Mount(VOLUME, "data", "/data")),
        ("--volume=data:/data", Mount(VOLUME, "data", "/data")),
        ('-v "$PWD/my files":/data', Mount(BIND, "/home/ada/project/my files", "/data")),
        (r"-v C:\data\x:/data", Mount(BIND, r"C:\data\x", "/data")),
        ("type=volume,source=data,target=/data", Mount(VOLUME, "data", "/data")),
        ("source=data,target=/data", Mount(VOLUME, "data", "/data")),
        ("readonly,src=data,dst=/data", Mount(VOLUME, "data", "/data", read_only=True)),
        ("TYPE=Bind,SRC=/srv,Destination=/data,RO=true", Mount(BIND, "/srv", "/data", read_only=True)),
        ("type=bind,src=/srv,dst=/data,readonly=0", Mount(BIND, "/srv", "/data")),
        ("type=bind,src=.,dst=/data,bind-recursive=enabled", Mount(BIND, "/home/ada/project", "/data")),
        ("type=bind,src=/srv,dst=/data,bind-nonrecursive", Mount(BIND, "/srv", "/data", recursive="disabled")),
        ("type=bind,src=/srv,dst=/data,bind-create-src", Mount(BIND, "/srv", "/data", create_missing=True)),
        ("--mount type=tmpfs,dst=/run,tmpfs-size=1.5g,tmpfs-mode=1770", Mount(TMPFS, "", "/run", tmpfs_size=1610612736, tmpfs_mode=0o1770)),
        ("--tmpfs /run", Mount(TMPFS, "", "/run")),
        ("--tmpfs /run:rw,noexec,nosuid,size=65536k", Mount(TMPFS, "", "/run", tmpfs_size=64 * 1024**2)),
        ("--tmpfs=/run:ro,mode=755", Mount(TMPFS, "", "/run", read_only=True, tmpfs_mode=0o755)),
        (
            "--mount 'type=volume,src=n,dst=/d,volume-driver=local,volume-opt=type=nfs,\"volume-opt=o=addr=10.0.0.1,rw\",volume-label=a=b'",
            Mount(VOLUME, "n", "/d", driver="local", driver_options=(("type", "nfs"), ("o", "addr=10.0.0.1,rw")), labels=(("a", "b"),)),
        ),
        ("type=volume,src=n,dst=/d,volume-subpath=a/b,volume-nocopy", Mount(VOLUME, "n", "/d", subpath="a/b", no_copy=True)),
    ],
)  # fmt: skip
def test_each_way_to_write_a_mount_is_understood(spec: str, mount: Mount) -> None:
    assert parse(spec, CONTEXT) == mount


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ("", "spec", "empty"),
        ("x/y:/data", "source", "/home/ada/project/x/y"),
        ("$DATA:/data", "source", "variable"),
        ("~bob/x:/data", "source", "another user"),
        (":/data", "source", "first colon"),
        ("data:", "target", "no path inside"),
        ("/data:ro", "options", "anonymous"),
        ("data:/data:ro,rw", "options", "contradicts"),
        ("data:/data:ro,ro", "options", "twice"),
        ("data:/data:z,Z", "options", "contradicts"),
        ("data:/data:shared,private", "options", "contradicts"),
        ("data:/data:nope", "options", "knows no option"),
        ("ab:/b:/c:ro", "spec", "too many colons"),
        ("-v a:/b -v c:/d", "spec", "more than one"),
        ("-v 'a:/b", "spec", "never closed"),
        ("type=volume,src=data", "target", "missing"),
        ("type=cluster,dst=/x", "type", "volume, bind or tmpfs"),
        ("type=volume,dst=/x,dst=/y", "options", "twice"),
        ("type=volume,dst=/x,target=/y", "options", "twice"),
        ("type=volume,dst=/x,nope=1", "options", "knows no option"),
        ("type=volume,dst=/x,source", "options", "needs a value"),
        ("type=volume,dst=/x,source=", "options", "no value"),
        ("type=volume,dst=/x,,ro", "spec", "comma"),
        ("type=volume,dst=/x,readonly=maybe", "read_only", "true nor false"),
        ('type=volume,dst=/x,volume-opt="o=a,b"', "spec", "quote"),
        ('type=volume,"dst=/x', "spec", "never closed"),
        ("type=bind,src=data,dst=/x", "source", "/home/ada/project/data"),
        ("type=tmpfs,dst=/x,tmpfs-size=10 bananas", "tmpfs_size", "no size"),
        ("type=tmpfs,dst=/x,tmpfs-mode=999", "tmpfs_mode", "octal"),
        ("type=volume,dst=/x,volume-opt==a", "driver_options", "name before"),
        ("type=volume,dst=/x,volume-opt=a=1,volume-opt=a=2", "driver_options", "twice"),
        ("--tmpfs /run:uid=1000", "options", "can't be set"),
        ("--tmpfs :size=1m", "target", "missing"),
        ("--tmpfs /run:size=50%", "tmpfs_size", "no size"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(spec: str, field: str, words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse(spec, CONTEXT)
    assert list(caught.value.fields) == [field]
    assert words in caught.value.fields[field]


def test_folders_that_are_not_known_are_not_guessed() -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse("$PWD:/data", MountContext())
    assert "source" in caught.value.fields


@pytest.mark.parametrize(
    ("value", "mount"),
    [
        ({"type": "volume", "source": "data", "target": "/data", "read_only": True}, Mount(VOLUME, "data", "/data", read_only=True)),
        ({"type": "anonymous", "target": "/data"}, Mount(VOLUME, "", "/data")),
        ({"type": "anonymous", "source": "", "target": "/data", "read_only": "on"}, Mount(VOLUME, "", "/data", read_only=True)),
        ({"src": "data", "dst": "/data", "readonly": "false", "volume-nocopy": "1"}, Mount(VOLUME, "data", "/data", no_copy=True)),
        ({"type": "tmpfs", "target": "/run", "tmpfs-size": "64m", "tmpfs-mode": "1770"}, Mount(TMPFS, "", "/run", tmpfs_size=64 * 1024**2, tmpfs_mode=0o1770)),
        ({"type": "tmpfs", "target": "/run", "tmpfs": {"size": 5, "mode": 7}}, Mount(TMPFS, "", "/run", tmpfs_size=5, tmpfs_mode=7)),
        ({"type": "bind", "source": "~", "target": "/x"}, Mount(BIND, "/home/ada", "/x")),
        ({"type": "bind", "source": "/srv", "target": "/x", "bind": {"create_host_path": False, "selinux": "z"}}, Mount(BIND, "/srv", "/x", selinux="z")),
        ({"Type": "volume", "Source": "d", "Target": "/x", "ReadOnly": True,
          "VolumeOptions": {"NoCopy": True, "Subpath": "a", "DriverConfig": {"Name": "local", "Options": {"type": "nfs"}}}},
         Mount(VOLUME, "d", "/x", read_only=True, no_copy=True, subpath="a", driver="local", driver_options=(("type", "nfs"),))),
        ({"Type": "bind", "Source": "/s", "Target": "/x", "BindOptions": {"Propagation": "rslave", "NonRecursive": True}},
         Mount(BIND, "/s", "/x", propagation="rslave", recursive="disabled")),
        ("data:/data:ro", Mount(VOLUME, "data", "/data", read_only=True)),
        ("--mount type=bind,src=/s,dst=/x", Mount(BIND, "/s", "/x")),
    ],
)  # fmt: skip
def test_json_is_read_whichever_keys_it_uses(value: object, mount: Mount) -> None:
    assert mount_from_json(value, "mounts.0.", CONTEXT) == mount


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"type": "volume", "target": "/x", "colour": "red"}, ["mounts.2.colour"]),
        ({"type": "npipe", "target": 7}, ["mounts.2.type", "mounts.2.target"]),
        ({"type": "anonymous", "source": "data", "target": "/x"}, ["mounts.2.source"]),
        ({"src": "a", "source": "b", "target": "/x"}, ["mounts.2.source"]),
        ({"type": "tmpfs", "target": "/x", "size": "many"}, ["mounts.2.tmpfs_size"]),
        ({"target": "/x", "read_only": "perhaps"}, ["mounts.2.read_only"]),
        ({"target": "/x", "labels": {"a": 1}}, ["mounts.2.labels"]),
        (["data:/data"], ["mounts.2.spec"]),
        (None, ["mounts.2.spec"]),
        ("ab:/b:/c:/d", ["mounts.2.spec"]),
    ],
)
def test_json_that_can_not_be_read_names_its_fields(value: object, fields: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        mount_from_json(value, "mounts.2.", CONTEXT)
    assert list(caught.value.fields) == fields


@pytest.mark.parametrize(
    ("text", "size"),
    [("64m", 64 * 1024**2), ("1.5g", 1610612736), ("512 KiB", 524288), ("100", 100),
     ("1GB", 1024**3), ("10 bananas", None), ("", None), ("-1", None), ("1e9", None), ("9" * 19 + "p", None)],
)  # fmt: skip
def test_sizes_are_counted_in_units_of_1024(text: str, size: int | None) -> None:
    assert parse_size(text) == size


@given(st.integers(0, 2**62))
def test_a_printed_size_is_read_back_exactly(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_csv_is_read_back_exactly(values: list[str]) -> None:
    assert list(split_csv(join_csv(values))) == values


hostile = st.text(max_size=60) | st.text("-vmounttyp=:,/\\\"'$(){}`~.|\n\r# [a1", max_size=40)
json_names = st.sampled_from(["type", "source", "target", "bind", "volume", "tmpfs", "size", "mode", "DriverConfig"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile | json_names, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(hostile, st.sampled_from(["", "-v ", "--mount ", "--tmpfs ", "type=bind,"]))
def test_no_text_makes_parsing_fail_otherwise_than_in_words(text: str, start: str) -> None:
    for read in (
        lambda: parse(start + text, CONTEXT),
        lambda: parse_port(text),
        lambda: parse_paste(start + text, CONTEXT),
    ):
        try:
            read()
        except InvalidInputError as error:
            assert all(error.fields.values())


@settings(max_examples=300, deadline=None)
@given(json_values)
def test_no_json_makes_reading_fail_otherwise_than_in_words(value: object) -> None:
    try:
        mount_from_json(value, "mounts.0.", CONTEXT)
    except InvalidInputError as error:
        assert all(name.startswith("mounts.0.") for name in error.fields)
