"""The encoder as the mapping uses it: a row's identity, its part of the request, its operation."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, cast

from connectors.records import Batch, Operation, Segment
from connectors.tablestore.plainbuffer import accelerated
from connectors.tablestore.plainbuffer import encode as plainbuffer
from connectors.tablestore.plainbuffer.batch_write_row import expect_not_exist
from connectors.tablestore.plainbuffer.encode import AUTO_INCREMENT, Cell, EncodingError, WireType


class RowEncoder:
    """Encodes rows as (identity, wire, operation); raises `error` for what no table takes.

    All rows of one primary key have the same identity, whatever their operation. A row whose key
    the service completes is a new row each time, so it has an identity that no other row has.
    """

    error = EncodingError
    generated = AUTO_INCREMENT

    def __init__(self) -> None:
        """Make one that uses compiled code where it is."""
        self.by_shard = accelerated.by_shard()
        # Rows of earlier runs may still wait with new ones.
        self._run = os.urandom(8)
        self._generated = count()

    def compile_row(
        self,
        operation: Operation,
        primary_key: Sequence[tuple[str, str]],
        columns: Sequence[tuple[str, str]],
        deleted: Sequence[str] = (),
        *,
        versioned: bool = False,
    ) -> Callable[..., tuple[bytes, bytes, Operation]]:
        """A function of the values of these (name, type): of the key, then of the columns.

        With `versioned`, the version comes before them. A key column of type auto_increment takes
        an integer, or `generated`.
        """
        keys = cast(Sequence[tuple[str, WireType]], primary_key)
        given = cast(Sequence[tuple[str, WireType]], columns)
        names = [name for name, wire_type in primary_key if wire_type == "auto_increment"]
        encode = plainbuffer.compile_put(
            _typed(keys, "integer"), given, operation, deleted, versioned=versioned
        )
        if not names:
            return encode
        # There is nothing yet that an update could leave as it is, and no column to delete.
        new: Operation = "put" if operation == "update" else operation
        made = plainbuffer.compile_put(_typed(keys, "generated"), given, new, versioned=versioned)
        at = [name for name, _ in primary_key].index(names[0]) + versioned

        def encode_any(*values: Any) -> tuple[bytes, bytes, Operation]:
            if values[at] is not AUTO_INCREMENT:
                return encode(*values)
            identity, wire, operation = made(*values)
            return self._unique(identity), wire, operation

        return encode_any

    def _unique(self, identity: bytes) -> bytes:
        return identity + self._run + b"%d" % next(self._generated)

    def row(
        self,
        operation: Operation,
        primary_key: Sequence[tuple[str, Any]],
        columns: Sequence[tuple[str, Any]] = (),
        deleted: Sequence[str] = (),
        version: int | None = None,
    ) -> tuple[bytes, bytes, Operation]:
        """One row, encoded without a compiled function. An update deletes the columns `deleted`."""
        cells = [Cell(name, value, "put", version) for name, value in columns]
        generated = any(value is AUTO_INCREMENT for _, value in primary_key)
        if generated and operation == "update":
            operation = "put"  # there is no row yet whose columns it could keep
        elif deleted:
            cells += [Cell(name, None, "delete_all") for name in deleted]
        plainbuffer.check_row(operation, primary_key, cells)
        identity = plainbuffer.encode_key(primary_key)
        if generated:
            identity = self._unique(identity)
        row = plainbuffer.encode_row(operation, primary_key, cells)
        return identity, plainbuffer.wire_row(operation, row), operation


def _typed(
    primary_key: Sequence[tuple[str, WireType]], automatic: WireType
) -> list[tuple[str, WireType]]:
    """The key columns, with a type for the one of type auto_increment."""
    return [
        (name, automatic if str(wire_type) == "auto_increment" else wire_type)
        for name, wire_type in primary_key
    ]


def expecting_none(batch: Batch) -> tuple[Batch, int]:
    """The puts of a batch, each written only where the table has no row of its key.

    Also returns how many other rows there were: a delete means nothing where there is no row.
    """
    segments, dead_letters = batch
    kept: list[Segment] = []
    skipped = 0
    for segment in segments:
        rows = segment.rows()
        puts = [index for index, row in enumerate(rows) if row.operation == "put"]
        skipped += len(rows) - len(puts)
        if puts:
            kept.append(
                segment._replace(
                    identities=[segment.identities[index] for index in puts if segment.identities],
                    wire=b"".join([expect_not_exist(rows[index].wire) for index in puts]),
                    offsets=[segment.offsets[index] for index in puts],
                    originals=[segment.originals[index] for index in puts if segment.originals],
                    sizes=[segment.sizes[index] for index in puts],
                    operations=[],
                )
            )
    return (kept, dead_letters), skipped
