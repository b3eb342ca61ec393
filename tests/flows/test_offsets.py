"""Offsets: where a run starts, what the group commits, and a broker that goes away."""

import pytest
from confluent_kafka import Producer

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.partitions import in_partition, unledgered
from tests.support.flow_process import FlowProcess, free_port
from tests.support.ledger import Put
from tests.support.producers import Stream, kafka_row, send_order
from tests.support.wait import until


def test_the_group_never_passes_the_table(case: Case) -> None:
    """Whenever one looks: every record below the committed offset is in the table."""
    case.store.create_table(case.topic)
    case.flow.set({"tablestore": {"retry_initial": 0.02, "retry_max": 0.2}})
    process = case.flow.start()
    faults = {"api": "BatchWriteRow", "kind": "server_busy", "probability": 0.3, "seed": 1}
    case.store.set_faults(faults)
    compared = 0

    def look() -> bool:
        nonlocal compared
        assert process.alive, process.text()
        committed = case.committed()  # before the table is read, which only grows
        rows = case.store.rows(case.topic)
        below = [r for r in case.manifest if r.offset < committed.get(r.partition, 0)]
        for record in below:
            assert isinstance(record.expected, Put)
            assert record.expected.key in rows, f"{record.place}, and {committed} committed"
        compared += len(below)
        return compared > 2000

    with Stream(case.broker.bootstrap, case.manifest, case.topic, PARTITIONS, 400, seed=8):
        until(look, lambda: f"only {compared} compared\n{process.text()}")
    assert case.store.fired()["server_busy"] > 0
    case.store.set_faults()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=500)


def test_the_group_waits_for_open_windows(case: Case) -> None:
    """Rows that still wait in a window are not in the table, so their offsets are not committed."""
    case.store.create_table(case.topic)
    case.flow.set({"window": {"age": 3.0}})
    process = case.flow.start()
    case.wait_started(process)
    case.orders(8)

    def all_committed() -> bool:
        committed = sum(case.committed().values())  # before the table is looked at
        assert case.store.written() >= committed, f"{committed} committed, fewer written"
        return committed == 8

    until(all_committed, process.text)
    process.drain()
    case.verdict(minimum=8)


@pytest.mark.P5
@pytest.mark.fault("source", "an offset out of range")
@pytest.mark.parametrize("choice", ["earliest", "latest"])
def test_a_lost_offset_stops_with_the_choices(case: Case, choice: str) -> None:
    """Retention passed the resume offset: the run stops and offers where to go on; one may choose.

    The client's own default would jump to the end without a word.
    """
    case.store.create_table(case.topic)
    case.orders(100)
    process = case.flow.start()
    case.wait_written(100, process)
    process.drain()
    ends = case.broker.ends(case.topic, PARTITIONS)
    lost = unledgered(case, 0, 5)  # these are never read
    kept = unledgered(case, 0, 3)
    case.broker.delete_records(case.topic, 0, ends[0] + lost)
    text = case.flow.start().refused(
        case.topic, "partition 0", str(ends[0]), "earliest", "latest", "remedy"
    )
    assert "Traceback" not in text
    assert case.committed()[0] == ends[0]
    case.flow.set({"kafka": {"lost_offset": choice}})
    process = case.flow.start()
    if choice == "earliest":
        case.wait_written(100 + kept, process)
    else:
        process.wait_for("going on at")
    send_order(case.producer, case.topic, 100, 0)
    case.producer.flush()
    case.wait_written(100 + 1 + (kept if choice == "earliest" else 0), process)
    process.drain()
    offsets = {dict(key)["offset"] for key in case.store.rows(case.topic) if in_partition(key, 0)}
    first_kept = ends[0] + lost
    seen = {offset for offset in offsets if isinstance(offset, int) and offset >= ends[0]}
    begin = first_kept if choice == "earliest" else first_kept + kept
    assert seen == set(range(begin, first_kept + kept + 1))


@pytest.mark.parametrize("end", ["drain", "kill"])
def test_latest_holds_for_the_first_run_only(case: Case, end: str) -> None:
    """With start = latest a run skips what was there before the first one, and nothing else.

    Even where the first run is killed before it saw a record.
    """
    case.store.create_table(case.topic)
    unledgered(case, 0, 20)
    case.flow.set({"kafka": {"start": "latest"}})
    first = case.flow.start()
    case.wait_started(first)
    if end == "drain":
        case.orders(40)
        case.wait_written(40, first)
        first.drain()
    else:
        first.kill()
    case.orders(40, first=40)
    second = case.flow.start()
    case.wait_committed(second)
    second.drain()
    case.verdict(minimum=40)


def test_a_time_to_start_at(apache_case: Case) -> None:
    """With start = a time older records are left out, later ones are read."""
    case = apache_case
    case.store.create_table(case.topic)
    old, new = 1_700_000_000_000, 1_750_000_000_000
    producer = Producer({"bootstrap.servers": case.broker.bootstrap})
    for number in range(40):
        producer.produce(case.topic, b"{}", partition=number % PARTITIONS, timestamp=old)
    assert producer.flush(30) == 0
    for number in range(40):
        expected = kafka_row(case.topic, {"n": number})
        value = b'{"n": %d}' % number
        case.producer.send(
            case.topic, value, expected, partition=number % PARTITIONS, timestamp=new
        )
    case.producer.flush()
    case.flow.set({"kafka": {"start": "2025-06-15T15:06:40Z"}})  # `new`, to the second
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=40)


def test_a_broker_that_is_away_is_reported_in_time(case: Case) -> None:
    """No broker at the address: the run ends after the metadata time limit instead of hanging."""
    away = f"127.0.0.1:{free_port()}"
    case.flow.set({"kafka": {"bootstrap_servers": away, "metadata_timeout": 1.0}})
    text = case.flow.start().refused(away, "1 s", "remedy")
    assert "Traceback" not in text


def test_the_flow_rides_over_a_broker_that_goes_away(
    case: Case,
) -> None:
    """Connections drop for a while and come back: the run goes on by itself."""
    case.store.create_table(case.topic)
    case.orders(40)
    process: FlowProcess = case.flow.start()
    case.wait_written(40, process)
    if case.broker.embedded is not None:
        case.broker.embedded.broker_down()
        process.wait_for("Kafka client")
        case.broker.embedded.broker_up()
    elif case.broker.apache is not None:
        case.broker.apache.restart()
    case.orders(40, first=40)
    case.wait_written(80, process)
    process.drain()
    assert case.verdict(minimum=80).duplicates == 0
