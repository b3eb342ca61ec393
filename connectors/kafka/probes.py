"""What a user may do on the brokers, asked without reading for a group or writing anything.

Brokers with ACLs name the operations that are authorized [kip-430]; others do not, and there the
operation itself is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition

from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.settings.kafka import KafkaSettings

_DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
_MISSING = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}
# Partitions of a topic that are looked at for a record to read.
_MAX_TRIED = 16


class Brokers(NamedTuple):
    """A cluster that has answered."""

    cluster: str
    number: int
    topics: frozenset[str]
    """The names of the topics that this user can see."""


class Access(NamedTuple):
    """What is known of the access to a topic or a group."""

    problem: str = ""
    """"missing", "denied", another error's text, or empty."""
    partitions: int = 0
    operations: frozenset[str] | None = None
    """The authorized operations, such as "read"; None where the brokers do not name them."""


def probe_brokers(properties: Mapping[str, Any], timeout: float) -> Brokers | str:
    """The cluster behind `properties`, or why there is no answer within `timeout` seconds."""
    errors = ClientErrors()
    admin = KafkaClients().admin({**properties, "error_cb": errors})
    try:
        found = admin.list_topics(timeout=timeout)
    except KafkaException as error:
        admin.poll(0)
        return f"{error.args[0].str()}{errors}"
    topics = frozenset(str(name) for name, topic in found.topics.items() if topic.error is None)
    return Brokers(str(found.cluster_id), len(found.brokers), topics)


def probe_topics(
    properties: Mapping[str, Any], topics: Sequence[str], timeout: float
) -> dict[str, Access]:
    """The access to each topic."""
    admin = KafkaClients().admin(properties)
    answers = admin.describe_topics(
        TopicCollection([*topics]), include_authorized_operations=True, request_timeout=timeout
    )
    found: dict[str, Access] = {}
    for topic, answer in answers.items():
        try:
            about = answer.result(timeout + 1)
        except KafkaException as error:
            found[topic] = Access(_problem(error.args[0]))
        except FutureTimeoutError:
            found[topic] = Access("no answer")
        else:
            found[topic] = Access("", len(about.partitions), _names(about.authorized_operations))
    return found


def probe_group(settings: KafkaSettings, topic: str, timeout: float) -> Access:
    """The access to the consumer group, by its committed offset of a topic."""
    admin = KafkaClients().admin(settings.client_properties())
    asked = admin.describe_consumer_groups(
        [settings.group], include_authorized_operations=True, request_timeout=timeout
    )
    try:
        return Access(
            "", 0, _names(asked[settings.group].result(timeout + 1).authorized_operations)
        )
    except KafkaException as error:
        # Old brokers do not know the question, and others not always the answer, such as while
        # they choose the group's coordinator.
        if error.args[0].code() in _DENIED:
            return Access("denied")
    except FutureTimeoutError:
        return Access("no answer")
    client = KafkaClients().consumer(settings, ClientErrors())
    try:
        client.committed([TopicPartition(topic, 0)], timeout=timeout)
    except KafkaException as error:
        return Access(_problem(error.args[0]))
    finally:
        client.close()
    return Access()


def probe_read(settings: KafkaSettings, topic: str, partitions: int, timeout: float) -> str | None:
    """Why a record of the topic cannot be read, as `Access.problem`; None where one was read.

    Of a topic without records, an empty text: nothing stood against it. No offset is committed.
    """
    client = KafkaClients().consumer(settings, ClientErrors())
    try:
        for number in range(min(partitions, _MAX_TRIED)):
            place = TopicPartition(topic, number)
            low, high = client.get_watermark_offsets(place, timeout=timeout)
            if high > low:
                client.assign([TopicPartition(topic, number, low)])
                message = client.poll(timeout)
                error = None if message is None else message.error()
                if message is None:
                    return "no answer"
                return None if error is None else _problem(error)
        return ""
    except KafkaException as error:
        return _problem(error.args[0])
    finally:
        client.close()


def _problem(error: KafkaError) -> str:
    if error.code() in _DENIED:
        return "denied"
    return "missing" if error.code() in _MISSING else error.str()


def _names(operations: Any) -> frozenset[str] | None:
    if operations is None:
        return None
    return frozenset(str(operation.name).lower() for operation in operations)


class Probes(NamedTuple):
    """The probes, so that a test can hand in others."""

    brokers: Callable[[Mapping[str, Any], float], Brokers | str] = probe_brokers
    topics: Callable[[Mapping[str, Any], Sequence[str], float], dict[str, Access]] = probe_topics
    group: Callable[[KafkaSettings, str, float], Access] = probe_group
    read: Callable[[KafkaSettings, str, int, float], str | None] = probe_read
