"""Tables: create, list, describe, update, delete; their defined columns, splits and indexes."""

import copy
import hashlib
import time
from typing import NoReturn

from emulator import errors, keys
from emulator.errors import ServiceError, invalid
from emulator.service import Call
from emulator.tables import check_defined
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb

_ACTIVE, _LOADING = 1, 3
_DEFAULT_SPLIT_UNIT = 100 * 1024 * 1024  # bytes
_MIN_SPLIT_UNIT = 1024 * 1024


def create_table(call: Call, request: wire.CreateTableRequest) -> wire.CreateTableResponse:
    """Create a table."""
    catalog = call.service.catalog
    catalog.check_rate()
    is_shared = call.service.options.table_names == "shared"
    if is_shared and call.service.series.exists(call.instance, request.table_meta.table_name):
        raise ServiceError("OTSObjectAlreadyExist", errors.TABLE_EXISTS)
    catalog.create(call.instance, request, taken=call.service.series.quota(call.instance))
    return wire.CreateTableResponse()


def list_table(call: Call, _: wire.ListTableRequest) -> wire.ListTableResponse:
    """List the tables of the instance."""
    return wire.ListTableResponse(table_names=call.service.catalog.names(call.instance))


def describe_table(call: Call, request: wire.DescribeTableRequest) -> wire.DescribeTableResponse:
    """Show schema, options and throughput."""
    catalog = call.service.catalog
    table = catalog.find(call.instance, request.table_name)
    return wire.DescribeTableResponse(
        table_meta=table.meta(),
        reserved_throughput_details=table.throughput(),
        table_options=table.options(),
        table_status=_LOADING if catalog.is_loading(table) else _ACTIVE,
        stream_details=table.stream(),
        shard_splits=table.partition_bounds(),
        sse_details=table.encryption(),
        creation_time=table.created_at_us,
    )


def update_table(call: Call, request: wire.UpdateTableRequest) -> wire.UpdateTableResponse:
    """Change options, throughput or stream."""
    catalog = call.service.catalog
    catalog.check_rate()
    table = copy.copy(catalog.get(call.instance, request.table_name))
    parts = ("reserved_throughput", "table_options", "stream_spec")
    if not any(request.HasField(part) for part in parts):
        raise invalid("No parameter is specified in table options.")
    table.change_options(request.table_options)
    if request.HasField("reserved_throughput"):
        table.set_throughput(request.reserved_throughput.capacity_unit, int(time.time()))
    catalog.set_stream(table, request.stream_spec)
    catalog.replace(table)
    return wire.UpdateTableResponse(
        reserved_throughput_details=table.throughput(),
        table_options=table.options(),
        stream_details=table.stream(),
    )


def delete_table(call: Call, request: wire.DeleteTableRequest) -> wire.DeleteTableResponse:
    """Remove a table and its rows."""
    catalog = call.service.catalog
    catalog.check_rate()
    table = catalog.get(call.instance, request.table_name)
    call.service.transactions.drop_table(table)
    catalog.drop(table)
    return wire.DeleteTableResponse()


def add_columns(call: Call, request: wire.AddDefinedColumnRequest) -> wire.AddDefinedColumnResponse:
    """Define columns of an existing table; rows already stored stay as they are."""
    catalog = call.service.catalog
    catalog.check_rate()
    table = copy.copy(catalog.get(call.instance, request.table_name))
    if not request.columns:
        raise invalid("No defined column is specified.")
    table.defined = check_defined(request.columns, table.defined, table.key_names)
    catalog.replace(table)
    return wire.AddDefinedColumnResponse()


def delete_columns(
    call: Call, request: wire.DeleteDefinedColumnRequest
) -> wire.DeleteDefinedColumnResponse:
    """Remove definitions of columns; stored values stay, and new ones may have any type."""
    catalog = call.service.catalog
    catalog.check_rate()
    table = copy.copy(catalog.get(call.instance, request.table_name))
    names = {name.encode() for name in request.columns}
    if not names:
        raise invalid("No defined column is specified.")
    for name in sorted(names - table.defined.keys()):
        raise invalid(f"The defined column does not exist: {name.decode()}.")
    table.defined = {
        name: wire_type for name, wire_type in table.defined.items() if name not in names
    }
    catalog.replace(table)
    return wire.DeleteDefinedColumnResponse()


def list_indexes(call: Call, request: wire.ListSearchIndexRequest) -> wire.ListSearchIndexResponse:
    """List the search indexes of a table: there are none, since none can be created."""
    if request.table_name:
        call.service.catalog.get(call.instance, request.table_name)
    return wire.ListSearchIndexResponse()


def compute_index_splits(call: Call, request: wire.ComputeSplitsRequest) -> NoReturn:
    """Refuse: the search index does not exist, since no table has one."""
    if not request.search_index_splits_options.index_name:
        raise invalid("The name of the search index is missing.")
    call.service.catalog.usable(call.instance, request.table_name)
    raise ServiceError("OTSObjectNotExist", errors.INDEX_MISSING)


def compute_splits(
    call: Call, request: wire.ComputeSplitPointsBySizeRequest
) -> wire.ComputeSplitPointsBySizeResponse:
    """Divide a table into ranges of about the asked size."""
    table = call.service.catalog.usable(call.instance, request.table_name)
    if request.split_size <= 0:
        raise invalid("The split_size should be greater than 0.")
    unit = _DEFAULT_SPLIT_UNIT
    if request.HasField("split_size_unit_in_byte"):
        unit = request.split_size_unit_in_byte
    if unit < _MIN_SPLIT_UNIT:
        raise invalid(
            f"The split_size_unit_in_byte should be greater equal than: {_MIN_SPLIT_UNIT}"
        )
    if request.HasField("split_point_limit") and request.split_point_limit <= 0:
        raise invalid("The split_point_limit should be greater than 0.")
    response = wire.ComputeSplitPointsBySizeResponse(
        consumed=wire.ConsumedCapacity(capacity_unit=wire.CapacityUnit(read=1, write=0)),
        schema=table.key_schema(),
    )
    wanted, size = request.split_size * unit, 0
    end = keys.table_end(table.id)
    points: list[bytes] = []
    for key, length in call.service.store.sizes(table.prefix, end):
        if size >= wanted:
            points.append(key)
            size = 0
        size += length
    for key in _spread(points, request.split_point_limit):
        cells = keys.decode_key(table, key)
        response.split_points.append(pb.encode_rows([pb.encode_row(cells)]))
    location = hashlib.md5(table.prefix, usedforsecurity=False).hexdigest()
    response.locations.add(location=location, repeat=len(response.split_points) + 1)
    return response


def _spread(points: list[bytes], limit: int) -> list[bytes]:
    """Return at most `limit` of the points, evenly; 0 means all of them."""
    if not limit or len(points) <= limit:
        return points
    return [points[(len(points) + 1) * number // (limit + 1) - 1] for number in range(1, limit + 1)]
