"""kafka.lost_offset: where reading goes on when an offset is not on the brokers any more."""

from __future__ import annotations

from connectors.errors import StopRun
from connectors.settings.kafka import KafkaSettings


def offset_after_loss(settings: KafkaSettings, problem: str, low: int, high: int) -> int:
    """The offset to go on at, of a partition whose log reaches from `low` to `high`.

    Raises StopRun, which begins with `problem`, unless kafka.lost_offset has the choice.
    """
    if settings.lost_offset == "stop":
        raise StopRun(
            f"{problem}.\n  remedy: choose where to go on, for one start: kafka.lost_offset = "
            f'"earliest" (at {low}, the oldest record kept) or "latest" (at {high}, only what '
            "comes from now on)"
        )
    return low if settings.lost_offset == "earliest" else high
