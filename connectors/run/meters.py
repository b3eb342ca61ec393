"""What a run measures of itself beside its counts, as plain numbers.

Everything is counted once a request, chunk, batch or snapshot, never once a record.
flow_metrics.py exports it, health.py judges it.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence

from connectors.records import Message, timestamp_of
from connectors.run.tracing import Tracer

# How often this process was started again, by itself or by a supervisor, which passes it on.
RESTARTS_VARIABLE = "SYNC_RESTARTS"
# Tables and codes that are counted apart: either may come from data or from the service.
_MAX_LABELS = 200
OTHER = "other"
DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
FILLS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


class Histogram:
    """Counts of values up to each bound, and above the last one."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def quantile(self, share: float) -> float | None:
        """The bound that so large a share of the values does not pass; None without values.

        Of values above the last bound it is that bound.
        """
        left = share * sum(self.counts)
        if not left:
            return None
        for bound, count in zip(self.bounds, self.counts, strict=False):
            left -= count
            if left <= 0:
                return bound
        return self.bounds[-1]


class TableMeter:
    """What was sent to a table."""

    def __init__(self) -> None:
        self.bytes = 0  # of encoded rows, repeated tries included
        self.durations = Histogram(DURATIONS)
        self._requests: dict[str, int] = {}
        self._rows: dict[tuple[str, str], int] = {}

    def request(self, code: str, seconds: float, size: int) -> None:
        """A request with rows of this table had this code; `size` are the bytes of its rows."""
        self.bytes += size
        self.durations.observe(seconds)
        requests = self._requests
        if code not in requests and len(requests) >= _MAX_LABELS:
            code = OTHER
        requests[code] = requests.get(code, 0) + 1

    def rows(self, outcome: str, code: str, number: int) -> None:
        """So many rows of a request were written, or are retried, rejected or stopped."""
        rows = self._rows
        if (outcome, code) not in rows and len(rows) >= _MAX_LABELS:
            code = OTHER
        rows[outcome, code] = rows.get((outcome, code), 0) + number

    def requests_by_code(self) -> dict[str, int]:
        """How many requests had each code; OK is one of them."""
        return self._requests.copy()

    def rows_by_outcome(self) -> dict[tuple[str, str], int]:
        """How many rows had each (outcome, code)."""
        return self._rows.copy()


class PartitionMeter:
    """How far a partition is read, and how far that is durable. Offsets are the next to be read."""

    def __init__(self, topic: str, partition: int, start: int, now: float) -> None:
        self.topic = topic
        self.partition = partition
        self.position = self.durable = start
        self.end: int | None = None  # as the brokers have said last
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


class Meters:
    """The meters of a run in one process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.started = clock()
        # Whether a program may look: otherwise the brokers are not asked for the partitions' ends.
        self.observed = "BYTEWAX_DATAFLOW_API_ENABLED" in os.environ
        self.restarts = _restarts()
        self.process = 0
        self.snapshot_interval = 10.0  # seconds; Bytewax's own default
        self.snapshots = 0  # that are durable
        self.last_snapshot = self.started
        # Since when the partitions are known; None before that.
        self.reading_since: float | None = None
        self.partitions: list[PartitionMeter] = []
        self.waiting_topics: dict[str, str] = {}  # each with the reason
        self.prefetched: list[Callable[[], int]] = []  # bytes that wait in each consumer's queues
        self.in_flight = 0  # requests
        self.busy_shards = 0
        self.shards: list[Callable[[], bool]] = []  # whether each has rows of a throttled table
        self.fills = Histogram(FILLS)
        self.tracer: Tracer | None = None
        self._tables: dict[str, TableMeter] = {}

    def partition(self, topic: str, partition: int, start: int, is_read: bool) -> PartitionMeter:
        """The meter of one more partition, read from offset `start` on.

        Without `is_read` it is shown nowhere.
        """
        meter = PartitionMeter(topic, partition, start, self.clock())
        if is_read:
            self.partitions.append(meter)
            self.reading_since = self.clock()
        return meter

    def epoch_closed(self, is_new: bool) -> None:
        """A partition has seen that an epoch is closed; `is_new` for the first that sees it."""
        if is_new:
            self.snapshot_durable()

    def snapshot_durable(self) -> None:
        """An epoch is closed everywhere: its snapshot is durable."""
        self.snapshots += 1
        self.last_snapshot = self.clock()

    def table(self, name: str) -> TableMeter:
        """The meter of a table."""
        found = self._tables.get(name)
        if found is None:
            if len(self._tables) >= _MAX_LABELS:
                name = OTHER
            found = self._tables.setdefault(name, TableMeter())
        return found

    def tables(self) -> dict[str, TableMeter]:
        """All meters of tables, by name."""
        return self._tables.copy()

    def throttled_shards(self) -> int:
        """Shards with rows that wait for their turn at a throttled table."""
        return sum(is_waiting() for is_waiting in self.shards)

    def prefetched_bytes(self) -> int:
        """Bytes of messages that wait to be decoded, outside librdkafka."""
        return sum(bytes_of() for bytes_of in self.prefetched)


def _restarts() -> int:
    text = os.environ.get(RESTARTS_VARIABLE, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def count_restart() -> None:
    """Note for the next start that the process starts itself again."""
    os.environ[RESTARTS_VARIABLE] = str(_restarts() + 1)
