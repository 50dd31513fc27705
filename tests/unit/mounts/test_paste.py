"""Pasting in place of filling in."""

from __future__ import annotations

import pytest

from tests.unit.mounts.strategies import CONTEXT
from webui.errors import InvalidInputError
from webui.mounts import Launch, Mount, MountType, PortMapping, parse_paste, previews

DATA = Mount(MountType.VOLUME, "data", "/data")
HERE = Mount(MountType.BIND, "/home/ada/project", "/app")


@pytest.mark.parametrize(
    ("text", "launch"),
    [
        ("docker run debian", Launch("debian")),
        ("docker container run debian ls -la", Launch("debian", command=("ls", "-la"))),
        ("docker create -v data:/data debian", Launch("debian", start=False, mounts=(DATA,))),
        ("podman run -v data:/data debian", Launch("debian", mounts=(DATA,))),
        ("$ sudo docker run -d -v data:/data debian", Launch("debian", mounts=(DATA,))),
        ("sudo -E FOO=1 /usr/bin/docker run debian", Launch("debian")),
        ("cd /tmp && docker run debian", Launch("debian")),
        ("# how to start it\ndocker run debian", Launch("debian")),
        ("docker run \\\n  -v data:/data \\\r\n  --name web \\\n  debian sh -c 'a b'",
         Launch("debian", name="web", command=("sh", "-c", "a b"), mounts=(DATA,))),
        ("docker run `\n -v data:/data `\n debian", Launch("debian", mounts=(DATA,))),
        ('docker run -v "$(pwd)":/app debian', Launch("debian", mounts=(HERE,))),
        ("docker run -v $PWD:/app debian", Launch("debian", mounts=(HERE,))),
        ("docker run -v `pwd`:/app debian", Launch("debian", mounts=(HERE,))),
        ("docker run -v ./:/app debian", Launch("debian", mounts=(HERE,))),
        (r"docker run -v C:\data\x:/data debian", Launch("debian", mounts=(Mount(MountType.BIND, r"C:\data\x", "/data"),))),
        (r"docker run --mount type=bind,src=C:\data\x,dst=/data debian", Launch("debian", mounts=(Mount(MountType.BIND, r"C:\data\x", "/data"),))),
        (r"docker run debian echo C:a\ b \a", Launch("debian", command=("echo", "C:a b", "a"))),
        ("docker run -de A=1 -e A=2 -eB='x y' debian", Launch("debian", environment=(("A", "2"), ("B", "x y")))),
        ("docker run --name=web -p 80:80 --net host --restart=always -- debian",
         Launch("debian", name="web", ports=(PortMapping(80, 80),), network="host", restart="always")),
        ("docker run --name a-1 debian; docker run --name a-2 debian", Launch("debian", name="a", replicas=2)),
        ("docker run debian\ndocker run debian\n", Launch("debian", replicas=2)),
    ],
)  # fmt: skip
def test_docker_run_lines_become_launches(text: str, launch: Launch) -> None:
    pasted = parse_paste(text, CONTEXT)
    assert pasted.launch == launch
    assert [note for note in pasted.not_understood if "cd /tmp" not in note] == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("docker run --rm -it debian", ("--rm", "-i", "-t")),
        ("docker run --cpus 2 --memory=1g -u 0 debian", ("--cpus 2", "--memory=1g", "-u 0")),
        ("docker run --entrypoint sh debian", ("--entrypoint sh",)),
        ("docker run -e TOKEN debian", ("-e TOKEN (its value is in your shell: type it in)",)),
        ("docker run -e A=$TOKEN debian", ("the variable $TOKEN",)),
        ("docker --context far run debian", ("--context far",)),
        ("docker run --frobnicate debian", ("--frobnicate (not a flag of docker run)",)),
        ("docker pull debian\ndocker run debian", ("the command “docker pull debian”",)),
        ("docker run debian\ndocker run alpine", ("another container: “alpine”",)),
        ("docker run --network a --network b debian", ("--network b",)),
        ("docker run -d=false debian", ("-d=false",)),
    ],
)
def test_what_is_not_understood_is_named(text: str, named: tuple[str, ...]) -> None:
    pasted = parse_paste(text, CONTEXT)
    assert pasted.launch is not None
    assert pasted.launch.image == "debian"
    assert pasted.not_understood == named


