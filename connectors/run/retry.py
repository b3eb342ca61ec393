"""How long to wait before the next try."""

from __future__ import annotations

import logging
import random
import time

from connectors.errors import StopRun
from connectors.run.context import Run

log = logging.getLogger("sync")

# Between two lines of the log about the same trouble.
_QUIET = 10.0


class Backoff:
    """Doubling waits with full jitter between half and whole, for one lane of retries."""

    def __init__(self, initial: float, most: float) -> None:
        self._initial = initial
        self._most = most
        self.tries = 0
        self._told = float("-inf")

    def wait(self) -> float:
        """Seconds to wait now; each call waits longer, up to the most."""
        step = min(self._most, self._initial * 2.0 ** min(self.tries, 30))
        self.tries += 1
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret

    def worth_telling(self) -> bool:
        """True when the trouble lasts and the log has been quiet about it for a while."""
        now = time.monotonic()
        if self.tries < 4 or now - self._told < _QUIET:
            return False
        self._told = now
        return True


_FIRST, _MOST = 0.1, 5.0  # seconds


class OutageWait:
    """Called on each failure; returns when it may be tried again.

    Meanwhile nothing is read, and nothing is lost: offsets stay where they are.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._backoff = Backoff(_FIRST, _MOST)
        self._last = 0.0

    def wait(self, reason: str) -> None:
        """Sleep. Raises StopRun when the run ends while it waits, or what failed elsewhere."""
        now = time.monotonic()
        if now - self._last > 4 * _MOST:  # another trouble
            self._backoff = Backoff(_FIRST, _MOST)
        until = now + self._backoff.wait()
        if self._backoff.worth_telling():
            log.warning("%s; trying again", reason)
        while True:
            self._run.check()
            if self._run.drain_reason is not None:
                raise StopRun(
                    f"{reason}: no answer before the run was ended ({self._run.drain_reason}).\n"
                    "  remedy: nothing is lost; the next start goes on from the last snapshot"
                )
            left = until - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, 0.1))
        self._last = time.monotonic()
