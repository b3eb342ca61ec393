"""Rules of time series: times to live, types of fields asked for, faults that wait for a point."""

from functools import partial
from typing import Any

import pytest
from tablestore.metadata import (
    TimeseriesMetaOptions,
    TimeseriesRow,
    TimeseriesTableMeta,
    TimeseriesTableOptions,
)

from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import Emulator
from tests.emulator.series import TAGS, failures, get, key, make, put, refused, rows_message, times

pytestmark = pytest.mark.usefixtures("drop_timeseries_tables")


@pytest.mark.parametrize(
    ("data", "meta", "updates"),
    [
        (10, -1, True),
        (0, -1, True),
        (86_400, 604_799, False),
        (700_000, 604_800, False),
        (-1, 604_800, False),
        (86_400, 604_800, True),
    ],
)
def test_times_to_live_fit_each_other(client: Any, data: int, meta: int, updates: bool) -> None:
    """As the guide has it, at creation and later; what is refused changes nothing."""
    options = TimeseriesTableOptions(data), TimeseriesMetaOptions(meta, updates)
    assert refused(
        lambda: make(
            client, timeseries_table_options=options[0], timeseries_meta_options=options[1]
        )
    )[:2] == (400, "OTSParameterInvalid")
    name = make(
        client,
        timeseries_table_options=TimeseriesTableOptions(86_400),
        timeseries_meta_options=TimeseriesMetaOptions(604_800, False),
    )
    both = TimeseriesTableMeta(name, *options)
    alone = (
        TimeseriesTableMeta(name, options[0])
        if meta == -1 or data in (-1, 700_000)
        else TimeseriesTableMeta(name, timeseries_meta_options=options[1])
    )
    for change in (both, alone, TimeseriesTableMeta(name)):
        assert refused(partial(client.update_timeseries_table, change))[0] == 400
    shown = client.describe_timeseries_table(name).table_meta
    assert shown.timeseries_table_options.time_to_live == 86_400
    assert shown.timeseries_meta_options.meta_time_to_live == 604_800
    client.update_timeseries_table(TimeseriesTableMeta(name, TimeseriesTableOptions(604_800)))


def test_a_field_of_another_type_than_asked_for_is_left_out(client: Any) -> None:
    """As the Java test asserts it: 1 integer, 2 boolean, 3 double, 4 text, 5 binary."""
    table = make(client)
    fields = {"i": 7, "b": True, "d": 0.5, "t": "x", "x": bytearray(b"y")}
    put(client, table, TimeseriesRow(key(), fields, 1))
    right = dict(zip(fields, range(1, 6), strict=True))
    assert get(client, table, fieldsToGet=right).rows[0].fields == fields
    for name, kind in right.items():
        asked = {**right, name: kind % 5 + 1}
        found = get(client, table, fieldsToGet=asked).rows[0].fields
        assert set(found) == set(fields) - {name}
        assert get(client, table, fieldsToGet={name: 99}).rows is None
        assert set(get(client, table, fieldsToGet={name: 0}).rows[0].fields) == {name}


def test_points_fail_alone_on_demand(emulator: Emulator, client: Any) -> None:
    table = make(client)
    rule = {"kind": "row_error", "rows": [1], "code": "OTSServerBusy", "message": "later"}
    points = [TimeseriesRow(key(), {"f": t}, t) for t in range(3)]
    with emulator.faults(rule):
        failed = failures(emulator, table, *points)
    assert [(item.row_index, item.error_code) for item in failed] == [(1, "OTSServerBusy")]
    assert times(get(client, table)) == [0, 2]
    by_tag = {"kind": "row_error", "key": {"column": "room", "value": TAGS["room"]}}
    with emulator.faults(by_tag):
        assert len(failures(emulator, table, *points)) == 3


@pytest.mark.parametrize(
    ("column", "value"),
    [("_time", 1), ("f", 1), ("_data_source", "s1"), ("_m_name", "cpu1"), ("room", "1")],
)
def test_a_request_can_be_refused_for_one_point(
    emulator: Emulator, client: Any, column: str, value: Any
) -> None:
    """In both forms of a put: bisecting finds it. The rule counts each request it refused."""
    table = make(client)
    points = [
        TimeseriesRow(key(f"s{t}", f"cpu{t}", {"room": str(t)}), {"f": t}, t) for t in range(3)
    ]
    rule = {"kind": "bad_request_if_row", "key": {"column": column, "value": value}}
    fired = emulator.stats()["faults"].get("bad_request_if_row", 0)
    listed = wire.TimeseriesRowList()
    for t in range(3):
        row = listed.rows.add(time=t)
        row.key.measurement, row.key.source = f"cpu{t}", f"s{t}"
        row.key.tag_list.add(name="room", value=str(t))
        row.fields.add(name="f", int_value=t)
    message = wire.PutTimeseriesDataRequest(
        table_name=table, rows_data=rows_message(listed.SerializeToString(), 2)
    )
    with emulator.faults(rule):
        assert refused(lambda: put(client, table, *points))[:2] == (400, "OTSParameterInvalid")
        assert emulator.send("PutTimeseriesData", message).status == 400
        assert put(client, table, points[0], points[2]) == []
    assert emulator.stats()["faults"]["bad_request_if_row"] == fired + 2
