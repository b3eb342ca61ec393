"""Requests in flight of a table that answers slowly."""

import math

import pytest

from connectors.tablestore.throttle.in_flight import InFlightLimit

pytestmark = pytest.mark.P6


def test_answers_in_time_set_no_limit() -> None:
    """However many are in flight, and though one now and then takes a little longer."""
    limit = InFlightLimit()
    for number in range(1000):
        limit.answered(float(number), 60, number + (0.9 if number % 10 == 0 else 0.02))
    assert not limit.is_on
    assert limit.has_room(10_000, 0.0)


def test_a_slow_answer_halves_once_a_round_trip() -> None:
    """Requests that were on their way when the limit was set do not lower it further."""
    limit = InFlightLimit()
    limit.answered(0.0, 64, 0.02)
    for _ in range(30):
        limit.answered(10.0, 64, 15.0)
    assert limit.limit == 32
    limit.answered(16.0, 32, 21.0)
    assert limit.limit == 16
    assert not limit.has_room(16, 21.0)


def test_a_service_that_is_always_slow_is_not_held_back() -> None:
    """What counts as slow follows the answers: three seconds for each are no trouble."""
    limit = InFlightLimit()
    for number in range(100):
        limit.answered(number * 5.0, 10, number * 5.0 + 3.0)
    assert not limit.is_on


def test_it_grows_back_while_it_is_reached() -> None:
    """By one a round trip, until it is given up; never below one."""
    limit = InFlightLimit()
    limit.answered(0.0, 1, 0.02)
    limit.answered(1.0, 1, 31.0, timed_out=True)
    assert limit.limit == 1
    now = 40.0
    for _ in range(5000):
        limit.has_room(math.inf, now)  # type: ignore[arg-type]
        limit.answered(now, 1, now + 0.02)
        now += 0.03
    assert not limit.is_on


def test_a_limit_that_is_not_reached_is_given_up() -> None:
    """After half a minute."""
    limit = InFlightLimit()
    limit.answered(0.0, 40, 20.0, timed_out=True)
    assert limit.is_on
    limit.answered(55.0, 2, 55.1)
    assert not limit.is_on
