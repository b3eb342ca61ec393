"""Segments and batches: encoded rows, on their way to a shard of the sink.

They wait in the batcher and in the recovery store as plain values: a `Segment` is stored as a tuple
of its fields. One bytes object for all rows, instead of an object for each, makes rows cheap to
hold and to copy into a request, and no work for the garbage collector.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Literal, NamedTuple

from connectors.records.dead_letter import DeadLetter, Original

# What a row does to its table, as BatchWriteRow calls it.
Operation = Literal["put", "update", "delete"]


class Segment(NamedTuple):
    """Rows of one chunk for one shard, in offset order."""

    table: str
    topic: str
    partition: int
    identities: list[bytes]
    """Each row's primary key as bytes; empty where the offset is the key, so that no row of another
    segment has it."""
    wire: bytes
    """The rows' parts of the request, end to end."""
    offsets: Sequence[int]
    originals: list[Original]
    """Each record's own bytes; empty where dead letters do not need them."""
    sizes: Sequence[int]
    """The bytes of each row in `wire`."""
    operations: list[Operation]
    """What each row does; empty where all are puts."""

    def rows(self) -> list[Row]:
        """The rows one by one, where each must be handled by itself."""
        topic = self.topic.encode()
        identities = self.identities or [
            b"%b %d %d" % (topic, self.partition, offset) for offset in self.offsets
        ]
        number = len(self.offsets)
        originals: Sequence[Original | None] = self.originals or [None] * number
        operations = self.operations or ["put"] * number
        return [
            Row(
                identity,
                self.wire[end - size : end],
                operation,
                self.table,
                self.topic,
                self.partition,
                offset,
                original,
            )
            for identity, size, end, operation, offset, original in zip(
                identities,
                self.sizes,
                accumulate(self.sizes),
                operations,
                self.offsets,
                originals,
                strict=True,
            )
        ]

    def split(self, count: int) -> tuple[Segment, Segment]:
        """The first `count` rows, and the others."""
        end = sum(self.sizes[:count])
        table, topic, partition, identities, wire, offsets, originals, sizes, operations = self
        return (
            Segment(
                *(table, topic, partition, identities[:count], wire[:end], offsets[:count]),
                *(originals[:count], sizes[:count], operations[:count]),
            ),
            Segment(
                *(table, topic, partition, identities[count:], wire[end:], offsets[count:]),
                *(originals[count:], sizes[count:], operations[count:]),
            ),
        )


# What map_rows sends to a shard, and what the batcher sends on to the sink.
Batch = tuple[list[Segment], list[DeadLetter]]


class Row(NamedTuple):
    """One row of a segment."""

    identity: bytes
    wire: bytes
    operation: Operation
    table: str
    topic: str
    partition: int
    offset: int
    original: Original | None

    @property
    def key(self) -> tuple[str, bytes]:
        """Table and primary key, which no other row has."""
        return self.table, self.identity

    def rejected(self, code: str, reason: str) -> DeadLetter:
        """The dead letter of a row that the service rejected."""
        return DeadLetter(
            self.topic, self.partition, self.offset, "write", code, reason, self.original
        )


def count_of(segment: Segment) -> int:
    """The number of rows in a segment."""
    return len(segment.offsets)


def size_of(segment: Segment) -> int:
    """The bytes of the rows in a segment."""
    return len(segment.wire)


def state_of(segment: Segment) -> tuple[Any, ...]:
    """The fields of a segment for the recovery store: plain values, of no class."""
    table, topic, partition, identities, wire, offsets, originals, sizes, operations = segment
    return (
        *(table, topic, partition, identities, wire),
        # A range would be stored as a call of its class.
        tuple(offsets) if type(offsets) is range else offsets,
        *(originals, sizes, operations),
    )


def segment_of_state(state: tuple[Any, ...]) -> Segment:
    """A segment from its fields in the recovery store.

    Releases up to 0.1.0 stored seven fields, without sizes and operations: those are read from the
    rows themselves here, and nowhere else.
    """
    if len(state) == len(Segment._fields):
        return Segment(*state)
    sizes: list[int] = []
    operations: list[Operation] = []
    for size, operation in _rows_of_0_1_0(state[4]):
        sizes.append(size)
        operations.append(operation)
    table, topic, partition, identities, wire, offsets, originals = state
    if operations.count("put") == len(operations):
        operations = []
    return Segment(table, topic, partition, identities, wire, offsets, originals, sizes, operations)


def _rows_of_0_1_0(wire: bytes) -> Iterator[tuple[int, Operation]]:
    """Size and operation of each row: a field of a protobuf message (tag, varint length, content).

    In a row of a wide-column table (field 2 of TableInBatchWriteRowRequest) the content begins with
    its operation, `08 01` to `08 03`; a point (field 1 of TimeseriesRows) replaces its point, as a
    put does.
    """
    known: dict[int, Operation] = {1: "put", 2: "update", 3: "delete"}
    at = 0
    while at < len(wire):
        start = at
        at += 1
        length = shift = 0
        while wire[at] > 0x7F:
            length |= (wire[at] & 0x7F) << shift
            shift += 7
            at += 1
        content = at + 1
        at = content + (length | wire[at] << shift)
        wide = wire[start] == 0x12 and wire[content] == 0x08
        yield at - start, known.get(wire[content + 1], "put") if wide else "put"
