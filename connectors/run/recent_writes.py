"""What a table has taken of late, while nothing slows it down: counted once a request."""

from __future__ import annotations

import math


class RecentWrites:
    """Counts the rows of a table, and notes its fastest answer."""

    def __init__(self, now: float) -> None:
        self._rows = 0
        # When, and the rows by then: a second or two ago, and after that.
        self._former = self._latest = (now, 0)
        self.fastest = math.inf
        """Seconds of the fastest answer."""

    def written(self, rows: int, seconds: float, now: float) -> None:
        """So many rows were written by a request that took `seconds`."""
        self._rows += rows
        if now - self._latest[0] >= 1.0:
            self._former, self._latest = self._latest, (now, self._rows)
        self.fastest = min(self.fastest, seconds)

    def rate(self, now: float) -> float:
        """The rows written per second, over the last seconds before `now`."""
        at, rows = self._former
        return (self._rows - rows) / max(now - at, 0.05)
