"""Batching: rows of a shard wait until a batch is full or its oldest row is old enough.

Bytewax's own `collect` restarts its time-out at each item and copies its state deeply in each
snapshot [bytewax-operators]: a trickle of records would wait for ever, and a flood would stall.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    state_of,
)
from connectors.settings import WindowSettings

# What the recovery store holds of a shard: each segment as a plain tuple of its fields.
State = list[tuple[Any, ...]]


# Table, topic and number of rows that wait.
Waiting = tuple[str, str, int]


class Count(Protocol):
    """Counts the rows and dead letters that pass through a batcher."""

    def resumed(self, number: int) -> None:
        """Count rows that an earlier run left in the recovery store."""
        ...

    def received(self, number: int) -> None:
        """Count rows and dead letters that came in."""
        ...

    def emitted(self, number: int) -> None:
        """Count rows and dead letters that went on to the sink."""
        ...

    def snapshot(self, waiting: int) -> None:
        """Note a snapshot, in which `waiting` rows wait."""
        ...


class Batcher(StatefulBatchLogic[Batch, Batch, State]):
    """Closes a batch on rows, bytes or age, whichever comes first. Dead letters pass at once."""

    def __init__(
        self,
        settings: WindowSettings,
        resumed: State | None,
        count: Count,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        """`resumed` is what an earlier run's `snapshot` returned."""
        self._clock = clock
        self._count = count
        self._max_rows = settings.rows
        self._max_bytes = settings.bytes
        self._max_age = timedelta(seconds=settings.age)
        self._segments = [segment_of_state(each) for each in resumed or ()]
        self._rows = sum(map(count_of, self._segments))
        self._bytes = sum(map(size_of, self._segments))
        # A resumed batcher is called at once, in the first epoch of the run, and so has a snapshot
        # in it. Bytewax stores a snapshot before its epoch is complete: without another one, what
        # a killed run had stored of this epoch would count once a later epoch is complete, and the
        # rows that wait here would be lost [bytewax-recovery].
        self._due = None if resumed is None else clock()
        if self._segments:
            count.resumed(self._rows)

    def on_batch(self, values: list[Batch]) -> tuple[list[Batch], bool]:
        """Add rows; return the batches that are full, and the dead letters."""
        was_empty = not self._segments
        before = self._rows
        dead_letters: list[DeadLetter] = []
        for segments, rejected in values:
            self._segments += segments
            for segment in segments:
                self._rows += count_of(segment)
                self._bytes += size_of(segment)
            dead_letters += rejected
        self._count.received(self._rows - before + len(dead_letters))
        full: list[Batch] = []
        if dead_letters:
            self._count.emitted(len(dead_letters))
            full.append(([], dead_letters))
        if self._is_full():
            while self._is_full():
                full.append((self._take(), []))
            self._due = self._due_from_now() if self._segments else None
        elif was_empty and self._segments:
            self._due = self._due_from_now()
        return full, StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[list[Batch], bool]:
        """Return all rows as batches: the oldest has waited `settings.age` seconds."""
        return self._all(), StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[list[Batch], bool]:
        """Return all rows as batches: the run drains."""
        return self._all(), StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        """When to call `on_notify` for the oldest row; None without rows."""
        return self._due

    def snapshot(self) -> State:
        """The waiting rows, each segment as a tuple. The copy is shallow: segments never change."""
        self._count.snapshot(sum(map(count_of, self._segments)))
        return [state_of(segment) for segment in self._segments]

    def waiting(self) -> list[Waiting]:
        """The waiting rows. Any thread may ask: they may be some others the next moment."""
        return [(each.table, each.topic, count_of(each)) for each in [*self._segments]]

    def _due_from_now(self) -> datetime:
        return self._clock() + self._max_age

    def _is_full(self) -> bool:
        return self._rows >= self._max_rows or self._bytes >= self._max_bytes

    def _all(self) -> list[Batch]:
        self._due = None
        batches: list[Batch] = []
        while self._segments:
            batches.append((self._take(), []))
        return batches

    def _take(self) -> list[Segment]:
        taken = take_front(self._segments, self._max_rows, self._max_bytes)
        rows = sum(map(count_of, taken))
        self._count.emitted(rows)
        self._rows -= rows
        self._bytes -= sum(map(size_of, taken))
        return taken


def take_front(segments: list[Segment], max_rows: int, max_bytes: int) -> list[Segment]:
    """Remove as many rows from the front as fit into one request, and return them.

    A row of more than `max_bytes` goes alone.
    """
    taken: list[Segment] = []
    rows = size = 0
    for used, segment in enumerate(segments):
        fit = min(count_of(segment), max_rows - rows)
        if size + size_of(segment) > max_bytes:
            fit = min(fit, _fitting(segment, max_bytes - size))
            fit = fit or (0 if rows else 1)
        if fit < count_of(segment):
            if fit:
                head, segments[used] = segment.split(fit)
                taken.append(head)
            del segments[:used]
            break
        taken.append(segment)
        rows += fit
        size += size_of(segment)
    else:
        segments.clear()
    return taken


def split_requests(
    segments: Iterable[Segment], max_rows: int, max_bytes: int = sys.maxsize
) -> Iterator[list[Segment]]:
    """The same rows in order, as requests of at most `max_rows` rows and `max_bytes` bytes each.

    A row of more than `max_bytes` goes alone.
    """
    rest = [*segments]
    while rest:
        yield take_front(rest, max_rows, max_bytes)


def _fitting(segment: Segment, room: int) -> int:
    """How many of the first rows have together at most `room` bytes."""
    return bisect_right([*accumulate(segment.sizes)], room)


def builder(
    settings: WindowSettings,
    count: Callable[[], Count],
    watch: Callable[[Callable[[], Sequence[Waiting]]], None] = lambda _: None,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> Callable[[State | None], Batcher]:
    """A function from a shard's state to its batcher; each batcher gets its own counts.

    `watch` is given what lists the rows that wait in it, and `clock` is the one that Bytewax calls
    `on_notify` by.
    """

    def build(state: State | None) -> Batcher:
        made = Batcher(settings, state, count(), clock)
        watch(made.waiting)
        return made

    return build
