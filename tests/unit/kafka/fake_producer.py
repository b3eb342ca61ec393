"""A producer made of plain objects: it reports each message as the test wants."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from confluent_kafka import KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient

from connectors.kafka.clients import KafkaClients

Report = Callable[[KafkaError | None, Message], None]


class Sent(NamedTuple):
    """A message that was handed to the producer."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: list[tuple[str, bytes | None]] | None


class FakeProducer:
    """Reports its messages at the next poll: as delivered, or with the next of `errors`."""

    def __init__(self, brokers: FakeProducerBrokers, properties: dict[str, Any]) -> None:
        self.brokers = brokers
        self.properties = properties
        self.purged = False
        self._reports: list[tuple[Report, Sent]] = []

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int = -1,
        *,
        on_delivery: Report,
        timestamp: int,
        headers: list[tuple[str, bytes | None]] | None,
    ) -> None:
        """Raises BufferError as often as the brokers' `full` says."""
        if self.brokers.full:
            self.brokers.full -= 1
            raise BufferError
        sent = Sent(topic, partition, key, value, timestamp, headers)
        self._reports.append((on_delivery, sent))

    def poll(self, timeout: float) -> None:
        """Deliver the reports that are due."""
        reports, self._reports = self._reports, []
        for on_delivery, sent in reports:
            error = self.brokers.errors.pop(0) if self.brokers.errors else None
            if error is None:
                self.brokers.delivered.append(sent)
            on_delivery(error, cast(Message, SimpleNamespace(topic=lambda sent=sent: sent.topic)))

    def flush(self, timeout: float) -> int:
        """Deliver all reports and return 0: no message is left."""
        self.poll(timeout)
        return 0

    def list_topics(self, timeout: float) -> Any:
        """The topics."""
        found = {
            name: SimpleNamespace(partitions=dict.fromkeys(range(count)), error=None)
            for name, count in self.brokers.topics.items()
        }
        return SimpleNamespace(topics=found)

    def purge(self, blocking: bool) -> None:
        """Record the call."""
        self.purged = True

    def __len__(self) -> int:
        return len(self._reports)


class FakeProducerBrokers:
    """The brokers that the producers send to."""

    def __init__(self) -> None:
        self.topics: dict[str, int] = {"orders": 2}
        self.errors: list[KafkaError | None] = []
        self.full = 0
        self.delivered: list[Sent] = []
        self.producers: list[FakeProducer] = []

    def create_topics(self, topics: list[Any], request_timeout: float) -> dict[str, Any]:
        """As an admin client does."""
        self.topics.update({topic.topic: topic.num_partitions for topic in topics})
        return {topic.topic: SimpleNamespace(result=lambda _timeout: None) for topic in topics}

    @property
    def clients(self) -> KafkaClients:
        """The clients of these brokers."""

        def producer(properties: dict[str, Any], logger: logging.Logger) -> Producer:
            client = FakeProducer(self, properties)
            self.producers.append(client)
            return cast(Producer, client)

        def admin(properties: dict[str, Any], logger: logging.Logger) -> AdminClient:
            return cast(AdminClient, self)

        return KafkaClients(producer=producer, admin=admin)
