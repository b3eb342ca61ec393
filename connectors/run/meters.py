"""What a run measures of itself beside its counts, as plain numbers.

Everything is counted once a request, chunk, batch or snapshot, never once a record.
flow_metrics.py exports it, health.py judges it, and operate.py shows it to the operator.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from connectors.run.drift_notes import DriftNotes
from connectors.run.partition_meter import PartitionMeter
from connectors.run.table_meter import MAX_LABELS, OTHER, Histogram, TableMeter
from connectors.run.tracing import Tracer

# How often this process was started again, by itself or by a supervisor, which passes it on.
RESTARTS_VARIABLE = "SYNC_RESTARTS"
FILLS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


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
        # Topics that are not read as their table is missing, each with the reason.
        self.waiting_topics: dict[str, str] = {}
        self.prefetched: list[Callable[[], int]] = []  # bytes that wait in each consumer's queues
        self.in_flight = 0  # requests
        self.busy_shards = 0
        self.shards: list[Callable[[], bool]] = []  # whether each has rows of a throttled table
        self.fills = Histogram(FILLS)
        self.drift = DriftNotes()
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

    def snapshot_age(self) -> float | None:
        """Seconds since a snapshot became durable; None before the first."""
        return self.clock() - self.last_snapshot if self.snapshots else None

    def has_ended(self) -> bool:
        """Whether nothing is read any more of any partition."""
        return all(one.ended for one in self.partitions)

    def table(self, name: str) -> TableMeter:
        """The meter of a table."""
        found = self._tables.get(name)
        if found is None:
            if len(self._tables) >= MAX_LABELS:
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
