"""The encoder as the mapping uses it: a row's identity, and its part of the request."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, cast

from connectors.records import Batch, Segment, rows_of
from connectors.tablestore import plainbuffer
from connectors.tablestore.plainbuffer import AUTO_INCREMENT, Cell, WireType
from connectors.tablestore.plainbuffer_frames import CONDITION_IGNORE, kind_of
from connectors.tablestore.plainbuffer_limits import RowKind


class RowEncoder:
    """Rows as (identity, wire); raises `refused` for what a table does not take.

    Rows of one primary key have one identity, whatever is done to them. A row whose key the service
    completes is one of its own, so it has an identity that no other row has.
    """

    refused = plainbuffer.Refused
    generated = AUTO_INCREMENT

    def __init__(self) -> None:
        # Rows of earlier runs may still wait beside new ones.
        self._run = os.urandom(8)
        self._generated = count()

    def compile_row(
        self,
        kind: RowKind,
        primary_key: Sequence[tuple[str, str]],
        columns: Sequence[tuple[str, str]],
    ) -> Callable[..., tuple[bytes, bytes]]:
        """A function of the key's and columns' values, made for these names and types."""
        return plainbuffer.compile_put(
            cast(Sequence[tuple[str, WireType]], primary_key),
            cast(Sequence[tuple[str, WireType]], columns),
            kind,
        )

    def row(
        self,
        kind: RowKind,
        primary_key: Sequence[tuple[str, Any]],
        columns: Sequence[tuple[str, Any]] = (),
        deleted: Sequence[str] = (),
        version: int | None = None,
    ) -> tuple[bytes, bytes]:
        """One row, without compiling anything. An update deletes the columns `deleted`."""
        cells = [Cell(name, value, "put", version) for name, value in columns]
        generated = any(value is AUTO_INCREMENT for _, value in primary_key)
        if generated and kind == "update":
            kind = "put"  # there is nothing yet that it could leave as it is
        elif deleted:
            cells += [Cell(name, None, "delete_all") for name in deleted]
        plainbuffer.check_row(kind, primary_key, cells)
        # A row of the key alone is header, tag, the key's cells, and the row's checksum.
        identity = plainbuffer.encode_row("put", primary_key, ())[5:-2]
        if generated:
            identity += self._run + b"%d" % next(self._generated)
        return identity, plainbuffer.wire_row(
            kind, plainbuffer.encode_row(kind, primary_key, cells)
        )


# Condition{row_existence: EXPECT_NOT_EXIST}, in the place and length of CONDITION_IGNORE.
_EXPECT_NONE = CONDITION_IGNORE[:-1] + b"\x02"


def expecting_none(batch: Batch) -> tuple[Batch, int]:
    """The puts of a batch, each written only where the table has no row of its key.

    And how many other rows there were: a delete has no meaning where there must be no row.
    """
    segments, dead = batch
    end = len(CONDITION_IGNORE)
    kept: list[Segment] = []
    skipped = 0
    for segment in segments:
        table, topic, partition, identities, _, offsets, originals = segment
        rows = rows_of(segment)
        puts = [at for at, row in enumerate(rows) if kind_of(row.wire) == "put"]
        skipped += len(rows) - len(puts)
        if puts:
            kept.append(
                (
                    *(table, topic, partition, [identities[at] for at in puts if identities]),
                    b"".join([rows[at].wire[:-end] + _EXPECT_NONE for at in puts]),
                    [offsets[at] for at in puts],
                    [originals[at] for at in puts if originals],
                )
            )
    return (kept, dead), skipped
