"""Reads the dead-letter topic once, up to its end at the start of the run."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import Message, TopicPartition

from connectors.kafka.bounded_reader import BoundedReader
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.kafka.metadata import partition_key, topic_partition_of
from connectors.kafka.offset_lookup import LATEST, offsets_at
from connectors.kafka.partition_errors import PartitionErrors
from connectors.kafka.partition_reader import PartitionQueue, PartitionReader
from connectors.kafka.progress import Progress
from connectors.kafka.source import KafkaSource
from connectors.run.context import Run


class KafkaDeadLetterSource(KafkaSource):
    """Reads the topic up to its present end, which excludes what this run adds to it.

    The run drains when every partition was read to its end. A dry run moves no offset.
    """

    def __init__(
        self, run: Run, admits: Callable[[Message], bool], clients: KafkaClients | None = None
    ) -> None:
        """`admits` is asked for each dead letter before the offset moves; False ends the run."""
        progress = Progress(run, ends_when_read=True, commits=not run.settings.replay.dry_run)
        super().__init__(run, clients, progress=progress, topics_option="dead_letters.topic")
        self._admits = admits
        self._ends: dict[str, int] | None = None

    def _reader(
        self,
        start: TopicPartition,
        source: tuple[PartitionQueue, PartitionErrors] | None,
        resumed: bool,
    ) -> PartitionReader:
        if source is None:
            return super()._reader(start, None, resumed)
        if self._ends is None:
            self._ends = self._find_ends()
        end = self._ends[partition_key(start.topic, start.partition)]
        return _DeadLetterReader(
            self._run, start, source, self._progress, resumed, self._admits, end
        )

    def _find_ends(self) -> dict[str, int]:
        """Where each partition ends now. Raises StopRun when the brokers do not answer."""
        settings = self._run.settings.kafka
        client = self._clients.consumer(settings, ClientErrors())
        partitions = [TopicPartition(*topic_partition_of(key)) for key in sorted(self._existing)]
        try:
            return offsets_at(settings, client, partitions, LATEST)
        finally:
            client.close()


class _DeadLetterReader(BoundedReader):
    def __init__(
        self,
        run: Run,
        start: TopicPartition,
        source: tuple[PartitionQueue, PartitionErrors],
        progress: Progress,
        resumed: bool,
        admits: Callable[[Message], bool],
        end: int,
    ) -> None:
        super().__init__(run, start, source, progress, resumed, end)
        self._admits = admits
        self._dry_run = run.settings.replay.dry_run
        self._begin: int = start.offset

    def snapshot(self) -> int:
        """The next offset to read; in a dry run, the offset at which it began."""
        offset = super().snapshot()
        return self._begin if self._dry_run else offset

    def _select(self, messages: list[Message]) -> list[Message]:
        kept = super()._select(messages)
        for number, message in enumerate(kept):
            if not self._admits(message):
                self._next = message.offset() or 0
                return kept[:number]
        return kept
