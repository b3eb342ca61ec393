"""A worker's Kafka client: its assigned partitions, and the offsets that it commits."""

from __future__ import annotations

import logging
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException, TopicPartition

from connectors.kafka import prefetch
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync.kafka")

_COMMIT_INTERVAL = 0.2  # seconds between two commits of a client


class Assignment:
    """A client, made when first needed, and the assignment changes that are still to be made."""

    def __init__(
        self,
        settings: KafkaSettings,
        clients: KafkaClients,
        existing: int,
        clock: Callable[[], float],
    ) -> None:
        """`existing` is the number of partitions of all workers, which share the prefetch."""
        self._settings = settings
        self._clients = clients
        self._existing = existing
        self._clock = clock
        self._partitions = 0
        self._new: list[TopicPartition] = []
        self._gone: list[TopicPartition] = []
        self._next_commit = float("-inf")
        # The client; None while it has assignment changes to make.
        self.client: Consumer | None = None
        self._client: Consumer | None = None
        self.offsets: dict[tuple[str, int], int] = {}  # to commit

    def add(self, start: TopicPartition) -> None:
        """Assign one more partition, to be read from the offset of `start`."""
        self._partitions += 1
        self._new.append(start)
        self.client = None

    def remove(self, topic: str, partition: int) -> None:
        """Unassign a partition; the client is closed with the last one."""
        self._partitions -= 1
        self._gone.append(TopicPartition(topic, partition))
        if not self._partitions and self._client is not None:
            self._client.close()
        elif self._partitions:
            self.client = None

    def current(self) -> Consumer:
        """The client, with all partitions assigned.

        Raises StopRun when the client does not accept a property.
        """
        client = self._client
        if client is None:
            properties = prefetch.consumer_properties(self._settings, self.share)
            client = self._client = self._clients.consumer(
                self._settings, ClientErrors(), **properties
            )
        if self._partitions and self._gone:
            gone, self._gone = self._gone, []
            client.incremental_unassign(gone)
        if self._new:
            new, self._new = self._new, []
            client.incremental_assign(new)
        self.client = client
        return client

    @property
    def share(self) -> float:
        """The share of the partitions of the run that this client reads."""
        return self._partitions / max(1, self._existing)

    def move(self, target: TopicPartition) -> None:
        """Read a partition from another offset on."""
        client = self.current()
        client.incremental_unassign([TopicPartition(target.topic, target.partition)])
        client.incremental_assign([target])

    def known_end(self, topic: str, partition: int) -> int:
        """The end of a partition as the brokers' last answer has it; -1 while there is none."""
        try:
            target = TopicPartition(topic, partition)
            _, high = self.current().get_watermark_offsets(target, cached=True)
        except (KafkaException, TypeError):
            return -1
        return int(high)

    def seen_end(self, topic: str, partition: int) -> int | None:
        """As `known_end`, of the client as it is; None without an answer. From any thread."""
        client = self._client
        if client is None:
            return None
        try:
            target = TopicPartition(topic, partition)
            _, high = client.get_watermark_offsets(target, cached=True)
        except (KafkaException, TypeError, RuntimeError):  # it is closed
            return None
        return int(high) if high >= 0 else None

    def commit_some(self) -> None:
        """Commit `offsets` together, unless some were committed a moment ago."""
        now = self._clock()
        if now < self._next_commit:
            return
        self._next_commit = now + _COMMIT_INTERVAL
        offsets = [TopicPartition(*where, offset) for where, offset in self.offsets.items()]
        self.offsets.clear()
        try:
            self.current().commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            # The group only mirrors the offsets; the recovery folder has them.
            log.warning("offsets not committed to the group: %s", error.args[0].str())
