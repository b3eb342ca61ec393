"""Commits durable offsets to the consumer group, for Kafka's own lag tools.

The recovery folder has the offsets that count. A group's offset never passes what is in the tables:
a snapshot is durable when its rows are in the recovery store, where some may wait in batchers.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from confluent_kafka import KafkaException, TopicPartition

from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync.kafka")


def commit_at_end(
    settings: KafkaSettings, clients: KafkaClients, offsets: Sequence[TopicPartition]
) -> None:
    """Commit the offsets of the last snapshots after a clean end, when everything is written.

    A failure is only logged.
    """
    if not offsets:
        return
    client = clients.consumer(settings, ClientErrors(), **{"socket.timeout.ms": 5000})
    try:
        client.commit(offsets=[*offsets], asynchronous=False)
    except KafkaException as error:
        log.warning("last offsets not committed to the group: %s", error.args[0].str())
    finally:
        client.close()
