"""The encoder as the mapping uses it: a row's identity, and its part of the request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from connectors.tablestore import plainbuffer
from connectors.tablestore.plainbuffer import Cell, WireType


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
