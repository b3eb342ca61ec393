"""Lag as Kafka's own tool shows it: zero at the end, true while the sink is blocked."""

from collections.abc import Mapping

import pytest
from confluent_kafka import Producer

from tests.flows.conftest import PARTITIONS, Case
from tests.support.producers import LedgerProducer, send_order
from tests.support.wait import until


def lag(case: Case) -> dict[int, int | None]:
    """Lag by partition as Kafka's own consumer group tool shows it."""
    assert case.broker.apache is not None
    described = case.broker.apache.consumer_group_describe(case.flow.group)
    return {place[1]: offset.lag for place, offset in described.items() if place[0] == case.topic}


def test_lag_is_zero_after_a_drain(apache_case: Case) -> None:
    """Durable offsets are in the consumer group: the operator's tool shows no lag after the end."""
    case = apache_case
    case.store.create_table(case.topic)
    case.orders(500)
    process = case.flow.start()
    case.wait_written(500, process)
    process.drain()
    assert lag(case) == dict.fromkeys(range(PARTITIONS), 0)
    case.orders(40, first=500)
    assert lag(case) == dict.fromkeys(range(PARTITIONS), 10)
    case.flow.start().drain()


def test_lag_is_true_while_the_sink_is_blocked(apache_case: Case) -> None:
    """What is read but not written still counts as lag."""
    case = apache_case
    case.store.create_table(case.topic)
    case.orders(100)
    process = case.flow.start()
    case.wait_committed(process)
    case.store.set_faults({"kind": "server_busy", "api": "BatchWriteRow"})
    case.orders(400, first=100)
    until(lambda: case.store.fired().get("server_busy", 0) > 5, "the sink is blocked")
    assert lag(case) == dict.fromkeys(range(PARTITIONS), 100)
    case.store.set_faults()
    case.wait_written(500, process)
    process.drain()
    assert lag(case) == dict.fromkeys(range(PARTITIONS), 0)
    case.verdict(minimum=500)


@pytest.mark.P1
@pytest.mark.fault("source", "gaps of transactions")
def test_aborted_transactions_leave_only_gaps(apache_case: Case) -> None:
    """Aborted records are not written; their offsets and the markers are passed over."""
    case = apache_case
    case.store.create_table(case.topic)
    process = case.flow.start()
    properties: Mapping[str, str] = {"transactional.id": f"tx-{case.topic}"}
    bad = Producer({"bootstrap.servers": case.broker.bootstrap, **properties})
    bad.init_transactions(30)
    for turn in range(5):
        bad.begin_transaction()
        for number in range(20):
            bad.produce(case.topic, b'{"aborted": true}', partition=number % PARTITIONS)
        bad.flush(30)
        bad.abort_transaction(30)
        case.orders(20, first=20 * turn)
    case.wait_written(100, process)
    process.drain()
    assert case.verdict(minimum=100).duplicates == 0
    process = case.flow.start()
    case.orders(20, first=100)
    case.wait_written(120, process)
    process.drain()
    assert case.verdict(minimum=120).duplicates == 0


@pytest.mark.P1
@pytest.mark.fault("source", "gaps of transactions")
def test_a_marker_at_the_end_is_no_lag(apache_case: Case) -> None:
    """A transaction ends with a marker, which takes an offset: behind it the lag is zero."""
    case = apache_case
    case.store.create_table(case.topic)
    producer = LedgerProducer(
        case.broker.bootstrap, case.manifest, **{"transactional.id": f"tx-{case.topic}"}
    )
    with producer.transaction():
        for number in range(40):
            send_order(producer, case.topic, number, number % PARTITIONS)
    process = case.flow.start()
    case.wait_committed(process)  # to the end, which is behind the markers
    process.drain()
    case.verdict(minimum=40)
    assert lag(case) == dict.fromkeys(range(PARTITIONS), 0)
