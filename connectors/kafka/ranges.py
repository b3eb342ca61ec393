"""Reads bounded ranges of partitions in chunks, for tools: without commits or a group."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.errors import StopRun
from connectors.kafka.bounds import bounds_of
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.kafka.metadata import list_partitions, partition_key, topic_partition_of
from connectors.records import Message
from connectors.settings.kafka import KafkaSettings

_POLL = 0.2  # seconds
_CHUNK = 1000
# Seconds without any record after which brokers count as away.
_STALLED = 60.0
# What librdkafka reads ahead, so that memory stays bounded [librdkafka]: small messages cost it
# several times their bytes, so their number is limited too.
_READ_AHEAD = {"queued.max.messages.kbytes": 8_192, "queued.min.messages": 5_000}
_PASSING = {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT}


class Bound(NamedTuple):
    """One end of a selection: a time in ms since 1970, or an offset of the one partition."""

    moment: int | None = None
    offset: int | None = None


class Range(NamedTuple):
    """The offsets of a partition from `first` on: up to `last`, and up to the end of its log."""

    topic: str
    partition: int
    first: int
    last: int
    """The first offset behind the selection."""
    end: int
    """The end of the partition when it was asked for."""
    committed: int | None
    """The committed offset of the flow's group; None where there is none or it is not shown."""


def ranges_of(
    settings: KafkaSettings,
    partition: int | None,
    begin: Bound,
    end: Bound,
    clients: KafkaClients | None = None,
) -> list[Range]:
    """The range of each partition of the topics of `settings`.

    Raises StopRun where brokers, a topic or the partition are missing, or an offset could be one of
    several partitions.
    """
    clients = clients or KafkaClients()
    keys = _partitions(settings, partition, clients)
    if len(keys) > 1 and (begin.offset is not None or end.offset is not None):
        raise StopRun(
            f"an offset is one of a partition, and {len(keys)} partitions are meant\n"
            "  remedy: name --topic and --partition too, or give times"
        )
    bounds = bounds_of(settings, keys, begin.moment, clients)
    ends = bounds if end.moment is None else bounds_of(settings, keys, end.moment, clients)
    committed = _committed(settings, keys, clients)
    found = []
    for key, bound in bounds.items():
        first = bound.first
        if begin.moment is not None:
            first = bound.of_time
        elif begin.offset is not None:
            first = max(first, begin.offset)
        last = bound.end
        if end.moment is not None:
            last = ends[key].of_time
        elif end.offset is not None:
            last = min(last, end.offset + 1)
        found.append(Range(*topic_partition_of(key), first, last, bound.end, committed.get(key)))
    return found


def _partitions(settings: KafkaSettings, partition: int | None, clients: KafkaClients) -> list[str]:
    topics = list_partitions(settings, clients).topics
    missing = [topic for topic in settings.topics if topic not in topics]
    if missing or not topics:
        what = f"no such topic: {', '.join(missing)}" if missing else "no topic matches"
        raise StopRun(
            f"kafka: {what}\n  remedy: correct --topic or [kafka], or grant Describe on it"
        )
    keys = [
        partition_key(topic, number)
        for topic, count in sorted(topics.items())
        for number in range(count)
        if partition in (None, number)
    ]
    if not keys:
        raise StopRun(f"kafka: there is no partition {partition}\n  remedy: correct --partition")
    return keys


def _committed(settings: KafkaSettings, keys: list[str], clients: KafkaClients) -> dict[str, int]:
    client = clients.consumer(settings, ClientErrors())
    try:
        found = client.committed(
            [TopicPartition(*topic_partition_of(key)) for key in keys],
            timeout=settings.metadata_timeout,
        )
    except KafkaException:  # such as no permission on the group: then nothing counts as pending
        return {}
    finally:
        client.close()
    return {
        partition_key(each.topic, each.partition): each.offset
        for each in found
        if each.error is None and each.offset >= 0
    }


class RangeReader:
    """A consumer that reads one range after the other."""

    def __init__(self, settings: KafkaSettings, clients: KafkaClients | None = None) -> None:
        """Raises StopRun when the client does not accept a property."""
        self._settings = settings
        self._errors = ClientErrors()
        self._client: Consumer = (clients or KafkaClients()).consumer(
            settings,
            self._errors,
            **{"enable.partition.eof": True, **_READ_AHEAD},
        )

    def close(self) -> None:
        """Close the consumer."""
        self._client.close()

    def read(self, one: Range) -> Iterator[list[Message]]:
        """The records from `first` up to `end`, some at a time, in offset order.

        Raises StopRun where they cannot be read, or nothing comes for a minute.
        """
        at = one.first
        if at >= one.end:
            return
        self._client.assign([TopicPartition(one.topic, one.partition, at)])
        heard = time.monotonic()
        while at < one.end:
            messages: list[Message] = []
            for message in self._client.consume(_CHUNK, _POLL):
                if (message.topic(), message.partition()) != (one.topic, one.partition):
                    continue  # of the range before
                error = message.error()
                if error is None:
                    offset = message.offset() or 0
                    if offset < one.end:
                        messages.append(message)
                    at = max(at, offset + 1)
                elif error.code() == KafkaError._PARTITION_EOF:
                    at = one.end  # what is left are marks of transactions
                elif error.code() not in _PASSING:
                    raise self._stopped(one, at, error.str())
            if messages:
                heard = time.monotonic()
                yield messages
            elif at < one.end and time.monotonic() - heard > _STALLED:
                raise self._stopped(one, at, f"no answer for {_STALLED:g} s{self._errors}")

    def _stopped(self, one: Range, at: int, cause: str) -> StopRun:
        return StopRun(
            f"kafka: topic {one.topic} partition {one.partition} cannot be read from offset {at} "
            f"on: {cause}\n  remedy: check that the brokers run and answer; `tablestore-sync "
            "check` says more"
        )
