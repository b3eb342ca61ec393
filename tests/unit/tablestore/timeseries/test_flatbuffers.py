"""Points as FlatBuffers: what was given, to readers that others wrote."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from tablestore.flatbuffer.timeseries.FlatBufferRows import FlatBufferRows

from connectors.settings.tablestore_limits import MAX_FIELD_VALUE_BYTES
from connectors.tablestore.timeseries.flatbuffers import FlatBuffers
from emulator.wire import flatbuffer
from tests.unit.tablestore.timeseries.points import (
    POINTS,
    Point,
    read_flatbuffers,
    read_protobuf,
    wire,
)


@given(st.lists(POINTS, max_size=8))
def test_a_buffer_has_what_was_given(points: Sequence[Point]) -> None:
    """Any points: the same values of the same types."""
    wires = [wire(point) for point in points]
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
