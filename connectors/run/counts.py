"""Counts of records, for the last line of a run and for Prometheus."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from prometheus_client.core import REGISTRY, CounterMetricFamily, Metric
from prometheus_client.registry import Collector

# Every record read ends as one of: written, rejected, filtered; superseded ones count as written.
NAMES = {
    "read": "Records read from Kafka.",
    "written": "Records whose row is in its table, or was replaced by a later one of its key.",
    "rejected": "Records set aside: not decoded, not mapped, or their row refused.",
    "filtered": "Records that a step of the flow dropped, less those that it added.",
    "resumed": "Rows taken over from the recovery folder, read by an earlier run.",
    "retried": "Rows sent again after a transient failure.",
}


class Counts:
    """Thread-safe counts of one run in one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(NAMES, 0)
        _Exporter.current = self

    def add(self, name: str, number: int) -> None:
        """Add to one of `NAMES`."""
        with self._lock:
            self._counts[name] += number

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


REGISTRY.register(_Exporter())
