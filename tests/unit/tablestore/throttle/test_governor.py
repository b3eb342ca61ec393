"""The governor of a table: off until it is needed; turns, limits, what it shows."""

import asyncio
import math
from collections.abc import Callable

import pytest

from connectors.errors import StopRun
from connectors.run.accounting import Counts
from connectors.run.read_limits import ReadLimits
from connectors.run.retry import Backoff
from connectors.tablestore.throttle.governor import Governor, Limits
from tests.unit.fake_clock import FakeClock
from tests.unit.tablestore.throttle.simulated import Simulation, TokenBucket, run_virtual

pytestmark = pytest.mark.P6


NO_LIMITS = Limits()


class Subject:
    """A governor with its clock and what it tells."""

    def __init__(self, limits: Limits = NO_LIMITS) -> None:
        self.clock = FakeClock(100.0)
        self.counts = Counts()
        self.read_limits = ReadLimits(0.5, self.clock)
        self.governor = Governor(
            "orders",
            limits,
            self.counts,
            self.read_limits,
            lambda: Backoff(0.1, 5.0, uniform=lambda low, _: low),
            self.clock,
        )

    def is_on(self) -> bool:
        """Whether requests have to ask for their turn."""
        return self.governor.is_on


def test_it_is_off_until_the_first_refusal() -> None:
    """Written rows change nothing, and no number of the table is shown; then it is on."""
    subject = Subject()
    for _ in range(50):
        sent_at = subject.governor.sent()
        subject.clock.now += 0.02
        subject.governor.written(sent_at, 200)
    assert subject.is_on() is False
    assert subject.counts.throttles() == {}
    sent_at = subject.governor.sent()
    subject.governor.answered(sent_at, 150, 50, "busy")
    assert subject.governor.is_on
    assert subject.read_limits.is_on
    numbers = subject.counts.throttles()["orders"]
    assert (numbers.requests, numbers.is_throttled) == (1, True)
    assert 0 < numbers.rate_limit < math.inf


def test_it_begins_with_the_rate_of_before() -> None:
    """Not with nothing: a small refusal of a fast table costs it little."""
    subject = Subject()
    for _ in range(500):
        sent_at = subject.governor.sent()
        subject.clock.now += 0.01
        subject.governor.written(sent_at, 200)
    sent_at = subject.governor.sent()
    subject.governor.answered(sent_at, 190, 10, "busy")
    assert 10_000 <= subject.governor.rate <= 25_000


def test_it_is_off_again_after_quiet_time() -> None:
    """Half a minute without a refusal in which nothing had to wait."""
    subject = Subject()
    subject.governor.answered(subject.governor.sent(), 100, 100, "busy")
    subject.clock.now += 20
    subject.governor.written(subject.governor.sent(), 10)
    assert subject.is_on()
    subject.clock.now += 20
    subject.governor.written(subject.governor.sent(), 10)
    assert not subject.is_on()
    assert not subject.read_limits.is_on
    assert not subject.counts.throttles()["orders"].is_throttled


def test_slow_answers_limit_the_requests_in_flight() -> None:
    """A service that refuses nothing, and answers after seconds."""
    subject = Subject()
    subject.governor.written(subject.governor.sent(), 200)
    sent = [subject.governor.sent() for _ in range(40)]
    subject.clock.now += 5
    subject.governor.written(sent[0], 200)
    assert subject.governor.is_on
    assert subject.counts.throttles()["orders"].in_flight_limit == 20


def test_who_waits_ends_with_the_run() -> None:
    """A batch that waits for its turn looks at the run, and the next one goes on."""
    subject = Subject()
    governor = subject.governor
    ended: list[str] = []
    failed = False

    def check(name: str) -> Callable[[], None]:
        def look() -> None:
            if failed and name == "first":
                raise StopRun("elsewhere")

        return look

    async def shard(name: str) -> None:
        try:
            await governor.turn(200, check(name))
            ended.append(f"{name} granted")
        except StopRun:
            ended.append(f"{name} stopped")

    async def main() -> None:
        nonlocal failed
        governor.answered(governor.sent(), 0, 200, "busy")
        first = asyncio.create_task(shard("first"))
        second = asyncio.create_task(shard("second"))
        await asyncio.sleep(0.01)
        failed = True
        await asyncio.gather(first, second)

    run_virtual(subject.clock, main())
    assert ended == ["first stopped", "second granted"]
    assert subject.counts.throttles()["orders"].waited > 0


@pytest.mark.parametrize("limits", [Limits(rows=700), Limits(units=700)])
def test_limits_of_the_options_hold(limits: Limits) -> None:
    """Without any refusal the table gets so many rows, or units, a second, and no more."""
    simulation = Simulation(TokenBucket(1e9), limits=limits, seconds=12)
    found = simulation.run()
    assert sum(found.refused) == 0
    assert all(650 <= number <= 750 for number in found.accepted[2:12])
    assert not simulation.counts.throttles()["orders"].is_throttled


def test_units_are_those_that_answers_name() -> None:
    """Rows that take four units each are written at a quarter of the rate."""
    subject = Subject(Limits(units=1000))
    governor = subject.governor
    written = 0

    async def main() -> None:
        nonlocal written
        while subject.clock.now < 110:
            rows, units = await governor.turn(200, lambda: None)
            sent_at = governor.sent()
            governor.used(rows * 4)
            governor.written(sent_at, rows, units)
            written += rows

    run_virtual(subject.clock, main())
    assert written == pytest.approx(2500, rel=0.05)


def test_refused_rows_take_nothing_of_a_limit() -> None:
    """A service that takes less than the option allows gets its own rate."""
    found = Simulation(TokenBucket(300), limits=Limits(rows=5000), seconds=20).run()
    assert found.goodput(300, 8, 20) >= 0.95
    assert found.refusals(8, 20) <= 0.05
