"""How far the consumers read ahead: bounded for a process, whatever its number of partitions.

The bound counts bytes of unpacked messages. docs/decisions/prefetch.md has the measurements.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.settings.kafka import KafkaSettings

# Messages that a process fetches ahead, all partitions together.
_MESSAGES = 80_000
# Bytes of the chunks of one round of a worker's partitions, as they come from Kafka: decoded, they
# can take thirty times as much. A chunk has at least one record.
ROUND_BYTES = 8 << 20
# Of the prefetch, the share that may wait by partition; the rest is librdkafka's own queue.
_WAITING = 0.25
# The most bytes of one answer of a broker, as they are packed: it is unpacked as a whole, whatever
# becomes of it.
_FETCH_BYTES = 1 << 20
# fetch.message.max.bytes by its other name [librdkafka].
_ALIASES = {"fetch.message.max.bytes": "max.partition.fetch.bytes"}


def max_waiting_bytes(settings: KafkaSettings, share: float) -> int:
    """The bytes of waiting values above which a consumer fetches no more from librdkafka."""
    return int(settings.prefetch_mib * share * _WAITING * (1 << 20))


def consumer_properties(settings: KafkaSettings, share: float) -> dict[str, int | bool]:
    """The properties of a consumer that reads this share of the partitions of the run.

    Those that the user has set are left out.
    """
    kilobytes = max(1, int(settings.prefetch_mib * share * (1 - _WAITING) * 1024))
    wanted = {
        # Unpacked bytes of one queue, whatever the number of partitions [librdkafka].
        "queued.max.messages.kbytes": kilobytes,
        # Enough to keep the flow busy; more only costs memory.
        "queued.min.messages": max(1000, int(_MESSAGES * share)),
        # The default stops fetching for a second each time the queue is full [librdkafka].
        "fetch.queue.backoff.ms": 10,
        **_fetch_limits(settings.properties),
    }
    own = {name: value for name, value in wanted.items() if name not in settings.properties}
    return {**own, "enable.partition.eof": True}


def _fetch_limits(properties: Mapping[str, str | int | float | bool]) -> dict[str, int]:
    """Sizes that keep one answer small, unless the user has set them."""
    wanted = {"fetch.message.max.bytes": _FETCH_BYTES, "fetch.max.bytes": _FETCH_BYTES}
    limits = {
        name: value
        for name, value in wanted.items()
        if name not in properties and _ALIASES.get(name) not in properties
    }
    # fetch.max.bytes must not be less than message.max.bytes, by default 1,000,000 [librdkafka].
    return limits if "message.max.bytes" not in properties else {}
