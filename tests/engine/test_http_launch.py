"""Launching containers over HTTP: what is made, what is refused, and that nothing is left behind."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.engine.http_client import Client
from tests.waiting import wait_until
from webui.engine.connection import Engine

CONTAINERS = "/e/default/containers"
Launching = Callable[..., dict[str, Any]]


@pytest.fixture
def basic(prefix: str, small_image: str) -> Launching:
    """The least a launch needs, and what is given beside."""

    def make(**more: Any) -> dict[str, Any]:
        return {"image": small_image, "name": f"{prefix}-c", "command": ["sleep", "600"], "network": "none"} | more

    return make


@pytest.fixture
def everything(engine: Engine) -> Callable[[], tuple[set[str], set[str]]]:
    """The ids of all containers and the names of all volumes there are."""

    def look() -> tuple[set[str], set[str]]:
        containers = {each["Id"] for each in engine.api.containers(all=True)}
        return containers, {each["Name"] for each in engine.api.volumes()["Volumes"] or ()}

    return look


def logs(api: Client, identifier: str) -> str:
    return "\n".join(api.get(f"{CONTAINERS}/{identifier}/logs").json()["lines"])


def state(api: Client, identifier: str) -> str:
    return api.get(f"{CONTAINERS}/{identifier}").json()["state"]


def one(answer: Any) -> dict[str, Any]:
    made = answer.json(201)
    assert set(made) == {"containers", "warnings"}
    assert len(made["containers"]) == 1
    return made["containers"][0]


class TestLaunch:
    def test_data_outlives_the_container(self, api: Client, basic: Launching, prefix: str) -> None:
        write = {"command": ["sh", "-c", "echo kept > /data/file"], "mounts": [f"{prefix}-data:/data"]}
        answer = api.post(CONTAINERS, basic(**write))
        first = one(answer)
        assert answer.headers["Location"]
        wait_until(lambda: state(api, first["id"]) == "exited")
        assert api.delete(f"{CONTAINERS}/{first['id']}?volumes=yes").status == 204
        mount = {"type": "volume", "source": f"{prefix}-data", "target": "/data", "read_only": True}
        second = one(api.post(CONTAINERS, basic(command="cat /data/file", mounts=[mount])))
        wait_until(lambda: state(api, second["id"]) == "exited")
        assert "kept" in logs(api, second["id"])
        assert second["mounts"] == [
            {
                "type": "volume",
                "name": f"{prefix}-data",
                "source": f"{prefix}-data",
                "target": "/data",
                "read_only": True,
            }
        ]

    def test_replicas_share_a_volume(self, api: Client, basic: Launching, prefix: str) -> None:
        write = ["sh", "-c", "echo line >> /data/lines; sleep 600"]
        said = api.post(CONTAINERS, basic(command=write, replicas=3, mounts=[f"{prefix}-data:/data"])).json(201)
        assert [each["name"] for each in said["containers"]] == [f"{prefix}-c-{number}" for number in (1, 2, 3)]
        assert any("write" in warning for warning in said["warnings"])
        held = api.get(f"/e/default/volumes/{prefix}-data").json()["used_by"]
        assert [use["name"] for use in held] == [f"{prefix}-c-{number}" for number in (1, 2, 3)]

        def lines() -> str:
            reader = one(
                api.post(CONTAINERS, basic(name="", command="cat /data/lines", mounts=[f"{prefix}-data:/data:ro"]))
            )
            wait_until(lambda: state(api, reader["id"]) == "exited")
            text = logs(api, reader["id"])
            api.delete(f"{CONTAINERS}/{reader['id']}")
            return text

        wait_until(lambda: lines().count("line") == 3)

    def test_everything_that_is_asked_arrives(
        self, api: Client, engine: Engine, basic: Launching, prefix: str, tmp_path: Path
    ) -> None:
        sent = basic(
            env={"COLOUR": "dark blue", "EMPTY": ""},
            restart="on-failure:3",
            start=False,
            ports=["18080:80", "127.0.0.1:18081:81/udp"],
            mounts=[
                {"type": "volume", "source": f"{prefix}-data", "target": "/data", "no_copy": True},
                {"type": "bind", "source": str(tmp_path), "target": "/host", "read_only": True},
                {"type": "tmpfs", "target": "/scratch", "tmpfs_size": "16m", "tmpfs_mode": "1770"},
                {"type": "anonymous", "target": "/anonymous"},
            ],
        )
        said = api.post(CONTAINERS, sent).json(201)
        assert any("no ports" in warning for warning in said["warnings"])
        raw = engine.api.inspect_container(said["containers"][0]["id"])
        assert raw["State"]["Status"] == "created"
        assert {"COLOUR=dark blue", "EMPTY="} <= set(raw["Config"]["Env"])
        host = raw["HostConfig"]
        assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
        assert host["PortBindings"]["80/tcp"][0]["HostPort"] == "18080"
        assert host["PortBindings"]["81/udp"] == [{"HostIp": "127.0.0.1", "HostPort": "18081"}]
        assert [mount["Target"] for mount in host["Mounts"]] == ["/data", "/host", "/scratch", "/anonymous"]
        assert host["Mounts"][0]["VolumeOptions"]["NoCopy"] is True
        assert host["Mounts"][2]["TmpfsOptions"] == {"SizeBytes": 16 * 1024**2, "Mode": 0o1770}
        assert host["Binds"] in (None, [])

    def test_a_command_is_text_or_a_list(self, api: Client, engine: Engine, basic: Launching) -> None:
        first = one(api.post(CONTAINERS, basic(command="sh -c 'echo \"a b\"'")))
        assert engine.api.inspect_container(first["id"])["Config"]["Cmd"] == ["sh", "-c", 'echo "a b"']
        engine.api.remove_container(first["id"], force=True)
        second = one(api.post(CONTAINERS, basic(command=["echo", "a  b", ""])))
        assert engine.api.inspect_container(second["id"])["Config"]["Cmd"] == ["echo", "a  b", ""]

    def test_a_name_is_optional(self, api: Client, basic: Launching, prefix: str) -> None:
        made = one(api.post(CONTAINERS, basic(name="", mounts=[f"{prefix}-data:/data"])))
        assert made["name"]

    def test_a_form_of_a_page(self, htmx: Client, api: Client, prefix: str, small_image: str) -> None:
        sent = {
            "image": small_image,
            "name": f"{prefix}-c",
            "command": "sleep 600",
            "network": "none",
            "restart": "no",
            "replicas": "1",
            "start": "yes",
            "mounts-0-type": "volume",
            "mounts-0-source": f"{prefix}-data",
            "mounts-0-target": "/data",
        }
        answer = htmx.form(CONTAINERS, sent)
        assert answer.status == 200, answer.text
        made = api.get(f"{CONTAINERS}/{prefix}-c").json()
        assert answer.headers["HX-Redirect"].endswith(made["id"])
        again = htmx.form(CONTAINERS, sent)
        assert again.status == 409
        assert f"A container named {prefix}-c exists already." in again.text
        assert f"{prefix}-data" in again.text

    def test_a_form_of_a_script_starts_what_it_makes(self, api: Client, prefix: str, small_image: str) -> None:
        sent = {"image": small_image, "name": f"{prefix}-c", "command": "sleep 600", "network": "none"}
        assert one(api.form(CONTAINERS, sent))["state"] == "running"
        assert one(api.form(CONTAINERS, sent | {"name": f"{prefix}-d", "start": "no"}))["state"] == "created"


class TestForm:
    @pytest.mark.parametrize(
        "sent",
        [
            {},
            {"action": "add-mount:bind"},
            {"action": "remove-mount:9"},
            {"action": "remove-mount:x"},
            {"action": "fix:0:nosuch:0"},
            {"action": "fix:x:y:z"},
            {"action": "fix"},
            {"action": "add-declared:/x"},
            {"action": "paste", "paste": "-v data:/data --rm --nosuch"},
            {"mounts-0-type": "floppy", "mounts-0-source": "x"},
            {"mounts-9999-target": "/x"},
            {"mounts-0-rest": "[1]"},
            {"mounts-0-rest": "[" * 100_000},
            {"mounts-0-rest": '{"driver_options": 5}', "mounts-0-target": "/x"},
            {"replicas": "many", "port": ["x", "80:80"], "env_key": ["a b"], "env_value": ["c"]},
            {"network": "none", "port": ["80:80"]},
        ],
    )
    def test_a_preview_makes_nothing_and_never_fails(
        self, htmx: Client, small_image: str, everything: Callable[[], object], sent: dict[str, Any]
    ) -> None:
        before = everything()
        assert htmx.form(f"{CONTAINERS}/-/new", {"image": small_image, **sent}).status == 200
        wait_until(lambda: everything() == before)

    def test_text_that_cannot_be_read_is_said_at_once(self, htmx: Client) -> None:
        for sent in ({"action": "paste", "paste": "docker run 'open"}, {"nosuch": "x"}):
            assert htmx.form(f"{CONTAINERS}/-/new", sent).status == 422


class TestRefusals:
    @pytest.mark.parametrize(
        ("more", "field"),
        [
            ({"image": "nosuch/image:1"}, "image"),
            ({"image": ""}, "image"),
            ({"image": None}, "image"),
            ({"image": "../x"}, "image"),
            ({"image": "UPPER"}, "image"),
            ({"image": 5}, "image"),
            ({"name": "a"}, "name"),
            ({"name": "a/b"}, "name"),
            ({"name": "x\n"}, "name"),
            ({"name": "x" * 300}, "name"),
            ({"name": ["x"]}, "name"),
            ({"mounts": ["data:relative"]}, "mounts.0.target"),
            ({"mounts": ["PREFIX-data:/"]}, "mounts.0.target"),
            ({"mounts": ["PREFIX-data:/a/../../etc"]}, "mounts.0.target"),
            ({"mounts": [{"source": "PREFIX-data", "target": "/a\nb"}]}, "mounts.0.target"),
            ({"mounts": [{"source": "PREFIX-data", "target": "/a\x00b"}]}, "mounts.0.target"),
            ({"mounts": [{"source": "PREFIX-data"}]}, "mounts.0.target"),
            ({"mounts": [{"source": "PREFIX-data", "target": 5}]}, "mounts.0.target"),
            ({"mounts": ["PREFIX-a:/x", "PREFIX-b:/x/"]}, "mounts.1.target"),
            ({"mounts": [{"type": "volume", "source": "/etc", "target": "/x"}]}, "mounts.0.source"),
            ({"mounts": [{"type": "volume", "source": "a", "target": "/x"}]}, "mounts.0.source"),
            ({"mounts": [{"type": "volume", "source": "data\n", "target": "/x"}]}, "mounts.0.source"),
            ({"mounts": [{"type": "bind", "source": "/nonexistent/x", "target": "/x"}]}, "mounts.0.source"),
            ({"mounts": [{"type": "bind", "target": "/x"}]}, "mounts.0.source"),
            ({"mounts": [{"type": "bind", "source": "/etc", "target": "/x"}]}, "mounts.0.confirm"),
            ({"mounts": ["/var/run/docker.sock:/var/run/docker.sock"]}, "mounts.0.confirm"),
            ({"mounts": ["PREFIX-a:/x", "/:/host:ro"]}, "mounts.1.confirm"),
            ({"mounts": [{"type": "floppy", "target": "/x"}]}, "mounts.0.type"),
            ({"mounts": [{"type": "volume", "target": "/x", "colour": "red"}]}, "mounts.0.colour"),
            ({"mounts": [5]}, "mounts.0"),
            ({"mounts": "data:/data"}, "mounts"),
            ({"mounts": {"source": "data"}}, "mounts"),
            ({"mounts": [f"PREFIX-{number}:/x{number}" for number in range(200)]}, "mounts"),
            ({"ports": ["0:0"]}, "ports"),
            ({"ports": ["65536:80"]}, "ports"),
            ({"ports": ["80:65536"]}, "ports"),
            ({"ports": [-1]}, "ports"),
            ({"ports": [0]}, "ports"),
            ({"ports": [70000]}, "ports"),
            ({"ports": ["http"]}, "ports"),
            ({"ports": ["8080:80/ip"]}, "ports"),
            ({"ports": ["999.1.1.1:8080:80"]}, "ports"),
            ({"ports": [{"container_port": 80, "host_port": 70000}]}, "ports"),
            ({"ports": [{"container_port": "80"}]}, "ports"),
            ({"ports": [{"port": 80}]}, "ports"),
            ({"ports": {"80/tcp": {"x": 1}}}, "ports"),
            ({"ports": ["8080:80", "8080:81"]}, "ports"),
            ({"ports": 8080}, "ports"),
            ({"ports": "8080:80"}, "ports"),
            ({"restart": "sometimes"}, "restart"),
            ({"restart": "on-failure:x"}, "restart"),
            ({"restart": 1}, "restart"),
            ({"network": "PREFIX-nosuch"}, "network"),
            ({"network": "container:PREFIX-nosuch"}, "network"),
            ({"network": "../x"}, "network"),
            ({"network": []}, "network"),
            ({"replicas": 0}, "replicas"),
            ({"replicas": 101}, "replicas"),
            ({"replicas": -1}, "replicas"),
            ({"replicas": "x"}, "replicas"),
            ({"replicas": 1.5}, "replicas"),
            ({"replicas": True}, "replicas"),
            ({"replicas": 10**40}, "replicas"),
            ({"env": {"": "x"}}, "env"),
            ({"env": {"A B": "x"}}, "env"),
            ({"env": {"A\n": "x"}}, "env"),
            ({"env": {"A": "x\x00"}}, "env"),
            ({"env": {"A": ["x"]}}, "env"),
            ({"env": 5}, "env"),
            ({"command": 5}, "command"),
            ({"command": "sh -c 'open"}, "command"),
            ({"command": ["a\x00"]}, "command"),
            ({"command": [5]}, "command"),
            ({"command": ["nosuchprogram"]}, "command"),
            ({"command": ["/etc"]}, "command"),
            ({"start": "perhaps"}, "start"),
            ({"volumes": {"/etc": {"bind": "/x"}}}, "volumes"),
            ({"privileged": True}, "privileged"),
        ],
    )
    def test_name_the_field_and_leave_nothing(
        self,
        api: Client,
        basic: Launching,
        prefix: str,
        everything: Callable[[], object],
        more: dict[str, Any],
        field: str,
    ) -> None:
        before = everything()
        sent = _named(basic(**({"mounts": ["PREFIX-new:/new", "/anonymous"]} | more)), prefix)
        fields = api.post(CONTAINERS, sent).fields()
        assert any(name == field or name.startswith(f"{field}.") for name in fields), fields
        assert all(fields.values())
        wait_until(lambda: everything() == before)

    def test_a_name_that_is_taken(self, api: Client, basic: Launching, prefix: str) -> None:
        first = one(api.post(CONTAINERS, basic()))
        answer = api.post(CONTAINERS, basic(mounts=[f"{prefix}-data:/data"]))
        assert "name" in answer.fields(409)
        assert answer.json(409)["used_by"][0]["id"] == first["id"]
        assert api.get(f"/e/default/volumes/{prefix}-data").status == 404

    def test_the_name_of_a_later_replica_that_is_taken(
        self, api: Client, basic: Launching, prefix: str, everything: Callable[[], object]
    ) -> None:
        one(api.post(CONTAINERS, basic(name=f"{prefix}-c-2", start=False)))
        before = everything()
        assert "name" in api.post(CONTAINERS, basic(replicas=3, mounts=[f"{prefix}-d:/data"])).fields(409)
        assert everything() == before

    @pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1"])
    @pytest.mark.parametrize("network", ["none", "host", ""])
    def test_a_port_that_another_program_has(
        self, api: Client, basic: Launching, everything: Callable[[], object], address: str, network: str
    ) -> None:
        before = everything()
        with closing(
            socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        ) as other:
            port = other.getsockname()[1]
            fields = api.post(CONTAINERS, basic(network=network, ports=[f"{port}:80"])).fields(409)
        assert str(port) in fields["ports"]
        assert everything() == before

    def test_a_port_that_another_container_has(
        self, api: Client, engine: Engine, basic: Launching, prefix: str, everything: Callable[[], object]
    ) -> None:
        one(api.post(CONTAINERS, basic(name=f"{prefix}-first", ports=["18090:80"])))
        before = everything()
        fields = api.post(CONTAINERS, basic(ports=["18090:81"])).fields(409)
        assert f"{prefix}-first" in fields["ports"]
        assert everything() == before
        engine.api.kill(f"{prefix}-first")
        one(api.post(CONTAINERS, basic(ports=["18090:81"])))

    def test_a_program_that_is_missing_is_said_in_words(self, api: Client, basic: Launching) -> None:
        assert "nosuchprogram" in api.post(CONTAINERS, basic(command="nosuchprogram -x")).fields()["command"]

    def test_a_later_replica_that_cannot_start_takes_all_along(
        self,
        api: Client,
        basic: Launching,
        prefix: str,
        everything: Callable[[], object],
        tmp_path: Path,
    ) -> None:
        """The first container removes what the second one needs to start."""
        program = tmp_path / "program"
        program.write_text("#!/bin/sh\nrm -f /host/program\nsleep 600\n")
        program.chmod(0o755)
        before = everything()
        sent = basic(command=["/host/program"], replicas=50, mounts=[f"{tmp_path}:/host", f"{prefix}-data:/data"])
        assert "command" in api.post(CONTAINERS, sent).fields()
        assert everything() == before

    def test_a_volume_that_cannot_be_mounted(
        self, api: Client, engine: Engine, basic: Launching, prefix: str, everything: Callable[[], object]
    ) -> None:
        engine.api.create_volume(
            f"{prefix}-nowhere", driver_opts={"type": "none", "o": "bind", "device": "/nonexistent/folder"}
        )
        secret = {"type": "cifs", "device": "//127.0.0.1/x", "o": "addr=127.0.0.1,username=a,password=correcthorse"}
        engine.api.create_volume(f"{prefix}-share", driver_opts=secret)
        before = everything()
        for volume in (f"{prefix}-nowhere", f"{prefix}-share"):
            answer = api.post(CONTAINERS, basic(mounts=["/anonymous", f"{prefix}-new:/new", f"{volume}:/data"]))
            assert list(answer.fields()) == ["mounts.2.source"]
            assert b"correcthorse" not in answer.body
        assert everything() == before

    def test_a_new_volume_that_cannot_be_made(
        self, api: Client, basic: Launching, prefix: str, everything: Callable[[], object]
    ) -> None:
        before = everything()
        bad = {"type": "volume", "source": f"{prefix}-bad", "target": "/bad", "driver_options": {"colour": "red"}}
        fields = api.post(CONTAINERS, basic(mounts=["/anonymous", f"{prefix}-new:/new", bad])).fields()
        assert any(name.startswith("mounts.2.") for name in fields), fields
        assert everything() == before


class TestHostFolders:
    def test_are_made_only_when_asked(self, api: Client, basic: Launching, tmp_path: Path) -> None:
        folder = tmp_path / "a" / "b"
        mount = {"type": "bind", "source": str(folder), "target": "/host"}
        assert "mounts.0.source" in api.post(CONTAINERS, basic(mounts=[mount])).fields()
        assert not folder.exists()
        one(api.post(CONTAINERS, basic(mounts=[mount | {"create_missing": True}])))
        assert folder.is_dir()

    def test_go_again_when_the_launch_fails(self, api: Client, basic: Launching, tmp_path: Path) -> None:
        mount = {"type": "bind", "source": str(tmp_path / "a" / "b"), "target": "/host", "create_missing": True}
        assert "command" in api.post(CONTAINERS, basic(command="nosuchprogram", mounts=[mount])).fields()
        assert list(tmp_path.iterdir()) == []

    def test_that_were_there_stay(self, api: Client, basic: Launching, tmp_path: Path) -> None:
        mount = {"type": "bind", "source": str(tmp_path), "target": "/host", "create_missing": True}
        assert "command" in api.post(CONTAINERS, basic(command="nosuchprogram", mounts=[mount])).fields()
        assert tmp_path.is_dir()

    def test_a_file_in_the_way(self, api: Client, basic: Launching, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        mount = {"type": "bind", "source": str(tmp_path / "file" / "x"), "target": "/host", "create_missing": True}
        assert "mounts.0.source" in api.post(CONTAINERS, basic(mounts=[mount])).fields()


class TestConfirmation:
    SOCKET = "/var/run/docker.sock"

    def test_beside_the_mount_or_for_all(self, api: Client, basic: Launching, prefix: str) -> None:
        mount = {"type": "bind", "source": "/etc", "target": "/host", "read_only": True}
        assert list(api.post(CONTAINERS, basic(mounts=[mount | {"confirm": "yes"}])).fields()) == ["mounts.0.confirm"]
        assert list(api.post(CONTAINERS, basic(mounts=[mount], confirm=["/usr"])).fields()) == ["mounts.0.confirm"]
        one(api.post(CONTAINERS, basic(mounts=[mount | {"confirm": "/etc"}])))
        one(api.post(CONTAINERS, basic(name=f"{prefix}-2", mounts=[mount], confirm=["/etc"])))

    def test_of_host_access_in_disguise(self, api: Client, engine: Engine, basic: Launching, prefix: str) -> None:
        engine.api.create_volume(f"{prefix}-root", driver_opts={"type": "none", "o": "bind", "device": "/"})
        sent = basic(mounts=[f"{prefix}-root:/host"])
        assert list(api.post(CONTAINERS, sent).fields()) == ["mounts.0.confirm"]
        one(api.post(CONTAINERS, sent | {"confirm": ["/"]}))


@pytest.fixture(autouse=True)
def _nothing_else_is_left(engine: Engine, prefix: str) -> Iterator[None]:
    """No helper outlives a launch; those that look into what other tests made may still be there."""

    def helpers() -> set[str]:
        return {each["Id"] for each in engine.api.containers(all=True, filters={"label": "io.demijohn.role"})}

    before = helpers()
    yield
    wait_until(lambda: helpers() <= before)


def _named(value: Any, prefix: str) -> Any:
    if isinstance(value, dict):
        return {name: _named(item, prefix) for name, item in value.items()}
    if isinstance(value, list):
        return [_named(item, prefix) for item in value]
    return value.replace("PREFIX", prefix) if isinstance(value, str) else value
