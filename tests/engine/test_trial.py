"""Storage that is tried: what hangs is waited for no longer than that, and nothing that was made for it stays."""

from __future__ import annotations

import threading

import pytest

from tests.engine.rclone_servers import RcloneDriver, rclone_driver
from tests.waiting import wait_until
from webui.engine import helper, trial
from webui.engine.connection import Engine
from webui.engine.file_model import Place
from webui.engine.helper_image import helper_image
from webui.engine.trial import StorageSilentError, Trials, remove_trial, undo_handlers
from webui.errors import ConflictError

__all__ = ["rclone_driver"]


@pytest.fixture
def trials(engine: Engine, small_image: str) -> Trials:
    return Trials(engine, helper_image(engine, small_image))


def left(engine: Engine) -> list[str]:
    """Volumes that were made to try storage."""
    return [each["Name"] for each in engine.api.volumes()["Volumes"] or () if each["Name"].startswith("demijohn-test-")]


def over() -> bool:
    """Whether no trial goes on in the background, as one does that nobody waits for any more."""
    return not [thread for thread in threading.enumerate() if thread.name == "trial"]


def test_a_driver_that_hangs_is_waited_for_so_long_and_cleaned_up_after_when_it_answers(
    engine: Engine, trials: Trials, rclone_driver: RcloneDriver, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(trial, "PATIENCE_SECONDS", 1.0)
    options = {"type": "local", "path": str(tmp_path), "allow-other": "true"}
    name = trials.new_name()
    with rclone_driver.frozen(), pytest.raises(StorageSilentError):
        trials.try_options(name, rclone_driver.name, options, writing=True, stop=threading.Event())
    wait_until(over, seconds=60)
    assert not left(engine)


def test_one_that_is_stopped_answers_at_once(
    engine: Engine, trials: Trials, rclone_driver: RcloneDriver, tmp_path: object
) -> None:
    stop = threading.Event()
    stop.set()
    options = {"type": "local", "path": str(tmp_path), "allow-other": "true"}
    with pytest.raises(StorageSilentError):
        trials.try_options(trials.new_name(), rclone_driver.name, options, writing=False, stop=stop)
    wait_until(over, seconds=60)
    assert not left(engine)


def test_what_a_crash_left_of_a_trial_goes_and_may_be_gone_already(
    engine: Engine, trials: Trials, small_image: str
) -> None:
    name = trials.new_name()
    engine.api.create_volume(name)
    _id, _name, session = helper.start(
        engine, Place.volume(name), helper_image(engine, small_image), "k" * 32, writing=True
    )
    session.close()
    undo = undo_handlers()["remove-trial"]
    undo(engine, {"volume": name})
    undo(engine, {"volume": name})
    assert name not in left(engine)


def test_a_persons_container_that_holds_it_is_not_removed(
    engine: Engine, trials: Trials, small_image: str, prefix: str
) -> None:
    name = trials.new_name()
    engine.api.create_volume(name)
    host = engine.api.create_host_config(binds=[f"{name}:/data"], network_mode="none")
    engine.api.create_container(small_image, ["true"], name=f"{prefix}-c", host_config=host)
    try:
        with pytest.raises(ConflictError):
            remove_trial(engine, name)
    finally:
        engine.api.remove_container(f"{prefix}-c", force=True)
        remove_trial(engine, name)
    assert name not in left(engine)
