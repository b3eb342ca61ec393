"""Which offset of a source may be committed: all before it is in the tables, and durably so."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

Clock = Callable[[], float]


class CommittableOffset:
    """The offset that may be committed to the consumer group.

    A snapshot may leave rows in the batchers. They have left once the batchers' maximal age has
    passed, and they are durable with the next but one snapshot that begins after that.
    """

    def __init__(self, start: int, age: float, clock: Clock = time.monotonic) -> None:
        """`start` counts as committed already; `age` and the clock are in seconds."""
        self._age = age
        self._clock = clock
        self._committed = start
        # (time of the snapshot, its offset), oldest first.
        self._waiting: deque[tuple[float, int]] = deque()
        self._previous = self._latest = float("-inf")

    def snapshotted(self, offset: int) -> None:
        """The source took a snapshot at this offset."""
        self._previous, self._latest = self._latest, self._clock()
        if not self._waiting or self._waiting[-1][1] != offset:
            self._waiting.append((self._latest, offset))

    def due(self) -> int | None:
        """An offset that became committable, or None. Call it when all snapshots are durable."""
        offset = None
        while self._waiting and self._waiting[0][0] + self._age < self._previous:
            offset = self._waiting.popleft()[1]
        if offset is None or offset == self._committed:
            return None
        self._committed = offset
        return offset
