"""The wide-column table behind a time series table, as the official Java tests use it."""

from collections.abc import Iterator
from typing import Any

import pytest
import tablestore as ots
from tablestore.metadata import (
    CreateTimeseriesTableRequest,
    GetTimeseriesDataRequest,
    TimeseriesKey,
    TimeseriesRow,
    TimeseriesTableMeta,
)

from tests.emulator.harness import Emulator

NAMES = ["_#h", "_m_name", "_data_source", "_tags", "_time"]
INNER = "points#timeseries"
IGNORE = ots.Condition("IGNORE")


def key(time: int, source: str = "host", hashed: str = "") -> list[tuple[str, Any]]:
    return list(zip(NAMES, [hashed, "cpu", source, '["a=b"]', time], strict=True))


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
    table = emulator.make_table()
    row = ots.Row([("k", "a"), ("id", 1)], [("load:d", 0.5)])
    assert refused(lambda: series.put_row(table, row, IGNORE)) == (400, "OTSParameterInvalid")
    missing = f"{table}#timeseries"
    assert refused(lambda: series.put_row(missing, row, IGNORE)) == (404, "OTSObjectNotExist")
