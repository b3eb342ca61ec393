"""The requests that `tests.emulator.fuzz` mutates, and the tables they are about."""

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message

from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from tests.emulator.fuzz_parts import (
    INNER,
    NOW_MS,
    SERIES,
    WIDE,
    Entry,
    Mutate,
    bound,
    composite,
    delete_buffer,
    flatbuffer,
    inner_key,
    inner_scan,
    key,
    meta_condition,
    pagination,
    partition,
    points,
    proto_points,
    put_buffer,
    series_key,
    single,
    update_buffer,
)
from tests.emulator.harness import IGNORE, row


def table_meta(name: str) -> wire.TableMeta:
    return wire.TableMeta(
        table_name=name,
        primary_key=[
            wire.PrimaryKeySchema(name="k", type=2),
            wire.PrimaryKeySchema(name="id", type=1),
        ],
        defined_column=[wire.DefinedColumnSchema(name="typed", type=1)],
    )


def create(name: str) -> wire.CreateTableRequest:
    return wire.CreateTableRequest(
        table_meta=table_meta(name),
        reserved_throughput=wire.ReservedThroughput(capacity_unit=wire.CapacityUnit()),
        table_options=wire.TableOptions(time_to_live=-1, max_versions=3),
        stream_spec=wire.StreamSpecification(enable_stream=True, expiration_time=24),
    )


def create_series(name: str) -> wire.CreateTimeseriesTableRequest:
    return wire.CreateTimeseriesTableRequest(
        table_meta=wire.TimeseriesTableMeta(
            table_name=name,
            table_options=wire.TimeseriesTableOptions(time_to_live=-1),
            meta_options=wire.TimeseriesMetaOptions(allow_update_attributes=True),
        )
    )


def batch(name: str, rows: list[tuple[int, bytes]], condition: bytes = b"") -> Message:
    request = wire.BatchWriteRowRequest()
    part = request.tables.add(table_name=name)
    for kind, buffer in rows:
        given = wire.Condition(row_existence=0, column_condition=condition or None)
        part.rows.add(type=kind, row_change=buffer, condition=given)
    return request


def analytical_stores() -> list[tuple[str, Callable[[Mutate], Message]]]:
    """Requests for stores of a table that is not there: settings must not change."""
    store = wire.TimeseriesAnalyticalStore(store_name="s", time_to_live=-1, sync_option=1)
    name: dict[str, Any] = {"table_name": "nowhere"}
    return [
        (
            "CreateTimeseriesAnalyticalStore",
            lambda _: wire.CreateTimeseriesAnalyticalStoreRequest(**name, analytical_store=store),
        ),
        (
            "DescribeTimeseriesAnalyticalStore",
            lambda _: wire.DescribeTimeseriesAnalyticalStoreRequest(**name, store_name="s"),
        ),
        (
            "UpdateTimeseriesAnalyticalStore",
            lambda _: wire.UpdateTimeseriesAnalyticalStoreRequest(**name, analytical_store=store),
        ),
        (
            "DeleteTimeseriesAnalyticalStore",
            lambda _: wire.DeleteTimeseriesAnalyticalStoreRequest(**name, store_name="s"),
        ),
    ]


def setup() -> Iterator[tuple[str, Message]]:
    """What is done before: the tables, with rows."""
    for name in (WIDE, "guarded_rows"):
        yield "CreateTable", create(name)
        yield "BatchWriteRow", batch(name, [(1, put_buffer(n)) for n in range(20)])
    for name in (SERIES, "guarded_series"):
        yield "CreateTimeseriesTable", create_series(name)
        yield "PutTimeseriesData", points(name, flatbuffer(), 0)


