"""Counts of records, and the rule that they balance.

At the snapshot of an epoch every record that was read before it, or that a step made of one, is
written, rejected or filtered, or waits in a batcher. The sources read on only when that epoch is
closed everywhere [bytewax-recovery], so each part of the flow notes its numbers in its own
snapshot, and the first source partition that reads on compares them. metrics.py exports the counts.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from connectors.records import DeadLetter

log = logging.getLogger("sync.counts")

# In the order in which the last line of a run has them. Every record read, and every one that a
# step added to those, ends as one of written, rejected and filtered; a row that a later one of its
# key replaced in its batch counts as written.
CountName = Literal[
    "read", "written", "rejected", "filtered", "added", "resumed", "retried", "unbalanced"
]
COUNT_NAMES: tuple[CountName, ...] = get_args(CountName)
_FINAL: tuple[CountName, ...] = ("written", "rejected", "filtered")
_SOURCES: tuple[CountName, ...] = ("read", "added", "resumed")

# Distinct rejection reasons with counts of their own: codes may come from users' steps or from the
# service, so their number is not bounded otherwise. The rest counts as "other".
_MAX_REASONS = 200
_MAX_LAST_REJECTED = 10
# Stage, code and destination.
Reason = tuple[str, str, str]


class ShardNumbers(NamedTuple):
    """Rows and dead letters of one shard of the sink since the run began."""

    received: int = 0
    done: int = 0


class BatcherNumbers(NamedTuple):
    """Rows and dead letters of one batcher since the run began; `waiting` are rows in it now."""

    received: int = 0
    resumed: int = 0
    waiting: int = 0
    emitted: int = 0


@dataclass
class ThrottleNumbers:
    """How one table is throttled. Written in the loop that writes, read anywhere."""

    requests: int = 0
    """Requests of which rows were throttled since the run began."""
    waited: float = 0.0
    """Seconds that batches have waited for their turn, all together."""
    in_flight_limit: int = 0
    """Requests that may be in flight at present; 0: as many as there are shards."""
    rate_limit: float = 0.0
    """Rows a second that are written at most at present; 0: no limit."""
    is_throttled: bool = False
    """Whether it is by the service, and not by its options alone."""


class ShardCounts:
    """Counts of one shard of the sink. Take its snapshot when nothing waits in the shard."""

    def __init__(self) -> None:
        self._received = self._done = 0
        self.at_snapshot = ShardNumbers()

    def received(self, number: int) -> None:
        """Rows and dead letters were handed to the shard. Called by the worker's thread only."""
        self._received += number

    def done(self, number: int) -> None:
        """Records of the shard were written, rejected or filtered. Called under `Counts`' lock."""
        self._done += number

    def snapshot(self) -> None:
        """Note the numbers at the end of this epoch."""
        self.at_snapshot = ShardNumbers(self._received, self._done)


