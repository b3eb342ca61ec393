"""Compares what the changes of a key make of its row with the row in the table."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.tablestore.row_reader import ReadCell, Value
from connectors.tablestore.rows_api import Found
from connectors.verify.changes import Change, Standing
from connectors.verify.history import Expected, History, note
from connectors.verify.outcomes import Outcome, Outcomes

_NAMES = 5  # columns that a reason names
EXPIRED = "older than the table's time to live"


class TableView:
    """What a judgement needs to know of a table."""

    def __init__(
        self, name: str, *, is_point: bool, ignored: Sequence[str], time_to_live: int
    ) -> None:
        """`ignored` are columns that no record determines; `time_to_live` in s, -1 for ever."""
        self.name = name
        self.is_point = is_point
        self.ignored = frozenset(ignored)
        self.time_to_live = time_to_live


class Judge:
    """Says of each change of a key what became of it."""

    def __init__(self, outcomes: Outcomes, now_ms: int) -> None:
        self._outcomes = outcomes
        self._now = now_ms

    def judge(self, history: History, table: TableView, rows: Sequence[Found]) -> None:
        """`rows` are those of the key: none or one; of a point perhaps several."""
        sequences = history.expected()
        best: dict[int, tuple[Change, Outcome, str]] = {}
        for row in rows or (None,):
            for change, outcome, why in _of_row(sequences, table, row):
                before = best.get(id(change))
                if before is None or outcome < before[1]:
                    best[id(change)] = change, outcome, why
        for change, outcome, why in best.values():
            self._note(change, outcome, table, why)

    def _note(self, change: Change, outcome: Outcome, table: TableView, why: str) -> None:
        if outcome in (Outcome.MISSING, Outcome.DIFFERS) and self._is_expired(change, table):
            outcome, why = Outcome.UNVERIFIABLE, EXPIRED
        note(self._outcomes, change, outcome, table.name, why)

    def _is_expired(self, change: Change, table: TableView) -> bool:
        return table.time_to_live > 0 and change.time < self._now - table.time_to_live * 1000


def _of_row(
    sequences: Sequence[Expected], table: TableView, row: Found | None
) -> list[tuple[Change, Outcome, str]]:
    found: list[tuple[Change, Outcome, str]] = []
    has_pending = any(
        change.standing == Standing.PENDING for one in sequences for change in one.live
    )
    for one in sequences:
        others = [other for other in sequences if other is not one]
        for change in one.live:
            wrong, explained = _wrong_cells(one, others, change, table, row)
            extra = _extra_columns(one, others, change, table, row)
            if not wrong and not extra:
                outcome, why = Outcome.SUPERSEDED if explained else Outcome.RIGHT, ""
            elif row is None:
                outcome, why = Outcome.MISSING, "there is no row of its key"
            else:
                outcome, why = Outcome.DIFFERS, _why(change, wrong, extra)
            if change.standing == Standing.DEAD_LETTERED and outcome != Outcome.RIGHT:
                outcome, why = Outcome.DEAD_LETTERED, ""
            elif outcome in (Outcome.MISSING, Outcome.DIFFERS) and has_pending:
                outcome, why = Outcome.PENDING, ""
            elif change.standing == Standing.PENDING and outcome == Outcome.SUPERSEDED:
                outcome = Outcome.PENDING
            found.append((change, outcome, why))
    return found


def _wrong_cells(
    one: Expected,
    others: Sequence[Expected],
    change: Change,
    table: TableView,
    row: Found | None,
) -> tuple[list[str], bool]:
    """The columns of a change that the row has otherwise; and whether others explain some."""
    wrong, explained = [], False
    for name, (cell, owner) in one.cells.items():
        if owner is not change or name in table.ignored:
            continue
        is_right, is_newer = _compare(cell, row)
        if is_right:
            continue
        if is_newer or any(_explains(other, name, row) for other in others):
            explained = True
        else:
            wrong.append(name)
    if one.base is change and not one.cells and change.operation == "put" and row is None:
        # A put of the key alone.
        if any(other.base is not None and not other.needs_row for other in others):
            return [], True
        return ["its row"], False
    return wrong, explained


def _compare(cell: ReadCell, row: Found | None) -> tuple[bool, bool]:
    """Whether the row has the cell, and whether it has a newer version."""
    stored = None if row is None else row.get(cell.name)
    if stored is None:
        return cell.operation != "put", False
    value, version = stored
    if cell.version is not None and version is not None and version != cell.version:
        return False, version > cell.version
    return cell.operation == "put" and _same(value, cell.value), False


def _same(stored: Value, expected: Value) -> bool:
    return type(stored) is type(expected) and stored == expected


def _explains(other: Expected, name: str, row: Found | None) -> bool:
    """Whether another sequence leaves the column as the row has it."""
    known = other.cells.get(name)
    if known is not None:
        return _compare(known[0], row)[0]
    return other.base is not None and (row is None or name not in row)


def _extra_columns(
    one: Expected,
    others: Sequence[Expected],
    change: Change,
    table: TableView,
    row: Found | None,
) -> list[str]:
    """The columns that a put or delete should have removed, and nothing else wrote."""
    if one.base is not change or row is None:
        return []
    extra = [
        name
        for name in row
        if name not in one.cells
        and name not in table.ignored
        and not any(_explains(other, name, row) or other.base is None for other in others)
    ]
    if not extra and not row and change.operation == "delete" and not one.needs_row:
        return [] if any(other.needs_row for other in others) else ["its row"]
    return extra


def _why(change: Change, wrong: list[str], extra: list[str]) -> str:
    if change.operation == "delete" and not wrong:
        return "the record deletes the row, and it is there"
    texts = []
    if wrong:
        texts.append(f"other values in {_listed(wrong)}")
    if extra:
        texts.append(f"columns that the record does not have: {_listed(extra)}")
    return "; ".join(texts)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMES])
    return f"{shown} and {len(names) - _NAMES} more" if len(names) > _NAMES else shown
