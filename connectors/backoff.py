"""How long to wait before the next try."""

from __future__ import annotations

import random
import time

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
