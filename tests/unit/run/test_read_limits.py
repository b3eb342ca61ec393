"""How much is read of topics whose table is throttled."""

import pytest

from connectors.run.read_limits import ReadLimits, Waiting
from tests.unit.fake_clock import FakeClock

pytestmark = pytest.mark.P6


def subject() -> tuple[ReadLimits, list[Waiting], FakeClock]:
    """Limits with rows that may wait 0.6 s for their batch, so that a second of the rate waits."""
    clock, waiting = FakeClock(), [("orders", "a", 0), ("clicks", "b", 0)]
    limits = ReadLimits(0.6, clock)
    limits.watch(lambda: waiting)
    return limits, waiting, clock


def test_it_is_off_without_a_throttled_table() -> None:
    """It says so, and off again."""
    limits, _, _ = subject()
    found = [limits.is_on]
    for rate in (100, None):
        limits.limit("orders", rate)
        found.append(limits.is_on)
    assert found == [False, True, False]


def test_a_topic_is_read_as_far_as_its_table_takes_rows_soon() -> None:
    """Less what waits already, and less what others have just read; other topics as always."""
    limits, waiting, clock = subject()
    limits.limit("orders", 100)
    waiting[0] = ("orders", "a", 30)
    assert limits.room("a", 2000) == 70
    limits.taken("a", 60)
    assert limits.room("a", 2000) == 10
    assert limits.room("b", 2000) == 2000
    waiting[0] = ("orders", "a", 400)
    clock.now += 1
    assert limits.room("a", 2000) <= 0
    waiting[0] = ("orders", "a", 0)
    clock.now += 1
    assert limits.room("a", 2000) == 100


def test_topics_of_one_table_share_its_rate() -> None:
    """What waits of one of them counts for all; a topic with no row in it is read."""
    limits, waiting, _ = subject()
    limits.limit("orders", 100)
    waiting[1] = ("orders", "b", 99)
    assert limits.room("a", 2000) == 1
    assert limits.room("b", 2000) == 1
    assert limits.room("c", 2000) == 2000


def test_something_is_always_read_in_the_end() -> None:
    """A table that takes a row in ten seconds gets one when nothing waits."""
    limits, _, _ = subject()
    limits.limit("orders", 0.1)
    assert limits.room("a", 2000) == 1
