"""Points of time series as FlatBuffers [flatbuffers], made from the rows that wait as protobuf.

Schema (the vendor's timeseries.fbs [timeseries-fbs]): Rows{row_groups}; RowGroup{measurement,
field_names, field_types, rows}; Row{data_source, tags, time, field_values, meta_cache_update_time,
tag_list}; FieldValues{long, bool, double, string, binary vectors}; Tag{name, value};
BytesValue{value}. As in the official SDKs, a group holds one row, so that a row's number is its
group's.

A FlatBuffer is built from its end, since references only point forward: where a piece lies is given
by its distance from the end, which does not change while pieces are put before it. What points have
in common (names, types, series, the tables' layouts) is there once. Each piece is a multiple of
eight bytes long, so that numbers are aligned as readers expect.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, pack
from typing import NamedTuple

from connectors.tablestore.plainbuffer.varint import read_varint
from connectors.tablestore.timeseries.flatbuffer_builder import (
    Buffer,
    counted,
    padded,
    vector_of,
    vectors_of,
)

_unpack_double = Struct("<d").unpack_from

# The layout of Tag, as those of flatbuffer_builder.py.
_TAG = pack("<4H", 8, 12, 4, 8)
# A point is one piece of tables that refer to each other and to shared pieces. Its bytes:
#
#      0  RowGroup     layout of RowGroup (signed)
#      4               measurement     -> shared
#      8               field_names     -> shared
#     12               field_types     -> shared
#     16               rows            -> 20
#     20  vector       1, its length
#     24               row             -> 32
#     28               (4 bytes of padding)
#     32  Row          layout of Row (signed)
#     36               data_source     -> shared
#     40               tags            -> shared: empty, as tag_list has them
#     44               field_values    -> 60
#     48               time, 8 bytes
#     56               tag_list        -> shared
#     60  FieldValues  layout of FieldValues (signed)
#     64               one reference for each type that has values, to one of the
#         vectors      integers, doubles (their elements at a multiple of 8), booleans,
#                      strings and binaries with what they refer to
#
# A reference is the distance from itself to the start of its target.
_FIXED = "<iIIIIII4xiIIIqIi"
_FIELD_VALUES_AT = 60

# A layout of BytesValue with its table, which refers to the bytes right after it.
_BYTES_VALUE = pack("<3Hxx", 6, 8, 4) + pack("<iI", 8, 4)
_TABLE_IN_BYTES_VALUE = 8

# By the tag of a value in protobuf: the type's number in the schema.
_TYPES = {0x10: 1, 0x20: 2, 0x29: 3, 0x1A: 4, 0x32: 5}
_INTEGER, _BOOLEAN, _DOUBLE, _STRING, _BINARY = 0x10, 0x20, 0x29, 0x1A, 0x32

# Of each field in order, its name and the tag of its value as they are in the row.
Fields = tuple[bytes, ...]


class _Series(NamedTuple):
    """The pieces that points of a series share."""

    measurement: bytes
    source: bytes
    tags: bytes


class _Columns(NamedTuple):
    """The pieces that points of the same fields share, and how such a point is packed."""

    names: bytes
    types: bytes
    layout: bytes
    point: Struct
    vectors: tuple[int, ...]
    """The references of FieldValues to its vectors."""


class _Values:
    """The values of one point, by type."""

    __slots__ = ("binaries", "booleans", "doubles", "integers", "strings")

    def __init__(self) -> None:
        self.integers: list[int] = []
        self.doubles: list[float] = []
        self.booleans: list[int] = []
        self.strings: list[bytes] = []
        self.binaries: list[bytes] = []


class FlatBuffers:
    """Makes FlatBuffers; remembers the pieces of up to MAX_SERIES series and MAX_COLUMNS shapes."""

    MAX_SERIES = 20_000
    MAX_COLUMNS = 200

    def __init__(self) -> None:
        self._series: dict[bytes, _Series] = {}
        self._columns: dict[Fields, _Columns] = {}

    def encode(self, wires: Sequence[bytes]) -> bytes:
        """The FlatBuffer of protobuf rows, in their order."""
        buffer = Buffer()
        groups = [self._point(buffer, wire) for wire in reversed(wires)]
        groups.reverse()
        return buffer.finish(groups)

    def _point(self, buffer: Buffer, wire: bytes) -> int:
        """Put one row as a group; returns its distance from the end."""
        _, position = read_varint(wire, 1)
        length, start = read_varint(wire, position + 1)
        stop = start + length
        series = self._series_of(wire[start:stop])
        time, position = read_varint(wire, stop + 1)
        values = _Values()
        fields = _read_fields(wire, position, values)
        columns = self._columns.get(fields) or self._columns_of(fields)
        shared = buffer.shared
        measurement = shared(series.measurement)
        source = shared(series.source)
        tags = shared(series.tags)
        names = shared(columns.names)
        types = shared(columns.types)
        layout = shared(columns.layout)
        tail = b""
        if values.strings or values.binaries:
            tail = _tail(values.strings, values.binaries)
        length = columns.point.size + len(tail)
        begin = buffer.size + length + (-length & 7)
        numbers: list[float] = []
        for vector in (values.integers, values.doubles, values.booleans):
            if vector:
                numbers.append(len(vector))
                numbers += vector
        point = columns.point.pack(  # as drawn above
            buffer.group - begin,
            begin - 4 - measurement,
            begin - 8 - names,
            begin - 12 - types,
            20 - 16,
            1,
            32 - 24,
            buffer.row - begin + 32,
            begin - 36 - source,
            begin - 40 - buffer.empty,
            60 - 44,
            time - (1 << 64) if time >> 63 else time,
            begin - 56 - tags,
            layout - begin + 60,
            *columns.vectors,
            *numbers,
        )
        return buffer.put(point + tail)

    def _series_of(self, key: bytes) -> _Series:
        found = self._series.get(key)
        if found is None:
            if len(self._series) >= self.MAX_SERIES:
                self._series.clear()
            found = self._series[key] = _series_of(key)
        return found

    def _columns_of(self, fields: Fields) -> _Columns:
        if len(self._columns) >= self.MAX_COLUMNS:
            self._columns.clear()
        names = [field[read_varint(field, 1)[1] : -1] for field in fields]
        types = bytes([_TYPES[field[-1]] for field in fields])
        point, offsets, vectors = _point_of([field[-1] for field in fields])
        made = self._columns[fields] = _Columns(
            padded(vector_of([(counted(name), 0) for name in names])),
            padded(counted(types)),
            padded(pack("<7H", 14, 4 + 4 * sum(map(bool, offsets)), *offsets)),
            point,
            vectors,
        )
        return made


def _series_of(key: bytes) -> _Series:
    texts = {0x12: b""}
    tags = []
    position = 0
    while position < len(key):
        tag = key[position]
        length, start = read_varint(key, position + 1)
        position = start + length
        if tag == 0x22:
            tags.append((_tag(key[start:position]), len(_TAG)))
        else:
            texts[tag] = key[start:position]
    return _Series(
        padded(counted(texts[0x0A])), padded(counted(texts[0x12])), padded(vector_of(tags))
    )


def _tag(tag: bytes) -> bytes:
    """A Tag with its layout before it and its texts after it."""
    length, start = read_varint(tag, 1)
    name = counted(tag[start : start + length])
    length, start = read_varint(tag, start + length + 1)
    value = counted(tag[start : start + length])
    return _TAG + pack("<iII", len(_TAG), 8, 4 + len(name)) + name + value


def _read_fields(wire: bytes, position: int, values: _Values) -> Fields:
    """The names and types of a row's fields; adds their values to `values`."""
    fields = []
    end = len(wire)
    while position < end:
        # A field's tag and length, its name's tag and length, the name, the value's tag.
        start = position + 2
        if wire[position + 1] > 127:
            start = read_varint(wire, position + 1)[1]
        size = wire[start + 1]
        position = start + 2 + size
        if size > 127:
            size, position = read_varint(wire, start + 1)
            position += size
        tag = wire[position]
        position += 1
        fields.append(wire[start:position])
        if tag == _DOUBLE:
            values.doubles.append(_unpack_double(wire, position)[0])
            position += 8
        elif tag == _INTEGER:
            number, position = read_varint(wire, position)
            values.integers.append(number - (1 << 64) if number >> 63 else number)
        elif tag == _BOOLEAN:
            values.booleans.append(wire[position])
            position += 1
        else:
            size, position = read_varint(wire, position)
            content = wire[position : position + size]
            (values.strings if tag == _STRING else values.binaries).append(content)
            position += size
    return tuple(fields)


