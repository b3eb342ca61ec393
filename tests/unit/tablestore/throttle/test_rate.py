"""The rate of a throttled table, in simulations: whatever the service, it gets what it takes."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.run.retry import Backoff
from connectors.tablestore.throttle.rate import Bucket, RateControl
from tests.unit.tablestore.throttle.simulated import (
    Service,
    Simulation,
    TokenBucket,
    Unreliable,
    Windows,
)

pytestmark = pytest.mark.P6

SERVICES: dict[str, Callable[[], TokenBucket | Windows]] = {
    "bucket": lambda: TokenBucket(2000),
    "small bucket": lambda: TokenBucket(2000, burst=0.05),
    "large bucket": lambda: TokenBucket(2000, burst=5),
    "bucket, whole requests": lambda: TokenBucket(2000, whole=True),
    "slow bucket": lambda: TokenBucket(200),
    "slower bucket": lambda: TokenBucket(50),
    "fast bucket": lambda: TokenBucket(20_000),
    "windows": lambda: Windows(2000),
    "windows, whole requests": lambda: Windows(2000, whole=True),
}


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize("latency", [0.002, 0.03])
def test_the_table_gets_its_rate_with_few_refusals(kind: str, latency: float) -> None:
    """From the eighth second on: 95 % of the rate, at most 5 % of the rows refused.

    What is not used of a window of one second is lost, so there it is less; and ends of seconds
    that are refused may look like refusals at random, so that once more is tried in vain.
    """
    service = SERVICES[kind]()
    found = Simulation(service, latency, seconds=30).run()
    least, most = (0.85, 0.15) if isinstance(service, Windows) else (0.95, 0.05)
    assert found.goodput(service.rate, 8, 30) >= least
    assert found.refusals(8, 30) <= most


@pytest.mark.parametrize("before", [0, 200, 5000])
def test_the_rate_is_back_soon(before: float) -> None:
    """Ten seconds after a limit of few rows, or none at all, was lifted: 90 % of the rate before.

    While the limit holds, little of what is sent is refused.
    """
    service = TokenBucket(1e9)

    def limit() -> None:
        service.rate = before or 1e-9
        service._level = 0

    def lift() -> None:
        service.rate = 1e9

    found = Simulation(service, seconds=40, changes={8: limit, 25: lift}).run()
    free = sum(found.accepted[4:8]) / 4
    assert sum(found.accepted[35:39]) / 4 >= 0.9 * free
    assert sum(found.refused[10:25]) <= 0.05 * before * 15 + 50


def test_the_rate_does_not_swing() -> None:
    """Each second is within a fifth of the service's rate, once it is found."""
    found = Simulation(TokenBucket(2000, burst=0.1), seconds=40).run()
    assert all(0.8 * 2000 <= number <= 1.2 * 2000 for number in found.accepted[8:40])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    rate=st.floats(20, 10_000),
    burst=st.floats(0.05, 5),
    whole=st.booleans(),
    latency=st.floats(0.001, 0.2),
    fails=st.sampled_from([0.0, 0.1]),
    seed=st.integers(0, 2**32),
)
def test_any_limit_is_never_zero_and_nothing_stands(
    rate: float, burst: float, whole: bool, latency: float, fails: float, seed: int
) -> None:
    """In any five seconds rows are written, though requests fail; no shard waits for ever.

    A service that refuses whole requests gets the ones that fit, so the rate is that of small ones.
    """
    service: Service = TokenBucket(rate, max(burst, 20 / rate) if whole else burst, whole)
    simulation = Simulation(service, latency, seconds=30, seed=seed, fails=fails)
    found = simulation.run()
    taken = [sum(found.accepted[second : second + 5]) for second in range(10, 26)]
    assert all(number >= 0.3 * 5 * rate - 5 for number in taken), taken


def test_shards_get_the_same() -> None:
    """Each of 16 shards gets its share, within a quarter."""
    found = Simulation(TokenBucket(4000), seconds=30).run()
    mean = sum(found.by_shard) / 16
    assert all(0.75 * mean <= number <= 1.25 * mean for number in found.by_shard)


def test_one_request_finds_out_for_all() -> None:
    """While nothing gets through, the pauses grow and one request at a time is sent."""
    control = RateControl(1000, 0.0, Backoff(0.1, 5.0, uniform=lambda _low, high: high))
    control.answered(0.0, 0, 200, 1.0)
    assert control.grant(200, 0, 1.05)[1] == pytest.approx(0.05)
    rows, _ = control.grant(200, 0, 1.1)
    assert 0 < rows < 200
    assert control.grant(200, 1, 1.1)[0] == 0
    control.answered(1.1, 0, rows, 1.2)
    assert control.grant(200, 0, 1.2)[1] == pytest.approx(0.2)


def test_answers_of_requests_that_were_on_their_way_do_not_count_twice() -> None:
    """A rate goes down once a round trip, however many requests are refused in it."""
    control = RateControl(1000, 0.0, Backoff(0.1, 5.0))
    control.answered(0.0, 50, 50, 1.0)
    rate = control.rate
    for _ in range(20):
        control.answered(0.5, 0, 100, 1.0)
    assert control.rate == rate < 1000


def test_a_bucket_is_paid_back() -> None:
    """What was taken beyond it has to come first; little is saved up."""
    bucket = Bucket(100, 0.0)
    assert bucket.level(60.0) == 10
    bucket.take(30)
    assert bucket.wait(5, 60.0) == pytest.approx(0.25)
    assert bucket.wait(5, 60.25) == 0


@pytest.mark.parametrize("share", [0.3, 0.5])
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_refusals_at_random_do_not_stop_a_table(share: float, seed: int) -> None:
    """Where fewer requests do not mean fewer refusals, the rate does not go down and down."""
    found = Simulation(Unreliable(share, seed), latency=0.02, seconds=35, seed=seed).run()
    assert found.goodput(30, 0, 15) >= 1.0
    assert found.goodput(30, 15, 35) >= 1.0


@pytest.mark.parametrize("share", [0.15, 0.3])
def test_refusals_at_random_hold_up_a_table_for_seconds(share: float) -> None:
    """After 20 s, half of what is not refused is written again, and goes on after 30 s."""
    usual = sum(Simulation(TokenBucket(1e9), latency=0.02, seconds=6).run().accepted[3:6]) / 3
    found = Simulation(Unreliable(share, 2), latency=0.02, seconds=45, seed=2).run()
    assert found.goodput(usual * (1 - share), 20, 45) >= 0.5


@pytest.mark.parametrize("rate", [200, 2000])
def test_a_limit_of_seconds_is_not_taken_for_refusals_at_random(rate: float) -> None:
    """A service that counts by the second refuses the ends of seconds: little, not most."""
    found = Simulation(Windows(rate), 0.02, shards=64, seconds=30).run()
    assert found.refusals(8, 30) <= 0.15
