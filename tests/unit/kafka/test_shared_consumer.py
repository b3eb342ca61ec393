"""One consumer for many partitions: each gets its messages, in order, and its turn."""

import random
from datetime import timedelta
from typing import cast

import pytest
from confluent_kafka import KafkaError, Message, TopicPartition

from connectors.errors import StopRun
from connectors.kafka import partition_reader, prefetch
from connectors.kafka.partition_reader import PartitionQueue, SharedConsumer
from tests.unit.fake_clock import FakeClock
from tests.unit.kafka.fake_kafka import (
    FakeBrokers,
    FakeConsumer,
    FakeMessage,
    Reader,
    failing,
    messages,
    run_with,
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer that had nothing is asked again at once."""
    monkeypatch.setattr(partition_reader, "_PAUSE", 0)


def consumer_of(
    brokers: FakeBrokers, partitions: int, topics: int = 1, clock: FakeClock | None = None
) -> tuple[SharedConsumer, list[PartitionQueue]]:
    """A consumer of so many partitions of each topic."""
    run = run_with(clock=clock or FakeClock())
    made = SharedConsumer(run, brokers.clients, partitions * topics)
    names = [("orders", number) for number in range(partitions)]
    names += [(f"t{n}", number) for n in range(1, topics) for number in range(partitions)]
    return made, [made.add(TopicPartition(*name, 0)) for name in names]


def client_of(consumer: SharedConsumer) -> FakeConsumer:
    """The fake consumer behind a shared consumer."""
    return cast(FakeConsumer, consumer.assignment.current())


def offsets(found: list[Message] | None) -> list[int | None]:
    """The offsets of some messages."""
    assert found is not None
    return [message.offset() for message in found]


@pytest.mark.parametrize("topics", [1, 3])
def test_each_partition_gets_its_messages_in_order(brokers: FakeBrokers, topics: int) -> None:
    """However they are mixed in the polls."""
    consumer, queues = consumer_of(brokers, 5, topics)
    source = random.Random(3)
    next_offset = dict.fromkeys(queues, 0)
    polls: list[list[Message]] = []
    for _ in range(200):
        poll: list[Message] = []
        for _ in range(source.randrange(1, 8)):
            queue = source.choice(queues)
            for _ in range(source.choice([1, 1, 30])):
                poll += messages(next_offset[queue], topic=queue.topic, partition=queue.partition)
                next_offset[queue] += 1
        polls.append(poll)
    client_of(consumer).polls = polls
    found: dict[PartitionQueue, list[int | None]] = {queue: [] for queue in queues}
    for _ in range(600):
        for queue in queues:
            taken = queue.take(17)
            assert taken is None or len(taken) <= 17
            assert all(
                (each.topic(), each.partition()) == (queue.topic, queue.partition)
                for each in taken or ()
            )
            found[queue] += offsets(taken or [])
    assert found == {queue: [*range(end)] for queue, end in next_offset.items()}
    assert consumer.waiting_bytes == 0


def test_a_round_gives_bounded_bytes_and_each_partition_its_turn(brokers: FakeBrokers) -> None:
    """Those that got nothing in one round come first in the next."""
    consumer, queues = consumer_of(brokers, 20)
    size = prefetch.ROUND_BYTES // 4
    made = [
        FakeMessage("orders", number, offset, value=bytes(size))
        for offset in range(12)
        for number in range(20)
    ]
    client_of(consumer).polls = [cast(list[Message], made)]
    consumer._max_waiting = 1 << 40
    given = dict.fromkeys(queues, 0)
    for turn in range(60):
        in_round = 0
        for queue in queues:
            taken = queue.take(2)
            in_round += len(taken or ())
            given[queue] += len(taken or ())
        assert in_round <= 6, "the round's bytes, and the last one's chunk"
        if turn > 20:
            assert max(given.values()) - min(given.values()) <= 4
    assert set(given.values()) == {12}


def test_what_waits_is_bounded(brokers: FakeBrokers) -> None:
    """Idle partitions do not go on fetching for a busy one without end."""
    consumer, queues = consumer_of(brokers, 10)
    client = client_of(consumer)
    consumer._max_waiting = 1000
    made = [FakeMessage("orders", 3, n, value=bytes(100)) for n in range(5000)]
    client.polls = [cast(list[Message], made[n : n + 10]) for n in range(0, 5000, 10)]
    for queue in queues:
        if queue.partition != 3:
            for _ in range(5):
                assert queue.take(10) == []
    assert consumer.waiting_bytes <= 2000
    found: list[int | None] = []
    while len(found) < 5000:
        found += offsets(queues[3].take(10))
    assert found == [*range(5000)]


def test_a_partition_that_is_read_no_more(brokers: FakeBrokers) -> None:
    """Its messages are dropped, those of the others go on, and the client ends with the last."""
    consumer, queues = consumer_of(brokers, 2)
    client = client_of(consumer)
    client.polls = [
        [*messages(0, 1), *messages(0, partition=1)],
        messages(2, 3),
        messages(1, partition=1),
    ]
    assert offsets(queues[1].take(9)) == [0]
    queues[0].close()
    assert queues[1].take(9) == []
    assert client.unassigned == [("orders", 0)]
    assert offsets(queues[1].take(9)) == [1]
    assert consumer.waiting_bytes == 0
    queues[1].close()
    queues[1].close()
    assert client.closed == 1


def test_going_on_elsewhere_forgets_what_waits(brokers: FakeBrokers) -> None:
    """A seek in one partition drops the waiting messages of that partition only."""
    consumer, queues = consumer_of(brokers, 2)
    client = client_of(consumer)
    client.polls = [[*messages(0, 1), *messages(0, partition=1)], messages(70)]
    assert offsets(queues[0].take(1)) == [0]
    queues[0].go_on_at(70)
    assert client.unassigned == [("orders", 0)]
    assert client.assigned[-1] == ("orders", 0, 70)
    assert offsets(queues[0].take(9)) == [70]
    assert offsets(queues[1].take(9)) == [0]


def test_an_error_of_the_client_itself_is_judged(brokers: FakeBrokers) -> None:
    """It names no partition: the next reader gets it, and it stops the run as it should."""
    source = brokers.started(run_with())
    readers = [Reader(source, brokers, f"orders:{number}", 0) for number in (0, 1)]
    readers[1].client.polls = [failing(KafkaError._AUTHENTICATION, "no entry")]
    with pytest.raises(StopRun, match="no entry"):
        readers[1].partition.next_batch()


def test_idle_partitions_look_at_the_same_time(
    brokers: FakeBrokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So one turn of the worker serves all; a thousand of them look less often than four."""
    monkeypatch.setattr(partition_reader, "_PAUSE", 0.010)
    for partitions, pause in ((4, 0.010), (1000, 0.4)):
        consumer, queues = consumer_of(brokers, partitions)
        looks = [look for queue in queues if (look := queue.next_look()) is not None]
        assert len(looks) == partitions
        assert len(set(looks)) <= 3
        last = consumer.next_look()
        assert last is not None
        assert last - looks[0] < timedelta(seconds=2 * pause)
        del consumer


def test_no_partition_sleeps_while_messages_of_another_wait(brokers: FakeBrokers) -> None:
    """Bytewax wakes a partition only at the time that it named: all might sleep beside messages."""
    consumer, queues = consumer_of(brokers, 2)
    client_of(consumer).polls = [messages(0, 1, partition=1)]
    assert queues[0].take(9) == []
    assert queues[0].next_look() is None
    assert offsets(queues[1].take(9)) == [0, 1]
    assert queues[0].next_look() is not None


def test_nothing_is_asked_from_the_client_for_each_idle_partition(
    brokers: FakeBrokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look at the client serves all idle partitions."""
    monkeypatch.setattr(partition_reader, "_PAUSE", 10)
    consumer, queues = consumer_of(brokers, 1000)
    client = client_of(consumer)
    for queue in queues:
        assert queue.take(100) == []
    assert len(client.limits) == 1
