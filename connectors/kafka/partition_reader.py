"""Reads Kafka partitions: one consumer a worker, one chunk of one partition at a time.

A consumer a partition would cost four threads and eight files each. So the messages of all of them
come out of one queue of librdkafka, and wait here, by partition, until Bytewax asks that partition.
A worker asks its partitions in turn, in one thread, and only one that has nothing waiting fetches
more: none is paused, and none starves behind another. docs/decisions/prefetch.md has the figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import accumulate, groupby
from operator import methodcaller

from bytewax.inputs import StatefulSourcePartition
from confluent_kafka import Message, TopicPartition

from connectors.kafka import prefetch
from connectors.kafka.assignment import Assignment
from connectors.kafka.clients import KafkaClients
from connectors.kafka.metadata import partition_key
from connectors.kafka.partition_errors import PartitionErrors
from connectors.kafka.progress import Progress
from connectors.records import Chunk
from connectors.run.activity import Position
from connectors.run.committable_offset import CommittableOffset
from connectors.run.context import Run
from connectors.settings.kafka import KafkaSettings

# How long a partition sleeps that had nothing; it bounds the latency of a record. Each partition
# adds a little, so that many of them cost little while they are idle.
_PAUSE, _PAUSE_EACH = 0.010, 0.0004  # seconds
_topic_of, _partition_of = methodcaller("topic"), methodcaller("partition")


class PartitionReader(StatefulSourcePartition[Chunk, int]):
    """Reads one Kafka partition. Its state is the next offset to read.

    Without a queue the partition does not exist any more: the reader ends at once, and keeps the
    state as it was.
    """

    def __init__(
        self,
        run: Run,
        start: TopicPartition,
        source: tuple[PartitionQueue, PartitionErrors] | None,
        progress: Progress,
        resumed: bool = False,
    ) -> None:
        """`start` has the first offset to read; `resumed` says that it comes from stored state.

        `source` is where its messages come from, and what judges errors among them.
        """
        self._run = run
        self._topic: str = start.topic
        self._partition: int = start.partition
        self._key = partition_key(start.topic, start.partition)
        self._next: int = start.offset
        self._source = source
        self._progress = progress
        self._max_messages = run.settings.kafka.chunk_messages
        # The run before may have ended before it committed the offset at which this one goes on.
        committed = -1 if resumed else start.offset
        self._committable = CommittableOffset(committed, run.settings.window.age, run.clock)
        self._awake: datetime | None = None
        self._snapshot = self._durable = start.offset
        self._epochs = 0  # those that ended
        self._unverified_epoch: int | None = None  # the last of them, until it is closed everywhere
        if source is not None:
            run.activity.reads(self._key, self._position)
        self.next_batch = run.noting(self.next_batch)  # type: ignore[method-assign]

    def next_batch(self) -> list[Chunk]:
        """One chunk, or nothing; StopIteration when the run drains.

        Bytewax calls this only when every earlier epoch is durable [bytewax-recovery]. Raises
        StopRun for an error of the brokers that needs somebody to act.
        """
        run, source = self._run, self._source
        if run.failure is not None or run.drain_reason is not None or source is None:
            run.check()
            raise StopIteration
        queue, errors = source
        if self._unverified_epoch is not None:
            run.counts.verify_epoch(self._unverified_epoch)
            run.activity.epoch_closed(self._unverified_epoch)
            self._unverified_epoch = None
            self._durable = self._snapshot
        offset = self._committable.due()
        if offset is not None:
            queue.commit(offset)
            if run.recovery is not None:
                run.recovery.forget_new_start(self._key)
        if errors.stop is not None:
            if self._snapshot == self._next:
                raise errors.stop
            self._awake = queue.next_look()
            return []
        if run.activity.paused:
            self._awake = queue.next_look()
            return []
        messages = queue.take(self._max_messages)
        if not messages:
            if messages is not None:
                self._awake = queue.next_look()
                self._next = errors.nothing_read(self._next)
            return errors.take_skipped()
        self._awake = None
        skipped: list[Chunk] = []
        if [message for message in messages if message.error() is not None]:
            messages, self._next = errors.handle(messages, self._next)
            skipped = errors.take_skipped()
            if not messages:
                return skipped
        else:
            self._next = (messages[-1].offset() or 0) + 1
        messages = self._select(messages)
        run.counts.add("read", len(messages))
        return [Chunk(self._topic, self._partition, messages), *skipped]

    def next_awake(self) -> datetime | None:
        """At once after a chunk, a little later after none."""
        return self._awake

    def snapshot(self) -> int:
        """The next offset to read."""
        self._epochs += 1
        self._unverified_epoch = self._epochs
        if self._source is not None and self._next != self._snapshot:
            self._source[1].moved()
        self._snapshot = self._next
        self._committable.snapshotted(self._next)
        self._progress.snapshotted(self._topic, self._partition, self._next)
        return self._next

    def close(self) -> None:
        """Read no more. Offsets stay as they are: this is called after failures too."""
        if self._source is not None:
            self._source[0].close()

    def _position(self) -> Position:
        """How far the partition is; asked for by other threads."""
        end = None if self._source is None else self._source[0].seen_end()
        return Position(self._topic, self._partition, self._next, self._durable, end)

    def _select(self, messages: list[Message]) -> list[Message]:
        """All messages; a reader that ends selects those before its end and moves `_next` back."""
        return messages


class PartitionQueue:
    """The messages of one partition that wait for its reader."""

    def __init__(self, consumer: SharedConsumer, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.consumer = consumer
        self.round = 0  # the last one in which it was asked
        self._messages: list[Message] = []
        self._bytes = 0  # of their values

    def put(self, messages: list[Message]) -> int:
        """Add messages behind those that wait; returns the bytes of their values."""
        size = sum(map(len, messages))
        self._messages = self._messages + messages if self._messages else messages
        self._bytes += size
        return size

    def take(self, max_messages: int) -> list[Message] | None:
        """The next messages; nothing when there are none; None when it is the turn of others.

        Errors stand among them as they came. Values have at most the bytes that are left of the
        round, or there is one message.
        """
        consumer = self.consumer
        room = consumer.room_for(self)
        if room is None:
            return None
        if not self._messages:
            consumer.fetch(self, max_messages)
        messages, size = self._messages, self._bytes
        if len(messages) <= max_messages and size <= room:
            self._messages, self._bytes = [], 0
        else:
            messages = messages[:max_messages]
            sizes = [*accumulate(map(len, messages))]
            if sizes[-1] > room:
                messages = messages[: max(1, sum(each <= room for each in sizes))]
            size = sizes[len(messages) - 1]
            self._messages = self._messages[len(messages) :]
            self._bytes -= size
        consumer.taken(size)
        return messages

    def drop(self) -> int:
        """Forget what waits; returns its bytes."""
        dropped, self._messages, self._bytes = self._bytes, [], 0
        return dropped

    def go_on_at(self, offset: int) -> None:
        """Forget what waits, and read from another offset on."""
        self.consumer.waiting_bytes -= self.drop()
        target = TopicPartition(self.topic, self.partition, offset)
        self.consumer.assignment.move(target)

    def commit(self, offset: int) -> None:
        """Commit an offset to the consumer group, soon and together with others."""
        self.consumer.assignment.offsets[self.topic, self.partition] = offset

    def known_end(self) -> int:
        """The end of the partition as the brokers' last answer has it; -1 while there is none."""
        return self.consumer.assignment.known_end(self.topic, self.partition)

    def seen_end(self) -> int | None:
        """As `known_end`, for other threads: the client is left as it is."""
        return self.consumer.assignment.seen_end(self.topic, self.partition)

    def next_look(self) -> datetime:
        """When a partition that had nothing is to look again: all of a worker at the same time."""
        return self.consumer.next_look()

    def close(self) -> None:
        """The partition is read no more. May come twice."""
        self.consumer.remove(self)


