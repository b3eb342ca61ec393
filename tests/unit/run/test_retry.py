"""Retries: waits grow, are spread and logged now and then; one loop, blocking and for asyncio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import StopRun
from connectors.run.context import Run
from connectors.run.retry import Backoff, OutageWait, RetryLoop, RunEnded, TransientFailure
from tests.unit.factories import new_run

LOG = logging.getLogger("sync.test")


class Clock:
    """A clock that moves only while the code sleeps."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.on_sleep: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on by so many seconds, and a little: the sum of many waits must be no less."""
        self.now += seconds + 1e-6
        self.on_sleep()


def loop(run: Run, clock: Clock, maximum: float = 5.0) -> RetryLoop:
    """A loop whose waits are 0.1, 0.2, ... seconds."""
    return RetryLoop(
        run, 0.1, maximum, LOG, clock=clock, sleep=clock.sleep, uniform=lambda _, high: high
    )


class Attempt:
    """Fails so many times, and then returns how often it was made."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.made = 0

    def __call__(self) -> int:
        self.made += 1
        if self.made <= self.failures:
            raise TransientFailure("GetRange: busy")
        return self.made

    async def in_asyncio(self) -> int:
        """The same as a coroutine."""
        return self()


@given(st.floats(0.001, 10), st.floats(0.001, 100), st.integers(1, 60))
def test_waits_grow_and_stay_within_the_maximum(initial: float, maximum: float, tries: int) -> None:
    """The n-th wait lies between half and whole of initial * 2**n, at most the maximum."""
    made = Backoff(initial, maximum)
    for number in range(tries):
        step = min(maximum, initial * 2.0**number)
        assert step / 2 <= made.next_wait() <= step
    assert made.tries == tries


def test_waiting_has_no_end() -> None:
    """After a very long outage it still works."""
    made = Backoff(0.05, 5.0)
    made.tries = 10**6
    assert 2.5 <= made.next_wait() <= 5.0


def test_waits_are_spread() -> None:
    """Shards that fail together do not come back together."""
    assert len({Backoff(1.0, 5.0).next_wait() for _ in range(50)}) > 40


def test_a_failure_is_logged_when_it_lasts_and_not_too_often() -> None:
    """The first tries are not logged; later ones are logged once in ten seconds."""
    clock = Clock()
    made = Backoff(0.05, 5.0, clock=clock)
    logged = []
    for _ in range(40):
        made.next_wait()
        logged.append(made.should_log())
        clock.now += 1.0
    assert not any(logged[:3])
    assert [number for number, said in enumerate(logged) if said] == [3, 13, 23, 33]


def test_a_failure_right_after_boot_is_logged() -> None:
    """Where the monotonic clock starts at zero with the machine, the first line is logged too."""
    made = Backoff(0.05, 5.0, clock=lambda: 1.0)
    for _ in range(4):
        made.next_wait()
    assert made.should_log()


def test_an_attempt_is_made_until_it_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    """Ten failures are waited out, with doubling waits, and logged."""
    clock, attempt = Clock(0.0), Attempt(10)
    with caplog.at_level(logging.WARNING):
        assert loop(new_run(), clock).call(attempt) == 11
    assert clock.now == pytest.approx(0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 4 * 5.0, abs=0.01)
    assert "GetRange: busy; trying again (try 5)" in caplog.text


def test_both_forms_make_the_same_tries() -> None:
    """The coroutine form returns what the blocking one does."""
    made = RetryLoop(new_run(), 0.0001, 0.001, LOG)
    assert asyncio.run(made.call_async(Attempt(6).in_asyncio)) == 7
    assert made.call(Attempt(6)) == 7


def test_another_exception_is_not_retried() -> None:
    """Only a TransientFailure asks for another try."""
    attempts: list[int] = []

    def attempt() -> None:
        attempts.append(1)
        raise StopRun("no permission")

    with pytest.raises(StopRun, match="no permission"):
        loop(new_run(), Clock()).call(attempt)
    assert len(attempts) == 1


def test_a_drain_ends_a_blocking_wait() -> None:
    """It is noticed within the wait, however long that is; the text has reason and remedy."""
    run, clock = new_run(), Clock()
    clock.on_sleep = lambda: run.drain("SIGTERM")
    attempt = Attempt(10**6)
    with pytest.raises(RunEnded, match=r"GetRange: busy: no answer.*SIGTERM.*\n.*remedy"):
        loop(run, clock).call(attempt)
    assert attempt.made == 1


def test_a_failure_elsewhere_ends_both_forms() -> None:
    """What failed first is raised, and nothing is tried again."""
    run, clock = new_run(), Clock()
    run.fail(StopRun("elsewhere"))
    attempt = Attempt(10**6)
    made = loop(run, clock)
    with pytest.raises(StopRun, match="elsewhere"):
        made.call(attempt)
    with pytest.raises(StopRun, match="elsewhere"):
        asyncio.run(made.call_async(attempt.in_asyncio))
    assert attempt.made == 2


def test_another_outage_begins_with_short_waits() -> None:
    """Failures within one outage wait longer each; after 20 quiet seconds it is another one."""
    clock = Clock()
    outage = OutageWait(new_run(), clock=clock, sleep=clock.sleep)

    def waited() -> float:
        before = clock.now
        outage.wait("registry")
        return clock.now - before

    first = [waited() for _ in range(8)]
    assert first[0] <= 0.11
    assert first[-1] >= 2.5
    clock.now += 19
    assert waited() >= 2.5
    clock.now += 21
    assert waited() <= 0.11


def test_the_run_knows_what_it_waits_for() -> None:
    """While it lasts, so that a supervisor does not take it for a standstill; no longer."""
    run, clock = new_run(), Clock()
    seen: list[list[str]] = []
    clock.on_sleep = lambda: seen.append(run.waits.reasons())
    assert loop(run, clock).call(Attempt(3)) == 4
    assert {tuple(waits) for waits in seen} == {("GetRange: busy",)}
    assert run.waits.reasons() == []

    async def retry() -> int:
        return await RetryLoop(run, 1e-6, 1e-6, LOG).call_async(attempt.in_asyncio)

    attempt = Attempt(1)
    assert asyncio.run(retry()) == 2
    assert run.waits.reasons() == []
