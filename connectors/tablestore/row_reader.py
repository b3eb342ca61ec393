"""Reads encoded rows and points back, as they go on the wire: the inverse of the encoders.

What a row holds is read from its bytes, so that a preview shows what would be written, whichever
code has encoded it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

from connectors.records import Row
from connectors.tablestore.plainbuffer.varint import read_varint

_TYPES = {0: "integer", 1: "double", 2: "boolean", 3: "string", 7: "binary", 11: "auto_increment"}
_CELL_OPERATIONS = {1: "delete_all", 3: "delete_one", 4: "increment"}
# The sizes that the service counts for values of fixed size [limits].
_SIZES = {"integer": 8, "double": 8, "boolean": 1, "auto_increment": 8}

Value = int | float | bool | str | bytes | None


class ReadCell(NamedTuple):
    """A key column, an attribute column, or a tag or field of a point."""

    name: str
    type: str
    """string, integer, double, boolean or binary; auto_increment; time; empty for a delete."""
    value: Value
    operation: str = "put"
    version: int | None = None
    """ms since 1970."""

    @property
    def size(self) -> int:
        """The bytes of name and value, as the service counts them."""
        value = self.value
        if isinstance(value, str):
            return len(self.name.encode()) + len(value.encode())
        if isinstance(value, bytes):
            return len(self.name.encode()) + len(value)
        return len(self.name.encode()) + _SIZES.get(self.type, 0)


class ReadRow(NamedTuple):
    """A row or a point as it would be written."""

    kind: Literal["row", "point"]
    key: list[ReadCell]
    """Key columns in order; of a point its measurement, data source, tags and time."""
    columns: list[ReadCell]

    @property
    def size(self) -> int:
        """The bytes of all names and values of the row."""
        return sum(cell.size for cell in (*self.key, *self.columns))


def read_row(row: Row, is_point: bool) -> ReadRow:
    """What an encoded row of a wide-column table, or a point, holds."""
    content = _content(row.wire)
    return _read_point(content) if is_point else _read_plainbuffer(_row_change(content))


def _content(wire: bytes) -> bytes:
    length, start = read_varint(wire, 1)
    return wire[start : start + length]


def _row_change(content: bytes) -> bytes:
    """The PlainBuffer in a row of a BatchWriteRow request: its field 2."""
    for number, value in _fields(content):
        if number == 2 and isinstance(value, bytes):
            return value
    raise ValueError("a row without a change")


def _read_plainbuffer(data: bytes) -> ReadRow:
    """A row of plainbuffer/encode.py, which has the format."""
    key: list[ReadCell] = []
    columns: list[ReadCell] = []
    target, at = key, 4
    while at < len(data):
        tag = data[at]
        at += 1
        if tag == 2:
            target = columns
        elif tag == 3:
            cell, at = _read_cell(data, at)
            target.append(cell)
        elif tag == 9:
            at += 1
    return ReadRow("row", key, columns)


def _read_cell(data: bytes, at: int) -> tuple[ReadCell, int]:
    name, operation, version = "", "put", None
    value_type, value = "", None
    while True:
        tag = data[at]
        at += 1
        if tag == 4:
            size = int.from_bytes(data[at : at + 4], "little")
            name, at = data[at + 4 : at + 4 + size].decode(), at + 4 + size
        elif tag == 5:
            size = int.from_bytes(data[at : at + 4], "little")
            value_type, value = _read_value(data[at + 4 : at + 4 + size])
            at += 4 + size
        elif tag == 6:
            operation, at = _CELL_OPERATIONS[data[at]], at + 1
        elif tag == 7:
            version, at = int(struct.unpack_from("<q", data, at)[0]), at + 8
        else:  # its checksum ends it
            return ReadCell(name, value_type, value, operation, version), at + 1


def _read_value(data: bytes) -> tuple[str, Value]:
    value_type = _TYPES[data[0]]
    value: Value = None
    if value_type == "integer":
        value = int(struct.unpack_from("<q", data, 1)[0])
    elif value_type == "double":
        value = float(struct.unpack_from("<d", data, 1)[0])
    elif value_type == "boolean":
        value = bool(data[1])
    elif value_type in ("string", "binary"):
        value = data[5:].decode() if value_type == "string" else data[5:]
    return value_type, value


def _read_point(content: bytes) -> ReadRow:
    """A point of timeseries/protobuf.py, which has the schema."""
    key: list[ReadCell] = []
    columns: list[ReadCell] = []
    for number, value in _fields(content):
        if number == 1 and isinstance(value, bytes):
            key += _read_series(value)
        elif number == 2:
            key.append(ReadCell("_time", "time", _signed(value)))
        elif number == 3 and isinstance(value, bytes):
            columns.append(_read_field(value))
    return ReadRow("point", key, columns)


def _read_series(data: bytes) -> Iterator[ReadCell]:
    names = {1: "_m_name", 2: "_data_source"}
    for number, value in _fields(data):
        if not isinstance(value, bytes):
            continue
        if number in names:
            yield ReadCell(names[number], "string", value.decode())
        else:
            name, text = (text.decode() for _, text in _fields(value) if isinstance(text, bytes))
            yield ReadCell(name, "string", text)


def _read_field(data: bytes) -> ReadCell:
    name = ""
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            name = value.decode()
        elif number == 2:
            return ReadCell(name, "integer", _signed(value))
        elif number == 3 and isinstance(value, bytes):
            return ReadCell(name, "string", value.decode())
        elif number == 4:
            return ReadCell(name, "boolean", bool(value))
        elif number == 5 and isinstance(value, bytes):
            return ReadCell(name, "double", float(struct.unpack("<d", value)[0]))
        elif number == 6 and isinstance(value, bytes):
            return ReadCell(name, "binary", value)
    return ReadCell(name, "", None)


def _signed(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes in place of a number")
    return value - (1 << 64) if value >> 63 else value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protobuf message: a number, or bytes."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 0:
            number, at = read_varint(data, at)
            yield tag >> 3, number
        else:
            size, at = (8, at) if tag & 7 == 1 else read_varint(data, at)
            yield tag >> 3, data[at : at + size]
            at += size
