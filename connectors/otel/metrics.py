"""The run's metrics as OpenTelemetry has them: the same names without _total, cumulative."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from connectors.run.exported import Family, families

log = logging.getLogger("sync.otel")

SCOPE = "tablestore-sync"
_UNITS = {"seconds": "s", "bytes": "By", "ratio": "1", "info": "1", "boolean": "1", "offset": "1"}
_INTERVAL = 60.0  # seconds, where OTEL_METRIC_EXPORT_INTERVAL says nothing [otel-variables]
_LAST_TRY = 3000.0  # ms


class MetricsPush:
    """Sends all metrics from time to time, in a thread of its own."""

    def __init__(self, exporter: MetricExporter, resource: Resource) -> None:
        self._exporter = exporter
        self._resource = resource
        self._started = time.time_ns()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="otel-metrics", daemon=True)

    def start(self) -> None:
        """Start the thread that sends the metrics."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, send the metrics once more and shut the exporter down."""
        self._end.set()
        self._thread.join()
        self._exporter.export(self.data(), timeout_millis=_LAST_TRY)
        self._exporter.shutdown(timeout_millis=_LAST_TRY)

    def data(self) -> MetricsData:
        """The present values of all metrics, in OpenTelemetry's data model."""
        now = time.time_ns()
        metrics = [_metric(family, self._started, now) for family in families()]
        scope = ScopeMetrics(InstrumentationScope(SCOPE), metrics, "")
        return MetricsData([ResourceMetrics(self._resource, [scope], "")])

    def _loop(self) -> None:
        while not self._end.wait(export_interval()):
            self._exporter.export(self.data())


def export_interval() -> float:
    """Seconds between two exports, of OTEL_METRIC_EXPORT_INTERVAL, which is in milliseconds."""
    try:
        milliseconds = float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL", ""))
    except ValueError:
        return _INTERVAL
    return milliseconds / 1000 if 0 < milliseconds < 86_400_000 else _INTERVAL


def _metric(family: Family, start: int, now: int) -> Metric:
    spec = family.spec
    data: Sum | Gauge | Histogram
    cumulative = AggregationTemporality.CUMULATIVE
    if spec.type == "histogram":
        data = Histogram([*_histograms(family, start, now)], cumulative)
    else:
        points = [NumberDataPoint(labels, start, now, value) for _, labels, value in family.samples]
        data = Gauge(points) if spec.type == "gauge" else Sum(points, cumulative, True)
    unit = _UNITS.get(spec.unit, f"{{{spec.unit}}}")
    return Metric(spec.name.removesuffix("_total"), spec.help, unit, data)


def _histograms(family: Family, start: int, now: int) -> Iterator[HistogramDataPoint]:
    by_labels: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for name, labels, value in family.samples:
        own = tuple(sorted((key, text) for key, text in labels.items() if key != "le"))
        found = by_labels.setdefault(own, {"buckets": [], "sum": 0.0})
        if name.endswith("_bucket"):
            found["buckets"].append((float(labels["le"]), int(value)))
        elif name.endswith("_sum"):
            found["sum"] = value
    for own, found in by_labels.items():
        bounds, totals = zip(*sorted(found["buckets"]), strict=True)
        yield HistogramDataPoint(
            dict(own),
            start,
            now,
            totals[-1],
            found["sum"],
            _differences(totals),
            bounds[:-1],
            # They are not known, and optional in the protocol.
            min=None,  # type: ignore[arg-type]
            max=None,  # type: ignore[arg-type]
        )


def _differences(totals: Iterable[int]) -> Sequence[int]:
    return [after - before for before, after in pairwise((0, *totals))]