class SharedConsumer:
    """The consumer of a worker: it gives each message to the queue of its partition."""

    def __init__(
        self,
        settings: KafkaSettings,
        clients: KafkaClients,
        existing: int,
        clock: Callable[[], float],
    ) -> None:
        """`existing` partitions are read by all workers together."""
        self._settings = settings
        self.assignment = Assignment(settings, clients, existing, clock)
        self.waiting_bytes = 0  # in all queues
        self._max_waiting = 0
        self._queues: dict[tuple[str | None, int | None], PartitionQueue] = {}
        self._single_topic = True
        self._nothing_until = 0.0
        self._look = datetime.min.replace(tzinfo=timezone.utc)
        # A round asks each partition once. It gives so many bytes, then the others wait for the
        # next round, in which they come first.
        self._round = 1
        self._room = prefetch.ROUND_BYTES
        self._first_in_turn: PartitionQueue | None = None

    def add(self, start: TopicPartition) -> PartitionQueue:
        """Read one more partition, from the offset of `start` on."""
        queue = PartitionQueue(self, start.topic, start.partition)
        self._queues[start.topic, start.partition] = queue
        self._single_topic = self._single_topic and start.topic == next(iter(self._queues))[0]
        self.assignment.add(start)
        self._max_waiting = prefetch.max_waiting_bytes(self._settings, self.assignment.share)
        return queue

    def remove(self, queue: PartitionQueue) -> None:
        """See `PartitionQueue.close`."""
        if self._queues.pop((queue.topic, queue.partition), None) is not None:
            if self._first_in_turn is queue:
                self._first_in_turn = None
            self.waiting_bytes -= queue.drop()
            self.assignment.remove(queue.topic, queue.partition)

    def room_for(self, queue: PartitionQueue) -> int | None:
        """The bytes that a partition may take now; None: others come first."""
        if queue.round == self._round:
            self._round += 1
            self._room = prefetch.ROUND_BYTES
        queue.round = self._round
        first = self._first_in_turn
        if first is not None:
            if first is not queue:
                return None
            self._first_in_turn = None
        if self._room <= 0:
            self._first_in_turn = queue
            return None
        return self._room

    def taken(self, size: int) -> None:
        """So many bytes have left the queues."""
        self.waiting_bytes -= size
        self._room -= size

    def fetch(self, asking: PartitionQueue, max_messages: int) -> None:
        """Put messages of any partitions into their queues, as far as there are any by now."""
        assignment = self.assignment
        client = assignment.client or assignment.current()
        if assignment.offsets:
            assignment.commit_some()
        if self.waiting_bytes > self._max_waiting:
            return
        now = 0.0
        if len(self._queues) > 1:
            now = time.monotonic()
            if now < self._nothing_until:
                return
        messages = client.consume(max_messages, 0)
        if messages:
            self._distribute(asking, messages)
        else:
            self._nothing_until = now + _PAUSE / 2

    def _distribute(self, asking: PartitionQueue, messages: list[Message]) -> None:
        of_one = len({*map(_partition_of, messages)}) == 1
        if of_one and (self._single_topic or len({*map(_topic_of, messages)}) == 1):
            self._put(asking, messages)
            return
        for _, group in groupby(messages, lambda each: (each.topic(), each.partition())):
            self._put(asking, [*group])

    def _put(self, asking: PartitionQueue, messages: list[Message]) -> None:
        topic = messages[0].topic()
        queue = self._queues.get((topic, messages[0].partition()))
        if queue is None:
            if topic is not None:
                return  # of a partition that is read no more
            queue = asking  # an error of the client itself: somebody has to judge it
        self.waiting_bytes += queue.put(messages)

    def next_look(self) -> datetime:
        """See `PartitionQueue.next_look`."""
        now = datetime.now(timezone.utc)
        if self._look <= now:
            pause = max(_PAUSE, _PAUSE_EACH * len(self._queues))
            self._look = now + timedelta(seconds=pause)
        return self._look