@pytest.mark.parametrize(
    "text",
    [
        "data:/data\n.:/app",
        "-v data:/data -v .:/app",
        "-v data:/data \\\n --volume=.:/app",
        "--mount type=volume,src=data,dst=/data\n--mount type=bind,src=.,dst=/app",
        "type=volume,src=data,dst=/data\ntype=bind,src=.,dst=/app",
        "- data:/data\n- .:/app",
        "volumes:\n  - data:/data\n  - type: bind\n    source: .\n    target: /app",
        'mounts = [Mount("/data", "data"), Mount("/app", os.getcwd(), type="bind")]',
    ],
)
def test_mounts_alone_become_rows(text: str) -> None:
    pasted = parse_paste(text, CONTEXT)
    assert pasted.mounts == (DATA, HERE)
    assert not pasted.launch_fields.get("image")
    assert pasted.not_understood == ()


COMPOSE = """
services:
  web:
    image: nginx:${TAG:-latest}
    command: nginx -g 'daemon off;'
    environment:
      - A=1
      - B=$$HOME
    ports: ["8080:80", {target: 53, published: "5353", protocol: udp}]
    restart: unless-stopped
    scale: 2
    networks: [back]
    volumes:
      - content:/usr/share/nginx/html:ro
      - ./conf:/etc/nginx/conf.d
      - {type: tmpfs, target: /run, tmpfs: {size: 64m, mode: 01770}}
    depends_on: [db]
    tmpfs: /tmp:size=1m
  db:
    image: postgres
volumes:
  content:
    name: site
networks:
  back: {name: backend, external: true}
"""


def test_a_compose_file_becomes_a_launch_of_its_first_service() -> None:
    pasted = parse_paste(COMPOSE, CONTEXT)
    assert pasted.launch == Launch(
        "nginx:latest",
        name="web",
        command=("nginx", "-g", "daemon off;"),
        environment=(("A", "1"), ("B", "$HOME")),
        ports=(PortMapping(80, 8080), PortMapping(53, 5353, "udp")),
        restart="unless-stopped",
        replicas=2,
        network="backend",
        mounts=(
            Mount(MountType.VOLUME, "site", "/usr/share/nginx/html", read_only=True),
            Mount(MountType.BIND, "/home/ada/project/conf", "/etc/nginx/conf.d"),
            Mount(MountType.TMPFS, "", "/run", tmpfs_size=64 * 1024**2, tmpfs_mode=0o1770),
            Mount(MountType.TMPFS, "", "/tmp", tmpfs_size=1024**2),
        ),
    )
    assert pasted.not_understood == ("the variable ${TAG:-latest}", "the service “db”", "depends_on:")


def test_compose_reads_a_mode_as_yaml_does() -> None:
    pasted = parse_paste("- {type: tmpfs, target: /run, tmpfs: {mode: 1016}}", CONTEXT)
    assert pasted.mounts[0].tmpfs_mode == 0o1770


def test_a_lone_service_will_do() -> None:
    assert parse_paste("image: debian\nvolumes: [data:/data]", CONTEXT).launch == Launch("debian", mounts=(DATA,))
    assert parse_paste("web:\n  image: debian", CONTEXT).launch == Launch("debian", name="web")


PYTHON = """
import docker, os
client = docker.from_env()
folder = os.path.join(os.getcwd(), "x")
settings = {"A": "1"}
client.containers.run(
    "debian", "echo 'a b'", name="web", environment=settings, detach=True, remove=True,
    ports={"80/tcp": [8080, ("127.0.0.1", 8081)], "53/udp": None},
    volumes={"data": {"bind": "/data", "mode": "ro"}, folder: "/app"},
    tmpfs={"/run": "size=1m"},
    restart_policy={"Name": "on-failure", "MaximumRetryCount": 2},
    user=whoever(),
)
"""


