"""Time series: tables, points in both wire forms, reading in pages."""

from pathlib import Path
from typing import Any

import pytest
import tablestore as ots
from tablestore.metadata import (
    TimeseriesMetaOptions,
    TimeseriesRow,
    TimeseriesTableMeta,
    TimeseriesTableOptions,
)

from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import Emulator, now_ms, running
from tests.emulator.series import (
    FIELDS,
    TAGS,
    get,
    key,
    make,
    put,
    refused,
    rows_message,
    times,
)

pytestmark = pytest.mark.usefixtures("drop_timeseries_tables")


# ---- tables -------------------------------------------------------------------------------


def test_a_table_is_created_shown_changed_and_dropped(client: Any) -> None:
    name = make(
        client,
        timeseries_table_options=TimeseriesTableOptions(86400),
        timeseries_meta_options=TimeseriesMetaOptions(-1, False),
    )
    shown = client.describe_timeseries_table(name).table_meta
    assert (shown.status, shown.timeseries_table_options.time_to_live) == ("CREATED", 86400)
    assert shown.timeseries_meta_options.allow_update_attributes is False
    client.update_timeseries_table(TimeseriesTableMeta(name, TimeseriesTableOptions(8640000)))
    listed = client.list_timeseries_table()
    assert [(t.timeseries_table_name, t.timeseries_table_options.time_to_live) for t in listed] == [
        (name, 8640000)
    ]
    client.delete_timeseries_table(name)
    assert client.list_timeseries_table() == []
    assert refused(lambda: client.describe_timeseries_table(name))[:2] == (
        404,
        "OTSObjectNotExist",
    )


def test_names_are_unique_among_tables_of_both_kinds(emulator: Emulator, client: Any) -> None:
    wide = emulator.make_table()
    make(client)
    assert refused(lambda: make(client))[1] == "OTSObjectAlreadyExist"
    assert refused(lambda: make(client, wide))[1] == "OTSObjectAlreadyExist"
    units = ots.ReservedThroughput(ots.CapacityUnit(0, 0))
    meta = ots.TableMeta("series", [("k", "STRING")])
    found = refused(lambda: client.create_table(meta, ots.TableOptions(), units))
    assert found[1] == "OTSObjectAlreadyExist"


def test_wide_and_time_series_tables_are_listed_apart(emulator: Emulator, client: Any) -> None:
    wide = emulator.make_table()
    make(client)
    assert list(client.list_table()) == [wide]
    assert [t.timeseries_table_name for t in client.list_timeseries_table()] == ["series"]


def test_a_time_series_table_counts_as_two() -> None:
    with running() as server:
        client = server.client()
        for number in range(31):
            make(client, f"s{number}")
        server.make_table()
        assert refused(lambda: make(client, "s31"))[1] == "OTSQuotaExhausted"
        server.make_table()
        with pytest.raises(ots.OTSServiceError):
            server.make_table()


@pytest.mark.parametrize("name", ["9t", "a-b", "x" * 129])
def test_bad_table_names_are_refused(client: Any, name: str) -> None:
    assert refused(lambda: make(client, name)) == (
        400,
        "OTSParameterInvalid",
        f"Invalid table name: '{name}'.",
    )


@pytest.mark.parametrize("days", [0, -2, 86399])
def test_bad_times_to_live_are_refused(client: Any, days: int) -> None:
    options = TimeseriesTableOptions(days)
    found = refused(lambda: make(client, timeseries_table_options=options))
    assert found[:2] == (400, "OTSParameterInvalid")


def test_tables_and_points_outlive_the_process(tmp_path: Path) -> None:
    with running("--data", str(tmp_path)) as server:
        name = make(server.client())
        put(server.client(), name, TimeseriesRow(key(), {"f": 1}, 5))
        server.kill()
    with running("--data", str(tmp_path)) as server:
        assert times(get(server.client(), name)) == [5]


# ---- points -------------------------------------------------------------------------------


def test_every_type_comes_back_as_it_was_put(client: Any) -> None:
    table = make(client)
    assert put(client, table, TimeseriesRow(key(), dict(FIELDS), 123)) == []
    (found,) = get(client, table).rows
    assert found.timeseries_key.measurement_name == "cpu"
    assert found.timeseries_key.data_source == "s"
    assert found.timeseries_key.tags == TAGS
    assert (found.time_in_us, found.fields) == (123, FIELDS)


def test_points_come_in_order_of_time_and_from_one_series_only(client: Any) -> None:
    table = make(client)
    others = [
        TimeseriesRow(key("s2"), {"f": 0}, 2),
        TimeseriesRow(key("s", "cpu2"), {"f": 0}, 2),
        TimeseriesRow(key("s", "cpu", {}), {"f": 0}, 2),
    ]
    put(client, table, *others, *(TimeseriesRow(key(), {"f": t}, t) for t in (3, 1, 2, 10**16)))
    assert times(get(client, table)) == [1, 2, 3, 10**16]
    assert times(get(client, table, backward=True)) == [10**16, 3, 2, 1]


