"""Dead letters to a topic or a table: whole, confirmed before the offset moves, never skipped."""

import json
import time
from collections import Counter

import pytest
from confluent_kafka import Producer

from localkafka import EmbeddedKafka
from tests.flows.conftest import PARTITIONS, Case
from tests.flows.dead_letters import (
    assert_all_there,
    dead_letters_in_table,
    dead_letters_in_topic,
    dead_letters_of,
    judged_without,
    messages_of,
    own_block,
    to_table,
    to_topic,
    wait_logged,
)
from tests.flows.test_rejections import BAD, send_mixed
from tests.support.brokers import Broker
from tests.support.ledger import Rejected
from tests.support.producers import PAYLOAD, send_order
from tests.support.store import KEY_SECRET
from tests.support.wait import until

pytestmark = pytest.mark.P4

# Seconds in which a flow that does not wait for its dead letters takes snapshots without them.
SOME_SNAPSHOTS = 4.0


def test_a_topic_gets_them_whole(case: Case) -> None:
    """Each bad record is in the topic with its own bytes, place and reason; neighbours are rows.

    After a clean stop and start none is delivered again.
    """
    case.store.create_table(case.topic)
    topic = to_topic(case)
    send_mixed(case, BAD)
    process = case.flow.start()
    case.wait_committed(process)
    counts = process.drain()
    dead_letters = dead_letters_in_topic(case.broker, topic)
    assert len(dead_letters) == counts["rejected"] == len(BAD)
    assert_all_there(case, dead_letters)
    settled = counts["written"] + counts["rejected"] + counts["filtered"]
    assert counts["read"] + counts["resumed"] == settled
    case.orders(8, first=1000)
    process = case.flow.start()
    case.wait_committed(process)
    assert process.drain()["rejected"] == 0
    assert len(dead_letters_in_topic(case.broker, topic)) == len(BAD)
    case.verdict(minimum=60)


def test_a_table_gets_them_whole(case: Case) -> None:
    """The same in a table that is made; a value beyond the cell's limit stands in parts."""
    case.store.create_table(case.topic)
    table = to_table(case)
    send_mixed(case, BAD)
    process = case.flow.start()
    case.wait_committed(process)
    assert process.drain()["rejected"] == len(BAD)
    assert_all_there(case, dead_letters_in_table(case, table))
    judged_without(case, table)


def test_headers_and_timestamp_are_kept(case: Case) -> None:
    """Key, value, headers with doubles and nulls, and timestamp: byte for byte, in order.

    The headers behind them say where it came from and why, by Kafka Connect's names.
    """
    case.store.create_table(case.topic)
    topic = to_topic(case)
    own: list[tuple[str, str | bytes | None]] = [
        ("a", b"\x00\xff"),
        ("a", None),
        ("b", "ä".encode()),
        ("__connect.errors.topic", b"x"),
    ]
    producer = Producer({"bootstrap.servers": case.broker.bootstrap})
    producer.produce(case.topic, b"\xfe", b"\x01k", 2, headers=own, timestamp=1_700_000_000_123)
    assert producer.flush(30) == 0
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    (message,) = messages_of(case.broker, topic)
    assert (message.key(), message.value()) == (b"\x01k", b"\xfe")
    assert message.timestamp()[1] == 1_700_000_000_123
    assert list(message.headers() or ())[: len(own)] == own
    block = own_block(message)
    assert block["__connect.errors.topic"] == case.topic
    assert block["__connect.errors.partition"] == "2"
    assert block["__connect.errors.offset"] == "0"
    assert block["__connect.errors.connector.name"] == case.flow.group
    assert block["__connect.errors.stage"] == "VALUE_CONVERTER"
    assert "JSON" in block["__connect.errors.exception.message"]
    assert block["__tablestore_sync.stage"] == "decode"
    assert block["__tablestore_sync.timestamp"] == "1700000000123"
    assert block["__tablestore_sync.replays"] == "0"


