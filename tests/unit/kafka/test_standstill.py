"""When a stalled partition is checked."""

from connectors.kafka.standstill import StallDetector
from tests.unit.fake_clock import FakeClock


def test_a_position_that_does_not_move_is_due() -> None:
    """After the time, and again after it; a move restarts the time."""
    clock = FakeClock()
    watch = StallDetector(60, clock)
    assert not watch.is_due(5)
    clock.now += 59
    assert not watch.is_due(5)
    clock.now += 1
    assert watch.is_due(5)
    assert not watch.is_due(5)
    clock.now += 60
    assert watch.is_due(5)
    clock.now += 60
    assert not watch.is_due(6), "it moved"
    clock.now += 60
    assert watch.is_due(6)


def test_one_in_order_is_looked_at_less_often() -> None:
    """Behind an open transaction, each look costs a client; a move ends that."""
    clock = FakeClock()
    watch = StallDetector(60, clock)
    watch.is_due(5)
    clock.now += 60
    assert watch.is_due(5)
    watch.in_order()
    clock.now += 60
    assert not watch.is_due(5)
    clock.now += 60
    assert watch.is_due(5)
    assert not watch.is_due(7)
    clock.now += 60
    assert watch.is_due(7)
