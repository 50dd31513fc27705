"""What a job began is undone when it fails, is cancelled, or was cut off with the app."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.unit.jobs.conftest import StandInEngine
from tests.waiting import wait_until
from webui.errors import EngineError
from webui.jobs.context import JobContext
from webui.jobs.journal import Journal
from webui.jobs.model import Job, JobState
from webui.jobs.runner import Runner, Work
from webui.store import Store


def run(runner: Runner, work: Work) -> Job:
    return runner.wait(runner.submit("test", "subject", "default", "x", work).id, 5)


def two_steps_then_fail(context: JobContext) -> None:
    context.undo("put-away", volume="first")
    context.undo("put-away", volume="second")
    raise EngineError("It broke.")


def cut_off(store: Store, steps: Mapping[str, Any], identity: str = "the first engine") -> Job:
    """A job as a killed app leaves it."""
    runner = Runner(store, StandInEngine())
    job = runner.submit("test", "subject", "default", "cut off", lambda _: None)
    runner.wait(job.id, 5)
    runner.close()
    journal = Journal(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE jobs SET state = 'running', finished_at = NULL")
    for name, arguments in steps.items():
        journal.add_step(job.id, name.rstrip("0123456789"), arguments, identity)
    return job


def lines(runner: Runner, job: Job) -> list[str]:
    return [line.text for line in runner.log(job.id)]


def test_what_failed_is_undone_at_once_the_last_step_first(runner: Runner, stand_in: StandInEngine) -> None:
    job = run(runner, two_steps_then_fail)
    assert (job.state, job.error) == (JobState.FAILED, "It broke.")
    assert stand_in.undone == [{"volume": "second"}, {"volume": "first"}]
    assert lines(runner, job) == ["Undone: put-away (volume second)", "Undone: put-away (volume first)"]


def test_what_was_cancelled_is_undone_before_it_is_over(runner: Runner, stand_in: StandInEngine) -> None:
    began = threading.Event()

    def work(context: JobContext) -> None:
        context.undo("put-away", volume="half made")
        began.set()
        wait_until(lambda: context.cancelled)
        context.check()

    job = runner.submit("test", "subject", "default", "x", work)
    wait_until(began.is_set)
    runner.cancel(job.id)
    assert runner.wait(job.id, 5).state is JobState.CANCELLED
    assert stand_in.undone == [{"volume": "half made"}]


def test_nothing_is_undone_of_what_succeeded(
    runner: Runner, make_runner: Callable[..., Runner], stand_in: StandInEngine
) -> None:
    run(runner, lambda context: context.undo("put-away", volume="made") and None)
    make_runner().recover()
    assert stand_in.undone == []


def test_a_step_that_is_done_with_is_not_undone(runner: Runner, stand_in: StandInEngine) -> None:
    def work(context: JobContext) -> None:
        step = context.undo("put-away", volume="first")
        context.undo("put-away", volume="second")
        context.done_with(step)
        raise EngineError("It broke.")

    run(runner, work)
    assert stand_in.undone == [{"volume": "second"}]


def test_an_undo_that_fails_is_kept_with_the_earlier_ones_and_tried_again(
    make_runner: Callable[..., Runner], stand_in: StandInEngine
) -> None:
    def refuse(_engine: StandInEngine, _arguments: Mapping[str, Any]) -> None:
        raise EngineError("The volume is in use.")

    broken = make_runner(undo_handlers={"put-away": refuse})
    job = run(broken, two_steps_then_fail)
    assert job.error.startswith("It broke. Not everything could be put back: The volume is in use.")
    assert lines(broken, job) == ["Could not undo “put-away”: The volume is in use."]

    mended = make_runner()
    mended.recover()
    assert stand_in.undone == [{"volume": "second"}, {"volume": "first"}]
    assert mended.get(job.id).state is JobState.FAILED


def test_a_mistake_in_an_undo_handler_keeps_the_step(
    make_runner: Callable[..., Runner], stand_in: StandInEngine, caplog: pytest.LogCaptureFixture
) -> None:
    job = run(make_runner(undo_handlers={"put-away": lambda *_: {}["x"]}), two_steps_then_fail)
    assert "mistake in Demijohn" in job.error
    assert "KeyError: 'x'" in caplog.text
    make_runner().recover()
    assert len(stand_in.undone) == 2


def test_a_start_after_a_crash_undoes_and_says_so(
    store: Store, make_runner: Callable[..., Runner], stand_in: StandInEngine
) -> None:
    job = cut_off(store, {"put-away1": {"volume": "a"}, "put-away2": {"volume": "b"}})
    runner = make_runner()
    runner.recover()
    found = runner.get(job.id)
    assert (found.state, found.error) == (JobState.INTERRUPTED, "")
    assert "before this was finished" in found.message
    assert found.finished_at
    assert stand_in.undone == [{"volume": "b"}, {"volume": "a"}]
    runner.recover()
    assert len(stand_in.undone) == 2


def test_an_engine_that_is_away_is_waited_for(
    store: Store, make_runner: Callable[..., Runner], stand_in: StandInEngine
) -> None:
    job = cut_off(store, {"put-away": {"volume": "a"}})
    runner = make_runner()
    stand_in.reachable = False
    runner.recover()
    assert (runner.get(job.id).state, stand_in.undone) == (JobState.INTERRUPTED, [])
    assert "Nobody answers." in runner.get(job.id).error
    stand_in.reachable = True
    runner.recover()
    assert stand_in.undone == [{"volume": "a"}]
    assert runner.get(job.id).error == ""


def test_nothing_is_undone_on_another_engine_of_the_same_name(
    store: Store, make_runner: Callable[..., Runner], stand_in: StandInEngine
) -> None:
    job = cut_off(store, {"put-away": {"volume": "a"}}, identity="an engine of yesterday")
    runner = make_runner()
    runner.recover()
    assert stand_in.undone == []
    assert "is another one now" in runner.get(job.id).error


def test_recovering_leaves_running_jobs_alone(runner: Runner, stand_in: StandInEngine) -> None:
    began, go = threading.Event(), threading.Event()

    def work(context: JobContext) -> None:
        context.undo("put-away", volume="in the making")
        began.set()
        assert go.wait(5)

    job = runner.submit("test", "subject", "default", "x", work)
    wait_until(began.is_set)
    runner.recover()
    go.set()
    assert runner.wait(job.id, 5).state is JobState.DONE
    assert stand_in.undone == []


def test_a_step_that_can_not_be_recorded_is_not_done(runner: Runner, stand_in: StandInEngine) -> None:
    done = []

    def work(context: JobContext) -> None:
        stand_in.reachable = False
        context.undo("put-away", volume="never made")
        done.append("the step")

    assert run(runner, work).state is JobState.FAILED
    assert done == []
    assert stand_in.undone == []