class BatcherCounts:
    """Counts of one batcher: what it received and emitted, and what waits in it."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._received = self._resumed = self._emitted = 0
        self.at_snapshot = BatcherNumbers()

    def resumed(self, number: int) -> None:
        """Rows that an earlier run left in the recovery folder."""
        self._resumed = number
        self.at_snapshot = BatcherNumbers(resumed=number, waiting=number)
        self._counts.add("resumed", number)

    def received(self, number: int) -> None:
        """Rows and dead letters of this run came in."""
        self._received += number

    def emitted(self, number: int) -> None:
        """Rows and dead letters went on to the sink."""
        self._emitted += number

    def snapshot(self, waiting: int) -> None:
        """Note the numbers at the end of this epoch."""
        self.at_snapshot = BatcherNumbers(self._received, self._resumed, waiting, self._emitted)


class Counts:
    """Thread-safe counts of one run in one process."""

    def __init__(self, single_process: bool = True) -> None:
        """`single_process`: no rows come from or go to other processes of a cluster."""
        self._single_process = single_process
        self._epoch = 0  # the last one that was verified
        # A signal that asks for the counts may come while its own thread holds it.
        self._lock = threading.RLock()
        self._counts = dict.fromkeys(COUNT_NAMES, 0)
        self._reasons: Counter[Reason] = Counter()
        self._last_rejected: deque[str] = deque(maxlen=_MAX_LAST_REJECTED)
        self._shards: list[ShardCounts] = []
        self._batchers: list[BatcherCounts] = []
        # Records that steps before the sink filtered or rejected; what map_rows has emitted.
        self._done_by_steps = self._mapped = 0
        self._missing = 0
        self._stalled: set[str] = set()
        self._throttles: dict[str, ThrottleNumbers] = {}

    def note_stalled(self, partition_key: str, stalled: bool) -> None:
        """Note whether a partition is stalled: not read, though the brokers have more records."""
        with self._lock:
            (self._stalled.add if stalled else self._stalled.discard)(partition_key)

    def stalled(self) -> int:
        """The number of stalled partitions."""
        return len(self._stalled)

    def stalled_partitions(self) -> set[str]:
        """The keys of the partitions that are stalled."""
        with self._lock:
            return self._stalled.copy()

    def throttle(self, table: str) -> ThrottleNumbers:
        """The numbers of a table that is throttled, or has limits; the same object each time."""
        with self._lock:
            return self._throttles.setdefault(table, ThrottleNumbers())

    def throttles(self) -> dict[str, ThrottleNumbers]:
        """The numbers of each table that was ever throttled, or has limits."""
        with self._lock:
            return dict(self._throttles)

    def add(self, name: CountName, number: int, shard: ShardCounts | None = None) -> None:
        """Add to a count; what a shard has written, rejected or filtered is added to its own too.

        Raises KeyError for a name that is not counted.
        """
        with self._lock:
            self._counts[name] += number
            if name in _FINAL:
                if shard is None:
                    self._done_by_steps += number
                else:
                    shard.done(number)

    def step_done(self, filtered: int, added: int) -> None:
        """A step dropped records, and made some beyond those that it took."""
        self.add("filtered", filtered)
        self.add("added", added)

    def mapped(self, number: int) -> None:
        """Rows and dead letters left the mapping for the batchers."""
        with self._lock:
            self._mapped += number

    def reject(
        self, dead_letters: Sequence[DeadLetter], destination: str, shard: ShardCounts | None = None
    ) -> None:
        """Count dead letters that reached their destination, by stage, code and destination."""
        self.add("rejected", len(dead_letters), shard)
        with self._lock:
            for dead_letter in dead_letters:
                reason = (dead_letter.stage, dead_letter.code, destination)
                if reason not in self._reasons and len(self._reasons) >= _MAX_REASONS:
                    reason = (dead_letter.stage, "other", destination)
                self._reasons[reason] += 1
                self._last_rejected.append(
                    f"{dead_letter.coordinates}: {dead_letter.stage}, {dead_letter.code}: "
                    f"{dead_letter.reason}"
                )

    def reasons(self) -> dict[Reason, int]:
        """How many records were rejected, by (stage, code, destination)."""
        with self._lock:
            return dict(self._reasons)

    def last_rejected(self) -> list[str]:
        """The last ten rejections, oldest first: coordinates and reason, no payload."""
        with self._lock:
            return list(self._last_rejected)

    def snapshot(self) -> dict[str, int]:
        """All counts at one moment."""
        with self._lock:
            return dict(self._counts.items())

    def account(self) -> dict[str, int]:
        """All counts at one moment, and `in_flight`: what was read, added or resumed, less done."""
        found = self.snapshot()
        done = sum(found[name] for name in _FINAL)
        return {**found, "in_flight": sum(found[name] for name in _SOURCES) - done}

    def new_shard(self) -> ShardCounts:
        """The counts of one more shard of the sink."""
        with self._lock:
            self._shards.append(ShardCounts())
            return self._shards[-1]

    def new_batcher(self) -> BatcherCounts:
        """Register one more batcher and return its counts."""
        with self._lock:
            self._batchers.append(BatcherCounts(self))
            return self._batchers[-1]

    def verify_epoch(self, epoch: int) -> bool:
        """Compare what the parts of the flow noted in their snapshots of an epoch.

        Each source partition calls it before it reads on, and the first call in the process does
        it: then no record of the epoch is on its way any more, and none of the next one yet.
        Returns whether this was the first call.
        """
        with self._lock:
            if epoch <= self._epoch:
                return False
            self._epoch = epoch
            batchers = [batcher.at_snapshot for batcher in self._batchers]
            shards = [shard.at_snapshot for shard in self._shards]
            resumed = sum(numbers.resumed for numbers in batchers)
            waiting = sum(numbers.waiting for numbers in batchers)
            done = self._done_by_steps + sum(numbers.done for numbers in shards)
            if not self._single_process:
                # Rows on their way to other processes, less those that came from them.
                waiting += self._mapped - sum(numbers.received for numbers in batchers)
                waiting += sum(numbers.emitted for numbers in batchers)
                waiting -= sum(numbers.received for numbers in shards)
            known = self._counts["read"] + self._counts["added"]
            self._verify(known + resumed, done + waiting)
            return True

    def verify_end(self) -> None:
        """Compare the counts after a clean end, when nothing waits anywhere."""
        if self._single_process:
            found = self.snapshot()
            done = sum(found[name] for name in _FINAL)
            self._verify(sum(found[name] for name in _SOURCES), done)

    def _verify(self, expected: int, found: int) -> None:
        """Count and log an imbalance; one that stays the same is logged once."""
        if expected != found:
            self.add("unbalanced", 1)
            if expected - found != self._missing:
                log.error(
                    "the counts do not balance: %d records were read, added or resumed, and %d are "
                    "written, rejected, filtered or waiting: this is a bug of this software",
                    expected,
                    found,
                )
        self._missing = expected - found
