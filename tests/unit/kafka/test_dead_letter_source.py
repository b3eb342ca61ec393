"""The dead-letter topic as a source: it ends at the end that the topic has at the start."""

from collections.abc import Callable

import pytest
from confluent_kafka import Message

from connectors.kafka.dead_letter_source import KafkaDeadLetterSource
from connectors.run.context import Run
from tests.unit.factories import new_run
from tests.unit.kafka.fake_kafka import FakeBrokers, Reader, messages


def begin(
    brokers: FakeBrokers, run: Run, admits: Callable[[Message], bool] = lambda _: True
) -> Reader:
    """The reader of a topic with the offsets 0 to 3 in one partition."""
    brokers.topics = {"orders": 1}
    brokers.watermarks["orders", 0] = (0, 4)
    source = KafkaDeadLetterSource(run, admits, brokers.clients)
    assert source.list_parts() == ["orders:0"]
    return Reader(source, brokers, "orders:0", None)


def test_it_ends_where_the_topic_ended_at_the_start(brokers: FakeBrokers) -> None:
    """What is rejected again meanwhile, behind that end, is not read; then the run drains."""
    run = new_run()
    reader = begin(brokers, run)
    reader.client.polls = [messages(0, 1), messages(2, 3, 4, 5)]
    found = [chunk.messages for _ in range(2) for chunk in reader.partition.next_batch()]
    assert [message.offset() for chunk in found for message in chunk] == [0, 1, 2, 3]
    with pytest.raises(StopIteration):
        reader.partition.next_batch()
    assert run.drain_reason == "everything is read"
    assert reader.partition.snapshot() == 4
    run.finish()
    assert brokers.consumers[-1].committed == [("orders", 0, 4)]


def test_a_dead_letter_that_is_not_admitted_is_read_next_time(brokers: FakeBrokers) -> None:
    """The position stays before it."""
    reader = begin(brokers, new_run(), lambda message: message.offset() != 2)
    reader.client.polls = [messages(0, 1, 2, 3)]
    (chunk,) = reader.partition.next_batch()
    assert [message.offset() for message in chunk.messages] == [0, 1]
    assert reader.partition.snapshot() == 2


def test_a_dry_run_moves_no_offset(brokers: FakeBrokers) -> None:
    """Neither in the recovery folder nor in the group."""
    run = new_run(replay={"dry_run": True})
    reader = begin(brokers, run)
    reader.client.polls = [messages(0, 1, 2, 3)]
    reader.partition.next_batch()
    assert reader.partition.snapshot() == 0
    before = len(brokers.consumers)
    run.finish()
    assert len(brokers.consumers) == before
