"""Fixtures for every kind of test. The engine is a private one of the run; nobody's own is ever touched."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests import own_namespace
from webui.engine import private
from webui.engine.connection import Engine, Engines
from webui.settings import DockerEnvironment, Settings

SMALL_IMAGE = "demijohn-test/tools:latest"
TOKEN = "a-token-for-the-tests-only"


def pytest_configure(config: pytest.Config) -> None:
    """Keep to ourselves; and docker-py leaves a Unix socket that can't be connected to the collector, which warns."""
    own_namespace.enter()
    unconnected = r"unclosed <socket\.socket fd=\d+, family=1, type=1, proto=0>"
    config.addinivalue_line("filterwarnings", f"ignore:{unconnected}:ResourceWarning")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that point to no engine and keep everything in the test's own folder."""
    return Settings(
        data_dir=tmp_path / "data",
        token=TOKEN,
        engine="unix:///nonexistent/docker.sock",
        open_browser=False,
        start_folder=tmp_path,
        home_folder=tmp_path,
        docker=DockerEnvironment(config_folder=tmp_path / ".docker"),
        display=False,
    )


@pytest.fixture(scope="session")
def private_engine() -> Iterator[private.PrivateEngine]:
    """A private engine for the whole run, in a folder with a short name: its sockets have to fit."""
    folder = Path(tempfile.mkdtemp(prefix="demijohn-"))
    engine = private.start(folder)
    try:
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def engine_socket(private_engine: private.PrivateEngine) -> str:
    """The URL of the run's engine, as DOCKER_HOST has it."""
    return private_engine.address("default").url


@pytest.fixture
def engine_settings(settings: Settings, engine_socket: str) -> Settings:
    """Settings that point to the run's engine."""
    return replace(settings, engine=engine_socket)


@pytest.fixture
def engines(engine_settings: Settings) -> Iterator[Engines]:
    """All engines as the app has them, the run's one the default."""
    found = Engines(engine_settings)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def engine(engines: Engines) -> Engine:
    """The run's engine."""
    return engines.get("default")


@pytest.fixture(scope="session")
def small_image(engine_socket: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a small image made from this machine's own tools: there may be no registry in reach."""
    from webui.engine.tools_image import make_tools_image

    folder = tmp_path_factory.mktemp("image")
    found = Engines(Settings(data_dir=folder, token=TOKEN, engine=engine_socket))
    try:
        make_tools_image(found.get("default"), SMALL_IMAGE)
    finally:
        found.close()
    return SMALL_IMAGE


@pytest.fixture
def prefix(request: pytest.FixtureRequest, engine: Engine) -> Iterator[str]:
    """A beginning for every name the test gives; containers and volumes named so are removed afterwards."""
    name = f"t{abs(hash(request.node.nodeid)) % 10**8:08d}"
    try:
        yield name
    finally:
        remove_all(engine, name)


def remove_all(engine: Engine, prefix: str) -> None:
    """Remove volumes named with `prefix`, the containers that hold them, and those so named."""
    client = engine.api
    named = [
        each["Id"]
        for each in client.containers(all=True)
        if any(name.lstrip("/").startswith(prefix) for name in each["Names"])
        or any(mount.get("Name", "").startswith(prefix) for mount in each["Mounts"])
    ]
    for container in named:
        client.remove_container(container, force=True, v=True)
    for volume in client.volumes()["Volumes"] or ():
        if volume["Name"].startswith(prefix):
            client.remove_volume(volume["Name"])
