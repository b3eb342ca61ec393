"""Waiting for a condition with a deadline, so that no test sleeps and hopes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a condition may take on a slow, busy machine. Passing tests never wait this long."""


def until(
    condition: Callable[[], T | None],
    what: str | Callable[[], str],
    within: float = PATIENCE,
    every: float = 0.05,
) -> T:
    """Ask until the answer is true and return it; AssertionError after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            text = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {within:g} s: {text}")
        time.sleep(every)
