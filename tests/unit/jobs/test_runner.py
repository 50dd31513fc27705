"""Jobs from asking to ending: run, watched, cancelled, failed, asked for twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.waiting import wait_until
from webui.errors import ConflictError, EngineError, NotFoundError
from webui.jobs import announcer, journal
from webui.jobs.context import MAX_LOG_LINES, JobContext
from webui.jobs.model import Job, JobId, JobState
from webui.jobs.runner import Runner, Work
from webui.store import Store


def submit(runner: Runner, work: Work, key: str = "x") -> Job:
    return runner.submit("test", f"subject {key}", "default", key, work)


class Gate:
    """Work that waits until it is let go or cancelled, and tells when it began."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.go = threading.Event()

    def __call__(self, context: JobContext) -> Mapping[str, Any]:
        context.on_cancel(self.go.set)
        self.began.set()
        assert self.go.wait(10)
        context.check()
        return {"ok": True}


def test_work_that_succeeds_is_done_with_its_result(runner: Runner) -> None:
    def work(context: JobContext) -> Mapping[str, Any]:
        context.progress(3, 10, "files", "Counting")
        context.log("three")
        return {"files": 3}

    job = runner.wait(submit(runner, work).id, 5)
    assert job.state is JobState.DONE
    assert job.result == {"files": 3}
    assert [line.text for line in runner.log(job.id)] == ["three"]
    assert job.started_at and job.finished_at
    assert job.created_at <= job.started_at <= job.finished_at


def test_a_job_in_json_is_what_the_contract_says(runner: Runner) -> None:
    job = runner.wait(submit(runner, lambda context: context.progress(1, 2, "bytes", "Half")).id, 5)
    found = job.to_json()
    for moment in ("created_at", "started_at", "finished_at"):
        assert found.pop(moment).endswith("+00:00")
    assert found == {
        "id": job.id,
        "kind": "test",
        "subject": "subject x",
        "engine": "default",
        "state": "done",
        "progress": {"done": 1, "total": 2, "unit": "bytes"},
        "message": "Half",
        "result": None,
        "error": "",
    }


def test_ids_fit_into_a_url_and_differ(runner: Runner) -> None:
    ids = {submit(runner, lambda _: None, str(number)).id for number in range(50)}
    assert len(ids) == 50
    assert all(each.replace("-", "").replace("_", "").isalnum() for each in ids)


def test_a_failure_is_told_in_the_words_of_its_error(runner: Runner) -> None:
    def work(_context: JobContext) -> None:
        raise EngineError("The engine's disk is full.", hint="Remove something.")

    job = runner.wait(submit(runner, work).id, 5)
    assert (job.state, job.error) == (JobState.FAILED, "The engine's disk is full. Remove something.")


def test_a_mistake_is_told_plainly_and_its_traceback_logged(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    job = runner.wait(submit(runner, lambda _: {}["secret"]).id, 5)
    assert job.state is JobState.FAILED
    assert "mistake in Demijohn" in job.error
    assert "KeyError" not in job.error
    assert "KeyError: 'secret'" in caplog.text


def test_the_same_job_asked_for_twice_runs_once(runner: Runner) -> None:
    gate = Gate()
    first = submit(runner, gate)
    second = submit(runner, lambda _: pytest.fail("this must not run"))
    assert second.id == first.id
    gate.go.set()
    assert runner.wait(first.id, 5).state is JobState.DONE
    assert submit(runner, lambda _: None).id != first.id


def test_another_key_kind_or_engine_is_another_job(runner: Runner) -> None:
    gate = Gate()
    jobs = {
        runner.submit(kind, "s", engine, key, gate).id
        for kind, engine, key in [("a", "e", "k"), ("b", "e", "k"), ("a", "f", "k"), ("a", "e", "l")]
    }
    assert len(jobs) == 4
    gate.go.set()


def test_a_hundred_threads_asking_at_once_get_one_job(runner: Runner) -> None:
    gate = Gate()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(submit(runner, gate).id)) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gate.go.set()
    assert len(found) == 100
    assert len(set(found)) == 1


