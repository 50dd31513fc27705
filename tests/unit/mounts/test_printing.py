"""How mounts and launches look when printed. That they are read back the same is told in `test_round_trip`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from docker.types import DriverConfig
from docker.types import Mount as EngineMount

from webui.mounts import (
    Launch,
    Mount,
    MountType,
    PortMapping,
    api_object,
    commands,
    left_out,
    mount_flag,
    previews,
    volume_flag,
)

DATA = Mount(MountType.VOLUME, "data", "/data", read_only=True)
BIND = Mount(MountType.BIND, "/home/ada/my files", "/app")
TMPFS = Mount(MountType.TMPFS, "", "/run", tmpfs_size=64 * 1024**2, tmpfs_mode=0o1770)


def test_the_four_forms_of_a_volume() -> None:
    assert commands(DATA) == {
        "volume": "-v data:/data:ro",
        "mount": "--mount type=volume,source=data,target=/data,readonly",
        "compose": "- type: volume\n  source: data\n  target: /data\n  read_only: true",
        "python": "Mount(target='/data', source='data', type='volume', read_only=True)",
    }


def test_a_path_with_a_space_is_quoted_for_the_shell() -> None:
    assert volume_flag(BIND) == "-v '/home/ada/my files:/app'"
    assert mount_flag(BIND) == "--mount 'type=bind,source=/home/ada/my files,target=/app'"


def test_a_tmpfs_has_a_flag_of_its_own() -> None:
    assert volume_flag(TMPFS) == "--tmpfs /run:size=64m,mode=1770"
    assert "mode: 01770" in commands(TMPFS)["compose"]


@pytest.mark.parametrize(
    "mount",
    [
        replace(DATA, target="/da:ta"),
        replace(DATA, subpath="a"),
        replace(DATA, driver="local"),
        replace(DATA, labels=(("a", "b"),)),
        replace(BIND, recursive="disabled"),
        replace(BIND, source="/a:b"),
        Mount(MountType.VOLUME, "", "/data", no_copy=True),
    ],
)
def test_what_the_short_flag_can_not_say_is_written_with_the_long_one(mount: Mount) -> None:
    assert volume_flag(mount) is None
    found = commands(mount)
    assert found["volume"] == found["mount"] == mount_flag(mount)
    assert found["note"]


def test_a_label_for_selinux_is_written_with_the_short_flag() -> None:
    found = commands(replace(DATA, selinux="z"))
    assert found["mount"] == "-v data:/data:ro,z"
    assert found["note"]


LAUNCH = Launch(
    "nginx",
    name="web",
    ports=(PortMapping(80, 8080, "tcp", "127.0.0.1"),),
    environment=(("PRICE", "5$"),),
    restart="always",
    network="back",
    mounts=(DATA,),
)


def test_docker_run_is_one_line_for_each_container() -> None:
    assert previews(LAUNCH)["volume"] == (
        "docker run -d --name web --restart always --network back -p 127.0.0.1:8080:80 "
        "-e 'PRICE=5$' -v data:/data:ro nginx"
    )
    lines = previews(replace(LAUNCH, ports=(), replicas=3, start=False))["mount"].splitlines()
    assert [line.split()[3] for line in lines] == ["web-1", "web-2", "web-3"]
    assert all(line.startswith("docker create --name") for line in lines)


def test_compose_names_the_volume_itself_and_doubles_dollars() -> None:
    assert previews(LAUNCH)["compose"] == (
        "services:\n"
        "  web:\n"
        "    image: nginx\n"
        "    container_name: web\n"
        "    environment:\n"
        "      PRICE: 5$$\n"
        "    ports:\n"
        "      - 127.0.0.1:8080:80\n"
        "    networks:\n"
        "      - back\n"
        "    restart: always\n"
        "    volumes:\n"
        "      - type: volume\n"
        "        source: data\n"
        "        target: /data\n"
        "        read_only: true\n"
        "volumes:\n"
        "  data:\n"
        "    name: data\n"
        "networks:\n"
        "  back:\n"
        "    name: back\n"
        "    external: true\n"
    )


def test_what_compose_can_not_say_stands_in_a_comment() -> None:
    launch = replace(LAUNCH, start=False)
    assert previews(launch)["compose"].startswith("# Compose has no word for")
    assert left_out(launch, "compose")
    assert left_out(LAUNCH, "compose") == ()


def test_a_new_key_of_mount_says_which_docker_it_needs() -> None:
    launch = replace(LAUNCH, mounts=(replace(BIND, create_missing=True),))
    assert "29" in left_out(launch, "mount")[0]
    assert "without asking" in left_out(launch, "volume")[0]
    assert left_out(launch, "compose") == ()


def test_the_docker_py_script_is_python_that_makes_the_engines_own_objects() -> None:
    text = previews(replace(LAUNCH, mounts=(DATA, TMPFS)))["python"]
    compile(text, "preview", "exec")
    assert "from docker.types import Mount\n" in text


@pytest.mark.parametrize(
    "mount",
    [
        DATA,
        TMPFS,
        replace(BIND, propagation="rslave", consistency="cached"),
        replace(
            DATA, no_copy=True, subpath="a", labels=(("a", "b"),), driver="local", driver_options=(("type", "nfs"),)
        ),
    ],
)
def test_docker_pys_mount_says_the_same_as_our_own_object(mount: Mount) -> None:
    made = eval(commands(mount)["python"], {"Mount": EngineMount, "DriverConfig": DriverConfig})
    assert {name: value for name, value in made.items() if value is not None} == api_object(mount)
