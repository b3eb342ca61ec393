"""The encoder as the mapping uses it: a row's identity, and its part of the request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from connectors.records import Batch, rows_of
from connectors.tablestore import plainbuffer
from connectors.tablestore.plainbuffer import Cell, WireType
from connectors.tablestore.plainbuffer_frames import CONDITION_IGNORE


class RowEncoder:
    """Puts as (identity, wire); raises `refused` for what a table does not take."""

    refused = plainbuffer.Refused

    def compile_put(
        self, primary_key: Sequence[tuple[str, str]], columns: Sequence[tuple[str, str]]
    ) -> Callable[..., tuple[bytes, bytes]]:
        """A function of the key's and columns' values, made for these names and types."""
        return plainbuffer.compile_put(
            cast(Sequence[tuple[str, WireType]], primary_key),
            cast(Sequence[tuple[str, WireType]], columns),
        )

    def put(
        self, primary_key: Sequence[tuple[str, Any]], columns: Sequence[tuple[str, Any]]
    ) -> tuple[bytes, bytes]:
        """One row, without compiling anything."""
        cells = [Cell(name, value) for name, value in columns]
        plainbuffer.check_row("put", primary_key, cells)
        # A row of the key alone is header, tag, the key's cells, and the row's checksum.
        identity = plainbuffer.encode_row("put", primary_key, ())[5:-2]
        return identity, plainbuffer.wire_row(
            "put", plainbuffer.encode_row("put", primary_key, cells)
        )


# Condition{row_existence: EXPECT_NOT_EXIST}, in the place and length of CONDITION_IGNORE.
_EXPECT_NONE = CONDITION_IGNORE[:-1] + b"\x02"


def expecting_none(batch: Batch) -> Batch:
    """The same rows, each written only where the table has no row of its key."""
    segments, dead = batch
    end = len(CONDITION_IGNORE)
    return [
        (
            *(table, topic, partition, identities),
            b"".join([row.wire[:-end] + _EXPECT_NONE for row in rows_of(segment)]),
            offsets,
            originals,
        )
        for segment in segments
        for table, topic, partition, identities, _, offsets, originals in (segment,)
    ], dead
