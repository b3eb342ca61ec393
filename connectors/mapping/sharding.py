"""Sharding: divides the rows of a chunk by their keys.

The shard is a hash of table and primary key that is the same in every process and run, so that all
changes of a key pass through one shard of the sink, in order. Rows whose key is their offset are
divided in blocks instead: neighbouring offsets share a shard, and reach it as one segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from zlib import crc32

from connectors.mapping.encoder import Encoded
from connectors.records import Message, Operation, Segment, original

# The rows of one shard: their identities, wire bytes, operations and messages.
_Columns = tuple[list[bytes], list[bytes], list[Operation], list[Message]]


class ShardedRows:
    """The rows of one chunk for one table, by shard."""

    def __init__(
        self, table: str, topic: str, partition: int, shards: int, block: int, keep_original: bool
    ) -> None:
        """`block` is how many neighbouring offsets share a shard if the offset is the key."""
        self._source = table, topic, partition
        self._shards = shards
        self._block = block
        self._keep = keep_original
        self._seed = crc32(table.encode())
        self._start = crc32(f"{topic}_{partition}".encode(), self._seed)
        self._by_shard: list[_Columns | None] = [None] * shards
        self._blocks: list[tuple[int, Segment]] = []

    def add(
        self,
        encoded: Encoded,
        message: Message,
        coordinates: str = "",
        shard_key: bytes | None = None,
    ) -> None:
        """Add a row to the shard of its identity, or of `shard_key` if that is given.

        `coordinates` is not empty if the offset is the key.
        """
        identity, wire, operation = encoded
        if coordinates:
            shard = (self._start + message.offset() // self._block) % self._shards
        else:
            key = identity if shard_key is None else shard_key
            shard = crc32(key, self._seed) % self._shards
        mine = self._by_shard[shard]
        if mine is None:
            mine = self._by_shard[shard] = [], [], [], []
        mine[0].append(identity)
        mine[1].append(wire)
        mine[2].append(operation)
        mine[3].append(message)

    def add_block(
        self,
        wires: list[bytes],
        operation: Operation,
        offsets: Sequence[int],
        messages: Sequence[Message],
    ) -> None:
        """Add the rows of one of `blocks`: the offset is the key, so all keys differ."""
        operations: list[Operation] = [] if operation == "put" else [operation] * len(messages)
        shard = (self._start + offsets[0] // self._block) % self._shards
        self._blocks.append((shard, self._segment([], wires, operations, offsets, messages)))

    def blocks(self, messages: Sequence[Message]) -> Iterator[tuple[int, int, Sequence[int]]]:
        """(start, end, offsets) of each run of messages, in offset order, of the same shard."""
        block = self._block
        start, number = 0, len(messages)
        while start < number:
            first = messages[start].offset()
            # Offsets rise by one, rarely by more: the end is here or before.
            end = min(number, start + block - first % block)
            while (last := messages[end - 1].offset()) // block != first // block:
                end -= 1
            offsets: Sequence[int] = range(first, last + 1)
            if len(offsets) != end - start:
                offsets = [message.offset() for message in messages[start:end]]
            yield start, end, offsets
            start = end

    def segments(self) -> list[tuple[int, Segment]]:
        """(shard, segment) of all rows."""
        return self._blocks + [
            (shard, self._segment(*mine[:3], [m.offset() for m in mine[3]], mine[3]))
            for shard, mine in enumerate(self._by_shard)
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
            *self._source,
            identities,
            b"".join(wires),
            offsets,
            [original(message) for message in messages] if self._keep else [],
            [*map(len, wires)],
            [] if operations.count("put") == len(operations) else operations,
        )
