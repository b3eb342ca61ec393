"""What a run that goes on has written since it started, as costs of its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.inspect.capacity import POINT_UNIT
from connectors.inspect.cost import TableCost
from connectors.settings import Settings


def cost_of_run(settings: Settings, processes: Sequence[Mapping[str, Any]]) -> list[TableCost]:
    """The tables to which the processes of a run, by their status, have written rows.

    A process that was started again has counted since then. The rate of each is that since its
    start, so a run that catches up shows more than it takes later.
    """
    found: dict[str, TableCost] = {}
    for process in processes:
        seconds = float(process.get("seconds", 0))
        for table in process.get("tables", ()):
            rows, size = int(table["rows"]), int(table["bytes"])
            if not rows or not seconds:
                continue
            name = str(table["table"])
            cost = found.setdefault(name, TableCost(name, settings.rules_of(name).mode))
            cost.rows += rows
            cost.bytes += size
            is_points = cost.mode == "timeseries"
            cost.units += size / POINT_UNIT if is_points else int(table["capacity_units"])
            cost.rows_a_second = (cost.rows_a_second or 0.0) + rows / seconds
    return [found[name] for name in sorted(found)]