def test_no_more_run_at_a_time_than_there_are_workers(make_runner: Callable[..., Runner]) -> None:
    runner = make_runner(workers=2)
    gates = [Gate() for _ in range(4)]
    jobs = [submit(runner, gate, str(number)) for number, gate in enumerate(gates)]
    wait_until(lambda: gates[0].began.is_set() and gates[1].began.is_set())
    assert [runner.get(job.id).state.value for job in jobs] == ["running", "running", "queued", "queued"]
    assert len(runner.unfinished()) == 4
    gates[0].go.set()
    wait_until(gates[2].began.is_set)
    assert not gates[3].began.is_set()
    for gate in gates:
        gate.go.set()
    assert all(runner.wait(job.id, 5).state is JobState.DONE for job in jobs)


def test_cancelling_stops_running_work(runner: Runner) -> None:
    gate = Gate()
    job = submit(runner, gate)
    wait_until(gate.began.is_set)
    runner.cancel(job.id)
    assert runner.wait(job.id, 5).state is JobState.CANCELLED


def test_cancelling_a_queued_job_keeps_it_from_starting(make_runner: Callable[..., Runner]) -> None:
    runner = make_runner(workers=1)
    gate, never = Gate(), Gate()
    submit(runner, gate, "first")
    waiting = submit(runner, never, "second")
    assert runner.cancel(waiting.id).state is JobState.CANCELLED
    gate.go.set()
    wait_until(lambda: not runner.unfinished())
    assert not never.began.is_set()


def test_trouble_that_comes_of_cancelling_is_no_failure(runner: Runner) -> None:
    began = threading.Event()

    def work(context: JobContext) -> None:
        began.set()
        wait_until(lambda: context.cancelled)
        raise EngineError("The connection broke.")

    job = submit(runner, work)
    wait_until(began.is_set)
    runner.cancel(job.id)
    done = runner.wait(job.id, 5)
    assert (done.state, done.error) == (JobState.CANCELLED, "")


def test_work_that_was_finished_before_the_cancel_reached_it_is_done(runner: Runner) -> None:
    began = threading.Event()

    def work(context: JobContext) -> Mapping[str, Any]:
        began.set()
        wait_until(lambda: context.cancelled)
        return {"finished": "anyway"}

    job = submit(runner, work)
    wait_until(began.is_set)
    runner.cancel(job.id)
    assert runner.wait(job.id, 5).state is JobState.DONE


def test_what_is_to_be_called_on_cancel_is_called_at_once_when_it_is_too_late(runner: Runner) -> None:
    began, called = threading.Event(), threading.Event()

    def work(context: JobContext) -> None:
        began.set()
        wait_until(lambda: context.cancelled)
        context.on_cancel(called.set)

    job = submit(runner, work)
    wait_until(began.is_set)
    runner.cancel(job.id)
    runner.wait(job.id, 5)
    assert called.is_set()


