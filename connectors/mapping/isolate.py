"""The last fence: what nobody foresaw about a record rejects that record, and ends nothing.

Every way of the mapping has its own reasons for what it refuses, and tests hold that nothing else
is raised. Should something be raised all the same, in the one run where it matters, then the chunk
is mapped again record by record, and only the record that raises it is set aside.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path

from connectors.records import (
    Batch,
    DeadLetter,
    Record,
    RecordChunk,
    Records,
    original,
)

log = logging.getLogger("sync")
Mapped = list[tuple[str, Batch]]


def fenced(
    map_chunk: Callable[[Records], Mapped], shard_names: list[str], keep_original: bool
) -> Callable[[Records], Mapped]:
    """The mapping of a chunk that raises nothing but that memory is at its end."""

    def one(record: Record) -> Mapped:
        try:
            return map_chunk(RecordChunk(record.topic, record.partition, [record], []))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary that this file is
            last = traceback.extract_tb(error.__traceback__)[-1]
            dead_letter = DeadLetter(
                record.topic,
                record.partition,
                record.offset,
                "map",
                "map_failed",
                f"nobody foresaw this record: {type(error).__name__} at "
                f"{Path(last.filename).name}:{last.lineno}; please report it",
                original(record.message) if keep_original else None,
            )
            name = shard_names[record.partition % len(shard_names)]
            return [(name, ([], [dead_letter]))]

    def whole(chunk: Records) -> Mapped:
        try:
            return map_chunk(chunk)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - as above
            log.warning("a chunk of topic %s is mapped record by record", chunk.topic)
        dead = RecordChunk(chunk.topic, chunk.partition, [], list(chunk.dead))
        made = map_chunk(dead) if dead.dead else []
        for record in chunk.records:
            made += one(record)
        return made

    return whole
