"""kafka.start = "group:NAME": a first run goes on where a consumer group has stopped.

Such as that of a Kafka Connect sink, connect-NAME, whose work this flow takes over.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.errors import StopRun
from connectors.kafka.metadata import ClientErrors, consumer, part_name
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync.kafka")

_REMEDIES = {
    KafkaError.GROUP_AUTHORIZATION_FAILED: "grant Read and Describe on that group to this user",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant Read and Describe on the topic to this user",
    KafkaError.INVALID_GROUP_ID: "correct the name of the group in kafka.start",
}


def starts_of_group(
    settings: KafkaSettings, group: str, places: Sequence[TopicPartition]
) -> dict[str, int]:
    """The offset at which each partition starts, by its state key.

    Raises StopRun when the group is still at work, the brokers do not tell within
    kafka.metadata_timeout, or the settings say that somebody must choose first.
    """
    _refuse_active(settings, group)
    errors = ClientErrors()
    # The group may have read what is not committed yet; all of that is within the log.
    own = {"group.id": group, "isolation.level": "read_uncommitted"}
    client = consumer(settings, errors, **own)
    try:
        committed = _committed(settings, group, client, places, errors)
        if not any(offset is not None for offset in committed.values()):
            log.warning(
                "group %s has no committed offset in any of %d partitions: is its name right?",
                group,
                len(places),
            )
        _refuse_without(settings, group, committed)
        return {
            part_name(topic, number): _start(settings, group, client, (topic, number), offset)
            for (topic, number), offset in committed.items()
        }
    finally:
        client.close()


def _refuse_active(settings: KafkaSettings, group: str) -> None:
    """While a group has members its offsets move on, and both would write."""
    client = AdminClient(settings.client_properties(), logger=log)
    try:
        timeout = settings.metadata_timeout
        answer = client.describe_consumer_groups([group], request_timeout=timeout)[group]
        found = answer.result()
    except (KafkaException, ValueError):
        return  # there is no such group, or these brokers do not tell
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
    places: Sequence[TopicPartition],
    errors: ClientErrors,
) -> dict[tuple[str, int], int | None]:
    try:
        found = client.committed([*places], timeout=settings.metadata_timeout)
        refused = [place.error for place in found if place.error is not None]
        if refused:
            raise KafkaException(refused[0])
    except KafkaException as error:
        client.poll(0)
        cause: KafkaError = error.args[0]
        remedy = _REMEDIES.get(cause.code(), "check that the brokers run and answer")
        raise StopRun(
            f"kafka.start: no committed offsets of group {group} within "
            f"{settings.metadata_timeout:g} s: {cause.str()}{errors}\n  remedy: {remedy}"
        ) from None
    return {
        (place.topic, place.partition): place.offset if place.offset >= 0 else None
        for place in found
    }


def _refuse_without(
    settings: KafkaSettings, group: str, committed: dict[tuple[str, int], int | None]
) -> None:
    without = [f"{topic} partition {n}" for (topic, n), at in committed.items() if at is None]
    if without and settings.start_without_offset == "stop":
        raise StopRun(
            f"kafka.start: group {group} has no committed offset of topic {', '.join(without)}.\n"
            '  remedy: choose where to start there: kafka.start_without_offset = "earliest" (all '
            'that is kept) or "latest" (only what comes from now on)'
        )


def _start(
    settings: KafkaSettings,
    group: str,
    client: Consumer,
    place: tuple[str, int],
    offset: int | None,
) -> int:
    where = f"topic {place[0]} partition {place[1]}"
    try:
        found = client.get_watermark_offsets(
            TopicPartition(*place), timeout=settings.metadata_timeout
        )
        low, high = (int(mark) for mark in found)
    except (KafkaException, TypeError) as error:
        raise StopRun(
            f"kafka.start: no offsets of {where} within {settings.metadata_timeout:g} s: {error}\n"
            "  remedy: check that the brokers run and answer"
        ) from None
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
    told = (
        f"kafka.start: {where}: group {group} has committed offset {offset}, and the broker has "
        f"{low} to {high}. Retention passed it, or the topic was made anew: records may be lost"
    )
    start = after_loss(settings, told, low, high)
    log.warning("%s; starting at %d (kafka.lost_offset)", told, start)
    return start


def after_loss(settings: KafkaSettings, told: str, low: int, high: int) -> int:
    """Where to go on when an offset is not there any more, by kafka.lost_offset. Raises StopRun."""
    if settings.lost_offset == "stop":
        raise StopRun(
            f"{told}.\n  remedy: choose where to go on, for one start: kafka.lost_offset = "
            f'"earliest" (at {low}, the oldest record kept) or "latest" (at {high}, only what '
            "comes from now on)"
        )
    return low if settings.lost_offset == "earliest" else high
