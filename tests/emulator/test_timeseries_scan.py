"""SplitTimeseriesScanTask and ScanTimeseriesData, by hand: the Python SDK has neither."""

from collections.abc import Iterator
from typing import Any

import pytest
from tablestore.metadata import TimeseriesRow

from emulator.wire import decoder
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from tests.emulator import series
from tests.emulator.harness import Emulator
from tests.emulator.read_requests import invalid


@pytest.fixture
def points(emulator: Emulator) -> Iterator[str]:
    """Forty points of eight series of two measurements."""
    client = emulator.client()
    table = series.make(client)
    rows = [
        TimeseriesRow(series.key(f"host{source}", name), {"n": time, "half": time / 2}, time)
        for name in ("cpu", "disk")
        for source in range(4)
        for time in range(1, 6)
    ]
    assert series.put(client, table, *rows) == []
    yield table
    for listed in client.list_timeseries_table():
        client.delete_timeseries_table(listed.timeseries_table_name)


def split(
    emulator: Emulator, table: str, count: int, measurement: str | None = None
) -> list[bytes]:
    request = wire.SplitTimeseriesScanTaskRequest(
        table_name=table, split_count_hint=count, measurement_name=measurement
    )
    answer = emulator.send("SplitTimeseriesScanTask", request)
    assert answer.status == 200, answer.error
    return list(wire.SplitTimeseriesScanTaskResponse.FromString(answer.body).split_infos)


def scan(emulator: Emulator, table: str, **options: Any) -> wire.ScanTimeseriesDataResponse:
    request = wire.ScanTimeseriesDataRequest(
        table_name=table, data_serialize_type=1, supported_table_version=1, **options
    )
    answer = emulator.send("ScanTimeseriesData", request)
    assert answer.status == 200, answer.error
    return wire.ScanTimeseriesDataResponse.FromString(answer.body)


def decoded(data: bytes) -> list[tuple[str, str, int, dict[str, Any]]]:
    """The points of an answer: measurement, source, time, fields."""
    found = []
    for raw in _rows(data):
        key = {name: pb.python_value(value) for name, value in raw.key}
        cells = {n.decode(): pb.python_value(v) for n, _, v, _ in raw.cells if v is not None}
        found.append((str(key[b"_m_name"]), str(key[b"_data_source"]), int(key[b"_time"]), cells))
    return found


def _rows(data: bytes) -> list[pb.RowChange]:
    found, at = [], 4
    while at < len(data):
        row, at = decoder._decode(data, at, True)
        found.append(row)
    return found


def pages(emulator: Emulator, table: str, **options: Any) -> list[tuple[str, str, int, Any]]:
    found, token = [], b""
    while True:
        answer = scan(emulator, table, token=token, **options)
        found += decoded(answer.data)
        token = answer.next_token
        if not token:
            return found


@pytest.mark.parametrize("count", [1, 3, 8, 50])
def test_every_point_is_in_one_part_and_one_only(
    emulator: Emulator, points: str, count: int
) -> None:
    parts = split(emulator, points, count)
    assert len(parts) == count
    found = [point for part in parts for point in pages(emulator, points, split_info=part, limit=3)]
    assert len(found) == 40
    assert found == pages(emulator, points)


def test_parts_have_about_the_same_number_of_series(emulator: Emulator, points: str) -> None:
    sizes = [len(pages(emulator, points, split_info=p)) for p in split(emulator, points, 4)]
    assert sizes == [10, 10, 10, 10]


def test_a_task_has_256_parts_at_most(emulator: Emulator, points: str) -> None:
    assert len(split(emulator, points, 499)) == 256
    request = wire.SplitTimeseriesScanTaskRequest(table_name=points, split_count_hint=0)
    answer = emulator.send("SplitTimeseriesScanTask", request)
    assert answer.error == invalid("The split_count_hint should be greater than 0.")


def test_a_task_can_be_of_one_measurement(emulator: Emulator, points: str) -> None:
    found = [
        point
        for part in split(emulator, points, 3, "disk")
        for point in pages(emulator, points, split_info=part)
    ]
    assert [point[0] for point in found] == ["disk"] * 20
    for part in split(emulator, points, 2, "none"):
        assert pages(emulator, points, split_info=part) == []


def test_a_scan_has_a_range_of_times_and_a_choice_of_fields(
    emulator: Emulator, points: str
) -> None:
    """The end is not part of the range; fields of another type than asked for are not shown."""
    fields = [wire.TimeseriesFieldToGet(name="n", type=1)]
    found = pages(emulator, points, start_time_us=2, end_time_us=4, fields_to_get=fields)
    assert sorted({point[2] for point in found}) == [2, 3]
    assert all(point[3] == {"n:i": point[2]} for point in found)
    assert len(found) == 16
    other = [wire.TimeseriesFieldToGet(name="n", type=4)]
    assert pages(emulator, points, fields_to_get=other) == []


@pytest.mark.parametrize("info", [b"x", b"W10=", b"bnVsbA==", b"WzEsIjAwIiwiZmYiLG51bGxd"])
def test_a_part_that_was_not_given_out_is_refused(
    emulator: Emulator, points: str, info: bytes
) -> None:
    request = wire.ScanTimeseriesDataRequest(
        table_name=points, split_info=info, supported_table_version=1
    )
    assert emulator.send("ScanTimeseriesData", request).error == invalid("Invalid split info.")


def test_a_part_of_another_table_is_refused(emulator: Emulator, points: str) -> None:
    other = series.make(emulator.client(), "other_points")
    (part,) = split(emulator, other, 1)
    request = wire.ScanTimeseriesDataRequest(
        table_name=points, split_info=part, supported_table_version=1
    )
    assert emulator.send("ScanTimeseriesData", request).error == invalid("Invalid split info.")
