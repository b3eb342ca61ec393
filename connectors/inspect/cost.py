"""What a topic's rows cost: bytes, capacity units, and what other settings would change.

A put and an update of the same columns take the same units, since the service counts the names and
values that a request carries. What does change the units: columns that are dropped, and records of
one key in one batch, of which a put is written only once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.inspect.capacity import row_units
from connectors.inspect.preview import Preview, PreviewedRow
from connectors.records import Message, timestamp_of
from connectors.settings import Settings
from connectors.tablestore.row_reader import ReadCell, ReadRow

_SECONDS_A_MONTH = 30 * 86_400
# Ages of [window] that are compared with the present one, in seconds.
_AGES = (0.5, 5.0, 60.0)
_MAX_COLUMNS = 10


@dataclass
class TableCost:
    """The rows of one table in a sample, and what they take."""

    table: str
    mode: str
    rows: int = 0
    bytes: int = 0
    units: float = 0.0
    rows_a_second: float | None = None
    """None where the timestamps of the sample do not say."""
    without_column: dict[str, float] = field(default_factory=dict)
    """Units of the sample's rows without a column."""
    by_age: dict[float, float] = field(default_factory=dict)
    """Units with another window.age, as far as it lets puts of one key replace each other."""

    @property
    def units_a_second(self) -> float | None:
        """At the sample's rate."""
        if self.rows_a_second is None or not self.rows:
            return None
        return self.units / self.rows * self.rows_a_second

    def units_a_month(self, rate: float | None = None) -> float | None:
        """Return the capacity units of 30 days, at a rate in rows a second or at the sample's."""
        rate = self.rows_a_second if rate is None else rate
        if rate is None or not self.rows:
            return None
        return self.units / self.rows * rate * _SECONDS_A_MONTH

    def bytes_a_month(self, rate: float | None = None) -> float | None:
        """As `units_a_month`, in bytes that are stored when no row replaces another."""
        rate = self.rows_a_second if rate is None else rate
        if rate is None or not self.rows:
            return None
        return self.bytes / self.rows * rate * _SECONDS_A_MONTH


def cost_of(settings: Settings, messages: Sequence[Message]) -> list[TableCost]:
    """What the records of a sample, oldest first, take in each table. Raises StopRun."""
    preview = Preview(settings)
    rows: dict[str, list[tuple[int | None, PreviewedRow]]] = defaultdict(list)
    for message in messages:
        for row in preview.of(message).rows:
            rows[row.table].append((timestamp_of(message), row))
    return [_of_table(settings, table, of_table) for table, of_table in rows.items()]


def _of_table(
    settings: Settings, table: str, rows: Sequence[tuple[int | None, PreviewedRow]]
) -> TableCost:
    rules = settings.rules_of(table)
    cost = TableCost(table, rules.mode, len(rows))
    cost.bytes = sum(row.bytes for _, row in rows)
    cost.units = sum(row.units for _, row in rows)
    times = sorted(time for time, _ in rows if time is not None)
    if len(times) > 1 and times[-1] > times[0]:
        cost.rows_a_second = (len(times) - 1) * 1000 / (times[-1] - times[0])
    sizes: dict[str, int] = defaultdict(int)
    for _, row in rows:
        for cell in row.columns:
            sizes[cell.name] += cell.size
    largest = sorted(sizes, key=lambda name: -sizes[name])[:_MAX_COLUMNS]
    for name in largest:
        cost.without_column[name] = sum(
            row_units(_read(row, [cell for cell in row.columns if cell.name != name]), rules)
            for _, row in rows
        )
    puts_replace = rules.mode == "wide_column" and rules.insert_mode == "put"
    if puts_replace and rules.version == "none" and len(times) == len(rows):
        cost.by_age = {age: _units_by_age(rows, age) for age in (*_AGES, settings.window.age)}
    return cost


def _read(row: PreviewedRow, columns: list[ReadCell]) -> ReadRow:
    kind = (
        "point" if any(cell.name == "_time" and cell.type == "time" for cell in row.key) else "row"
    )
    return ReadRow(kind, row.key, columns)  # type: ignore[arg-type]


def _units_by_age(rows: Sequence[tuple[int | None, PreviewedRow]], age: float) -> float:
    """The units that are left where of a key's rows in the same `age` seconds the last is put."""
    last: dict[tuple[int, tuple[Any, ...]], float] = {}
    for time, row in rows:
        key = tuple(cell.value for cell in row.key)
        last[(math.floor((time or 0) / (age * 1000)), key)] = row.units
    return sum(last.values())


def price_of(cost: TableCost, prices: Mapping[str, Any], rate: float | None) -> float | None:
    """The price of a month's writes and of its data, of what the user's file has prices for."""
    units, size = cost.units_a_month(rate), cost.bytes_a_month(rate)
    if units is None or size is None:
        return None
    mine = {**prices, **prices.get("tables", {}).get(cost.table, {})}
    writes = units / 10_000 * float(mine.get("write_units_10000", 0))
    return writes + size / (1 << 30) * float(mine.get("storage_gb_month", 0))


def document(cost: TableCost, rate: float | None, price: float | None) -> dict[str, Any]:
    """For --json."""
    return {
        "table": cost.table,
        "mode": cost.mode,
        "rows": cost.rows,
        "bytes": cost.bytes,
        "bytes_a_row": round(cost.bytes / max(1, cost.rows), 1),
        "capacity_units": round(cost.units, 4),
        "rows_a_second": rate if rate is not None else cost.rows_a_second,
        "capacity_units_a_month": cost.units_a_month(rate),
        "bytes_a_month": cost.bytes_a_month(rate),
        "price_a_month": price,
        "if": {
            "update_instead_of_put": round(cost.units, 4),
            "without_column": {name: round(n, 4) for name, n in cost.without_column.items()},
            "window_age": {str(age): round(n, 4) for age, n in cost.by_age.items()},
        },
    }
