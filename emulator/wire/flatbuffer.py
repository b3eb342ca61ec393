"""Rows of PutTimeseriesData in FlatBuffers form, read with every offset checked.

Schema (vendor's timeseries.fbs): Rows{row_groups}; RowGroup{measurement_name, field_names,
field_types, rows}; Row{data_source, tags, time, field_values, meta_cache_update_time, tag_list};
FieldValues{long, bool, double, string, binary vectors}. The k-th field of a group takes the next
element of its type's vector.
"""

from collections.abc import Callable, Iterator
from struct import Struct
from struct import error as struct_error
from typing import NamedTuple

from emulator.errors import invalid
from emulator.wire import plainbuffer as pb

_u16, _u32, _i32 = Struct("<H"), Struct("<I"), Struct("<i")
_i64, _f64 = Struct("<q"), Struct("<d")
_LONG, _BOOLEAN, _DOUBLE, _STRING, _BINARY = 1, 2, 3, 4, 5
_MAX_ROWS = 100_000  # offsets may repeat; a small buffer must not grow into endless work


class RawPoint(NamedTuple):
    """One row as it was sent."""

    measurement: bytes
    source: bytes
    tags: bytes
    tag_list: list[tuple[bytes, bytes]]
    time: int
    fields: list[tuple[bytes, bytes]]
    """Name and wire value."""


class _Table:
    """One table of the buffer; fields are addressed by their number in the schema."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data = data
        self.position = position
        self._vtable = position - _i32.unpack_from(data, position)[0]
        if self._vtable < 0:
            raise ValueError("vtable outside the buffer")
        self._size = _u16.unpack_from(data, self._vtable)[0]

    def slot(self, number: int) -> int:
        """Return where a field lies, 0 when it is absent."""
        entry = 4 + 2 * number
        if entry + 2 > self._size:
            return 0
        offset: int = _u16.unpack_from(self.data, self._vtable + entry)[0]
        return self.position + offset if offset else 0

    def _target(self, position: int) -> int:
        target: int = position + _u32.unpack_from(self.data, position)[0]
        return target

    def table(self, number: int) -> "_Table | None":
        slot = self.slot(number)
        return _Table(self.data, self._target(slot)) if slot else None

    def text(self, number: int) -> bytes:
        slot = self.slot(number)
        return _text(self.data, self._target(slot)) if slot else b""

    def long(self, number: int) -> int:
        slot = self.slot(number)
        return int(_i64.unpack_from(self.data, slot)[0]) if slot else 0

    def vector(self, number: int) -> tuple[int, int]:
        """Return start and length of a vector, (0, 0) when it is absent."""
        slot = self.slot(number)
        if not slot:
            return 0, 0
        target = self._target(slot)
        length: int = _u32.unpack_from(self.data, target)[0]
        if length > len(self.data):
            raise ValueError("vector longer than the buffer")
        return target + 4, length

    def tables(self, number: int) -> Iterator["_Table"]:
        start, length = self.vector(number)
        for index in range(length):
            yield _Table(self.data, self._target(start + 4 * index))

    def texts(self, number: int) -> list[bytes]:
        start, length = self.vector(number)
        return [_text(self.data, self._target(start + 4 * index)) for index in range(length)]


def _text(data: bytes, position: int) -> bytes:
    length = _u32.unpack_from(data, position)[0]
    value = data[position + 4 : position + 4 + length]
    if len(value) != length:
        raise ValueError("string outside the buffer")
    return value


def _values(table: _Table | None, types: bytes) -> Iterator[bytes]:
    """Yield the wire value of each field of a row."""
    if table is None:
        if types:
            raise ValueError("fields without values")
        return
    data = table.data
    integers, booleans, doubles = table.vector(0), table.vector(1), table.vector(2)
    texts, binaries = table.texts(3), [item.vector(0) for item in table.tables(4)]
    read: dict[int, Callable[[int], bytes]] = {
        _LONG: lambda n: b"\x00" + _part(data, integers, n, 8),
        _BOOLEAN: lambda n: b"\x02" + (b"\x01" if any(_part(data, booleans, n, 1)) else b"\x00"),
        _DOUBLE: lambda n: b"\x01" + _part(data, doubles, n, 8),
        _STRING: lambda n: pb.text(texts[n]),
        _BINARY: lambda n: pb.text(_part(data, (binaries[n][0], 1), 0, binaries[n][1]), pb.BLOB),
    }
    used = dict.fromkeys(read, 0)
    for wire_type in types:
        yield read[wire_type](used[wire_type])
        used[wire_type] += 1


def _part(data: bytes, vector: tuple[int, int], index: int, size: int) -> bytes:
    start, length = vector
    value = data[start + index * size : start + (index + 1) * size]
    if index >= length or len(value) != size:
        raise ValueError("element outside its vector")
    return value


def _group(group: _Table) -> Iterator[RawPoint]:
    measurement = group.text(0)
    names = group.texts(1)
    start, length = group.vector(2)
    types = group.data[start : start + length]
    if len(types) != len(names):
        raise ValueError("as many types as names are needed")
    for row in group.tables(3):
        yield RawPoint(
            measurement=measurement,
            source=row.text(0),
            tags=row.text(1),
            tag_list=[(tag.text(0), tag.text(1)) for tag in row.tables(5)],
            time=row.long(2),
            fields=list(zip(names, _values(row.table(3), types), strict=True)),
        )


def decode_points(data: bytes) -> list[RawPoint]:
    """Return the rows of a buffer; raises 400 for one that is not whole."""
    points: list[RawPoint] = []
    try:
        root = _Table(data, _u32.unpack_from(data, 0)[0])
        for group in root.tables(0):
            for point in _group(group):
                points.append(point)
                if len(points) > _MAX_ROWS:
                    raise ValueError("too many rows")
    except (struct_error, ValueError, IndexError, KeyError):
        raise invalid("data format is invalid.") from None
    return points
