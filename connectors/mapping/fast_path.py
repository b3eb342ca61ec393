"""The fast path: the rows of a whole chunk, encoded straight from its structs in one loop.

A chunk whose values all have the same fields (`UniformChunk`) needs no `Record`, no dict and no
inspection of single fields: the table's compiled encoder takes the fields of each struct in order.
A value that it does not accept, such as one of another type than before, goes through
`RowBuilder.encode` instead, with the same result. docs/decisions/hot-path.md has the figures.

It exists for primary_key_mode kafka and record_value, for puts and updates without cell versions,
generated keys and deleted columns.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from connectors.errors import Rejection
from connectors.mapping.encoder import Encode, Encoded
from connectors.mapping.shape_cache import ShapeCache
from connectors.mapping.sharding import ShardedRows
from connectors.records import ABSENT, Message, Record, UniformChunk

# A row that the compiled encoder does not accept costs as much time as several accepted ones save.
# When it is more than one in _MAX_MISSES, the next _REST_CHUNKS chunks do without the fast path.
_MAX_MISSES = 8
_REST_CHUNKS = 50
# Sets of field names with a cached function that puts their values into the columns' order.
_MAX_ARRANGEMENTS = 200

Fields = Callable[[Any], tuple[Any, ...]]


class FastPath:
    """Encodes the uniform chunks of one topic partition for its table."""

    def __init__(self, shapes: ShapeCache, coordinates: str = "") -> None:
        """`coordinates` is the value of the key column topic_partition, if that is in the key."""
        self._shapes = shapes
        self._coordinates = coordinates
        self._not_taken = (shapes.error, Rejection)
        self._arrangements: dict[tuple[tuple[str, ...], bool], Fields] = {}
        self._rest = 0

    def encode(
        self, chunk: UniformChunk, rows: ShardedRows, general: Callable[[Record], None]
    ) -> bool:
        """Encode all records of a chunk into `rows`; return False, with nothing done, if it cannot.

        `general` is called with each record that the compiled encoder does not accept.
        """
        if self._rest:
            self._rest -= 1
            return False
        columns = self._shapes.fields
        encode: Encode | None
        if columns is None:
            encode, fields_of = self._shapes.direct.get(chunk.names), chunk.fields_of
        else:
            encode = self._shapes.direct.get(columns) or self._encode_listed
            fields_of = self._arranged(chunk, columns)
        if columns is None and chunk.optional:
            return False  # each record may have other columns
        if encode is None:  # not compiled yet
            for message, value in zip(chunk.messages, chunk.values, strict=True):
                general(chunk.record_of(message, value))
            return True
        if self._coordinates and chunk.offsets_unique and not chunk.mixed:
            missed = self._encode_blocks(chunk, fields_of, encode, rows, general)
        else:
            missed = self._encode_each(
                chunk, range(len(chunk.values)), fields_of, encode, rows, general
            )
        if missed > len(chunk.values) // _MAX_MISSES:
            self._rest = _REST_CHUNKS
        return True

    def _encode_blocks(
        self,
        chunk: UniformChunk,
        fields_of: Fields,
        encode: Encode,
        rows: ShardedRows,
        general: Callable[[Record], None],
    ) -> int:
        """Encode by blocks of neighbouring offsets, each of one shard, where the offset is the key.

        Returns how many records did not fit.
        """
        missed = 0
        coordinates, operation = self._coordinates, self._shapes.operation
        for start, end, offsets in rows.blocks(chunk.messages):
            try:
                wires = [
                    encode(coordinates, offset, *fields_of(value))[1]
                    for offset, value in zip(offsets, chunk.values[start:end], strict=True)
                ]
            except self._not_taken:
                missed += self._encode_each(
                    chunk, range(start, end), fields_of, encode, rows, general
                )
            else:
                rows.add_block(wires, operation, offsets, chunk.messages[start:end])
        return missed

    def _encode_each(
        self,
        chunk: UniformChunk,
        which: range,
        fields_of: Fields,
        encode: Encode,
        rows: ShardedRows,
        general: Callable[[Record], None],
    ) -> int:
        missed = 0
        coordinates, mixed, add = self._coordinates, chunk.mixed, rows.add
        for index in which:
            message: Message = chunk.messages[index]
            value = chunk.values[index]
            if mixed and type(value) is Record:
                general(value)
                continue
            try:
                fields = fields_of(value)
                if coordinates:
                    encoded = encode(coordinates, message.offset(), *fields)
                else:
                    encoded = encode(*fields)
            except self._not_taken:
                missed += 1
                general(chunk.record_of(message, value))
            else:
                add(encoded, message, coordinates)
        return missed

    def _arranged(self, chunk: UniformChunk, columns: tuple[str, ...]) -> Fields:
        """The fields of a struct in the order of the listed columns, ABSENT where it has none."""
        key = chunk.names, chunk.optional
        found = self._arrangements.get(key)
        if found is None:
            if len(self._arrangements) >= _MAX_ARRANGEMENTS:
                self._arrangements.clear()
            found = self._arrangements[key] = _arrangement(chunk, columns)
        return found

    def _encode_listed(self, *values: Any) -> Encoded:
        leading = 2 if self._coordinates else 0
        columns = self._shapes.fields or ()
        return self._shapes.row(values[:leading], columns, values[leading:])


def _arrangement(chunk: UniformChunk, columns: tuple[str, ...]) -> Fields:
    fields_of = chunk.fields_of
    position_of = {name: position for position, name in enumerate(chunk.names)}
    # The position after the last field is that of ABSENT.
    positions = [position_of.get(column, len(position_of)) for column in columns]
    if positions == [*range(len(position_of))]:
        return fields_of
    if len(positions) == 1:
        (only,) = positions
        return lambda value: ((*fields_of(value), ABSENT)[only],)
    take = itemgetter(*positions)
    if len(position_of) in positions:
        return lambda value: take((*fields_of(value), ABSENT))
    return lambda value: take(fields_of(value))
