"""Points of time series as FlatBuffers, made from the rows that wait as protobuf.

Schema (the vendor's timeseries.fbs): Rows{row_groups}; RowGroup{measurement, field_names,
field_types, rows}; Row{data_source, tags, time, field_values, meta_cache_update_time, tag_list};
FieldValues{long, bool, double, string, binary vectors}; Tag{name, value}; BytesValue{value}. As in
the official SDKs, a group holds one row, so that a row's number is its group's.

A FlatBuffer is put together from its end, since references only point forward: where a part lies
is told by its distance from the end, which does not change while parts are put before it. What
points have in common (names, types, series, the tables' layouts) stands there once. Each part is a
multiple of eight bytes long, so that numbers lie where their readers want them.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, pack
from typing import NamedTuple

from connectors.tablestore.plainbuffer.varint import read_varint

_PADDING = [bytes(size) for size in range(8)]
_unpack_double = Struct("<d").unpack_from

# Layouts of the tables that are alike in every point: bytes of the layout, bytes of the table, and
# the place of each field, 0 where it is left out. A layout may stand before or behind its tables.
_ROOT = pack("<3H", 6, 8, 4)
_GROUP = pack("<6H", 12, 20, 4, 8, 12, 16)
_ROW = pack("<8H", 16, 28, 4, 8, 16, 12, 0, 24)
_TAG = pack("<4H", 8, 12, 4, 8)
# A layout of BytesValue with its table, which refers to the bytes right behind it.
_BYTES_VALUE = pack("<3Hxx", 6, 8, 4) + pack("<iI", 8, 4)
_TABLE_IN_BYTES_VALUE = 8

# By the tag of a value in protobuf: the type's number in the schema.
_TYPES = {0x10: 1, 0x20: 2, 0x29: 3, 0x1A: 4, 0x32: 5}
_INTEGER, _BOOLEAN, _DOUBLE, _STRING, _BINARY = 0x10, 0x20, 0x29, 0x1A, 0x32

# Of each field in order, its name and the tag of its value as they stand in the row.
Fields = tuple[bytes, ...]


class _Series(NamedTuple):
    """The parts that points of a series share."""

    measurement: bytes
    source: bytes
    tags: bytes


class _Columns(NamedTuple):
    """The parts that points of the same fields share, and how a point is packed."""

    names: bytes
    types: bytes
    layout: bytes
    point: Struct
    # Where the vectors of values lie, as the point's FieldValues refers to them.
    vectors: tuple[int, ...]


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
    """Makes FlatBuffers; remembers the parts of series and fields, so many and no more."""

    MOST_SERIES = 20_000
    MOST_COLUMNS = 200

    def __init__(self) -> None:
        self._series: dict[bytes, _Series] = {}
        self._columns: dict[Fields, _Columns] = {}

    def encode(self, wires: Sequence[bytes]) -> bytes:
        """The FlatBuffer of rows that are protobuf, in their order."""
        buffer = _Buffer()
        groups = [self._point(buffer, wire) for wire in reversed(wires)]
        groups.reverse()
        return buffer.finish(groups)

    def _point(self, buffer: _Buffer, wire: bytes) -> int:
        """Put one row as a group; how far from the end that begins."""
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
        point = columns.point.pack(
            # RowGroup, and its vector of one row
            buffer.group - begin,
            begin - 4 - measurement,
            begin - 8 - names,
            begin - 12 - types,
            4,
            1,
            8,
            # Row, at 32
            buffer.row - begin + 32,
            begin - 36 - source,
            begin - 40 - buffer.empty,
            16,
            time - (1 << 64) if time >> 63 else time,
            begin - 56 - tags,
            # FieldValues, at 60, and the vectors that are no references
            layout - begin + 60,
            *columns.vectors,
            *numbers,
        )
        return buffer.put(point + tail)

    def _series_of(self, key: bytes) -> _Series:
        found = self._series.get(key)
        if found is None:
            if len(self._series) >= self.MOST_SERIES:
                self._series.clear()
            found = self._series[key] = _series_of(key)
        return found

    def _columns_of(self, fields: Fields) -> _Columns:
        if len(self._columns) >= self.MOST_COLUMNS:
            self._columns.clear()
        names = [field[read_varint(field, 1)[1] : -1] for field in fields]
        types = bytes([_TYPES[field[-1]] for field in fields])
        point, places, vectors = _point_of([field[-1] for field in fields])
        made = self._columns[fields] = _Columns(
            _padded(_vector([(_counted(name), 0) for name in names])),
            _padded(_counted(types)),
            _padded(pack("<7H", 14, 4 + 4 * sum(map(bool, places)), *places)),
            point,
            vectors,
        )
        return made


class _Buffer:
    """One FlatBuffer, from its end."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._places: dict[bytes, int] = {}
        self.size = 0
        self.row, self.group, self._root = [self.put(layout) for layout in (_ROW, _GROUP, _ROOT)]
        self.empty = self.shared(_padded(_counted(b"")))

    def put(self, part: bytes) -> int:
        """Put a part before all others; how far from the end it begins."""
        part += _PADDING[-len(part) & 7]
        self._parts.append(part)
        self.size += len(part)
        return self.size

    def shared(self, part: bytes) -> int:
        """Put a part of full length, unless it is there; how far from the end it begins."""
        place = self._places.get(part)
        if place is None:
            self._parts.append(part)
            self.size += len(part)
            place = self._places[part] = self.size
        return place

    def finish(self, groups: Sequence[int]) -> bytes:
        """Put the root and the vector of groups, and return all of it."""
        count = len(groups)
        size = 16 + 4 * count
        begin = self.size + size + (-size & 7)
        references = [begin - 16 - 4 * n - group for n, group in enumerate(groups)]
        # Where the root's table is, the table, and its vector.
        self.put(pack(f"<IiII{count}I", 4, self._root - begin + 4, 4, count, *references))
        self._parts.reverse()
        return b"".join(self._parts)


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
        _padded(_counted(texts[0x0A])), _padded(_counted(texts[0x12])), _padded(_vector(tags))
    )


