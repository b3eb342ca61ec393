"""The window of a shard: rows wait until there are enough, or the oldest has waited enough.

Bytewax's own `collect` restarts its time-out at each item and copies deeply in each snapshot, so a
trickle of records would wait for ever and a flood would stall.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from bytewax.operators import StatefulBatchLogic

from connectors.records import Batch, DeadLetter, Row
from connectors.settings import WindowSettings

# What the recovery store holds of a window: plain tuples, str, int and bytes.
State = list[Row]


class Window(StatefulBatchLogic[Batch, Batch, State]):
    """Closes on rows, bytes or age, whichever comes first. Dead letters pass at once."""

    def __init__(self, settings: WindowSettings, resumed: State | None) -> None:
        self._most_rows = settings.rows
        self._most_bytes = settings.bytes
        self._age = timedelta(seconds=settings.age)
        self._rows: list[Row] = list(resumed or ())
        self._bytes = sum([len(row[1]) for row in self._rows])
        self._due = self._later() if self._rows else None

    def on_batch(self, values: list[Batch]) -> tuple[list[Batch], bool]:
        """Take rows in; give out what is full."""
        rows = self._rows
        dead: list[DeadLetter] = []
        was_empty = not rows
        for new, refused in values:
            rows += new
            self._bytes += sum([len(row[1]) for row in new])
            if refused:
                dead += refused
        full: list[Batch] = [([], dead)] if dead else []
        if len(rows) >= self._most_rows or self._bytes >= self._most_bytes:
            full += self._cut()
            self._due = self._later() if self._rows else None
        elif was_empty and rows:
            self._due = self._later()
        return full, StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[list[Batch], bool]:
        """The oldest row has waited long enough."""
        return self._all(), StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[list[Batch], bool]:
        """The run drains: nothing may stay behind."""
        return self._all(), StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        """When the oldest row is due."""
        return self._due

    def snapshot(self) -> State:
        """The waiting rows. The copy is shallow: rows never change."""
        return self._rows.copy()

    def _later(self) -> datetime:
        return datetime.now(timezone.utc) + self._age

    def _cut(self) -> list[Batch]:
        """Whole batches from the front, within both limits; the rest stays."""
        batches: list[Batch] = []
        start = size = 0
        rows = self._rows
        for end, row in enumerate(rows):
            length = len(row[1])
            if end > start and (end - start == self._most_rows or size + length > self._most_bytes):
                batches.append((rows[start:end], []))
                start, size = end, 0
            size += length
        if len(rows) - start >= self._most_rows or size >= self._most_bytes:
            batches.append((rows[start:], []))
            start, size = len(rows), 0
        self._rows = rows[start:]
        self._bytes = size
        return batches

    def _all(self) -> list[Batch]:
        self._due = None
        batches = self._cut()
        if self._rows:
            batches.append((self._rows, []))
            self._rows, self._bytes = [], 0
        return batches


def builder(
    settings: WindowSettings, resumed: Callable[[int], None]
) -> Callable[[State | None], Window]:
    """Makes the window of a shard, at its state; `resumed` is told how many rows that held."""

    def build(state: State | None) -> Window:
        if state:
            resumed(len(state))
        return Window(settings, state)

    return build
