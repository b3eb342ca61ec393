"""Counts of records, for the last line of a run and for Prometheus; and whether they balance.

At a snapshot of an epoch every record read before it is written, rejected, filtered, or waits in a
window. The sources read on only when that epoch is closed everywhere, so each part of the flow
notes its own numbers in its own snapshot, and the first one that reads on holds them together.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from prometheus_client.core import (
    REGISTRY,
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from connectors.records import DeadLetter

log = logging.getLogger("sync.counts")

# Every record read ends as one of: written, rejected, filtered; superseded ones count as written.
NAMES = {
    "read": "Records read from Kafka.",
    "written": "Records whose row is in its table, or was replaced by a later one of its key.",
    "rejected": "Records set aside: not decoded, not mapped, or their row refused.",
    "filtered": "Records that a step of the flow dropped, less those that it added.",
    "resumed": "Rows taken over from the recovery folder, read by an earlier run.",
    "retried": "Rows sent again after a transient failure.",
    "unbalanced": "Snapshots at which read + resumed was not written + rejected + filtered + what "
    "waits in windows.",
}
_SETTLED = ("written", "rejected", "filtered")

# Distinct reasons that are counted apart: a code may come from a user's step or the service.
_MOST_REASONS = 200
_LAST = 10
# Stage, code and destination.
Reason = tuple[str, str, str]


class ShardCounts:
    """What a lane took and what became of it; `snapshot` is called when it is empty."""

    def __init__(self) -> None:
        self.taken = self.settled = 0
        self.cut = (0, 0)

    def took(self, number: int) -> None:
        """Rows and dead letters arrived. Called in the lane's own thread."""
        self.taken += number

    def snapshot(self) -> None:
        """Note the numbers of this epoch."""
        self.cut = self.taken, self.settled


class BatcherCounts:
    """What came to a window, and what waits there."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._came = self._resumed = self._gave = 0
        self.cut = (0, 0, 0, 0)

    def resumed(self, number: int) -> None:
        """Rows of an earlier run."""
        self._resumed = number
        self.cut = (0, number, number, 0)
        self._counts.add("resumed", number)

    def came(self, number: int) -> None:
        """Rows and dead letters, of this run."""
        self._came += number

    def gave(self, number: int) -> None:
        """Rows and dead letters went on to their lane."""
        self._gave += number

    def snapshot(self, waiting: int) -> None:
        """Note the numbers of this epoch."""
        self.cut = self._came, self._resumed, waiting, self._gave


class Counts:
    """Thread-safe counts of one run in one process."""

    def __init__(self, alone: bool = True) -> None:
        """`alone`: no other process of a cluster takes rows over."""
        self.alone = alone
        self._epoch = 0  # the last one that was checked
        # A signal that asks for the counts may come while its own thread holds it.
        self._lock = threading.RLock()
        self._counts = dict.fromkeys(NAMES, 0)
        self._reasons: Counter[Reason] = Counter()
        self._last: deque[str] = deque(maxlen=_LAST)
        self._lanes: list[ShardCounts] = []
        self._windows: list[BatcherCounts] = []
        self._by_steps = self._mapped = 0  # settled by steps, and not in lanes
        self._missing = 0
        _Exporter.current = self

    def add(self, name: str, number: int, lane: ShardCounts | None = None) -> None:
        """Add to one of `NAMES`; what a lane settled is its own too."""
        with self._lock:
            self._counts[name] += number
            if name in _SETTLED:
                if lane is None:
                    self._by_steps += number
                else:
                    lane.settled += number

    def mapped(self, number: int) -> None:
        """Rows and dead letters are on their way to windows."""
        with self._lock:
            self._mapped += number

    def reject(
        self, dead_letters: Sequence[DeadLetter], destination: str, lane: ShardCounts | None = None
    ) -> None:
        """Count dead letters that are settled, by reason and destination."""
        self.add("rejected", len(dead_letters), lane)
        with self._lock:
            for dead_letter in dead_letters:
                reason = (dead_letter.stage, dead_letter.code, destination)
                if reason not in self._reasons and len(self._reasons) >= _MOST_REASONS:
                    reason = (dead_letter.stage, "other", destination)
                self._reasons[reason] += 1
                self._last.append(
                    f"{dead_letter.coordinates}: {dead_letter.stage}, {dead_letter.code}: "
                    f"{dead_letter.reason}"
                )

    def reasons(self) -> dict[Reason, int]:
        """How many were rejected by (stage, code, destination)."""
        with self._lock:
            return dict(self._reasons)

    def last_rejected(self) -> list[str]:
        """The last ten rejections, oldest first: place and reason, no payload."""
        with self._lock:
            return list(self._last)

    def snapshot(self) -> dict[str, int]:
        """All counts at one moment."""
        with self._lock:
            return dict(self._counts)

    def account(self) -> dict[str, int]:
        """All counts at one moment, and what is read and not settled by then."""
        found = self.snapshot()
        settled = sum(found[name] for name in _SETTLED)
        return {**found, "in_flight": found["read"] + found["resumed"] - settled}

    def open_lane(self) -> ShardCounts:
        """The counts of one more lane."""
        with self._lock:
            self._lanes.append(ShardCounts())
            return self._lanes[-1]

    def open_window(self) -> BatcherCounts:
        """The counts of one more window."""
        with self._lock:
            self._windows.append(BatcherCounts(self))
            return self._windows[-1]

    def check(self, epoch: int) -> None:
        """Hold together what the parts of the flow noted in their snapshots of an epoch.

        Each partition of the source calls it before it reads on; the first one in the process does
        it. No record of the next epoch is on its way then, and none of this one.
        """
        with self._lock:
            if epoch <= self._epoch:
                return
            self._epoch = epoch
            came, resumed, waiting, gave = _sums([window.cut for window in self._windows], 4)
            taken, settled = _sums([lane.cut for lane in self._lanes], 2)
            if not self.alone:  # what is on its way to other processes, less what came from them
                waiting += self._mapped - came + gave - taken
            self._hold(self._counts["read"] + resumed, self._by_steps + settled + waiting)

    def check_all(self) -> None:
        """Hold the counts together where nothing waits: at a clean end."""
        if self.alone:
            found = self.snapshot()
            settled = sum(found[name] for name in _SETTLED)
            self._hold(found["read"] + found["resumed"], settled)

    def _hold(self, came: int, went: int) -> None:
        if came != went:
            self.add("unbalanced", 1)
            if came - went != self._missing:
                log.error(
                    "the counts do not balance: %d records were read or resumed, and %d are "
                    "written, rejected, filtered or wait: this is a fault of this software",
                    came,
                    went,
                )
        self._missing = came - went


def _sums(rows: Sequence[tuple[int, ...]], width: int) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*rows, strict=True)) if rows else (0,) * width


class _Exporter(Collector):
    """Shows the present run's counts in the default registry, where Bytewax's /metrics looks."""

    current: Counts | None = None

    def collect(self) -> Iterator[Metric]:
        if self.current is not None:
            found = self.current.account()
            for name, description in NAMES.items():
                family = CounterMetricFamily(f"sync_records_{name}", description)
                family.add_metric([], found[name])
                yield family
            yield GaugeMetricFamily(
                "sync_records_in_flight",
                "Records read or resumed, less those written, rejected or filtered.",
                found["in_flight"],
            )
            reasons = CounterMetricFamily(
                "sync_rejections",
                "Records set aside, by reason and destination.",
                labels=("stage", "code", "destination"),
            )
            for reason, number in self.current.reasons().items():
                reasons.add_metric(reason, number)
            yield reasons


REGISTRY.register(_Exporter())
