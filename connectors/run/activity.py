"""What a run does at the moment, in one process: asked for from other threads than those that work.

The operator's commands and the supervisor look here. Nothing of it is on the path of a record: a
partition notes something once an epoch, a retry once a try.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Clock = Callable[[], float]

# Waits that are remembered; a reason may have a name in it, so their number has no bound.
_MAX_WAITS = 20
# Seconds beyond the next try during which a wait still counts: the try itself takes a while.
_TRY_TAKES = 60.0


class Position(NamedTuple):
    """How far a partition is: offsets, of which the end may be unknown.

    Everything before `durable` is in its table, waits in the recovery folder, or was rejected.
    """

    topic: str
    partition: int
    next: int
    durable: int
    end: int | None

    def as_json(self) -> dict[str, Any]:
        """With the lag in records behind `durable`, None where the end is unknown."""
        lag = None if self.end is None else max(0, self.end - self.durable)
        return {**self._asdict(), "lag": lag}


class Activity:
    """Epochs, waits, partitions, and whether the operator has paused the run."""

    def __init__(self, clock: Clock) -> None:
        """`clock` is in seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._waits: dict[str, float] = {}
        self._positions: dict[str, Callable[[], Position]] = {}
        self.began = clock()
        # The processes have found each other, and the steps are being built.
        self.formed = False
        self.paused = False
        self.epochs = 0
        self._last_epoch: float | None = None
        self.topics_waiting: Sequence[str] = ()

    def epoch_closed(self, epoch: int) -> None:
        """All snapshots of an epoch are durable, in all processes."""
        if epoch > self.epochs:
            self.epochs, self._last_epoch = epoch, self._clock()

    def snapshot_age(self) -> float | None:
        """Seconds since a snapshot became durable; None before the first."""
        return None if self._last_epoch is None else self._clock() - self._last_epoch

    def waits_for(self, reason: str, seconds: float) -> None:
        """An attempt failed for now; the next one is made after `seconds`."""
        with self._lock:
            self._waits.pop(reason, None)
            self._waits[reason] = self._clock() + seconds + _TRY_TAKES
            if len(self._waits) > _MAX_WAITS:
                del self._waits[next(iter(self._waits))]

    def goes_on(self, reason: str) -> None:
        """The attempt that failed for this reason has succeeded, or is given up."""
        with self._lock:
            self._waits.pop(reason, None)

    def waits(self) -> list[str]:
        """What is being waited for now."""
        now = self._clock()
        with self._lock:
            return [reason for reason, until in self._waits.items() if now < until]

    def reads(self, partition_key: str, position: Callable[[], Position]) -> None:
        """A partition is read; `position` may be called from any thread."""
        with self._lock:
            self._positions[partition_key] = position

    def positions(self) -> list[Position]:
        """All partitions that this process reads."""
        with self._lock:
            positions = [*self._positions.values()]
        return sorted(position() for position in positions)
