"""Capacity units that a write takes, as the service counts them [capacity-units] [ts-billing]."""

from __future__ import annotations

from connectors.run.table_meter import UNIT
from connectors.settings.tables import TableSettings
from connectors.tablestore.row_reader import ReadRow

POINT_UNIT = 1024
_VERSION_BYTES = 8


def row_bytes(row: ReadRow, rules: TableSettings) -> int:
    """The bytes that count: names and values, and 8 a version in a table that keeps versions."""
    if row.kind == "row" and (rules.max_versions > 1 or rules.time_to_live > -1):
        return row.size + _VERSION_BYTES * len(row.columns)
    return row.size


def row_units(row: ReadRow, rules: TableSettings) -> float:
    """Write capacity units: of a row those of 4 KB begun, of a point a part of its request's.

    Points are counted by the request, 1 KB each unit begun: its share is what its bytes are of it.
    """
    size = row_bytes(row, rules)
    if row.kind == "point":
        return size / POINT_UNIT
    return max(1, -(-size // UNIT))
