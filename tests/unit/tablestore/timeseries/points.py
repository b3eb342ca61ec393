"""Any points, and readers of their bytes that others wrote."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st
from tablestore.flatbuffer.timeseries.FlatBufferRows import FlatBufferRows

from connectors.tablestore.timeseries.protobuf import PointEncoder
from emulator.wire import messages_pb2

INTEGERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-300, 300),
    st.sampled_from([0, 127, 128, 2**31, 2**63 - 1, -(2**63)]),
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "integer": INTEGERS,
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "string": TEXTS,
    "binary": st.binary(max_size=20),
}
NAMES = st.text("abcdefghij_0123456789", min_size=1, max_size=128)


class Point(NamedTuple):
    """A point: fields as name -> (type, value)."""

    measurement: str
    source: str
    tags: tuple[tuple[str, str], ...]
    time: int
    fields: tuple[tuple[str, str, Any], ...]


FIELD = st.sampled_from(sorted(BY_TYPE)).flatmap(
    lambda field_type: st.tuples(NAMES, st.just(field_type), BY_TYPE[field_type])
)
POINTS = st.builds(
    Point,
    st.text("abcß語", min_size=1, max_size=130),
    TEXTS,
    st.dictionaries(NAMES, TEXTS, max_size=4).map(lambda tags: tuple(sorted(tags.items()))),
    st.integers(0, 2**63 - 1),
    st.lists(FIELD, max_size=12, unique_by=lambda field: field[0]).map(
        lambda fields: tuple(sorted(fields))
    ),
)


def wire(point: Point) -> bytes:
    """A point's part of a request."""
    encoder = PointEncoder()
    encode = encoder.compile([(name, field_type) for name, field_type, _ in point.fields])
    series = encoder.series(point.measurement, point.source, point.tags)
    identity, row, _ = encode(series, point.time, [value for _, _, value in point.fields])
    assert identity == series + point.time.to_bytes(8, "big")
    return row


def read_protobuf(rows: bytes) -> list[Point]:
    """Points as protobuf's own library reads them."""
    found = []
    for row in messages_pb2.TimeseriesRowList.FromString(rows).rows:
        fields = []
        for field in row.fields:
            ((_, _), (value_of, value)) = field.ListFields()
            fields.append((field.name, TYPES[value_of.name], value))
        tags = tuple((tag.name, tag.value) for tag in row.key.tag_list)
        key = row.key
        found.append(Point(key.measurement, key.source, tags, row.time, tuple(fields)))
    return found


TYPES = {
    "int_value": "integer",
    "double_value": "double",
    "bool_value": "boolean",
    "string_value": "string",
    "binary_value": "binary",
}


def read_flatbuffers(data: bytes) -> list[Point]:
    """Points as the official SDK's classes, generated from the vendor's schema, read them."""
    root = FlatBufferRows.GetRootAs(data, 0)
    found = []
    for number in range(root.RowGroupsLength()):
        group = root.RowGroups(number)
        assert group.RowsLength() == 1
        row = group.Rows(0)
        values = row.FieldValues()
        readers: dict[int, tuple[str, Any]] = {
            1: ("integer", values.LongValues),
            2: ("boolean", values.BoolValues),
            3: ("double", values.DoubleValues),
            4: ("string", lambda at, values=values: values.StringValues(at).decode()),
            5: ("binary", lambda at, values=values: _bytes(values.BinaryValues(at))),
        }
        used = dict.fromkeys(readers, 0)
        fields = []
        assert group.FieldTypesLength() == group.FieldNamesLength()
        for at in range(group.FieldNamesLength()):
            kind, read = readers[group.FieldTypes(at)]
            value = read(used[group.FieldTypes(at)])
            used[group.FieldTypes(at)] += 1
            fields.append((group.FieldNames(at).decode(), kind, value))
        tags = [row.TagList(at) for at in range(row.TagListLength())]
        found.append(
            Point(
                group.MeasurementName().decode(),
                row.DataSource().decode(),
                tuple((tag.Name().decode(), tag.Value().decode()) for tag in tags),
                row.Time(),
                tuple(fields),
            )
        )
        assert row.Tags() == b""
    return found


def _bytes(value: Any) -> bytes:
    return bytes(value.Value(at) & 255 for at in range(value.ValueLength()))
