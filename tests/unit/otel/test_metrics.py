"""The run's metrics as OpenTelemetry has them."""

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import Gauge, Histogram, Sum
from opentelemetry.sdk.resources import Resource

from connectors.otel.metrics import MetricsPush, export_interval
from connectors.run.flow_metrics import FLOW_METRICS
from connectors.run.metrics import METRICS
from tests.support.otlp import OtlpCollector
from tests.unit.http_api.conftest import busy_run


def test_each_metric_has_type_unit_help_and_values() -> None:
    """Counters and histograms are cumulative; the names are those of Prometheus without _total."""
    run = busy_run()
    push = MetricsPush(OTLPMetricExporter(endpoint="http://127.0.0.1:9"), Resource({}))
    (resource,) = push.data().resource_metrics
    (scope,) = resource.scope_metrics
    found = {metric.name: metric for metric in scope.metrics}
    for spec in (*METRICS, *FLOW_METRICS):
        metric = found.get(spec.name.removesuffix("_total"))
        if metric is not None:
            kinds = {"counter": Sum, "gauge": Gauge, "histogram": Histogram}
            assert isinstance(metric.data, kinds[spec.type])
            assert metric.description == spec.help
            assert metric.unit
    assert len(found) > 25
    written = found["sync_records_written"].data
    assert isinstance(written, Sum)
    assert [point.value for point in written.data_points] == [140]
    (duration,) = found["sync_request_duration_seconds"].data.data_points
    table = run.meters.table("orders").durations
    assert isinstance(found["sync_request_duration_seconds"].data, Histogram)
    assert duration.attributes == {"table": "orders"}
    assert [*duration.bucket_counts] == table.counts  # type: ignore[union-attr]
    assert [*duration.explicit_bounds] == [*table.bounds]  # type: ignore[union-attr]
    assert (found["sync_request_duration_seconds"].unit, found["sync_table_bytes"].unit) == (
        "s",
        "By",
    )


def test_the_last_values_are_sent_at_the_end() -> None:
    """A run that is shorter than the interval is seen too."""
    run = busy_run()
    with OtlpCollector() as collector:
        exporter = OTLPMetricExporter(endpoint=f"{collector.url}/v1/metrics")
        push = MetricsPush(exporter, Resource({"service.instance.id": "0"}))
        push.start()
        run.counts.add("read", 1)
        push.stop()
        assert collector.sums("sync_records_read") == {"0": 161}


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 60), ("5000", 5), ("0", 60), ("-1", 60), ("soon", 60), ("inf", 60)]
)
def test_the_interval(text: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the standard variable, in milliseconds; a minute where it makes no sense."""
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", text)
    assert export_interval() == seconds
