"""Each operation of the Python SDK once, on each of its forms; what passes is the README's table.

The other tests go into each operation; here the server's own log of answers says what was asked.
"""

from typing import Any

import pytest
import tablestore as ots
from tablestore.metadata import (
    CreateTimeseriesTableRequest,
    DeleteTimeseriesMetaRequest,
    GetTimeseriesDataRequest,
    QueryTimeseriesMetaRequest,
    TimeseriesKey,
    TimeseriesMeta,
    TimeseriesRow,
    TimeseriesTableMeta,
    TimeseriesTableOptions,
    UpdateTimeseriesMetaRequest,
)

from emulator.operations import OPERATIONS
from tests.emulator.harness import Emulator
from tests.emulator.read_requests import IGNORE, key

STORES = {
    "CreateTimeseriesAnalyticalStore",
    "DescribeTimeseriesAnalyticalStore",
    "UpdateTimeseriesAnalyticalStore",
    "DeleteTimeseriesAnalyticalStore",
}
SCANS = {"SplitTimeseriesScanTask", "ScanTimeseriesData"}
BULK = {"BulkImport", "BulkExport"}
COLUMNS = {"AddDefinedColumn", "DeleteDefinedColumn"}
RAW = STORES | SCANS | BULK | COLUMNS | {"ComputeSplitPointsBySize"}
"""What the SDK has no call for; other tests send these by hand."""
PYTHON = set(OPERATIONS) - RAW
TABLE, SERIES = "every_operation", "every_series"


def wide(client: Any) -> None:
    units = ots.ReservedThroughput(ots.CapacityUnit(0, 0))
    meta = ots.TableMeta(TABLE, [("k", "STRING"), ("id", "INTEGER")])
    client.create_table(meta, ots.TableOptions(), units)
    assert list(client.list_table()) == [TABLE]
    client.update_table(TABLE, ots.TableOptions(max_version=2))
    assert client.describe_table(TABLE).table_options.max_version == 2
    assert client.list_search_index(TABLE) == []
    with pytest.raises(ots.OTSServiceError) as caught:
        client.compute_splits(TABLE, "none")
    assert (caught.value.http_status, caught.value.code) == (404, "OTSObjectNotExist")
    client.put_row(TABLE, ots.Row(key(1), [("c", 1)]), IGNORE)
    client.update_row(TABLE, ots.Row(key(1), {"PUT": [("d", 2)]}), IGNORE)
    row = client.get_row(TABLE, key(1), max_version=1)[1]
    assert [cell[:2] for cell in map(tuple, row.attribute_columns)] == [("c", 1), ("d", 2)]
    puts = [ots.PutRowItem(ots.Row(key(n), [("c", n)]), IGNORE) for n in (2, 3)]
    written = ots.BatchWriteRowRequest()
    written.add(ots.TableInBatchWriteRowItem(TABLE, puts))
    assert client.batch_write_row(written).is_all_succeed()
    asked = ots.BatchGetRowRequest()
    asked.add(ots.TableInBatchGetRowItem(TABLE, [key(2), key(3)], max_version=1))
    assert client.batch_get_row(asked).is_all_succeed()
    client.delete_row(TABLE, ots.Row(key(2)), IGNORE)
    low, high = ([("k", end), ("id", end)] for end in (ots.INF_MIN, ots.INF_MAX))
    found = client.get_range(TABLE, ots.Direction.FORWARD, low, high, max_version=1)[2]
    assert [dict(row.primary_key)["id"] for row in found] == [1, 3]
    for end in (client.commit_transaction, client.abort_transaction):
        end(client.start_local_transaction(TABLE, [("k", "a")]))
    client.delete_table(TABLE)


def series(client: Any) -> None:
    meta = TimeseriesTableMeta(SERIES, TimeseriesTableOptions(86_400))
    client.create_timeseries_table(CreateTimeseriesTableRequest(meta))
    tables = client.list_timeseries_table()
    assert [table.timeseries_table_name for table in tables] == [SERIES]
    meta.timeseries_table_options = TimeseriesTableOptions(-1)
    client.update_timeseries_table(meta)
    shown = client.describe_timeseries_table(SERIES).table_meta
    assert shown.timeseries_table_options.time_to_live == -1
    name = TimeseriesKey("cpu", "host", {"a": "b"})
    client.put_timeseries_data(SERIES, [TimeseriesRow(name, {"load": 0.5}, 7)])
    asked = GetTimeseriesDataRequest(SERIES)
    asked.timeseriesKey, asked.beginTimeInUs, asked.endTimeInUs = name, 0, 100
    assert [row.fields for row in client.get_timeseries_data(asked).rows] == [{"load": 0.5}]
    changed = TimeseriesMeta(name, {"rack": "7"})
    client.update_timeseries_meta(UpdateTimeseriesMetaRequest(SERIES, [changed]))
    listed = client.query_timeseries_meta(QueryTimeseriesMetaRequest(SERIES))
    assert [meta.attributes for meta in listed.timeseriesMetas] == [{"rack": "7"}]
    client.delete_timeseries_meta(DeleteTimeseriesMetaRequest(SERIES, [name]))
    client.delete_timeseries_table(SERIES)


def test_every_operation_of_the_sdk_is_answered(emulator: Emulator, client: Any) -> None:
    since = emulator.control("/-/answers")["last"]
    wide(client)
    series(client)
    answers = emulator.control(f"/-/answers?since={since}")["answers"]
    right = {answer["api"] for answer in answers if answer["status"] == 200}
    assert right | {"ComputeSplits"} == PYTHON
    assert {answer["api"] for answer in answers if answer["status"] != 200} == {"ComputeSplits"}
