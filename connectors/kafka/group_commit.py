"""The consumer group: a mirror of the durable offsets, for Kafka's own lag tools.

The recovery folder stays the truth. A group's offset never passes what is in the tables: a
snapshot is durable when its rows are in the recovery store, where some may still wait in windows.
"""

from __future__ import annotations

import logging

from confluent_kafka import KafkaException, TopicPartition

from connectors.kafka.metadata import ClientErrors, consumer
from connectors.run.context import Run

log = logging.getLogger("sync.kafka")


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
