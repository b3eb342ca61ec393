"""Reads Kafka partitions: one consumer per worker, one chunk of one partition at a time.

A consumer for each partition would cost four threads and eight files each. So the messages of all
of them come out of one queue of librdkafka, and wait here, by partition, until Bytewax asks that
partition. A worker asks its partitions in turn, in one thread, and only a partition without waiting
messages fetches more: none is paused, and none starves behind another. docs/decisions/prefetch.md
has the figures.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from datetime import datetime, timedelta, timezone
from itertools import accumulate, groupby

from bytewax.inputs import StatefulSourcePartition
from confluent_kafka import Message, TopicPartition

from connectors.kafka import prefetch
from connectors.kafka.assignment import Assignment
from connectors.kafka.clients import KafkaClients
from connectors.kafka.partition_errors import PartitionErrors
from connectors.kafka.partition_offsets import PartitionOffsets
from connectors.kafka.progress import Progress
from connectors.records import Chunk
from connectors.run.context import Run

# Seconds until a partition that had nothing is asked again, which bounds the latency of a record.
# Each partition adds a little, so that many idle ones cost little.
_PAUSE, _PAUSE_EACH = 0.010, 0.0004  # seconds

# Until the next look of a partition while an operator has paused the run.
_PAUSED = timedelta(seconds=0.1)


class PartitionReader(StatefulSourcePartition[Chunk, int]):
    """Reads one Kafka partition. Its state is the next offset to read.

    Without a source the partition no longer exists: the reader ends at once, and keeps its state.
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

        `source` is the queue of the partition's messages, and the handler of its errors.
        """
        self._run = run
        self._topic: str = start.topic
        self._partition: int = start.partition
        self._next: int = start.offset
        self._source = source
        self._offsets = PartitionOffsets(run, start, progress, source is not None, resumed)
        self._max_messages = run.settings.kafka.chunk_messages
        self._awake: datetime | None = None
        if source is not None:
            self._offsets.meter.seen_end = source[0].seen_end
        self.next_batch = run.noting(self.next_batch)  # type: ignore[method-assign]

    def next_batch(self) -> list[Chunk]:
        """One chunk, or nothing. Raises StopIteration when the run drains.

        Bytewax calls this only when every earlier epoch is durable [bytewax-recovery]. Raises
        StopRun for an error of the brokers that an operator must correct.
        """
        run, source = self._run, self._source
        if run.failure is not None or run.drain_reason is not None or source is None:
            run.check()
            self._offsets.meter.ended = True
            raise StopIteration
        queue, errors = source
        offset = self._offsets.to_commit()
        if offset is not None:
            queue.commit(offset)
        if errors.stop is not None:
            if self._offsets.snapshot == self._next:
                raise errors.stop
            self._awake = queue.next_look()
            return []
        messages = self._take(queue)
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
        self._offsets.read(messages[0], self._next)
        messages = self._select(messages)
        run.counts.add("read", len(messages))
        return [Chunk(self._topic, self._partition, messages), *skipped]

    def next_awake(self) -> datetime | None:
        """When to call `next_batch` again: None, at once, after a chunk; else a little later."""
        return self._awake

    def snapshot(self) -> int:
        """The next offset to read."""
        if self._source is not None and self._next != self._offsets.snapshot:
            self._source[1].moved()
        self._offsets.snapshotted(self._next)
        return self._next

    def close(self) -> None:
        """Stop reading. Offsets stay as they are: this is called after failures too."""
        if self._source is not None:
            self._source[0].close()

    def _take(self, queue: PartitionQueue) -> list[Message] | None:
        """Take a list of messages as `PartitionQueue.take` does; None also while the run pauses."""
        if self._run.paused:
            self._awake = datetime.now(timezone.utc) + _PAUSED
            return None
        if self._run.read_limits.is_on:
            return self._take_few(queue)
        return queue.take(self._max_messages)

    def _take_few(self, queue: PartitionQueue) -> list[Message] | None:
        """As `PartitionQueue.take`, no more than the throttled table of the topic takes soon."""
        limits = self._run.read_limits
        messages = None
        room = limits.room(self._topic, self._max_messages)
        if room > 0:
            messages = queue.take(room)
            limits.taken(self._topic, len(messages or ()))
        else:
            self._awake = queue.next_look()
        return messages

    def _select(self, messages: list[Message]) -> list[Message]:
        """All messages; a reader with an end returns those before it and moves `_next` back."""
        return messages


class PartitionQueue:
    """The messages of one partition that wait for its reader."""

    def __init__(self, consumer: SharedConsumer, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.consumer = consumer
        self.round = 0  # the last in which it was asked
        # As they were fetched, each list with the bytes of its values: a list is passed on as it
        # is, since a copy of what waits at each turn would cost as much as decoding it.
        self._fetched: deque[tuple[list[Message], int]] = deque()

    def put(self, messages: list[Message]) -> int:
        """Add messages after those that wait; return the bytes of their values."""
        size = sum(map(len, messages))
        self._fetched.append((messages, size))
        return size

    def take(self, max_messages: int) -> list[Message] | None:
        """The next messages: [] when there are none, None when it is another partition's turn.

        Errors are among them, in their order. The values have together at most the bytes that are
        left of the round, unless a single message has more.
        """
        consumer, fetched = self.consumer, self._fetched
        room = consumer.room_for(self)
        if room is None:
            return None
        if not fetched:
            consumer.fetch(self, max_messages)
            if not fetched:
                return []
        messages, size = fetched.popleft()
        if len(messages) > max_messages or size > room:
            messages, size = self._cut(messages, size, max_messages, room)
        elif fetched and len(messages) + len(fetched[0][0]) <= max_messages:
            messages, size = self._filled_up(messages, size, max_messages, room)
        consumer.taken(size)
        return messages

    def _cut(
        self, messages: list[Message], size: int, max_messages: int, room: int
    ) -> tuple[list[Message], int]:
        """The first messages and their bytes; the others go back."""
        sizes = [*accumulate(map(len, messages[:max_messages]))]
        count = max(1, bisect_right(sizes, room))
        self._fetched.appendleft((messages[count:], size - sizes[count - 1]))
        return messages[:count], sizes[count - 1]

    def _filled_up(
        self, messages: list[Message], size: int, max_messages: int, room: int
    ) -> tuple[list[Message], int]:
        """The messages with those behind them that fit as well: many small chunks cost more."""
        fetched = self._fetched
        joined = [*messages]
        while fetched:
            following, more = fetched[0]
            if len(joined) + len(following) > max_messages or size + more > room:
                break
            fetched.popleft()
            joined += following
            size += more
        return joined, size

    def drop(self) -> int:
        """Forget what waits; returns its bytes."""
        dropped = sum(size for _, size in self._fetched)
        self._fetched.clear()
        return dropped

    def go_on_at(self, offset: int) -> None:
        """Drop the waiting messages, and read from another offset on."""
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

    def next_look(self) -> datetime | None:
        """When a partition that had nothing is to look again: all of a worker at the same time.

        None for at once: others have something, so this one is no reason to sleep.
        """
        return self.consumer.next_look()

    def close(self) -> None:
        """Stop reading the partition. May be called twice."""
        self.consumer.remove(self)


class SharedConsumer:
    """The consumer of a worker: it puts each message into the queue of its partition."""

    def __init__(self, run: Run, clients: KafkaClients, existing: int) -> None:
        """`existing` is the number of partitions of all workers together."""
        self._run = run
        self._settings = run.settings.kafka
        self.assignment = Assignment(self._settings, clients, existing, run.clock)
        self.waiting_bytes = 0  # in all queues together
        self._max_waiting = 0
        self._queues: dict[tuple[str | None, int | None], PartitionQueue] = {}
        self._single_topic = True
        self._nothing_until = 0.0
        self._brought_others = False  # messages of other partitions than the one that asks now
        self._look = datetime.min.replace(tzinfo=timezone.utc)
        # A round asks each partition once and hands out ROUND_BYTES; partitions that get nothing
        # come first in the next round.
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
        """Stop reading a partition and drop its messages that wait."""
        if self._queues.pop((queue.topic, queue.partition), None) is not None:
            if self._first_in_turn is queue:
                self._first_in_turn = None
            self.waiting_bytes -= queue.drop()
            self.assignment.remove(queue.topic, queue.partition)

    def room_for(self, queue: PartitionQueue) -> int | None:
        """The bytes that a partition may take now; None when it is another partition's turn."""
        if queue.round == self._round:
            self._round += 1
            self._room = prefetch.ROUND_BYTES
        queue.round = self._round
        self._brought_others = False
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
        """Note that `size` bytes have left the queues."""
        self.waiting_bytes -= size
        self._room -= size

    def fetch(self, asking: PartitionQueue, max_messages: int) -> None:
        """Put messages of any partitions into their queues, if the client has any."""
        assignment = self.assignment
        client = assignment.client or assignment.current()
        if assignment.offsets:
            assignment.commit_some()
        if self.waiting_bytes > self._max_waiting:
            return
        now = 0.0
        if len(self._queues) > 1:
            now = self._run.clock()
            if now < self._nothing_until:
                return
        messages = client.consume(max_messages, 0)
        if messages:
            self._distribute(asking, messages)
        else:
            self._nothing_until = now + _PAUSE / 2

    def _distribute(self, asking: PartitionQueue, messages: list[Message]) -> None:
        owners: list[object] = [message.partition() for message in messages]
        if not self._single_topic:
            owners = [*zip([message.topic() for message in messages], owners, strict=True)]
        if owners.count(owners[0]) == len(owners):
            self._put(asking, messages)
            return
        start = 0
        for _, run in groupby(owners):
            end = start + sum(1 for _ in run)
            self._put(asking, messages[start:end])
            start = end

    def _put(self, asking: PartitionQueue, messages: list[Message]) -> None:
        topic = messages[0].topic()
        queue = self._queues.get((topic, messages[0].partition()))
        self._brought_others = self._brought_others or queue is not asking
        if queue is None:
            if topic is not None:
                return  # the partition is no longer read
            queue = asking  # an error of the client itself, for any partition to handle
        self.waiting_bytes += queue.put(messages)

    def next_look(self) -> datetime | None:
        """See `PartitionQueue.next_look`."""
        if self._brought_others:
            self._brought_others = False
            return None
        now = self._run.now()
        if self._look <= now:
            pause = max(_PAUSE, _PAUSE_EACH * len(self._queues))
            self._look = now + timedelta(seconds=pause)
        return self._look
