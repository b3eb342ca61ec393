"""From a record to the bytes of its row: the road of every record, so the one that is timed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from connectors.errors import Rejection
from connectors.mapping.key_modes import RowBuilder
from connectors.mapping.key_modes import road as make_road
from connectors.mapping.normalize import prepared
from connectors.mapping.routing import router
from connectors.mapping.shape_cache import Encoder, ShapeCache
from connectors.mapping.sharding import QuickWay, Shards
from connectors.records import Batch, DeadLetter, DecodingChunk, Message, Record, Records, original
from connectors.settings import NAME, Settings
from connectors.settings.formats import BARE
from connectors.settings.tables import TableSettings

# By table, what the rows of one chunk go by.
_Lanes = dict[str, tuple[RowBuilder, Shards]]


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
        point_road: Callable[[TableSettings, str, str], RowBuilder] | None = None,
        tables: Collection[str] | None = None,
    ) -> None:
        """`point_road` makes the ways into time series tables, of (rules, table, topic).

        `tables` are those that a record may name; by default, those that the settings know.
        """
        self._settings = settings
        self._router = router(settings.mapping)
        self._tables = frozenset(settings.known_tables() if tables is None else tables)
        # What JSON has, and nothing else.
        self._plain = settings.format.value == "json"
        self._bare = settings.format.value in BARE
        self._point_road = point_road
        self._encoder = encoder
        self._keep_original = keep_original
        self._shards = settings.window.shards
        self._block = settings.window.rows
        width = len(str(self._shards - 1))
        self._names: Final = [f"{shard:0{width}d}" for shard in range(self._shards)]
        self._shapes: dict[str, ShapeCache] = {}
        self._roads: dict[tuple[str, int, str], RowBuilder] = {}

    @property
    def shard_names(self) -> list[str]:
        """The shards' keys in the flow, zero-padded so that they sort as numbers."""
        return self._names

    def map_chunk(self, chunk: Records) -> list[tuple[str, Batch]]:
        """The rows of a chunk by shard, in order; dead letters ride on the partition's shard."""
        lanes: _Lanes = {}
        if self._router is None:
            dead = self._by_topic(chunk, lanes)
        else:
            dead = self._by_record(chunk, lanes)
        names = self._names
        out: list[tuple[str, Batch]] = [
            (names[shard], ([segment], []))
            for _, shards in lanes.values()
            for shard, segment in shards.segments()
        ]
        if dead:
            out.append((names[chunk.partition % self._shards], ([], dead)))
        return out

    def _by_topic(self, chunk: Records, lanes: _Lanes) -> list[DeadLetter]:
        """All records to the table of their topic, but those of which a step said another."""
        try:
            road, shards = self._lane(chunk, self._settings.table_of(chunk.topic), lanes)
        except Rejection:  # of the table
            return self._by_record(chunk, lanes)
        dead = self._quickly(road, chunk, shards) if isinstance(chunk, DecodingChunk) else None
        if dead is None:
            dead = list(chunk.dead)
            for record in chunk.records:
                if record.table is None:
                    self._add(road, record, shards, dead)
                else:
                    self._add_routed(chunk, record, lanes, dead)
        return dead

    def _by_record(self, chunk: Records, lanes: _Lanes) -> list[DeadLetter]:
        """Each record to its own table."""
        dead = list(chunk.dead)
        for record in chunk.records:
            self._add_routed(chunk, record, lanes, dead)
        return dead

    def _add_routed(
        self, chunk: Records, record: Record, lanes: _Lanes, dead: list[DeadLetter]
    ) -> None:
        try:
            road, shards = self._lane(chunk, self._table_of(record, chunk.topic), lanes)
        except Rejection as rejection:
            dead.append(_dead(record, rejection, self._keep_original))
        else:
            self._add(road, record, shards, dead)

    def _table_of(self, record: Record, topic: str) -> str:
        """The record's own table, or that of its topic. Raises Rejection."""
        own = self._settings.table_of(topic)
        if record.table is not None:
            if record.table not in self._tables and record.table != own:
                raise Rejection(
                    "table_unknown",
                    "a step gave the record a table that no topic has: add that to "
                    "mapping.route_tables, so that it is compared or created at the start",
                )
            return record.table
        return (self._router(record) if self._router is not None else None) or own

    def _lane(self, chunk: Records, table: str, lanes: _Lanes) -> tuple[RowBuilder, Shards]:
        """The way to a table from here. Raises Rejection."""
        lane = lanes.get(table)
        if lane is None:
            topic, partition = chunk.topic, chunk.partition
            road = self._road(topic, partition, table)
            place = (table, topic, partition)
            lane = lanes[table] = (
                road,
                Shards(place, self._shards, self._block, self._keep_original),
            )
        return lane

    def _quickly(
        self, road: RowBuilder, chunk: DecodingChunk, shards: Shards
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
        if plain.others is None:
            decode, values = quick.decoder_of(plain.names), quick.values
        else:
            decode, values = quick.some_of(plain.names, plain.others)
        dead: list[DeadLetter] = []
        way = QuickWay(
            decode,
            values,
            plain.encode,
            plain.operation,
            (*quick.bad, self._encoder.refused, Rejection),
            lambda message: self._add_undecoded(road, chunk, message, shards, dead),
        )
        failed = way.go(road.place, chunk, shards)
        road.tried(len(messages), failed)
        return dead

    def _add_undecoded(
        self,
        road: RowBuilder,
        chunk: DecodingChunk,
        message: Message,
        shards: Shards,
        dead: list[DeadLetter],
    ) -> None:
        """One message, whatever is with it."""
        alone = chunk.alone(message)
        dead += alone.dead
        for record in alone.records:
            self._add(road, record, shards, dead)

    def _add(
        self, road: RowBuilder, record: Record, shards: Shards, dead: list[DeadLetter]
    ) -> None:
        """The row of a record to its shard, or a dead letter."""
        keep = self._keep_original
        try:
            encoded = road.one(record)
        except Rejection as rejection:
            dead.append(_dead(record, rejection, keep))
        except self._encoder.refused as error:
            code, reason = error.args[:2]
            dead.append(_dead(record, Rejection(code, reason), keep))
        else:
            shards.add(encoded, record.message, road.place, road.hashed(encoded[0]))

    def _road(self, topic: str, partition: int, table: str) -> RowBuilder:
        place = (topic, partition, table)
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
                self._shapes[table] = ShapeCache(rules, self._encoder, self._plain)
            road = make_road(rules, self._shapes[table], topic, partition)
            self._roads[place] = prepared(road, rules, self._bare)
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