def test_a_cancel_that_can_not_stop_one_part_stops_the_others(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    began, stopped = threading.Event(), threading.Event()

    def work(context: JobContext) -> None:
        context.on_cancel(lambda: {}["broken"])
        context.on_cancel(stopped.set)
        began.set()
        assert stopped.wait(5)
        context.check()

    job = submit(runner, work)
    wait_until(began.is_set)
    runner.cancel(job.id)
    assert runner.wait(job.id, 5).state is JobState.CANCELLED
    assert "KeyError: 'broken'" in caplog.text


def test_cancelling_what_is_over_or_unknown_is_refused(runner: Runner) -> None:
    job = runner.wait(submit(runner, lambda _: None).id, 5)
    with pytest.raises(ConflictError, match="over already"):
        runner.cancel(job.id)
    with pytest.raises(NotFoundError):
        runner.cancel("nonsense")


def test_an_unknown_job_is_not_found(runner: Runner) -> None:
    for ask in (runner.get, runner.log, runner.wait):
        with pytest.raises(NotFoundError):
            ask("nonsense")


def test_the_list_has_the_newest_first_and_knows_engines(runner: Runner) -> None:
    for number in range(5):
        runner.wait(runner.submit("test", str(number), f"engine{number % 2}", str(number), lambda _: None).id, 5)
    assert [job.subject for job in runner.list(limit=3)] == ["4", "3", "2"]
    assert [job.subject for job in runner.list(engine="engine1")] == ["3", "1"]


def test_the_list_shows_progress_that_is_not_written_down_yet(runner: Runner) -> None:
    gate = Gate()

    def work(context: JobContext) -> None:
        context.progress(7, 8, "bytes")
        gate(context)

    submit(runner, work)
    wait_until(gate.began.is_set)
    assert runner.list()[0].progress.done == 7
    gate.go.set()


def test_only_the_last_finished_jobs_are_kept(
    make_runner: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal.Journal.__init__, "__defaults__", (5,))
    runner = make_runner()

    def work(context: JobContext) -> None:
        context.log("a line")

    ids = [runner.wait(submit(runner, work).id, 5).id for _ in range(8)]
    assert [job.id for job in runner.list()] == ids[:2:-1]
    with pytest.raises(NotFoundError):
        runner.log(ids[0])


def test_a_log_that_never_ends_is_cut(runner: Runner) -> None:
    def work(context: JobContext) -> None:
        for number in range(MAX_LOG_LINES + 50):
            context.log(str(number))

    lines = runner.log(runner.wait(submit(runner, work).id, 60).id)
    assert len(lines) == MAX_LOG_LINES
    assert lines[-1].text == "Further lines are not kept."


def test_subscribers_hear_of_the_end_and_only_a_few_times_of_progress(runner: Runner) -> None:
    heard: list[Job] = []
    runner.subscribe(heard.append)

    def work(context: JobContext) -> None:
        end = time.monotonic() + 0.6
        while time.monotonic() < end:
            context.progress(len(heard), None, "bytes")

    job = runner.wait(submit(runner, work).id, 5)
    wait_until(lambda: heard and heard[-1].state.over)
    assert heard[-1] == job
    assert 3 <= len(heard) <= 6


def test_a_slow_or_broken_subscriber_holds_up_no_work(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    release, heard = threading.Event(), []
    runner.subscribe(lambda _: release.wait(10) and None)
    runner.subscribe(lambda job: {}[job.id])
    unsubscribe = runner.subscribe(heard.append)
    assert runner.wait(submit(runner, lambda _: None).id, 5).state is JobState.DONE
    assert heard == []
    release.set()
    wait_until(lambda: heard and heard[-1].state.over)
    unsubscribe()
    told = len(heard)
    runner.wait(submit(runner, lambda _: None).id, 5)
    assert len(heard) == told


def test_no_thread_is_left_when_there_is_no_work(runner: Runner) -> None:
    runner.wait(submit(runner, lambda _: None).id, 5)
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name == "job"])


def test_closing_stops_everything_and_says_so(store: Store, stand_in: Any) -> None:
    runner = Runner(store, stand_in, workers=1)
    gate, never = Gate(), Gate()
    jobs = [submit(runner, gate, "running"), submit(runner, never, "queued")]
    wait_until(gate.began.is_set)
    assert runner.close(5)
    assert {runner.get(job.id).state for job in jobs} == {JobState.INTERRUPTED}
    assert not never.began.is_set()
    with pytest.raises(ConflictError, match="closing"):
        submit(runner, gate)


def test_closing_does_not_wait_for_ever(store: Store, stand_in: Any) -> None:
    runner = Runner(store, stand_in)
    gate = threading.Event()
    job = submit(runner, lambda _: gate.wait(10) and None)
    wait_until(lambda: runner.get(job.id).state is JobState.RUNNING)
    try:
        assert not runner.close(0.1)
    finally:
        gate.set()
        runner.wait(job.id, 5)


def test_a_job_whose_end_can_not_be_written_down_is_over_all_the_same(
    store: Store, stand_in: Any, caplog: pytest.LogCaptureFixture
) -> None:
    runner = Runner(store, stand_in)

    def work(_context: JobContext) -> None:
        with store.write() as connection:
            connection.exec_driver_sql("DROP TABLE jobs")

    job = submit(runner, work)
    assert runner.wait(job.id, 5).state is JobState.DONE
    assert "could not be written down" in caplog.text
    assert runner.unfinished() == ()
    with pytest.raises(ConflictError):
        runner.cancel(job.id)
    runner.close()


def test_progress_is_written_down_now_and_then_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcer, "SAVE_SECONDS", 0.3)
    monkeypatch.setattr(announcer, "TELL_SECONDS", 0.05)
    saved: list[Job] = []
    told = announcer.Announcer(saved.append)
    job = Job(JobId("x"), "test", "subject", "default", JobState.RUNNING, datetime.now(UTC))
    end = time.monotonic() + 1
    while time.monotonic() < end:
        told.announce(job)
    told.close()
    assert 2 <= len(saved) <= 4
