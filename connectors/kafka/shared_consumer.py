"""One Kafka consumer for all partitions that a worker reads.

A consumer a partition would cost four threads and eight files each. So the messages of all of them
come out of one queue of librdkafka, and wait here, by partition, until Bytewax asks that partition.
A worker asks its partitions in turn, in one thread, and only the one that has nothing waiting
fetches more: none is paused, and none starves behind another one. docs/decisions/prefetch.md has
the measurements.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import accumulate, groupby
from operator import methodcaller

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from connectors.kafka import prefetch
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync.kafka")

# How long a partition sleeps that had nothing; it bounds the latency of a record. Each partition
# adds a little, so that many of them cost little while they are idle.
_PAUSE, _PAUSE_EACH = 0.010, 0.0003  # seconds
_COMMIT_INTERVAL = 0.2  # seconds between two commits of a consumer
_topic_of, _partition_of = methodcaller("topic"), methodcaller("partition")


class PartitionQueue:
    """The messages of one partition that wait for its reader, and where they come from."""

    def __init__(self, consumer: SharedConsumer, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.round = 0  # the last one in which it was asked
        self._consumer = consumer
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

        Errors stand among them as they came. Values have at most the bytes of a round, or there is
        one message.
        """
        consumer = self._consumer
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
        self._consumer.move(self, offset)

    def commit(self, offset: int) -> None:
        """Commit an offset to the consumer group, soon and together with others."""
        self._consumer.commit(self, offset)

    def known_end(self) -> int:
        """The end of the partition as the brokers' last answer has it; -1 while there is none."""
        return self._consumer.known_end(self)

    def next_look(self) -> datetime:
        """When a partition that had nothing is to look again: all of a worker at the same time."""
        return self._consumer.next_look()

    def close(self) -> None:
        """The partition is read no more."""
        self._consumer.remove(self)


class SharedConsumer:
    """The consumer of a worker. It begins with the first message that is asked for."""

    def __init__(
        self,
        settings: KafkaSettings,
        clients: KafkaClients,
        existing: int,
        clock: Callable[[], float],
    ) -> None:
        """`existing` partitions are read by all workers together: the prefetch is for all."""
        self._settings = settings
        self._clients = clients
        self._existing = existing
        self._clock = clock
        self._queues: dict[tuple[str | None, int | None], PartitionQueue] = {}
        self._new: list[TopicPartition] = []
        self._gone: list[TopicPartition] = []
        self._single_topic = True
        self._client: Consumer | None = None
        self._waiting = self._max_waiting = 0  # bytes in the queues
        self._nothing_until = 0.0
        self._look = datetime.min.replace(tzinfo=timezone.utc)
        self._offsets: dict[tuple[str, int], int] = {}
        self._next_commit = float("-inf")
        # A round asks each partition once. It gives so many bytes, then the others wait for the
        # next round, in which they come first.
        self._round = 1
        self._room = prefetch.ROUND_BYTES
        self._refused: PartitionQueue | None = None

    def add(self, start: TopicPartition) -> PartitionQueue:
        """Read one more partition, from the offset of `start` on."""
        queue = PartitionQueue(self, start.topic, start.partition)
        self._queues[start.topic, start.partition] = queue
        self._new.append(start)
        self._single_topic = len({topic for topic, _ in self._queues}) == 1
        return queue

    def start(self) -> Consumer:
        """The client, with all partitions assigned. Raises StopRun for a property it refuses."""
        client = self._client
        if client is None:
            share = len(self._queues) / max(1, self._existing)
            properties = prefetch.consumer_properties(self._settings, share)
            self._max_waiting = prefetch.max_waiting_bytes(self._settings, share)
            client = self._client = self._clients.consumer(
                self._settings, ClientErrors(), **properties
            )
        if self._gone:
            gone, self._gone = self._gone, []
            client.incremental_unassign(gone)
        if self._new:
            new, self._new = self._new, []
            client.incremental_assign(new)
        return client

    def room_for(self, queue: PartitionQueue) -> int | None:
        """The bytes that a partition may take now; None: others come first."""
        if queue.round == self._round:
            self._round += 1
            self._room = prefetch.ROUND_BYTES
        queue.round = self._round
        first = self._refused
        if first is not None:
            if first is not queue:
                return None
            self._refused = None
        if self._room <= 0:
            self._refused = queue
            return None
        return self._room

    def taken(self, size: int) -> None:
        """So many bytes have left the queues."""
        self._waiting -= size
        self._room -= size

    def fetch(self, asking: PartitionQueue, max_messages: int) -> None:
        """Put messages of any partitions into their queues, as far as there are any by now."""
        client = self._client
        if client is None or self._new or self._gone:
            client = self.start()
        if self._offsets:
            self._commit(client)
        if self._waiting > self._max_waiting:
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
            self._put(asking, messages[0], messages)
            return
        for _, group in groupby(messages, lambda each: (each.topic(), each.partition())):
            some = [*group]
            self._put(asking, some[0], some)

    def _put(self, asking: PartitionQueue, first: Message, messages: list[Message]) -> None:
        queue = self._queues.get((first.topic(), first.partition()))
        if queue is None:
            if first.topic() is not None:
                return  # of a partition that is read no more
            queue = asking  # an error of the client itself: somebody has to judge it
        self._waiting += queue.put(messages)

    def move(self, queue: PartitionQueue, offset: int) -> None:
        """See `PartitionQueue.go_on_at`."""
        self._waiting -= queue.drop()
        client = self.start()
        client.incremental_unassign([TopicPartition(queue.topic, queue.partition)])
        client.incremental_assign([TopicPartition(queue.topic, queue.partition, offset)])

    def commit(self, queue: PartitionQueue, offset: int) -> None:
        """See `PartitionQueue.commit`."""
        self._offsets[queue.topic, queue.partition] = offset

    def _commit(self, client: Consumer) -> None:
        now = self._clock()
        if now < self._next_commit:
            return
        self._next_commit = now + _COMMIT_INTERVAL
        offsets = [TopicPartition(*where, offset) for where, offset in self._offsets.items()]
        self._offsets.clear()
        try:
            client.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            # The group only mirrors the offsets; the recovery folder has them.
            log.warning("offsets not committed to the group: %s", error.args[0].str())

    def known_end(self, queue: PartitionQueue) -> int:
        """See `PartitionQueue.known_end`."""
        target = TopicPartition(queue.topic, queue.partition)
        try:
            _, high = self.start().get_watermark_offsets(target, cached=True)
        except (KafkaException, TypeError):
            return -1
        return int(high)

    def next_look(self) -> datetime:
        """See `PartitionQueue.next_look`."""
        now = datetime.now(timezone.utc)
        if self._look <= now:
            pause = max(_PAUSE, _PAUSE_EACH * len(self._queues))
            self._look = now + timedelta(seconds=pause)
        return self._look

    def remove(self, queue: PartitionQueue) -> None:
        """Read a partition no more; the client ends with the last one. May come twice."""
        if self._queues.pop((queue.topic, queue.partition), None) is None:
            return
        if self._refused is queue:
            self._refused = None
        self._waiting -= queue.drop()
        if self._queues:
            self._gone.append(TopicPartition(queue.topic, queue.partition))
        elif self._client is not None:
            self._client.close()
