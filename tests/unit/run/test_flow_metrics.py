"""The metrics of requests, partitions and waits, as Prometheus sees them."""

import pytest
from prometheus_client import REGISTRY, generate_latest

from connectors.run.flow_metrics import FLOW_METRICS
from connectors.run.metrics import METRICS
from tests.unit.factories import dead_letter, new_run


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_names_say_their_unit() -> None:
    """As Prometheus' rules ask: the unit at the end, before _total of a counter."""
    for metric in FLOW_METRICS:
        assert metric.help.endswith("."), metric.name
        assert metric.name.endswith("_total") == (metric.type == "counter"), metric.name
        if metric.unit in ("seconds", "bytes", "ratio", "offset"):
            assert metric.unit in metric.name, metric.name
    names = [metric.name for metric in (*METRICS, *FLOW_METRICS)]
    assert len({*names}) == len(names)


def test_every_metric_is_exported_with_its_help() -> None:
    """Those without samples yet too."""
    new_run()
    lines = generate_latest().decode().splitlines()
    for metric in FLOW_METRICS:
        assert f"# HELP {metric.name} {metric.help}" in lines
        assert f"# TYPE {metric.name} {metric.type}" in lines


def test_requests_by_table_and_code() -> None:
    """Rows, bytes, requests and their durations."""
    run = new_run()
    table = run.meters.table("orders")
    table.request("OK", 0.02, 1000)
    table.request("OTSServerBusy", 3.0, 500)
    table.rows("written", "OK", 200)
    table.rows("retried", "OTSServerBusy", 100)
    assert value("sync_table_bytes_total", table="orders") == 1500
    assert value("sync_table_requests_total", table="orders", code="OTSServerBusy") == 1
    assert value("sync_table_rows_total", table="orders", outcome="written", code="OK") == 200
    assert value("sync_request_duration_seconds_bucket", table="orders", le="0.025") == 1
    assert value("sync_request_duration_seconds_bucket", table="orders", le="+Inf") == 2
    assert value("sync_request_duration_seconds_sum", table="orders") == pytest.approx(3.02)


def test_partitions() -> None:
    """Offsets and lag by topic and partition; no lag as long as the end is not known."""
    run = new_run()
    one = run.meters.partition("orders", 3, 5, True)
    run.meters.partition("gone", 0, 5, False)
    where = {"topic": "orders", "partition": "3"}
    assert value("sync_partition_lag_records", **where) is None
    assert value("sync_partition_lag_seconds", **where) is None
    assert value("sync_partition_end_offset", **where) is None
    assert value("sync_partition_durable_offset", topic="gone", partition="0") is None
    one.set_end(25, 0.0)
    one.position = 9
    assert value("sync_partition_lag_records", **where) == 20
    assert value("sync_partition_end_offset", **where) == 25
    assert value("sync_partition_read_offset", **where) == 9
    assert value("sync_partition_durable_offset", **where) == 5


def test_waits_and_shards() -> None:
    """The wait has the code; shards wait for tables, and for nothing else."""
    run = new_run()
    for service in ("tablestore", "tablestore", "registry"):
        run.waits.enter(service, "orders" if service == "tablestore" else "")
    run.waits.because("tablestore", "orders", "busy", "OTSServerBusy")
    assert value("sync_shards_waiting") == 2
    labels = {"service": "tablestore", "subject": "orders", "code": "OTSServerBusy"}
    assert value("sync_wait_seconds", **labels) is not None


def test_dead_letters_by_destination() -> None:
    """All reasons together."""
    run = new_run()
    run.counts.reject([dead_letter(1), dead_letter(2)], "kafka")
    assert value("sync_dead_letters_total", destination="kafka") == 2


def test_the_state_of_the_run() -> None:
    """Health, readiness, drain, prefetch and its bound."""
    run = new_run(kafka={"prefetch_mib": 2})
    assert (value("sync_healthy"), value("sync_ready"), value("sync_draining")) == (1, 0, 0)
    run.meters.partition("orders", 0, 0, True)
    run.meters.prefetched += [lambda: 5, lambda: 7]
    assert value("sync_ready") == 1
    assert (value("sync_prefetch_bytes"), value("sync_prefetch_limit_bytes")) == (12, 2 << 20)
    run.drain("SIGTERM")
    assert (value("sync_ready"), value("sync_draining")) == (0, 1)
    assert value("sync_snapshots_total") == 0
    run.meters.snapshot_durable()
    assert value("sync_snapshots_total") == 1
