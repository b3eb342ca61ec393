"""From a record to the bytes of its row: the road of every record, so the one that is timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from zlib import crc32

from connectors.mapping.plans import Encoded, Encoder, Shapes, key_values, missing_key
from connectors.records import (
    Batch,
    DeadLetter,
    Original,
    Record,
    RecordChunk,
    Rejection,
    original,
)
from connectors.settings import NAME, Settings
from connectors.settings.tables import TableSettings

ToRow = Callable[[Record], Encoded]


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
        self._topics: dict[tuple[str, int], ToRow] = {}

    @property
    def shard_names(self) -> list[str]:
        """The shards' keys in the flow, zero-padded so that they sort as numbers."""
        return self._names

    def map_chunk(self, chunk: RecordChunk) -> list[tuple[str, Batch]]:
        """The rows of a chunk by shard, in order; dead letters ride on the partition's shard."""
        topic, partition, records, dead = chunk
        dead = list(dead)
        table = self._settings.table_of(topic)
        keep = self._keep_original
        try:
            to_row = self._to_row(topic, partition, table)
        except Rejection as rejection:
            dead += [_dead(record, rejection, keep) for record in records]
            return [(self._names[partition % self._shards], ([], dead))]
        refused = self._encoder.refused
        seed = crc32(table.encode())
        count = self._shards
        shards: list[tuple[list[bytes], list[bytes], list[int], list[Original]] | None]
        shards = [None] * count
        for record in records:
            try:
                identity, wire = to_row(record)
            except Rejection as rejection:
                dead.append(_dead(record, rejection, keep))
                continue
            except refused as error:
                code, reason = error.args[:2]
                dead.append(_dead(record, Rejection(code, reason), keep))
                continue
            shard = crc32(identity, seed) % count
            columns = shards[shard]
            if columns is None:
                columns = shards[shard] = [], [], [], []
            columns[0].append(identity)
            columns[1].append(wire)
            columns[2].append(record.message.offset())
            if keep:
                columns[3].append(original(record.message))
        names = self._names
        out: list[tuple[str, Batch]] = [
            (names[shard], ([(table, topic, partition, *columns)], []))
            for shard, columns in enumerate(shards)
            if columns is not None
        ]
        if dead:
            out.append((names[partition % count], ([], dead)))
        return out

    def _to_row(self, topic: str, partition: int, table: str) -> ToRow:
        place = (topic, partition)
        if place not in self._topics:
            if not NAME.fullmatch(table):
                raise Rejection(
                    "table_name",
                    f"topic {topic!r} would go to table {table!r}, which is no table name: give "
                    "it a table in [mapping.topics]",
                )
            rules = self._settings.rules_of(table)
            if table not in self._shapes:
                self._shapes[table] = Shapes(rules, self._encoder)
            shapes = self._shapes[table]
            self._topics[place] = _MODES[rules.primary_key_mode](place, rules, shapes)
        return self._topics[place]


def _fields(value: Any) -> dict[str, Any]:
    """The value's fields. Raises Rejection for what is no object."""
    if type(value) is dict:
        return value
    if value is None:
        raise Rejection("value_null", "the value is null (a tombstone): there is no row to put")
    raise Rejection(
        "value_no_object",
        f"the value is no object but {type(value).__name__}: a row needs named columns",
    )


def _taker(shapes: Shapes) -> Callable[[tuple[Any, ...], Any], Encoded]:
    """A function of leading values and a record's value that makes the row."""
    row = shapes.row
    fields = shapes.fields
    if fields is None:

        def take_all(leading: tuple[Any, ...], value: Any) -> Encoded:
            found = _fields(value)
            return row(leading, (*found,), [*found.values()])

        return take_all

    def take_listed(leading: tuple[Any, ...], value: Any) -> Encoded:
        return row(leading, fields, [*map(_fields(value).get, fields)])

    return take_listed


def _kafka_key(place: tuple[str, int], rules: TableSettings, shapes: Shapes) -> ToRow:
    topic_partition = f"{place[0]}_{place[1]}"
    take = _taker(shapes)

    def to_row(record: Record) -> Encoded:
        return take((topic_partition, record.message.offset()), record.value)

    if rules.columns != "all":
        return to_row

    direct = shapes.direct
    refused = shapes.refused
    last: tuple[Any, ...] = ()
    encode: Callable[..., Encoded] | None = None

    def to_row_of_all(record: Record) -> Encoded:
        # The plain case without a detour; whatever is unusual goes the general way.
        nonlocal last, encode
        value = record.value
        if type(value) is dict:
            names = (*value,)
            if names != last:
                encode = direct.get(names)
                last = names if encode is not None else ()
            if encode is not None:
                try:
                    return encode(topic_partition, record.message.offset(), *value.values())
                except refused:  # the general way raises it again, or finds another type
                    pass
        return to_row(record)

    return to_row_of_all


def _value_key(_: tuple[str, int], rules: TableSettings, shapes: Shapes) -> ToRow:
    take = _taker(shapes)
    keys = [name for name, _ in rules.key_columns]

    def to_row(record: Record) -> Encoded:
        value = record.value
        try:
            return take((), value)
        except Rejection as rejection:
            if rejection.code == "key_null":
                for name in keys:
                    if name not in value:
                        raise missing_key(name, "value") from None
            raise

    return to_row


def _record_key(_: tuple[str, int], rules: TableSettings, shapes: Shapes) -> ToRow:
    keys = rules.key_columns
    single = keys[0][0] if len(keys) == 1 else None
    take = _taker(shapes)

    def to_row(record: Record) -> Encoded:
        key = record.key
        if type(key) is not dict:
            if key is None:
                raise Rejection("key_null", "the record has no key")
            if single is None or isinstance(key, list):
                raise Rejection(
                    "key_no_object",
                    f"the record's key is no object but {type(key).__name__}: the key columns are "
                    "its fields",
                )
            key = {single: key}
        leading = key_values(keys, key)
        value = record.value
        if type(value) is dict:
            for name, _ in keys:
                if name in value and value[name] != key[name]:
                    raise Rejection(
                        "key_conflict",
                        f"the value's field {name!r} is a key column and differs from the record's "
                        "key: remove it, or rename it",
                    )
        return take(leading, value)

    return to_row


_MODES: dict[str, Callable[[tuple[str, int], TableSettings, Shapes], ToRow]] = {
    "kafka": _kafka_key,
    "record_value": _value_key,
    "record_key": _record_key,
}


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
