"""Where a partition starts that has no state in the recovery store."""

from __future__ import annotations

from confluent_kafka import Consumer, KafkaException, TopicPartition

from connectors.errors import StopRun
from connectors.kafka.clients import KafkaClients
from connectors.kafka.group_offsets import starts_of_group
from connectors.kafka.metadata import partition_key, topic_partition_of
from connectors.run.context import Run
from connectors.settings.kafka import KafkaSettings


class StartOffsets:
    """Resolves kafka.start for each partition, and notes the offset in the recovery folder."""

    def __init__(self, run: Run, clients: KafkaClients) -> None:
        self._settings = run.settings.kafka
        self._recovery = run.recovery
        self._clients = clients
        self._existing: set[str] = set()
        self._first_run: set[str] | None = None
        self._of_group: dict[str, int] | None = None

    def found(self, existing: set[str]) -> None:
        """These are the keys of the partitions that exist now."""
        self._existing = existing
        if self._recovery is not None:
            first_run = self._recovery.partitions_of_first_run([*existing])
            self._first_run = set(first_run)

    def of(self, client: Consumer, topic_partition: TopicPartition) -> int:
        """The offset at which this partition starts. Raises StopRun without an answer."""
        if self._recovery is None:
            return self._resolve(self._settings, client, topic_partition)
        settings = self._settings
        key = partition_key(topic_partition.topic, topic_partition.partition)
        start = self._recovery.start_of(key)
        if start is None:
            if self._first_run is not None and key not in self._first_run:
                # It was created after the first run, so all of it is new, whatever kafka.start is.
                settings = settings.model_copy(update={"start": "earliest"})
            start = self._resolve(settings, client, topic_partition)
            self._recovery.remember_start(key, start)
        return start

    def _resolve(
        self, settings: KafkaSettings, client: Consumer, topic_partition: TopicPartition
    ) -> int:
        if settings.start_group is None:
            return resolve_start(settings, client, topic_partition)
        if self._of_group is None:
            self._of_group = starts_of_group(
                settings, self._clients, settings.start_group, self._without_start()
            )
        return self._of_group[partition_key(topic_partition.topic, topic_partition.partition)]

    def _without_start(self) -> list[TopicPartition]:
        """The partitions of the first run for which no start is noted yet."""
        recovery = self._recovery
        keys = self._existing
        if recovery is not None:
            first = keys if self._first_run is None else keys & self._first_run
            keys = {key for key in first if recovery.start_of(key) is None}
        return [TopicPartition(*topic_partition_of(key)) for key in sorted(keys)]


def resolve_start(
    settings: KafkaSettings, client: Consumer, topic_partition: TopicPartition
) -> int:
    """The offset that kafka.start ("earliest", "latest" or a time) means for a partition.

    Raises StopRun when the brokers do not answer within kafka.metadata_timeout.
    """
    timeout = settings.metadata_timeout
    topic, number = topic_partition.topic, topic_partition.partition
    try:
        low, high = client.get_watermark_offsets(topic_partition, timeout=timeout)
        if settings.start == "earliest":
            return int(low)
        if settings.start == "latest":
            return int(high)
        wanted = TopicPartition(topic, number, settings.start_ms or 0)
        found = client.offsets_for_times([wanted], timeout=timeout)[0]
    except (KafkaException, TypeError) as error:
        raise StopRun(
            f"kafka: no offsets of topic {topic} partition {number} within {timeout:g} s: {error}\n"
            "  remedy: check that the brokers run and answer"
        ) from None
    if found.error is not None:
        raise StopRun(f"kafka: no offset for kafka.start {settings.start}: {found.error.str()}")
    return int(high if found.offset < 0 else found.offset)
