"""A Kafka made of plain objects: what the source sees of brokers, topics and messages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from connectors.kafka import discovery as watch
from connectors.kafka import group_commit as group
from connectors.kafka import source
from connectors.kafka.metadata import Found
from connectors.kafka.source import KafkaSource
from connectors.records import PlainMessage
from connectors.run.context import Run
from connectors.run.recovery import RecoveryFolder
from connectors.settings.kafka import KafkaSettings
from tests.unit.factories import settings

CONTRACT = {"flow": "sync", "steps": ["sync.read"], "shards": 64}


class FakeMessage(PlainMessage):
    """A message as the client gives it."""

    def error(self) -> None:
        """None: it is no error."""


class FakeError:
    """An error as the client gives it: in a message's place."""

    def __init__(self, code: int, text: str = "said the broker", offset: int | None = None) -> None:
        self._error = KafkaError(code, text)
        self._offset = offset

    def error(self) -> KafkaError:
        """The error."""
        return self._error

    def offset(self) -> int | None:
        """Where it stands, for some."""
        return self._offset

    def __len__(self) -> int:
        """The client takes its text for a value."""
        return len(self._error.str())


def messages(*offsets: int, topic: str = "orders", partition: int = 0) -> list[Message]:
    """Messages at these offsets."""
    made = [FakeMessage(topic, partition, offset, value=b'{"n":%d}' % offset) for offset in offsets]
    return cast(list[Message], made)


def failing(code: int, text: str = "said the broker", offset: int | None = None) -> list[Message]:
    """An error in a message's place."""
    return cast(list[Message], [FakeError(code, text, offset)])


class FakeConsumer:
    """Gives out what a test puts into `polls`, and remembers what is asked of it."""

    def __init__(self, world: World, properties: dict[str, Any]) -> None:
        self.world = world
        self.properties = properties
        self.polls: list[list[Message]] = []
        self.assigned: list[tuple[str, int, int]] = []
        self.committed: list[tuple[str, int, int]] = []
        self.limits: list[int] = []
        self.commit_error: Exception | None = None
        self.closed = 0

    def consume(self, limit: int, timeout: float) -> list[Message]:
        """The next of `polls`, or nothing; never waits."""
        assert timeout == 0
        self.limits.append(limit)
        return self.polls.pop(0) if self.polls else []

    def assign(self, places: Sequence[TopicPartition]) -> None:
        """Remembered."""
        self.assigned += [(place.topic, place.partition, place.offset) for place in places]

    def commit(self, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        """Remembered, or refused."""
        if self.commit_error is not None:
            raise self.commit_error
        self.committed += [(place.topic, place.partition, place.offset) for place in offsets]
        self.world.commits.append(asynchronous)

    def get_watermark_offsets(
        self, place: TopicPartition, timeout: float
    ) -> tuple[int, int] | None:
        """Of the world."""
        if self.world.watermark_error is not None:
            raise self.world.watermark_error
        return self.world.watermarks.get((place.topic, place.partition), (0, 1000))

    def offsets_for_times(
        self, places: Sequence[TopicPartition], timeout: float
    ) -> list[TopicPartition]:
        """Of the world; by default the wanted time itself, for a test to see."""
        (place,) = places
        found = self.world.offset_for_time
        if isinstance(found, KafkaError):
            answer = TopicPartition(place.topic, place.partition, -1)
            return [cast(TopicPartition, _Refused(answer, found))]
        return [
            TopicPartition(place.topic, place.partition, place.offset if found is None else found)
        ]

    def close(self) -> None:
        """Counted."""
        self.closed += 1


class _Refused:
    """A partition of an answer that has an error."""

    def __init__(self, place: TopicPartition, error: KafkaError) -> None:
        self.offset = place.offset
        self.error = error


class World:
    """The brokers. Put it in place with the fixture `world`."""

    def __init__(self) -> None:
        self.topics = {"orders": 2}
        self.cluster = "cluster-1"
        self.ids = {"orders": "id-1"}
        self.watermarks: dict[tuple[str, int], tuple[int, int] | None] = {}
        self.watermark_error: Exception | None = None
        self.offset_for_time: int | KafkaError | None = None
        self.clients: list[FakeConsumer] = []
        self.commits: list[bool] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Instead of librdkafka, in every module that uses it; no watch runs."""

        def consumer(made: KafkaSettings, errors: object, **extra: Any) -> Consumer:
            client = FakeConsumer(self, {**made.client_properties(), **extra})
            self.clients.append(client)
            return cast(Consumer, client)

        def found(made: KafkaSettings) -> Found:
            return Found(self.cluster, dict(self.topics))

        def ids(made: KafkaSettings, topics: Sequence[str]) -> dict[str, str]:
            return {topic: self.ids[topic] for topic in topics if topic in self.ids}

        monkeypatch.setattr(source, "consumer", consumer)
        monkeypatch.setattr(group, "consumer", consumer)
        monkeypatch.setattr(watch, "consumer", consumer)
        monkeypatch.setattr(source, "list_partitions", found)
        monkeypatch.setattr(watch, "list_partitions", found)
        monkeypatch.setattr(watch, "topic_ids", ids)
        monkeypatch.setattr(source, "TopicWatcher", lambda *_: None)


class Reader:
    """A partition of a source with the client that it reads from."""

    def __init__(self, made: KafkaSource, world: World, part: str, state: int | None) -> None:
        before = len(world.clients)
        self.partition = made.build_part("read", part, state)
        self.clients = world.clients[before:]

    @property
    def client(self) -> FakeConsumer:
        """The client."""
        (found,) = self.clients
        return found


def run_with(folder: Path | None = None, process: int = 0, **kafka: Any) -> Run:
    """A run with these [kafka] settings, and a recovery folder if one is named."""
    recovery = None
    if folder is not None:
        recovery = RecoveryFolder.open(folder, process, 1, CONTRACT)
    return Run("sync", settings(kafka=kafka), recovery)


def end(run: Run) -> None:
    """The process of the run is gone, and with it its hold on the folder."""
    if run.recovery is not None:
        run.recovery._run_lock.close()


def started(run: Run) -> KafkaSource:
    """A source that has listed its partitions, as at a start."""
    made = KafkaSource(run)
    made.list_parts()
    return made
