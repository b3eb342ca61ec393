"""Every metric, declared once, and their export to Prometheus.

They are exported by the default registry, which the HTTP endpoint shows. The names
are part of users' dashboards and alerts, so they never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol

from prometheus_client.core import (
    REGISTRY,
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from connectors.run.accounting import Reason, ThrottleNumbers


class MetricSpec(NamedTuple):
    """One metric as Prometheus sees it. The exported name of a counter ends in _total."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    unit: str
    help: str
    labels: tuple[str, ...] = ()


# By the name of the count in accounting.py.
RECORDS: dict[str, MetricSpec] = {
    "read": MetricSpec("sync_records_read_total", "counter", "records", "Records read from Kafka."),
    "written": MetricSpec(
        "sync_records_written_total",
        "counter",
        "records",
        "Records whose row is in its table, or was replaced by a later one of its key.",
    ),
    "rejected": MetricSpec(
        "sync_records_rejected_total",
        "counter",
        "records",
        "Records that were dead-lettered: not decoded, not mapped, or their row rejected.",
    ),
    "filtered": MetricSpec(
        "sync_records_filtered_total",
        "counter",
        "records",
        "Records that a step of the flow dropped.",
    ),
    "added": MetricSpec(
        "sync_records_added_total",
        "counter",
        "records",
        "Records that steps of the flow made beyond those that they took.",
    ),
    "resumed": MetricSpec(
        "sync_records_resumed_total",
        "counter",
        "rows",
        "Rows taken over from the recovery folder, read by an earlier run.",
    ),
    "retried": MetricSpec(
        "sync_records_retried_total",
        "counter",
        "rows",
        "Rows sent again after a transient failure.",
    ),
    "unbalanced": MetricSpec(
        "sync_records_unbalanced_total",
        "counter",
        "snapshots",
        "Snapshots at which read + added + resumed was not written + rejected + filtered + what "
        "waits in batchers.",
    ),
    "in_flight": MetricSpec(
        "sync_records_in_flight",
        "gauge",
        "records",
        "Records read, added or resumed, less those written, rejected or filtered.",
    ),
}
REJECTIONS = MetricSpec(
    "sync_rejections_total",
    "counter",
    "records",
    "Records that were dead-lettered, by reason and destination.",
    ("stage", "code", "destination"),
)
WAITING = MetricSpec(
    "sync_topics_waiting",
    "gauge",
    "topics",
    "Topics that are not read, as their table does not exist or has an illegal name.",
)
STALLED = MetricSpec(
    "sync_partitions_stalled",
    "gauge",
    "partitions",
    "Partitions of which nothing is read though the brokers have more records.",
)
# By the name of the number in `ThrottleNumbers`.
THROTTLES: dict[str, MetricSpec] = {
    "requests": MetricSpec(
        "sync_throttled_requests_total",
        "counter",
        "requests",
        "Requests of which the service throttled rows, by table.",
        ("table",),
    ),
    "waited": MetricSpec(
        "sync_throttle_wait_seconds_total",
        "counter",
        "seconds",
        "Time that batches have waited for their turn at a table that is throttled or has a limit.",
        ("table",),
    ),
    "in_flight_limit": MetricSpec(
        "sync_throttle_limit_requests",
        "gauge",
        "requests",
        "Requests of a slow table that may be in flight now; 0: one per shard.",
        ("table",),
    ),
    "rate_limit": MetricSpec(
        "sync_throttle_limit_rows_per_second",
        "gauge",
        "rows per second",
        "Rows that are written to a table each second now, at most; 0: no limit.",
        ("table",),
    ),
}
METRICS: tuple[MetricSpec, ...] = (
    *RECORDS.values(),
    REJECTIONS,
    WAITING,
    STALLED,
    *THROTTLES.values(),
)


class Exported(Protocol):
    """The counts of a run that are exported as metrics."""

    def account(self) -> dict[str, int]:
        """All counts by name, and `in_flight`."""
        ...

    def reasons(self) -> dict[Reason, int]:
        """How many records were rejected, by (stage, code, destination)."""
        ...

    def stalled(self) -> int:
        """The number of stalled partitions."""
        ...

    def throttles(self) -> dict[str, ThrottleNumbers]:
        """The state of each throttled table, by its name."""
        ...


def export(counts: Exported) -> None:
    """Export these counts from now on: a process shows its latest run."""
    _exporter.counts = counts


def export_waiting(topics: Sequence[str]) -> None:
    """Export these topics as waiting for their tables from now on."""
    _exporter.waiting = len(topics)


class _Exporter(Collector):
    def __init__(self) -> None:
        self.counts: Exported | None = None
        self.waiting = 0

    def collect(self) -> Iterator[Metric]:
        if self.counts is None:
            return
        found = self.counts.account()
        for name, spec in RECORDS.items():
            yield family(spec, [((), found[name])])
        yield family(REJECTIONS, self.counts.reasons().items())
        yield family(WAITING, [((), self.waiting)])
        yield family(STALLED, [((), self.counts.stalled())])
        throttles = self.counts.throttles().items()
        for name, spec in THROTTLES.items():
            yield family(spec, [((table,), getattr(each, name)) for table, each in throttles])


def family(spec: MetricSpec, samples: Iterable[tuple[Sequence[str], float]]) -> Metric:
    """A metric with its samples: (values of the labels, value).

    The unit is not given to the library, which would put it into the name.
    """
    family: CounterMetricFamily | GaugeMetricFamily
    if spec.type == "counter":
        family = CounterMetricFamily(spec.name, spec.help, labels=spec.labels)
    else:
        family = GaugeMetricFamily(spec.name, spec.help, labels=spec.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


_exporter = _Exporter()
REGISTRY.register(_exporter)
