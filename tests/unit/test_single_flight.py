"""One call at a time per question, and nobody waits longer than they said."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.waiting import wait_until
from webui.engine.single_flight import SingleFlight
from webui.errors import EngineSlowError


class Question:
    """A call that answers with its number, once it may."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        self.may_answer.wait(10)
        return number


def test_those_who_ask_meanwhile_share_one_answer() -> None:
    flights, question = SingleFlight("test"), Question()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(flights.run, "key", question, wait=10) for _ in range(8)]
        wait_until(lambda: question.asked)
        question.may_answer.set()
        assert {answer.result() for answer in answers} == {1}
    assert flights.run("key", question, wait=10) == 2


def test_other_questions_do_not_wait() -> None:
    flights, question = SingleFlight("test"), Question()
    with pytest.raises(EngineSlowError):
        flights.run("slow", question, wait=0.01)
    assert flights.run("quick", lambda: "here", wait=10) == "here"
    question.may_answer.set()


def test_a_late_answer_goes_to_the_next_who_asks_and_only_once() -> None:
    flights, question = SingleFlight("test"), Question()
    with pytest.raises(EngineSlowError):
        flights.run("key", question, wait=0.01)
    question.may_answer.set()
    assert flights.run("key", question, wait=10) == 1
    assert flights.run("key", question, wait=10) == 2


def test_after_a_change_nobody_joins_what_began_before() -> None:
    flights, question = SingleFlight("test"), Question()
    with pytest.raises(EngineSlowError):
        flights.run("key", question, wait=0.01)
    flights.renew()
    question.may_answer.set()
    assert flights.run("key", question, wait=10) == 2


def test_an_error_is_raised_to_everyone_who_waits() -> None:
    flights, go_on = SingleFlight("test"), threading.Event()

    def fail() -> None:
        go_on.wait(10)
        raise LookupError("gone")

    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(flights.run, "key", fail, wait=10) for _ in range(3)]
        go_on.set()
        for answer in answers:
            with pytest.raises(LookupError):
                answer.result()


def test_calls_that_never_end_do_not_pile_up() -> None:
    flights, question = SingleFlight("test", most=3), Question()
    for number in range(3):
        with pytest.raises(EngineSlowError):
            flights.run(number, question, wait=0.01)
    with pytest.raises(EngineSlowError, match="many"):
        flights.run("one more", question, wait=10)
    assert question.asked == 3
    question.may_answer.set()
