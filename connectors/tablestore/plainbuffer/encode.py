"""Tablestore rows as bytes: PlainBuffer [plainbuffer], the row format of wide-column requests.

    buffer = 0x75 as uint32, row
    row    = 01 cell* [02 cell*] [08] 09 crc8          01 key, 02 attributes, 08 deletes the row
    cell   = 03  04 int32 name  [05 int32 value]  [06 operation]  [07 int64 time in ms]  0A crc8
    value  = type byte, then int64 | float64 | one byte | int32 length and bytes

All integers are little-endian. A cell's checksum covers name, type byte and payload, time,
operation: the time comes *before* the operation there although it comes after it on the wire. A
row's checksum covers the checksums of its cells and then one byte, 1 for a deleted row and 0
otherwise.

`encode_row` takes any row; `compile_put` makes a function for the puts of one key and column set,
several times faster. Both give the bytes of the official SDK's encoder, which the tests assert.
Binary values are `bytes` here (the SDK writes `bytes` as a string and `bytearray` as binary).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache

from fastcrc.crc8 import smbus as crc8

from connectors.records import Operation
from connectors.tablestore.plainbuffer.accelerated import compile_put
from connectors.tablestore.plainbuffer.batch_write_row import wire_row
from connectors.tablestore.plainbuffer.cells import (
    AUTO_INCREMENT,
    AutoIncrement,
    Cell,
    CellValue,
    EncodingError,
    KeyValue,
    WireType,
)
from connectors.tablestore.plainbuffer.codegen import PutEncoder
from connectors.tablestore.plainbuffer.limits import check_row

__all__ = [
    "AUTO_INCREMENT",
    "AutoIncrement",
    "Cell",
    "EncodingError",
    "PutEncoder",
    "WireType",
    "check_row",
    "compile_put",
    "encode_key",
    "encode_row",
    "wire_row",
]

_int32 = struct.Struct("<i").pack
_integer = struct.Struct("<iBq").pack  # length, type byte, payload
_double = struct.Struct("<iBd").pack
_counted = struct.Struct("<iBi").pack
_time = struct.Struct("<q").pack
_BOOLEANS = {value: b"\x02\x00\x00\x00\x02%c" % value for value in (False, True)}
_CELL_OPERATIONS = {"put": b"", "delete_all": b"\x01", "delete_one": b"\x03", "increment": b"\x04"}
_ENDS = tuple(b"\x0a%c" % checksum for checksum in range(256))


def encode_row(
    operation: Operation, primary_key: Sequence[tuple[str, KeyValue]], cells: Sequence[Cell]
) -> bytes:
    """Return one PlainBuffer row with its header.

    Values are written by their Python type: int, float, bool, str, bytes (binary). Limits are not
    checked: call `check_row` first for data of others. Raises struct.error, UnicodeEncodeError or
    TypeError for what has no encoding at all.
    """
    out = [b"\x75\x00\x00\x00\x01"]
    checksums = [_cell(out, name, key_value) for name, key_value in primary_key]
    if cells:
        out.append(b"\x02")
        checksums += [
            _cell(out, name, value)
            if cell_operation == "put" and timestamp is None
            else _change(out, name, value, _CELL_OPERATIONS[cell_operation], timestamp)
            for name, value, cell_operation, timestamp in cells
        ]
    deleted = operation == "delete"
    if deleted:
        out.append(b"\x08")
    checksums.append(deleted)
    out.append(b"\x09%c" % crc8(bytes(checksums), 0))
    return b"".join(out)


def encode_key(primary_key: Sequence[tuple[str, KeyValue]]) -> bytes:
    """Return the cells of a primary key as they are in a row: what identifies the row."""
    out: list[bytes] = []
    for name, key_value in primary_key:
        _cell(out, name, key_value)
    return b"".join(out)


@lru_cache(maxsize=4096)
def _name(name: str) -> tuple[bytes, bytes, int]:
    """Return the start of a cell of this column, with and without a value, and its checksum."""
    encoded = name.encode()
    start = b"\x03\x04" + _int32(len(encoded)) + encoded
    return start, start + b"\x05", crc8(encoded, 0)


def _cell(out: list[bytes], name: str, value: CellValue | AutoIncrement) -> int:
    """Append a cell with nothing but a value, and return its checksum."""
    _, start, checksum = _name(name)
    sized, data = _value(value)
    checksum = crc8(sized[4:] + data, checksum)
    out += (start, sized, data, _ENDS[checksum])
    return checksum


def _change(
    out: list[bytes], name: str, value: CellValue, operation: bytes, timestamp: int | None
) -> int:
    """Append a cell with an operation or a time, and return its checksum."""
    bare, start, checksum = _name(name)
    if value is None:
        out.append(bare)
    else:
        sized, data = _value(value)
        checksum = crc8(sized[4:] + data, checksum)
        out += (start, sized, data)
    if operation:
        out += (b"\x06", operation)
    if timestamp is not None:
        time = _time(timestamp)
        out += (b"\x07", time)
        checksum = crc8(time, checksum)
    if operation:
        checksum = crc8(operation, checksum)
    out.append(_ENDS[checksum])
    return checksum


def _value(value: CellValue | AutoIncrement) -> tuple[bytes, bytes]:
    """Return a value from its length on: (length, type and number, bytes of a string or binary)."""
    if isinstance(value, str):
        data = value.encode()
        return _counted(len(data) + 5, 3, len(data)), data
    if isinstance(value, bool):
        return _BOOLEANS[value], b""
    if isinstance(value, int):
        return _integer(9, 0, value), b""
    if isinstance(value, float):
        return _double(9, 1, value), b""
    if isinstance(value, bytes):
        return _counted(len(value) + 5, 7, len(value)), value
    if isinstance(value, AutoIncrement):
        return b"\x01\x00\x00\x00\x0b", b""
    raise TypeError(f"no Tablestore type for a value of Python type {type(value).__name__}")
