"""Compares what was produced with what arrived: the check that may fail."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from demo.tablestore import DeadLetter, Row

_ENDED = re.compile(r"^sync: ended: (.*)$")
_COUNT = re.compile(r"(\w+)=(\d+)")
_SHOWN_FAULTS = 5


class FlowEnd(NamedTuple):
    """The flow's counts from its last line, and its dead letters by reason and by topic."""

    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    topics: Mapping[str, int]


def flow_end(lines: Iterable[str], dead_letters: Iterable[DeadLetter]) -> FlowEnd:
    """Read the counts from the flow's output; empty if it wrote no last line."""
    counts: dict[str, int] = {}
    for line in lines:
        if match := _ENDED.match(line):
            counts = {name: int(number) for name, number in _COUNT.findall(match[1])}
    found = list(dead_letters)
    reasons = Counter(dead_letter.reason for dead_letter in found)
    return FlowEnd(counts, reasons, Counter(dead_letter.topic for dead_letter in found))


class Comparison:
    """Compares rows that are read back with the orders that they should be."""

    def __init__(self, expected: Mapping[str, Mapping[str, Any]], what: str = "order") -> None:
        """`expected`: fields by order_id, or by the name of the point."""
        self._what = what
        self._missing = dict(expected)
        self.rows = 0
        self._faults = 0
        self._shown: list[str] = []

    def take(self, row: Row) -> None:
        """Compare one row with the order that it was made of."""
        self.rows += 1
        fields = self._missing.pop(row.key, None)
        if fields is None:
            self._fault(f"row {row.key}: no such {self._what}, or the row came twice")
        elif (difference := _difference(fields, row.columns)) is not None:
            self._fault(f"row {row.key}: {difference}")

    def verdict(self) -> list[str]:
        """The differences as texts; empty if every order is in the table with its values."""
        worded = list(self._shown)
        if self._faults > len(worded):
            worded.append(f"... and {self._faults - len(worded)} more such rows")
        if self._missing:
            some = ", ".join(sorted(self._missing)[:_SHOWN_FAULTS])
            worded.append(f"{len(self._missing)} {self._what}s are not in the table: {some} ...")
        return worded

    def _fault(self, text: str) -> None:
        self._faults += 1
        if len(self._shown) < _SHOWN_FAULTS:
            self._shown.append(text)


def _difference(fields: Mapping[str, Any], columns: Mapping[str, Any]) -> str | None:
    """The first column that differs; a null is no column, and nested values are JSON."""
    wanted = {
        name: value for name, value in fields.items() if name != "order_id" and value is not None
    }
    if wanted.keys() != columns.keys():
        return f"columns {sorted(columns)} instead of {sorted(wanted)}"
    for name, value in wanted.items():
        found = columns[name]
        if isinstance(value, (list, dict)):
            if not isinstance(found, str) or json.loads(found) != value:
                return f"column {name} is not the JSON text of what was produced"
        elif type(found) is not type(value) or found != value:
            return f"column {name} is {found!r}, produced was {value!r}"
    return None


def accounting(
    produced: int, broken: int, end: FlowEnd, rows: int, differences: Iterable[str]
) -> list[str]:
    """The equations that do not hold, as texts; empty if all do."""
    counts = end.counts
    if not counts:
        return ["the flow did not print its last line `sync: ended: ...`", *differences]
    read, written, rejected = (counts.get(name, 0) for name in ("read", "written", "rejected"))
    equations = (
        (read, produced, "records read by the flow", "produced"),
        (written + rejected, produced, "written + dead-lettered", "produced"),
        (rejected, broken, "dead-lettered", "broken on purpose"),
        (sum(end.reasons.values()), rejected, "dead letters in their table", "dead-lettered"),
        (rows, written, "rows in the table", "written"),
    )
    wrong = [
        f"{left_name} is {left:,}, but {right_name} is {right:,}"
        for left, right, left_name, right_name in equations
        if left != right
    ]
    return [*wrong, *differences]
