"""The consumer group: a mirror of the durable offsets, for Kafka's own lag tools.

The recovery folder stays the truth. A group's offset never passes what is in the tables: a
snapshot is durable when its rows are in the recovery store, where some may still wait in windows.
"""

from __future__ import annotations

import logging
import time
from collections import deque

from confluent_kafka import KafkaException, TopicPartition

from connectors.kafka.topics import ClientErrors, consumer
from connectors.run.context import Run

log = logging.getLogger("sync.kafka")


class GroupMirror:
    """Says when a partition's offset may be committed.

    The rows of a snapshot have left their windows once the windows' age has passed, and are
    durable with the next snapshot but one that begins after that.
    """

    def __init__(self, start: int, age: float) -> None:
        self._age = age
        self._committed = start
        # (time of the snapshot, its offset), oldest first.
        self._waiting: deque[tuple[float, int]] = deque()
        self._previous = self._latest = float("-inf")

    def snapshotted(self, offset: int) -> None:
        """The source took a snapshot at this offset."""
        self._previous, self._latest = self._latest, time.monotonic()
        if not self._waiting or self._waiting[-1][1] != offset:
            self._waiting.append((self._latest, offset))

    def due(self) -> int | None:
        """The offset to commit now, when all snapshots so far are durable; None for none."""
        offset = None
        while self._waiting and self._waiting[0][0] + self._age < self._previous:
            offset = self._waiting.popleft()[1]
        if offset is None or offset == self._committed:
            return None
        self._committed = offset
        return offset


def commit_at_end(run: Run) -> None:
    """Commit the last snapshot's offsets after a clean end, when everything is written."""
    offsets = [
        TopicPartition(topic, number, offset)
        for (topic, number), offset in run.snapshot_offsets.items()
    ]
    if not offsets:
        return
    client = consumer(run.settings.kafka, ClientErrors(), **{"socket.timeout.ms": 5000})
    try:
        client.commit(offsets=offsets, asynchronous=False)
    except KafkaException as error:
        log.warning("last offsets not committed to the group: %s", error.args[0].str())
    finally:
        client.close()