@pytest.mark.parametrize("where", ["kafka", "tablestore"])
def test_a_refused_row_goes_alone(case: Case, where: str) -> None:
    """A row that the service refuses is a dead letter with its record's bytes; 199 are rows."""
    case.store.create_table(case.topic)
    place = to_topic(case) if where == "kafka" else to_table(case)
    for number in range(200):
        if number == 77:
            value = json.dumps({"number": 77, "text": PAYLOAD}).encode()
            case.producer.send(case.topic, value, lambda *_: Rejected(), key=b"k")
        else:
            send_order(case.producer, case.topic, number, 0)
    case.producer.flush()
    case.store.set_faults(
        {
            "kind": "row_error",
            "api": "BatchWriteRow",
            "table": case.topic,
            "key": {"column": "number", "value": 77},
            "code": "OTSParameterInvalid",
        }
    )
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.store.set_faults()
    dead_letters = dead_letters_of(case, where, place)
    assert [dead_letter.code for dead_letter in dead_letters] == ["OTSParameterInvalid"]
    assert_all_there(case, dead_letters)
    judged_without(case, *([place] if where == "tablestore" else []))


@pytest.mark.parametrize("where", ["kafka", "tablestore"])
def test_kills_lose_no_dead_letter(case: Case, where: str) -> None:
    """Killed again and again: no record without its row or its dead letter.

    What a kill repeats has the coordinates of its first delivery, so that it is recognized.
    """
    case.store.create_table(case.topic)
    place = to_topic(case) if where == "kafka" else to_table(case)
    for number in range(1200):
        if number % 10 == 7:
            value = f"{PAYLOAD} {number}".encode()
            case.producer.send(
                case.topic, value, lambda *_: Rejected(), partition=number % PARTITIONS
            )
        else:
            send_order(case.producer, case.topic, number, number % PARTITIONS)
    case.producer.flush()
    for rows in (1, 300, 500):
        process = case.flow.start()
        case.wait_written(case.store.written() + rows, process)
        process.kill()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    dead_letters = dead_letters_of(case, where, place)
    assert_all_there(case, dead_letters)
    if where == "tablestore":
        assert max(Counter(dead_letter.place for dead_letter in dead_letters).values()) == 1
    judged_without(case, *([place] if where == "tablestore" else []))


def test_a_missing_topic_or_table_stops_at_the_start(case: Case) -> None:
    """Without auto_create the run stops before it reads, with the remedy."""
    case.store.create_table(case.topic)
    case.flow.set(
        {
            "errors": {"tolerance": "all", "dead_letters": "kafka"},
            "dead_letters": {"topic": "is-not-there"},
        }
    )
    case.flow.start().refused("is-not-there", "remedy", "errors.auto_create")
    table = to_table(case)
    case.flow.set({"errors": {"auto_create": False}})
    case.flow.start().refused(table, "remedy", "errors.auto_create")
    case.store.create_table(table, (("id", "STRING"),))
    case.flow.start().refused(table, "topic_partition", "remedy")
    case.store.client.delete_table(table)


def test_a_topic_is_made(apache_case: Case) -> None:
    """With auto_create the missing topic is made, with the partitions that are asked for."""
    case = apache_case
    case.store.create_table(case.topic)
    topic = case.broker.fresh_name("made")
    to_topic(case)
    case.flow.set({"errors": {"auto_create": True}, "dead_letters": {"topic": topic}})
    case.producer.send(case.topic, b"bad", lambda *_: Rejected())
    case.producer.flush()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    assert_all_there(case, dead_letters_in_topic(case.broker, topic))


def test_a_dead_letter_too_large_stops_the_run(case: Case) -> None:
    """A dead letter that its topic refuses for good stops the run; the remedy lets it go on."""
    case.store.create_table(case.topic)
    to_topic(case, properties={"message.max.bytes": 100_000})
    case.orders(40)
    value = json.dumps([PAYLOAD * 10_000]).encode()
    case.producer.send(case.topic, value, lambda *_: Rejected())
    case.producer.flush()
    place = f"topic {case.topic} partition 0 offset 10"
    for _ in range(2):
        case.flow.start().refused(place, "message.max.bytes", "remedy")
        assert case.committed().get(0, 0) <= 10
    topic = to_topic(case)
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    assert_all_there(case, dead_letters_in_topic(case.broker, topic))
    case.verdict(minimum=41)


