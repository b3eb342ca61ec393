"""QueryTimeseriesMeta, UpdateTimeseriesMeta, DeleteTimeseriesMeta."""

import base64
import binascii

from emulator import keys
from emulator.errors import invalid
from emulator.service import Call
from emulator.timeseries import points
from emulator.timeseries.metas import SeriesMeta, parse_meta_condition
from emulator.timeseries.tables import TimeseriesTable
from emulator.wire import messages_pb2 as wire

_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000


def _is_visible(table: TimeseriesTable, meta: SeriesMeta, now_us: int) -> bool:
    if meta.visible_at > now_us:
        return False
    alive = table.meta_time_to_live
    return alive < 0 or meta.updated_at > now_us - alive * 1_000_000


def query_meta(
    call: Call, request: wire.QueryTimeseriesMetaRequest
) -> wire.QueryTimeseriesMetaResponse:
    """Find series by their metadata, ordered by key, in pages of 100 unless asked otherwise."""
    table = call.service.series.usable(call.instance, request.table_name)
    if table.disable_meta_index:
        raise invalid("The time series metadata index of the table is disabled.")
    if request.HasField("limit") and request.limit <= 0:
        raise invalid("The limit must be greater than 0.")
    test = parse_meta_condition(request.condition) if request.HasField("condition") else None
    try:
        start = base64.b64decode(request.token, validate=True)
    except binascii.Error:
        raise invalid("Invalid token.") from None
    wanted = min(request.limit or _DEFAULT_LIMIT, _MAX_LIMIT)
    response = wire.QueryTimeseriesMetaResponse()
    hits = 0
    for key, stored in call.service.store.scan(table.series.prefix, table.series_end):
        meta = SeriesMeta.unpack(stored)
        if not _is_visible(table, meta, call.now_ms * 1000) or (test and not test(meta)):
            continue
        hits += 1
        if key < start:
            continue
        if len(response.timeseries_metas) >= wanted:
            if not response.HasField("next_token"):
                response.next_token = base64.b64encode(key)
            if not request.get_total_hit:
                break
            continue
        found = response.timeseries_metas.add(
            time_series_key=points.key_message(meta.key), update_time=meta.updated_at
        )
        if meta.attributes:
            found.attributes = points.pairs_text(meta.attributes)
    if request.get_total_hit:
        response.total_hit = hits
    return response


def _check_count(count: int) -> None:
    if count > points.ROWS:
        raise invalid(f"Rows count exceeds the upper limit: {points.ROWS}.")


def update_meta(call: Call, request: wire.UpdateTimeseriesMetaRequest) -> wire.FailedRowsResponse:
    """Set the attributes of series; a series that is not known yet is added.

    A table whose attributes may not be updated still takes series without any.
    """
    table = call.service.series.usable(call.instance, request.table_name)
    if not request.timeseries_meta:
        raise invalid("No time series is specified in UpdateTimeseriesMeta.")
    _check_count(len(request.timeseries_meta))
    now = call.now_ms * 1000
    visible = now + int(call.service.options.meta_delay * 1_000_000)
    changes: dict[bytes, bytes | None] = {}
    for item in request.timeseries_meta:
        key = points.key_from_message(item.time_series_key, table.needs_measurement)
        attributes = points.parse_pairs(item.attributes, "attributes")
        if attributes and not table.allow_update_attributes:
            raise invalid("Updating attributes of time series is not allowed on the table.")
        stored_key = keys.encode_key(table.series, table.series_cells(key))
        known = call.service.store.get(stored_key)  # what can be found already stays so
        seen = visible if known is None else SeriesMeta.unpack(known).visible_at
        changes[stored_key] = SeriesMeta(key, attributes, now, seen).pack()
    if not call.service.options.discard:
        call.service.store.write(changes)
    return wire.FailedRowsResponse()


def delete_meta(call: Call, request: wire.DeleteTimeseriesMetaRequest) -> wire.FailedRowsResponse:
    """Delete the metadata of series; their points stay and can be read by key."""
    table = call.service.series.usable(call.instance, request.table_name)
    if not request.timeseries_key:
        raise invalid("No time series is specified in DeleteTimeseriesMeta.")
    _check_count(len(request.timeseries_key))
    changes: dict[bytes, bytes | None] = {}
    for item in request.timeseries_key:
        key = points.key_from_message(item, table.needs_measurement)
        changes[keys.encode_key(table.series, table.series_cells(key))] = None
    if not call.service.options.discard:
        call.service.store.write(changes)
    return wire.FailedRowsResponse()
