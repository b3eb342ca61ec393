"""How far the consumers read ahead: bounded for a process, whatever its number of partitions.

Each partition has a consumer of its own, so each gets its share. docs/decisions/prefetch.md has the
measurements.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.settings.kafka import KafkaSettings

# Messages that a process fetches ahead, all partitions together.
_MESSAGES = 80_000
# Bytes of the chunks of all partitions together, as they come from Kafka: decoded, they can take
# thirty times as much. A share is at least the minimum, and a chunk has at least one record.
_CHUNK_BYTES, _MIN_CHUNK_BYTES = 8 << 20, 64 << 10
# fetch.message.max.bytes by its other name [librdkafka].
_ALIASES = {"fetch.message.max.bytes": "max.partition.fetch.bytes"}


def chunk_bytes(partitions: int) -> int:
    """The most bytes of messages that one partition puts into one chunk."""
    return max(_MIN_CHUNK_BYTES, _CHUNK_BYTES // max(1, partitions))


def consumer_properties(settings: KafkaSettings, partitions: int) -> dict[str, int | bool]:
    """The properties of each of so many consumers; those that the user has set are left out."""
    partitions = max(1, partitions)
    kilobytes = max(64, int(settings.prefetch_mib * 1024 / partitions))
    wanted = {
        "queued.max.messages.kbytes": kilobytes,
        # Enough to keep the flow busy; more only costs memory.
        "queued.min.messages": max(1000, _MESSAGES // partitions),
        # The default stops fetching for a second each time the queue is full [librdkafka].
        "fetch.queue.backoff.ms": 10,
        **_fetch_limits(kilobytes, settings.properties),
    }
    own = {name: value for name, value in wanted.items() if name not in settings.properties}
    return {**own, "enable.partition.eof": True}


def _fetch_limits(
    kilobytes: int, properties: Mapping[str, str | int | float | bool]
) -> dict[str, int]:
    """Fetch sizes that keep one response within the prefetch, unless the user has set them."""
    wanted = {
        "fetch.message.max.bytes": min(1 << 20, kilobytes * 1024),
        "fetch.max.bytes": max(1 << 20, kilobytes * 1024),
    }
    limits = {
        name: value
        for name, value in wanted.items()
        if name not in properties and _ALIASES.get(name) not in properties
    }
    # fetch.max.bytes must not be less than message.max.bytes, by default 1,000,000 [librdkafka].
    return limits if "message.max.bytes" not in properties else {}
