"""Time series: custom keys, metadata and its search, the wire."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablestore.metadata import (
    DeleteTimeseriesMetaRequest,
    QueryTimeseriesMetaRequest,
    TimeseriesKey,
    TimeseriesMeta,
    TimeseriesMetaOptions,
    TimeseriesRow,
    UpdateTimeseriesMetaRequest,
)
from tablestore.timeseries_condition import (
    AttributeMetaQueryCondition,
    CompositeMetaQueryCondition,
    DataSourceMetaQueryCondition,
    MeasurementMetaQueryCondition,
    MetaQueryCompositeOperator,
    TagMetaQueryCondition,
    UpdateTimeMetaQueryCondition,
)

from emulator.errors import ServiceError
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.crc32c import crc32c, crc32c_table
from emulator.wire.flatbuffer import decode_points
from tests.emulator.harness import Emulator, running
from tests.emulator.series import (
    FIELDS,
    OP,
    get,
    key,
    make,
    put,
    refused,
    rows_message,
    times,
)

pytestmark = pytest.mark.usefixtures("drop_timeseries_tables")


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
    point = TimeseriesRow(series, {"cores": 8, "load1": 1.0}, 9)
    status, code, text = refused(lambda: put(client, table, point))
    assert (status, code) == (400, "OTSParameterInvalid")
    assert text == "missing primary key fields: frequency."
    assert get(client, table, 9, 10, key=series).rows is None


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
