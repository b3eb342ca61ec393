"""The metrics: declared once, exported under names that never change."""

import pytest
from prometheus_client import REGISTRY

from connectors.run.accounting import COUNT_NAMES
from connectors.run.metrics import METRICS, RECORDS
from tests.unit.factories import dead_letter, new_run


def test_every_metric_is_declared_in_full() -> None:
    """With help and unit; tests/unit/test_frozen_names.py has the names."""
    assert all(metric.help and metric.unit for metric in METRICS)


def test_every_count_is_a_metric() -> None:
    """In the order of the last line of a run, and `in_flight` behind them."""
    assert [*RECORDS] == [*COUNT_NAMES, "in_flight"]


def test_prometheus_shows_the_latest_run() -> None:
    """Each metric in the default registry, with the numbers of the run that began last."""
    new_run().counts.add("read", 5)
    run = new_run()
    run.counts.add("read", 7)
    found = run.counts.account()
    for name, metric in RECORDS.items():
        assert REGISTRY.get_sample_value(metric.name) == found[name]
    assert REGISTRY.get_sample_value("sync_records_read_total") == 7


@pytest.mark.parametrize("number", [1, 3])
def test_rejections_by_reason_and_destination(number: int) -> None:
    """One sample for each stage, code and destination."""
    run = new_run()
    run.counts.reject([dead_letter(offset) for offset in range(number)], "kafka")
    labels = {"stage": "decode", "code": "json_invalid", "destination": "kafka"}
    assert REGISTRY.get_sample_value("sync_rejections_total", labels) == number


def test_help_and_type_are_exported() -> None:
    """As they are declared; Prometheus leaves _total out of a counter's family name."""
    new_run()
    families = {family.name: family for family in REGISTRY.collect()}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.type, metric.help)


def test_throttled_tables_are_shown() -> None:
    """One sample a table that was ever throttled or has a limit, and none of others."""
    run = new_run()
    labels = {"table": "orders"}
    assert REGISTRY.get_sample_value("sync_throttled_requests_total", labels) is None
    numbers = run.counts.throttle("orders")
    numbers.requests, numbers.waited = 3, 1.5
    numbers.in_flight_limit, numbers.rate_limit = 4, 250.5
    for name, value in {
        "sync_throttled_requests_total": 3,
        "sync_throttle_wait_seconds_total": 1.5,
        "sync_throttle_limit_requests": 4,
        "sync_throttle_limit_rows_per_second": 250.5,
    }.items():
        assert REGISTRY.get_sample_value(name, labels) == value
