"""Which offset of a source may be committed: all before it is in the tables, and durably so."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], float]


class CommittableOffset:
    """The offset that may be committed to the consumer group.

    A snapshot may leave rows in the batchers, or on their way to one whose worker is busy. Once it
    is durable they are all there; once the batchers' maximal age has passed after that they have
    left; and they are durable with the next but one snapshot that begins then.
    """

    def __init__(
        self,
        start: int,
        age: float,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        """`start` counts as committed already; `age` and the clocks are in seconds.

        `now` is the clock by which batchers are called. It may be set back: then rows wait longer.
        """
        self._now = clock if now is None else lambda: now().timestamp()
        self._age = age
        self._clock = clock
        self._committed = start
        # The offset of the last snapshot, until it is known to be durable.
        self._open: int | None = None
        # (times by both clocks at which a snapshot was durable, its offset), oldest first. By the
        # clock that may be set back it is the latest time so far: no row that waits was due later,
        # plus the age.
        self._waiting: deque[tuple[float, float, int]] = deque()
        self._previous = self._latest = (float("-inf"), float("-inf"))
        self._latest_now = float("-inf")

    def snapshotted(self, offset: int) -> None:
        """The source took a snapshot at this offset; the one before is durable by now.

        Bytewax asks a source for nothing before [bytewax-recovery].
        """
        self._close()
        self._previous, self._latest = self._latest, (self._clock(), self._now())
        self._latest_now = max(self._latest_now, self._latest[1])
        if not self._waiting or self._waiting[-1][2] != offset:
            self._open = offset

    def due(self) -> int | None:
        """An offset that became committable, or None. Call it when all snapshots are durable."""
        self._close()
        offset = None
        while self._waiting:
            durable, durable_now, waiting = self._waiting[0]
            clock, now = self._previous
            if durable + self._age >= clock or durable_now + self._age >= now:
                break
            self._waiting.popleft()
            offset = waiting
        if offset is None or offset == self._committed:
            return None
        self._committed = offset
        return offset

    def _close(self) -> None:
        """Note the time at which the last snapshot is known to be durable."""
        if self._open is not None:
            self._latest_now = max(self._latest_now, self._now())
            self._waiting.append((self._clock(), self._latest_now, self._open))
            self._open = None
