"""Row builders: from a record to its row, a class for each primary key mode.

settings.primary_key_modes.PRIMARY_KEY_MODES names the class of each mode.
"""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from connectors.errors import Rejection
from connectors.mapping.cell_version import version_of
from connectors.mapping.column_names import rewritten
from connectors.mapping.conversions.column_types import Converter
from connectors.mapping.encoder import Encoded
from connectors.mapping.fast_path import FastPath, Leads
from connectors.mapping.shape_cache import ShapeCache
from connectors.records import (
    ABSENT,
    Message,
    Record,
    UniformChunk,
    position_lost,
    timestamp_of,
)
from connectors.settings.tables import SEARCH_TIMESTAMP, TableSettings

# Combinations of types in keys whose converters are remembered.
_MAX_KEY_TYPES = 200


class RowBuilder(ABC):
    """Makes the rows of one topic partition for its table."""

    coordinates = ""
    """The value of the key column topic_partition, where the record's coordinates are the key."""
    fast_path: FastPath | None = None
    """How whole chunks are encoded, where this mode and the table's rules allow it."""

    shard_key: Callable[[bytes], bytes] | None = None
    """The bytes whose hash chooses the row's shard, from its identity; None: the identity."""

    @abstractmethod
    def encode(self, record: Record) -> Encoded:
        """The row of a record. Raises Rejection, or the encoder's own exception."""


class WideColumnBuilder(RowBuilder):
    """Makes rows of a wide-column table."""

    def __init__(
        self,
        rules: TableSettings,
        shapes: ShapeCache,
        topic: str,  # noqa: ARG002 - modes whose key is the coordinates need it
        partition: int,  # noqa: ARG002 - likewise
    ) -> None:
        self._rules = rules
        self._shapes = shapes
        self._columns = shapes.fields
        self._absent = (repeat(ABSENT),) if shapes.null_differs_from_absent else ()
        self._version = version_of(rules)
        self._keys = rules.key_columns
        self._key_values = shapes.planner.key_values

    def _row(self, leading: tuple[Any, ...], record: Record, value: Any) -> Encoded:
        """The row of a record with this value."""
        if not isinstance(value, dict):
            raise _not_an_object(value)
        if self._version is not None:
            leading = self._version.of(record), *leading
        columns = self._columns
        if columns is None:
            return self._shapes.row(leading, (*value,), [*value.values()])
        return self._shapes.row(leading, columns, [*map(value.get, columns, *self._absent)])

    def _leads_of(self, names: tuple[str, ...]) -> Leads | None:
        """What leads the rows of the fast path: the version, and the key where it leads."""
        keys_of = self._keys_of(names)
        if self._version is None:
            return keys_of
        versions = self._version.of_fields(names)
        if keys_of is None:
            return lambda messages, _, fields: [(one,) for one in versions(messages, fields)]
        return lambda messages, keys, fields: [
            (version, *key)
            for version, key in zip(
                versions(messages, fields), keys_of(messages, keys, fields), strict=True
            )
        ]

    def _keys_of(self, names: tuple[str, ...]) -> Leads | None:  # noqa: ARG002 - of some modes
        """The key columns that lead the rows; None where they are not read one by one."""
        return None

    def _delete(self, key: tuple[Any, ...]) -> Encoded:
        """The deletion of the row with this key. Raises Rejection unless delete_mode allows it."""
        if not self._rules.deletes_rows:
            raise Rejection(
                "delete_off",
                f"the record is a delete, and delete_mode is {self._rules.delete_mode}: set it to "
                "row or row_and_column, or drop deletes by a transform of type filter",
            )
        return self._shapes.delete(key)


class CoordinatesKey(WideColumnBuilder):
    """The key is the record's coordinates in Kafka, so each record is a row of its own.

    Where records are exploded the positions of the rows are key columns too.
    """

    def _positions(self, record: Record) -> tuple[int, ...]:
        names = self._rules.index_columns
        if not names:
            return ()
        if record.positions is None:
            raise position_lost()
        return (*map(record.positions.get, names, repeat(0)),)

    def _upserted(self, record: Record) -> Any:
        """The record's value. Raises Rejection for a delete."""
        if record.change == "delete":
            raise Rejection(
                "delete_impossible",
                f"the record is a delete, and with primary_key_mode {self._rules.primary_key_mode} "
                "each record is a row of its own: take record_key or record_value, or drop deletes "
                "by a transform of type filter",
            )
        return record.value


