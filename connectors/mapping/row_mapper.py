"""Maps decoded records to encoded rows, and each row to its shard.

Expected problems raise Rejection. If anything else is raised, the chunk is mapped again record by
record, and only the record that raises it becomes a dead letter (code map_failed).
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final

from connectors.errors import Rejection, raised_at
from connectors.mapping.conversions.column_types import Conversions
from connectors.mapping.encoder import Encoder
from connectors.mapping.key_modes import RowBuilder, WideColumnBuilder
from connectors.mapping.normalize import normalized
from connectors.mapping.routing import router
from connectors.mapping.shape_cache import ShapeCache
from connectors.mapping.sharding import ShardedRows
from connectors.mapping.timeseries.points import PointEncoder, point_builder
from connectors.records import (
    Batch,
    DeadLetter,
    DecodedChunk,
    Record,
    RecordChunk,
    UniformChunk,
)
from connectors.settings import NAME, Settings
from connectors.settings.implementations import implementation
from connectors.settings.transforms import Debezium

log = logging.getLogger("sync")

# By table, how the records of one chunk become rows, and where those are collected.
_Targets = dict[str, tuple[RowBuilder, ShardedRows]]


class RowMapper:
    """Maps the records of a chunk to rows of their tables, by shard."""

    def __init__(
        self,
        settings: Settings,
        encoder: Encoder,
        keep_original: bool = False,
        points: PointEncoder | None = None,
        tables: Collection[str] | None = None,
    ) -> None:
        """`points` is the encoder of time series tables; without it there are none.

        `tables` are those that a record may name; by default, those that the settings know.
        """
        self._settings = settings
        self._router = router(settings.mapping, partial_deletes=_has_partial_deletes(settings))
        self._tables = frozenset(settings.known_tables() if tables is None else tables)
        # Values have only JSON's types, except for what transforms put into them.
        self._json_only = settings.format.value == "json"
        self._changed = bool(settings.transforms)
        self._bare = settings.format.has_bare_values
        self._encoder = encoder
        self._points = points
        self._keep_original = keep_original
        self._shards = settings.window.shards
        self._block = settings.window.rows
        width = len(str(self._shards - 1))
        self._names: Final = [f"{shard:0{width}d}" for shard in range(self._shards)]
        self._shapes: dict[str, ShapeCache] = {}
        self._builders: dict[tuple[str, int, str], RowBuilder] = {}
        # Shared by the partitions of a topic.
        self._point_builders: dict[tuple[str, str], RowBuilder] = {}

    @property
    def shard_names(self) -> list[str]:
        """The shards' keys in the flow, zero-padded so that they sort as numbers."""
        return self._names

    def map_chunk(self, chunk: DecodedChunk) -> list[tuple[str, Batch]]:
        """The rows of a chunk by shard, in order; dead letters go to the partition's shard.

        Raises nothing but MemoryError.
        """
        try:
            return self._map(chunk)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - one bad record must not end the run
            log.warning("a chunk of topic %s is mapped record by record", chunk.topic)
        rejected = RecordChunk(chunk.topic, chunk.partition, [], chunk.dead_letters)
        out = self._map(rejected)
        for record in chunk.records:
            out += self._map_isolated(record)
        return out

    def _map_isolated(self, record: Record) -> list[tuple[str, Batch]]:
        """Map one record; an unexpected exception rejects it with code map_failed."""
        try:
            return self._map(RecordChunk(record.topic, record.partition, [record], []))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            reason = f"unexpected {raised_at(error)} while mapping; please report this as a bug"
            dead_letter = self._rejected(record, Rejection("map_failed", reason))
            return [(self._names[record.partition % self._shards], ([], [dead_letter]))]

    def _map(self, chunk: DecodedChunk) -> list[tuple[str, Batch]]:
        targets: _Targets = {}
        dead_letters = list(chunk.dead_letters)
        if self._router is None:
            self._map_by_topic(chunk, targets, dead_letters)
        else:
            self._map_by_record(chunk, targets, dead_letters)
        names = self._names
        out: list[tuple[str, Batch]] = [
            (names[shard], ([segment], []))
            for _, rows in targets.values()
            for shard, segment in rows.segments()
        ]
        if dead_letters:
            out.append((names[chunk.partition % self._shards], ([], dead_letters)))
        return out

    def _map_by_topic(
        self, chunk: DecodedChunk, targets: _Targets, dead_letters: list[DeadLetter]
    ) -> None:
        """Map records to the table of their topic, except those for which a step chose another."""
        try:
            builder, rows = self._target(chunk, self._settings.table_of(chunk.topic), targets)
        except Rejection:  # of the table
            self._map_by_record(chunk, targets, dead_letters)
            return

        def general(record: Record) -> None:
            if record.table is None:
                self._add(builder, record, rows, dead_letters)
            else:
                self._add_routed(chunk, record, targets, dead_letters)

        if builder.fast_path is not None:
            uniform = chunk
            if isinstance(uniform, RecordChunk):
                uniform = UniformChunk.of_records(uniform) or chunk
            if isinstance(uniform, UniformChunk) and builder.fast_path.encode(
                uniform, rows, general
            ):
                return
        for record in chunk.records:
            general(record)

    def _map_by_record(
        self, chunk: DecodedChunk, targets: _Targets, dead_letters: list[DeadLetter]
    ) -> None:
        """Map each record to its own table."""
        for record in chunk.records:
            self._add_routed(chunk, record, targets, dead_letters)

    def _add_routed(
        self,
        chunk: DecodedChunk,
        record: Record,
        targets: _Targets,
        dead_letters: list[DeadLetter],
    ) -> None:
        try:
            builder, rows = self._target(chunk, self._table_of(record, chunk.topic), targets)
        except Rejection as rejection:
            dead_letters.append(self._rejected(record, rejection))
        else:
            self._add(builder, record, rows, dead_letters)

    def _table_of(self, record: Record, topic: str) -> str:
        """The record's own table, or that of its topic. Raises Rejection."""
        own = self._settings.table_of(topic)
        if record.table is not None:
            if record.table not in self._tables and record.table != own:
                raise Rejection(
                    "table_unknown",
                    "a step sent the record to a table that no topic goes to: add the table to "
                    "mapping.route_tables, so that it is checked or created at the start",
                )
            return record.table
        return (self._router(record) if self._router is not None else None) or own

    def _target(
        self, chunk: DecodedChunk, table: str, targets: _Targets
    ) -> tuple[RowBuilder, ShardedRows]:
        """The builder and the rows of a table. Raises Rejection for an illegal name."""
        target = targets.get(table)
        if target is None:
            topic, partition = chunk.topic, chunk.partition
            builder = self._builder(topic, partition, table)
            rows = ShardedRows(
                *(table, topic, partition, self._shards, self._block, self._keep_original),
                by_offset=bool(builder.coordinates),
                shard_key=builder.shard_key,
            )
            target = targets[table] = builder, rows
        return target

    def _add(
        self,
        builder: RowBuilder,
        record: Record,
        rows: ShardedRows,
        dead_letters: list[DeadLetter],
    ) -> None:
        """Encode a record and add its row to its shard, or add a dead letter."""
        try:
            encoded = builder.encode(record)
        except Rejection as rejection:
            dead_letters.append(self._rejected(record, rejection))
        except self._encoder.error as error:
            code, reason = error.args[:2]
            dead_letters.append(self._rejected(record, Rejection(code, reason)))
        else:
            rows.add(encoded, record.message)

    def _builder(self, topic: str, partition: int, table: str) -> RowBuilder:
        key = (topic, partition, table)
        builder = self._builders.get(key)
        if builder is None:
            builder = self._builders[key] = self._new_builder(topic, partition, table)
        return builder

    def _new_builder(self, topic: str, partition: int, table: str) -> RowBuilder:
        if not NAME.fullmatch(table):
            raise Rejection(
                "table_name",
                f"topic {topic!r} would go to table {table!r}, which is not a legal table name: "
                "give it a table in [mapping.topics], or change the rules of [mapping]",
            )
        rules = self._settings.rules_of(table)
        if rules.mode == "timeseries" and self._points is not None:
            points = self._point_builders.get((table, topic))
            if points is None:
                conversions = Conversions(rules, self._json_only, self._changed)
                points = point_builder(rules, table, topic, self._points, conversions)
                self._point_builders[table, topic] = points
            return points
        if table not in self._shapes:
            self._shapes[table] = ShapeCache(rules, self._encoder, self._json_only, self._changed)
        mode: type[WideColumnBuilder] = implementation(rules.key_mode.implementation)
        builder = mode(rules, self._shapes[table], topic, partition)
        return normalized(builder, rules, self._bare)

    def _rejected(self, record: Record, rejection: Rejection) -> DeadLetter:
        return DeadLetter.of(
            record.message, "map", rejection.code, rejection.reason, self._keep_original
        )


def _has_partial_deletes(settings: Settings) -> bool:
    """Whether deletes may come from images that do not have all fields of the row."""
    return any(
        isinstance(one, Debezium) and one.before_images == "partial" for one in settings.transforms
    )
