"""Reads the dead-letter topic once, up to the end that it has when the run starts."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from connectors.errors import StopRun
from connectors.kafka import prefetch
from connectors.kafka.clients import KafkaClients
from connectors.kafka.partition_reader import PartitionReader
from connectors.kafka.progress import Progress
from connectors.kafka.source import KafkaSource
from connectors.kafka.unreadable import BatchProbe
from connectors.records import Chunk
from connectors.run.context import Run


class KafkaDeadLetterSource(KafkaSource):
    """Reads the topic up to its present end, so not what this run itself adds to it.

    The run drains when every partition was read to its end. A dry run moves no offset.
    """

    def __init__(
        self, run: Run, admits: Callable[[Message], bool], clients: KafkaClients | None = None
    ) -> None:
        """`admits` is asked for each dead letter before the offset moves; False ends the run."""
        progress = Progress(run, ends_when_read=True, commits=not run.settings.replay.dry_run)
        super().__init__(run, clients, progress=progress, topics_option="dead_letters.topic")
        self._admits = admits

    def _reader(
        self, start: TopicPartition, client: Consumer | None, resumed: bool
    ) -> PartitionReader:
        if client is None:
            return super()._reader(start, None, resumed)
        return _DeadLetterReader(
            self._run, start, client, self._progress, resumed, self._admits, self._probe
        )


class _DeadLetterReader(PartitionReader):
    def __init__(
        self,
        run: Run,
        start: TopicPartition,
        client: Consumer,
        progress: Progress,
        resumed: bool,
        admits: Callable[[Message], bool],
        probe: BatchProbe,
    ) -> None:
        size = prefetch.chunk_bytes(1)
        super().__init__(run, start, client, progress, size, resumed, probe=probe)
        self._admits = admits
        self._dry_run = run.settings.replay.dry_run
        self._begin: int = start.offset
        self._end = _end_offset(run, client, start)

    def next_batch(self) -> list[Chunk]:
        """Some dead letters before the end; StopIteration at the end."""
        if self._next >= self._end:
            self._run.check()
            self._progress.read_to_end(self._key)
            raise StopIteration
        return [chunk for chunk in super().next_batch() if chunk.messages]

    def snapshot(self) -> int:
        """The next offset to read; of a dry run, the one at which it began."""
        offset = super().snapshot()
        return self._begin if self._dry_run else offset

    def _select(self, messages: list[Message]) -> list[Message]:
        for number, message in enumerate(messages):
            offset = message.offset() or 0
            if offset >= self._end or not self._admits(message):
                self._next = offset
                return messages[:number]
        return messages


def _end_offset(run: Run, client: Consumer, topic_partition: TopicPartition) -> int:
    settings = run.settings.kafka
    try:
        _, high = client.get_watermark_offsets(topic_partition, timeout=settings.metadata_timeout)
    except (KafkaException, TypeError):
        raise StopRun(
            f"replay: no answer from {settings.bootstrap_servers} about the end of topic "
            f"{topic_partition.topic} partition {topic_partition.partition}\n  remedy: check that "
            "the brokers run"
        ) from None
    return int(high)
