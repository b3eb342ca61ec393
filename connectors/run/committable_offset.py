"""When what a source has read is not only durable, but settled."""

from __future__ import annotations

import time
from collections import deque


class CommittableOffset:
    """Says which position of a source is settled: its rows are in their tables.

    The rows of a snapshot have left their windows once the windows' age has passed, and are
    durable with the next snapshot but one that begins after that.
    """

    def __init__(self, start: int, age: float) -> None:
        self._age = age
        self._told = start
        # (time of the snapshot, its position), oldest first.
        self._waiting: deque[tuple[float, int]] = deque()
        self._previous = self._latest = float("-inf")

    def snapshotted(self, offset: int) -> None:
        """The source took a snapshot at this position."""
        self._previous, self._latest = self._latest, time.monotonic()
        if not self._waiting or self._waiting[-1][1] != offset:
            self._waiting.append((self._latest, offset))

    def due(self) -> int | None:
        """A newly settled position, when all snapshots so far are durable; None for none."""
        offset = None
        while self._waiting and self._waiting[0][0] + self._age < self._previous:
            offset = self._waiting.popleft()[1]
        if offset is None or offset == self._told:
            return None
        self._told = offset
        return offset
