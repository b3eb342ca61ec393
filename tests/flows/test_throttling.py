"""A throttle is waited for: the limits of the service, as the local Tablestore applies them."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.flows.conftest import Case
from tests.support.store import LocalTablestore

pytestmark = pytest.mark.P6


def set_limits(store: LocalTablestore, *limits: dict[str, Any]) -> None:
    """Replace the throughput limits of the local Tablestore."""
    request = urllib.request.Request(
        f"{store.url}/-/throughput", json.dumps(limits).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def throttled(store: LocalTablestore) -> dict[str, int]:
    """How often each code was answered for throughput, rows of batches included."""
    found: dict[str, int] = store.process.get("/-/throughput")["throttled"]
    return found


@pytest.fixture
def case(embedded_case: Case) -> Iterator[Case]:
    """A table of the default keys; the limits end with the test."""
    embedded_case.store.create_table(embedded_case.topic)
    yield embedded_case
    set_limits(embedded_case.store)


def test_a_hot_partition_key_slows_the_run_and_ends_nothing(case: Case) -> None:
    """OTSCapacityUnitExhausted for each Kafka partition: all is written, and the log says why."""
    case.flow.set({"tablestore": {"retry_initial": 0.05, "retry_max": 0.3}})
    set_limits(case.store, {"table": case.topic, "partition_key": 60, "burst": 1})
    case.orders(1200)
    process = case.flow.start()
    case.wait_committed(process)
    counts = process.drain()
    assert counts["written"] == 1200
    assert counts["retried"] > 0
    assert throttled(case.store)["OTSCapacityUnitExhausted"] > 0
    assert "Hot partition keys" in process.text()
    case.verdict(minimum=1200)


def test_a_throttled_table_is_read_as_fast_as_it_is_written(case: Case) -> None:
    """So that a drain has little to write: the rest stays in Kafka, for the next start.

    What is read before the first request is throttled depends on the machine, and is far less than
    there is.
    """
    case.flow.set(
        {"kafka": {"chunk_messages": 100}, "window": {"rows": 20}, "tablestore": {"queue": 100}}
    )
    set_limits(case.store, {"table": case.topic, "write": 1000})
    case.orders(30_000)
    process = case.flow.start()
    case.wait_written(3000, process)
    counts = process.drain()
    assert counts["read"] == counts["written"] < 30_000
    assert f"sync: throttled: table {case.topic}: " in process.text()
    set_limits(case.store)
    process = case.flow.start()
    case.wait_committed(process)
    assert process.drain()["written"] == 30_000 - counts["written"]
    case.verdict(minimum=30_000)
