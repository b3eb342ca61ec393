"""From a record to the bytes of its row: the road of every record, so the one that is timed."""

from __future__ import annotations

from typing import Final
from zlib import crc32

from connectors.mapping.plans import Encoded, Encoder, Shapes
from connectors.mapping.roads import Road
from connectors.mapping.roads import road as make_road
from connectors.records import (
    Batch,
    DeadLetter,
    Original,
    Record,
    RecordChunk,
    Rejection,
    Segment,
    original,
)
from connectors.settings import NAME, Settings


class RowMapper:
    """Maps records to rows and sends each to its shard.

    The shard is a hash of table and primary key that is the same in every process and run, so all
    changes of a key pass through one lane, in order.
    """

    def __init__(self, settings: Settings, encoder: Encoder, keep_original: bool = False) -> None:
        self._settings = settings
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

    def map_chunk(self, chunk: RecordChunk) -> list[tuple[str, Batch]]:
        """The rows of a chunk by shard, in order; dead letters ride on the partition's shard."""
        topic, partition, records, dead = chunk
        dead = list(dead)
        table = self._settings.table_of(topic)
        rows: list[Encoded] | None = None
        if records:
            try:
                road = self._road(topic, partition, table)
                rows = road.at_once(records)
                if rows is None:
                    records, rows = self._one_by_one(road, records, dead)
            except Rejection as rejection:  # of the table
                dead += [_dead(record, rejection, self._keep_original) for record in records]
        out: list[tuple[str, Batch]] = []
        if rows:
            segments = self._by_shard(table, chunk, records, rows)
            out = [(shard, ([segment], [])) for shard, segment in segments]
        if dead:
            out.append((self._names[partition % self._shards], ([], dead)))
        return out

    def _one_by_one(
        self, road: Road, records: list[Record], dead: list[DeadLetter]
    ) -> tuple[list[Record], list[Encoded]]:
        """The records that have rows, and those; the others join the dead letters."""
        refused = self._encoder.refused
        good: list[Record] = []
        rows: list[Encoded] = []
        for record in records:
            try:
                rows.append(road.one(record))
                good.append(record)
            except Rejection as rejection:
                dead.append(_dead(record, rejection, self._keep_original))
            except refused as error:
                code, reason = error.args[:2]
                dead.append(_dead(record, Rejection(code, reason), self._keep_original))
        return good, rows

    def _by_shard(
        self, table: str, chunk: RecordChunk, records: list[Record], rows: list[Encoded]
    ) -> list[tuple[str, Segment]]:
        seed = crc32(table.encode())
        count = self._shards
        shards: list[tuple[list[bytes], list[bytes], list[int], list[Original]] | None]
        shards = [None] * count
        for record, (identity, wire) in zip(records, rows, strict=True):
            shard = crc32(identity, seed) % count
            columns = shards[shard]
            if columns is None:
                columns = shards[shard] = [], [], [], []
            columns[0].append(identity)
            columns[1].append(wire)
            columns[2].append(record.message.offset())
            if self._keep_original:
                columns[3].append(original(record.message))
        names = self._names
        return [
            (names[shard], (table, chunk.topic, chunk.partition, *columns))
            for shard, columns in enumerate(shards)
            if columns is not None
        ]

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
