"""The offsets of one partition in snapshots: which are durable, and which may be committed."""

from __future__ import annotations

from confluent_kafka import Message, TopicPartition

from connectors.kafka.metadata import partition_key
from connectors.kafka.progress import Progress
from connectors.run.committable_offset import CommittableOffset
from connectors.run.context import Run


class PartitionOffsets:
    """Notes each snapshot of a partition, and what follows once its epoch is closed everywhere."""

    def __init__(
        self, run: Run, start: TopicPartition, progress: Progress, is_read: bool, resumed: bool
    ) -> None:
        """`start` has the first offset; `resumed` says that it comes from stored state."""
        self._run = run
        self._topic: str = start.topic
        self._partition: int = start.partition
        self.key = partition_key(start.topic, start.partition)
        self._progress = progress
        # The run before may have ended before it committed the offset at which this one goes on.
        committed = -1 if resumed else start.offset
        self._committable = CommittableOffset(
            committed, run.settings.window.age, run.clock, run.now
        )
        self.snapshot: int = start.offset
        """The next offset to read, as of the last snapshot."""
        self.meter = run.meters.partition(start.topic, start.partition, start.offset, is_read)
        self._epochs = 0  # number of epochs that have ended
        self._unverified_epoch: int | None = None  # until it is closed everywhere

    def read(self, first: Message, position: int) -> None:
        """A chunk was read that begins with this record; `position` is the next offset."""
        self.meter.read(first, position)

    def snapshotted(self, position: int) -> None:
        """A snapshot was taken at this next offset."""
        self._epochs += 1
        self._unverified_epoch = self._epochs
        self.snapshot = position
        self.meter.snapshotted(position)
        self._committable.snapshotted(position)
        self._progress.snapshotted(self._topic, self._partition, position)

    def read_to_end(self) -> None:
        """All of it that is to be read has been read."""
        self.meter.ended = True
        self._progress.read_to_end(self.key)

    def to_commit(self) -> int | None:
        """An offset that the group may have now. Called when every earlier epoch is durable."""
        epoch, run = self._unverified_epoch, self._run
        if epoch is not None:
            self._unverified_epoch = None
            run.meters.epoch_closed(run.counts.verify_epoch(epoch))
            self.meter.made_durable(self.snapshot, run.clock())
        offset = self._committable.due()
        if offset is not None and run.recovery is not None:
            run.recovery.forget_new_start(self.key)
        return offset
