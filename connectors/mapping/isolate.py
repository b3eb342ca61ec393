"""Isolates unexpected exceptions of the mapping: they reject one record, and end nothing.

The mapping has its own reasons for what it rejects, and tests hold that nothing else is raised.
Should something be raised all the same, the chunk is mapped again record by record, and only the
record that raises it becomes a dead letter (code map_failed).
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path

from connectors.records import (
    Batch,
    DeadLetter,
    DecodedChunk,
    Record,
    RecordChunk,
    original,
)

log = logging.getLogger("sync")
Mapped = list[tuple[str, Batch]]


def isolated(
    map_chunk: Callable[[DecodedChunk], Mapped], shard_names: list[str], keep_original: bool
) -> Callable[[DecodedChunk], Mapped]:
    """The mapping of a chunk, which raises nothing but MemoryError."""

    def map_one(record: Record) -> Mapped:
        try:
            return map_chunk(RecordChunk(record.topic, record.partition, [record], []))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - this file is the boundary
            last = traceback.extract_tb(error.__traceback__)[-1]
            dead_letter = DeadLetter(
                record.topic,
                record.partition,
                record.offset,
                "map",
                "map_failed",
                f"unexpected {type(error).__name__} at {Path(last.filename).name}:{last.lineno} "
                "while mapping; please report this as a bug",
                original(record.message) if keep_original else None,
            )
            name = shard_names[record.partition % len(shard_names)]
            return [(name, ([], [dead_letter]))]

    def map_whole(chunk: DecodedChunk) -> Mapped:
        try:
            return map_chunk(chunk)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - as above
            log.warning("a chunk of topic %s is mapped record by record", chunk.topic)
        rejected = RecordChunk(chunk.topic, chunk.partition, [], list(chunk.dead_letters))
        made = map_chunk(rejected) if rejected.dead_letters else []
        for record in chunk.records:
            made += map_one(record)
        return made

    return map_whole
