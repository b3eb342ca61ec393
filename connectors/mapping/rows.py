"""From a record to the bytes of its row: the road of every record, so the one that is timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from zlib import crc32

from connectors.mapping.plans import Encoder, Shapes
from connectors.mapping.roads import Road
from connectors.mapping.roads import road as make_road
from connectors.records import (
    Batch,
    DeadLetter,
    DecodingChunk,
    Message,
    Original,
    Record,
    Records,
    Rejection,
    original,
)
from connectors.settings import NAME, Settings
from connectors.settings.tables import TableSettings

# Identities, wires, offsets, originals.
Lists = tuple[list[bytes], list[bytes], list[int], list[Original]]


class _Shards:
    """Where the rows of one chunk are gathered."""

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.seed = seed
        self.columns: list[Lists | None] = [None] * count

    def add(
        self, identity: bytes, wire: bytes, message: Message, keep: bool, hashed: bytes
    ) -> None:
        """One row to the shard of its key, or of the part of it that is hashed."""
        shard = crc32(hashed, self.seed) % self.count
        mine = self.columns[shard]
        if mine is None:
            mine = self.columns[shard] = [], [], [], []
        mine[0].append(identity)
        mine[1].append(wire)
        mine[2].append(message.offset())
        if keep:
            mine[3].append(original(message))

    def keep_originals(self, messages: Sequence[Message]) -> None:
        """The own bytes of every row's message, after the fact: the quick way has no time to ask.

        A message has one row at most there.
        """
        by_offset = {message.offset(): message for message in messages}
        for mine in self.columns:
            if mine is not None:
                mine[3][:] = [original(by_offset[offset]) for offset in mine[2]]


class RowMapper:
    """Maps records to rows and sends each to its shard.

    The shard is a hash of table and primary key that is the same in every process and run, so all
    changes of a key pass through one lane, in order.
    """

    def __init__(
        self,
        settings: Settings,
        encoder: Encoder,
        keep_original: bool = False,
        point_road: Callable[[TableSettings, str, str], Road] | None = None,
    ) -> None:
        """`point_road` makes the ways into time series tables, of (rules, table, topic)."""
        self._settings = settings
        self._point_road = point_road
        self._encoder = encoder
        self._keep_original = keep_original
        self._shards = settings.window.shards
        width = len(str(self._shards - 1))
        self._names: Final = [f"{shard:0{width}d}" for shard in range(self._shards)]
        self._shapes: dict[str, Shapes] = {}
        self._roads: dict[tuple[str, int], Road] = {}

    @property
    def shard_names(self) -> list[str]:
        """The shards' keys in the flow, zero-padded so that they sort as numbers."""
        return self._names

    def map_chunk(self, chunk: Records) -> list[tuple[str, Batch]]:
        """The rows of a chunk by shard, in order; dead letters ride on the partition's shard."""
        topic, partition = chunk.topic, chunk.partition
        table = self._settings.table_of(topic)
        shards = _Shards(self._shards, crc32(table.encode()))
        try:
            road = self._road(topic, partition, table)
        except Rejection as rejection:  # of the table
            keep = self._keep_original
            every = [*chunk.dead, *(_dead(record, rejection, keep) for record in chunk.records)]
            return [(self._names[partition % self._shards], ([], every))]
        dead = self._quickly(road, chunk, shards) if isinstance(chunk, DecodingChunk) else None
        if dead is None:
            dead = list(chunk.dead)
            for record in chunk.records:
                self._add(road, record, shards, dead)
        names = self._names
        out: list[tuple[str, Batch]] = [
            (names[shard], ([(table, topic, partition, *columns)], []))
            for shard, columns in enumerate(shards.columns)
            if columns is not None
        ]
        if dead:
            out.append((names[partition % self._shards], ([], dead)))
        return out

    def _quickly(
        self, road: Road, chunk: DecodingChunk, shards: _Shards
    ) -> list[DeadLetter] | None:
        """Decode, encode and shard each message in one go; None when the first is not plain.

        Returns the dead letters of those that were not plain.
        """
        messages = chunk.messages
        quick = chunk.quick
        if not messages or not road.worth_trying():
            return None
        try:
            plain = road.quick(quick.decode(messages[0].value()))
        except quick.bad:
            plain = None
        if plain is None:
            return None
        names, encode = plain
        decode, values_of = quick.decoder_of(names), quick.values
        unlike = (*quick.bad, self._encoder.refused)
        place = road.place
        count, seed, columns = shards.count, shards.seed, shards.columns
        dead: list[DeadLetter] = []
        failed = 0
        for message in messages:
            try:
                values = values_of(decode(message.value()))
                offset = message.offset()
                if place:
                    identity, wire = encode(place, offset, *values)
                else:
                    identity, wire = encode(*values)
            except unlike:
                failed += 1
                self._add_undecoded(road, chunk, message, shards, dead)
                continue
            shard = crc32(identity, seed) % count
            mine = columns[shard]
            if mine is None:
                mine = columns[shard] = [], [], [], []
            mine[0].append(identity)
            mine[1].append(wire)
            mine[2].append(offset)
        road.tried(len(messages), failed)
        if self._keep_original:
            shards.keep_originals(messages)
        return dead

    def _add_undecoded(
        self,
        road: Road,
        chunk: DecodingChunk,
        message: Message,
        shards: _Shards,
        dead: list[DeadLetter],
    ) -> None:
        """One message, whatever is with it."""
        alone = chunk.alone(message)
        dead += alone.dead
        for record in alone.records:
            self._add(road, record, shards, dead)

    def _add(self, road: Road, record: Record, shards: _Shards, dead: list[DeadLetter]) -> None:
        """The row of a record to its shard, or a dead letter."""
        keep = self._keep_original
        try:
            identity, wire = road.one(record)
        except Rejection as rejection:
            dead.append(_dead(record, rejection, keep))
        except self._encoder.refused as error:
            code, reason = error.args[:2]
            dead.append(_dead(record, Rejection(code, reason), keep))
        else:
            shards.add(identity, wire, record.message, keep, road.hashed(identity))

    def _road(self, topic: str, partition: int, table: str) -> Road:
        place = (topic, partition)
        if place not in self._roads:
            if not NAME.fullmatch(table):
                raise Rejection(
                    "table_name",
                    f"topic {topic!r} would go to table {table!r}, which is no table name: give "
                    "it a table in [mapping.topics]",
                )
            rules = self._settings.rules_of(table)
            if rules.mode == "timeseries" and self._point_road is not None:
                self._roads[place] = self._point_road(rules, table, topic)
                return self._roads[place]
            if table not in self._shapes:
                self._shapes[table] = Shapes(rules, self._encoder)
            self._roads[place] = make_road(rules, self._shapes[table], topic, partition)
        return self._roads[place]


def _dead(record: Record, rejection: Rejection, keep: bool) -> DeadLetter:
    return DeadLetter(
        record.topic,
        record.partition,
        record.offset,
        "map",
        rejection.code,
        rejection.reason,
        original(record.message) if keep else None,
    )
