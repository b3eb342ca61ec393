"""What the brokers say of topics and partitions."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from connectors.errors import StopRun
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync.kafka")


def part_name(topic: str, partition: int) -> str:
    """The state key of a partition in the recovery store."""
    return f"{topic}:{partition}"


def part_place(name: str) -> tuple[str, int]:
    """Topic and partition of a state key."""
    topic, _, partition = name.rpartition(":")
    return topic, int(partition)


# A topic made a moment ago, or brokers that restart.
_COMING = {
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NETWORK_EXCEPTION,
}


class ClientErrors:
    """Keeps what librdkafka tells its error callback, which says why a call timed out."""

    def __init__(self) -> None:
        self.last: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Librdkafka's error callback."""
        self.last = error
        log.warning("Kafka client: %s", error.str())

    def __str__(self) -> str:
        return "" if self.last is None else f" ({self.last.str()})"


def consumer(settings: KafkaSettings, errors: ClientErrors, **extra: str | int | bool) -> Consumer:
    """A consumer of the configured brokers. Raises StopRun when librdkafka refuses a property."""
    properties = {
        **settings.client_properties(),
        "group.id": settings.group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # librdkafka's own default jumps to the end when an offset is lost.
        "auto.offset.reset": "error",
        "error_cb": errors,
        **extra,
    }
    try:
        return Consumer(properties, logger=log)
    except KafkaException as error:
        raise StopRun(
            f"kafka: the client refuses its configuration: {error.args[0].str()}\n"
            "  remedy: correct kafka.bootstrap_servers, kafka.properties or the secrets"
        ) from None


class Found(NamedTuple):
    """What the brokers answered."""

    cluster: str
    topics: dict[str, int]


def list_partitions(settings: KafkaSettings) -> Found:
    """The selected topics that exist now, each with its number of partitions.

    Raises StopRun when the brokers do not answer within kafka.metadata_timeout.
    """
    errors = ClientErrors()
    client = consumer(settings, errors)
    deadline = time.monotonic() + settings.metadata_timeout
    try:
        client.poll(0)
        while True:
            found, wait_for = _ask(settings, client)
            if not wait_for or time.monotonic() > deadline:
                return found
            time.sleep(0.2)
    except KafkaException as error:
        client.poll(0)
        raise StopRun(
            f"kafka: no metadata from {settings.bootstrap_servers} within "
            f"{settings.metadata_timeout:g} s: {error.args[0].str()}{errors}\n"
            "  remedy: check that the brokers run, and that kafka.bootstrap_servers and the "
            "security properties are theirs"
        ) from None
    finally:
        client.close()


def _ask(settings: KafkaSettings, client: Consumer) -> tuple[Found, list[str]]:
    """What there is now, and the topics that are there but have no leader yet."""
    if settings.topics_pattern is None:
        answers = [
            client.list_topics(topic, timeout=settings.metadata_timeout)
            for topic in settings.topics
        ]
        wanted = re.compile("|".join(map(re.escape, settings.topics)))
    else:
        answers = [client.list_topics(timeout=settings.metadata_timeout)]
        wanted = re.compile(settings.topics_pattern)
    topics: dict[str, int] = {}
    coming: list[str] = []
    for answer in answers:
        for name, found in answer.topics.items():
            if not wanted.fullmatch(name) or name.startswith("__"):
                continue
            if found.error is None:
                topics[name] = len(found.partitions)
            elif found.error.code() in _COMING:
                coming.append(name)
    return Found(answers[0].cluster_id or "", topics), coming


def topic_ids(settings: KafkaSettings, topics: Iterable[str]) -> dict[str, str]:
    """The id of each topic, which changes when it is deleted and made again.

    Empty when the brokers do not tell: some never do (before Kafka 3.1, or without a controller),
    others not just now, so that it is asked again.
    """
    client = AdminClient(settings.client_properties(), logger=log)
    try:
        answers = client.describe_topics(
            TopicCollection([*topics]), request_timeout=settings.metadata_timeout
        )
        return {
            topic: str(answer.result().topic_id)
            for topic, answer in answers.items()
            if answer.exception() is None
        }
    except (KafkaException, ValueError):
        return {}


def resolve_start(settings: KafkaSettings, client: Consumer, place: TopicPartition) -> int:
    """The offset at which the first run starts to read a partition."""
    timeout = settings.metadata_timeout
    try:
        low, high = client.get_watermark_offsets(place, timeout=timeout)
        if settings.start == "earliest":
            return int(low)
        if settings.start == "latest":
            return int(high)
        wanted = TopicPartition(place.topic, place.partition, settings.start_ms or 0)
        found = client.offsets_for_times([wanted], timeout=timeout)[0]
    except (KafkaException, TypeError) as error:
        raise StopRun(
            f"kafka: no offsets of topic {place.topic} partition {place.partition} within "
            f"{timeout:g} s: {error}\n  remedy: check that the brokers run and answer"
        ) from None
    if found.error is not None:
        raise StopRun(f"kafka: no offset for kafka.start {settings.start}: {found.error.str()}")
    return int(high if found.offset < 0 else found.offset)
