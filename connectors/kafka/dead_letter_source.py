"""The dead-letter topic as a source that ends: it reads what is there when it begins."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from connectors.errors import StopRun
from connectors.kafka.metadata import part_name
from connectors.kafka.source import KafkaSource, Partition
from connectors.records import Chunk
from connectors.run.context import Run


class KafkaDeadLetterSource(KafkaSource):
    """Reads the topic up to its present end: not what this run itself adds, if it rejects again."""

    _named_by = "dead_letters.topic"

    def __init__(self, run: Run, admits: Callable[[Message], bool]) -> None:
        """`admits` is asked of each dead letter before the position moves; False ends the run."""
        super().__init__(run)
        self._replay = run
        self._admits = admits

    def _reader(self, place: TopicPartition, client: Consumer) -> Partition:
        return _Partition(self._replay, place, client, self._admits)


class _Partition(Partition):
    def __init__(
        self, run: Run, place: TopicPartition, client: Consumer, admits: Callable[[Message], bool]
    ) -> None:
        super().__init__(run, place, client)
        self._replay = run
        self._admits = admits
        self._begin: int = place.offset
        self._end = _end(run, client, place)
        self._part = part_name(place.topic, place.partition)

    def next_batch(self) -> list[Chunk]:
        """Some dead letters, as far as the end."""
        if self._next >= self._end:
            self._replay.check()
            self._replay.read_to_end(self._part)
            raise StopIteration
        return [chunk for chunk in super().next_batch() if chunk.messages]

    def snapshot(self) -> int:
        """The next offset to read; a dry run leaves it where it was."""
        offset = super().snapshot()
        if self._replay.leaves_no_trace:
            self._replay.snapshot_offsets.clear()
            return self._begin
        return offset

    def _taken(self, messages: list[Message]) -> list[Message]:
        for number, message in enumerate(messages):
            offset = message.offset() or 0
            if offset >= self._end or not self._admits(message):
                self._next = offset
                return messages[:number]
        return messages


def _end(run: Run, client: Consumer, place: TopicPartition) -> int:
    settings = run.settings.kafka
    try:
        _, high = client.get_watermark_offsets(place, timeout=settings.metadata_timeout)
    except (KafkaException, TypeError):
        raise StopRun(
            f"replay: no answer from {settings.bootstrap_servers} about the end of topic "
            f"{place.topic} partition {place.partition}\n  remedy: check that the brokers run"
        ) from None
    return int(high)
