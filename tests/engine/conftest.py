"""What lies in this folder needs a real engine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import TOKEN
from tests.engine import http_client
from tests.engine.http_client import Client
from webui import create_app
from webui.engine.connection import Engines
from webui.serving import Server
from webui.settings import DockerEnvironment, Settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here, so that `-m "not engine"` leaves them out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)


@contextmanager
def served(settings: Settings) -> Iterator[int]:
    """The whole app on a free port, until the block ends; gives the port."""
    server = Server("127.0.0.1", 0)
    with ExitStack() as leaving:
        leaving.callback(server.stop)
        engines = leaving.enter_context(closing(Engines(settings)))
        app = create_app(replace(settings, port=server.port), engines)
        house = leaving.enter_context(closing(app.extensions["demijohn"]))
        leaving.callback(server.stop)
        leaving.callback(house.stopping.set)
        server.start(app)
        yield server.port


@pytest.fixture(scope="session")
def app_port(engine_socket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the app on the run's engine."""
    folder = tmp_path_factory.mktemp("app")
    settings = Settings(
        data_dir=folder / "data",
        token=TOKEN,
        engine=engine_socket,
        open_browser=False,
        start_folder=folder,
        home_folder=folder,
        docker=DockerEnvironment(config_folder=folder / ".docker"),
        display=False,
    )
    with served(settings) as port:
        yield port


@pytest.fixture
def api(app_port: int) -> Client:
    """A script with the token."""
    return http_client.script(app_port, TOKEN)


@pytest.fixture
def visitor(app_port: int) -> Client:
    """A browser that opens whole pages."""
    return http_client.visitor(app_port, TOKEN)


@pytest.fixture
def htmx(app_port: int) -> Client:
    """A browser in which htmx asks."""
    return http_client.htmx(app_port, TOKEN)


@pytest.fixture(scope="session")
def docker(engine_socket: str) -> Callable[..., str]:
    """Runs the docker command on the run's engine and gives what it prints."""

    def run(*arguments: str) -> str:
        return subprocess.run(
            ["docker", "--host", engine_socket, *arguments],
            check=True,
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        ).stdout.strip()

    return run
