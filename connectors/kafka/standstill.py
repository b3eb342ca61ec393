"""Notices a stalled partition: nothing is read, though the brokers have more records."""

from __future__ import annotations

from collections.abc import Callable

# Seconds between two checks, at most, of a partition that was found in order.
_MAX_PATIENCE = 3600.0


class StallDetector:
    """Watches the position of one partition."""

    def __init__(self, after: float, clock: Callable[[], float]) -> None:
        """After `after` seconds at one position the partition is due for a check."""
        self._after = self._patience = after
        self._clock = clock
        self._position = -1
        self._since = 0.0

    def is_due(self, position: int) -> bool:
        """Whether it is time to check the partition; called when there was nothing to read."""
        now = self._clock()
        if position != self._position:
            self._position, self._since, self._patience = position, now, self._after
            return False
        if now - self._since < self._patience:
            return False
        self._since = now
        return True

    def in_order(self) -> None:
        """Double the time until the next check: the partition is not stalled."""
        self._patience = min(_MAX_PATIENCE, self._patience * 2)
