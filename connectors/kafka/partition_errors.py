"""What the client reports about a partition instead of messages, and what is done about it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, Message

from connectors.errors import StopRun
from connectors.kafka.lost_offset import Loss
from connectors.kafka.metadata import partition_key
from connectors.kafka.progress import Progress
from connectors.kafka.standstill import StallDetector
from connectors.kafka.unreadable import UNREADABLE, BatchProbe, after_unreadable
from connectors.records import Chunk, SkippedBatch
from connectors.run.context import Run

if TYPE_CHECKING:
    from connectors.kafka.partition_reader import PartitionQueue

log = logging.getLogger("sync.kafka")

# Errors that end the run, because only an operator can correct them.
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


class PartitionErrors:
    """Handles the errors of one partition, and finds out why it is stalled."""

    def __init__(
        self, run: Run, queue: PartitionQueue, progress: Progress, probe: BatchProbe, loss: Loss
    ) -> None:
        """`probe` finds the end of an unreadable batch, `loss` the offset after a lost one."""
        self._run = run
        self._queue = queue
        self._key = partition_key(queue.topic, queue.partition)
        self._where = f"topic {queue.topic} partition {queue.partition}"
        self._progress = progress
        self._probe = probe
        self._loss = loss
        self._stall = StallDetector(run.settings.kafka.stalled_after, run.clock)
        self._stalled = False
        self._skipped: SkippedBatch | None = None
        # Raised once everything read before is durable, so that the command `skip` leaves out only
        # what cannot be read.
        self.stop: StopRun | None = None

    def handle(self, messages: list[Message], position: int) -> tuple[list[Message], int]:
        """The messages that are records, and the next offset to read.

        Raises StopRun for an error that an operator must correct.
        """
        records: list[Message] = []
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
                position = self._after_loss(message, error, position)
                break  # the rest of this poll is from before the loss
            elif error.code() in UNREADABLE:
                # librdkafka may have jumped into the broken bytes: nothing after it is trusted.
                position = self._pass_unreadable(position, error.str())
                break
            elif error.code() in _REMEDIES or error.fatal():
                remedy = _REMEDIES.get(error.code(), "start again, or see the broker's log")
                raise StopRun(f"kafka: {self._where}: {error.str()}\n  remedy: {remedy}")
            elif error.code() in _MISSING:
                log.warning("%s is gone: nothing to read there (%s)", self._where, error.str())
            else:
                log.warning("%s: %s", self._where, error.str())
        return records, position

    def take_skipped(self) -> list[Chunk]:
        """A chunk with a SkippedBatch if a batch was skipped since the last call, else nothing."""
        skipped, self._skipped = self._skipped, None
        if skipped is None:
            return []
        self._run.counts.add("read", 1)
        return [Chunk(self._queue.topic, self._queue.partition, [skipped])]

    def moved(self) -> None:
        """Note that the partition is not stalled: something was read."""
        if self._stalled:
            self._note(False)

    def nothing_read(self, position: int) -> int:
        """Check now and then whether the partition is stalled; return the next offset to read."""
        return self._look(position) if self._stall.is_due(position) else position

    def _look(self, position: int) -> int:
        """Find out why nothing is read though the brokers may have more; return the next offset.

        Behind an open transaction nothing is read either, which is no stall.
        """
        end = self._queue.known_end()
        if end <= position:
            self._note(False)
            return position
        found = self._readable_again(position)
        if self._run.drain_reason is not None:
            return position
        self._note(found is None)
        if found is None:
            log.error(
                "%s is stalled at offset %d: the brokers have records up to %d, and none of them "
                "can be read. Check the brokers' logs and the partition's leader",
                self._where, position, end,
            )  # fmt: skip
            return position
        if found == position:
            self._stall.in_order()
            return position
        after = self._run.settings.kafka.stalled_after
        return self._pass(position, found, f"the client has read nothing there for {after:g} s")

    def _note(self, stalled: bool) -> None:
        self._stalled = stalled
        self._run.counts.note_stalled(self._key, stalled)

    def _readable_again(self, position: int) -> int | None:
        queue = self._queue
        end = max(position, queue.known_end())
        return self._probe.readable_again(queue.topic, queue.partition, position, end)

    def _pass_unreadable(self, position: int, cause: str) -> int:
        found = self._readable_again(position)
        return (
            position if self._run.drain_reason is not None else self._pass(position, found, cause)
        )

    def _pass(self, position: int, end: int | None, cause: str) -> int:
        """The next offset after an unreadable batch; sets `stop` if it must not be skipped."""
        queue = self._queue
        if end == position:
            log.warning("%s: offset %d can be read after all (%s)", self._where, position, cause)
        else:
            where = (queue.topic, queue.partition)
            try:
                self._skipped = after_unreadable(self._run, where, position, end, cause)
            except StopRun as stop:
                self.stop = stop
                return position
        next_offset = position if end is None else end
        queue.go_on_at(next_offset)
        return next_offset

    def _after_loss(self, message: Message, error: KafkaError, position: int) -> int:
        """The next offset after a lost one. Raises StopRun when kafka.lost_offset is stop."""
        queue = self._queue
        offset = self._loss.go_on(
            (queue.topic, queue.partition), position, message.offset(), error.str()
        )
        queue.go_on_at(offset)
        return offset
