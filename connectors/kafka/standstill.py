"""Notices that a partition stands: nothing is read, though the brokers have more."""

from __future__ import annotations

from collections.abc import Callable

# After a partition that was found in order, as behind an open transaction, the next look is later.
_MAX_PATIENCE = 3600.0


class Standstill:
    """Watches the position of one partition."""

    def __init__(self, after: float, clock: Callable[[], float]) -> None:
        """`after` so many seconds without a move a partition is to be looked at."""
        self._after = self._patience = after
        self._clock = clock
        self._position = -1
        self._since = 0.0

    def is_due(self, position: int) -> bool:
        """Call it when there was nothing to read: whether it is time to look why."""
        now = self._clock()
        if position != self._position:
            self._position, self._since, self._patience = position, now, self._after
            return False
        if now - self._since < self._patience:
            return False
        self._since = now
        return True

    def in_order(self) -> None:
        """The partition is as it should be: look again later and later."""
        self._patience = min(_MAX_PATIENCE, self._patience * 2)
