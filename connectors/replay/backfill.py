"""Adapts the settings of a flow to a run that reads a bounded range of its topics."""

from __future__ import annotations

from connectors.errors import StopRun
from connectors.settings import Settings

FLOW_ID = "backfill"


def reading_range(settings: Settings) -> Settings:
    """The same settings with the range of [backfill] as the source, for a group of its own.

    Raises StopRun for a partition of which the topic is not clear.
    """
    selected, kafka = settings.backfill, settings.kafka
    topics = selected.topics or kafka.topics
    if selected.partition is not None and len(topics) != 1:
        raise StopRun(
            "backfill: a partition is one of a topic, and more than one topic is meant\n  remedy: "
            "name the topic in backfill.topics (--topic)"
        )
    update: dict[str, object] = {
        "group": f"{kafka.group}-backfill",
        "start": selected.since or "earliest",
        "lost_offset": "earliest",
    }
    if topics:
        update |= {"topics": topics, "topics_pattern": None}
    if selected.rate is not None:  # the pause after a chunk stays short
        update["chunk_messages"] = max(1, min(kafka.chunk_messages, int(selected.rate)))
    return settings.model_copy(update={"kafka": kafka.model_copy(update=update)})
