"""A Kafka made of plain objects: what the source sees of brokers, topics and messages."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from connectors.kafka.clients import KafkaClients
from connectors.kafka.partition_reader import PartitionReader
from connectors.kafka.source import KafkaSource
from connectors.records import PlainMessage
from connectors.run.context import Run
from connectors.run.recovery import RecoveryFolder
from tests.unit.factories import settings

CONTRACT = {"flow": "sync", "steps": ["sync.read"], "shards": 64}


class FakeMessage(PlainMessage):
    """A message as the client gives it."""

    def error(self) -> None:
        """None: a message that is not an error."""


class FakeError:
    """An error as the client gives it: instead of a message."""

    def __init__(self, code: int, text: str = "said the broker", offset: int | None = None) -> None:
        self._error = KafkaError(code, text)
        self._offset = offset

    def error(self) -> KafkaError:
        """The error that takes the place of a message."""
        return self._error

    def topic(self) -> None:
        """None: the error is one of the client, which returns it at the next call."""

    def partition(self) -> None:
        """None: an error has no partition."""

    def offset(self) -> int | None:
        """The offset of an error, which only some errors have."""
        return self._offset

    def __len__(self) -> int:
        """The client takes its text for a value."""
        return len(self._error.str())


def messages(*offsets: int, topic: str = "orders", partition: int = 0) -> list[Message]:
    """Messages at these offsets."""
    made = [FakeMessage(topic, partition, offset, value=b'{"n":%d}' % offset) for offset in offsets]
    return cast(list[Message], made)


def failing(code: int, text: str = "said the broker", offset: int | None = None) -> list[Message]:
    """An error instead of a message."""
    return cast(list[Message], [FakeError(code, text, offset)])


class FakeConsumer:
    """Gives out what a test puts into `polls`, and remembers what is asked of it."""

    def __init__(self, brokers: FakeBrokers, properties: dict[str, Any]) -> None:
        self.brokers = brokers
        self.properties = properties
        self.polls: list[list[Message]] = []
        self.assigned: list[tuple[str, int, int]] = []
        self.unassigned: list[tuple[str, int]] = []
        self.committed: list[tuple[str, int, int]] = []
        self.limits: list[int] = []
        self.commit_error: Exception | None = None
        self.closed = 0

    def poll(self, timeout: float) -> None:
        """The callbacks of librdkafka run here."""

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any:
        """The topics of the brokers; raises their error if they have one."""
        if self.brokers.metadata_errors:
            raise self.brokers.metadata_errors.pop()
        self.brokers.looks += 1
        topics = self.brokers.topics
        found = {
            name: SimpleNamespace(partitions=dict.fromkeys(range(count)), error=None)
            for name, count in topics.items()
        }
        return SimpleNamespace(cluster_id=self.brokers.cluster, topics=found)

    def consume(self, limit: int, timeout: float) -> list[Message]:
        """The next of `polls`, or nothing; never waits."""
        assert timeout == 0
        self.limits.append(limit)
        return self.polls.pop(0) if self.polls else []

    def incremental_unassign(self, partitions: Sequence[TopicPartition]) -> None:
        """Record the call."""
        self.unassigned += [(each.topic, each.partition) for each in partitions]

    def incremental_assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Record the call."""
        self.assigned += [(each.topic, each.partition, each.offset) for each in partitions]

    def commit(self, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        """Record the call, or raise the error that was set."""
        if self.commit_error is not None:
            raise self.commit_error
        self.committed += [(each.topic, each.partition, each.offset) for each in offsets]
        self.brokers.commits.append(asynchronous)

    def get_watermark_offsets(
        self, wanted: TopicPartition, timeout: float = 0, cached: bool = False
    ) -> tuple[int, int] | None:
        """The watermarks that the fake brokers hold for the partition."""
        if self.brokers.watermark_error is not None:
            raise self.brokers.watermark_error
        return self.brokers.watermarks.get((wanted.topic, wanted.partition), (0, 1000))

    def offsets_for_times(
        self, partitions: Sequence[TopicPartition], timeout: float
    ) -> list[TopicPartition]:
        """Of the brokers; by default the wanted time itself, for a test to see.

        -1 and -2 stand for the end and the first offset, as in Kafka's protocol.
        """
        self.brokers.lookups.append(len(partitions))
        return [self._offset_at(wanted) for wanted in partitions]

    def _offset_at(self, wanted: TopicPartition) -> TopicPartition:
        topic, number = wanted.topic, wanted.partition
        if wanted.offset in (-1, -2):
            marks = self.get_watermark_offsets(wanted)
            if marks is None:
                raise TypeError("no answer")
            return TopicPartition(topic, number, marks[wanted.offset + 2])
        found = self.brokers.offset_for_time
        if isinstance(found, KafkaError):
            answer = SimpleNamespace(topic=topic, partition=number, offset=-1, error=found)
            return cast(TopicPartition, answer)
        return TopicPartition(topic, number, wanted.offset if found is None else found)

    def close(self) -> None:
        """Count the call."""
        self.closed += 1


class FakeAdmin:
    """Answers about topics and groups."""

    def __init__(self, brokers: FakeBrokers) -> None:
        self.brokers = brokers

    def describe_topics(self, topics: TopicCollection, request_timeout: float) -> dict[str, Any]:
        """The id of each topic that has one; an error for the others."""
        return {topic: _Answer(self.brokers.ids.get(topic)) for topic in topics.topic_names}

    def describe_consumer_groups(
        self, groups: Sequence[str], request_timeout: float
    ) -> dict[str, Any]:
        """The members of each group."""
        members = self.brokers.members
        return {
            group: SimpleNamespace(result=lambda: SimpleNamespace(members=members))
            for group in groups
        }


class _Answer:
    """The future of one topic's description."""

    def __init__(self, topic_id: str | None) -> None:
        self._topic_id = topic_id

    def exception(self) -> Exception | None:
        """An error for a topic without an id."""
        if self._topic_id is None:
            return KafkaException(KafkaError(KafkaError.UNSUPPORTED_VERSION))
        return None

    def result(self) -> Any:
        """The description."""
        return SimpleNamespace(topic_id=self._topic_id)


class FakeBrokers:
    """The brokers; `clients` makes clients of them."""

    def __init__(self) -> None:
        self.topics = {"orders": 2}
        self.cluster = "cluster-1"
        self.ids = {"orders": "id-1"}
        self.members: list[str] = []
        self.watermarks: dict[tuple[str, int], tuple[int, int] | None] = {}
        self.watermark_error: Exception | None = None
        self.metadata_errors: list[Exception] = []
        self.offset_for_time: int | KafkaError | None = None
        self.consumers: list[FakeConsumer] = []
        self.commits: list[bool] = []
        self.looks = 0
        self.lookups: list[int] = []  # how many partitions each look-up of offsets named

    @property
    def clients(self) -> KafkaClients:
        """The clients of these brokers, with the properties that real ones would have."""

        def consumer(properties: dict[str, Any], logger: logging.Logger) -> Consumer:
            client = FakeConsumer(self, properties)
            self.consumers.append(client)
            return cast(Consumer, client)

        def admin(properties: dict[str, Any], logger: logging.Logger) -> AdminClient:
            return cast(AdminClient, FakeAdmin(self))

        return KafkaClients(consumer=consumer, admin=admin)

    def source(self, run: Run) -> KafkaSource:
        """A source that reads from these brokers; nothing watches their topics."""
        return KafkaSource(run, self.clients, watch=lambda *_: None)

    def started(self, run: Run) -> KafkaSource:
        """A source that has listed its partitions, as at a start."""
        source = self.source(run)
        source.list_parts()
        return source


class Reader:
    """A partition of a source with the client that it reads from."""

    def __init__(
        self, source: KafkaSource, brokers: FakeBrokers, key: str, state: int | None
    ) -> None:
        self.partition: PartitionReader = source.build_part("read", key, state)

    @property
    def client(self) -> FakeConsumer:
        """The client, which all partitions of a source share."""
        source = self.partition._source
        assert source is not None, "it reads from no client"
        return cast(FakeConsumer, source[0].consumer.assignment.current())


def run_with(
    folder: Path | None = None,
    process: int = 0,
    clock: Callable[[], float] = time.monotonic,
    **kafka: Any,
) -> Run:
    """A run with these [kafka] settings, and a recovery folder if one is named."""
    recovery = None
    if folder is not None:
        recovery = RecoveryFolder.open(folder, process, 1, CONTRACT)

    def now() -> datetime:
        seconds = time.time() if clock is time.monotonic else clock()
        return datetime.fromtimestamp(seconds, timezone.utc)

    return Run("sync", settings(kafka=kafka), recovery, clock=clock, now=now)


def end(run: Run) -> None:
    """The process of the run is gone, and with it its lock of the folder."""
    if run.recovery is not None:
        run.recovery._run_lock.close()
