"""The window of a shard: rows wait until there are enough, or the oldest has waited enough.

Bytewax's own `collect` restarts its time-out at each item and copies deeply in each snapshot, so a
trickle of records would wait for ever and a flood would stall.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from bytewax.operators import StatefulBatchLogic

from connectors.records import Batch, DeadLetter, Segment, split
from connectors.settings import WindowSettings

# What the recovery store holds of a window: tuples, lists, str, int and bytes.
State = list[Segment]


class Window(StatefulBatchLogic[Batch, Batch, State]):
    """Closes on rows, bytes or age, whichever comes first. Dead letters pass at once."""

    def __init__(self, settings: WindowSettings, resumed: State | None) -> None:
        self._most_rows = settings.rows
        self._most_bytes = settings.bytes
        self._age = timedelta(seconds=settings.age)
        self._segments: State = list(resumed or ())
        self._sizes = [_size(segment) for segment in self._segments]
        self._rows = sum([len(segment[4]) for segment in self._segments])
        self._bytes = sum(self._sizes)
        self._due = self._later() if self._segments else None

    def on_batch(self, values: list[Batch]) -> tuple[list[Batch], bool]:
        """Take rows in; give out what is full."""
        was_empty = not self._segments
        dead: list[DeadLetter] = []
        for segments, refused in values:
            for segment in segments:
                size = _size(segment)
                self._segments.append(segment)
                self._sizes.append(size)
                self._rows += len(segment[4])
                self._bytes += size
            if refused:
                dead += refused
        full: list[Batch] = [([], dead)] if dead else []
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
        return self._segments.copy()

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
        rows = size = used = 0
        for segment, length in zip(self._segments, self._sizes, strict=True):
            fit = min(len(segment[4]), self._most_rows - rows)
            if size + length > self._most_bytes:
                fit = min(fit, _fitting(segment[4], self._most_bytes - size))
                fit = fit or (0 if rows else 1)
            if fit < len(segment[4]):
                if fit:
                    head, tail = split(segment, fit)
                    taken.append(head)
                    length = _size(head)
                    self._segments[used] = tail
                    self._sizes[used] -= length
                    rows += fit
                    size += length
                break
            taken.append(segment)
            used += 1
            rows += fit
            size += length
        del self._segments[:used], self._sizes[:used]
        self._rows -= rows
        self._bytes -= size
        return taken


def _size(segment: Segment) -> int:
    return sum(map(len, segment[4]))


def _fitting(wires: list[bytes], room: int) -> int:
    """How many of the first wires have at most `room` bytes together."""
    for number, wire in enumerate(wires):
        room -= len(wire)
        if room < 0:
            return number
    return len(wires)


def builder(
    settings: WindowSettings, resumed: Callable[[int], None]
) -> Callable[[State | None], Window]:
    """Makes the window of a shard, at its state; `resumed` is told how many rows that held."""

    def build(state: State | None) -> Window:
        if state:
            resumed(sum(len(segment[4]) for segment in state))
        return Window(settings, state)

    return build
