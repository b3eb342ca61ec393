"""BulkExport, and GetRange that answers with a matrix of rows."""

import struct
from typing import Any, NamedTuple

import pytest

from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.crc import crc8
from tests.emulator.harness import Answer, Emulator, batch, row
from tests.emulator.read_requests import invalid, key

MATRIX, PLAIN = 1, 0


class Matrix(NamedTuple):
    """A block taken apart, independently of the server's code."""

    key_names: list[str]
    names: list[str]
    has_entire_key: bool
    rows: list[list[Any]]


def matrix(data: bytes) -> Matrix:
    magic, data_at, options_at, keys, attributes = struct.unpack_from("<5i", data)
    assert magic == 0x304D5253
    assert data[-2] == 1
    assert data[-1] == crc8(data[:-1], 0)
    names, at = [], 20
    for _ in range(keys + attributes):
        (length,) = struct.unpack_from("<h", data, at)
        names.append(data[at + 2 : at + 2 + length].decode())
        at += 2 + length
    assert at == options_at
    tag, entire, count_tag, count = struct.unpack_from("<BBBi", data, options_at)
    assert (tag, count_tag, options_at + 7) == (10, 3, data_at)
    rows, at = [], data_at
    for _ in range(count):
        assert data[at] == 2
        at += 1
        values: list[Any] = []
        for _ in names:
            value, at = _value(data, at)
            values.append(value)
        rows.append(values)
    assert at == len(data) - 2
    return Matrix(names[:keys], names[keys:], bool(entire), rows)


def _value(data: bytes, at: int) -> tuple[Any, int]:
    size = {pb.INTEGER: 8, pb.DOUBLE: 8, pb.BOOLEAN: 1, 6: 0}.get(data[at])
    if size is None:
        size = 4 + int.from_bytes(data[at + 1 : at + 5], "little")
    end = at + 1 + size
    return (None if data[at] == 6 else pb.python_value(data[at:end])), end


def bound(value: int) -> bytes:
    return pb.HEADER + pb.encode_row([(b"k", bytes((value,))), (b"id", bytes((value,)))])


def request(table: str, *names: str, **changes: Any) -> wire.BulkExportRequest:
    fields: dict[str, Any] = {
        "table_name": table,
        "columns_to_get": names,
        "inclusive_start_primary_key": bound(pb.INF_MIN),
        "exclusive_end_primary_key": bound(pb.INF_MAX),
    }
    return wire.BulkExportRequest(**{**fields, **changes})


def exported(answer: Answer) -> wire.BulkExportResponse:
    assert answer.status == 200, answer.error
    return wire.BulkExportResponse.FromString(answer.body)


@pytest.fixture
def table(emulator: Emulator) -> str:
    """Three rows; the second has no `d`, the third none of both."""
    name = emulator.make_table()
    cells: list[list[tuple[Any, ...]]] = [[("c", "x"), ("d", 1.5)], [("c", "y")], [("e", True)]]
    rows = [row(key(number), found) for number, found in enumerate(cells)]
    assert emulator.send("BatchWriteRow", batch((name, rows))).status == 200
    return name


def test_an_export_is_a_matrix_of_the_columns_asked_for(emulator: Emulator, table: str) -> None:
    """Key columns in the order of the schema, the others by name; what a row lacks is null."""
    answer = exported(emulator.send("BulkExport", request(table, "d", "id", "c")))
    assert answer.data_block_type == MATRIX
    assert matrix(answer.rows) == (
        ["id"],
        ["c", "d"],
        False,
        [[0, "x", 1.5], [1, "y", None], [2, None, None]],
    )
    whole = matrix(exported(emulator.send("BulkExport", request(table, "c", "id", "k"))).rows)
    assert (whole.key_names, whole.has_entire_key) == (["k", "id"], True)


def test_an_export_costs_bytes_and_no_units(emulator: Emulator, table: str) -> None:
    """The whole key and the cells read count, with names and without versions."""
    consumed = exported(emulator.send("BulkExport", request(table, "c"))).consumed
    assert (consumed.capacity_unit.read, consumed.capacity_unit.write) == (0, 0)
    keys = 3 * (len("k") + len("a") + len("id") + 8)
    assert consumed.capacity_data_size.read_size == keys + 2 * len("cx")
    assert consumed.capacity_data_size.HasField("write_size")


