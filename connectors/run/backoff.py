"""How long to wait before each next try of what has failed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

# Seconds between two log lines about the same failure, and tries before the first of them.
_LOG_INTERVAL = 10.0
_QUIET_TRIES = 4


class Backoff:
    """How long to wait before each next try, and whether to log it."""

    def __init__(
        self,
        initial: float,
        maximum: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """The waits grow from `initial` to `maximum` seconds."""
        self._initial = initial
        self._maximum = maximum
        self._clock = clock
        self._uniform = uniform
        self.tries = 0
        self._last_logged = float("-inf")

    def next_wait(self) -> float:
        """Seconds to wait now: half to whole of a step that doubles with each call."""
        step = min(self._maximum, self._initial * 2.0 ** min(self.tries, 30))
        self.tries += 1
        return step * self._uniform(0.5, 1.0)

    def should_log(self) -> bool:
        """True when the failure lasts and was not logged for a while."""
        now = self._clock()
        if self.tries < _QUIET_TRIES or now - self._last_logged < _LOG_INTERVAL:
            return False
        self._last_logged = now
        return True