def test_a_stalled_broker_is_waited_for(embedded_case: Case) -> None:
    """While the brokers of the dead-letter topic are away the offset stays; then all go on.

    They are others than the source's. Killed in between, nothing is lost either.
    """
    case = embedded_case
    case.store.create_table(case.topic)
    with EmbeddedKafka({"dead": 1}) as away:
        to_topic(case, topic="dead", bootstrap_servers=away.bootstrap)
        process = case.flow.start()
        case.wait_started(process)
        for down in (True, True, False):
            if down:
                away.broker_down()
            case.orders(40)
            for number in range(8):
                case.producer.send(
                    case.topic, b"bad", lambda *_: Rejected(), partition=number % PARTITIONS
                )
            case.producer.flush()
            if down:
                # The rows need not come before the dead letters: a waiting snapshot holds them too.
                wait_logged(process, "Kafka client")
                time.sleep(SOME_SNAPSHOTS)
                assert all(offset <= 10 for offset in case.committed().values())
                process.kill()
                away.broker_up()
                before = case.store.written()
                process = case.flow.start()
                case.wait_written(before + 1, process)
        case.wait_committed(process)
        process.drain()
        other = Broker("embedded", embedded=away)
        assert_all_there(case, dead_letters_in_topic(other, "dead"))
    case.verdict_of_rows(minimum=48)


@pytest.mark.timeout(240)
def test_a_restarting_broker_is_waited_for(apache_case: Case) -> None:
    """The broker of the topic is killed and comes back, and so is the flow, in the middle of it.

    No record is without its row or its dead letter.
    """
    case = apache_case
    apache = case.broker.apache
    assert apache is not None
    case.store.create_table(case.topic)
    topic = to_topic(case)
    # The second start may fall into a restart of the broker, which takes longer on a busy machine.
    case.flow.set({"kafka": {"metadata_timeout": 100}})
    process = case.flow.start()
    case.wait_started(process)
    for number in range(2000):
        if number % 2:
            case.producer.send(
                case.topic, b"bad", lambda *_: Rejected(), partition=number % PARTITIONS
            )
        else:
            send_order(case.producer, case.topic, number, number % PARTITIONS)
        if number in (500, 1000, 1500):
            case.producer.flush()
            apache.kill()
            if number == 1000:
                wait_logged(process, "Kafka client")
                process.kill()
            apache.restart()
            if number == 1000:
                process = case.flow.start()
    case.producer.flush()
    case.wait_committed(process, within=120)
    process.drain()
    assert_all_there(case, dead_letters_in_topic(case.broker, topic))
    case.verdict(minimum=2000)


def test_a_stalled_table_is_waited_for(case: Case) -> None:
    """The dead-letter table is throttled: the offset stays until it takes them.

    Killed in between, nothing is lost either.
    """
    case.store.create_table(case.topic)
    table = to_table(case)
    case.store.create_table(table)
    case.store.set_faults({"kind": "server_busy", "api": "BatchWriteRow", "table": table})
    case.orders(40)
    case.producer.send(case.topic, b"bad", lambda *_: Rejected())
    case.producer.flush()
    process = case.flow.start()
    case.wait_written(20, process)  # what is behind the dead letter in its shard waits with it
    until(lambda: case.store.fired().get("server_busy", 0) > 3, "the throttling")
    time.sleep(SOME_SNAPSHOTS)
    assert case.committed().get(0, 0) == 0
    process.kill()
    case.store.set_faults()
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    assert_all_there(case, dead_letters_in_table(case, table))
    judged_without(case, table)


@pytest.mark.P7
def test_no_secret_and_no_payload_beside_the_record(embedded_case: Case) -> None:
    """P7: what the flow adds to the headers, and what it says, holds neither password nor value."""
    case = embedded_case
    case.store.create_table(case.topic)
    topic = to_topic(case, bootstrap_servers=case.broker.bootstrap)
    canary = "canary-of-sasl"
    case.flow.env["SYNC__DEAD_LETTERS__SECRET_PROPERTIES"] = json.dumps({"sasl.password": canary})
    send_mixed(case, BAD)
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    for message in messages_of(case.broker, topic):
        added = "".join(own_block(message).values())
        assert PAYLOAD not in added
        assert canary not in added
        assert KEY_SECRET not in added
    assert canary not in case.flow.output()
