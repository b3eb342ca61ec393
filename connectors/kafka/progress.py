"""How far a source has read its partitions."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import TopicPartition

from connectors.run.context import Run


class Progress:
    """The partitions that have unread records, and the offsets of the last snapshots."""

    def __init__(self, run: Run, ends_when_read: bool = False, commits: bool = True) -> None:
        """`ends_when_read`: the run drains when every partition was read to its end.

        Without `commits` no offset is kept for the consumer group.
        """
        self._run = run
        self._ends_when_read = ends_when_read
        self._commits = commits
        self._unread: set[str] = set()
        self._snapshots: dict[tuple[str, int], int] = {}

    def found(self, partition_keys: Iterable[str]) -> None:
        """Note the partitions that exist, none of them read to its end yet."""
        self._unread = set(partition_keys)

    def read_to_end(self, partition_key: str) -> None:
        """Note that a partition has no more records at the moment."""
        self._unread.discard(partition_key)
        if self._ends_when_read and not self._unread:
            self._run.drain("everything is read")

    def snapshotted(self, topic: str, partition: int, offset: int) -> None:
        """Note the next offset to read that a snapshot holds."""
        if self._commits:
            self._snapshots[topic, partition] = offset

    def snapshots(self) -> list[TopicPartition]:
        """Each partition that took a snapshot, with the offset that is to be read next."""
        return [
            TopicPartition(topic, partition, offset)
            for (topic, partition), offset in self._snapshots.items()
        ]
