"""SplitTimeseriesScanTask and ScanTimeseriesData: all points of a table, by several readers."""

import base64
import binascii
import json
from itertools import pairwise
from typing import NamedTuple

from emulator import keys, limits
from emulator.errors import invalid
from emulator.operations.timeseries_data import check_version, wanted_fields
from emulator.service import Call
from emulator.timeseries.encoding import PointEncoder
from emulator.timeseries.tables import TimeseriesTable
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb

MAX_SPLITS = 256
"""Parts of one task: the official Java test asks for up to 499 and expects no more than this."""
_PLAIN_BUFFER = 1
_NO_END = (1 << 63) - 1


class _Split(NamedTuple):
    """The part of a table that one reader scans: stored keys from `begin` to before `end`."""

    begin: bytes
    end: bytes
    measurement: str | None


def _whole(table: TimeseriesTable, measurement: str | None) -> _Split:
    if measurement is not None and table.key_names[0] == "_m_name":
        prefix = table.data.prefix + keys.encode_value(pb.wire_value(measurement))
        return _Split(prefix, prefix + b"\xff", measurement)
    return _Split(table.data.prefix, table.data_end, measurement)


def split_scan(
    call: Call, request: wire.SplitTimeseriesScanTaskRequest
) -> wire.SplitTimeseriesScanTaskResponse:
    """Divide a table, or one measurement of it, into as many parts as asked for, 256 at most.

    Every point is in exactly one part, also one that is written later. Parts hold about the same
    number of the series that are known; with more parts than series some are empty.
    """
    table = call.service.series.usable(call.instance, request.table_name)
    if request.split_count_hint <= 0:
        raise invalid("The split_count_hint should be greater than 0.")
    count = min(request.split_count_hint, MAX_SPLITS)
    measurement = request.measurement_name if request.HasField("measurement_name") else None
    whole = _whole(table, measurement)
    series = _known_series(call, table, whole)
    inner = [len(series) * number // count for number in range(1, count)]
    bounds = [whole.begin, *(series[i] if i else whole.begin for i in inner), whole.end]
    response = wire.SplitTimeseriesScanTaskResponse()
    for first, last in pairwise(bounds):
        document = [table.id, first.hex(), last.hex(), measurement]
        response.split_infos.append(base64.b64encode(json.dumps(document).encode()))
    return response


def _known_series(call: Call, table: TimeseriesTable, whole: _Split) -> list[bytes]:
    """Return where the points of each series of a range begin, in order."""
    data, series = table.data.prefix, table.series.prefix
    begin, end = series + whole.begin[len(data) :], table.series_end
    if whole.end != table.data_end:
        end = series + whole.end[len(data) :]
    return [data + key[len(series) :] for key, _ in call.service.store.sizes(begin, end)]


def _parse_split(table: TimeseriesTable, info: bytes) -> _Split:
    """Return a part that `split_scan` gave out; raises 400 for anything else."""
    try:
        table_id, begin, end, measurement = json.loads(base64.b64decode(info, validate=True))
        split = _Split(bytes.fromhex(begin), bytes.fromhex(end), measurement)
    except (ValueError, TypeError, RecursionError):
        raise invalid("Invalid split info.") from None
    inside = table.data.prefix <= split.begin <= split.end <= table.data_end
    if table_id != table.id or not inside or not isinstance(measurement, str | None):
        raise invalid("Invalid split info.")
    return split


def _token_key(token: bytes, split: _Split) -> bytes:
    try:
        key = base64.b64decode(token, validate=True)
    except binascii.Error:
        raise invalid("Invalid token.") from None
    if not split.begin <= key < split.end:
        raise invalid("Invalid token.")
    return key


def _times(call: Call, table: TimeseriesTable, request: wire.ScanTimeseriesDataRequest) -> range:
    """Return the times asked for, in microseconds, without those that have expired."""
    begin = request.start_time_us if request.HasField("start_time_us") else 0
    end = request.end_time_us if request.HasField("end_time_us") else _NO_END
    if begin < 0 or end <= begin:
        raise invalid(f"Invalid time range: [{begin}, {end}).")
    if table.time_to_live > 0:
        begin = max(begin, call.now_ms * 1000 - table.time_to_live * 1_000_000)
    return range(begin, end)


def scan_data(
    call: Call, request: wire.ScanTimeseriesDataRequest
) -> wire.ScanTimeseriesDataResponse:
    """Read the points of a part of a table, or of all of it, in pages.

    A page ends after 5,000 points or 4 MB that were looked at, whether they are in the range of
    times or not. Points without any of the fields asked for are left out.
    """
    table = call.service.series.usable(call.instance, request.table_name)
    check_version(request.supported_table_version, table)
    form = request.data_serialize_type
    if request.HasField("data_serialize_type") and form != _PLAIN_BUFFER:
        raise invalid(f"Unsupported rows serialize type: {form}.")
    if request.HasField("limit") and request.limit <= 0:
        raise invalid("The limit must be greater than 0.")
    split = _parse_split(table, request.split_info) if request.split_info else _whole(table, None)
    times = _times(call, table, request)
    first = _token_key(request.token, split) if request.token else split.begin
    wanted = min(request.limit or limits.RANGE_ROWS, limits.RANGE_ROWS)
    encoder = PointEncoder(table, wanted_fields(request.fields_to_get))
    is_prefix = table.key_names[0] == "_m_name"
    looks_for_measurement = split.measurement is not None and not is_prefix
    gate = call.gate(table.name)
    if gate is not None:
        gate.admit(None, reads=True)
    encoded: list[bytes] = []
    token: bytes | None = None
    size = scanned = 0
    for stored_key, stored in call.service.store.scan(first, split.end):
        full = len(encoded) >= wanted or scanned >= limits.RANGE_ROWS
        if full or size >= limits.RANGE_BYTES:
            token = base64.b64encode(stored_key)
            break
        scanned += 1
        size += len(stored_key) + len(stored)
        if encoder.time_of(stored_key) not in times:
            continue
        if looks_for_measurement and _measurement(table, stored_key) != split.measurement:
            continue
        row = encoder.encode(stored_key, stored)
        if row is not None:
            encoded.append(row)
    if gate is not None:
        gate.take(None, limits.units(size), 0)
    return wire.ScanTimeseriesDataResponse(
        data_serialize_type=_PLAIN_BUFFER, data=pb.encode_rows(encoded), next_token=token
    )


def _measurement(table: TimeseriesTable, stored_key: bytes) -> str | None:
    value = dict(keys.decode_key(table.data, stored_key)).get(b"_m_name")
    return None if value is None else str(pb.python_value(value))
