"""What tests of time series have in common: keys, tables, points put and read."""

from collections.abc import Callable
from typing import Any

import pytest
import tablestore as ots
from tablestore.metadata import (
    CreateTimeseriesTableRequest,
    GetTimeseriesDataRequest,
    TimeseriesKey,
    TimeseriesTableMeta,
)
from tablestore.timeseries_condition import (
    MetaQuerySingleOperator,
)

from emulator.wire import messages_pb2 as wire
from emulator.wire.crc32c import crc32c
from tests.emulator.harness import Emulator

TAGS = {"city": "Zürich", "room": "12 b"}
OP = MetaQuerySingleOperator


def key(source: str = "s", measurement: str = "cpu", tags: Any = None) -> Any:
    return TimeseriesKey(measurement, source, dict(TAGS if tags is None else tags))


def make(client: Any, name: str = "series", **options: Any) -> str:
    meta = TimeseriesTableMeta(name, **options)
    client.create_timeseries_table(CreateTimeseriesTableRequest(meta))
    return name


def put(client: Any, table: str, *points: Any) -> list[Any]:
    return list(client.put_timeseries_data(table, list(points)).failedRows or [])


def get(client: Any, table: str, begin: int = 0, end: int = 10**17, **options: Any) -> Any:
    series = options.pop("key", None) or key()
    return client.get_timeseries_data(
        GetTimeseriesDataRequest(table, series, begin, end, **options)
    )


def times(response: Any) -> list[int]:
    return [row.time_in_us for row in response.rows or []]


def refused(call: Callable[[], object]) -> tuple[int, str, str]:
    with pytest.raises(ots.OTSServiceError) as caught:
        call()
    return caught.value.http_status, caught.value.code, caught.value.message


FIELDS: dict[str, Any] = {
    "text": "Grüezi",
    "number": -(2**63),
    "ratio": 0.25,
    "yes": True,
    "no": False,
    "raw": bytearray(b"\x00\xff"),
    "more": 7,
    "other": 1e300,
}


def failures(emulator: Emulator, table: str, *points: Any) -> list[wire.FailedRow]:
    """Failed rows of a put by hand: SDK 6.4.8 raises AttributeError when there are any."""
    from tablestore.flatbuffer.timeseries_flat_buffer_encoder import get_column_val_by_tp

    data = bytes(get_column_val_by_tp(table, list(points)))
    request = wire.PutTimeseriesDataRequest(
        table_name=table, rows_data=rows_message(data, 0), supported_table_version=1
    )
    answer = emulator.send("PutTimeseriesData", request)
    assert answer.status == 200, answer.error
    return list(wire.PutTimeseriesDataResponse.FromString(answer.body).failed_rows)


def rows_message(data: bytes, kind: int, checksum: int | None = None) -> wire.TimeseriesRows:
    value = crc32c(data) if checksum is None else checksum
    signed = value - (1 << 32) if value >= 1 << 31 else value
    return wire.TimeseriesRows(type=kind, rows_data=data, flatbuffer_crc32c=signed)
