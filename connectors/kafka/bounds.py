"""First and last offsets of partitions, and those of a time, for the operator's commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import TopicPartition

from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.kafka.metadata import list_partitions, partition_key, topic_partition_of
from connectors.kafka.offset_lookup import EARLIEST, LATEST, offsets_at
from connectors.settings.kafka import KafkaSettings


class Bounds(NamedTuple):
    """Of a partition: its first offset, its end, and the offset of a time (the end without one)."""

    first: int
    end: int
    of_time: int


def bounds_of(
    settings: KafkaSettings, keys: Iterable[str], moment: int | None, clients: KafkaClients
) -> dict[str, Bounds]:
    """The bounds of those of the partitions that exist, by partition key.

    `moment` is in ms since 1970. Raises StopRun when the brokers do not answer within
    kafka.metadata_timeout.
    """
    topics = list_partitions(settings, clients).topics
    wanted = [
        TopicPartition(topic, number)
        for topic, number in map(topic_partition_of, keys)
        if number < topics.get(topic, 0)
    ]
    if not wanted:
        return {}
    client = clients.consumer(settings, ClientErrors())
    try:
        first = offsets_at(settings, client, wanted, EARLIEST)
        ends = offsets_at(settings, client, wanted, LATEST)
        times = ends if moment is None else offsets_at(settings, client, wanted, moment)
    finally:
        client.close()
    found = {}
    for each in wanted:
        key = partition_key(each.topic, each.partition)
        # No record is that young: the next one is.
        of_time = times[key] if times[key] >= 0 else ends[key]
        found[key] = Bounds(first[key], ends[key], of_time)
    return found