@pytest.mark.parametrize("backward", [False, True])
def test_a_range_includes_its_begin_and_not_its_end(client: Any, backward: bool) -> None:
    table = make(client)
    put(client, table, *(TimeseriesRow(key(), {"f": t}, t) for t in range(6)))
    found = times(get(client, table, 2, 5, backward=backward))
    assert sorted(found, reverse=backward) == found
    assert set(found) == {2, 3, 4}
    assert times(get(client, table, 0, 1, backward=backward)) == [0]


@pytest.mark.parametrize("backward", [False, True])
def test_pages_continue_where_they_ended(client: Any, backward: bool) -> None:
    table = make(client)
    put(client, table, *(TimeseriesRow(key(), {"f": t}, t) for t in range(10)))
    found: list[int] = []
    token, pages = None, 0
    while pages == 0 or token:
        response = get(client, table, limit=3, nextToken=token, backward=backward)
        found += times(response)
        token, pages = response.nextToken, pages + 1
    assert found == sorted(range(10), reverse=backward)
    assert pages == 4


def test_a_point_of_equal_series_and_time_is_replaced(client: Any) -> None:
    """The old fields are gone, not merged (vendor page on writing time series data)."""
    table = make(client)
    put(client, table, TimeseriesRow(key(), {"old": 1, "both": 1}, 5))
    put(client, table, TimeseriesRow(key(), {"both": 2}, 5))
    (found,) = get(client, table).rows
    assert found.fields == {"both": 2}


def test_only_the_fields_asked_for_are_returned(client: Any) -> None:
    table = make(client)
    put(client, table, TimeseriesRow(key(), {"a": 1, "b": 2}, 1), TimeseriesRow(key(), {"b": 3}, 2))
    found = get(client, table, fieldsToGet={"a": 1}).rows
    assert [row.fields for row in found] == [{"a": 1}]


def test_old_points_expire(client: Any) -> None:
    table = make(client, timeseries_table_options=TimeseriesTableOptions(86400))
    now = now_ms() * 1000
    old = now - 86_500 * 1_000_000
    put(client, table, TimeseriesRow(key(), {"f": 1}, old), TimeseriesRow(key(), {"f": 2}, now))
    assert times(get(client, table)) == [now]


def test_the_protobuf_form_is_accepted(emulator: Emulator, client: Any) -> None:
    """The Go SDK's third form: plain messages instead of FlatBuffers."""
    table = make(client)
    series = wire.TimeseriesKey(
        measurement="cpu",
        source="s",
        tag_list=[wire.TimeseriesTag(name=n, value=v) for n, v in TAGS.items()],
    )
    fields = [
        wire.TimeseriesField(name="text", string_value="Grüezi"),
        wire.TimeseriesField(name="number", int_value=-1),
        wire.TimeseriesField(name="yes", bool_value=True),
        wire.TimeseriesField(name="ratio", double_value=0.5),
        wire.TimeseriesField(name="raw", binary_value=b"\x00\xff"),
    ]
    listed = wire.TimeseriesRowList(
        rows=[wire.TimeseriesRow(key=series, time=9, fields=fields, meta_cache_update_time=0)]
    )
    request = wire.PutTimeseriesDataRequest(
        table_name=table, rows_data=rows_message(listed.SerializeToString(), 2)
    )
    answer = emulator.send("PutTimeseriesData", request)
    assert answer.status == 200
    assert not wire.PutTimeseriesDataResponse.FromString(answer.body).failed_rows
    (found,) = get(client, table).rows
    assert found.fields == {
        "text": "Grüezi",
        "number": -1,
        "yes": True,
        "ratio": 0.5,
        "raw": bytearray(b"\x00\xff"),
    }
    assert found.timeseries_key.tags == TAGS


@pytest.mark.parametrize("kind", [0, 2])
def test_a_wrong_checksum_is_refused(emulator: Emulator, client: Any, kind: int) -> None:
    table = make(client)
    request = wire.PutTimeseriesDataRequest(
        table_name=table, rows_data=rows_message(b"1234", kind, checksum=1)
    )
    status, code, text = emulator.send("PutTimeseriesData", request).error
    assert (status, code) == (400, "OTSParameterInvalid")
    assert "checksum" in text


def test_plain_buffer_rows_are_not_taken_in_requests(emulator: Emulator, client: Any) -> None:
    request = wire.PutTimeseriesDataRequest(table_name=make(client), rows_data=rows_message(b"", 1))
    assert emulator.send("PutTimeseriesData", request).error[0] == 400


