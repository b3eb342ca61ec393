"""The records that several commands look at: the last ones of each topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.cli.output import progress

if TYPE_CHECKING:
    from connectors.records import Message
    from connectors.settings.kafka import KafkaSettings

_SECONDS = 30.0


def samples_of(kafka: KafkaSettings, topic: str | None, records: int) -> dict[str, list[Message]]:
    """The last `records` of a topic, or of each topic of [kafka], oldest first. Raises StopRun."""
    from connectors.kafka.clients import KafkaClients  # noqa: PLC0415
    from connectors.kafka.metadata import list_partitions  # noqa: PLC0415
    from connectors.kafka.sampling import Limits, Selection, read_sample  # noqa: PLC0415

    names = [topic] if topic is not None else [*kafka.topics]
    if not names:
        names = sorted(list_partitions(kafka, KafkaClients()).topics)
    found = {}
    for name in names:
        with progress(f"reading {name}") as on_progress:
            limits = Limits(records=max(100_000, records), seconds=_SECONDS)
            selection = Selection(name, None, records)
            found[name] = read_sample(kafka, selection, limits, on_progress).messages
    return found
