"""Batches that the client cannot read: where one ends, and what is done about it.

librdkafka reports some of them again and again (broken compressed data, an unknown codec, a wrong
checksum) and others not at all (records that cannot be parsed, data that unpacks to more than
receive.message.max.bytes): its position then stays where it is, or jumps to an offset that it took
from broken bytes. So the end of a batch is found by a client of its own that starts at chosen
offsets.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, TopicPartition

from connectors.errors import StopRun
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.records import SkippedBatch
from connectors.run.context import Run

log = logging.getLogger("sync.kafka")

# What librdkafka reports of a batch that it cannot read.
UNREADABLE = {
    KafkaError._BAD_MSG,
    KafkaError._BAD_COMPRESSION,
    KafkaError._NOT_IMPLEMENTED,
    KafkaError.INVALID_MSG,
    KafkaError.MSG_SIZE_TOO_LARGE,
}
_PATIENCE = 4.0  # seconds in which brokers that answer give a record or the partition's end
_TRIES = 4  # with twice the patience each, while the brokers do not answer at all
_PAUSE = 0.1
# What else than an offset comes of a try.
_UNREADABLE, _SILENCE = -1, -2


class BatchProbe:
    """Finds out where a partition can be read again."""

    def __init__(self, run: Run, clients: KafkaClients) -> None:
        self._run = run
        self._clients = clients

    def readable_again(self, topic: str, partition: int, offset: int, high: int) -> int | None:
        """The first offset from `offset` on that can be read; `offset` itself, when it can.

        `high` is the end of the partition. None when none can be read, when the run drains, or when
        the brokers do not answer for a minute: then nothing is known. Each try takes a second where
        the client reports an error, some seconds where it reports nothing.
        """
        settings = self._run.settings.kafka
        client = self._clients.consumer(settings, ClientErrors(), **{"enable.partition.eof": True})
        tries = _Tries(self, client, TopicPartition(topic, partition, high))
        try:
            return _first_readable(tries.reads, offset, high)
        finally:
            client.close()

    def first(self, client: Consumer, start: TopicPartition, patience: float) -> int:
        """The offset of what comes first from there, or one of the constants below zero."""
        client.assign([start])
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and not self.stops():
            for message in client.consume(1, _PAUSE):
                error = message.error()
                offset = message.offset()
                if offset is None or offset < start.offset:
                    offset = start.offset
                if error is None or error.code() == KafkaError._PARTITION_EOF:
                    return int(offset)
                if error.code() in UNREADABLE:
                    return _UNREADABLE
        return _SILENCE

    def stops(self) -> bool:
        """Whether the run is draining or has failed."""
        return self._run.drain_reason is not None or self._run.failure is not None


class _Tries:
    """Distinguishes an offset that cannot be read from brokers that are slow.

    Both are silent, and to take a good offset for a bad one would skip records. So silence counts
    only between two reports of the partition's end, which brokers that answer give at once.
    """

    def __init__(self, probe: BatchProbe, client: Consumer, end: TopicPartition) -> None:
        self._probe = probe
        self._client = client
        self._end = end
        self._answered = False  # the last time that the end was asked for

    def reads(self, at: int) -> int | None:
        """The offset of what is read first from there, or the partition's end; None for nothing."""
        start = TopicPartition(self._end.topic, self._end.partition, at)
        patience = _PATIENCE
        for _ in range(_TRIES):
            found = self._probe.first(self._client, start, patience)
            if found != _SILENCE:
                return None if found == _UNREADABLE else found
            answered = self._answered
            self._answered = self._probe.first(self._client, self._end, patience) >= 0
            if self._probe.stops() or (answered and self._answered):
                return None
            if not self._answered:
                patience *= 2
        return None


def _first_readable(reads: Callable[[int], int | None], offset: int, high: int) -> int | None:
    """The least offset from `offset` to `high` from which something is read: what is read there.

    `reads` gives None inside of a batch that cannot be read, since brokers answer with whole
    batches. One that is read never lies before one that is not, but for another bad batch.
    """
    found = reads(offset)
    if found is not None:
        return found
    bad, good, step = offset, offset, 1
    while found is None:
        if bad >= high:
            return None
        good = min(bad + step, high)
        found = reads(good)
        if found is None:
            bad, step = good, step * 2
    while good - bad > 1:
        middle = (bad + good) // 2
        at_middle = reads(middle)
        if at_middle is None:
            bad = middle
        else:
            good, found = middle, at_middle
    return found


def after_unreadable(
    run: Run, where: tuple[str, int], position: int, end: int | None, cause: str
) -> SkippedBatch:
    """The SkippedBatch for the records from `position` to before `end`, if they may be skipped.

    Raises StopRun unless kafka.unreadable_batch is skip, and when `end` is None, not found.
    """
    topic, partition = where
    text = f"kafka: topic {topic} partition {partition}: the batch at offset {position} "
    if end is not None and run.settings.kafka.unreadable_batch == "skip":
        log.warning(
            "%scannot be read: %s; offsets %d to %d are skipped (kafka.unreadable_batch)",
            text, cause, position, end - 1,
        )  # fmt: skip
        return SkippedBatch(topic, partition, position, end, cause)
    last = "LAST" if end is None else str(end - 1)
    known = "its end was not found" if end is None else f"it ends with offset {last}"
    raise StopRun(
        f"{text}cannot be read ({known}): {cause}\n"
        "  remedy: where the batch is good and unpacks to very much, raise "
        "receive.message.max.bytes in kafka.properties. Where its bytes are damaged, restore them "
        f"on the brokers, or leave its records out: tablestore-sync skip --topic {topic} "
        f'--partition {partition} --offset {last}, or kafka.unreadable_batch = "skip" for this '
        "and every later one"
    )
