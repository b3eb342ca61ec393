"""Simulated brokers, and clients of them with the methods of confluent-kafka that are used."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from connectors.kafka.clients import KafkaClients
from connectors.records import PlainMessage
from simulation.timeline import Crash, Timeline


class SimulatedMessage(PlainMessage):
    """A message as the client gives it."""

    def error(self) -> None:
        """None: it is no error."""


class SimulatedError:
    """What the client gives in place of a message."""

    def __init__(self, code: int, topic: str, partition: int, offset: int) -> None:
        self._error = KafkaError(code)
        self._where = (topic, partition, offset)

    def error(self) -> KafkaError:
        """The error."""
        return self._error

    def topic(self) -> str:
        """Where it was met."""
        return self._where[0]

    def partition(self) -> int:
        """Where it was met."""
        return self._where[1]

    def offset(self) -> int:
        """Where it was met."""
        return self._where[2]

    def __len__(self) -> int:
        return 0


class Log:
    """One partition: messages with rising offsets, of which the brokers keep those from `low`."""

    def __init__(self) -> None:
        self.messages: list[SimulatedMessage] = []
        self.low = 0
        self.end = 0
        self.read_to = 0  # by the present run
        self.seen_to = 0  # by any run


class Brokers:
    """The brokers of one topic."""

    def __init__(self, timeline: Timeline, chance: random.Random, topic: str) -> None:
        self.timeline = timeline
        self.chance = chance
        self.topic = topic
        self.logs: list[Log] = []
        self.away_until = 0.0
        self.errors = 0  # transport errors to report
        self.committed: dict[tuple[str, int], int] = {}
        self.on_commit: Callable[[tuple[str, int], int], None] = lambda *_: None
        self.on_dead_letter: Callable[[int, PlainMessage], None] = lambda *_: None
        self.dead_letter_faults: dict[int, str] = {}
        self.fired: Callable[[str], None] = lambda _: None
        self._dead_letters = 0

    @property
    def are_away(self) -> bool:
        """Whether they answer nothing at the moment."""
        return self.timeline.now < self.away_until

    def append(self, partition: int, key: bytes | None, value: bytes | None) -> int:
        """Add a record; returns its offset."""
        log = self.logs[partition]
        offset = log.end
        log.messages.append(
            SimulatedMessage(self.topic, partition, offset, key=key, value=value, timestamp=1)
        )
        log.end += 1
        return offset

    def skip(self, partition: int) -> None:
        """Take an offset without a record, as a transaction's marker does."""
        self.logs[partition].end += 1

    def remove_before(self, partition: int, offset: int) -> None:
        """What retention does."""
        log = self.logs[partition]
        log.low = max(log.low, offset)
        log.messages = [message for message in log.messages if message.offset() >= log.low]

    def next_dead_letter_fault(self) -> str | None:
        """The fault of the next dead letter."""
        self._dead_letters += 1
        return self.dead_letter_faults.get(self._dead_letters - 1)

    def clients(self, process: Any) -> KafkaClients:
        """What a process makes its clients with."""

        def consumer(properties: dict[str, Any], logger: object) -> Any:  # noqa: ARG001
            return _Consumer(self, process, properties)

        def producer(properties: dict[str, Any], logger: object) -> Any:  # noqa: ARG001
            return _Producer(self, process)

        def admin(properties: dict[str, Any], logger: object) -> Any:  # noqa: ARG001
            return _Admin()

        return KafkaClients(
            consumer=cast(Any, consumer), producer=cast(Any, producer), admin=cast(Any, admin)
        )


class _Admin:
    def describe_topics(self, topics: Any, request_timeout: float) -> dict[str, Any]:  # noqa: ARG002
        return {}


