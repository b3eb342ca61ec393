"""The metrics of requests, partitions, snapshots and waits, beside the counts of metrics.py.

They are computed from the run's meters when a program asks for them. The names never change.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from prometheus_client.core import REGISTRY, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.run import health
from connectors.run.health import Observed
from connectors.run.metrics import MetricSpec, family
from connectors.run.table_meter import Histogram

Samples = Iterable[tuple[Sequence[str], float]]

TABLE_ROWS = MetricSpec(
    "sync_table_rows_total",
    "counter",
    "rows",
    "Rows sent to a table, by outcome (written, retried, rejected, stopped) and the service's "
    "code.",
    ("table", "outcome", "code"),
)
TABLE_BYTES = MetricSpec(
    "sync_table_bytes_total",
    "counter",
    "bytes",
    "Bytes of encoded rows sent to a table, repeated tries included.",
    ("table",),
)
TABLE_REQUESTS = MetricSpec(
    "sync_table_requests_total",
    "counter",
    "requests",
    "Requests with rows of a table, by the service's code. OK: all rows are written; PARTIAL: some "
    "rows failed; NO_ANSWER: none that can be trusted came.",
    ("table", "code"),
)
DURATION = MetricSpec(
    "sync_request_duration_seconds",
    "histogram",
    "seconds",
    "Time from sending a request to its answer, by table.",
    ("table",),
)
FILL = MetricSpec(
    "sync_batch_fill_ratio",
    "histogram",
    "ratio",
    "How full batches are: their share of window.rows or of window.bytes, what is more.",
)
IN_FLIGHT = MetricSpec(
    "sync_requests_in_flight", "gauge", "requests", "Requests that wait for their answer."
)
SHARDS_BUSY = MetricSpec(
    "sync_shards_busy", "gauge", "shards", "Shards that have a batch to write."
)
SHARDS_WAITING = MetricSpec(
    "sync_shards_waiting",
    "gauge",
    "shards",
    "Shards whose rows wait: to be sent again, or for their turn at a throttled table.",
)
DEAD_LETTERS = MetricSpec(
    "sync_dead_letters_total",
    "counter",
    "records",
    "Dead letters that reached their destination.",
    ("destination",),
)
_PARTITION = ("topic", "partition")
LAG_RECORDS = MetricSpec(
    "sync_partition_lag_records",
    "gauge",
    "records",
    "Offsets from the durable one of a partition to its end.",
    _PARTITION,
)
LAG_SECONDS = MetricSpec(
    "sync_partition_lag_seconds",
    "gauge",
    "seconds",
    "Age of the oldest record of a partition that is not durable; 0 when all are.",
    _PARTITION,
)
END_OFFSET = MetricSpec(
    "sync_partition_end_offset",
    "gauge",
    "offset",
    "Offset of the next record that will be produced, as the brokers have said last.",
    _PARTITION,
)
READ_OFFSET = MetricSpec(
    "sync_partition_read_offset", "gauge", "offset", "Offset that is read next.", _PARTITION
)
DURABLE_OFFSET = MetricSpec(
    "sync_partition_durable_offset",
    "gauge",
    "offset",
    "Offset at which the next run would go on after a crash now.",
    _PARTITION,
)
SNAPSHOTS = MetricSpec(
    "sync_snapshots_total", "counter", "snapshots", "Snapshots of this process that are durable."
)
SNAPSHOT_AGE = MetricSpec(
    "sync_snapshot_age_seconds",
    "gauge",
    "seconds",
    "Time since a snapshot became durable, or since the start.",
)
RESTARTS = MetricSpec(
    "sync_restarts_total",
    "counter",
    "restarts",
    "How often the process was started again, by itself or its supervisor.",
)
PREFETCH = MetricSpec(
    "sync_prefetch_bytes",
    "gauge",
    "bytes",
    "Messages that wait to be decoded, outside the Kafka client's own queues.",
)
PREFETCH_LIMIT = MetricSpec(
    "sync_prefetch_limit_bytes",
    "gauge",
    "bytes",
    "Bound of all messages that a process reads ahead (kafka.prefetch_mib).",
)
WAIT = MetricSpec(
    "sync_wait_seconds",
    "gauge",
    "seconds",
    "For how long a service or table has been waited for; nothing while nothing is.",
    ("service", "subject", "code"),
)
DRIFT = MetricSpec(
    "sync_drift_fields_total",
    "counter",
    "fields",
    "Fields of a topic that appeared, vanished or changed their type while it was read.",
    ("topic", "kind"),
)
DRAINING = MetricSpec("sync_draining", "gauge", "boolean", "1 while the run drains.")
HEALTHY = MetricSpec("sync_healthy", "gauge", "boolean", "1 while /health is 200.")
READY = MetricSpec("sync_ready", "gauge", "boolean", "1 while /ready is 200.")
BUILD = MetricSpec("sync_build_info", "gauge", "info", "Always 1.", ("version", "flow"))

Found = Callable[[Observed], Samples]


def _lags(run: Observed) -> Samples:
    for one in run.meters.partitions:
        if one.lag_records is not None:
            yield (one.topic, str(one.partition)), one.lag_records


def _ages(run: Observed) -> Samples:
    now, unix_now = run.clock(), time.time()
    for one in run.meters.partitions:
        seconds = one.lag_seconds(now, unix_now)
        if seconds is not None:
            yield (one.topic, str(one.partition)), seconds


def _ends(run: Observed) -> Samples:
    for one in run.meters.partitions:
        if one.end is not None:
            yield (one.topic, str(one.partition)), one.end


def _offsets(name: str) -> Found:
    return lambda run: [
        ((one.topic, str(one.partition)), getattr(one, name)) for one in run.meters.partitions
    ]


def _rows(run: Observed) -> Samples:
    for table, meter in run.meters.tables().items():
        for (outcome, code), number in meter.rows_by_outcome().items():
            yield (table, outcome, code), number


def _requests(run: Observed) -> Samples:
    for table, meter in run.meters.tables().items():
        for code, number in meter.requests_by_code().items():
            yield (table, code), number


def _dead_letters(run: Observed) -> Samples:
    found: Counter[str] = Counter()
    for (_, _, destination), number in run.counts.reasons().items():
        found[destination] += number
    return [((destination,), number) for destination, number in found.items()]


def _one(value: Callable[[Observed], float]) -> Found:
    return lambda run: [((), value(run))]


# Each metric with where its samples come from. Histograms are apart.
_SAMPLES: dict[MetricSpec, Found] = {
    TABLE_ROWS: _rows,
    TABLE_BYTES: lambda run: [((t,), one.bytes) for t, one in run.meters.tables().items()],
    TABLE_REQUESTS: _requests,
    IN_FLIGHT: _one(lambda run: run.meters.in_flight),
    SHARDS_BUSY: _one(lambda run: run.meters.busy_shards),
    SHARDS_WAITING: _one(
        lambda run: run.meters.throttled_shards() + run.waits.waiting_for("tablestore")
    ),
    DEAD_LETTERS: _dead_letters,
    LAG_RECORDS: _lags,
    LAG_SECONDS: _ages,
    END_OFFSET: _ends,
    READ_OFFSET: _offsets("position"),
    DURABLE_OFFSET: _offsets("durable"),
    SNAPSHOTS: _one(lambda run: run.meters.snapshots),
    SNAPSHOT_AGE: _one(lambda run: run.clock() - run.meters.last_snapshot),
    RESTARTS: _one(lambda run: run.meters.restarts),
    PREFETCH: _one(lambda run: run.meters.prefetched_bytes()),
    PREFETCH_LIMIT: _one(lambda run: run.settings.kafka.prefetch_mib * (1 << 20)),
    WAIT: lambda run: [((w.service, w.subject, w.code), w.seconds) for w in run.waits.current()],
    DRIFT: lambda run: run.meters.drift.numbers().items(),
    DRAINING: _one(lambda run: run.drain_reason is not None),
    HEALTHY: _one(lambda run: health.judge(run).healthy),
    READY: _one(lambda run: health.judge(run).ready),
    BUILD: lambda run: [((installed_version(), run.flow_id), 1)],
}
FLOW_METRICS: tuple[MetricSpec, ...] = (*_SAMPLES, DURATION, FILL)


def installed_version() -> str:
    """The version of this software; empty where it is not installed."""
    try:
        return version("bytewax-tablestore")
    except PackageNotFoundError:
        return ""


def export(run: Observed) -> None:
    """From now on the metrics are those of this run: a process shows its latest one."""
    _exporter.run = run


class _Exporter(Collector):
    def __init__(self) -> None:
        self.run: Observed | None = None

    def collect(self) -> Iterator[Metric]:
        run = self.run
        if run is None:
            return
        for spec, samples in _SAMPLES.items():
            yield family(spec, samples(run))
        durations = HistogramMetricFamily(DURATION.name, DURATION.help, labels=DURATION.labels)
        for table, meter in run.meters.tables().items():
            _add(durations, (table,), meter.durations)
        yield durations
        fills = HistogramMetricFamily(FILL.name, FILL.help, labels=())
        _add(fills, (), run.meters.fills)
        yield fills


def _add(to: HistogramMetricFamily, labels: Sequence[str], histogram: Histogram) -> None:
    counts, total = histogram.counts.copy(), 0
    buckets = []
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), counts, strict=True):
        total += count
        buckets.append((bound, total))
    to.add_metric(labels, buckets, histogram.sum)


_exporter = _Exporter()
REGISTRY.register(_exporter)
