"""The wide-column table behind a time series table, as the official Java tests use it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tablestore as ots
from tablestore.metadata import (
    CreateTimeseriesTableRequest,
    GetTimeseriesDataRequest,
    TimeseriesKey,
    TimeseriesRow,
    TimeseriesTableMeta,
    TimeseriesTableOptions,
)
from tablestore.plainbuffer.plain_buffer_builder import PlainBufferBuilder

from emulator.wire import messages_pb2 as wire
from emulator.wire.decoder import decode_row
from tests.emulator.harness import Emulator, running

NAMES = ["_#h", "_m_name", "_data_source", "_tags", "_time"]
INNER = "points#timeseries"
IGNORE = ots.Condition("IGNORE")


def key(stamp: int, source: str = "host", hashed: str = "") -> list[tuple[str, Any]]:
    return list(zip(NAMES, [hashed, "cpu", source, '["a=b"]', stamp], strict=True))


@pytest.fixture
def series(emulator: Emulator) -> Iterator[Any]:
    client = emulator.client()
    client.create_timeseries_table(CreateTimeseriesTableRequest(TimeseriesTableMeta("points")))
    yield client
    client.delete_timeseries_table("points")


def refused(call: Any) -> tuple[int, str]:
    with pytest.raises(ots.OTSServiceError) as caught:
        call()
    return caught.value.get_http_status(), caught.value.get_error_code()


def points(client: Any) -> list[tuple[int, dict[str, Any]]]:
    request = GetTimeseriesDataRequest("points")
    request.timeseriesKey = TimeseriesKey("cpu", "host", {"a": "b"})
    request.beginTimeInUs, request.endTimeInUs = 0, 1000
    return [(row.time_in_us, row.fields) for row in client.get_timeseries_data(request).rows]


def scan(client: Any) -> list[Any]:
    low = [(name, ots.INF_MIN) for name in NAMES]
    high = [(name, ots.INF_MAX) for name in NAMES]
    return list(client.get_range(INNER, ots.Direction.FORWARD, low, high, max_version=1)[2])


def test_its_schema_is_hash_series_time(series: Any) -> None:
    shown = series.describe_table(INNER).table_meta
    types = ["STRING", "STRING", "STRING", "STRING", "INTEGER"]
    assert [tuple(column[:2]) for column in shown.schema_of_primary_key] == list(
        zip(NAMES, types, strict=True)
    )
    assert INNER not in series.list_table()


def test_points_are_rows(series: Any) -> None:
    row = TimeseriesRow(TimeseriesKey("cpu", "host", {"a": "b"}), {"load": 0.5, "n": 3}, 7)
    series.put_timeseries_data("points", [row])
    (found,) = scan(series)
    assert [tuple(cell) for cell in found.primary_key] == key(7)
    assert [tuple(cell)[:2] for cell in found.attribute_columns] == [("load:d", 0.5), ("n:i", 3)]
    _, found, _ = series.get_row(INNER, key(7), columns_to_get=["load:d"], max_version=1)
    assert [cell[0] for cell in found.attribute_columns] == ["load:d"]


def test_rows_are_points(series: Any) -> None:
    series.put_row(INNER, ots.Row(key(7), [("load:d", 0.5)]), IGNORE)
    series.update_row(INNER, ots.Row(key(7), {"PUT": [("name:s", "x")]}), IGNORE)
    series.put_row(INNER, ots.Row(key(8), [("load:d", 1.5)]), IGNORE)
    assert points(series) == [(7, {"load": 0.5, "name": "x"}), (8, {"load": 1.5})]
    series.delete_row(INNER, ots.Row(key(7)), IGNORE)
    assert points(series) == [(8, {"load": 1.5})]


def test_its_hash_and_its_options_are_not_for_clients(series: Any) -> None:
    row = ots.Row(key(7, hashed="given"), [("load:d", 0.5)])
    assert refused(lambda: series.put_row(INNER, row, IGNORE)) == (400, "OTSInvalidPK")
    assert refused(lambda: series.delete_table(INNER)) == (400, "OTSParameterInvalid")
    assert scan(series) == []


def test_other_tables_have_no_such_names(emulator: Emulator, series: Any) -> None:
    """Where columns have the names of the guide, `load:d` is one of points only."""
    table = emulator.make_table()
    row = ots.Row([("k", "a"), ("id", 1)], [("load:d", 0.5)])
    with running("--column-names", "documented") as server:
        client, narrow = server.client(), server.make_table()
        assert refused(lambda: client.put_row(narrow, row, IGNORE)) == (400, "OTSParameterInvalid")
    missing = f"{table}#timeseries"
    assert refused(lambda: series.put_row(missing, row, IGNORE)) == (404, "OTSObjectNotExist")


def test_filters_and_conditions_name_columns_as_they_are_shown(series: Any) -> None:
    rows = [TimeseriesRow(TimeseriesKey("cpu", "host", {"a": "b"}), {"n": n}, n) for n in (1, 2, 3)]
    series.put_timeseries_data("points", rows)
    low, high = ([(name, end) for name in NAMES] for end in (ots.INF_MIN, ots.INF_MAX))
    above = ots.SingleColumnCondition("n:i", 1, ots.ComparatorType.GREATER_THAN, False)
    below = ots.SingleColumnCondition("n:i", 3, ots.ComparatorType.LESS_THAN, False)
    both = ots.CompositeColumnCondition(ots.LogicalOperator.AND)
    both.add_sub_condition(above)
    both.add_sub_condition(below)
    forward = ots.Direction.FORWARD
    found = series.get_range(INNER, forward, low, high, max_version=1, column_filter=both)[2]
    assert [dict(row.primary_key)["_time"] for row in found] == [2]
    condition = ots.Condition("EXPECT_EXIST", above)
    series.update_row(INNER, ots.Row(key(3), {"PUT": [("seen:b", True)]}), condition)
    first = ots.Row(key(1), {"PUT": [("seen:b", True)]})
    assert refused(lambda: series.update_row(INNER, first, condition)) == (
        403,
        "OTSConditionCheckFail",
    )
    assert points(series) == [(1, {"n": 1}), (2, {"n": 2}), (3, {"n": 3, "seen": True})]


def test_points_expire_by_their_own_time(series: Any) -> None:
    """In reads of both kinds, for conditions, and from the moment the option is set."""
    now = time.time_ns() // 1000
    old, young = now - 2 * 86_400_000_000, now - 3_600_000_000
    name = TimeseriesKey("cpu", "host", {"a": "b"})
    rows = [TimeseriesRow(name, {"n": number}, number) for number in (old, young)]
    series.put_timeseries_data("points", rows)
    assert len(scan(series)) == 2
    meta = TimeseriesTableMeta("points", TimeseriesTableOptions(86_400))
    series.update_timeseries_table(meta)
    assert series.describe_table(INNER).table_options.time_to_live == 86_400
    assert [dict(row.primary_key)["_time"] for row in scan(series)] == [young]
    assert series.get_row(INNER, key(old), max_version=1)[1] is None
    change = ots.Row(key(old), {"PUT": [("n:i", 1)]})
    expect = ots.Condition("EXPECT_EXIST")
    assert refused(lambda: series.update_row(INNER, change, expect)) == (
        403,
        "OTSConditionCheckFail",
    )
    request = GetTimeseriesDataRequest("points")
    request.timeseriesKey, request.beginTimeInUs, request.endTimeInUs = name, 0, now
    assert [row.time_in_us for row in series.get_timeseries_data(request).rows] == [young]


def test_expiry_outlives_the_process(tmp_path: Path) -> None:
    with running("--data", str(tmp_path)) as server:
        client = server.client()
        meta = TimeseriesTableMeta("points", TimeseriesTableOptions(86_400))
        client.create_timeseries_table(CreateTimeseriesTableRequest(meta))
        name = TimeseriesKey("cpu", "host", {"a": "b"})
        client.put_timeseries_data("points", [TimeseriesRow(name, {"n": 1}, 7)])
        assert scan(client) == []
    with running("--data", str(tmp_path)) as server:
        assert scan(server.client()) == []
        assert server.client().describe_table(INNER).table_options.time_to_live == 86_400


def test_a_fault_can_wait_for_a_value_in_it(emulator: Emulator, series: Any) -> None:
    rule = {"kind": "bad_request_if_row", "key": {"column": "n:i", "value": 5}}
    good, bad = (ots.Row(key(7), [("n:i", value)]) for value in (4, 5))
    with emulator.faults(rule):
        series.put_row(INNER, good, IGNORE)
        assert refused(lambda: series.put_row(INNER, bad, IGNORE)) == (400, "OTSParameterInvalid")
    assert points(series) == [(7, {"n": 4})]


def test_a_row_is_returned_as_it_is_shown(emulator: Emulator, series: Any) -> None:
    raw = PlainBufferBuilder.serialize_for_update_row(key(7), {"INCREMENT": [("n:i", 5)]})
    change = wire.UpdateRowRequest(
        table_name=INNER,
        row_change=bytes(raw),
        condition=wire.Condition(row_existence=0),
        return_content=wire.ReturnContent(return_type=2, return_column_names=["n:i"]),
    )
    answer = emulator.send("UpdateRow", change)
    assert answer.status == 200
    found = decode_row(wire.ChangeRowResponse.FromString(answer.body).row, inner=True)
    assert [cell[0] for cell in found.cells] == [b"n:i"]