def test_tags_in_their_old_form_are_accepted(emulator: Emulator, client: Any) -> None:
    table = make(client)
    series = wire.TimeseriesKey(measurement="cpu", source="s", tags='["room=12 b","city=Zürich"]')
    listed = wire.TimeseriesRowList(
        rows=[
            wire.TimeseriesRow(
                key=series, time=1, fields=[wire.TimeseriesField(name="f", int_value=1)]
            )
        ]
    )
    request = wire.PutTimeseriesDataRequest(
        table_name=table, rows_data=rows_message(listed.SerializeToString(), 2)
    )
    assert emulator.send("PutTimeseriesData", request).status == 200
    assert times(get(client, table)) == [1]


@pytest.mark.parametrize("name", ["温度", "温度.abc", "123Test", "_@?%$A", "x" * 128])
def test_good_measurements(client: Any, name: str) -> None:
    table = make(client)
    assert put(client, table, TimeseriesRow(key("s", name), {"f": 1}, 1)) == []


@pytest.mark.parametrize(
    "name", ["温度\t", "温度.abc\n", " ", "##AA##", "aa bb", "", "x" * 129, "温" * 43]
)
def test_bad_measurements_refuse_the_request(client: Any, name: str) -> None:
    """The official Java test expects an exception, not a failed row."""
    table = make(client)
    bad = TimeseriesRow(key("s", name), {"f": 1}, 1)
    good = TimeseriesRow(key(), {"f": 1}, 1)
    assert refused(lambda: put(client, table, good, bad))[:2] == (400, "OTSParameterInvalid")
    assert times(get(client, table)) == []


@pytest.mark.parametrize("value", ["aa_", "123", "@$?A", "杭州", "aa bb 阿里 ots", "\t\n"])
def test_good_tag_values(client: Any, value: str) -> None:
    table = make(client)
    assert put(client, table, TimeseriesRow(key(tags={"tag": value}), {"f": 1}, 1)) == []


@pytest.mark.parametrize(
    "row",
    [
        TimeseriesRow(key(tags={"tag": "a=b"}), {"f": 1}, 1),
        TimeseriesRow(key(tags={"tag": 'a"b'}), {"f": 1}, 1),
        TimeseriesRow(key(tags={"täg": "a"}), {"f": 1}, 1),
        TimeseriesRow(key(tags={"tag": "x" * 513}), {"f": 1}, 1),
        TimeseriesRow(key("x" * 257), {"f": 1}, 1),
        TimeseriesRow(key(), {"Upper": 1}, 1),
        TimeseriesRow(key(), {"9f": 1}, 1),
        TimeseriesRow(key(), {"f" * 129: 1}, 1),
        TimeseriesRow(key(), {"_time": 1}, 1),
        TimeseriesRow(key(), {}, 1),
        TimeseriesRow(key(), {f"f{n}": n for n in range(1025)}, 1),
        TimeseriesRow(key(), {"f": float("nan")}, 1),
        TimeseriesRow(key(), {"f": "x" * 2097153}, 1),
        TimeseriesRow(key(), {"f": 1}, -1),
    ],
)
def test_points_over_a_limit_are_refused(client: Any, row: Any) -> None:
    table = make(client)
    assert refused(lambda: put(client, table, row))[:2] == (400, "OTSParameterInvalid")


def test_200_points_are_the_limit(client: Any) -> None:
    table = make(client)
    points = [TimeseriesRow(key(), {"f": t}, t) for t in range(201)]
    assert put(client, table, *points[:200]) == []
    assert refused(lambda: put(client, table, *points)) == (
        400,
        "OTSParameterInvalid",
        "Rows count exceeds the upper limit: 200.",
    )


def test_a_missing_table_is_named(client: Any) -> None:
    for call in (
        lambda: put(client, "missing", TimeseriesRow(key(), {"f": 1}, 1)),
        lambda: get(client, "missing"),
    ):
        assert refused(call)[:2] == (404, "OTSObjectNotExist")


def test_points_are_in_the_log_of_effects_and_the_counters(emulator: Emulator, client: Any) -> None:
    table = make(client)
    last = emulator.control("/-/effects")["last"]
    written = emulator.stats()["rows_written"]
    put(client, table, TimeseriesRow(key(tags={"a": "b"}), {"f": 1}, 5))
    (effect,) = emulator.control(f"/-/effects?since={last}")["effects"]
    assert (effect["table"], effect["kind"]) == (table, "point")
    assert effect["key"] == {
        "_m_name": "cpu",
        "_data_source": "s",
        "_tags": '["a=b"]',
        "_time": 5,
    }
    stats = emulator.stats()
    assert stats["rows_written"] == written + 1
    assert stats["tables"]["demo"][table] == 1
