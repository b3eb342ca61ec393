"""Reads tables of a local Tablestore with the official SDK."""

from __future__ import annotations

import logging
from typing import Any

# Before the import: the SDK complains about its missing native encoder when it is imported.
logging.getLogger("tablestore-client").setLevel(logging.CRITICAL)

from tablestore import INF_MAX, INF_MIN, Direction, OTSClient  # noqa: E402

from connectors.testing.in_process import LocalInstance  # noqa: E402

Value = str | int | float | bool | bytes
Key = tuple[tuple[str, Value], ...]


def read_table(instance: LocalInstance, table: str) -> list[dict[str, Value]]:
    """The rows of a wide-column table in the order of their keys, with key and other columns."""
    rows = read_rows(OTSClient(*instance.arguments), table)
    return [{**dict(key), **columns} for key, columns in rows.items()]


def read_rows(client: OTSClient, table: str) -> dict[Key, dict[str, Value]]:
    """The newest cells of each row of a table, by its key."""
    schema = client.describe_table(table).table_meta.schema_of_primary_key
    start: Any = [(column[0], INF_MIN) for column in schema]
    end = [(column[0], INF_MAX) for column in schema]
    found: dict[Key, dict[str, Value]] = {}
    while start is not None:
        _, start, rows, _ = client.get_range(
            table, Direction.FORWARD, start, end, limit=5000, max_version=1
        )
        for row in rows:
            key = tuple((name, _plain(value)) for name, value in row.primary_key)
            found[key] = {column[0]: _plain(column[1]) for column in row.attribute_columns}
    return found


def _plain(value: Any) -> Value:
    """The SDK returns binaries as bytearray, which cannot be compared as keys."""
    return bytes(value) if isinstance(value, bytearray) else value
