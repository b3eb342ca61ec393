"""Topics and partitions, as the brokers describe them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection

from connectors.errors import NoAnswer
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.settings.kafka import KafkaSettings


def partition_key(topic: str, partition: int) -> str:
    """The key of a partition's state in the recovery store, made of its topic and number."""
    return f"{topic}:{partition}"


def topic_partition_of(key: str) -> tuple[str, int]:
    """Topic and partition of a key made by `partition_key`."""
    topic, _, partition = key.rpartition(":")
    return topic, int(partition)


# A topic that was created a moment ago, or brokers that restart.
_NOT_READY_YET = {
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NETWORK_EXCEPTION,
}
_PAUSE = 0.2  # seconds between two requests while a topic is not ready


class Cluster(NamedTuple):
    """The id of a Kafka cluster and its selected topics, with their numbers of partitions."""

    id: str
    topics: dict[str, int]


def list_partitions(settings: KafkaSettings, clients: KafkaClients) -> Cluster:
    """The selected topics that exist now, each with its number of partitions.

    Raises StopRun when the brokers do not answer within kafka.metadata_timeout.
    """
    errors = ClientErrors()
    client = clients.consumer(settings, errors)
    deadline = time.monotonic() + settings.metadata_timeout
    try:
        client.poll(0)
        while True:
            found, not_ready = _ask(settings, client)
            if not not_ready or time.monotonic() > deadline:
                return found
            time.sleep(_PAUSE)
    except KafkaException as error:
        client.poll(0)
        raise NoAnswer(
            f"kafka: no metadata from {settings.bootstrap_servers} within "
            f"{settings.metadata_timeout:g} s: {error.args[0].str()}{errors}\n"
            "  remedy: check that the brokers run, and that kafka.bootstrap_servers and the "
            "security properties are theirs"
        ) from None
    finally:
        client.close()


def _ask(settings: KafkaSettings, client: Consumer) -> tuple[Cluster, list[str]]:
    """The topics that are ready, and the names of those that have no leader yet."""
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
    not_ready: list[str] = []
    for answer in answers:
        for name, found in answer.topics.items():
            if not wanted.fullmatch(name) or name.startswith("__"):
                continue
            if found.error is None:
                topics[name] = len(found.partitions)
            elif found.error.code() in _NOT_READY_YET:
                not_ready.append(name)
    return Cluster(answers[0].cluster_id or "", topics), not_ready


def topic_ids(
    settings: KafkaSettings, topics: Iterable[str], clients: KafkaClients
) -> dict[str, str]:
    """The id of each topic, which changes when the topic is deleted and created again [kip-516].

    Topics without an answer are left out: brokers before Kafka 3.1 never have one, others may have
    none at the moment.
    """
    client = clients.admin(settings.client_properties())
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