def _point_of(tags: Sequence[int]) -> tuple[Struct, list[int], tuple[int, ...]]:
    """How a point with values of these types is packed, up to the vectors of strings and binaries.

    Returns its struct, the offsets of FieldValues' fields (0: left out), and their references.
    """
    counts = [tags.count(tag) for tag in (_INTEGER, _BOOLEAN, _DOUBLE, _STRING, _BINARY)]
    present = [number for number, count in enumerate(counts) if count]
    offsets = [0] * 5
    for turn, number in enumerate(present):
        offsets[number] = 4 + 4 * turn
    head = _FIXED + "I" * len(present)
    position = Struct(head).size
    form = head
    vectors_at: dict[int, int] = {}
    for number, count, code in ((0, counts[0], "q"), (2, counts[2], "d")):
        if count:
            gap = -(position + 4) & 7
            vectors_at[number] = position + gap
            form += f"{gap}xI{count}{code}"
            position += gap + 4 + 8 * count
    if counts[1]:
        vectors_at[1] = position
        gap = -counts[1] & 3
        form += f"I{counts[1]}?{gap}x"
        position += 4 + counts[1] + gap
    for number in (3, 4):
        if counts[number]:
            vectors_at[number] = position
            position += 4 + 4 * counts[number]
    references = [vectors_at[number] - _FIELD_VALUES_AT - offsets[number] for number in present]
    return Struct(form), offsets, (*references,)


def _tail(strings: Sequence[bytes], binaries: Sequence[bytes]) -> bytes:
    """The vectors of texts and of bytes, each followed by what it refers to."""
    if not binaries:
        return vector_of([(counted(text), 0) for text in strings])
    texts = [(counted(text), 0) for text in strings]
    values = [(_BYTES_VALUE + counted(value), _TABLE_IN_BYTES_VALUE) for value in binaries]
    return vectors_of([items for items in (texts, values) if items])
