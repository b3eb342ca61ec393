"""Primary keys as bytes whose order is the order of the keys.

A key is a prefix of its table followed by its columns. A column is a marker (02 a value, 01 the
infinite minimum, 03 the infinite maximum) and its value: integers big-endian with the sign flipped,
strings and binaries bytewise with 00 escaped and a terminator that sorts before every other byte.
"""

from collections.abc import Iterable

from emulator import limits
from emulator.errors import invalid, invalid_key
from emulator.tables import KeyColumn, Table
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_stand_alone

_SIGN = 1 << 63
_FLIPPED = [bytes((_byte ^ 0x80,)) for _byte in range(256)]
"""The first byte of an integer with its sign flipped."""
_INFINITE = (pb.INF_MIN, pb.INF_MAX)
_MINIMUM, _VALUE, _MAXIMUM = b"\x01", b"\x02", b"\x03"


def table_prefix(table_id: int) -> bytes:
    """Return the bytes every key of a table begins with."""
    return table_id.to_bytes(4, "big")


def table_end(table_id: int) -> bytes:
    """Return the first key after those of a table."""
    return (table_id + 1).to_bytes(4, "big")


def check_key(table: Table, key: list[pb.KeyCell]) -> None:
    """Raise 400 OTSInvalidPK unless count and names of `key` are those of the table, in order."""
    columns = table.key
    if len(key) != len(columns):
        raise invalid_key(f"Validate PK size fail. Input: {len(key)}, Meta: {len(columns)}.")
    for (name, _), column in zip(key, columns, strict=True):
        if name != column.name:
            raise invalid_key(
                f"Validate PK name fail. Input: {name.decode()}, Meta: {column.name.decode()}."
            )


def check_finite(key: list[pb.KeyCell]) -> None:
    """Raise 400 when a key has an infinite value: those are for the bounds of ranges."""
    for _, value in key:
        if value[0] in _INFINITE:
            raise invalid(f"{pb.TYPE_NAMES[value[0]]} is an invalid type for the primary key.")


def put_in_order(table: Table, key: list[pb.KeyCell]) -> None:
    """Sort the columns of a key as in the schema, where it has exactly those."""
    positions = {column.name: index for index, column in enumerate(table.key)}
    if len(key) == len(positions) and {name for name, _ in key} == set(positions):
        key.sort(key=lambda cell: positions[cell[0]])


def _type_error(value: bytes, column: KeyColumn) -> Exception:
    return invalid_key(
        f"Validate PK type fail. Input: {pb.TYPE_NAMES[value[0]]},"
        f" Meta: {pb.TYPE_NAMES[column.wire_type]}."
    )


def encode_value(value: bytes) -> bytes:
    """Return the ordered bytes of one wire value of a key column."""
    if value[0] == pb.INTEGER:
        return _VALUE + _FLIPPED[value[8]] + value[7:0:-1]
    return _VALUE + value[5:].replace(b"\x00", b"\x00\xff") + b"\x00\x01"


def encode_key(table: Table, key: list[pb.KeyCell]) -> bytes:
    """Return the key of one row; raises 400 OTSInvalidPK when it does not fit the table."""
    columns = table.key
    if len(key) != len(columns):
        check_key(table, key)
    encoded = table.prefix
    for (name, value), column in zip(key, columns, strict=True):
        if name != column.name:
            check_key(table, key)
        if value[0] != column.wire_type:
            raise _type_error(value, column)
        encoded += encode_value(value)
    return encoded


def encode_bound(table: Table, key: list[pb.KeyCell]) -> bytes:
    """Return the bound of a range; columns may be infinite. Raises as `encode_key`.

    The columns after an infinite one add nothing: every key on the one side is already beyond it.
    """
    check_key(table, key)
    encoded = table.prefix
    for (_, value), column in zip(key, table.key, strict=True):
        wire_type = value[0]
        if wire_type == pb.INF_MIN:
            return encoded + _MINIMUM
        if wire_type == pb.INF_MAX:
            return encoded + _MAXIMUM
        if wire_type == pb.AUTO_INCREMENT:
            raise invalid("PKAutoIncr can't be used for read operations.")
        if wire_type != column.wire_type:
            raise _type_error(value, column)
        encoded += encode_value(value)
    return encoded


def _rank(column: KeyColumn, value: bytes) -> bytes:
    """Return the ordered bytes of one end of a partition; raises 400 where it cannot be one."""
    value = decode_stand_alone(value)
    if value[0] in _INFINITE:
        return _MINIMUM if value[0] == pb.INF_MIN else _MAXIMUM
    if value[0] != column.wire_type:
        raise invalid("The value type of partition does not match with primary key.")
    if value[0] == pb.INTEGER:
        if pb.python_value(value) in (-_SIGN, _SIGN - 1):
            raise invalid("The value of partition range can not be INT64_MIN or INT64_MAX.")
    elif len(value) == 5:
        what = "string" if value[0] == pb.STRING else "binary"
        raise invalid(f"The value of partition range can not be empty {what}.")
    elif len(value) - 5 > limits.PARTITION_VALUE_BYTES:
        raise invalid(
            f"The value of partition range exceeds the MaxLength:{limits.PARTITION_VALUE_BYTES}"
            f" with CurrentLength:{len(value) - 5}."
        )
    return encode_value(value)


def split_points(column: KeyColumn, ranges: Iterable[wire.PartitionRange]) -> list[str]:
    """Return where the partitions of a new table meet: wire values in hexadecimal, in order.

    Raises 400 unless each range of the partition key holds something and begins where the one
    before it ended.
    """
    points: list[str] = []
    last: bytes | None = None
    parts = list(ranges)
    if len(parts) > limits.PARTITIONS:
        raise invalid(f"The count of partitions cannot be greater than {limits.PARTITIONS}")
    for part in parts:
        begin, end = _rank(column, part.begin), _rank(column, part.end)
        if begin >= end:
            raise invalid("The partition range is empty: its begin must be less than its end.")
        if last is not None and begin != last:
            raise invalid("The partition ranges must follow each other without a gap.")
        points += [bound.hex() for bound in (part.begin,) if begin != _MINIMUM]
        last = end
    return points


def decode_key(table: Table, encoded: bytes) -> list[pb.KeyCell]:
    """Return the key cells of a stored key."""
    cells: list[pb.KeyCell] = []
    position = len(table.prefix)
    for column in table.key:
        position += 1
        if column.wire_type == pb.INTEGER:
            number = int.from_bytes(encoded[position : position + 8], "big") - _SIGN
            cells.append((column.name, pb.integer(number)))
            position += 8
            continue
        end = encoded.index(b"\x00\x01", position)
        raw = encoded[position:end].replace(b"\x00\xff", b"\x00")
        cells.append((column.name, pb.text(raw, column.wire_type)))
        position = end + 2
    return cells


def partition_bytes(table: Table, encoded: bytes) -> bytes:
    """Return the part of a stored key that holds table and first column (the partition key)."""
    start = len(table.prefix) + 1
    if table.key[0].wire_type == pb.INTEGER:
        return encoded[: start + 8]
    return encoded[: encoded.index(b"\x00\x01", start) + 2]


def shown_partition(table: Table, partition: bytes) -> str:
    """Return a partition key as error texts show it."""
    start = len(table.prefix) + 1
    if table.key[0].wire_type == pb.INTEGER:
        return str(int.from_bytes(partition[start : start + 8], "big") - _SIGN)
    return partition[start:-2].replace(b"\x00\xff", b"\x00").decode("utf-8", "replace")
