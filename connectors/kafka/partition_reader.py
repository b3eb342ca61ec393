"""Reads one Kafka partition: one chunk a poll."""

from __future__ import annotations

import logging
from datetime import datetime

from bytewax.inputs import StatefulSourcePartition
from confluent_kafka import KafkaError, Message, TopicPartition

from connectors.errors import StopRun
from connectors.kafka.lost_offset import Loss
from connectors.kafka.metadata import partition_key
from connectors.kafka.progress import Progress
from connectors.kafka.shared_consumer import PartitionQueue
from connectors.kafka.standstill import Standstill
from connectors.kafka.unreadable import UNREADABLE, BatchProbe, after_unreadable
from connectors.records import Chunk, SkippedBatch
from connectors.run.committable_offset import CommittableOffset
from connectors.run.context import Run

log = logging.getLogger("sync.kafka")

# Errors that end the run, since only somebody else can correct them.
_REMEDIES = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant Read and Describe on the topic to this user",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "grant Read on the group to this user",
    KafkaError.SASL_AUTHENTICATION_FAILED: "correct the SASL properties",
    KafkaError._AUTHENTICATION: "correct the security properties",
}
_MISSING = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
}
_OFFSET_LOST = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}


class PartitionReader(StatefulSourcePartition[Chunk, int]):
    """Reads one Kafka partition. Its state is the next offset to read.

    Without a queue the partition does not exist any more: the reader ends at once, and keeps the
    state as it was.
    """

    def __init__(
        self,
        run: Run,
        start: TopicPartition,
        queue: PartitionQueue | None,
        progress: Progress,
        resumed: bool = False,
        *,
        probe: BatchProbe,
        loss: Loss,
    ) -> None:
        """`start` has the first offset to read; `resumed` says that it comes from stored state.

        `probe` is asked about batches that cannot be read, `loss` where to go on after a lost
        offset.
        """
        self._run = run
        self._topic: str = start.topic
        self._partition: int = start.partition
        self._key = partition_key(start.topic, start.partition)
        self._next: int = start.offset
        self._queue = queue
        self._progress = progress
        self._max_messages = run.settings.kafka.chunk_messages
        # The run before may have ended before it committed the offset at which this one goes on.
        committed = -1 if resumed else start.offset
        self._committable = CommittableOffset(committed, run.settings.window.age, run.clock)
        self._awake: datetime | None = None
        self._probe = probe
        self._loss = loss
        self._standstill = Standstill(run.settings.kafka.stalled_after, run.clock)
        self._skipped: SkippedBatch | None = None
        # Raised once all that was read before is durable, so that `skip` leaves out no more.
        self._stop: StopRun | None = None
        self._snapshot = start.offset
        self._epochs = 0  # those that ended
        self._unverified_epoch: int | None = None  # the last of them, until it is closed everywhere

    def next_batch(self) -> list[Chunk]:
        """One chunk, or nothing; StopIteration when the run drains.

        Bytewax calls this only when every earlier epoch is durable [bytewax-recovery]. Raises
        StopRun for an error of the brokers that needs somebody to act.
        """
        run, queue = self._run, self._queue
        if run.failure is not None or run.drain_reason is not None or queue is None:
            run.check()
            raise StopIteration
        if self._unverified_epoch is not None:
            run.counts.verify_epoch(self._unverified_epoch)
            self._unverified_epoch = None
        offset = self._committable.due()
        if offset is not None:
            queue.commit(offset)
            if run.recovery is not None:
                run.recovery.forget_new_start(self._key)
        if self._stop is not None:
            if self._snapshot == self._next:
                raise self._stop
            self._awake = queue.next_look()
            return []
        messages = queue.take(self._max_messages)
        if not messages:
            if messages is not None:
                self._awake = queue.next_look()
                if self._standstill.is_due(self._next):
                    self._look_why_it_stands(queue)
            return self._take_skipped()
        self._awake = None
        if [message for message in messages if message.error() is not None]:
            messages = self._handle_errors(queue, messages)
            if not messages:
                return self._take_skipped()
        else:
            self._next = (messages[-1].offset() or 0) + 1
        messages = self._select(messages)
        run.counts.add("read", len(messages))
        chunk = Chunk(self._topic, self._partition, messages)
        return [chunk] if self._skipped is None else [chunk, *self._take_skipped()]

    def next_awake(self) -> datetime | None:
        """At once after a chunk, a little later after none."""
        return self._awake

    def snapshot(self) -> int:
        """The next offset to read."""
        self._epochs += 1
        self._unverified_epoch = self._epochs
        self._snapshot = self._next
        self._committable.snapshotted(self._next)
        self._progress.snapshotted(self._topic, self._partition, self._next)
        return self._next

    def close(self) -> None:
        """Read no more. Offsets stay as they are: this is called after failures too."""
        if self._queue is not None:
            self._queue.close()

    def _select(self, messages: list[Message]) -> list[Message]:
        """All messages; a reader that ends selects those before its end and moves `_next` back."""
        return messages

    def _handle_errors(self, queue: PartitionQueue, messages: list[Message]) -> list[Message]:
        """The messages that are records; errors among them are handled. Moves `_next`."""
        records: list[Message] = []
        position = self._next
        for message in messages:
            error = message.error()
            offset = message.offset() or 0
            if error is None:
                records.append(message)
                position = offset + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                # Its offset is after transaction markers, which take offsets and are no records.
                position = max(position, offset)
                self._progress.read_to_end(self._key)
            elif error.code() in _OFFSET_LOST:
                position = self._go_on_after_loss(queue, error, position)
                break  # what follows in this poll is from before the loss
            elif error.code() in UNREADABLE:
                # librdkafka may have jumped into the broken bytes: nothing behind this is trusted.
                position = self._pass_unreadable(queue, position, error.str())
                break
            elif error.code() in _REMEDIES or error.fatal():
                remedy = _REMEDIES.get(error.code(), "start again, or see the broker's log")
                raise StopRun(f"kafka: {self._where}: {error.str()}\n  remedy: {remedy}")
            elif error.code() in _MISSING:
                log.warning("%s is gone: nothing to read there (%s)", self._where, error.str())
            else:
                log.warning("%s: %s", self._where, error.str())
        self._next = position
        return records

    def _take_skipped(self) -> list[Chunk]:
        """A chunk that stands for a batch that was skipped, if one was."""
        skipped, self._skipped = self._skipped, None
        if skipped is None:
            return []
        self._run.counts.add("read", 1)
        return [Chunk(self._topic, self._partition, [skipped])]

    def _pass_unreadable(self, queue: PartitionQueue, position: int, cause: str) -> int:
        """Where reading goes on after a batch that cannot be read; there it may stop."""
        end = self._probe.readable_again(
            self._topic, self._partition, position, max(position, queue.known_end())
        )
        if self._run.drain_reason is not None:
            return position
        again = end == position
        if again:
            log.warning("%s: offset %d can be read after all (%s)", self._where, position, cause)
        else:
            where = (self._topic, self._partition)
            try:
                self._skipped = after_unreadable(self._run, where, position, end, cause)
            except StopRun as stop:
                self._stop = stop
                return position
        queue.go_on_at(position if end is None else end)
        return position if end is None else end

    def _look_why_it_stands(self, queue: PartitionQueue) -> None:
        """Nothing was read for a while: find out whether there is more, and why it does not come.

        Behind an open transaction nothing is read either, and that is in order.
        """
        counts, position = self._run.counts, self._next
        high = queue.known_end()
        if high <= position:
            counts.stands(self._key, False)
            return
        found = self._probe.readable_again(self._topic, self._partition, position, high)
        if self._run.drain_reason is not None:
            return
        if found is None:
            counts.stands(self._key, True)
            log.error(
                "%s stands at offset %d though the brokers have records up to %d, and no offset of "
                "it can be read: look at the brokers' log, and at the leader of the partition",
                self._where, position, high,
            )  # fmt: skip
            return
        counts.stands(self._key, False)
        if found == position:
            self._standstill.in_order()
            return
        cause = f"the client reads nothing there for {self._run.settings.kafka.stalled_after:g} s"
        self._next = self._pass_unreadable(queue, position, cause)

    @property
    def _where(self) -> str:
        return f"topic {self._topic} partition {self._partition}"

    def _go_on_after_loss(self, queue: PartitionQueue, error: KafkaError, position: int) -> int:
        """Where reading goes on. Raises StopRun unless kafka.lost_offset has the choice."""
        offset = self._loss.go_on(self._topic, self._partition, position, error.str())
        queue.go_on_at(offset)
        return offset
