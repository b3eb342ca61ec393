"""The fast path: rows of a whole chunk straight from its fields, in the loop that is timed.

A chunk whose values all have the same fields (`UniformChunk`) needs no `Record`, no dict and no
inspection of single fields: the table's compiled encoders take the fields of each value in order,
behind what leads them (a version, a key from elsewhere). Whatever they do not accept goes through
`RowBuilder.encode` instead, with the same result: that one is the oracle (figures:
docs/decisions/hot-path.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress, repeat
from operator import itemgetter
from typing import Any, NamedTuple

from connectors.errors import Rejection
from connectors.mapping.encoder import Encode, Encoded
from connectors.mapping.shape_cache import Encoders, ShapeCache
from connectors.mapping.sharding import ShardedRows
from connectors.records import ABSENT, Message, Part, Record, UniformChunk

# Rows that are encoded again one by one where one of them is not accepted.
_ROWS = 200
# Sets of field names for which it is known what to do.
_MAX_PLANS = 200

Leads = Callable[[Sequence[Message], Sequence[Any], Sequence[Sequence[Any]]], list[tuple[Any, ...]]]
"""Of messages, their keys and the fields of their values: what leads the values of each row.

It raises Rejection where one of them cannot be a row.
"""
LeadsOf = Callable[[tuple[str, ...]], Leads | None]
"""The leads of records whose fields have these names; None where nothing leads."""
Prepare = Callable[[UniformChunk], UniformChunk | None]
"""A chunk as the mapping needs it; None where that takes a look at each record."""
General = Callable[[Record], None]
"""What takes a record that the fast path does not."""
_FieldsOf = Callable[[Any], Sequence[Any]]
_Arrange = Callable[[Sequence[Any]], tuple[Any, ...]]


class _Plan(NamedTuple):
    """What is done with the chunks of one set of names."""

    leads: Leads | None
    names: tuple[str, ...]
    arrange: _Arrange | None
    """From the fields of a value to those of the names."""
    encoders: Encoders

    def fields_of(self, chunk: UniformChunk) -> _FieldsOf:
        """The function from a value of the chunk to the fields of the names."""
        arrange, fields_of = self.arrange, chunk.fields_of
        return fields_of if arrange is None else lambda value: arrange(fields_of(value))


class FastPath:
    """Encodes the uniform chunks of one topic partition for its table."""

    def __init__(
        self,
        shapes: ShapeCache,
        leads_of: LeadsOf = lambda _: None,
        coordinates: str = "",
        prepare: Prepare | None = None,
    ) -> None:
        """`coordinates` is the value of key column topic_partition where it and the offset lead."""
        self._shapes = shapes
        self._leads_of = leads_of
        self._coordinates = coordinates
        self._prepare = prepare
        self._not_taken = (shapes.error, Rejection)
        self._plans: dict[tuple[tuple[str, ...], bool], _Plan] = {}

    def behind(
        self, prepare: Prepare, leads_of: Callable[[tuple[str, ...], Leads | None], Leads | None]
    ) -> FastPath:
        """The fast path of chunks that something is done with before, and of its own leads."""
        inner, of_names = self._prepare, self._leads_of

        def both(chunk: UniformChunk) -> UniformChunk | None:
            prepared = prepare(chunk)
            return prepared if inner is None or prepared is None else inner(prepared)

        return FastPath(
            self._shapes, lambda names: leads_of(names, of_names(names)), self._coordinates, both
        )

    def encode(self, chunk: UniformChunk, rows: ShardedRows, general: General) -> bool:
        """Encode all records of a chunk into `rows`; return False, with nothing done, if it cannot.

        `general` is called with each record that the compiled encoders do not accept.
        """
        if self._prepare is not None:
            prepared = self._prepare(chunk)
            if prepared is None:
                return False
            chunk = prepared
        key = chunk.names, chunk.optional
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plan(chunk)
            if plan is None:
                return False
            if plan.encoders.by_types:  # they are not thrown away
                if len(self._plans) >= _MAX_PLANS:
                    self._plans.clear()
                self._plans[key] = plan
        if self._coordinates and chunk.offsets_unique and not chunk.mixed:
            self._encode_blocks(chunk, plan, rows, general)
        elif not self._encode_shards(chunk, plan, rows):
            for start in range(0, len(chunk.values), _ROWS):
                self._encode_rows(chunk, slice(start, start + _ROWS), plan, rows, general)
        return True

    def _encode_blocks(
        self, chunk: UniformChunk, plan: _Plan, rows: ShardedRows, general: General
    ) -> None:
        """Encode by blocks of neighbouring offsets, each of one shard: the offset is the key."""
        coordinates, operation = self._coordinates, self._shapes.operation
        for start, end, offsets in rows.blocks(chunk.messages):
            direct = plan.encoders.direct
            try:
                if direct is not None and plan.leads is None:
                    fields = map(plan.fields_of(chunk), chunk.values[start:end])
                    wire, sizes = _block(direct, coordinates, offsets, fields)
                else:
                    part = chunk.part(slice(start, end))
                    wire, sizes = _joined([row for _, row, _ in self._encoded(chunk, part, plan)])
            except (KeyError, *self._not_taken):
                part = chunk.part(slice(start, end))
                self._encode_each(chunk, part, plan, rows, general)
            else:
                rows.add_block(wire, sizes, operation, offsets, chunk.messages[start:end])

    def _encode_shards(self, chunk: UniformChunk, plan: _Plan, rows: ShardedRows) -> bool:
        """Encode and divide all rows in one call; return False where that cannot be done."""
        by_shard, division = self._shapes.by_shard, rows.division
        if by_shard is None or division is None or chunk.mixed or not chunk.values:
            return False
        part = chunk.part(slice(None))
        try:
            found = by_shard(*self._given(chunk, part, plan), *division)
        except (KeyError, *self._not_taken):
            return False
        rows.add_shards(found, part.messages, unique=chunk.offsets_unique)
        return True

    def _encode_rows(
        self,
        chunk: UniformChunk,
        which: slice,
        plan: _Plan,
        rows: ShardedRows,
        general: General,
    ) -> None:
        """Encode some neighbours, in order: those that are records already are general ones."""
        part = chunk.part(which)
        records = [type(value) is Record for value in part.values] if chunk.mixed else []
        try:
            if True not in records:
                rows.add_all(self._encoded(chunk, part, plan), part.messages)
                return
            others = part.without(records)
            encoded = self._encoded(chunk, others, plan)
        except (KeyError, *self._not_taken):
            self._encode_each(chunk, part, plan, rows, general)
            return
        start = 0  # of those that are not yet added
        for before, at in enumerate(compress(range(len(records)), records)):
            end = at - before
            rows.add_all(encoded[start:end], others.messages[start:end])
            general(part.values[at])
            start = end
        rows.add_all(encoded[start:], others.messages[start:])

    def _encoded(self, chunk: UniformChunk, part: Part, plan: _Plan) -> list[Encoded]:
        """The rows of some neighbours. Raises KeyError, or what an encoder raises, if any."""
        encoders, leads, fields = self._given(chunk, part, plan)
        if not isinstance(encoders, list):
            if leads is None:
                return [encoders(*each) for each in fields]
            return [encoders(*lead, *each) for lead, each in zip(leads, fields, strict=True)]
        if leads is None:
            return [encode(*each) for encode, each in zip(encoders, fields, strict=True)]
        return [
            encode(*lead, *each) for encode, lead, each in zip(encoders, leads, fields, strict=True)
        ]

    def _given(
        self, chunk: UniformChunk, part: Part, plan: _Plan
    ) -> tuple[Encode | list[Encode], list[tuple[Any, ...]] | None, list[Sequence[Any]]]:
        """The encoder of some neighbours or that of each, what leads their values, the values."""
        fields = [*map(plan.fields_of(chunk), part.values)]
        leads = None
        if plan.leads is not None:
            raw = fields if plan.arrange is None else [*map(chunk.fields_of, part.values)]
            leads = plan.leads(part.messages, part.keys or [None] * len(fields), raw)
        elif self._coordinates:
            leads = [(self._coordinates, message.offset()) for message in part.messages]
        return plan.encoders.direct or plan.encoders.chosen(fields), leads, fields

    def _encode_each(
        self, chunk: UniformChunk, part: Part, plan: _Plan, rows: ShardedRows, general: General
    ) -> None:
        """Encode some neighbours one by one, since one of them needs another look."""
        names, leads, encoders = plan.names, plan.leads, plan.encoders
        fields_of = plan.fields_of(chunk)
        coordinates, row = self._coordinates, self._shapes.row
        error, not_taken, by_types = self._shapes.error, self._not_taken, encoders.by_types
        lead: tuple[Any, ...] = ()
        keys = part.keys or repeat(None)
        for message, value, key in zip(part.messages, part.values, keys, strict=False):
            if type(value) is Record:
                general(value)
                continue
            try:
                fields = fields_of(value)
                if leads is not None:
                    (lead,) = leads((message,), (key,), (chunk.fields_of(value),))
                elif coordinates:
                    lead = coordinates, message.offset()
                encode = encoders.direct or by_types.get((*map(type, fields),))
                try:
                    encoded = encode(*lead, *fields) if encode else row(lead, names, fields)
                except error:  # perhaps other types than before
                    encoded = row(lead, names, fields)
            except not_taken:
                general(chunk.record_of(message, value, key))
            else:
                rows.add(encoded, message)

    def _plan(self, chunk: UniformChunk) -> _Plan | None:
        names, arrange = chunk.names, None
        leads = self._leads_of(names)
        columns = self._shapes.fields
        if columns is not None:
            arrange = _arrangement(names, columns)
            names = columns
        elif chunk.optional and self._shapes.planner.rewrites:
            return None  # fields that are absent would take names from others
        return _Plan(leads, names, arrange, self._shapes.encoders(names))


def _block(
    encode: Encode, coordinates: str, offsets: Sequence[int], rows: Iterable[Sequence[Any]]
) -> tuple[bytes, list[int]]:
    """The rows of neighbouring offsets, and their sizes: in one call, where the encoder has one."""
    block: Callable[..., tuple[bytes, list[int]]] | None = getattr(encode, "block", None)
    if block is not None:
        return block(coordinates, offsets, rows)
    both = zip(offsets, rows, strict=True)
    return _joined([encode(coordinates, offset, *row)[1] for offset, row in both])


def _joined(rows: list[bytes]) -> tuple[bytes, list[int]]:
    """Rows as one piece of bytes, and the size of each."""
    return b"".join(rows), [*map(len, rows)]


def _arrangement(names: Sequence[str], columns: Sequence[str]) -> _Arrange | None:
    """From all fields to those of the listed columns, ABSENT where there is none."""
    position_of = {name: position for position, name in enumerate(names)}
    # The position after the last field is that of ABSENT.
    positions = [position_of.get(column, len(names)) for column in columns]
    if positions == [*range(len(names))]:
        return None
    if len(positions) == 1:
        (only,) = positions
        return lambda fields: ((*fields, ABSENT)[only],)
    take = itemgetter(*positions)
    if len(names) in positions:
        return lambda fields: take((*fields, ABSENT))
    return take
