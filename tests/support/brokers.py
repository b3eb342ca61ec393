"""The two Kafkas behind one face, so that one test body runs on both."""

import itertools
import os
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from localkafka import ApacheKafka, EmbeddedKafka
from tests.support.wait import until

_numbers = itertools.count(1)
_MOVING = {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS}


def read_records(client: Consumer, count: int) -> list[Message]:
    """The next `count` records of what the client is assigned; AssertionError if they stay away."""
    seen: list[Message] = []

    def enough() -> bool:
        seen.extend(client.consume(count - len(seen), 0.2))
        return len(seen) >= count

    until(enough, lambda: f"{count} records; {len(seen)} came")
    assert [message.error() for message in seen] == [None] * count
    return seen


@dataclass(frozen=True)
class Broker:
    """A running Kafka. `embedded` or `apache` is set, for what only one of them can do."""

    kind: Literal["embedded", "apache"]
    embedded: EmbeddedKafka | None = None
    apache: ApacheKafka | None = None

    @property
    def _any(self) -> EmbeddedKafka | ApacheKafka:
        found = self.embedded or self.apache
        assert found is not None
        return found

    @property
    def bootstrap(self) -> str:
        """Addresses for a client's `bootstrap.servers`."""
        return self._any.bootstrap

    def fresh_name(self, base: str) -> str:
        """A name that no other test uses; legal for topics, tables and groups."""
        return f"{base}_{os.getpid()}_{next(_numbers)}"

    def topic(self, base: str = "orders", partitions: int = 4) -> str:
        """Make a topic of its own for a test and return its name."""
        name = self.fresh_name(base)
        self._any.create_topic(name, partitions)
        return name

    def create_topic(self, name: str, partitions: int = 4) -> None:
        """Create a topic with exactly this name."""
        self._any.create_topic(name, partitions)

    def delete_topic(self, name: str) -> None:
        """Remove a topic."""
        self._any.delete_topic(name)

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Let a partition begin at offset `before`, as retention would."""
        self._any.delete_records(topic, partition, before)

    def committed(self, group: str, topic: str, partitions: int) -> dict[int, int]:
        """Offsets that the group has committed, by partition; without those it has none of."""
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": group, "log_level": 0}
        )
        try:
            places = [TopicPartition(topic, number) for number in range(partitions)]
            found: list[TopicPartition] = []

            def answered() -> bool:
                # While the group's coordinator moves, no broker knows its offsets.
                try:
                    found[:] = consumer.committed(places, timeout=30)
                except KafkaException as error:
                    if error.args[0].code() not in _MOVING:
                        raise
                    return False
                return True

            until(answered, lambda: f"the coordinator of group {group}")
        finally:
            consumer.close()
        return {place.partition: place.offset for place in found if place.offset >= 0}

    def ends(self, topic: str, partitions: int) -> dict[int, int]:
        """Offsets that the next records of the partitions will get."""
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": "ends", "log_level": 0}
        )
        try:
            places = [TopicPartition(topic, number) for number in range(partitions)]
            return {
                place.partition: consumer.get_watermark_offsets(place, timeout=30)[1]
                for place in places
            }
        finally:
            consumer.close()
