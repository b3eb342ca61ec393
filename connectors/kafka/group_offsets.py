"""kafka.start = "group:NAME": a first run starts where a consumer group has stopped.

For example the group of a Kafka Connect sink, connect-NAME [connect-group], whose work this flow
takes over.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.errors import StopRun
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.kafka.lost_offset import offset_after_loss
from connectors.kafka.metadata import partition_key
from connectors.kafka.offset_lookup import EARLIEST, LATEST, offsets_at
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync.kafka")

_REMEDIES = {
    KafkaError.GROUP_AUTHORIZATION_FAILED: "grant Read and Describe on that group to this user",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant Read and Describe on the topic to this user",
    KafkaError.INVALID_GROUP_ID: "correct the name of the group in kafka.start",
}


def starts_of_group(
    settings: KafkaSettings,
    clients: KafkaClients,
    group: str,
    partitions: Sequence[TopicPartition],
) -> dict[str, int]:
    """The offset at which each partition starts, by its partition key.

    Raises StopRun when the group has members, the brokers do not answer within
    kafka.metadata_timeout, or a setting asks for a choice first.
    """
    _require_no_members(settings, clients, group)
    errors = ClientErrors()
    # The group may have read records of open transactions; all of them are within the log.
    own = {"group.id": group, "isolation.level": "read_uncommitted"}
    client = clients.consumer(settings, errors, **own)
    try:
        committed = _committed(settings, group, client, partitions, errors)
        if not any(offset is not None for offset in committed.values()):
            log.warning(
                "group %s has no committed offset in any of %d partitions: is its name right?",
                group,
                len(partitions),
            )
        _require_offsets(settings, group, committed)
        low, high = (offsets_at(settings, client, partitions, at) for at in (EARLIEST, LATEST))
        starts = {}
        for (topic, number), offset in committed.items():
            key = partition_key(topic, number)
            marks = low[key], high[key]
            starts[key] = _start(settings, group, (topic, number), offset, marks)
        return starts
    finally:
        client.close()


def _require_no_members(settings: KafkaSettings, clients: KafkaClients, group: str) -> None:
    """Raise StopRun while the group has members: its offsets still move, and both would write."""
    client = clients.admin(settings.client_properties())
    try:
        timeout = settings.metadata_timeout
        answer = client.describe_consumer_groups([group], request_timeout=timeout)[group]
        found = answer.result()
    except (KafkaException, ValueError):
        return  # there is no such group, or these brokers do not support the request
    members = len(found.members or ())
    if members:
        raise StopRun(
            f"kafka.start: group {group} is still at work ({members} members), so where it ends is "
            "not known yet.\n  remedy: stop its consumers (a connector: PUT "
            "/connectors/NAME/stop, or delete it; its offsets stay), then start this again"
        )


def _committed(
    settings: KafkaSettings,
    group: str,
    client: Consumer,
    partitions: Sequence[TopicPartition],
    errors: ClientErrors,
) -> dict[tuple[str, int], int | None]:
    """The group's committed offset of each partition; None where it has none."""
    try:
        found = client.committed([*partitions], timeout=settings.metadata_timeout)
        failed = [partition.error for partition in found if partition.error is not None]
        if failed:
            raise KafkaException(failed[0])
    except KafkaException as error:
        client.poll(0)
        cause: KafkaError = error.args[0]
        remedy = _REMEDIES.get(cause.code(), "check that the brokers run and answer")
        raise StopRun(
            f"kafka.start: no committed offsets of group {group} within "
            f"{settings.metadata_timeout:g} s: {cause.str()}{errors}\n  remedy: {remedy}"
        ) from None
    return {
        (partition.topic, partition.partition): partition.offset if partition.offset >= 0 else None
        for partition in found
    }


def _require_offsets(
    settings: KafkaSettings, group: str, committed: dict[tuple[str, int], int | None]
) -> None:
    without = [
        f"{topic} partition {number}"
        for (topic, number), offset in committed.items()
        if offset is None
    ]
    if without and settings.start_without_offset == "stop":
        raise StopRun(
            f"kafka.start: group {group} has no committed offset of topic {', '.join(without)}.\n"
            '  remedy: choose where to start there: kafka.start_without_offset = "earliest" (all '
            'that is kept) or "latest" (only what comes from now on)'
        )


def _start(
    settings: KafkaSettings,
    group: str,
    topic_partition: tuple[str, int],
    offset: int | None,
    marks: tuple[int, int],
) -> int:
    """The group's offset if the log has it; else as start_without_offset or lost_offset says.

    `marks` are the first offset of the log and its end.
    """
    where = f"topic {topic_partition[0]} partition {topic_partition[1]}"
    low, high = marks
    if offset is None:
        start = high if settings.start_without_offset == "latest" else low
        log.warning(
            "%s: group %s has no committed offset; starting at %d "
            "(kafka.start_without_offset)", where, group, start
        )  # fmt: skip
        return start
    if low <= offset <= high:
        log.info("%s: starting at %d, where group %s has stopped", where, offset, group)
        return offset
    problem = (
        f"kafka.start: {where}: group {group} has committed offset {offset}, and the broker has "
        f"{low} to {high}. Retention removed it, or the topic was recreated: records may be lost"
    )
    start = offset_after_loss(settings, problem, low, high)
    log.warning("%s; starting at %d (kafka.lost_offset)", problem, start)
    return start