def requests() -> list[Entry]:
    """Every request of the corpus, by the layer that is mutated."""
    first, low, high = row(key()), bound(pb.INF_MIN), bound(pb.INF_MAX)
    put, update, delete = put_buffer(), update_buffer(), delete_buffer()
    inner_low = pb.HEADER + pb.encode_row(inner_key())
    inner_put = pb.HEADER + pb.encode_row(
        inner_key(9), [(b"load:d", None, pb.wire_value(0.5)), (b"name:s", None, pb.wire_value("x"))]
    )
    flat, listed, condition = flatbuffer(), proto_points(), meta_condition()

    def scan(**changes: Any) -> wire.GetRangeRequest:
        fields: dict[str, Any] = {
            "table_name": WIDE,
            "direction": 0,
            "max_versions": 2,
            "limit": 5,
            "inclusive_start_primary_key": low,
            "exclusive_end_primary_key": high,
            "columns_to_get": ["c", "d"],
        }
        return wire.GetRangeRequest(**{**fields, **changes})

    def one(buffer: bytes, test: bytes = b"") -> wire.PutRowRequest:
        given = wire.Condition(row_existence=0, column_condition=test or None)
        content = wire.ReturnContent(return_type=1)
        return wire.PutRowRequest(
            table_name=WIDE, row=buffer, condition=given, return_content=content
        )

    plain: list[tuple[str, Callable[[Mutate], Message]]] = [
        ("PutRow", lambda m: one(m(put))),
        (
            "UpdateRow",
            lambda m: wire.UpdateRowRequest(
                table_name=WIDE, row_change=m(update), condition=IGNORE
            ),
        ),
        (
            "DeleteRow",
            lambda m: wire.DeleteRowRequest(
                table_name=WIDE, primary_key=m(delete), condition=IGNORE
            ),
        ),
        ("BatchWriteRow", lambda m: batch(WIDE, [(1, m(put)), (2, update), (3, m(delete))])),
        (
            "BulkImport",
            lambda m: wire.BulkImportRequest(
                table_name=WIDE, rows=[wire.RowInBulkImportRequest(type=1, row_change=m(put))]
            ),
        ),
        (
            "GetRow",
            lambda m: wire.GetRowRequest(table_name=WIDE, primary_key=m(first), max_versions=1),
        ),
        (
            "BatchGetRow",
            lambda m: wire.BatchGetRowRequest(
                tables=[
                    wire.TableInBatchGetRowRequest(
                        table_name=WIDE, primary_key=[first, m(first)], max_versions=1
                    )
                ]
            ),
        ),
        ("GetRange", lambda m: scan(inclusive_start_primary_key=m(low))),
        ("GetRange", lambda m: inner_scan(m(inner_low))),
        ("GetRange", lambda m: scan(inclusive_start_primary_key=m(low), data_block_type_hint=1)),
        (
            "BulkExport",
            lambda m: wire.BulkExportRequest(
                table_name=WIDE,
                columns_to_get=["k", "c"],
                inclusive_start_primary_key=m(low),
                exclusive_end_primary_key=high,
            ),
        ),
        (
            "PutRow",
            lambda m: wire.PutRowRequest(table_name=INNER, row=m(inner_put), condition=IGNORE),
        ),
        ("GetRange", lambda m: scan(exclusive_end_primary_key=m(high), direction=0)),
        (
            "StartLocalTransaction",
            lambda m: wire.StartLocalTransactionRequest(table_name="nowhere", key=m(partition())),
        ),
    ]
    tests: list[tuple[str, Callable[[Mutate], Message]]] = [
        ("GetRange", lambda m: scan(filter=m(composite()))),
        ("GetRange", lambda m: scan(filter=m(pagination()))),
        ("GetRange", lambda m: scan(filter=m(single(regex=True)))),
        ("PutRow", lambda m: one(put, m(composite()))),
        ("BatchWriteRow", lambda m: batch(WIDE, [(1, put)], m(single()))),
        (
            "QueryTimeseriesMeta",
            lambda m: wire.QueryTimeseriesMetaRequest(
                table_name=SERIES,
                condition=wire.MetaCondition(type=1, proto_data=m(condition)),
                get_total_hit=True,
            ),
        ),
    ]
    series: list[tuple[str, Callable[[Mutate], Message]]] = [
        ("PutTimeseriesData", lambda m: points(SERIES, m(flat), 0)),
    ] * 6
    listed_points: list[tuple[str, Callable[[Mutate], Message]]] = [
        ("PutTimeseriesData", lambda m: points(SERIES, m(listed), 2)),
    ] * 2
    whole: list[tuple[str, Callable[[Mutate], Message]]] = [
        ("CreateTable", lambda _: create("made")),
        ("ListTable", lambda _: wire.ListTableRequest()),
        ("DescribeTable", lambda _: wire.DescribeTableRequest(table_name=WIDE)),
        (
            "UpdateTable",
            lambda _: wire.UpdateTableRequest(
                table_name="nowhere", table_options=wire.TableOptions(max_versions=2)
            ),
        ),
        ("DeleteTable", lambda _: wire.DeleteTableRequest(table_name="nowhere")),
        (
            "ComputeSplitPointsBySize",
            lambda _: wire.ComputeSplitPointsBySizeRequest(
                table_name=WIDE, split_size=1, split_size_unit_in_byte=1 << 20
            ),
        ),
        (
            "AddDefinedColumn",
            lambda _: wire.AddDefinedColumnRequest(
                table_name="nowhere", columns=[wire.DefinedColumnSchema(name="later", type=1)]
            ),
        ),
        (
            "DeleteDefinedColumn",
            lambda _: wire.DeleteDefinedColumnRequest(table_name="nowhere", columns=["later"]),
        ),
        ("ListSearchIndex", lambda _: wire.ListSearchIndexRequest(table_name=WIDE)),
        (
            "ComputeSplits",
            lambda _: wire.ComputeSplitsRequest(
                table_name=WIDE,
                search_index_splits_options=wire.SearchIndexSplitsOptions(index_name="none"),
            ),
        ),
        ("CommitTransaction", lambda _: wire.TransactionRequest(transaction_id="none")),
        ("AbortTransaction", lambda _: wire.TransactionRequest(transaction_id="none")),
        ("CreateTimeseriesTable", lambda _: create_series("made_series")),
        ("ListTimeseriesTable", lambda _: wire.ListTimeseriesTableRequest()),
        (
            "DescribeTimeseriesTable",
            lambda _: wire.DescribeTimeseriesTableRequest(table_name=SERIES),
        ),
        (
            "UpdateTimeseriesTable",
            lambda _: wire.UpdateTimeseriesTableRequest(
                table_name="nowhere", table_options=wire.TimeseriesTableOptions(time_to_live=86400)
            ),
        ),
        (
            "DeleteTimeseriesTable",
            lambda _: wire.DeleteTimeseriesTableRequest(table_name="nowhere"),
        ),
        (
            "GetTimeseriesData",
            lambda _: wire.GetTimeseriesDataRequest(
                table_name=SERIES,
                time_series_key=series_key(),
                begin_time=0,
                end_time=NOW_MS * 2000,
                limit=3,
                fields_to_get=[wire.TimeseriesFieldToGet(name="number")],
            ),
        ),
        (
            "SplitTimeseriesScanTask",
            lambda _: wire.SplitTimeseriesScanTaskRequest(
                table_name=SERIES, measurement_name="cpu", split_count_hint=3
            ),
        ),
        (
            "ScanTimeseriesData",
            lambda _: wire.ScanTimeseriesDataRequest(
                table_name=SERIES,
                start_time_us=0,
                end_time_us=NOW_MS * 2000,
                limit=3,
                fields_to_get=[wire.TimeseriesFieldToGet(name="number")],
                data_serialize_type=1,
                supported_table_version=1,
            ),
        ),
        (
            "ScanTimeseriesData",
            lambda _: wire.ScanTimeseriesDataRequest(table_name=SERIES, supported_table_version=1),
        ),
        *analytical_stores(),
        (
            "UpdateTimeseriesMeta",
            lambda _: wire.UpdateTimeseriesMetaRequest(
                table_name=SERIES,
                timeseries_meta=[
                    wire.TimeseriesMeta(time_series_key=series_key(), attributes='["x=y"]')
                ],
            ),
        ),
        (
            "DeleteTimeseriesMeta",
            lambda _: wire.DeleteTimeseriesMetaRequest(
                table_name=SERIES, timeseries_key=[series_key()]
            ),
        ),
    ]
    layers = {
        "plainbuffer": plain,
        "cells": plain,
        "condition": tests,
        "flatbuffers": series,
        "protobuf points": listed_points,
        "protobuf": whole + plain + tests + series[:1] + listed_points[:1],
        "fields": whole + plain + tests + series[:1] + listed_points[:1],
    }
    return [(api, layer, build) for layer, found in layers.items() for api, build in found]
