"""Create, List, Describe, Update and DeleteTimeseriesTable."""

import copy

from emulator import errors
from emulator.errors import ServiceError, invalid
from emulator.service import Call
from emulator.timeseries.stores import stores_of
from emulator.timeseries.tables import QUOTA_PER_TABLE
from emulator.wire import messages_pb2 as wire


def create_table(
    call: Call, request: wire.CreateTimeseriesTableRequest
) -> wire.CreateTimeseriesTableResponse:
    """Create a table; its name is unique among tables of both data models, unless switched off."""
    catalog, series = call.service.catalog, call.service.series
    catalog.check_rate()
    name = request.table_meta.table_name
    series.check_name(name)
    if series.exists(call.instance, name):
        raise ServiceError("OTSObjectAlreadyExist", errors.TABLE_EXISTS)
    by_default = call.service.options.analytical_stores == "default"
    stores = len(stores_of(request, by_default))
    taken = series.quota(call.instance) + QUOTA_PER_TABLE + stores - 1
    if call.service.options.table_names == "shared":
        catalog.check_new(call.instance, name, taken)
    else:
        catalog.check_quota(call.instance, taken)
    series.create(call.instance, request)
    return wire.CreateTimeseriesTableResponse()


def list_table(call: Call, _: wire.ListTimeseriesTableRequest) -> wire.ListTimeseriesTableResponse:
    """List the tables with their options."""
    tables = call.service.series.of(call.instance)
    return wire.ListTimeseriesTableResponse(table_metas=[table.meta() for table in tables])


def describe_table(
    call: Call, request: wire.DescribeTimeseriesTableRequest
) -> wire.DescribeTimeseriesTableResponse:
    """Show options, key schema and analytical stores."""
    table = call.service.series.get(call.instance, request.table_name)
    return wire.DescribeTimeseriesTableResponse(
        table_meta=table.meta(),
        analytical_stores=[store.message() for store in table.analytical_stores],
    )


def update_table(
    call: Call, request: wire.UpdateTimeseriesTableRequest
) -> wire.UpdateTimeseriesTableResponse:
    """Change the options of the points or those of the metadata, as the guides demand not both."""
    call.service.catalog.check_rate()
    table = copy.copy(call.service.series.get(call.instance, request.table_name))
    if request.HasField("table_options") == request.HasField("meta_options"):
        raise invalid("Exactly one of table_options and meta_options must be specified.")
    table.set_options(request.table_options, request.meta_options)
    call.service.series.replace(table)
    return wire.UpdateTimeseriesTableResponse()


def delete_table(
    call: Call, request: wire.DeleteTimeseriesTableRequest
) -> wire.DeleteTimeseriesTableResponse:
    """Remove a table with its points and metadata."""
    call.service.catalog.check_rate()
    call.service.series.drop(call.service.series.get(call.instance, request.table_name))
    return wire.DeleteTimeseriesTableResponse()
