"""Tablestore rows as bytes: PlainBuffer, the row format of every wide-column request.

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

from connectors.tablestore.crc8 import crc8
from connectors.tablestore.plainbuffer_compiled import PutEncoder, compile_put
from connectors.tablestore.plainbuffer_frames import batch_body, wire_row
from connectors.tablestore.plainbuffer_limits import (
    AUTO_INCREMENT,
    AutoIncrement,
    Cell,
    CellValue,
    KeyValue,
    Refused,
    RowKind,
    WireType,
    check_row,
)

__all__ = [
    "AUTO_INCREMENT",
    "AutoIncrement",
    "Cell",
    "PutEncoder",
    "Refused",
    "WireType",
    "batch_body",
    "check_row",
    "compile_put",
    "crc8",
    "encode_row",
    "wire_row",
]

_int32 = struct.Struct("<i").pack
_integer = struct.Struct("<Bq").pack  # type byte and payload
_double = struct.Struct("<Bd").pack
_counted = struct.Struct("<Bi").pack
_time = struct.Struct("<q").pack
_OPERATIONS = {"put": b"", "delete_all": b"\x01", "delete_one": b"\x03", "increment": b"\x04"}


def encode_row(
    kind: RowKind, primary_key: Sequence[tuple[str, KeyValue]], cells: Sequence[Cell]
) -> bytes:
    """Return one PlainBuffer row with its header.

    Values are written by their Python type: int, float, bool, str, bytes (binary). Limits are not
    looked at: call `check_row` first for data of others. Raises struct.error, UnicodeEncodeError
    or TypeError for what has no encoding at all.
    """
    out = [b"\x75\x00\x00\x00\x01"]
    checksums = bytearray()
    for name, key_value in primary_key:
        _cell(out, checksums, name, _value(key_value))
    if cells:
        out.append(b"\x02")
        for name, value, operation, timestamp in cells:
            payload = b"" if value is None else _value(value)
            _cell(out, checksums, name, payload, _OPERATIONS[operation], timestamp)
    deleted = kind == "delete"
    if deleted:
        out.append(b"\x08")
    checksums.append(deleted)
    out.append(b"\x09%c" % crc8(bytes(checksums), 0))
    return b"".join(out)


@lru_cache(maxsize=4096)
def _name(name: str) -> tuple[bytes, int]:
    """Return the start of a cell of this column and the checksum of the name."""
    encoded = name.encode()
    return b"\x03\x04" + _int32(len(encoded)) + encoded, crc8(encoded, 0)


def _cell(
    out: list[bytes],
    checksums: bytearray,
    name: str,
    payload: bytes,
    operation: bytes = b"",
    timestamp: int | None = None,
) -> None:
    """Append one cell to the row and its checksum to the row's checksums."""
    start, checksum = _name(name)
    out.append(start)
    if payload:
        out += (b"\x05", _int32(len(payload)), payload)
        checksum = crc8(payload, checksum)
    if operation:
        out += (b"\x06", operation)
    if timestamp is not None:
        time = _time(timestamp)
        out += (b"\x07", time)
        checksum = crc8(time, checksum)
    if operation:
        checksum = crc8(operation, checksum)
    out.append(b"\x0a%c" % checksum)
    checksums.append(checksum)


def _value(value: CellValue | AutoIncrement) -> bytes:
    """Return type byte and payload of a value."""
    if isinstance(value, str):
        encoded = value.encode()
        return _counted(3, len(encoded)) + encoded
    if isinstance(value, bool):
        return b"\x02\x01" if value else b"\x02\x00"
    if isinstance(value, int):
        return _integer(0, value)
    if isinstance(value, float):
        return _double(1, value)
    if isinstance(value, bytes):
        return _counted(7, len(value)) + value
    if isinstance(value, AutoIncrement):
        return b"\x0b"
    raise TypeError(f"no Tablestore type for a value of Python type {type(value).__name__}")
