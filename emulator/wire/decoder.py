"""A strict decoder for the rows of requests, in PlainBuffer.

The checksum of every cell and row is verified, so that a body with a flipped bit is refused before
it can change a row.
"""

from struct import Struct
from struct import error as struct_error

from emulator import limits
from emulator.errors import ServiceError, broken, invalid
from emulator.wire import columns
from emulator.wire.columns import Column
from emulator.wire.crc import crc8
from emulator.wire.plainbuffer import (
    AUTO_INCREMENT,
    BLOB,
    BOOLEAN,
    DELETE_ALL,
    DELETE_ONE,
    DOUBLE,
    HEADER,
    INCREMENT,
    INF_MAX,
    INF_MIN,
    INTEGER,
    PUT,
    STRING,
    TYPE_NAMES,
    CellChange,
    KeyCell,
    RowChange,
)

_TAG_KEY, _TAG_ATTRIBUTES, _TAG_CELL, _TAG_NAME, _TAG_VALUE = 1, 2, 3, 4, 5
_TAG_OP, _TAG_TIMESTAMP, _TAG_DELETE, _TAG_ROW_SUM, _TAG_CELL_SUM = 6, 7, 8, 9, 10
_FIRST_EXTENSION, _LAST_EXTENSION = 0x0B, 0x0F

_i64 = Struct("<q")
_f64 = Struct("<d")
_read_u32 = Struct("<I").unpack_from
_read_string_head = Struct("<IBI").unpack_from


def _learn(name: bytes, inner: bool) -> Column:
    """Check a name that is not known and remember it; raises 400 for one that is not allowed."""
    if not name:
        raise invalid("invalid name of column: empty name.")
    column = Column(name, crc8(name, 0))
    if limits.is_column_name(name, inner=False):
        columns.remember(column)
    elif not (inner and limits.is_column_name(name, inner)):
        raise limits.column_name_error(name)
    return column  # of a table behind a time series: not remembered, elsewhere it is refused


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _check_value(name: bytes, value: bytes, size: int) -> None:  # noqa: C901 - one branch a type
    """Raise 400 unless a wire value of `size` bytes is whole and storable."""
    if size == 0 or len(value) != size:
        raise broken(f"no valid element in Cell, name: {_shown(name)}.")
    wire_type = value[0]
    if wire_type in (STRING, BLOB):
        if size < 5 or _read_u32(value, 1)[0] != size - 5:
            raise broken(f"wrong string format, size: {size}.")
        if wire_type == STRING and not value.isascii():
            try:
                value[5:].decode()
            except UnicodeDecodeError:
                raise invalid(f"Value of column {_shown(name)} must be UTF8 encoding.") from None
    elif wire_type == INTEGER:
        if size != 9:
            raise broken(f"wrong integer format, size: {size}.")
    elif wire_type == DOUBLE:
        if size != 9:
            raise broken(f"wrong double format, size: {size}.")
        if value[8] & 0x7F == 0x7F and value[7] >= 0xF0:
            number = _f64.unpack_from(value, 1)[0]
            kind_name = "NaN" if number != number else "Infinity"
            raise invalid(f"{kind_name} can't be set to double value.")
    elif wire_type == BOOLEAN:
        if size != 2 or value[1] > 1:
            raise invalid(f"Invalid boolean real value, value length: {size - 1}.")
    elif wire_type in (INF_MIN, INF_MAX, AUTO_INCREMENT):
        if size != 1:
            raise broken(f"wrong format of {TYPE_NAMES[wire_type]}, size: {size}.")
    else:
        raise invalid("data format is invalid, unknown variant type occured.")


def decode_row(buffer: bytes, inner: bool = False) -> RowChange:
    """Decode and verify a buffer that holds exactly one row, `inner` as in `is_column_name`.

    Zero bytes after it are accepted: the Node.js SDK sends one for each infinite or generated key
    value, since it counts those values one byte too long.

    Raises `ServiceError` 400 for anything else: wrong header, tag, length, type or checksum, a name
    that is not allowed, a double that is not a number.
    """
    if buffer[:4] != HEADER:
        raise broken(
            f"mismatch header, actual: {int.from_bytes(buffer[:4], 'little')}, expect: 117."
        )
    try:
        try:
            row, end = _decode(buffer, 4, inner)
        except (
            struct_error
        ):  # shorter than expected: decoded again without expectations for the exact text
            columns.forget()
            row, end = _decode(buffer, 4, inner)
    except (IndexError, struct_error):
        raise broken("row is not end with checksum tag.") from None
    if end != len(buffer) and any(buffer[end:]):
        raise broken("has more data in cell, but they can't be parsed.")
    if len(row.key) > limits.KEY_COLUMNS and not inner:
        raise limits.key_count_error()
    return row


