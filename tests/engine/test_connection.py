"""Engines are found in the order promised, and a client outlives the engine's comings and goings."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from tests.waiting import wait_until
from webui.engine import private
from webui.engine.connection import Engine, Engines
from webui.engine.errors import translated
from webui.engine.private import PrivateEngine
from webui.errors import EngineSlowError, EngineUnreachableError, NotFoundError
from webui.settings import DockerEnvironment, Settings


@pytest.fixture
def own_engine() -> Iterator[PrivateEngine]:
    """An engine that the test may kill, stop and freeze."""
    folder = Path(tempfile.mkdtemp(prefix="demijohn-"))
    engine = private.start(folder)
    try:
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(folder)


def opened(settings: Settings) -> Engine:
    return Engines(settings).get("default")


def url_of(engine: PrivateEngine) -> str:
    return engine.address("default").url


def pid_of(engine: PrivateEngine) -> int:
    return int((Path(engine.address("").data_folder).parent / "pid").read_text())


def write_context(settings: Settings, name: str, url: str, **endpoint: object) -> Path:
    """Make a context as `docker context create` does, and return the folder for its certificates."""
    key = hashlib.sha256(name.encode()).hexdigest()
    contexts = settings.docker.config_folder / "contexts"
    meta = contexts / "meta" / key
    meta.mkdir(parents=True)
    content = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": url, **endpoint}}}
    (meta / "meta.json").write_text(json.dumps(content))
    return contexts / "tls" / key / "docker"


def with_docker(settings: Settings, **changes: str) -> Settings:
    return replace(settings, engine="auto", docker=replace(settings.docker, **changes))


class TestFacts:
    def test_say_what_the_engine_is(self, engine: Engine) -> None:
        facts = engine.facts()
        assert facts.product == "Docker"
        assert facts.identity
        assert facts.hostname == os.uname().nodename
        assert facts.local
        assert "local" in facts.volume_drivers
        assert facts.api_version >= (1, 41)
        assert Path(facts.data_folder).is_dir()

    def test_are_read_once(self, engine: Engine) -> None:
        assert engine.known_facts is None
        assert engine.facts() is engine.facts()
        assert engine.known_facts is engine.facts()

    def test_an_engine_in_another_host_name_space_is_not_local(self, engine_settings: Settings) -> None:
        code = (
            "import sys, socket, webui.engine.connection as c, webui.settings as s;"
            "socket.sethostname('elsewhere');"
            "print(c.Engines(s.load(['--engine', sys.argv[1]], {'HOME': '/'})).get('default').facts().local)"
        )
        result = subprocess.run(
            ["unshare", "--uts", sys.executable, "-c", code, engine_settings.engine],
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.strip() == "False"


class TestFinding:
    def test_docker_host_comes_first(self, settings: Settings, engine_socket: str) -> None:
        write_context(settings, "other", "unix:///nonexistent")
        address = opened(with_docker(settings, host=engine_socket)).address
        assert (address.name, address.url, address.source) == ("default", engine_socket, "environment")

    def test_then_the_current_context(self, settings: Settings, engine_socket: str) -> None:
        write_context(settings, "mine", engine_socket)
        settings.docker.config_folder.joinpath("config.json").write_text('{"currentContext": "mine"}')
        address = opened(with_docker(settings)).address
        assert (address.url, address.source) == (engine_socket, "context")

    def test_docker_context_beats_the_configured_one(self, settings: Settings, engine_socket: str) -> None:
        write_context(settings, "configured", "unix:///nonexistent")
        write_context(settings, "chosen", engine_socket)
        settings.docker.config_folder.joinpath("config.json").write_text('{"currentContext": "configured"}')
        assert opened(with_docker(settings, context="chosen")).address.url == engine_socket

    def test_then_the_usual_sockets(self, settings: Settings, engine_socket: str, tmp_path: Path) -> None:
        socket = tmp_path / ".colima/default/docker.sock"
        socket.parent.mkdir(parents=True)
        socket.symlink_to(engine_socket.removeprefix("unix://"))
        address = opened(with_docker(settings)).address
        if Path("/var/run/docker.sock").exists():
            pytest.skip("this machine's own Docker is found before Colima's")
        assert (address.url, address.source) == (f"unix://{socket}", "socket")

    def test_what_does_not_answer_is_passed_over_and_named(self, settings: Settings, engine_socket: str) -> None:
        write_context(settings, "mine", engine_socket)
        dead = with_docker(settings, host="unix:///nonexistent/docker.sock", context="mine")
        engines = Engines(dead)
        assert engines.get("default").address.url == engine_socket
        assert "DOCKER_HOST" in engines.notes[0]

    def test_a_context_can_be_chosen_by_name(self, settings: Settings, engine_socket: str) -> None:
        write_context(settings, "mine", engine_socket)
        assert opened(replace(settings, engine="mine")).facts().identity

    def test_a_context_that_does_not_exist_is_refused(self, settings: Settings) -> None:
        with pytest.raises(NotFoundError, match="no docker context named mine"):
            Engines(replace(settings, engine="mine"))

    def test_every_other_context_has_a_name_that_fits_a_url(self, settings: Settings, engine_socket: str) -> None:
        for name in ("my cluster/eu", "my-cluster-eu", "default"):
            write_context(settings, name, f"unix:///nonexistent/{len(name)}")
        engines = Engines(replace(settings, engine=engine_socket))
        names = [address.name for address in engines.addresses()]
        assert names[0] == "default"
        assert set(names) >= {"my-cluster-eu", "my-cluster-eu-2", "default-2"}
        assert len(names) == len(set(names))

    def test_broken_context_files_are_left_out(self, settings: Settings, engine_socket: str) -> None:
        folder = settings.docker.config_folder / "contexts" / "meta" / "x"
        folder.mkdir(parents=True)
        for content in ("{", "[]", '{"Name": "a"}', '{"Name": "a", "Endpoints": {"docker": 3}}'):
            (folder / "meta.json").write_text(content)
            assert Engines(replace(settings, engine=engine_socket)).get("default")

    def test_an_unknown_name_is_not_found(self, engines: Engines) -> None:
        with pytest.raises(NotFoundError):
            engines.get("nobody")

    def test_a_private_engine_is_started_when_none_answers(self, settings: Settings) -> None:
        folder = Path(tempfile.mkdtemp(prefix="demijohn-"))
        engines = Engines(replace(settings, engine="private", data_dir=folder))
        try:
            engine = engines.get("default")
            with pytest.raises(EngineUnreachableError, match="is starting"):
                engine.facts()
            wait_until(lambda: answers(engine), seconds=20)
            assert engine.address.private
        finally:
            engines.close()
            shutil.rmtree(folder)


class TestTls:
    def test_a_context_brings_its_certificates(self, settings: Settings) -> None:
        with tempfile.TemporaryDirectory(prefix="demijohn-") as folder, tls_engine(Path(folder)) as url:
            material = write_context(settings, "secure", url, SkipTLSVerify=False)
            material.mkdir(parents=True)
            for name in ("ca.pem", "cert.pem", "key.pem"):
                shutil.copy(Path(folder) / name, material)
            assert opened(replace(settings, engine="secure")).facts().identity
            shutil.rmtree(material)
            with pytest.raises(EngineUnreachableError):
                opened(replace(settings, engine="secure")).facts()
            secured = replace(
                settings,
                engine=url,
                docker=DockerEnvironment(tls_verify=True, certificate_folder=Path(folder)),
            )
            assert opened(secured).facts().identity


class TestComingAndGoing:
    def test_an_engine_that_is_down_says_why_and_is_found_when_it_comes(self, settings: Settings) -> None:
        folder = Path(tempfile.mkdtemp(prefix="demijohn-"))
        late = PrivateEngine(folder)
        engine = opened(replace(settings, engine=url_of(late)))
        try:
            with pytest.raises(EngineUnreachableError) as caught:
                engine.facts()
            assert url_of(late) in caught.value.message
            assert "systemctl start docker" in caught.value.hint
            late.start()
            assert engine.facts().identity
        finally:
            late.stop()
            shutil.rmtree(folder)

    def test_a_client_works_again_after_the_engine_was_killed(
        self, settings: Settings, own_engine: PrivateEngine
    ) -> None:
        engine = opened(replace(settings, engine=url_of(own_engine)))
        first = engine.facts()
        os.kill(pid_of(own_engine), signal.SIGKILL)
        wait_until(lambda: not answers(engine))
        assert engine.known_facts is None
        own_engine.start()
        assert engine.facts().identity == first.identity
        with translated("volume back"):
            engine.api.create_volume("back")

    def test_a_frozen_engine_holds_nobody_longer_than_they_wait(
        self, settings: Settings, own_engine: PrivateEngine
    ) -> None:
        url = url_of(own_engine)
        engine, fresh = opened(replace(settings, engine=url)), opened(replace(settings, engine=url))
        engine.facts()
        os.kill(pid_of(own_engine), signal.SIGSTOP)
        try:
            for each in (engine, fresh):
                started = time.monotonic()
                with pytest.raises(EngineSlowError):
                    each.read("volumes", lambda client: client.volumes(), wait=0.3)
                assert time.monotonic() - started < 1
        finally:
            os.kill(pid_of(own_engine), signal.SIGCONT)
        assert fresh.read("volumes", lambda client: client.volumes(), wait=5)["Volumes"] is not None


class TestReading:
    def test_a_running_call_is_shared(self, engine: Engine) -> None:
        calls, release = [], threading.Event()

        def slow(client: docker.APIClient) -> int:
            calls.append(client)
            release.wait(5)
            return len(calls)

        answers: list[int] = []
        readers = [threading.Thread(target=lambda: answers.append(engine.read("key", slow, wait=5))) for _ in range(5)]
        for reader in readers:
            reader.start()
        wait_until(lambda: calls)
        release.set()
        for reader in readers:
            reader.join()
        assert answers == [1] * 5
        assert engine.read("key", slow) == 2

    def test_an_answer_nobody_waited_for_goes_to_the_next_once(self, engine: Engine) -> None:
        calls: list[int] = []
        release, ended = threading.Event(), threading.Event()

        def slow(_: docker.APIClient) -> int:
            calls.append(1)
            release.wait(5)
            ended.set()
            return len(calls)

        with pytest.raises(EngineSlowError):
            engine.read("key", slow, wait=0.01)
        release.set()
        ended.wait(5)
        assert engine.read("key", slow) == 1
        assert engine.read("key", slow) == 2

    def test_after_a_change_nobody_gets_what_was_asked_before_it(self, engine: Engine, prefix: str) -> None:
        asked, release = threading.Event(), threading.Event()

        def names(client: docker.APIClient) -> set[str]:
            found = {volume["Name"] for volume in client.volumes()["Volumes"] or ()}
            if not asked.is_set():
                asked.set()
                release.wait(5)
            return found

        with pytest.raises(EngineSlowError):
            engine.read("names", names, wait=0.05)
        asked.wait(5)
        engine.api.create_volume(f"{prefix}-new")
        try:
            assert f"{prefix}-new" in engine.read("names", names)
        finally:
            release.set()

    def test_what_fails_fails_for_everyone_in_the_domains_words(self, engine: Engine) -> None:
        with pytest.raises(NotFoundError):
            engine.read("missing", lambda client: client.inspect_volume("does-not-exist"))

    def test_calls_on_their_way_are_bounded(self, engine: Engine) -> None:
        engine.facts()
        release = threading.Event()
        try:
            before = threading.active_count()
            for number in range(200):
                with pytest.raises(EngineSlowError):
                    engine.read(f"key {number}", lambda _: release.wait(10), wait=0)
            assert threading.active_count() - before <= 40
        finally:
            release.set()

    def test_a_closed_engine_answers_no_more(self, engine: Engine) -> None:
        engine.facts()
        engine.close()
        with pytest.raises(EngineUnreachableError):
            engine.facts()


def answers(engine: Engine) -> bool:
    try:
        return bool(engine.read("ping", lambda client: client.ping(), wait=1))
    except (EngineUnreachableError, EngineSlowError):
        return False


class tls_engine:  # noqa: N801  reads as a function
    """A dockerd that listens with TLS on a port of this machine; `ca.pem`, `cert.pem` and `key.pem` open it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engine: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> str:
        make_certificates(self._folder)
        port = free_port()
        folders = private.Folders(self._folder, self._folder)
        command = private._dockerd_command(shutil.which("dockerd") or "/usr/sbin/dockerd", folders)
        tls = [f"--tls{name}={self._folder / file}" for name, file in TLS_FILES.items()]
        self._engine = subprocess.Popen(
            [*command, f"--host=tcp://127.0.0.1:{port}", "--tlsverify", *tls], stderr=subprocess.DEVNULL
        )
        wait_until(lambda: private._answers(folders.socket), seconds=20)
        return f"tcp://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        assert self._engine is not None
        self._engine.terminate()
        self._engine.wait(20)


TLS_FILES = {"cacert": "ca.pem", "cert": "cert.pem", "key": "key.pem"}


def make_certificates(folder: Path) -> None:
    """One certificate that signs itself and is server and client alike."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "extendedKeyUsage=serverAuth,clientAuth"),
            *("-keyout", folder / "key.pem", "-out", folder / "ca.pem"),
        ],
        check=True,
        capture_output=True,
    )
    shutil.copy(folder / "ca.pem", folder / "cert.pem")


def free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