class KafkaCoordinates(CoordinatesKey):
    """The key is topic_partition and offset."""

    def __init__(
        self, rules: TableSettings, shapes: ShapeCache, topic: str, partition: int
    ) -> None:
        super().__init__(rules, shapes, topic, partition)
        self.coordinates = f"{topic}_{partition}"
        if not rules.index_columns:
            self.fast_path = FastPath(shapes, self._leads_of, self.coordinates)

    def encode(self, record: Record) -> Encoded:
        """The encoded row of a record."""
        leading = (self.coordinates, record.message.offset(), *self._positions(record))
        return self._row(leading, record, self._upserted(record))

    def _keys_of(self, names: tuple[str, ...]) -> Leads | None:  # noqa: ARG002 - of any
        if self._version is None:
            return None  # the fast path has the coordinates itself
        mine = self.coordinates
        return lambda messages, _keys, _fields: [(mine, one.offset()) for one in messages]


class SearchCoordinates(CoordinatesKey):
    """The key is topic, partition and offset, after a few digits of their hash.

    The digits spread the rows of a partition over the table's own partitions.
    """

    _DIGITS = 5

    def __init__(
        self, rules: TableSettings, shapes: ShapeCache, topic: str, partition: int
    ) -> None:
        super().__init__(rules, shapes, topic, partition)
        self._source: tuple[Any, ...] = topic, partition
        if rules.index_columns:
            self._source = (f"{topic}_{partition}",)
        self._hash = hashlib.md5(f"{topic}_{partition}_".encode(), usedforsecurity=False)
        stamped = rules.search_timestamp != "none"
        if not rules.index_columns:
            self.fast_path = FastPath(
                shapes, self._leads_of, prepare=self._prepare if stamped else None
            )

    def encode(self, record: Record) -> Encoded:
        """The encoded row of a record."""
        leading = (*self._key(record.message), *self._positions(record))
        return self._row(leading, record, self._stamped(record))

    def _key(self, message: Message) -> tuple[Any, ...]:
        offset = message.offset()
        digest = self._hash.copy()
        digest.update(b"%d" % offset)
        return (digest.hexdigest()[: self._DIGITS], *self._source, offset)

    def _keys_of(self, names: tuple[str, ...]) -> Leads | None:  # noqa: ARG002 - of any
        key = self._key
        return lambda messages, _keys, _fields: [*map(key, messages)]

    def _prepare(self, chunk: UniformChunk) -> UniformChunk | None:
        """The chunk with the column that search_timestamp adds, where it has none of that name."""
        if SEARCH_TIMESTAMP in chunk.names:
            return None
        return chunk.with_field(SEARCH_TIMESTAMP, self._stamp)

    def _stamped(self, record: Record) -> Any:
        """The value, with the column that search_timestamp adds."""
        value = self._upserted(record)
        if self._rules.search_timestamp == "none" or not isinstance(value, dict):
            return value
        return {**value, SEARCH_TIMESTAMP: self._stamp(record.message)}

    def _stamp(self, message: Message) -> int:
        if self._rules.search_timestamp == "local":
            return time.time_ns() // 1_000_000
        found = timestamp_of(message)
        if found is None:
            raise Rejection(
                "timestamp_missing",
                "the record has no timestamp, or none after 1970, for search_timestamp: set that "
                'to "local" or "none"',
            )
        return found


class RecordValueKey(WideColumnBuilder):
    """The key is fields of the record's value."""

    def __init__(
        self, rules: TableSettings, shapes: ShapeCache, topic: str, partition: int
    ) -> None:
        super().__init__(rules, shapes, topic, partition)
        self.fast_path = FastPath(shapes, self._leads_of)

    def encode(self, record: Record) -> Encoded:
        """The row of a record, or its deletion. Raises as `RowBuilder.encode`."""
        value = record.value
        if record.change == "delete":
            if not isinstance(value, dict):
                raise _not_an_object(value)
            if self._rules.column_names == "rewrite":
                used = {name for name, _ in self._keys}
                value = dict(zip(rewritten((*value,), used), value.values(), strict=True))
            return self._delete(self._key_values(value, "value"))
        return self._row((), record, value)


