"""What a worker's client is assigned, and what it commits."""

from typing import cast

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from connectors.kafka.assignment import Assignment
from tests.unit.fake_clock import FakeClock
from tests.unit.kafka.fake_kafka import FakeBrokers, FakeConsumer, run_with


def made(brokers: FakeBrokers, partitions: int, clock: FakeClock | None = None) -> Assignment:
    """An assignment of so many partitions of one topic."""
    found = Assignment(
        run_with().settings.kafka, brokers.clients, 2 * partitions, clock or FakeClock()
    )
    for number in range(partitions):
        found.add(TopicPartition("orders", number, 10 * number))
    return found


def client_of(assignment: Assignment) -> FakeConsumer:
    """The fake consumer behind an assignment."""
    return cast(FakeConsumer, assignment.current())


def test_all_are_assigned_at_once(brokers: FakeBrokers) -> None:
    """With the first question for the client; one that comes later is added."""
    assignment = made(brokers, 3)
    assert brokers.consumers == []
    client = client_of(assignment)
    assert client.assigned == [("orders", 0, 0), ("orders", 1, 10), ("orders", 2, 20)]
    assert assignment.client is not None
    assignment.add(TopicPartition("orders", 3, 9))
    assert client_of(assignment) is client
    assert client.assigned[3:] == [("orders", 3, 9)]
    assert assignment.share == 4 / 6


def test_the_client_ends_with_the_last_partition(brokers: FakeBrokers) -> None:
    """Until then each is taken away with the next question."""
    assignment = made(brokers, 2)
    client = client_of(assignment)
    assignment.remove("orders", 0)
    assignment.current()
    assert (client.unassigned, client.closed) == ([("orders", 0)], 0)
    assignment.remove("orders", 1)
    assert client.closed == 1


def test_without_a_question_there_is_no_client(brokers: FakeBrokers) -> None:
    """A run that ends before it reads opens no connection."""
    assignment = made(brokers, 1)
    assignment.remove("orders", 0)
    assert brokers.consumers == []


def test_a_partition_moves(brokers: FakeBrokers) -> None:
    """The others stay assigned as they are."""
    assignment = made(brokers, 2)
    client = client_of(assignment)
    assignment.move(TopicPartition("orders", 1, 70))
    assert client.unassigned == [("orders", 1)]
    assert client.assigned[2:] == [("orders", 1, 70)]


def test_offsets_are_committed_together(
    brokers: FakeBrokers, caplog: pytest.LogCaptureFixture
) -> None:
    """Of many partitions a few times a second, not one by one; an error is only logged."""
    clock = FakeClock()
    assignment = made(brokers, 50, clock)
    client = client_of(assignment)
    for turn in range(10):
        for number in range(50):
            assignment.offsets["orders", number] = turn
            assignment.commit_some()
        clock.now += 0.1
    assert len(brokers.commits) <= 6
    assert set(brokers.commits) == {True}, "nobody waits for it"
    clock.now += 1
    assignment.commit_some()
    last = {number: offset for _, number, offset in client.committed}
    assert last == dict.fromkeys(range(50), 9)
    client.commit_error = KafkaException(KafkaError(KafkaError._TRANSPORT, "away"))
    assignment.offsets["orders", 0] = 11
    clock.now += 1
    assignment.commit_some()
    assert "away" in caplog.text


@pytest.mark.parametrize(
    "trouble", [KafkaException(KafkaError(KafkaError._TRANSPORT)), TypeError("no answer"), None]
)
def test_an_unknown_end(brokers: FakeBrokers, trouble: Exception | None) -> None:
    """An error, or None of the client, which is no pair."""
    assignment = made(brokers, 1)
    brokers.watermarks["orders", 0] = (3, 90)
    assert assignment.known_end("orders", 0) == 90
    brokers.watermark_error = trouble
    brokers.watermarks["orders", 0] = None
    assert assignment.known_end("orders", 0) == -1