def _decode(  # noqa: C901 - the hot loop: 11 cells a row, a call a cell would double its cost
    buffer: bytes, start: int, inner: bool = False
) -> tuple[RowChange, int]:
    if buffer[start] != _TAG_KEY:
        raise broken(f"mismatch tag, actual tag({buffer[start]}), expect({_TAG_KEY}).")
    sums = bytearray()
    key: list[KeyCell] = []
    cells: list[CellChange] = []
    in_key = True
    is_plain = True
    attributes_start = 0
    position = start + 1
    crc, begins_at, column = crc8, buffer.startswith, columns.BEFORE_FIRST
    value: bytes | None
    while True:
        expected = column.following
        if expected is not None and begins_at(expected.head, position):
            column = expected
            wire_type = column.wire_type
            left = position + column.value_at
            # The common values inline; `_check_value` has all of them and the reasons.
            if wire_type == STRING:
                size, wire_type, length = _read_string_head(buffer, left)
                left += 4
                right = left + size
                value = buffer[left:right]
                is_good = wire_type == STRING and length == size - 5 and value.isascii()
            else:
                size = column.size
                right = left + size
                value = buffer[left:right]
                is_good = wire_type == INTEGER or (
                    value[8] & 0x7F != 0x7F if wire_type == DOUBLE else value[1] < 2
                )
            if not is_good:
                _check_value(column.name, value, size)
                is_plain = is_plain and (in_key or wire_type <= BLOB)
        else:
            tag = buffer[position]
            if tag != _TAG_CELL:
                if tag == _TAG_ATTRIBUTES and in_key:
                    in_key = False
                    position += 1
                    attributes_start = position
                    if buffer[position] != _TAG_CELL:
                        raise broken("no Cells follow CellTag.")
                    continue
                break
            column, value, right = _take_apart(buffer, position, column, inner)
            # Not storable, or without a value as in deletes: the check cell by cell says so.
            is_plain = is_plain and (in_key or (value is not None and value[0] <= BLOB))
        checksum = column.checksum if value is None else crc(value, column.checksum)
        tag = buffer[right]
        op = PUT
        timestamp = None
        if tag != _TAG_CELL_SUM:
            is_plain = False
            if tag == _TAG_OP:
                op = buffer[right + 1]
                right += 2
                tag = buffer[right]
                if op not in (DELETE_ALL, DELETE_ONE, INCREMENT):
                    raise invalid(f"Invalid op type of cell: {op}.")
            if tag == _TAG_TIMESTAMP:
                stamp = buffer[right + 1 : right + 9]
                timestamp = _i64.unpack(stamp)[0]
                checksum = crc(stamp, checksum)
                right += 9
                tag = buffer[right]
            if op != PUT:
                checksum = crc(bytes((op,)), checksum)
            if tag != _TAG_CELL_SUM:
                raise broken("cell is not end with checksum[0x0A] tag.")
        if buffer[right + 1] != checksum:
            raise broken(f"checksum is mismatch, {buffer[right + 1]}:{checksum}:")
        sums.append(checksum)
        position = right + 2
        if in_key:
            key.append(_key_cell(column.name, value, op, timestamp))
        else:
            cells.append((column.name, op, value, timestamp))
    if not key:
        raise broken("empty PK.")
    attributes_end = position
    delete_marker = tag == _TAG_DELETE
    if delete_marker:
        position += 1
    position = _skip_extensions(buffer, position)
    if buffer[position] != _TAG_ROW_SUM:
        raise broken("row is not end with checksum tag.")
    sums.append(1 if delete_marker else 0)
    checksum = crc8(bytes(sums), 0)
    if buffer[position + 1] != checksum:
        raise broken(f"checksum is mismatch, {buffer[position + 1]}:{checksum}:")
    plain = None
    if is_plain:
        plain = buffer[attributes_start:attributes_end] if cells else b""
    names = {cell[0] for cell in cells}
    return RowChange(key, cells, delete_marker, names, plain), position + 2


def _take_apart(
    buffer: bytes, position: int, before: Column, inner: bool
) -> tuple[Column, bytes | None, int]:
    """Decode name and value of a cell that does not begin as expected.

    Returns the column, the value (None if there is none) and the position after it. From now on a
    cell of this column is expected after one of `before`.
    """
    if buffer[position + 1] != _TAG_NAME:
        raise broken("attr has no name.")
    left = position + 6
    right = left + _read_u32(buffer, position + 2)[0]
    name = buffer[left:right]
    tag = buffer[right]
    column = columns.KNOWN.get(name)
    if column is None:
        column = _learn(name, inner)
    else:
        before.following = column
    if tag != _TAG_VALUE:
        return column, None, right
    size = _read_u32(buffer, right + 1)[0]
    left = right + 5
    right = left + size
    value = buffer[left:right]
    _check_value(name, value, size)
    if value[0] != column.wire_type and value[0] <= STRING:
        column.expect(value[0])
    return column, value, right


def _key_cell(name: bytes, value: bytes | None, op: int, timestamp: int | None) -> KeyCell:
    if value is None:
        raise broken(f"PK value cannot be NULL, name: {_shown(name)}.")
    if op != PUT:
        raise invalid(f"OpType cannot be given for primary key name :{_shown(name)}.")
    if timestamp is not None:
        raise invalid(f"Timestamp cannot be given for primary key name:{_shown(name)}.")
    wire_type = value[0]
    if wire_type in (STRING, BLOB) and len(value) - 5 > limits.KEY_VALUE_BYTES:
        raise invalid(
            f"The length of primary key column: '{_shown(name)}' exceeds the MaxLength:"
            f"{limits.KEY_VALUE_BYTES} with CurrentLength:{len(value) - 5}."
        )
    if wire_type in (DOUBLE, BOOLEAN):
        raise invalid("Invalid column type, only STRING,INTEGER,BINARY is allowed.")
    return name, value


def _skip_extensions(buffer: bytes, position: int) -> int:
    while _FIRST_EXTENSION <= buffer[position] <= _LAST_EXTENSION:
        position += 5 + int(_read_u32(buffer, position + 1)[0])
    return position


def decode_stand_alone(value: bytes) -> bytes:
    """Check a bare wire value (of a filter or a partition bound) and return it."""
    try:
        _check_value(b"", value, len(value))
    except ServiceError:
        raise
    except (IndexError, struct_error):
        raise invalid("data format is invalid.") from None
    return value
