"""Limits, rows and counts for a batcher, and what its batches hold."""

from connectors.batching import Batcher
from connectors.records import Batch, Row, Segment, segment_of_state
from connectors.settings import WindowSettings
from tests.unit.factories import row, rows_in, wire_of


class Counted:
    """Sums of what a batcher counts."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def _add(self, name: str, number: int) -> None:
        self.numbers[name] = self.numbers.get(name, 0) + number

    def resumed(self, number: int) -> None:
        self._add("resumed", number)

    def received(self, number: int) -> None:
        self._add("received", number)

    def emitted(self, number: int) -> None:
        self._add("emitted", number)

    def snapshot(self, waiting: int) -> None:
        self.numbers["waiting"] = waiting


def limits(rows: int = 5, bytes: int = 1024, age: float = 1.0) -> WindowSettings:  # noqa: A002
    """Settings of a batcher; below the least bytes that a file may ask for."""
    return WindowSettings.model_construct(rows=rows, bytes=bytes, age=age, shards=4)


def some_rows(*sizes: int, start: int = 0, table: str = "orders") -> list[Row]:
    """Rows of these wire sizes, at the offsets from `start`."""
    return [
        row(str(offset), wire_of(size), table=table, offset=offset)
        for offset, size in enumerate(sizes, start)
    ]


def sizes_of(batches: list[Batch]) -> list[list[int]]:
    """The wire sizes in each batch that has rows."""
    return [[len(found.wire) for found in rows_in([part])] for part in batches if part[0]]


def waiting_in(batcher: Batcher) -> list[Segment]:
    """The segments in the batcher's snapshot."""
    return [segment_of_state(each) for each in batcher.snapshot()]


def offsets_of(batches: list[Batch]) -> list[int]:
    """The offsets of all rows, in order."""
    return [found.offset for found in rows_in(batches)]
