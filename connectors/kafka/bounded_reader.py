"""Reads a partition up to an offset that is known at the start of the run."""

from __future__ import annotations

from confluent_kafka import Message, TopicPartition

from connectors.kafka.partition_errors import PartitionErrors
from connectors.kafka.partition_reader import PartitionQueue, PartitionReader
from connectors.kafka.progress import Progress
from connectors.records import Chunk
from connectors.run.context import Run


class BoundedReader(PartitionReader):
    """A partition reader that ends before the offset `end`, which it does not read."""

    def __init__(
        self,
        run: Run,
        start: TopicPartition,
        source: tuple[PartitionQueue, PartitionErrors],
        progress: Progress,
        resumed: bool,
        end: int,
    ) -> None:
        super().__init__(run, start, source, progress, resumed)
        self._end = end

    def next_batch(self) -> list[Chunk]:
        """Some records before the end. Raises StopIteration at the end."""
        if self._next >= self._end:
            self._run.check()
            self._offsets.read_to_end()
            raise StopIteration
        return [chunk for chunk in super().next_batch() if chunk.messages]

    def _select(self, messages: list[Message]) -> list[Message]:
        if self._next <= self._end:
            return messages
        kept = [message for message in messages if (message.offset() or 0) < self._end]
        self._next = self._end
        return kept
