"""Sharding: divides the rows of a chunk by their keys.

The shard is a hash of table and primary key that is the same in every process and run, so that all
changes of a key pass through one shard of the sink, in order. Rows whose key is their offset are
divided in blocks instead: neighbouring offsets share a shard, and reach it as one segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any
from zlib import crc32

from connectors.mapping.encoder import Encoded, ShardRows
from connectors.records import Message, Operation, Segment, originals


class ShardedRows:
    """The rows of one chunk for one table, by shard."""

    def __init__(
        self,
        table: str,
        topic: str,
        partition: int,
        shards: int,
        block: int,
        keep_original: bool,
        *,
        by_offset: bool = False,
        shard_key: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """`by_offset`: the offset is the key, and `block` neighbouring offsets share a shard.

        `shard_key` gives the bytes whose hash chooses the shard of a row, from its identity; None:
        the identity itself.
        """
        self._source = table, topic, partition
        self._shards = shards
        self._block = block
        self._keep = keep_original
        self._by_offset = by_offset
        self._shard_key = shard_key
        self._seed = crc32(table.encode())
        self._start = crc32(f"{topic}_{partition}".encode(), self._seed)
        self._encoded: list[Encoded] = []
        self._messages: list[Message] = []
        self._blocks: list[tuple[int, Segment]] = []

    def add(self, encoded: Encoded, message: Message) -> None:
        """Add the encoded row of a message to its shard."""
        self._encoded.append(encoded)
        self._messages.append(message)

    def add_all(self, encoded: Sequence[Encoded], messages: Sequence[Message]) -> None:
        """Add encoded rows, each with the message at the same index of `messages`."""
        self._encoded += encoded
        self._messages += messages

    @property
    def division(self) -> tuple[int, int] | None:
        """Seed of the hash of identities, number of shards; None where something else chooses."""
        if self._by_offset or self._shard_key is not None:
            return None
        return self._seed, self._shards

    def add_shards(
        self, found: Sequence[ShardRows], messages: Sequence[Message], *, unique: bool
    ) -> None:
        """Add all rows of a chunk, divided by `division`; `unique`: no two have one offset."""
        first = messages[0].offset()
        # Offsets rise by one, rarely by more.
        in_turn = unique and messages[-1].offset() - first == len(messages) - 1
        for shard, identities, wire, sizes, operations, positions in found:
            mine: Sequence[Message] = ()
            if self._keep or not in_turn:
                mine = _taking(positions)(messages)
            offsets = (
                [first + position for position in positions]
                if in_turn
                else [message.offset() for message in mine]
            )
            segment = self._segment(identities, wire, sizes, operations, offsets, mine)
            self._blocks.append((shard, segment))

    def add_block(
        self,
        wire: bytes,
        sizes: list[int],
        operation: Operation,
        offsets: Sequence[int],
        messages: Sequence[Message],
    ) -> None:
        """Add the rows of one of `blocks`, each of a size: the offset is the key of each."""
        operations: list[Operation] = [] if operation == "put" else [operation] * len(messages)
        shard = (self._start + offsets[0] // self._block) % self._shards
        self._blocks.append((shard, self._segment([], wire, sizes, operations, offsets, messages)))

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
        """The pairs (shard, segment) of all rows that were added."""
        out = self._blocks
        blocks = len(out)
        if self._encoded:
            messages = self._messages
            identities, wires, operations = zip(*self._encoded, strict=True)
            offsets = [message.offset() for message in messages]
            by_shard: list[list[int]] = [[] for _ in range(self._shards)]
            for index, shard in enumerate(self._chosen(identities, offsets)):
                by_shard[shard].append(index)
            # The rows in the order of their shards, so that each has a slice of them.
            order = _taking([*chain.from_iterable(by_shard)])
            identities, wires, given = order(identities), order(wires), order(offsets)
            kept = order(messages) if self._keep else ()
            puts = operations.count("put") == len(operations)
            operations = () if puts else order(operations)
            end = 0
            for shard, which in enumerate(by_shard):
                if which:
                    mine = slice(end, end + len(which))
                    end = mine.stop
                    segment = self._segment(
                        [*identities[mine]],
                        b"".join(wires[mine]),
                        [*map(len, wires[mine])],
                        [*operations[mine]],
                        given[mine],
                        kept[mine],
                    )
                    out.append((shard, segment))
        if 0 < blocks < len(out):
            out.sort(key=lambda found: found[1].offsets[0])
        return out

    def _chosen(self, identities: Sequence[bytes], offsets: Sequence[int]) -> list[int]:
        """The shard of each row."""
        shards, seed = self._shards, self._seed
        if self._by_offset:
            start, block = self._start, self._block
            return [(start + offset // block) % shards for offset in offsets]
        keys = identities if self._shard_key is None else map(self._shard_key, identities)
        return [crc32(key, seed) % shards for key in keys]

    def _segment(
        self,
        identities: list[bytes],
        wire: bytes,
        sizes: list[int],
        operations: list[Operation],
        offsets: Sequence[int],
        messages: Sequence[Message],
    ) -> Segment:
        return Segment(
            *self._source,
            identities,
            wire,
            offsets,
            originals(messages) if self._keep else [],
            sizes,
            [] if operations.count("put") == len(operations) else operations,
        )


def _taking(positions: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """The function from a sequence to its items at these positions."""
    if len(positions) == 1:
        (only,) = positions
        return lambda items: (items[only],)
    return itemgetter(*positions)