def test_an_export_can_be_a_plain_buffer(emulator: Emulator, table: str) -> None:
    """With whole keys, and versions; rows without any of the columns are left out."""
    asked = request(table, "c", data_block_type_hint=PLAIN)
    answer = exported(emulator.send("BulkExport", asked))
    assert (answer.data_block_type, answer.rows[:4]) == (PLAIN, pb.HEADER)
    assert answer.rows.count(b"\x03\x04\x01\x00\x00\x00k") == 2
    everything = exported(emulator.send("BulkExport", request(table, data_block_type_hint=PLAIN)))
    assert everything.rows.count(b"\x03\x04\x01\x00\x00\x00k") == 3


def test_a_matrix_needs_columns(emulator: Emulator, table: str) -> None:
    error = invalid("DBT_SIMPLE_ROW_MATRIX need at least one column to get.")
    assert emulator.send("BulkExport", request(table)).error == error
    unknown = request(table, "c", data_block_type_hint=7)
    assert emulator.send("BulkExport", unknown).error == invalid("Invalid data block type: 7.")


def test_an_export_goes_on_where_its_page_ended(emulator: Emulator) -> None:
    """A page has 5,000 rows or 4 MB; every row is in one page and one only."""
    name = emulator.make_table()
    for number in range(9):
        large = row(key(number), [("c", "x" * 1_000_000)])
        assert emulator.send("BatchWriteRow", batch((name, [large]))).status == 200
    found: list[int] = []
    start, pages = bound(pb.INF_MIN), 0
    while start:
        asked = request(name, "id", "c", inclusive_start_primary_key=start)
        answer = exported(emulator.send("BulkExport", asked))
        found += [line[0] for line in matrix(answer.rows).rows]
        start, pages = answer.next_start_primary_key, pages + 1
    assert (found, pages) == (list(range(9)), 2)


def test_a_filter_of_an_export_saves_no_cost(emulator: Emulator, table: str) -> None:
    rule = wire.SingleColumnFilter(
        comparator=1,
        column_name="c",
        column_value=pb.wire_value("y"),
        filter_if_missing=True,
        latest_version_only=True,
    )
    test = wire.Filter(type=1, filter=rule.SerializeToString()).SerializeToString()
    answer = exported(emulator.send("BulkExport", request(table, "c", filter=test)))
    assert matrix(answer.rows).rows == [["y"]]
    everything = exported(emulator.send("BulkExport", request(table, "c")))
    assert answer.consumed == everything.consumed


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["k", "id"]),
        ({"return_entire_primary_keys": True}, ["k", "id"]),
        ({"return_entire_primary_keys": False}, []),
    ],
)
def test_a_range_can_be_a_matrix(
    emulator: Emulator, table: str, options: dict[str, Any], names: list[str]
) -> None:
    """With the whole key unless that is switched off; a row shows the newest version of a cell."""
    asked = wire.GetRangeRequest(
        table_name=table,
        direction=0,
        max_versions=1,
        columns_to_get=["c", "d"],
        inclusive_start_primary_key=bound(pb.INF_MIN),
        exclusive_end_primary_key=bound(pb.INF_MAX),
        data_block_type_hint=MATRIX,
        **options,
    )
    answer = wire.GetRangeResponse.FromString(emulator.send("GetRange", asked).body)
    found = matrix(answer.rows)
    assert (answer.data_block_type, found.key_names, found.names) == (MATRIX, names, ["c", "d"])
    assert [line[len(names) :] for line in found.rows] == [["x", 1.5], ["y", None]]


def test_a_range_without_a_hint_is_answered_as_ever(emulator: Emulator, table: str) -> None:
    asked = wire.GetRangeRequest(
        table_name=table,
        direction=0,
        max_versions=1,
        inclusive_start_primary_key=bound(pb.INF_MIN),
        exclusive_end_primary_key=bound(pb.INF_MAX),
    )
    answer = wire.GetRangeResponse.FromString(emulator.send("GetRange", asked).body)
    assert answer.rows[:4] == pb.HEADER
    assert not answer.HasField("data_block_type")