class RecordKey(WideColumnBuilder):
    """The key is fields of the record's key, or the whole key where there is one key column."""

    def __init__(
        self, rules: TableSettings, shapes: ShapeCache, topic: str, partition: int
    ) -> None:
        super().__init__(rules, shapes, topic, partition)
        self._key_names = [name for name, _ in self._keys]
        # By the types of a key's values, what converts them; nothing where they are taken as is.
        self._converters: dict[tuple[type, ...], tuple[Converter, ...]] = {}
        self.fast_path = FastPath(shapes, self._leads_of)

    def encode(self, record: Record) -> Encoded:
        """The row of a record, or its deletion. Raises as `RowBuilder.encode`."""
        fields = self._key_fields(record.key)
        leading = self._key_values(fields)
        value = record.value
        if record.change == "delete":
            return self._delete(leading)
        if type(value) is dict:
            for name, _ in self._keys:
                if name in value and _differs(value[name], fields.get(name)):
                    raise _conflict(name)
        elif value is None:
            return self._tombstone(leading, record)
        return self._row(leading, record, value)

    def _keys_of(self, names: tuple[str, ...]) -> Leads | None:
        own = [(names.index(name), name) for name, _ in self._keys if name in names]

        def keys_of(
            _: Sequence[Message], keys: Sequence[Any], values: Sequence[Sequence[Any]]
        ) -> list[tuple[Any, ...]]:
            for position, name in own:
                for key, fields in zip(keys, values, strict=True):
                    item = fields[position]
                    if item is not ABSENT and _differs(item, self._key_fields(key).get(name)):
                        raise _conflict(name)
            found: list[list[Any]] = [[*keys]]
            if {*map(type, keys)} == {dict}:
                found = [[key.get(name) for key in keys] for name in self._key_names]
            types = [{*map(type, column)} for column in found]
            alike = tuple(kind for kinds in types for kind in kinds)
            if len(alike) == len(found) and self._converters.get(alike) == ():
                return [*zip(*found, strict=True)]  # all are taken as they are
            return [*map(self._read_key, keys)]

        return keys_of

    def _read_key(self, key: Any) -> tuple[Any, ...]:
        """The key columns, by what is known of keys with these types."""
        items = tuple(map(key.get, self._key_names)) if type(key) is dict else (key,)
        types = (*map(type, items),)
        converters = self._converters.get(types)
        if converters is None:
            made = self._key_values(self._key_fields(key))  # raises for what is no key
            if len(self._converters) < _MAX_KEY_TYPES and type(None) not in types:
                self._converters[types] = self._shapes.planner.key_converters(types)
            return made
        if not converters:
            return items
        return (*[convert(item) for convert, item in zip(converters, items, strict=True)],)

    def _tombstone(self, leading: tuple[Any, ...], record: Record) -> Encoded:
        rules = self._rules
        if rules.deletes_rows:
            return self._delete(leading)
        if rules.insert_mode == "put" and rules.version == "none":
            return self._row(leading, record, {})  # a row of its key alone
        raise Rejection(
            "value_null",
            f"the value is null (a tombstone), and with delete_mode {rules.delete_mode} there is "
            "nothing to write: set delete_mode to row or row_and_column, or drop tombstones by a "
            "transform of type filter",
        )

    def _key_fields(self, key: Any) -> dict[str, Any]:
        if type(key) is dict:
            return key
        if key is None:
            raise Rejection("key_null", "the record has no key")
        if len(self._keys) > 1 or isinstance(key, list):
            raise Rejection(
                "key_no_object",
                f"the record's key is not an object but {type(key).__name__}: the key columns are "
                "its fields",
            )
        return {self._keys[0][0]: key}


def _conflict(name: str) -> Rejection:
    return Rejection(
        "key_conflict",
        f"the value's field {name!r} is a key column and differs from the record's key: remove it, "
        "or rename it",
    )


def _differs(found: Any, key: Any) -> bool:
    """True if the field of the value is set and differs from the key's."""
    if found is None:
        return False
    return type(found) not in (str, int, float, bool, bytes) or bool(found != key)


def _not_an_object(value: Any) -> Rejection:
    if value is None:
        return Rejection("value_null", "the value is null (a tombstone): there is no row to put")
    return Rejection(
        "value_no_object",
        f"the value is not an object but {type(value).__name__}: a row needs named columns",
    )
