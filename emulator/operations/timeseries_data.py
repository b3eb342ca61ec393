"""PutTimeseriesData and GetTimeseriesData."""

import base64
import binascii
from collections.abc import Iterable

from google.protobuf.message import DecodeError

from emulator import keys, limits
from emulator.errors import ServiceError, invalid
from emulator.service import Call
from emulator.stored_points import pack_point
from emulator.timeseries import points
from emulator.timeseries.encoding import FieldNames, PointEncoder
from emulator.timeseries.metas import SeriesMeta
from emulator.timeseries.points import Point
from emulator.timeseries.tables import TimeseriesTable
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.crc32c import crc32c
from emulator.wire.flatbuffer import decode_points
from emulator.wire.strings import has_bad_text

_FLAT_BUFFER, _PLAIN_BUFFER, _PROTO_BUFFER = 0, 1, 2
_META_NORMAL, _META_IGNORE = 0, 1
_TABLE_VERSION = 1
_FIELD_TYPES = {1: pb.INTEGER, 2: pb.BOOLEAN, 3: pb.DOUBLE, 4: pb.STRING, 5: pb.BLOB}
"""Wire type of a field by the number that FlatBuffers and fields_to_get have for it."""
_NO_TYPE = -1
_AFTER = b"\xff"  # sorts after every key of one time, whatever field keys follow it


def check_version(supported: int, table: TimeseriesTable) -> None:
    """Raise 400 for custom keys and a client that knows only version 0: it cannot read them."""
    has_custom = bool(table.keys or table.field_keys)
    if has_custom and supported < _TABLE_VERSION:
        raise invalid("The version of the time series table is not supported by the client.")


def _parse_points(message: wire.TimeseriesRows, needs_measurement: bool) -> list[Point]:
    data = message.rows_data
    if message.HasField("flatbuffer_crc32c") and message.flatbuffer_crc32c & 0xFFFFFFFF != crc32c(
        data
    ):
        raise invalid("data format is invalid, checksum is mismatch.")
    if message.type == _FLAT_BUFFER:
        return [points.from_flatbuffer(raw, needs_measurement) for raw in decode_points(data)]
    if message.type == _PROTO_BUFFER:
        listed = wire.TimeseriesRowList()
        try:
            listed.ParseFromString(data)
        except DecodeError:
            raise invalid("data format is invalid.") from None
        if has_bad_text(listed):
            raise invalid("data format is invalid.")
        return [points.from_message(row, needs_measurement) for row in listed.rows]
    raise invalid(f"Unsupported rows serialize type: {message.type}.")


def _check_field_keys(table: TimeseriesTable, point: Point) -> None:
    """Raise 400 for the whole request, as the official Python test expects it."""
    missing = [
        name
        for name, _, automatic in table.field_keys
        if not automatic and name.encode() not in point.fields
    ]
    if missing:
        raise invalid(f"missing primary key fields: {', '.join(missing)}.")


def put_data(call: Call, request: wire.PutTimeseriesDataRequest) -> wire.PutTimeseriesDataResponse:
    """Write up to 200 points; a point of equal series and time is replaced as a whole.

    No meta_update_status is answered: it only feeds a cache of the clients.
    """
    table = call.service.series.usable(call.instance, request.table_name)
    check_version(request.supported_table_version, table)
    found = _parse_points(request.rows_data, table.needs_measurement)
    if not found:
        raise invalid(f"No row is specified for table: '{table.name}'.")
    if len(found) > points.ROWS:
        raise invalid(f"Rows count exceeds the upper limit: {points.ROWS}.")
    size = sum(points.point_size(point) for point in found)
    if size > limits.BATCH_WRITE_BYTES:
        raise invalid(
            "The total data size of PutTimeseriesData request exceeds the limit, limit size: "
            f"{limits.BATCH_WRITE_BYTES}, data size: {size}."
        )
    for point in found:
        _check_field_keys(table, point)
    response = wire.PutTimeseriesDataResponse()
    writer = _PointWriter(call, table, request.meta_update_mode != _META_IGNORE)
    for index, point in enumerate(found):
        try:
            writer.add(index, point)
        except ServiceError as error:
            response.failed_rows.add(
                row_index=index, error_code=error.code, error_message=error.message
            )
    writer.commit()
    return response


