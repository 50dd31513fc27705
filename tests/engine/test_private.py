"""The private engine: it starts, is shared, taken over and stopped, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import SMALL_IMAGE
from tests.waiting import wait_until
from webui.engine import private
from webui.engine.connection import Engines
from webui.engine.private import PrivateEngine
from webui.engine.tools_image import make_tools_image
from webui.errors import EngineUnreachableError
from webui.settings import Settings


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="demijohn-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def test_starts_answers_and_leaves_nothing(folder: Path) -> None:
    engine = private.start(folder)
    try:
        assert answers(engine)
        assert workers(folder)
    finally:
        engine.stop()
    assert not workers(folder)
    assert not mounts(folder)
    assert not socket_of(engine).exists()


def test_says_that_it_is_private_and_where_its_data_is(folder: Path) -> None:
    address = PrivateEngine(folder).address("default")
    assert address.private
    assert address.data_folder.startswith(str(folder))
    assert address.start_hint


def test_a_second_app_uses_the_running_engine_and_leaves_it_alone(folder: Path) -> None:
    first = private.start(folder)
    try:
        second = private.start(folder)
        second.stop()
        assert answers(first)
    finally:
        first.stop()
    assert not workers(folder)


def test_what_a_crash_left_running_is_taken_over_and_stopped(folder: Path) -> None:
    crashed = private.start(folder)
    crashed._owned.close()
    heir = private.start(folder)
    heir.stop()
    crashed._process.wait(10)
    assert not workers(folder)


def test_an_engine_that_was_killed_is_cleared_away_with_all_it_had_started(folder: Path) -> None:
    engine = private.start(folder)
    try:
        os.kill(engine_pid(folder), signal.SIGKILL)
        wait_until(lambda: not answers(engine))
    finally:
        engine.stop()
    assert not workers(folder)
    assert not mounts(folder)


def test_wakes_again_after_it_was_killed(folder: Path) -> None:
    engine = private.start(folder)
    try:
        os.kill(engine_pid(folder), signal.SIGKILL)
        wait_until(lambda: not answers(engine))
        assert "starting" in engine.wake().message
        wait_until(lambda: answers(engine), seconds=20)
    finally:
        engine.stop()
    assert not workers(folder)


def test_an_engine_that_hangs_is_still_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "STOP_SECONDS", 10)
    engine = private.start(folder)
    os.kill(engine_pid(folder), signal.SIGSTOP)
    engine.stop()
    assert not workers(folder)


def test_stopping_while_it_starts_leaves_nothing(folder: Path) -> None:
    engine = PrivateEngine(folder)
    engine.wake()
    engine.stop()
    wait_until(lambda: not threads_named("private engine"))
    assert not workers(folder)


def test_a_deep_data_folder_gets_its_sockets_elsewhere(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    engine = private.start(deep)
    try:
        assert answers(engine)
    finally:
        engine.stop()
    assert not socket_of(engine).parent.exists()


def test_an_engine_that_cannot_start_says_why(folder: Path) -> None:
    data = folder / "engine" / "data"
    data.parent.mkdir(parents=True)
    data.write_text("not a folder")
    with pytest.raises(EngineUnreachableError) as caught:
        private.start(folder)
    assert "ended at once" in caught.value.message
    assert str(data) in caught.value.message
    assert not workers(folder)


def test_a_machine_without_engines_says_what_to_install(folder: Path) -> None:
    with pytest.raises(EngineUnreachableError) as caught:
        PrivateEngine(folder, search_path=str(folder))
    assert "docker.io" in caught.value.hint


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_running_containers_end_with_it_however_it_ended(folder: Path, settings: Settings, number: int) -> None:
    engine = private.start(folder)
    try:
        process = start_sleeping_container(engine, settings)
        assert process_is_there(process)
        os.kill(engine_pid(folder), number)
        wait_until(lambda: not answers(engine))
    finally:
        engine.stop()
    # The machine's first process gathers what was killed in its own time.
    wait_until(lambda: not process_is_there(process))
    wait_until(lambda: not workers(folder))
    assert not mounts(folder)


def answers(engine: PrivateEngine) -> bool:
    return private._answers(socket_of(engine))


def socket_of(engine: PrivateEngine) -> Path:
    return Path(engine.address("").url.removeprefix("unix://"))


def engine_pid(folder: Path) -> int:
    return int((folder / "engine" / "pid").read_text())


def workers(folder: Path) -> list[str]:
    """The command lines of every process that works on the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found


def mounts(folder: Path) -> list[str]:
    return [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(folder) in line]


def threads_named(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def start_sleeping_container(engine: PrivateEngine, settings: Settings) -> int:
    """Start a container that sleeps until asked to end, and return its process id on this machine."""
    found = Engines(replace(settings, engine=engine.address("").url))
    try:
        make_tools_image(found.get("default"), SMALL_IMAGE)
        client = found.get("default").api
        script = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
        container = client.create_container(
            SMALL_IMAGE, ["sh", "-c", script], host_config=client.create_host_config(network_mode="none")
        )
        client.start(container)
        return int(client.inspect_container(container)["State"]["Pid"])
    finally:
        found.close()


def process_is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