class _Consumer:
    def __init__(self, brokers: Brokers, process: Any, properties: dict[str, Any]) -> None:
        self._brokers = brokers
        self._process = process
        self._reports_end = bool(properties.get("enable.partition.eof"))
        self._positions: dict[int, int] = {}
        self._at_end: dict[int, int] = {}

    def poll(self, timeout: float) -> None:
        pass

    def close(self) -> None:
        self._positions.clear()

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any:
        self._require(timeout)
        brokers = self._brokers
        found = SimpleNamespace(partitions=dict.fromkeys(range(len(brokers.logs))), error=None)
        topics = {brokers.topic: found} if topic in (None, brokers.topic) else {}
        return SimpleNamespace(cluster_id="simulated", topics=topics)

    def _require(self, timeout: float) -> None:
        """Wait for the brokers, as a call with a timeout does."""
        if self._brokers.are_away:
            self._process.sleep(min(timeout, self._brokers.away_until - self._process.now))
            if self._brokers.are_away:
                raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    def incremental_assign(self, partitions: Sequence[TopicPartition]) -> None:
        for each in partitions:
            self._positions[each.partition] = each.offset
            self._at_end.pop(each.partition, None)
            self._note_read(self._brokers.logs[each.partition], each.offset)

    def _note_read(self, log: Log, position: int) -> None:
        log.read_to = max(log.read_to, position)
        log.seen_to = max(log.seen_to, position)

    def incremental_unassign(self, partitions: Sequence[TopicPartition]) -> None:
        for each in partitions:
            self._positions.pop(each.partition, None)

    def consume(self, limit: int, timeout: float) -> list[Any]:  # noqa: ARG002
        brokers = self._brokers
        if brokers.are_away:
            return []
        if brokers.errors and self._positions:
            brokers.errors -= 1
            partition = brokers.chance.choice(sorted(self._positions))
            return [SimulatedError(KafkaError._TRANSPORT, brokers.topic, partition, -1001)]
        limit = min(limit, brokers.chance.choice((1, 3, 20, 100)))
        found: list[Any] = []
        order = sorted(self._positions)
        brokers.chance.shuffle(order)
        for partition in order:
            found += self._of_partition(partition, limit - len(found))
            if len(found) >= limit:
                break
        return found

    def _of_partition(self, partition: int, limit: int) -> list[Any]:
        log = self._brokers.logs[partition]
        topic = self._brokers.topic
        position = self._positions[partition]
        if position < log.low or position > log.end:
            del self._positions[partition]
            code = KafkaError._AUTO_OFFSET_RESET
            return [SimulatedError(code, topic, partition, position)]
        found: list[Any] = []
        if position < log.end:
            for message in log.messages:
                if message.offset() >= position:
                    if len(found) == limit:
                        break
                    found.append(message)
                    position = message.offset() + 1
            if len(found) < limit:
                position = log.end
            self._positions[partition] = position
            self._note_read(log, position)
        at_end = position == log.end and self._at_end.get(partition) != position
        if at_end and self._reports_end and len(found) < limit:
            self._at_end[partition] = position
            found.append(SimulatedError(KafkaError._PARTITION_EOF, topic, partition, position))
        return found

    def commit(self, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:  # noqa: ARG002
        brokers = self._brokers
        self._process.call("commit")
        if brokers.are_away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        for each in offsets:
            where = each.topic, each.partition
            brokers.on_commit(where, each.offset)
            brokers.committed[where] = each.offset

    def get_watermark_offsets(
        self,
        wanted: TopicPartition,
        timeout: float = 0,
        cached: bool = False,
    ) -> tuple[int, int]:
        if not cached:
            self._require(timeout)
        log = self._brokers.logs[wanted.partition]
        return log.low, log.end

    def offsets_for_times(
        self, partitions: Sequence[TopicPartition], timeout: float
    ) -> list[TopicPartition]:
        self._require(timeout)
        found = []
        for each in partitions:
            log = self._brokers.logs[each.partition]
            offset = log.low if each.offset == -2 else log.end
            found.append(TopicPartition(each.topic, each.partition, offset))
        return found


class _Producer:
    """Confirms each message a little later, or reports an error; in order, as an idempotent one."""

    def __init__(self, brokers: Brokers, process: Any) -> None:
        self._brokers = brokers
        self._process = process
        self._confirmed_at = 0.0

    def list_topics(self, timeout: float = -1) -> Any:  # noqa: ARG002
        topics: defaultdict[str, Any] = defaultdict(lambda: SimpleNamespace(error=None))
        return SimpleNamespace(topics=SimpleNamespace(get=lambda name: topics[name]))

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        *,
        on_delivery: Callable[[KafkaError | None, Any], None],
        timestamp: int,  # noqa: ARG002
        headers: list[tuple[str, bytes | None]],
    ) -> None:
        brokers, process = self._brokers, self._process
        process.call("produce_dead_letter")
        fault = brokers.next_dead_letter_fault()
        delay = brokers.chance.random() * 0.01
        if fault == "dead_letter_slow":
            brokers.fired(fault)
            delay += 0.4
        message = PlainMessage(topic, 0, 0, key=key, value=value, headers=headers)
        at = self._confirmed_at = max(self._confirmed_at, brokers.timeline.now + delay)
        run = process.run_number

        def deliver() -> None:
            if fault == "dead_letter_failed":
                brokers.fired(fault)
                error = KafkaError(KafkaError.NOT_ENOUGH_REPLICAS)
            else:
                brokers.on_dead_letter(run, message)
                error = None
            if process.alive:
                process.call("dead_letter_delivered")
                on_delivery(error, message)

        brokers.timeline.at(at, _guarded, deliver)

    def poll(self, timeout: float = 0) -> int:  # noqa: ARG002
        return 0

    def purge(self, blocking: bool = True) -> None:
        pass

    def __len__(self) -> int:
        return 0


def _guarded(function: Callable[[], None]) -> None:
    """A delivery after which its process is dead is delivered all the same."""
    try:
        function()
    except Crash:
        return
