"""The window of a shard: rows wait until there are enough, or the oldest has waited enough.

Bytewax's own `collect` restarts its time-out at each item and copies deeply in each snapshot, so a
trickle of records would wait for ever and a flood would stall.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import accumulate
from typing import Any, Protocol

from bytewax.operators import StatefulBatchLogic

from connectors.records import (
    Batch,
    DeadLetter,
    Segment,
    count_of,
    segment_of_state,
    size_of,
)
from connectors.settings import WindowSettings

# What the recovery store holds of a shard: each segment as a plain tuple of its fields.
State = list[tuple[Any, ...]]


class Count(Protocol):
    """What a window tells of the rows and dead letters that pass through it."""

    def resumed(self, number: int) -> None:
        """Rows of an earlier run."""
        ...

    def received(self, number: int) -> None:
        """Rows and dead letters came in."""
        ...

    def emitted(self, number: int) -> None:
        """Rows and dead letters went on."""
        ...

    def snapshot(self, waiting: int) -> None:
        """A snapshot was taken, with so many rows in it."""
        ...


class Batcher(StatefulBatchLogic[Batch, Batch, State]):
    """Closes on rows, bytes or age, whichever comes first. Dead letters pass at once."""

    def __init__(self, settings: WindowSettings, resumed: State | None, count: Count) -> None:
        self._count = count
        self._most_rows = settings.rows
        self._most_bytes = settings.bytes
        self._age = timedelta(seconds=settings.age)
        self._segments = [segment_of_state(each) for each in resumed or ()]
        self._rows = sum(map(count_of, self._segments))
        self._bytes = sum(map(size_of, self._segments))
        self._due = self._later() if self._segments else None
        if self._segments:
            count.resumed(self._rows)

    def on_batch(self, values: list[Batch]) -> tuple[list[Batch], bool]:
        """Take rows in; give out what is full."""
        was_empty = not self._segments
        before = self._rows
        dead: list[DeadLetter] = []
        for segments, refused in values:
            self._segments += segments
            for segment in segments:
                self._rows += count_of(segment)
                self._bytes += size_of(segment)
            if refused:
                dead += refused
        self._count.received(self._rows - before + len(dead))
        full: list[Batch] = []
        if dead:
            self._count.emitted(len(dead))
            full.append(([], dead))
        if self._is_full():
            while self._is_full():
                full.append((self._take(), []))
            self._due = self._later() if self._segments else None
        elif was_empty and self._segments:
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
        """The waiting rows. The copy is shallow: segments never change."""
        self._count.snapshot(sum(map(count_of, self._segments)))
        return [tuple(segment) for segment in self._segments]

    def _later(self) -> datetime:
        return datetime.now(timezone.utc) + self._age

    def _is_full(self) -> bool:
        return self._rows >= self._most_rows or self._bytes >= self._most_bytes

    def _all(self) -> list[Batch]:
        self._due = None
        batches: list[Batch] = []
        while self._segments:
            batches.append((self._take(), []))
        return batches

    def _take(self) -> list[Segment]:
        """As many rows from the front as fit into one request; a row too long for it goes alone."""
        taken: list[Segment] = []
        rows = size = 0
        for used, segment in enumerate(self._segments):
            fit = min(count_of(segment), self._most_rows - rows)
            if size + size_of(segment) > self._most_bytes:
                fit = min(fit, _fitting(segment, self._most_bytes - size))
                fit = fit or (0 if rows else 1)
            if fit < count_of(segment):
                if fit:
                    head, self._segments[used] = segment.split(fit)
                    taken.append(head)
                    rows += fit
                    size += size_of(head)
                del self._segments[:used]
                break
            taken.append(segment)
            rows += fit
            size += size_of(segment)
        else:
            self._segments.clear()
        self._count.emitted(rows)
        self._rows -= rows
        self._bytes -= size
        return taken


def _fitting(segment: Segment, room: int) -> int:
    """How many of the first rows have at most `room` bytes together."""
    return bisect_right([*accumulate(segment.sizes)], room)


def builder(
    settings: WindowSettings, count: Callable[[], Count]
) -> Callable[[State | None], Batcher]:
    """Makes the window of a shard, at its state; each has counts of its own."""

    def build(state: State | None) -> Batcher:
        return Batcher(settings, state, count())

    return build
