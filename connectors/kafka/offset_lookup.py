"""Offsets of many partitions at once: the first, the end, or those of a time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.errors import NoAnswer
from connectors.kafka.metadata import partition_key
from connectors.settings.kafka import KafkaSettings

# What a request for offsets by time has in place of a time [kafka-list-offsets].
EARLIEST, LATEST = -2, -1
# A partition whose leader moves, or is not known yet.
_NOT_READY_YET = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.OFFSET_NOT_AVAILABLE,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError._TRANSPORT,
}
_PAUSE = 0.2  # seconds between two requests


def offsets_at(
    settings: KafkaSettings, client: Consumer, partitions: Sequence[TopicPartition], moment: int
) -> dict[str, int]:
    """The offset of each partition at `moment`, by partition key, in one request per broker.

    `moment` is in ms since 1970, or EARLIEST or LATEST. Where no record is as young as `moment`,
    the offset is -1. Raises NoAnswer when the brokers do not answer within kafka.metadata_timeout.
    """
    timeout = settings.metadata_timeout
    deadline = time.monotonic() + timeout
    found: dict[str, int] = {}
    left = [TopicPartition(each.topic, each.partition, moment) for each in partitions]
    while left:
        try:
            answers = client.offsets_for_times(left, timeout=timeout)
        except (KafkaException, TypeError) as error:
            raise _no_offsets(settings, left[0], str(error)) from None
        left = []
        for each in answers or ():
            if each.error is None:
                found[partition_key(each.topic, each.partition)] = int(each.offset)
            elif each.error.code() in _NOT_READY_YET and time.monotonic() < deadline:
                left.append(TopicPartition(each.topic, each.partition, moment))
            else:
                raise _no_offsets(settings, each, each.error.str())
        if left:
            time.sleep(_PAUSE)
    for each in partitions:
        if partition_key(each.topic, each.partition) not in found:
            raise _no_offsets(settings, each, "no answer")
    return found


def _no_offsets(settings: KafkaSettings, where: TopicPartition, cause: str) -> NoAnswer:
    return NoAnswer(
        f"kafka: no offsets of topic {where.topic} partition {where.partition} (kafka.start "
        f"{settings.start}) within {settings.metadata_timeout:g} s: {cause}\n"
        "  remedy: check that the brokers run and answer"
    )
