"""One row of a BatchWriteRow request [batch-write-row]: the frame around a PlainBuffer row.

Written by hand because the messages are three levels of "field, length, bytes": building them
through generated classes costs more than a third of the encoder, and copies every row once more.
"""

from __future__ import annotations

from connectors.records import Operation
from connectors.tablestore.plainbuffer.varint import varint

# RowInBatchWriteRowRequest{1 type, 2 row_change, 3 condition}.
OPERATION_NUMBERS: dict[Operation, int] = {"put": 1, "update": 2, "delete": 3}
# Condition{1 row_existence}: IGNORE is 0, EXPECT_NOT_EXIST is 2.
CONDITION_IGNORE = b"\x1a\x02\x08\x00"
_CONDITION_EXPECT_NOT_EXIST = b"\x1a\x02\x08\x02"


def row_head(operation: Operation, size: int) -> bytes:
    """Return what precedes a row of `size` PlainBuffer bytes in its table's message."""
    inner = b"\x08%c\x12" % OPERATION_NUMBERS[operation] + varint(size)
    return b"\x12" + varint(len(inner) + size + len(CONDITION_IGNORE)) + inner


def wire_row(operation: Operation, row: bytes) -> bytes:
    """Return a row of `encode_row` as field 2 of TableInBatchWriteRowRequest, unconditional."""
    return b"".join((row_head(operation, len(row)), row, CONDITION_IGNORE))


def expect_not_exist(wire: bytes) -> bytes:
    """Return a row of `wire_row` that is written only where the table has no row of its key."""
    return wire[: -len(CONDITION_IGNORE)] + _CONDITION_EXPECT_NOT_EXIST