class _PointWriter:
    """Collects the points of a request and the metadata of their series."""

    def __init__(self, call: Call, table: TimeseriesTable, updates_meta: bool) -> None:
        self._call, self._table, self._updates_meta = call, table, updates_meta
        self._gate = call.gate(table.name)
        self._changes: dict[bytes, bytes | None] = {}
        self._counters: dict[int, int] = {}
        self._effects: list[tuple[TimeseriesTable, str, list[pb.KeyCell], bytes]] = []

    def add(self, index: int, point: Point) -> None:
        table = self._table
        series = table.series_cells(point.key)
        if self._gate is not None:
            partition = keys.encode_value(series[0][1])
            self._gate.admit(partition, reads=False)
            self._gate.take(partition, 0, limits.units(points.point_size(point)))
        fields = dict(point.fields)
        key = [*series, (b"_time", pb.integer(point.time))]
        key += [self._field_key(*schema, fields) for schema in table.field_keys]
        if self._call.row_faults:
            cells: list[pb.CellChange] = [
                (name, pb.PUT, value, None) for name, value in point.fields.items()
            ]
            tags = [(name.encode(), pb.wire_value(value)) for name, value in point.key.tags]
            change = pb.RowChange([*key, *tags], cells, False, set(point.fields), None)
            self._call.row_fault(table.name, index, change)
        stored = pack_point(fields, self._call.now_ms)
        self._changes[keys.encode_key(table.data, key)] = stored
        if self._updates_meta:
            self._touch(point, series)
        self._effects.append((table, "point", key, stored[9:]))

    def _field_key(
        self, name: str, _: int, automatic: bool, fields: dict[bytes, bytes]
    ) -> pb.KeyCell:
        value = fields.pop(name.encode(), None)
        if value is None and automatic:
            store, table_id = self._call.service.store, self._table.id
            last = self._counters.get(table_id) or store.counter(table_id)
            self._counters[table_id] = max(last + 1, self._call.now_ms * 1000)
            value = pb.integer(self._counters[table_id])
        if value is None:
            raise AssertionError(f"the field key {name} was not checked")
        return name.encode(), value

    def _touch(self, point: Point, series: list[pb.KeyCell]) -> None:
        """Make the metadata of a series known; a known one keeps its attributes."""
        key = keys.encode_key(self._table.series, series)
        if key in self._changes:
            return
        service = self._call.service
        stored = service.store.get(key)
        now = self._call.now_ms * 1000
        if stored is None:
            visible = now + int(service.options.meta_delay * 1_000_000)
            self._changes[key] = SeriesMeta(point.key, (), now, visible).pack()
        else:
            self._changes[key] = SeriesMeta.unpack(stored)._replace(updated_at=now).pack()

    def commit(self) -> None:
        service = self._call.service
        if self._changes and not service.options.discard:
            service.store.write(self._changes, self._counters)
        service.journal.rows_written += len(self._effects)
        if service.journal.keeps_effects:
            service.journal.applied(self._call.request_id, self._effects)


def _time_bounds(request: wire.GetTimeseriesDataRequest) -> tuple[int, int]:
    if request.HasField("specific_time"):
        begin, end = request.specific_time, request.specific_time + 1
    else:
        begin, end = request.begin_time, request.end_time
    if begin < 0 or end <= begin:
        raise invalid(f"Invalid time range: [{begin}, {end}).")
    return begin, min(end, (1 << 63) - 1)


def _with_time(prefix: bytes, time: int) -> bytes:
    return prefix + keys.encode_value(pb.integer(time))


def get_data(call: Call, request: wire.GetTimeseriesDataRequest) -> wire.GetTimeseriesDataResponse:
    """Read the points of one series with begin <= time < end, in either direction, in pages.

    A field that is asked for with another type than it has is not answered.
    """
    table = call.service.series.usable(call.instance, request.table_name)
    key = points.key_from_message(request.time_series_key, table.needs_measurement)
    begin, end = _time_bounds(request)
    if table.time_to_live > 0:
        begin = max(begin, call.now_ms * 1000 - table.time_to_live * 1_000_000)
    prefix = table.data.prefix + b"".join(
        keys.encode_value(value) for _, value in table.series_cells(key)
    )
    if request.HasField("limit") and request.limit <= 0:
        raise invalid("The limit must be greater than 0.")
    wanted = min(request.limit or limits.RANGE_ROWS, limits.RANGE_ROWS)
    if request.backward:  # a scan down includes its first key and not its last
        first, last = _with_time(prefix, end - 1) + _AFTER, _with_time(prefix, begin - 1) + _AFTER
    else:
        first, last = _with_time(prefix, begin), _with_time(prefix, end)
    if request.token:
        first = _token_key(request.token, prefix)
    encoder = PointEncoder(table, wanted_fields(request.fields_to_get))
    gate = call.gate(table.name)
    if gate is not None:
        gate.admit(None, reads=True)
    found = call.service.store.scan(first, last, request.backward)
    response = _page(encoder, found, wanted)
    if gate is not None:
        gate.take(None, limits.units(len(response.rows_data)), 0)
    return response


def wanted_fields(fields: Iterable[wire.TimeseriesFieldToGet]) -> FieldNames:
    """Return the fields that a read asks for; none means all."""
    return {
        field.name.encode(): _FIELD_TYPES.get(field.type, _NO_TYPE) if field.type else None
        for field in fields
    }


def _token_key(token: bytes, prefix: bytes) -> bytes:
    try:
        key = base64.b64decode(token, validate=True)
    except binascii.Error:
        raise invalid("Invalid token.") from None
    if not key.startswith(prefix):
        raise invalid("Invalid token.")
    return key


def _page(
    encoder: PointEncoder,
    found: Iterable[tuple[bytes, bytes]],
    wanted: int,
) -> wire.GetTimeseriesDataResponse:
    encoded: list[bytes] = []
    token: bytes | None = None
    size = 0
    for stored_key, stored in found:
        if len(encoded) >= wanted or size >= limits.RANGE_BYTES:
            token = base64.b64encode(stored_key)
            break
        row = encoder.encode(stored_key, stored)
        if row is None:
            continue
        size += len(row)
        encoded.append(row)
    return wire.GetTimeseriesDataResponse(rows_data=pb.encode_rows(encoded), next_token=token)
