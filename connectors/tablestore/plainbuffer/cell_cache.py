"""What row encoders keep between rows: how cells begin, and whole cells of common strings.

All of it depends only on a column and a value, or on a size. What grows with the data is bounded by
one budget of all encoders together.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from fastcrc.crc8 import smbus as crc8

from connectors.records import Operation
from connectors.tablestore.plainbuffer.batch_write_row import row_head
from connectors.tablestore.plainbuffer.cells import WireType
from connectors.tablestore.plainbuffer.limits import check_length, check_row_bytes

_MAX_VALUES = 256  # remembered for a column
_MAX_CHARACTERS = 64  # longer values seldom occur twice
_MAX_LENGTHS = 1024  # of strings and binaries, remembered for a column
_MAX_ROW_SIZE = 16384  # the sizes whose varint has at most two bytes
_BUDGET = 100_000  # values and lengths remembered by all encoders together, about 25 MB

int32 = struct.Struct("<i").pack
# The end of a cell, by its checksum.
CELL_ENDS = tuple(b"\x0a%c" % checksum for checksum in range(256))


@lru_cache(maxsize=256)
def after_version(checksum: int) -> bytes:
    """The checksums of cells behind a version with this checksum, by those before it.

    CRC is linear, so one checksum of the version serves all cells of its row.
    """
    return bytes(crc8(bytes(8), before) ^ checksum for before in range(256))


class EncodedColumn(NamedTuple):
    """One column of a generated encoder."""

    label: str
    """The argument's name in the source."""
    name: str
    wire_type: WireType
    key: bool
    """Whether it is a key column, else an attribute column."""
    lead: bytes
    """The tag before the first attribute column, else nothing."""
    versioned: bool = False
    """Whether its cells end with a version."""

    @property
    def start(self) -> bytes:
        """The cell up to the value's length."""
        encoded = self.name.encode()
        return self.lead + b"\x03\x04" + int32(len(encoded)) + encoded + b"\x05"

    def seed(self, typed: bytes) -> int:
        """Return the checksum of the name and of the bytes between it and the value."""
        return crc8(typed, crc8(self.name.encode(), 0))


class Budget:
    """How many entries all encoders together may still remember: tables may be many."""

    left = _BUDGET

    @classmethod
    def take(cls) -> bool:
        """Take one entry. False when none is left."""
        if cls.left <= 0:
            return False
        cls.left -= 1
        return True


class CellStarts:
    """How the cells of a string or binary column begin, by the length of the value."""

    def __init__(self, column: EncodedColumn) -> None:
        self._column = column
        self._type_byte = b"\x03" if column.wire_type == "string" else b"\x07"
        self.known: dict[int, tuple[bytes, int]] = {}

    def start(self, length: int) -> tuple[bytes, int]:
        """Return what precedes the value's bytes, and its checksum. Raises EncodingError."""
        column = self._column
        check_length(column.name, length, key=column.key)
        typed = self._type_byte + int32(length)
        made = column.start + int32(length + 5) + typed, column.seed(typed)
        if length < _MAX_LENGTHS and Budget.take():
            self.known[length] = made
        return made


@lru_cache(maxsize=1024)
def _shared_starts(column: EncodedColumn) -> CellStarts:
    return CellStarts(column)


def cell_starts(column: EncodedColumn) -> CellStarts:
    """Return the starts of a column's cells, shared by all encoders that have the column."""
    return _shared_starts(column._replace(label="", versioned=False))


class ValueCells:
    """The cells of common values of a string column, as (cell, checksum, length)."""

    def __init__(
        self, column: EncodedColumn, max_misses: int, on_too_many_misses: Callable[[], None]
    ) -> None:
        """Begin with no cells. A miss is a value that is not remembered."""
        self._starts = cell_starts(column)
        # A version stands between a value and the end of its cell.
        self._ends = (b"",) * 256 if column.versioned else CELL_ENDS
        self._max_misses = max_misses
        self._on_too_many_misses = on_too_many_misses
        self.misses = 0
        self.cells: dict[str, tuple[bytes, int, int]] = {}

    def forget(self) -> None:
        """Drop all cells, and count from zero again."""
        Budget.left += len(self.cells)
        self.cells.clear()
        self.misses = 0

    def learn(self, value: str) -> tuple[bytes, int, int]:
        """Return the cell of a value that is not remembered."""
        data = value.encode()
        length = len(data)
        before, seed = self._starts.known.get(length) or self._starts.start(length)
        checksum = crc8(data, seed)
        made = before + data + self._ends[checksum], checksum, length
        self.misses += 1
        if self.misses > self._max_misses:
            self._on_too_many_misses()
        elif len(value) <= _MAX_CHARACTERS and len(self.cells) < _MAX_VALUES and Budget.take():
            self.cells[value] = made
        return made


class RowHeads:
    """What precedes the key of a row, by the row's size; all encoders share it."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self.known: dict[int, bytes] = {}

    def head(self, size: int) -> bytes:
        """Return everything before the key. Raises EncodingError when the row is too large."""
        check_row_bytes(size)
        made = row_head(self._operation, size) + b"\x75\x00\x00\x00\x01"
        if size < _MAX_ROW_SIZE:
            self.known[size] = made
        return made


ROW_HEADS: dict[Operation, RowHeads] = {
    "put": RowHeads("put"),
    "update": RowHeads("update"),
    "delete": RowHeads("delete"),
}
