"""kafka.lost_offset: where reading goes on when the brokers no longer have an offset."""

from __future__ import annotations

import logging

from confluent_kafka import KafkaException, TopicPartition

from connectors.errors import StopRun
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.settings.kafka import KafkaSettings

log = logging.getLogger("sync.kafka")


def offset_after_loss(settings: KafkaSettings, problem: str, low: int, high: int) -> int:
    """The offset at which to go on in a partition whose log reaches from `low` to `high`.

    Raises StopRun, with a text that begins with `problem`, when kafka.lost_offset is stop.
    """
    if settings.lost_offset == "stop":
        raise StopRun(
            f"{problem}.\n  remedy: choose where to go on, for one start: kafka.lost_offset = "
            f'"earliest" (at {low}, the oldest record kept) or "latest" (at {high}, only what '
            "comes from now on)"
        )
    return low if settings.lost_offset == "earliest" else high


class Loss:
    """Decides where reading goes on when the brokers do not have a partition's next offset."""

    def __init__(self, settings: KafkaSettings, clients: KafkaClients) -> None:
        self._settings = settings
        self._clients = clients

    def go_on(
        self, topic_partition: tuple[str, int], position: int, missing: int | None, cause: str
    ) -> int:
        """The offset at which to go on: records may be lost, so the user decides.

        `missing` is the offset that the error names, if it names one. librdkafka may have taken it
        from broken bytes, or the position may have moved since; if the log has `position`, reading
        goes on there. Raises StopRun when kafka.lost_offset is stop, and when the brokers do not
        answer.
        """
        topic, partition = topic_partition
        settings = self._settings
        where = f"kafka: topic {topic} partition {partition}"
        client = self._clients.consumer(settings, ClientErrors())
        try:
            found = client.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=settings.metadata_timeout
            )
            low, high = (int(mark) for mark in found)
        except (KafkaException, TypeError):
            raise StopRun(
                f"{where}: {cause}, and no watermarks\n  remedy: check that the brokers run, and "
                "start again"
            ) from None
        finally:
            client.close()
        other = missing is not None and missing >= 0 and missing != position
        if other and low <= position <= high:
            return position
        problem = (
            f"{where}: offset {position} is not there any more; the broker has {low} to {high}. "
            "Retention removed it, or the topic was recreated: records may be lost"
        )
        offset = offset_after_loss(settings, problem, low, high)
        log.warning("%s; going on at %d (kafka.lost_offset)", problem, offset)
        return offset
