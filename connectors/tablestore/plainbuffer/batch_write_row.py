"""The protobuf frames around PlainBuffer rows: one row of a BatchWriteRow request, and the request.

Written by hand because the messages are three levels of "field, length, bytes": building them
through generated classes costs more than a third of the encoder, and copies every row once more.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.tablestore.plainbuffer.limits import RowKind

# RowInBatchWriteRowRequest: 1 operation, 2 row_change, 3 condition{1 row_existence: IGNORE}.
_OPERATION: dict[RowKind, bytes] = {
    "put": b"\x08\x01",
    "update": b"\x08\x02",
    "delete": b"\x08\x03",
}
CONDITION_IGNORE = b"\x1a\x02\x08\x00"


def varint(number: int) -> bytes:
    """Return a non-negative integer as a protobuf varint."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def row_head(kind: RowKind, size: int) -> bytes:
    """Return what precedes a row of `size` PlainBuffer bytes in its table's message."""
    inner = _OPERATION[kind] + b"\x12" + varint(size)
    return b"\x12" + varint(len(inner) + size + len(CONDITION_IGNORE)) + inner


def wire_row(kind: RowKind, row: bytes) -> bytes:
    """Return a row of `encode_row` as field 2 of TableInBatchWriteRowRequest, unconditional."""
    return b"".join((row_head(kind, len(row)), row, CONDITION_IGNORE))


def batch_body(tables: Iterable[tuple[str, Iterable[bytes]]]) -> bytes:
    """Return the body of a BatchWriteRow request of (table, wire rows) pairs, one pair a table."""
    parts: list[bytes] = []
    for table, rows in tables:
        name = table.encode()
        message = [b"\x0a", varint(len(name)), name, *rows]
        parts += (b"\x0a", varint(sum(map(len, message))), *message)
    return b"".join(parts)
