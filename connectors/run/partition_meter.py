"""How far one partition is read, and how far that is durable."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from connectors.records import Message, timestamp_of


class PartitionMeter:
    """How far a partition is read, and how far that is durable. Offsets are the next to be read."""

    def __init__(self, topic: str, partition: int, start: int, now: float) -> None:
        self.topic = topic
        self.partition = partition
        self.position = self.durable = start
        self.end: int | None = None  # as the brokers have said last, where they are asked
        # As the client's last fetch has it; may be called from any thread.
        self.seen_end: Callable[[], int | None] = lambda: None
        self.ended = False  # nothing is read of it any more
        # When the durable offset has moved last, or was the end.
        self.progress_at = now
        # The first record read after each snapshot that is not durable: its offset, its time in ms.
        self._firsts: deque[tuple[int, int]] = deque()
        self.wants_first = True
        self._behind_since: float | None = None

    def read(self, first: Message, position: int) -> None:
        """A chunk was read, which begins with this record; `position` is the next offset."""
        self.position = position
        if self.wants_first:
            self.first(first.offset() or 0, timestamp_of(first))

    def snapshotted(self, position: int) -> None:
        """A snapshot was taken at this offset."""
        self.position = position
        self.wants_first = True

    def first(self, offset: int, timestamp: int | None) -> None:
        """The first record read after a snapshot, and its time in ms, if it has one."""
        self.wants_first = False
        if timestamp is None or timestamp < 0:
            timestamp = int(time.time() * 1000)
        self._firsts.append((offset, timestamp))

    def made_durable(self, offset: int, now: float) -> None:
        """A snapshot with this offset is durable; `now` is that of the run's clock."""
        if offset != self.durable:
            self.progress_at = now
        self.durable = offset
        firsts = self._firsts
        while firsts and firsts[0][0] < offset:
            firsts.popleft()

    def set_end(self, end: int, now: float) -> None:
        """The brokers say that the partition ends here; `now` is that of the run's clock."""
        self.end = end
        if end <= self.durable:
            self.progress_at = now

    @property
    def lag_records(self) -> int | None:
        """Offsets from the durable one to the end; None while the end is not known."""
        end = self.end
        return None if end is None else max(0, end - self.durable)

    def as_json(self) -> dict[str, Any]:
        """For the operator: with the lag in records behind `durable`, None without a known end."""
        ends = [end for end in (self.end, self.seen_end()) if end is not None]
        end = max(ends, default=None)
        return {
            "topic": self.topic,
            "partition": self.partition,
            "next": self.position,
            "durable": self.durable,
            "end": end,
            "lag": None if end is None else max(0, end - self.durable),
        }

    def lag_seconds(self, now: float, unix_now: float) -> float | None:
        """The age of the oldest record that is not durable, or 0; None while nothing is known.

        Of a partition of which none was read yet, it is the time since that was noticed. `now` is
        that of the run's clock.
        """
        try:
            offset, timestamp = self._firsts[0]
        except IndexError:
            pass
        else:
            if offset >= self.durable and self.position > self.durable:
                self._behind_since = None
                return max(0.0, unix_now - timestamp / 1000)
        lag = self.lag_records
        if not lag:
            self._behind_since = None
            return None if lag is None else 0.0
        if self._behind_since is None:
            self._behind_since = now
        return now - self._behind_since