def test_docker_py_code_becomes_a_launch_without_being_run() -> None:
    pasted = parse_paste(PYTHON, CONTEXT)
    assert pasted.launch == Launch(
        "debian",
        name="web",
        command=("echo", "a b"),
        environment=(("A", "1"),),
        ports=(PortMapping(80, 8080), PortMapping(80, 8081, "tcp", "127.0.0.1"), PortMapping(53, None, "udp")),
        restart="on-failure:2",
        mounts=(
            Mount(MountType.VOLUME, "data", "/data", read_only=True),
            Mount(MountType.BIND, "/home/ada/project/x", "/app"),
            Mount(MountType.TMPFS, "", "/run", tmpfs_size=1024**2),
        ),
    )
    assert pasted.not_understood == ("remove=True", "user=whoever()")


def test_several_ports_of_one_container_port_come_back_from_docker_py() -> None:
    launch = Launch("debian", ports=(PortMapping(80, 8080), PortMapping(80), PortMapping(80, 8081, "tcp", "::1")))
    assert parse_paste(previews(launch)["python"], CONTEXT).launch == launch


def test_a_volume_that_exists_is_external_in_compose() -> None:
    text = previews(Launch("debian", mounts=(DATA,)), frozenset({"data"}))["compose"]
    assert "external: true" in text
    assert parse_paste(text, CONTEXT).launch == Launch("debian", mounts=(DATA,))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "spec"),
        ("hello world", "spec"),
        ("   \n # only a comment", "spec"),
        ("x" * 70_000, "spec"),
        ("docker run", "image"),
        ("docker run -v data:/data", "image"),
        ("docker run -v a/b:/data debian", "mounts.0.source"),
        ("docker run -v data:/data -v /x:ro debian", "mounts.1.options"),
        ("docker run -p 99999:1 debian", "ports"),
        ("docker run 'debian", "spec"),
        ("docker run debian\0", "spec"),
        ("docker volume ls", "spec"),
        ("services: []", "spec"),
        ("services:\n  web:\n    image: [a]", "image"),
        ("services: {web: {image: a, image: b}}", "spec"),
        ("a: &x [1]\nb: *x", "spec"),
        ("services: !!python/object:os.system {}", "spec"),
        ("services: {web: {image: d, scale: many}}", "replicas"),
        ("- {type: volume, target: /x, nope: 1}", "mounts.0.nope"),
        ("[" * 1000, "spec"),
        ("import docker\nclient.containers.run(", "spec"),
        ("import docker\nprint(1)", "spec"),
        ("import docker\nx.containers.run('d', mounts=[Mount('/x', name())])", "mounts"),
        ("import docker\nx.containers.run('d', mounts=[{'Nope': 1}])", "mounts.0.Nope"),
        ("import docker\nx.containers.run()", "image"),
        ("import docker\nx = " + "(" * 5000, "spec"),
        ("import docker\nx = " + "-" * 50_000 + "1", "spec"),
        ("import docker\nx = " + "1+" * 20_000 + "1", "spec"),
    ],
)  # fmt: skip
def test_what_can_not_be_right_is_said_beside_its_field(text: str, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_paste(text, CONTEXT)
    assert field in caught.value.fields


def test_names_that_stand_for_each_other_do_not_grow_without_bound() -> None:
    lists = "\n".join(f"x{n} = [x{n + 1}, x{n + 1}]" for n in range(60))
    texts = "\n".join(f"y{n} = y{n + 1} + y{n + 1}" for n in range(60))
    for text in (
        f"import docker\n{lists}\nx60 = 1\nc.containers.run('d', mounts=x0)",
        f"import docker\n{texts}\ny60 = 'aaaa'\nc.containers.run('d', name=y0)",
        "import docker\na = b\nb = a\nc.containers.run('d', mounts=a)",
    ):
        with pytest.raises(InvalidInputError):
            parse_paste(text, CONTEXT)
