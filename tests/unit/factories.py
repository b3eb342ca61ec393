"""Short ways to the values that the tests of the core need again and again."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from connectors.records import (
    Batch,
    Chunk,
    DeadLetter,
    PlainMessage,
    Record,
    RecordChunk,
    Row,
    Segment,
)
from connectors.run.context import Run
from connectors.settings import Settings

CANARY = "cAnArY7f3a"
"""A text that must never show up where it does not belong."""


def settings(**sections: Any) -> Settings:
    """Settings of topic `orders`, with the given sections; the environment is not looked at."""
    kafka = {"topics": ["orders"], **sections.pop("kafka", {})}
    if "topics_pattern" in kafka:
        del kafka["topics"]
    return Settings.model_validate({"kafka": kafka, **sections})


def new_run(**sections: Mapping[str, Any]) -> Run:
    """A run without a recovery folder."""
    return Run("sync", settings(**sections), None)


def record(
    value: Any, key: Any = None, *, topic: str = "orders", partition: int = 0, offset: int = 0
) -> Record:
    """A decoded record."""
    return Record(PlainMessage(topic, partition, offset), value, key)


def record_chunk(
    values: Iterable[Any],
    *,
    topic: str = "orders",
    partition: int = 0,
    dead: Iterable[DeadLetter] = (),
) -> RecordChunk:
    """Decoded records of one partition, at the offsets 0, 1, 2, ..."""
    records = [
        record(value, topic=topic, partition=partition, offset=offset)
        for offset, value in enumerate(values)
    ]
    return RecordChunk(topic, partition, records, list(dead))


def message_chunk(
    values: Iterable[bytes | None],
    *,
    keys: Iterable[bytes | None] | None = None,
    topic: str = "orders",
    partition: int = 0,
) -> Chunk:
    """Messages of one partition, at the offsets 0, 1, 2, ..."""
    all_values = list(values)
    all_keys = [None] * len(all_values) if keys is None else list(keys)
    messages = [
        PlainMessage(topic, partition, offset, key=key, value=value)
        for offset, (key, value) in enumerate(zip(all_keys, all_values, strict=True))
    ]
    return Chunk(topic, partition, messages)


def wire_of(size: int) -> bytes:
    """A row's part of a request, at least 2 bytes: a tag, the length of what follows, and that."""
    if size < 130:
        return b"\x12%c" % (size - 2) + b"x" * (size - 2)
    length = size - 4
    return b"\x12%c%c%c" % (length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14) + (
        b"x" * length
    )


def row(
    key: str,
    wire: bytes = b"\x12\x03row",
    *,
    table: str = "orders",
    partition: int = 0,
    offset: int = 0,
) -> Row:
    """An encoded row; `wire` is what the fake service looks at."""
    return Row(key.encode(), wire, "put", table, "orders", partition, offset, None)


def segments(rows: Iterable[Row]) -> list[Segment]:
    """The rows as they travel, in their order: neighbours of one table and partition together."""
    made: list[Segment] = []
    for place, group in groupby(rows, key=lambda row: (row.table, row.topic, row.partition)):
        members = list(group)
        made.append(
            Segment(
                *place,
                [row.identity for row in members],
                b"".join(row.wire for row in members),
                [row.offset for row in members],
                [],
                [len(row.wire) for row in members],
                [row.operation for row in members]
                if any(row.operation != "put" for row in members)
                else [],
            )
        )
    return made


def batch(rows: Iterable[Row] = (), dead: Iterable[DeadLetter] = ()) -> Batch:
    """What is handed to a window, and by it to the sink."""
    return segments(rows), list(dead)


def rows_in(batches: Iterable[Batch]) -> list[Row]:
    """The rows of batches, in order."""
    return [row for parts, _ in batches for part in parts for row in part.rows()]


def dead_in(batches: Iterable[Batch]) -> list[DeadLetter]:
    """The dead letters of batches, in order."""
    return [dead_letter for _, dead in batches for dead_letter in dead]


def dead_letter(offset: int, *, partition: int = 0, code: str = "json_invalid") -> DeadLetter:
    """A record that was not decoded."""
    return DeadLetter("orders", partition, offset, "decode", code, "the value is not JSON")