def _tag(tag: bytes) -> bytes:
    """A Tag with its layout before it and its texts behind it."""
    length, start = read_varint(tag, 1)
    name = _counted(tag[start : start + length])
    length, start = read_varint(tag, start + length + 1)
    value = _counted(tag[start : start + length])
    return _TAG + pack("<iII", len(_TAG), 8, 4 + len(name)) + name + value


def _read_fields(wire: bytes, position: int, values: _Values) -> Fields:
    """The names and types of a row's fields; their values go to `values`."""
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
    """How a point with values of these types is packed, up to what refers to texts and bytes.

    Returns its form, the places of FieldValues' own fields, and what those refer to.
    """
    counts = [tags.count(tag) for tag in (_INTEGER, _BOOLEAN, _DOUBLE, _STRING, _BINARY)]
    present = [number for number, count in enumerate(counts) if count]
    places = [0] * 5
    for turn, number in enumerate(present):
        places[number] = 4 + 4 * turn
    head = "<iIIIIII4xiIIIqIi" + "I" * len(present)
    position = Struct(head).size
    form = head
    lies: dict[int, int] = {}
    for number, count, dead_letter in ((0, counts[0], "q"), (2, counts[2], "d")):
        if count:
            gap = -(position + 4) & 7  # the elements lie at a multiple of eight
            lies[number] = position + gap
            form += f"{gap}xI{count}{dead_letter}"
            position += gap + 4 + 8 * count
    if counts[1]:
        lies[1] = position
        gap = -counts[1] & 3
        form += f"I{counts[1]}?{gap}x"
        position += 4 + counts[1] + gap
    for number in (3, 4):
        if counts[number]:
            lies[number] = position
            position += 4 + 4 * counts[number]
    references = [lies[number] - 60 - places[number] for number in present]
    return Struct(form), places, (*references,)


def _tail(strings: Sequence[bytes], binaries: Sequence[bytes]) -> bytes:
    """The vectors of texts and of bytes, each followed by what it refers to."""
    if not binaries:
        return _vector([(_counted(text), 0) for text in strings])
    texts = [(_counted(text), 0) for text in strings]
    values = [(_BYTES_VALUE + _counted(value), _TABLE_IN_BYTES_VALUE) for value in binaries]
    return _vectors([items for items in (texts, values) if items])


def _vector(items: Sequence[tuple[bytes, int]]) -> bytes:
    """A vector of references and the parts that they refer to: (part, place in it)."""
    return _vectors([items])


def _vectors(lists: Sequence[Sequence[tuple[bytes, int]]]) -> bytes:
    """Vectors one behind the other, and then the parts that they refer to."""
    end = sum([4 + 4 * len(items) for items in lists])
    out: list[int] = []
    parts: list[bytes] = []
    for items in lists:
        out.append(len(items))
        for part, inside in items:
            out.append(end + inside - 4 * len(out))
            parts.append(part)
            end += len(part)
    return pack(f"<{len(out)}I", *out) + b"".join(parts)


def _padded(part: bytes) -> bytes:
    return part + _PADDING[-len(part) & 7]


def _counted(content: bytes) -> bytes:
    """A text or a vector of bytes: its length, itself, and zeros up to a multiple of four."""
    return len(content).to_bytes(4, "little") + content + _PADDING[4 - len(content) % 4]
