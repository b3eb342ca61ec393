"""Offsets: where a run starts, what the group shows, and what comes and goes while it runs."""

from collections.abc import Mapping

import pytest
from confluent_kafka import Producer

from tests.flows.conftest import PARTITIONS, Case
from tests.support.flow_process import FlowProcess, free_port
from tests.support.ledger import Put
from tests.support.producers import LedgerProducer, Stream, kafka_row, send_order
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


def unledgered(case: Case, partition: int, count: int) -> int:
    """Produce records that are not in the manifest; returns how many."""
    producer = Producer({"bootstrap.servers": case.broker.bootstrap})
    for _ in range(count):
        producer.produce(case.topic, b'{"x":1}', partition=partition)
    assert producer.flush(30) == 0
    return count


def in_partition(key: tuple[tuple[str, object], ...], partition: int) -> bool:
    """Whether a row's key names the partition."""
    return str(dict(key)["topic_partition"]).endswith(f"_{partition}")


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


def test_new_partitions_are_found(apache_case: Case) -> None:
    """Partitions added while it runs are read from their first record, without a manual restart."""
    case = apache_case
    assert case.broker.apache is not None
    case.store.create_table(case.topic)
    case.flow.set({"kafka": {"discovery_interval": 0.5}})
    process = case.flow.start()
    case.orders(100)
    case.wait_written(100, process)
    case.broker.apache.create_partitions(case.topic, PARTITIONS + 3)
    # A new producer: the old one would learn of the partitions minutes later.
    producer = LedgerProducer(case.broker.bootstrap, case.manifest)
    for number in range(70):
        send_order(producer, case.topic, number, number % (PARTITIONS + 3))
    producer.flush()
    case.wait_written(170, process)
    process.drain()
    assert case.verdict(minimum=170).duplicates == 0


@pytest.mark.parametrize("start", ["earliest", "latest"])
def test_new_topics_of_a_pattern_are_found(case: Case, start: str) -> None:
    """A topic that appears and matches is read whole, also under start = latest."""
    case.store.create_table(case.topic)
    case.flow.set(
        {
            "kafka": {
                "topics_pattern": f"{case.topic}.*",
                "discovery_interval": 0.5,
                "start": start,
            },
            "table": {"auto_create": True},
        }
    )
    case.flow.unset("kafka", "topics")
    process = case.flow.start()
    case.wait_started(process)
    case.orders(40)
    case.wait_written(40, process)
    new = f"{case.topic}_new"
    case.broker.create_topic(new, 2)
    for number in range(20):
        send_order(case.producer, new, number, number % 2)
    case.producer.flush()
    case.wait_written(60, process)
    process.drain()
    assert case.verdict(minimum=60).duplicates == 0


def second_topic(case: Case) -> str:
    """Give the flow a second topic with records, and a table for it."""
    name = case.broker.topic("second", 2)
    case.store.create_table(name)
    case.flow.set({"kafka": {"topics": [case.topic, name]}})
    for number in range(20):
        send_order(case.producer, name, number, number % 2)
    case.producer.flush()
    return name


@pytest.mark.parametrize("gone_from", ["settings", "broker", "both"])
def test_a_removed_topic_does_not_break_a_resume(case: Case, gone_from: str) -> None:
    """A topic taken out of the settings, of Kafka, or of both: the rest goes on where it was."""
    case.store.create_table(case.topic)
    second = second_topic(case)
    case.orders(40)
    process = case.flow.start()
    case.wait_written(60, process)
    process.drain()
    if gone_from != "settings":
        case.broker.delete_topic(second)
    if gone_from != "broker":
        case.flow.set({"kafka": {"topics": [case.topic]}})
    case.orders(40, first=40)
    process = case.flow.start()
    case.wait_written(100, process)
    process.drain()
    assert case.verdict(minimum=100).duplicates == 0


def test_a_topic_removed_while_it_runs(case: Case) -> None:
    """The other topics go on."""
    case.store.create_table(case.topic)
    second = second_topic(case)
    case.orders(40)
    process = case.flow.start()
    case.wait_written(60, process)
    case.broker.delete_topic(second)
    for count in range(1, 6):
        case.orders(40, first=40 * count)
        case.wait_written(60 + 40 * count, process)
    process.drain()
    assert case.verdict(minimum=200).duplicates == 0


def test_a_topic_that_comes_back_is_read_again(case: Case) -> None:
    """A listed topic put back into the settings goes on where it was, without a repeated row."""
    case.store.create_table(case.topic)
    second = second_topic(case)
    process = case.flow.start()
    case.wait_written(20, process)
    process.drain()
    case.flow.set({"kafka": {"topics": [case.topic]}})
    case.orders(40)
    process = case.flow.start()
    case.wait_written(60, process)
    process.drain()
    for number in range(10):
        send_order(case.producer, second, number, number % 2)
    case.producer.flush()
    case.flow.set({"kafka": {"topics": [case.topic, second]}})
    process = case.flow.start()
    case.wait_written(70, process)
    process.drain()
    assert case.verdict(minimum=70).duplicates == 0


def test_a_topic_that_is_not_there_is_refused(case: Case) -> None:
    """A typing mistake in the topic's name stops the first run, with the name and a remedy."""
    missing = case.broker.fresh_name("nowhere")
    case.flow.set({"kafka": {"topics": [missing]}})
    text = case.flow.start().refused(missing, "remedy")
    assert "Traceback" not in text


def test_a_broker_that_is_away_is_reported_in_time(case: Case) -> None:
    """No broker at the address: the run ends after the metadata time limit instead of hanging."""
    away = f"127.0.0.1:{free_port()}"
    case.flow.set({"kafka": {"bootstrap_servers": away, "metadata_timeout": 1.0}})
    text = case.flow.start().refused(away, "1 s", "remedy")
    assert "Traceback" not in text


@pytest.mark.parametrize("records", [5, 60])
def test_a_topic_created_again_is_noticed(case: Case, records: int) -> None:
    """A topic deleted and made again has other records at the old offsets: stop, do not skip.

    Also where the new one has by now more records than the old one had.
    """
    case.store.create_table(case.topic)
    case.orders(100)
    process = case.flow.start()
    case.wait_written(100, process)
    process.drain()
    case.broker.delete_topic(case.topic)
    case.broker.create_topic(case.topic, PARTITIONS)
    for partition in range(PARTITIONS):
        unledgered(case, partition, records)
    case.flow.start().refused(case.topic, "remedy")


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
