"""Dead letters sent back to their own topic, and what cannot be sent back."""

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.dead_letters import to_table, to_topic
from tests.flows.replays import REPLAYS, replay, run_to_end
from tests.support.brokers import read_records
from tests.support.ledger import Rejected
from tests.support.wait import until

pytestmark = pytest.mark.P4


@pytest.mark.parametrize("source", ["topic", "table"])
def test_back_to_their_own_topic(case: Case, source: str) -> None:
    """Key, value, headers, time and partition are the record's; the flow reads them again.

    What it rejects again carries the count of its replays, so that it cannot go round for ever.
    """
    case.store.create_table(case.topic)
    send = to_topic if source == "topic" else to_table
    send(case)
    producer = Producer({"bootstrap.servers": case.broker.bootstrap})
    headers: list[tuple[str, str | bytes | None]] = [("own", b"\xff"), ("own", None)]
    producer.produce(case.topic, b"bad", b"key", 2, timestamp=1_700_000_000_123, headers=headers)
    producer.flush(10)
    assert run_to_end(case)["rejected"] == 1
    dry = replay(case, folder="dry", target="topic", dry_run=True)
    assert dry.text().count("would send: ") == 1
    for _ in range(4):
        replay(case, folder="back", target="topic", max_replays=2)
        run_to_end(case)
    found = read_partition(case, 2)
    assert [message.value() for message in found] == [b"bad"] * 3
    for turn, message in enumerate(found):
        assert (message.key(), message.timestamp()[1]) == (b"key", 1_700_000_000_123)
        count = [] if turn == 0 else [(REPLAYS, b"%d" % turn)]
        assert message.headers() == [*headers, *count]


def read_partition(case: Case, partition: int) -> list[Message]:
    """Everything in a partition of the case's topic."""
    client = Consumer({"bootstrap.servers": case.broker.bootstrap, "group.id": "reader"})
    try:
        end = case.broker.ends(case.topic, PARTITIONS).get(partition, 0)
        client.assign([TopicPartition(case.topic, partition, 0)])
        return read_records(client, end)
    finally:
        client.close()


@pytest.mark.parametrize("gone", ["topic", "partition", "security"])
def test_what_cannot_be_sent_back_stops_the_replay(apache_case: Case, gone: str) -> None:
    """The end has code 1 and a remedy, nothing counts as done, and no topic is made by the way."""
    case = apache_case
    case.store.create_table(case.topic)
    to_table(case)
    case.producer.send(case.topic, b"bad", lambda *_: Rejected(), partition=3)
    case.producer.flush()
    run_to_end(case)
    case.flow.settings["replay"] = {"target": "topic"}
    case.flow.state = case.flow.folder / "refused"
    admin = AdminClient({"bootstrap.servers": case.broker.bootstrap})
    if gone == "security":
        case.flow.set({"kafka": {"properties": {"security.protocol": "ssl"}}})
        case.flow.set({"kafka": {"metadata_timeout": 3.0}})
    else:
        for done in admin.delete_topics([case.topic]).values():
            done.result(30)
        if gone == "partition":
            until(lambda: case.topic not in admin.list_topics(timeout=10).topics, "its end")
            for done in admin.create_topics([NewTopic(case.topic, 2)]).values():
                done.result(30)
    for _ in range(2):
        text = case.flow.start(module="flows.replay").refused("remedy", "replay")
        assert gone in text or gone == "security", text
    if gone == "topic":
        assert case.topic not in admin.list_topics(timeout=10).topics
