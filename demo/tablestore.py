"""Reads the tables through the official SDK, and the local server's own figures."""

import http.client
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from demo.interruption import Interruption

INSTANCE = "demo"
ACCESS_KEY_ID = "demo-key"
ACCESS_KEY_SECRET = "demo-secret"  # noqa: S105 - the local server's published default

_ANSWER_SECONDS = 10.0
_PAGE_ROWS = 2_000
_ALWAYS = 10**17  # a time in microseconds, far in the future
_SDK_LOGGER = "tablestore-client"


class Row(NamedTuple):
    """A row read back: the string key and the attribute columns."""

    key: str
    columns: dict[str, Any]


def rows_written(endpoint: str) -> int:
    """Row changes that the local Tablestore has applied so far. Raises OSError."""
    address = urlsplit(endpoint)
    connection = http.client.HTTPConnection(
        address.hostname or "127.0.0.1", address.port, timeout=_ANSWER_SECONDS
    )
    try:
        connection.request("GET", "/-/stats")
        return int(json.loads(connection.getresponse().read())["rows_written"])
    finally:
        connection.close()


def _client(endpoint: str) -> Any:
    # The SDK formats each request for its logger unless the level is raised, and warns at import
    # where its native decoder does not exist (other Pythons than 3.12, other systems than Linux).
    logging.getLogger("tablestore").setLevel(logging.ERROR)
    logging.getLogger(_SDK_LOGGER).setLevel(logging.ERROR)
    from tablestore import OTSClient  # noqa: PLC0415

    return OTSClient(endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET, INSTANCE, logger_name=_SDK_LOGGER)


class DeadLetter(NamedTuple):
    """A dead letter that is read back: its record's coordinates, and its reason."""

    topic: str
    partition: int
    offset: int
    reason: str
    """Stage and code, such as `map, key_missing`."""
    text: str
    replays: int
    value: bytes


def read_all(endpoint: str, table: str, key: str, interruption: Interruption) -> Iterator[Row]:
    """Every row of the table by GetRange, in the order of its key column. Raises Interrupted."""
    for values, columns in _scan(endpoint, table, [key], interruption):
        yield Row(values[0], columns)


def read_dead_letters(endpoint: str, table: str, interruption: Interruption) -> list[DeadLetter]:
    """Every dead letter of the table. Raises Interrupted."""
    return [
        DeadLetter(
            columns["topic"],
            columns["partition"],
            values[1],
            f"{columns['stage']}, {columns['code']}",
            columns["reason"],
            columns["replays"],
            bytes(columns["value"]),
        )
        for values, columns in _scan(endpoint, table, ["topic_partition", "offset"], interruption)
    ]


def _scan(
    endpoint: str, table: str, key: list[str], interruption: Interruption
) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    client = _client(endpoint)
    from tablestore import INF_MAX, INF_MIN  # noqa: PLC0415

    start: Any = [(name, INF_MIN) for name in key]
    end = [(name, INF_MAX) for name in key]
    while start:
        _, start, rows, _ = client.get_range(table, "FORWARD", start, end, limit=_PAGE_ROWS)
        for row in rows:
            columns = {name: value for name, value, _ in row.attribute_columns}
            yield [value for _, value, *_ in row.primary_key], columns
        interruption.check()


def read_points(
    endpoint: str, table: str, name: Callable[[str, str, str, int], str], interruption: Interruption
) -> Iterator[Row]:
    """Every point of every series of a time series table. Raises Interrupted.

    `name` makes the key of (data source, tag device, tag room, time in microseconds).
    """
    client = _client(endpoint)
    from tablestore.metadata import (  # noqa: PLC0415
        GetTimeseriesDataRequest,
        QueryTimeseriesMetaRequest,
    )

    found = client.query_timeseries_meta(QueryTimeseriesMetaRequest(table, limit=1_000))
    for meta in found.timeseriesMetas:
        series, token = meta.timeseries_key, None
        place = series.data_source, series.tags["device"], series.tags["room"]
        while True:
            request = GetTimeseriesDataRequest(table, series, 0, _ALWAYS, nextToken=token)
            answer = client.get_timeseries_data(request)
            for row in answer.rows or ():
                yield Row(name(*place, row.time_in_us), row.fields)
            token = answer.nextToken
            interruption.check()
            if not token:
                break
