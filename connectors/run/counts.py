"""Counts of records, for the last line of a run and for Prometheus."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from prometheus_client.core import REGISTRY, CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.records import DeadLetter

# Every record read ends as one of: written, rejected, filtered; superseded ones count as written.
NAMES = {
    "read": "Records read from Kafka.",
    "written": "Records whose row is in its table, or was replaced by a later one of its key.",
    "rejected": "Records set aside: not decoded, not mapped, or their row refused.",
    "filtered": "Records that a step of the flow dropped, less those that it added.",
    "resumed": "Rows taken over from the recovery folder, read by an earlier run.",
    "retried": "Rows sent again after a transient failure.",
}


# Distinct reasons that are counted apart: a code may come from a user's step or the service.
_MOST_REASONS = 200
_LAST = 10
# Stage, code and destination.
Reason = tuple[str, str, str]


class Counts:
    """Thread-safe counts of one run in one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(NAMES, 0)
        self._reasons: Counter[Reason] = Counter()
        self._last: deque[str] = deque(maxlen=_LAST)
        _Exporter.current = self

    def add(self, name: str, number: int) -> None:
        """Add to one of `NAMES`."""
        with self._lock:
            self._counts[name] += number

    def reject(self, letters: Sequence[DeadLetter], destination: str) -> None:
        """Count dead letters that are settled, by reason and destination."""
        with self._lock:
            self._counts["rejected"] += len(letters)
            for letter in letters:
                reason = (letter.stage, letter.code, destination)
                if reason not in self._reasons and len(self._reasons) >= _MOST_REASONS:
                    reason = (letter.stage, "other", destination)
                self._reasons[reason] += 1
                self._last.append(
                    f"{letter.coordinates}: {letter.stage}, {letter.code}: {letter.reason}"
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


class _Exporter(Collector):
    """Shows the present run's counts in the default registry, where Bytewax's /metrics looks."""

    current: Counts | None = None

    def collect(self) -> Iterator[Metric]:
        if self.current is not None:
            for name, value in self.current.snapshot().items():
                family = CounterMetricFamily(f"sync_records_{name}", NAMES[name])
                family.add_metric([], value)
                yield family
            reasons = CounterMetricFamily(
                "sync_rejections",
                "Records set aside, by reason and destination.",
                labels=("stage", "code", "destination"),
            )
            for reason, number in self.current.reasons().items():
                reasons.add_metric(reason, number)
            yield reasons


REGISTRY.register(_Exporter())
