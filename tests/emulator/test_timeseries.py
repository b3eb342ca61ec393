"""Time series: tables, points in both wire forms, reading in pages, metadata and its search."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tablestore as ots
from hypothesis import given
from hypothesis import strategies as st
from tablestore.metadata import (
    CreateTimeseriesTableRequest,
    DeleteTimeseriesMetaRequest,
    GetTimeseriesDataRequest,
    QueryTimeseriesMetaRequest,
    TimeseriesKey,
    TimeseriesMeta,
    TimeseriesMetaOptions,
    TimeseriesRow,
    TimeseriesTableMeta,
    TimeseriesTableOptions,
    UpdateTimeseriesMetaRequest,
)
from tablestore.timeseries_condition import (
    AttributeMetaQueryCondition,
    CompositeMetaQueryCondition,
    DataSourceMetaQueryCondition,
    MeasurementMetaQueryCondition,
    MetaQueryCompositeOperator,
    MetaQuerySingleOperator,
    TagMetaQueryCondition,
    UpdateTimeMetaQueryCondition,
)

from emulator.errors import ServiceError
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.crc32c import crc32c, crc32c_table
from emulator.wire.flatbuffer import decode_points
from tests.emulator.harness import Emulator, now_ms, running

TAGS = {"city": "Zürich", "room": "12 b"}
OP = MetaQuerySingleOperator


def key(source: str = "s", measurement: str = "cpu", tags: Any = None) -> Any:
    return TimeseriesKey(measurement, source, dict(TAGS if tags is None else tags))


def make(client: Any, name: str = "series", **options: Any) -> str:
    meta = TimeseriesTableMeta(name, **options)
    client.create_timeseries_table(CreateTimeseriesTableRequest(meta))
    return name


@pytest.fixture(autouse=True)
def _no_tables_left(emulator: Emulator) -> Any:
    """The time series tables of a test go with it."""
    yield
    found = emulator.client()
    for table in found.list_timeseries_table():
        found.delete_timeseries_table(table.timeseries_table_name)


def put(client: Any, table: str, *points: Any) -> list[Any]:
    return list(client.put_timeseries_data(table, list(points)).failedRows or [])


def get(client: Any, table: str, begin: int = 0, end: int = 10**17, **options: Any) -> Any:
    series = options.pop("key", None) or key()
    return client.get_timeseries_data(
        GetTimeseriesDataRequest(table, series, begin, end, **options)
    )


def times(response: Any) -> list[int]:
    return [row.time_in_us for row in response.rows or []]


def refused(call: Callable[[], object]) -> tuple[int, str, str]:
    with pytest.raises(ots.OTSServiceError) as caught:
        call()
    return caught.value.http_status, caught.value.code, caught.value.message


FIELDS: dict[str, Any] = {
    "text": "Grüezi",
    "number": -(2**63),
    "ratio": 0.25,
    "yes": True,
    "no": False,
    "raw": bytearray(b"\x00\xff"),
    "more": 7,
    "other": 1e300,
}


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


def rows_message(data: bytes, kind: int, checksum: int | None = None) -> wire.TimeseriesRows:
    value = crc32c(data) if checksum is None else checksum
    signed = value - (1 << 32) if value >= 1 << 31 else value
    return wire.TimeseriesRows(type=kind, rows_data=data, flatbuffer_crc32c=signed)


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


def failures(emulator: Emulator, table: str, *points: Any) -> list[wire.FailedRow]:
    """Failed rows of a put by hand: SDK 6.4.8 raises AttributeError when there are any."""
    from tablestore.flatbuffer.timeseries_flat_buffer_encoder import get_column_val_by_tp

    data = bytes(get_column_val_by_tp(table, list(points)))
    request = wire.PutTimeseriesDataRequest(
        table_name=table, rows_data=rows_message(data, 0), supported_table_version=1
    )
    answer = emulator.send("PutTimeseriesData", request)
    assert answer.status == 200, answer.error
    return list(wire.PutTimeseriesDataResponse.FromString(answer.body).failed_rows)


def test_points_fail_alone_on_demand(emulator: Emulator, client: Any) -> None:
    table = make(client)
    rule = {"kind": "row_error", "rows": [1], "code": "OTSServerBusy", "message": "later"}
    points = [TimeseriesRow(key(), {"f": t}, t) for t in range(3)]
    with emulator.faults(rule):
        failed = failures(emulator, table, *points)
    assert [(item.row_index, item.error_code) for item in failed] == [(1, "OTSServerBusy")]
    assert times(get(client, table)) == [0, 2]


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


# ---- custom keys --------------------------------------------------------------------------


def test_custom_keys_and_field_keys(emulator: Emulator, client: Any) -> None:
    """Tags may be key columns, fields part of the key: equal times are then several points."""
    table = make(
        client,
        timeseries_keys=["_m_name", "_tags", "region"],
        field_primary_keys=[("cores", "INTEGER"), ("frequency", "STRING")],
    )
    shown = client.describe_timeseries_table(table).table_meta
    assert shown.timeseries_keys == ["_m_name", "_tags", "region"]
    series = TimeseriesKey("cpu", "", {"region": "hangzhou", "vendor": "intel"})
    points = [
        TimeseriesRow(series, {"cores": 8, "frequency": f"{n}GHz", "load1": 0.5}, 7)
        for n in range(10)
    ]
    assert put(client, table, *points) == []
    for backward in (False, True):
        found = get(client, table, 7, 8, key=series, backward=backward).rows
        assert sorted(row.fields["frequency"] for row in found) == [f"{n}GHz" for n in range(10)]
        assert all(row.timeseries_key.tags == series.tags for row in found)
    assert get(client, table, 0, 7, key=series).rows is None
    assert get(client, table, 8, 9, key=series).rows is None
    (failed,) = failures(emulator, table, TimeseriesRow(series, {"cores": 8, "load1": 1.0}, 9))
    assert failed.error_message == "No value is given for primary key name:frequency."


# ---- metadata -----------------------------------------------------------------------------


def query(client: Any, table: str, condition: Any = None, **options: Any) -> Any:
    return client.query_timeseries_meta(QueryTimeseriesMetaRequest(table, condition, **options))


def sources(response: Any) -> list[str]:
    return [meta.timeseries_key.data_source for meta in response.timeseriesMetas]


@pytest.fixture
def twenty(client: Any) -> str:
    table = make(client)
    points = [
        TimeseriesRow(key(f"source{n}", tags={"n": f"{n:02}"}), {"f": n}, n) for n in range(20)
    ]
    put(client, table, *points)
    return table


def composite(operator: Any, *parts: Any) -> Any:
    return CompositeMetaQueryCondition(operator, list(parts))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (MeasurementMetaQueryCondition(OP.OP_EQUAL, "cpu"), 20),
        (MeasurementMetaQueryCondition(OP.OP_EQUAL, "mem"), 0),
        (DataSourceMetaQueryCondition(OP.OP_PREFIX, "source1"), 11),
        (TagMetaQueryCondition(OP.OP_GREATER_EQUAL, "n", "15"), 5),
        (TagMetaQueryCondition(OP.OP_GREATER_THAN, "n", "15"), 4),
        (TagMetaQueryCondition(OP.OP_LESS_EQUAL, "n", "15"), 16),
        (TagMetaQueryCondition(OP.OP_LESS_THAN, "n", "15"), 15),
        (TagMetaQueryCondition(OP.OP_EQUAL, "missing", "15"), 0),
        (UpdateTimeMetaQueryCondition(OP.OP_GREATER_THAN, 0), 20),
        (UpdateTimeMetaQueryCondition(OP.OP_LESS_THAN, 1), 0),
        (
            composite(
                MetaQueryCompositeOperator.OP_AND,
                DataSourceMetaQueryCondition(OP.OP_PREFIX, "source1"),
                TagMetaQueryCondition(OP.OP_LESS_THAN, "n", "12"),
            ),
            3,
        ),
        (
            composite(
                MetaQueryCompositeOperator.OP_OR,
                TagMetaQueryCondition(OP.OP_EQUAL, "n", "01"),
                TagMetaQueryCondition(OP.OP_EQUAL, "n", "02"),
            ),
            2,
        ),
        (
            composite(
                MetaQueryCompositeOperator.OP_NOT, TagMetaQueryCondition(OP.OP_EQUAL, "n", "01")
            ),
            19,
        ),
        (None, 20),
    ],
)
def test_series_are_found_by_condition(
    client: Any, twenty: str, condition: Any, expected: int
) -> None:
    response = query(client, twenty, condition, getTotalHits=True)
    assert (len(response.timeseriesMetas), response.totalHits) == (expected, expected)
    for meta in response.timeseriesMetas:
        assert meta.update_time_in_us > 0
        assert not meta.attributes


def test_series_are_found_in_pages(client: Any, twenty: str) -> None:
    found: list[str] = []
    token, pages = None, 0
    while pages == 0 or token:
        response = query(client, twenty, limit=7, nextToken=token, getTotalHits=True)
        assert response.totalHits == 20
        found += sources(response)
        token, pages = response.nextToken, pages + 1
    assert len(found) == len(set(found)) == 20
    assert pages == 3


def test_attributes_are_set_searched_and_kept(client: Any, twenty: str) -> None:
    series = key("source3", tags={"n": "03"})
    meta = TimeseriesMeta(series, {"floor": "2", "owner": "me"})
    request = UpdateTimeseriesMetaRequest(twenty, [meta])
    assert client.update_timeseries_meta(request).failedRows == []
    put(client, twenty, TimeseriesRow(series, {"f": 1}, 99))
    condition = AttributeMetaQueryCondition(OP.OP_EQUAL, "floor", "2")
    (found,) = query(client, twenty, condition).timeseriesMetas
    assert found.timeseries_key.data_source == "source3"
    assert found.attributes == {"floor": "2", "owner": "me"}


def test_deleted_metadata_is_not_found_and_its_points_stay(client: Any, twenty: str) -> None:
    series = key("source3", tags={"n": "03"})
    client.delete_timeseries_meta(DeleteTimeseriesMetaRequest(twenty, [series]))
    assert "source3" not in sources(query(client, twenty))
    assert times(get(client, twenty, key=series)) == [3]


def test_attributes_may_be_forbidden(client: Any) -> None:
    table = make(client, timeseries_meta_options=TimeseriesMetaOptions(-1, False))
    meta = TimeseriesMeta(key(), {"a": "b"})
    found = refused(
        lambda: client.update_timeseries_meta(UpdateTimeseriesMetaRequest(table, [meta]))
    )
    assert found[:2] == (400, "OTSParameterInvalid")


def test_metadata_can_be_ignored_by_a_put(emulator: Emulator, client: Any) -> None:
    table = make(client)
    listed = wire.TimeseriesRowList(
        rows=[
            wire.TimeseriesRow(
                key=wire.TimeseriesKey(measurement="m"),
                time=1,
                fields=[wire.TimeseriesField(name="f", int_value=1)],
            )
        ]
    )
    request = wire.PutTimeseriesDataRequest(
        table_name=table,
        rows_data=rows_message(listed.SerializeToString(), 2),
        meta_update_mode=1,
    )
    emulator.send("PutTimeseriesData", request)
    assert query(client, table).timeseriesMetas == []


def test_the_index_of_metadata_can_lag() -> None:
    with running("--meta-delay", "3600") as server:
        client = server.client()
        table = make(client)
        put(client, table, TimeseriesRow(key(), {"f": 1}, 1))
        assert query(client, table).timeseriesMetas == []
        assert times(get(client, table)) == [1]


# ---- the wire -----------------------------------------------------------------------------


def test_crc32c_has_the_check_value_of_its_catalogue_entry() -> None:
    assert crc32c(b"123456789") == crc32c_table(b"123456789") == 0xE3069283


@given(st.binary(max_size=200))
def test_the_fast_and_the_plain_checksum_agree(data: bytes) -> None:
    assert crc32c(data) == crc32c_table(data)


def sdk_flatbuffer() -> bytes:
    from tablestore.flatbuffer.timeseries_flat_buffer_encoder import get_column_val_by_tp

    rows = [TimeseriesRow(key(f"s{n}"), dict(FIELDS), n) for n in range(2)]
    return bytes(get_column_val_by_tp("t", rows))


def test_the_sdks_flatbuffer_is_read() -> None:
    points = decode_points(sdk_flatbuffer())
    assert [(point.source, point.time) for point in points] == [(b"s0", 0), (b"s1", 1)]
    assert dict(points[0].fields) == {
        name.encode(): pb.wire_value(bytes(value) if isinstance(value, bytearray) else value)
        for name, value in FIELDS.items()
    }


@given(st.data())
def test_mutated_flatbuffers_are_refused_or_read_but_never_crash(data: st.DataObject) -> None:
    buffer = bytearray(sdk_flatbuffer())
    for _ in range(data.draw(st.integers(1, 4))):
        buffer[data.draw(st.integers(0, len(buffer) - 1))] = data.draw(st.integers(0, 255))
    del buffer[data.draw(st.integers(1, len(buffer))) :]
    try:
        decode_points(bytes(buffer))
    except ServiceError as error:
        code = error.code
    else:
        code = "OTSParameterInvalid"
    assert code == "OTSParameterInvalid"
