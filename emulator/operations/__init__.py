"""The operations of the service by name: the message each takes and the function that answers."""

from collections.abc import Callable
from typing import Any, NamedTuple

from google.protobuf.message import Message

from emulator.operations import analytical_store, batch, ranges, row, table, transaction
from emulator.operations import timeseries_data as series_data
from emulator.operations import timeseries_meta as series_meta
from emulator.operations import timeseries_scan as series_scan
from emulator.operations import timeseries_table as series_table
from emulator.wire import messages_pb2 as wire


class Operation(NamedTuple):
    """One operation; the handler returns a message or its serialized form."""

    request: type[Message]
    handler: Callable[[Any, Any], Message | bytes]
    is_data: bool
    """Whether it reads or writes data; if so, the option `--latency` delays it."""


OPERATIONS: dict[str, Operation] = {
    "CreateTable": Operation(wire.CreateTableRequest, table.create_table, False),
    "ListTable": Operation(wire.ListTableRequest, table.list_table, False),
    "DescribeTable": Operation(wire.DescribeTableRequest, table.describe_table, False),
    "UpdateTable": Operation(wire.UpdateTableRequest, table.update_table, False),
    "DeleteTable": Operation(wire.DeleteTableRequest, table.delete_table, False),
    "AddDefinedColumn": Operation(wire.AddDefinedColumnRequest, table.add_columns, False),
    "DeleteDefinedColumn": Operation(wire.DeleteDefinedColumnRequest, table.delete_columns, False),
    "ListSearchIndex": Operation(wire.ListSearchIndexRequest, table.list_indexes, False),
    "ComputeSplits": Operation(wire.ComputeSplitsRequest, table.compute_index_splits, True),
    "ComputeSplitPointsBySize": Operation(
        wire.ComputeSplitPointsBySizeRequest, table.compute_splits, True
    ),
    "PutRow": Operation(wire.PutRowRequest, row.put_row, True),
    "UpdateRow": Operation(wire.UpdateRowRequest, row.update_row, True),
    "DeleteRow": Operation(wire.DeleteRowRequest, row.delete_row, True),
    "GetRow": Operation(wire.GetRowRequest, row.get_row, True),
    "BatchGetRow": Operation(wire.BatchGetRowRequest, batch.batch_get_row, True),
    "BatchWriteRow": Operation(wire.BatchWriteRowRequest, batch.batch_write_row, True),
    "BulkImport": Operation(wire.BulkImportRequest, batch.bulk_import, True),
    "GetRange": Operation(wire.GetRangeRequest, ranges.get_range, True),
    "BulkExport": Operation(wire.BulkExportRequest, ranges.bulk_export, True),
    "StartLocalTransaction": Operation(
        wire.StartLocalTransactionRequest, transaction.start_transaction, True
    ),
    "CommitTransaction": Operation(wire.TransactionRequest, transaction.commit_transaction, True),
    "AbortTransaction": Operation(wire.TransactionRequest, transaction.abort_transaction, True),
    "CreateTimeseriesTable": Operation(
        wire.CreateTimeseriesTableRequest, series_table.create_table, False
    ),
    "ListTimeseriesTable": Operation(
        wire.ListTimeseriesTableRequest, series_table.list_table, False
    ),
    "DescribeTimeseriesTable": Operation(
        wire.DescribeTimeseriesTableRequest, series_table.describe_table, False
    ),
    "UpdateTimeseriesTable": Operation(
        wire.UpdateTimeseriesTableRequest, series_table.update_table, False
    ),
    "DeleteTimeseriesTable": Operation(
        wire.DeleteTimeseriesTableRequest, series_table.delete_table, False
    ),
    "CreateTimeseriesAnalyticalStore": Operation(
        wire.CreateTimeseriesAnalyticalStoreRequest, analytical_store.create_store, False
    ),
    "DescribeTimeseriesAnalyticalStore": Operation(
        wire.DescribeTimeseriesAnalyticalStoreRequest, analytical_store.describe_store, False
    ),
    "UpdateTimeseriesAnalyticalStore": Operation(
        wire.UpdateTimeseriesAnalyticalStoreRequest, analytical_store.update_store, False
    ),
    "DeleteTimeseriesAnalyticalStore": Operation(
        wire.DeleteTimeseriesAnalyticalStoreRequest, analytical_store.delete_store, False
    ),
    "PutTimeseriesData": Operation(wire.PutTimeseriesDataRequest, series_data.put_data, True),
    "GetTimeseriesData": Operation(wire.GetTimeseriesDataRequest, series_data.get_data, True),
    "SplitTimeseriesScanTask": Operation(
        wire.SplitTimeseriesScanTaskRequest, series_scan.split_scan, True
    ),
    "ScanTimeseriesData": Operation(wire.ScanTimeseriesDataRequest, series_scan.scan_data, True),
    "QueryTimeseriesMeta": Operation(wire.QueryTimeseriesMetaRequest, series_meta.query_meta, True),
    "UpdateTimeseriesMeta": Operation(
        wire.UpdateTimeseriesMetaRequest, series_meta.update_meta, True
    ),
    "DeleteTimeseriesMeta": Operation(
        wire.DeleteTimeseriesMetaRequest, series_meta.delete_meta, True
    ),
}
"""Every operation this server knows; any other name is refused as unsupported."""
