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
_PATIENCE = 4.0  # seconds in which a readable offset gives a record or the partition's end
_PAUSE = 0.1


class BatchProbe:
    """Finds out where a partition can be read again."""

    def __init__(self, run: Run, clients: KafkaClients) -> None:
        self._run = run
        self._clients = clients

    def readable_again(self, topic: str, partition: int, offset: int, high: int) -> int | None:
        """The first offset from `offset` on that can be read; `offset` itself, when it can.

        `high` is the end of the partition. None when none can be read, or the run drains: then the
        brokers do not answer either, and nothing is known. It takes a second a try where the client
        reports an error, some seconds where it says nothing.
        """
        settings = self._run.settings.kafka
        client = self._clients.consumer(settings, ClientErrors(), **{"enable.partition.eof": True})

        def reads(at: int) -> int | None:
            return self._reads(client, TopicPartition(topic, partition, at))

        try:
            return _first_readable(reads, offset, high)
        finally:
            client.close()

    def _reads(self, client: Consumer, start: TopicPartition) -> int | None:
        """The offset of what is read first from there, or the partition's end; None for nothing."""
        client.assign([start])
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and not self._stops():
            for message in client.consume(1, _PAUSE):
                error = message.error()
                offset = message.offset()
                if offset is None or offset < start.offset:
                    offset = start.offset
                if error is None or error.code() == KafkaError._PARTITION_EOF:
                    return int(offset)
                if error.code() in UNREADABLE:
                    return None
        return None

    def _stops(self) -> bool:
        return self._run.drain_reason is not None or self._run.failure is not None


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
