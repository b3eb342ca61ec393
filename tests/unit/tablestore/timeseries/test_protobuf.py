"""Points as protobuf and as FlatBuffers: both say what was given, to readers that others wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablestore.flatbuffer.timeseries.FlatBufferRows import FlatBufferRows

from connectors.settings.tablestore_limits import MAX_FIELD_VALUE_BYTES
from connectors.tablestore.plainbuffer.varint import prefixed, read_varint, varint
from connectors.tablestore.timeseries.flatbuffers import FlatBuffers
from connectors.tablestore.timeseries.protobuf import PointEncoder
from emulator.wire import flatbuffer, messages_pb2

INTEGERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-300, 300),
    st.sampled_from([0, 127, 128, 2**31, 2**63 - 1, -(2**63)]),
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
BY_KIND: dict[str, st.SearchStrategy[Any]] = {
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


FIELD = st.sampled_from(sorted(BY_KIND)).flatmap(
    lambda kind: st.tuples(NAMES, st.just(kind), BY_KIND[kind])
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
    encode = encoder.compile([(name, kind) for name, kind, _ in point.fields])
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
            fields.append((field.name, KINDS[value_of.name], value))
        tags = tuple((tag.name, tag.value) for tag in row.key.tag_list)
        key = row.key
        found.append(Point(key.measurement, key.source, tags, row.time, tuple(fields)))
    return found


KINDS = {
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


@given(st.lists(POINTS, max_size=8))
def test_both_forms_say_what_was_given(points: Sequence[Point]) -> None:
    """Any points: protobuf and FlatBuffers read back as the same values of the same types."""
    wires = [wire(point) for point in points]
    assert read_protobuf(b"".join(wires)) == list(points)
    assert read_flatbuffers(FlatBuffers().encode(wires)) == list(points)


@given(st.lists(POINTS, min_size=1, max_size=8))
def test_numbers_lie_where_readers_in_other_languages_want_them(points: Sequence[Point]) -> None:
    """A reader that checks every offset takes it; eight-byte numbers lie at multiples of eight."""
    data = FlatBuffers().encode([wire(point) for point in points])
    assert len(data) % 8 == 0
    root = FlatBufferRows.GetRootAs(data, 0)
    for number in range(len(points)):
        row = root.RowGroups(number).Rows(0)
        for vtable_slot in (8,):  # the time
            place = row._tab.Pos + row._tab.Offset(vtable_slot)
            assert place % 8 == 0
        values = row.FieldValues()
        for slot in (4, 8):  # integers, doubles
            offset = values._tab.Offset(slot)
            if offset:
                assert values._tab.Vector(offset) % 8 == 0
    assert len(flatbuffer.decode_points(data)) == len(points)


@given(st.lists(st.lists(POINTS, max_size=4), min_size=2, max_size=4))
def test_what_is_remembered_changes_nothing(requests: Sequence[Sequence[Point]]) -> None:
    """One encoder for many requests gives each as a new one would, full memory or not."""
    lasting = FlatBuffers()
    lasting.MAX_SERIES = lasting.MAX_COLUMNS = 2
    for points in requests:
        wires = [wire(point) for point in points]
        assert lasting.encode(wires) == FlatBuffers().encode(wires)


def test_the_service_finds_long_texts() -> None:
    """Names, texts and bytes at their limits, whose lengths take several bytes."""
    point = Point(
        "m" * 128,
        "s" * 256,
        (("t" * 100, "v" * 300),),
        2**63 - 1,
        (
            ("b" * 128, "binary", b"\xff" * MAX_FIELD_VALUE_BYTES),
            ("c" * 128, "string", "é" * 10_000),
        ),
    )
    row = wire(point)
    assert read_protobuf(row) == [point]
    (raw,) = flatbuffer.decode_points(FlatBuffers().encode([row]))
    assert [len(value) for _, value in raw.fields] == [MAX_FIELD_VALUE_BYTES + 5, 20_005]


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("integer", 2**63, "integer_range"),
        ("integer", -(2**63) - 1, "integer_range"),
        ("double", float("nan"), "not_finite"),
        ("double", float("-inf"), "not_finite"),
        ("string", "\ud800", "encoding"),
        ("string", "x" * (MAX_FIELD_VALUE_BYTES + 1), "value_length"),
        ("binary", b"x" * (MAX_FIELD_VALUE_BYTES + 1), "value_length"),
    ],
)
def test_values_that_no_field_takes(kind: str, value: Any, code: str) -> None:
    """Rejected with a code, before anything is sent."""
    encoder = PointEncoder()
    with pytest.raises(encoder.error) as caught:
        encoder.compile([("f", kind)])(b"", 0, [value])
    assert caught.value.args[0] == code


def test_a_row_too_long_for_any_request() -> None:
    """Three values at their limits make a row that no request carries."""
    encoder = PointEncoder()
    encode = encoder.compile([(name, "binary") for name in "abc"])
    with pytest.raises(encoder.error, match="carries at most"):
        encode(b"", 0, [b"x" * MAX_FIELD_VALUE_BYTES] * 3)


@given(st.integers(0, 2**64 - 1))
def test_varints(value: int) -> None:
    """What is written is read, in the fewest bytes."""
    written = varint(value)
    assert read_varint(b"x" + written, 1) == (value, 1 + len(written))
    assert len(written) == max(1, (value.bit_length() + 6) // 7)
    assert prefixed(b"\x0a", written)[2:] == written
