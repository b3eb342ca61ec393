"""Transforms applied to a chunk as the flow's step applies them."""

from __future__ import annotations

from connectors.errors import Rejection
from connectors.records import DeadLetter, DecodedChunk, RecordChunk
from connectors.transforms.step import Step


def transformed(step: Step | None, chunk: DecodedChunk) -> DecodedChunk:
    """The records that a step makes of a chunk; a rejected one becomes a dead letter."""
    if step is None:
        return chunk
    made = RecordChunk(chunk.topic, chunk.partition, [], list(chunk.dead_letters))
    for record in chunk.records:
        try:
            made.records.extend(step(record))
        except Rejection as found:
            made.dead_letters.append(
                DeadLetter.of(record.message, "transform", found.code, found.reason, False)
            )
    return made
