"""The compiled encoder of rows, where it was built: the rows of codegen.py's functions, faster.

`_accelerator.pyx` is compiled where a C compiler is: by the commands of a checkout, in the wheel
and in the image. Without it, or with TABLESTORE_SYNC_ACCELERATOR=off in the environment, nothing
changes but the speed. The generated functions are its oracle: each row is theirs byte for byte, and
each row that it does not accept is given to them. Figures, and the choice of the tool:
docs/decisions/accelerator.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, cast

from connectors.records import Operation
from connectors.settings.tablestore_limits import (
    MAX_KEY_VALUE_BYTES,
    MAX_ROW_BYTES,
    MAX_VALUE_BYTES,
)
from connectors.tablestore.plainbuffer import batch_write_row, codegen
from connectors.tablestore.plainbuffer.cell_cache import EncodedColumn
from connectors.tablestore.plainbuffer.cells import AUTO_INCREMENT, EncodingError, WireType
from connectors.tablestore.plainbuffer.codegen import PutEncoder
from connectors.tablestore.plainbuffer.row_source import Layout, deleted_cells

try:
    from connectors.tablestore.plainbuffer import _accelerator
except ImportError:
    BUILT = False
else:
    BUILT = True

VARIABLE = "TABLESTORE_SYNC_ACCELERATOR"
"""`off` in this environment variable: the compiled encoder is not used."""

# The kinds of cells as _accelerator.pyx numbers them, with the byte of the type.
_KINDS: dict[WireType, tuple[int, bytes]] = {
    "integer": (0, b"\x00"),
    "double": (1, b"\x01"),
    "boolean": (2, b"\x02"),
    "string": (3, b"\x03"),
    "binary": (4, b"\x07"),
    "generated": (5, b"\x0b"),
}


_Encode = Callable[..., tuple[bytes, bytes, Operation]]
_ShardRows = tuple[int, list[bytes], bytes, list[int], list[Operation], list[int]]
ByShard = Callable[
    [_Encode | list[_Encode], Sequence[tuple[Any, ...]] | None, Sequence[Sequence[Any]], int, int],
    list[_ShardRows],
]
"""Of the encoder of all rows or those of each, what leads the values of each row, the other values,
the seed of the hash and the number of shards: shard, identities, rows end to end, their sizes,
their operations and their positions, of each shard that has rows."""


def in_use() -> bool:
    """Whether rows are encoded by compiled code."""
    return BUILT and os.environ.get(VARIABLE, "").lower() != "off"


def compile_put(
    primary_key: Sequence[tuple[str, WireType]],
    columns: Sequence[tuple[str, WireType]],
    operation: Operation = "put",
    deleted: Sequence[str] = (),
    *,
    versioned: bool = False,
) -> PutEncoder:
    """Return an encoder as `codegen.compile_put` does: compiled where it can be."""
    layout = codegen.layout_of(primary_key, columns, operation, deleted, versioned=versioned)
    return encoder_of(layout) if in_use() else codegen.generated(layout)


def by_shard() -> ByShard | None:
    """Return the function that encodes many rows and divides them by shard, where it can be used.

    Its shards are those of zlib's CRC-32 of the identities, from a seed.
    """
    return _accelerator.encode_by_shard if in_use() else None


def encoder_of(layout: Layout) -> PutEncoder:
    """Return the compiled encoder of a layout; `_accelerator` has to be there."""
    cells, checksums = deleted_cells(layout)
    made = _accelerator.RowEncoder(
        [_column(column) for column in layout.columns],
        sum(column.key for column in layout.columns),
        layout.operation,
        batch_write_row.OPERATION_NUMBERS[layout.operation],
        AUTO_INCREMENT,
        versioned=layout.versioned,
        deleted=cells,
        deleted_checksums=checksums,
        condition=batch_write_row.CONDITION_IGNORE,
        max_row=MAX_ROW_BYTES,
        otherwise=_Generated(layout),
        error=EncodingError,
    )
    return cast(PutEncoder, made)


def _column(column: EncodedColumn) -> tuple[int, bytes, int, int]:
    kind, typed = _KINDS[column.wire_type]
    max_bytes = MAX_KEY_VALUE_BYTES if column.key else MAX_VALUE_BYTES
    return kind, column.start, column.seed(typed), max_bytes


class _Generated:
    """The generated function of a layout, made when it is called first."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._function: PutEncoder | None = None

    def __call__(self, *values: object) -> tuple[bytes, bytes, Operation]:
        """Return the row as the generated function does."""
        if self._function is None:
            self._function = codegen.generated(self._layout)
        return self._function(*values)
