"""What a dry run of a replay prints, a line a record."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from connectors.records import Batch, Chunk, Original, original


def preview_messages(chunk: Chunk, payload: bool = False) -> Iterator[str]:
    """A line for each message that would be sent back; with `payload` also key and value."""
    for message in chunk.messages:
        bytes_of = original(message) if payload else None
        yield (
            f"would send: topic {chunk.topic} partition {chunk.partition}: the record that was at "
            f"offset {message.offset()}{_payload(bytes_of)}"
        )


def preview_rows(batch: Batch, payload: bool = False) -> Iterator[str]:
    """A line for each record: the table of its row, or the reason of its rejection.

    With `payload` also key and value of the record.
    """
    segments, dead_letters = batch
    for row in chain.from_iterable(segment.rows() for segment in segments):
        yield (
            f"would write: topic {row.topic} partition {row.partition} offset {row.offset} "
            f"to table {row.table} ({len(row.wire)} bytes)"
            f"{_payload(row.original if payload else None)}"
        )
    for dead_letter in dead_letters:
        yield (
            f"would reject: {dead_letter.coordinates}: {dead_letter.stage}, "
            f"{dead_letter.code}: {dead_letter.reason}"
            f"{_payload(dead_letter.original if payload else None)}"
        )


def _payload(record: Original | None) -> str:
    return "" if record is None else f" [key {record[1]!r}, value {record[2]!r}]"
