"""Offsets of many partitions at once."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

from connectors.errors import StopRun
from connectors.kafka import offset_lookup
from connectors.kafka.offset_lookup import EARLIEST, LATEST, offsets_at
from localkafka import EmbeddedKafka
from tests.support.raw_batches import RawRecord, batch, produce
from tests.unit.kafka.fake_kafka import run_with

SETTINGS = run_with(metadata_timeout=5).settings.kafka


def test_first_offsets_and_ends_of_a_broker() -> None:
    """As librdkafka asks for them."""
    with EmbeddedKafka() as kafka:
        kafka.create_topic("orders", 30)
        for number in range(3):
            produce(kafka.bootstrap, "orders", number, batch([RawRecord()] * (number + 1)))
        client = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "g"})
        partitions = [TopicPartition("orders", number) for number in range(30)]
        first = offsets_at(SETTINGS, client, partitions, EARLIEST)
        ends = offsets_at(SETTINGS, client, partitions, LATEST)
        client.close()
    assert first == {f"orders:{number}": 0 for number in range(30)}
    assert [ends[f"orders:{number}"] for number in range(4)] == [1, 2, 3, 0]


class Answers:
    """A client that answers as a test says, and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[list[int]] = []

    def offsets_for_times(self, wanted: list[TopicPartition], timeout: float) -> Any:
        """The next answer: an offset or an error code for each partition, or None."""
        self.asked.append([each.partition for each in wanted])
        answer = self.answers.pop(0)
        if answer is None:
            return None
        return [
            SimpleNamespace(
                topic=each.topic,
                partition=each.partition,
                offset=answer[each.partition],
                error=KafkaError(-answer[each.partition]) if answer[each.partition] < 0 else None,
            )
            for each in wanted
        ]


def ask(client: Answers) -> dict[str, int]:
    """The ends of two partitions."""
    partitions = [TopicPartition("orders", number) for number in (0, 1)]
    return offsets_at(SETTINGS, cast(Consumer, client), partitions, LATEST)


def test_a_leader_that_moves_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a leader moves, only the lookups of its partitions are repeated."""
    monkeypatch.setattr(offset_lookup, "_PAUSE", 0)
    client = Answers(
        {0: 7, 1: -KafkaError.NOT_LEADER_FOR_PARTITION},
        {1: -KafkaError.LEADER_NOT_AVAILABLE},
        {1: 9},
    )
    assert ask(client) == {"orders:0": 7, "orders:1": 9}
    assert client.asked == [[0, 1], [1], [1]]


@pytest.mark.parametrize(
    "answer", [None, {0: 7, 1: -KafkaError.TOPIC_AUTHORIZATION_FAILED}], ids=["none", "refused"]
)
def test_no_answer_stops(answer: Any) -> None:
    """Without an answer the run stops with the partition named: no offset is guessed."""
    with pytest.raises(StopRun, match=r"topic orders partition \d .*"):
        ask(Answers(answer))
