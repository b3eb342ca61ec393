"""What a run waits for: one entry a thing, from its first failure to its end."""

from __future__ import annotations

import asyncio
import logging

import pytest

from connectors.run.retry import OutageWait, RetryLoop, TransientFailure
from connectors.run.waits import OperationWait, Waits
from tests.unit.factories import new_run
from tests.unit.fake_clock import FakeClock
from tests.unit.run.test_retry import Clock


def test_operations_that_wait_for_one_thing_are_one_wait() -> None:
    """It has lasted since the first of them; it is over when the last one is through."""
    clock = FakeClock()
    waits = Waits(clock)
    waits.enter("tablestore", "orders")
    waits.because("tablestore", "orders", "busy", "OTSServerBusy")
    clock.now += 5
    waits.enter("tablestore", "orders")
    waits.leave("tablestore", "orders")
    (found,) = waits.current()
    assert [*found] == ["tablestore", "orders", "OTSServerBusy", "busy", 5, 1]
    waits.leave("tablestore", "orders")
    assert waits.current() == []


def test_a_wait_that_comes_again_soon_is_the_same() -> None:
    """A throttle lets some batches through: it has lasted since it began, until it is quiet."""
    clock = FakeClock()
    waits = Waits(clock)
    for _ in range(3):
        waits.enter("tablestore", "orders")
        waits.because("tablestore", "orders", "busy", linger=5)
        clock.now += 1
        waits.leave("tablestore", "orders")
        clock.now += 4
        assert [wait.waiting for wait in waits.current()] == [0]
    assert waits.current()[0].seconds == 15
    clock.now += 1
    assert waits.current() == []
    waits.enter("tablestore", "orders")
    assert waits.current()[0].seconds == 0


def test_a_try_that_hangs_explains_no_standstill() -> None:
    """The watchdog accepts a wait until its next try should have been over for long."""
    clock = FakeClock()
    waits = Waits(clock)
    waits.enter("registry")
    waits.because("registry", "", "away", next_try=10)
    clock.now += 69
    assert waits.reasons() == ["away"]
    clock.now += 2
    assert waits.reasons() == []
    assert [wait.reason for wait in waits.current()] == ["away"], "it is still shown"
    waits.because("registry", "", "still away", next_try=10)
    assert waits.reasons() == ["still away"]


def test_an_operation_waits_only_when_it_has_a_reason() -> None:
    """And no more once it is over, however that ends."""
    waits = Waits(FakeClock())

    def fails() -> None:
        with OperationWait(waits, "kafka", "dead letters") as one:
            assert waits.current() == []
            one.because("broker down", 1)
            one.because("broker still down", 1)
            assert [wait.reason for wait in waits.current()] == ["broker still down"]
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fails()
    assert waits.current() == []
    with OperationWait(waits, "kafka", "dead letters"):
        pass


def test_what_has_waited_longest_comes_first() -> None:
    """Whatever the order in which they began."""
    clock = FakeClock()
    waits = Waits(clock)
    waits.enter("registry")
    clock.now += 1
    waits.enter("kafka")
    assert [wait.service for wait in waits.current()] == ["registry", "kafka"]


def test_a_retry_is_a_wait_until_it_succeeds() -> None:
    """With the subject and the code of its failure."""
    clock = Clock()
    run = new_run()
    seen = []
    clock.on_sleep = lambda: seen.append(run.waits.current()[0][:4])
    failures = [TransientFailure("busy", subject="orders", code="OTSServerBusy")] * 2

    def attempt() -> None:
        if failures:
            raise failures.pop()

    loop = RetryLoop(run, 0.05, 0.05, logging.getLogger("sync"), clock=clock, sleep=clock.sleep)
    loop.call(attempt)
    assert {*seen} == {("tablestore", "orders", "OTSServerBusy", "busy")}
    assert run.waits.current() == []


def test_a_retry_that_is_given_up_waits_no_more() -> None:
    """When the attempt raises something else, in the loop that writes too."""
    run = new_run()
    failures: list[Exception] = [ValueError("no"), TransientFailure("busy")]

    async def attempt() -> None:
        raise failures.pop()

    loop = RetryLoop(run, 0.001, 0.001, logging.getLogger("sync"))
    with pytest.raises(ValueError, match="no"):
        asyncio.run(loop.call_async(attempt))
    assert not failures
    assert run.waits.current() == []


def test_an_outage_lasts_over_its_tries() -> None:
    """Nobody says when the service has answered: it is over some time after the last try."""
    clock = Clock()
    run = new_run()
    run.waits._clock = clock
    wait = OutageWait(run, clock=clock, sleep=clock.sleep).wait
    for _ in range(5):
        wait("schema registry: away")
        clock.now += 2  # the try itself
    (found,) = run.waits.current()
    assert (found.service, found.reason, found.waiting) == ("registry", "schema registry: away", 0)
    assert found.seconds > 10
    clock.now += 15
    assert run.waits.current() == []
