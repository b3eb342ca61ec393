"""What the mapping needs of the row encoder: a row's identity, wire bytes and operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from connectors.records import Operation

# (identity of the primary key, the row's bytes in a request, its operation)
Encoded = tuple[bytes, bytes, Operation]
# Name and type of columns.
Columns = Sequence[tuple[str, str]]
# From the values of one row to the row; raises the encoder's `error`.
Encode = Callable[..., Encoded]
# Of one shard: its number, then the identities of its rows, the rows end to end, their sizes, their
# operations and their positions among the rows that were given.
ShardRows = tuple[int, list[bytes], bytes, list[int], list[Operation], list[int]]
# From the encoder of all rows or those of each, what leads the values of each row, the other
# values, the seed of the hash of identities and the number of shards, to the rows of each shard.
ByShard = Callable[
    [Encode | list[Encode], Sequence[tuple[Any, ...]] | None, Sequence[Sequence[Any]], int, int],
    list[ShardRows],
]


class Encoder(Protocol):
    """The PlainBuffer encoder; its methods raise `error` for a value that no table takes."""

    # The value of a key column that the service chooses.
    generated: Any
    # Encodes many rows and divides them by shard in one call; None where there is no such function.
    by_shard: ByShard | None

    @property
    def error(self) -> type[Exception]:
        """The encoder's exception; its arguments begin with a short code and a text."""
        ...

    def compile_row(
        self,
        operation: Operation,
        primary_key: Columns,
        columns: Columns,
        deleted: Sequence[str] = (),
        *,
        versioned: bool = False,
    ) -> Callable[..., Encoded]:
        """A function of the key's and columns' values, made for these names and types.

        With `versioned`, the version comes first. A key column of type auto_increment takes an
        integer, or `generated`.
        """
        ...

    def row(
        self,
        operation: Operation,
        primary_key: Sequence[tuple[str, Any]],
        columns: Sequence[tuple[str, Any]] = (),
        deleted: Sequence[str] = (),
        version: int | None = None,
    ) -> Encoded:
        """One row, without compiling anything, with cells of a version and columns to delete."""
        ...
