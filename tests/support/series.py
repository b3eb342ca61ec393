"""Sensor readings: what is produced, which point each must become, and points read with the SDK."""

from __future__ import annotations

import json
from typing import Any

from tablestore import TimeseriesKey
from tablestore.metadata import GetTimeseriesDataRequest, QueryTimeseriesMetaRequest

from tests.support.ledger import Columns, Expected, Key, Put
from tests.support.producers import PAYLOAD, LedgerProducer
from tests.support.store import LocalTablestore

BEGIN = 1_767_600_000_000
"""Milliseconds since 1970 of the first reading."""
RULES = {
    "measurement_field": "kind",
    "data_source_field": "site",
    "tags": ["device", "room"],
    "time_field": "at",
}
"""The options of [tables.NAME.timeseries] under which `send_reading` gives the points it says."""
_ALWAYS = 10**17


def point_key(measurement: str, source: str, tags: dict[str, str], time: int) -> Key:
    """A point's key as the local Tablestore logs it; time in microseconds."""
    text = ",".join(f'"{name}={value}"' for name, value in sorted(tags.items()))
    return (
        ("_m_name", measurement),
        ("_data_source", source),
        ("_tags", f"[{text}]"),
        ("_time", time),
    )


def send_reading(producer: LedgerProducer, topic: str, number: int, partition: int) -> None:
    """One reading of a device that stays in its partition.

    Some in a row have the same series and time: the last one is the point.
    """
    tags = {"device": f"d{partition}-{number % 3}", "room": f"r{partition}"}
    at = BEGIN + number // 20
    columns: Columns = {
        "count": number,
        "temperature": number / 8,
        "valid": number % 2 == 0,
        "note": f"{PAYLOAD}-{number}",
    }
    value = {"kind": "climate", "site": "plant", "at": at, **tags, "Count": number}
    value |= {name: columns[name] for name in ("temperature", "valid", "note")}
    key = point_key("climate", "plant", tags, at * 1000)

    def expect(_partition: int, _offset: int) -> Expected:
        return Put(topic, key, columns)

    producer.send(topic, json.dumps({**value, "empty": None}).encode(), expect, partition=partition)


def points(store: LocalTablestore, table: str) -> dict[Key, Columns]:
    """All points of all series, read with the official SDK."""
    found: dict[Key, Columns] = {}
    for series in _series(store, table):
        tags = series.tags or {}
        for row in _rows(store, table, series):
            key = point_key(series.measurement_name, series.data_source, tags, row.time_in_us)
            assert key not in found
            found[key] = {
                name: bytes(value) if isinstance(value, bytearray) else value
                for name, value in row.fields.items()
            }
    return found


def _series(store: LocalTablestore, table: str) -> list[TimeseriesKey]:
    found: list[TimeseriesKey] = []
    token: Any = None
    while True:
        answer = store.client.query_timeseries_meta(
            QueryTimeseriesMetaRequest(table, nextToken=token, limit=1000)
        )
        found += [meta.timeseries_key for meta in answer.timeseriesMetas]
        token = answer.nextToken
        if not token:
            return found


def _rows(store: LocalTablestore, table: str, series: TimeseriesKey) -> list[Any]:
    found: list[Any] = []
    token: Any = None
    while True:
        series.tags = series.tags or {}
        answer = store.client.get_timeseries_data(
            GetTimeseriesDataRequest(
                table, series, beginTimeInUs=0, endTimeInUs=_ALWAYS, nextToken=token
            )
        )
        found += answer.rows or []
        token = answer.nextToken
        if not token:
            return found
