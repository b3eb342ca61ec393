"""Rows of one chunk, gathered by shard; and the quick way for records that are all alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zlib import crc32

from connectors.mapping.shape_cache import Encode, Encoded
from connectors.records import DecodingChunk, Message, Operation, Segment, original

# Of one shard: identities, wires, operations, messages.
_Lists = tuple[list[bytes], list[bytes], list[Operation], list[Message]]


class Shards:
    """Where the rows of one chunk are gathered.

    A row's shard depends on its table and primary key alone. Rows whose key is their offset go in
    blocks: so many neighbours share a shard, and arrive there as one segment.
    """

    def __init__(
        self, place: tuple[str, str, int], count: int, block: int, keep_original: bool
    ) -> None:
        """`place` is (table, topic, partition)."""
        self._place = place
        self._count = count
        self._block = block
        self._keep = keep_original
        self._seed = crc32(place[0].encode())
        self._start = crc32(f"{place[1]}_{place[2]}".encode(), self._seed)
        self._gathered: list[_Lists | None] = [None] * count
        self._runs: list[tuple[int, Segment]] = []

    def add(
        self, encoded: Encoded, message: Message, by_offset: str, hashed: bytes | None = None
    ) -> None:
        """One row to the shard of its key, or of the part of it that is `hashed`.

        `by_offset` is not empty where the key is the offset.
        """
        identity, wire, operation = encoded
        if by_offset:
            shard = (self._start + message.offset() // self._block) % self._count
        else:
            shard = crc32(identity if hashed is None else hashed, self._seed) % self._count
        mine = self._gathered[shard]
        if mine is None:
            mine = self._gathered[shard] = [], [], [], []
        mine[0].append(identity)
        mine[1].append(wire)
        mine[2].append(operation)
        mine[3].append(message)

    def add_run(self, wires: list[bytes], operation: Operation, run: Sequence[Message]) -> None:
        """The rows of one of `runs`, each of a key that no other row has."""
        first, last = run[0].offset(), run[-1].offset()
        offsets: Sequence[int] = range(first, last + 1)
        if len(offsets) != len(run):
            offsets = [message.offset() for message in run]
        operations: list[Operation] = [] if operation == "put" else [operation] * len(run)
        self._runs.append(
            (
                (self._start + first // self._block) % self._count,
                self._segment([], wires, operations, offsets, run),
            )
        )

    def runs(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """Messages in offset order, cut where the shard changes."""
        block = self._block
        start, number = 0, len(messages)
        while start < number:
            # Offsets rise by one, seldom by more: the end lies here or before.
            end = min(number, start + block - messages[start].offset() % block)
            this = messages[start].offset() // block
            while messages[end - 1].offset() // block != this:
                end -= 1
            yield messages[start:end]
            start = end

    def segments(self) -> list[tuple[int, Segment]]:
        """All rows, with their shards."""
        return self._runs + [
            (shard, self._segment(*mine[:3], [m.offset() for m in mine[3]], mine[3]))
            for shard, mine in enumerate(self._gathered)
            if mine is not None
        ]

    def _segment(
        self,
        identities: list[bytes],
        wires: list[bytes],
        operations: list[Operation],
        offsets: Sequence[int],
        messages: Sequence[Message],
    ) -> Segment:
        return Segment(
            *self._place,
            identities,
            b"".join(wires),
            offsets,
            [original(message) for message in messages] if self._keep else [],
            [*map(len, wires)],
            [] if operations.count("put") == len(operations) else operations,
        )


class QuickWay:
    """Decodes, encodes and gathers each message in one go: what is in the cache costs half."""

    def __init__(
        self,
        decode: Callable[[bytes], Any],
        values: Callable[[Any], tuple[Any, ...]],
        encode: Encode,
        operation: Operation,
        unlike: tuple[type[Exception], ...],
        other_way: Callable[[Message], None],
    ) -> None:
        """What raises one of `unlike` goes the other way."""
        self._decode = decode
        self._values = values
        self._encode = encode
        self._operation = operation
        self._unlike = unlike
        self._other_way = other_way

    def go(self, place: str, chunk: DecodingChunk, shards: Shards) -> int:
        """The rows of a chunk; returns how many messages went the other way.

        `place` is the value of the key column topic_partition, where the offset is the key.
        """
        if not (place and chunk.once):
            return self._one_by_one(place, chunk.messages, shards)
        failed = 0
        decode, values, encode = self._decode, self._values, self._encode
        for run in shards.runs(chunk.messages):
            try:
                wires = [
                    encode(place, message.offset(), *values(decode(message.value())))[1]
                    for message in run
                ]
            except self._unlike:
                failed += self._one_by_one(place, run, shards)
            else:
                shards.add_run(wires, self._operation, run)
        return failed

    def _one_by_one(self, place: str, messages: Sequence[Message], shards: Shards) -> int:
        failed = 0
        decode, values, encode, add = self._decode, self._values, self._encode, shards.add
        for message in messages:
            try:
                row = values(decode(message.value()))
                encoded = encode(place, message.offset(), *row) if place else encode(*row)
            except self._unlike:
                failed += 1
                self._other_way(message)
            else:
                add(encoded, message, place)
        return failed
