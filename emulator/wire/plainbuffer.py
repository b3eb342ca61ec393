"""PlainBuffer rows: types, values and an encoder for answers; `decoder` reads those of requests.

Values stay in their wire form (type byte + payload, little-endian): most are stored and sent back
as they came. The layout is that of the SDKs' own encoders.
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import NamedTuple

from emulator.wire import columns
from emulator.wire.crc import crc8

HEADER = b"\x75\x00\x00\x00"
INTEGER, DOUBLE, BOOLEAN, STRING, BLOB = 0, 1, 2, 3, 7
INF_MIN, INF_MAX, AUTO_INCREMENT = 9, 10, 11
TYPE_NAMES = {
    INTEGER: "VT_INTEGER",
    DOUBLE: "VT_DOUBLE",
    BOOLEAN: "VT_BOOLEAN",
    STRING: "VT_STRING",
    6: "VT_NULL",
    BLOB: "VT_BLOB",
    INF_MIN: "VT_INF_MIN",
    INF_MAX: "VT_INF_MAX",
    AUTO_INCREMENT: "VT_AUTO_INCREMENT",
}
PUT, DELETE_ALL, DELETE_ONE, INCREMENT = 0, 1, 3, 4

_u32 = Struct("<I")
_i64 = Struct("<q")
_f64 = Struct("<d")

KeyCell = tuple[bytes, bytes]
"""A primary key column: name, wire value."""


CellChange = tuple[bytes, int, bytes | None, int | None]
"""An attribute cell of a request: name, operation, wire value (None for the two deletes), version
in ms. A bare tuple: a named one costs five times as much to make, 11 times a row."""


class RowChange(NamedTuple):
    """One decoded row of a request."""

    key: list[KeyCell]
    cells: list[CellChange]
    delete_marker: bool
    names: set[bytes]
    """Names of the attribute cells."""
    plain: bytes | None
    """The attribute cells as they came, when all are puts without a timestamp; else None."""


def integer(value: int) -> bytes:
    """Return the wire value of a 64-bit integer."""
    return b"\x00" + _i64.pack(value)


def text(value: bytes, wire_type: int = STRING) -> bytes:
    """Return the wire value of a string (UTF-8) or binary."""
    return bytes((wire_type,)) + _u32.pack(len(value)) + value


def python_value(value: bytes) -> int | float | bool | str | bytes:
    """Return the Python value of a wire value."""
    wire_type = value[0]
    if wire_type == INTEGER:
        return int(_i64.unpack_from(value, 1)[0])
    if wire_type == DOUBLE:
        return float(_f64.unpack_from(value, 1)[0])
    if wire_type == BOOLEAN:
        return value[1] != 0
    if wire_type == STRING:
        return value[5:].decode("utf-8", "replace")
    return value[5:]


def wire_value(value: int | float | bool | str | bytes) -> bytes:
    """Return the wire value of a Python value."""
    if isinstance(value, bool):
        return b"\x02\x01" if value else b"\x02\x00"
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, float):
        return b"\x01" + _f64.pack(value)
    if isinstance(value, str):
        return text(value.encode())
    return text(value, BLOB)


def shown_value(value: bytes) -> str:
    """Return a wire value as error texts show it."""
    plain = python_value(value)
    return plain.decode("utf-8", "replace") if isinstance(plain, bytes) else str(plain)


def value_size(value: bytes) -> int:
    """Return the bytes a value counts for: 8 for numbers, 1 for booleans, else its length."""
    return len(value) - 1 if value[0] < STRING else len(value) - 5


def _cell(name: bytes, value: bytes, timestamp: int | None, sums: bytearray) -> bytes:
    column = columns.KNOWN.get(name)
    checksum = crc8(value, crc8(name, 0) if column is None else column.checksum)
    head = b"\x03\x04" + _u32.pack(len(name)) + name + b"\x05" + _u32.pack(len(value)) + value
    if timestamp is None:
        sums.append(checksum)
        return head + b"\x0a" + bytes((checksum,))
    stamp = _i64.pack(timestamp)
    checksum = crc8(stamp, checksum)
    sums.append(checksum)
    return head + b"\x07" + stamp + b"\x0a" + bytes((checksum,))


def encode_row(
    key: Iterable[KeyCell], cells: Sequence[tuple[bytes, int | None, bytes]] = ()
) -> bytes:
    """Encode one row without the header; `cells` are (name, timestamp in ms, wire value)."""
    sums = bytearray()
    parts = [b"\x01"]
    parts += [_cell(name, value, None, sums) for name, value in key]
    if cells:
        parts.append(b"\x02")
        parts += [_cell(name, value, timestamp, sums) for name, timestamp, value in cells]
    sums.append(0)
    parts.append(b"\x09" + bytes((crc8(bytes(sums), 0),)))
    return b"".join(parts)


def encode_rows(rows: Sequence[bytes]) -> bytes:
    """Return a buffer of rows made by `encode_row`; empty when there are none."""
    return HEADER + b"".join(rows) if rows else b""
