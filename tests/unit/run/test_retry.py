"""Waits between tries: longer each time, up to the most, spread, and told of now and then."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.run.retry import Backoff


@given(st.floats(0.001, 10), st.floats(0.001, 100), st.integers(1, 60))
def test_waits_grow_and_stay_within_the_most(initial: float, most: float, tries: int) -> None:
    """The n-th wait lies between half and whole of initial * 2**n, cut at the most."""
    made = Backoff(initial, most)
    for number in range(tries):
        step = min(most, initial * 2.0**number)
        assert step / 2 <= made.wait() <= step
    assert made.tries == tries


def test_waiting_has_no_end() -> None:
    """After a very long outage it still works."""
    made = Backoff(0.05, 5.0)
    made.tries = 10**6
    assert 2.5 <= made.wait() <= 5.0


def test_waits_are_spread() -> None:
    """Lanes that fail together do not come back together."""
    assert len({Backoff(1.0, 5.0).wait() for _ in range(50)}) > 40


def test_trouble_is_told_when_it_lasts_and_not_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first tries are nobody's business; later ones are told once in ten seconds."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    made = Backoff(0.05, 5.0)
    told = []
    for _ in range(40):
        made.wait()
        told.append(made.worth_telling())
        now += 1.0
    assert not any(told[:3])
    assert [number for number, said in enumerate(told) if said] == [3, 13, 23, 33]


def test_trouble_right_after_boot_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the monotonic clock starts at zero with the machine, the first word is said too."""
    monkeypatch.setattr(time, "monotonic", lambda: 1.0)
    made = Backoff(0.05, 5.0)
    for _ in range(4):
        made.wait()
    assert made.worth_telling()
