"""The changes of one key in order: what its row should be, and which records still decide it.

Changes of one partition follow each other. Those of other partitions, those that are not known to
be applied (not committed yet), and those that were dead-lettered and perhaps replayed have no known
place among them: each of these is a sequence of its own, and the row may be what any order of the
sequences makes of it.
"""

from __future__ import annotations

from typing import NamedTuple

from connectors.records import Row
from connectors.tablestore.row_reader import ReadCell, ReadRow, read_row
from connectors.verify.changes import NO_ORDINAL, Change, Standing
from connectors.verify.outcomes import Outcome, Outcomes

# Updates of a key that are kept before those are dropped of which nothing is left.
_MAX_KEPT = 32


class Expected(NamedTuple):
    """What one sequence makes of the row."""

    cells: dict[str, tuple[ReadCell, Change]]
    """The last change of each column; a deleted one has another operation than put."""
    base: Change | None
    """The last put or delete, which replaces the row; None where columns from before may stay."""
    live: list[Change]
    """The changes of which something is left, in order."""

    @property
    def needs_row(self) -> bool:
        """Return whether the table must have a row of this key."""
        puts = any(cell.operation == "put" for cell, _ in self.cells.values())
        return puts or (self.base is not None and self.base.operation == "put")


class History:
    """The changes of one key."""

    newest: Change
    """The change that was added last; every one has the same key."""

    def __init__(self, is_point: bool, outcomes: Outcomes) -> None:
        """`is_point`: of a time series table; a later point may leave fields of an earlier one."""
        self._is_point = is_point
        self._outcomes = outcomes
        self._sequences: dict[tuple[int, Standing, int], list[Change]] = {}
        self._dead_letters = 0

    def add(self, change: Change) -> None:
        """Add the next change of the key, in the order of the topic."""
        self.newest = change
        sequence = change.source, change.standing, 0
        if change.standing == Standing.DEAD_LETTERED:
            sequence = 0, change.standing, self._next_dead_letter()
        kept = self._sequences.setdefault(sequence, [])
        if self._replaces_all(change):
            for one in kept:
                self._superseded(one)
            kept.clear()
        kept.append(change)
        if len(kept) > _MAX_KEPT and len(kept) & (len(kept) - 1) == 0:
            kept[:] = self._fold(kept).live

    def _next_dead_letter(self) -> int:
        """The number of a dead letter: each may have been replayed or not, whatever others were."""
        self._dead_letters += 1
        forgotten = 0, Standing.DEAD_LETTERED, self._dead_letters - _MAX_KEPT
        for change in self._sequences.pop(forgotten, ()):
            self._superseded(change)
        return self._dead_letters

    def expected(self) -> list[Expected]:
        """What each sequence makes of the row."""
        return [self._fold(kept) for kept in self._sequences.values()]

    def _fold(self, changes: list[Change]) -> Expected:
        cells: dict[str, tuple[ReadCell, Change]] = {}
        base: Change | None = None
        for change in changes:
            if self._replaces_all(change):
                base, cells = None if self._is_point else change, {}
            for cell in row_of(change, self._is_point).columns:
                before = cells.get(cell.name)
                if before is None or _replaces(cell, before[0]):
                    cells[cell.name] = cell, change
        used = {id(change) for _, change in cells.values()} | {id(base)}
        live = []
        for change in changes:
            if id(change) in used:
                live.append(change)
            else:
                self._superseded(change)
        return Expected(cells, base, live)

    def _replaces_all(self, change: Change) -> bool:
        """Whether nothing counts that came before; an update keeps other columns."""
        return self._is_point or change.operation != "update"

    def _superseded(self, change: Change) -> None:
        dead = change.standing == Standing.DEAD_LETTERED
        note(self._outcomes, change, Outcome.DEAD_LETTERED if dead else Outcome.SUPERSEDED)


def row_of(change: Change, is_point: bool) -> ReadRow:
    """What a change writes."""
    row = Row(change.identity, change.wire, change.operation, "", "", 0, 0, None)
    return read_row(row, is_point)


def note(
    outcomes: Outcomes, change: Change, outcome: Outcome, table: str = "", why: str = ""
) -> None:
    """Keep what is known of a change: its outcome, and what is wrong with its row."""
    if change.ordinal != NO_ORDINAL:
        outcomes.note(change.ordinal, outcome, table, why)


def _replaces(cell: ReadCell, before: ReadCell) -> bool:
    """Whether a cell is read instead of one that was written before: the newest version is."""
    if cell.version is None or before.version is None:
        return True
    return cell.version >= before.version
