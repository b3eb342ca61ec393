"""The start offsets of partitions that have no state in the recovery store."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from confluent_kafka import TopicPartition

from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.kafka.group_offsets import starts_of_group
from connectors.kafka.metadata import partition_key, topic_partition_of
from connectors.kafka.offset_lookup import EARLIEST, LATEST, offsets_at
from connectors.run.context import Run
from connectors.settings.kafka import KafkaSettings


class StartOffsets:
    """Resolves kafka.start for all partitions at once, and notes it in the recovery folder."""

    def __init__(self, run: Run, clients: KafkaClients) -> None:
        self._settings = run.settings.kafka
        self._recovery = run.recovery
        self._clients = clients
        self._existing: set[str] = set()
        self._first_run: set[str] | None = None
        self._resolved: dict[str, int] = {}
        self._lock = threading.Lock()

    def found(self, existing: set[str]) -> None:
        """Note the keys of the partitions that exist."""
        self._existing = existing
        if self._recovery is not None:
            first_run = self._recovery.partitions_of_first_run([*existing])
            self._first_run = set(first_run)

    def of(self, key: str) -> int:
        """The offset at which a partition starts. Raises StopRun when the brokers do not answer."""
        with self._lock:  # one worker of a process asks for all
            start = self._resolved.get(key)
            if start is None:
                self._resolve_all()
                start = self._resolved[key]
            return start

    def _resolve_all(self) -> None:
        """Resolve and note the start of every partition without one: it may be needed soon."""
        recovery = self._recovery
        noted = {} if recovery is None else recovery.starts()
        open_keys = sorted(self._existing - noted.keys())
        first_run = self._existing if self._first_run is None else self._first_run
        found: dict[str, int] = {}
        settings = self._settings
        first = [key for key in open_keys if key in first_run]
        if first and settings.start_group is not None:
            found |= starts_of_group(settings, self._clients, settings.start_group, _of(first))
        elif first:
            found |= resolve_starts(settings, self._clients, _of(first))
        later = [key for key in open_keys if key not in first_run]
        if later:
            # Created after the first run, so all of them is new, whatever kafka.start is.
            settings = settings.model_copy(update={"start": "earliest"})
            found |= resolve_starts(settings, self._clients, _of(later))
        if recovery is not None and found:
            noted = recovery.remember_starts(found)
        self._resolved = {**found, **noted}


def _of(keys: Sequence[str]) -> list[TopicPartition]:
    return [TopicPartition(*topic_partition_of(key)) for key in keys]


def resolve_starts(
    settings: KafkaSettings, clients: KafkaClients, partitions: Sequence[TopicPartition]
) -> dict[str, int]:
    """The offset that kafka.start ("earliest", "latest" or a time) means, by partition key.

    Raises StopRun when the brokers do not answer within kafka.metadata_timeout.
    """
    client = clients.consumer(settings, ClientErrors())
    try:
        if settings.start_ms is None:
            moment = EARLIEST if settings.start == "earliest" else LATEST
            return offsets_at(settings, client, partitions, moment)
        found = offsets_at(settings, client, partitions, settings.start_ms)
        younger = [
            each for each in partitions if found[partition_key(each.topic, each.partition)] < 0
        ]
        # No record is that young yet, so the run begins with the next one.
        return {**found, **offsets_at(settings, client, younger, LATEST)}
    finally:
        client.close()
