"""The encoder as the mapping uses it: a row's identity, and its part of the request."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, cast

from connectors.records import Batch, Operation, Segment
from connectors.tablestore.plainbuffer import encode as plainbuffer
from connectors.tablestore.plainbuffer.batch_write_row import CONDITION_IGNORE
from connectors.tablestore.plainbuffer.encode import AUTO_INCREMENT, Cell, WireType
from connectors.tablestore.plainbuffer.limits import RowKind


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
    ) -> Callable[..., tuple[bytes, bytes, Operation]]:
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
    ) -> tuple[bytes, bytes, Operation]:
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
        row = plainbuffer.encode_row(kind, primary_key, cells)
        return identity, plainbuffer.wire_row(kind, row), kind


# Condition{row_existence: EXPECT_NOT_EXIST}, in the place and length of CONDITION_IGNORE.
_EXPECT_NONE = CONDITION_IGNORE[:-1] + b"\x02"


def expecting_none(batch: Batch) -> tuple[Batch, int]:
    """The puts of a batch, each written only where the table has no row of its key.

    And how many other rows there were: a delete has no meaning where there must be no row.
    """
    segments, dead = batch
    kept: list[Segment] = []
    skipped = 0
    for segment in segments:
        rows = segment.rows()
        puts = [at for at, row in enumerate(rows) if row.operation == "put"]
        skipped += len(rows) - len(puts)
        if puts:
            kept.append(
                segment._replace(
                    identities=[segment.identities[at] for at in puts if segment.identities],
                    wire=b"".join(
                        [rows[at].wire[: -len(CONDITION_IGNORE)] + _EXPECT_NONE for at in puts]
                    ),
                    offsets=[segment.offsets[at] for at in puts],
                    originals=[segment.originals[at] for at in puts if segment.originals],
                    sizes=[segment.sizes[at] for at in puts],
                    operations=[],
                )
            )
    return (kept, dead), skipped
