"""Create, Describe, Update and DeleteTimeseriesAnalyticalStore: settings only, no data."""

import copy

from emulator.errors import ServiceError
from emulator.service import Call
from emulator.timeseries.stores import (
    EXISTS,
    AnalyticalStore,
    change_store,
    check_count,
    find_store,
    parse_store,
)
from emulator.timeseries.tables import TimeseriesTable
from emulator.wire import messages_pb2 as wire


def _replace(call: Call, table: TimeseriesTable, stores: list[AnalyticalStore]) -> None:
    changed = copy.copy(table)
    changed.analytical_stores = stores
    call.service.series.replace(changed)


def create_store(
    call: Call, request: wire.CreateTimeseriesAnalyticalStoreRequest
) -> wire.CreateTimeseriesAnalyticalStoreResponse:
    """Add a store to an existing table."""
    service = call.service
    service.catalog.check_rate()
    table = service.series.get(call.instance, request.table_name)
    store = parse_store(request.analytical_store, is_filled=False)
    if any(known.name == store.name for known in table.analytical_stores):
        raise ServiceError("OTSObjectAlreadyExist", EXISTS)
    check_count(len(table.analytical_stores) + 1)
    service.catalog.check_quota(call.instance, service.series.quota(call.instance))
    _replace(call, table, [*table.analytical_stores, store])
    return wire.CreateTimeseriesAnalyticalStoreResponse()


def describe_store(
    call: Call, request: wire.DescribeTimeseriesAnalyticalStoreRequest
) -> wire.DescribeTimeseriesAnalyticalStoreResponse:
    """Show the settings of a store; it has no size, since no data is in it."""
    table = call.service.series.get(call.instance, request.table_name)
    stores = table.analytical_stores
    store = stores[find_store(stores, request.store_name)]
    return wire.DescribeTimeseriesAnalyticalStoreResponse(
        analytical_store=store.message(), sync_stat=store.sync_stat()
    )


def update_store(
    call: Call, request: wire.UpdateTimeseriesAnalyticalStoreRequest
) -> wire.UpdateTimeseriesAnalyticalStoreResponse:
    """Change the settings that are given."""
    call.service.catalog.check_rate()
    table = call.service.series.get(call.instance, request.table_name)
    stores = list(table.analytical_stores)
    index = find_store(stores, request.analytical_store.store_name)
    stores[index] = change_store(stores[index], request.analytical_store)
    _replace(call, table, stores)
    return wire.UpdateTimeseriesAnalyticalStoreResponse()


def delete_store(
    call: Call, request: wire.DeleteTimeseriesAnalyticalStoreRequest
) -> wire.DeleteTimeseriesAnalyticalStoreResponse:
    """Remove a store; there are no mapping tables of SQL that could be in the way."""
    call.service.catalog.check_rate()
    table = call.service.series.get(call.instance, request.table_name)
    stores = list(table.analytical_stores)
    del stores[find_store(stores, request.store_name)]
    _replace(call, table, stores)
    return wire.DeleteTimeseriesAnalyticalStoreResponse()
