"""How much may be read of topics whose table is throttled.

A throttled table takes its rows slowly, and a snapshot waits for those that were handed to the
sink. So no more of its topics is read than the table takes soon: snapshots and drains stay short,
and other topics are read and written meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

# Seconds of a table's rate that may wait, besides the time that a row may wait for its batch.
_AHEAD = 0.4
_LOOK = 0.05  # seconds between two looks at what waits


# Table, topic (empty where it is not known) and number of rows that wait somewhere in the flow.
Waiting = tuple[str, str, int]
Look = Callable[[], Iterable[Waiting]]


class ReadLimits:
    """Counts what waits for throttled tables in this process. Any thread may ask."""

    def __init__(self, max_age: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`max_age` is the time that a row may wait for its batch, in seconds."""
        self._seconds = max_age + _AHEAD
        self._clock = clock
        self._lock = threading.Lock()
        self._looks: list[Look] = []
        self._rates: dict[str, float] = {}
        self._topics: dict[str, set[str]] = {}  # of each throttled table
        self._room: dict[str, int] = {}
        self._looked_at = float("-inf")
        self.is_on = False
        """Whether any table is throttled."""

    def watch(self, look: Look) -> None:
        """Register what tells of the rows that wait in one batcher, or one shard of the sink."""
        self._looks.append(look)

    def limit(self, table: str, rate: float | None) -> None:
        """The rows a second that a table takes; None when it takes all."""
        with self._lock:
            if rate is None:
                self._rates.pop(table, None)
                self._topics.pop(table, None)
            else:
                self._rates[table] = rate
            self.is_on = bool(self._rates)

    def room(self, topic: str, wanted: int) -> int:
        """How many of `wanted` records of a topic may be read now."""
        with self._lock:
            now = self._clock()
            if now - self._looked_at >= _LOOK:
                self._looked_at = now
                self._count()
            return min(wanted, self._room.get(topic, wanted))

    def taken(self, topic: str, records: int) -> None:
        """So many records of a topic were read."""
        with self._lock:
            if topic in self._room:
                self._room[topic] -= records

    def _count(self) -> None:
        waiting = dict.fromkeys(self._rates, 0)
        for look in [*self._looks]:
            for table, topic, rows in look():
                if table in waiting:
                    waiting[table] += rows
                    if topic:
                        self._topics.setdefault(table, set()).add(topic)
        self._room = {}
        for table, rows in waiting.items():
            room = max(1, int(self._rates[table] * self._seconds)) - rows
            for topic in self._topics.get(table, ()):
                self._room[topic] = min(room, self._room.get(topic, room))
