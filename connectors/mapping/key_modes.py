"""The ways from a record to its row, one a primary key mode.

Each has a quick way for values of the same names as the first of their chunk, which most are: their
encoder is called with nothing in between. What it does not take as it comes goes the other way.
"""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from itertools import repeat
from typing import Any, NamedTuple

from connectors.errors import Rejection
from connectors.mapping.cell_version import version_of
from connectors.mapping.column_names import rewritten
from connectors.mapping.shape_cache import ABSENT, Encode, Encoded, ShapeCache, key_values
from connectors.records import Operation, Record
from connectors.settings.tables import SEARCH_TIMESTAMP, TableSettings

# A failure costs as much as several records gain: above one in eight the quick way is left alone
# for so many chunks.
_MOST_FAILED = 8
_REST = 50
# Names of fields that a topic's values have, before they are learnt anew.
_MOST_NAMES = 1000


class Plain(NamedTuple):
    """How values of some names become rows at once."""

    names: tuple[str, ...]
    # Takes the key's leading values (`place` and offset where there is a place) and then the value
    # of each name as it comes. What it refuses, or rejects, goes the way of `one`.
    encode: Encode
    # What it makes of them.
    operation: Operation
    # Names that a value may have besides; None where it has just `names`, each of them.
    others: tuple[str, ...] | None = None


class RowBuilder(ABC):
    """Makes the rows of one topic partition for its table."""

    # The value of the key column topic_partition, where that is part of the key.
    place = ""

    def worth_trying(self) -> bool:
        """Whether there is a quick way, and it works these days."""
        return False

    def tried(self, messages: int, failed: int) -> None:  # noqa: B027 - nothing to learn
        """How the quick way went."""

    def hashed(self, identity: bytes) -> bytes:
        """What a row's shard is a hash of: by default all that identifies it."""
        return identity

    def quick(self, value: Any) -> Plain | None:  # noqa: ARG002
        """The quick way of values like this one."""
        return None

    @abstractmethod
    def one(self, record: Record) -> Encoded:
        """The row of any record. Raises Rejection, or what the encoder refuses."""


class WideColumnBuilder(RowBuilder):
    """The way to a row of a wide-column table."""

    def __init__(self, rules: TableSettings, shapes: ShapeCache) -> None:
        self._rules = rules
        self._shapes = shapes
        self._fields = shapes.fields
        self._absent = (repeat(ABSENT),) if shapes.tells_absent else ()
        self._version = version_of(rules)
        # Names of fields seen so far, and those of them that are not listed.
        self._known: set[str] = set()
        self._others: tuple[str, ...] = ()
        self._keys = rules.key_columns
        self._rest = 0

    def worth_trying(self) -> bool:
        """False for a while after a chunk in which the quick way failed too often."""
        self._rest -= self._rest > 0
        return self._rest == 0

    def tried(self, messages: int, failed: int) -> None:
        """How the quick way went."""
        if failed > messages // _MOST_FAILED:
            self._rest = _REST

    def quick(self, value: Any) -> Plain | None:
        """Listed columns have one, and values that need no choosing."""
        if type(value) is not dict or not self._shapes.quick:
            return None
        if self._fields is not None:
            return self._listed(self._fields, value)
        names = (*value,)
        encode = self._shapes.direct.get(names)
        return None if encode is None else Plain(names, encode, self._shapes.operation)

    def _listed(self, fields: tuple[str, ...], value: dict[str, Any]) -> Plain:
        new = value.keys() - self._known
        if new:
            if len(self._known) > _MOST_NAMES:
                self._known.clear()
            self._known.update(new)
            self._others = tuple(sorted(self._known.difference(fields)))
        encode = self._shapes.direct.get(fields)
        return Plain(fields, encode or self._encode_listed, self._shapes.operation, self._others)

    def _encode_listed(self, *values: Any) -> Encoded:
        leading = 2 if self.place else 0
        if self._absent and not any(value is not None for value in values[len(self._keys) :]):
            # Absent fields come as null here: `one` tells which it is.
            raise Rejection("no_columns", "no listed column has a value")
        return self._shapes.row(values[:leading], self._fields or (), values[leading:])

    def _row(self, leading: tuple[Any, ...], record: Record, value: Any) -> Encoded:
        """The row of a record with this value."""
        if not isinstance(value, dict):
            raise _no_object(value)
        version = None if self._version is None else self._version(record)
        fields = self._fields
        if fields is None:
            return self._shapes.row(leading, (*value,), [*value.values()], version)
        values = [*map(value.get, fields, *self._absent)]
        return self._shapes.row(leading, fields, values, version)

    def _delete(self, key: tuple[Any, ...]) -> Encoded:
        """What deletes the row of a key."""
        if not self._rules.deletes_rows:
            raise Rejection(
                "delete_off",
                f"the record is a delete, and delete_mode is {self._rules.delete_mode}: set it to "
                "row or row_and_column, or drop deletes by a transform of type filter",
            )
        return self._shapes.delete(key)


class CoordinatesKey(WideColumnBuilder):
    """Keys tell where the record stands in Kafka, so each record is a row of its own."""

    def _upserted(self, record: Record) -> Any:
        """The value of what is no delete."""
        if record.change == "delete":
            raise Rejection(
                "delete_impossible",
                f"the record is a delete, and with primary_key_mode {self._rules.primary_key_mode} "
                "each record is a row of its own: take record_key or record_value, or drop deletes "
                "by a transform of type filter",
            )
        return record.value


class KafkaCoordinates(CoordinatesKey):
    """Keys are topic_partition and offset."""

    def __init__(
        self, rules: TableSettings, shapes: ShapeCache, topic: str, partition: int
    ) -> None:
        super().__init__(rules, shapes)
        self.place = f"{topic}_{partition}"

    def one(self, record: Record) -> Encoded:
        """The row of a record."""
        leading = (self.place, record.message.offset())
        return self._row(leading, record, self._upserted(record))


class SearchCoordinates(CoordinatesKey):
    """Keys are topic, partition and offset, and before them a few digits that spread the load."""

    _DIGITS = 5

    def __init__(
        self, rules: TableSettings, shapes: ShapeCache, topic: str, partition: int
    ) -> None:
        super().__init__(rules, shapes)
        self._place = topic, partition
        self._prefix = f"{topic}_{partition}_"

    def quick(self, value: Any) -> None:  # noqa: ARG002
        """Not for keys that must be made one by one."""
        return

    def one(self, record: Record) -> Encoded:
        """The row of a record."""
        offset = record.message.offset()
        digest = hashlib.md5(f"{self._prefix}{offset}".encode(), usedforsecurity=False)
        leading = (digest.hexdigest()[: self._DIGITS], *self._place, offset)
        return self._row(leading, record, self._stamped(record))

    def _stamped(self, record: Record) -> Any:
        """The value, with the column that search_timestamp adds."""
        value = self._upserted(record)
        kind = self._rules.search_timestamp
        if kind == "none" or not isinstance(value, dict):
            return value
        found = record.timestamp if kind == "kafka" else time.time_ns() // 1_000_000
        if found is None:
            raise Rejection(
                "timestamp_missing",
                'the record has no timestamp for search_timestamp: set it to "local" or "none"',
            )
        return {**value, SEARCH_TIMESTAMP: found}


class ValueKey(WideColumnBuilder):
    """Keys are fields of the value."""

    def one(self, record: Record) -> Encoded:
        """The row of a record, or what deletes it."""
        value = record.value
        if record.change == "delete":
            if not isinstance(value, dict):
                raise _no_object(value)
            if self._rules.column_names == "rewrite":
                used = {name for name, _ in self._keys}
                value = dict(zip(rewritten((*value,), used), value.values(), strict=True))
            return self._delete(key_values(self._shapes, value, "value"))
        return self._row((), record, value)


class RecordKey(WideColumnBuilder):
    """Keys are fields of the record's key, or the whole key where there is one key column."""

    def quick(self, value: Any) -> None:  # noqa: ARG002
        """Not for keys that must be looked at one by one."""
        return

    def one(self, record: Record) -> Encoded:
        """The row of a record, or what deletes it."""
        fields = self._key_fields(record.key)
        leading = key_values(self._shapes, fields)
        value = record.value
        if record.change == "delete":
            return self._delete(leading)
        if type(value) is dict:
            for name, _ in self._keys:
                if name in value and _differs(value[name], fields.get(name)):
                    raise Rejection(
                        "key_conflict",
                        f"the value's field {name!r} is a key column and differs from the record's "
                        "key: remove it, or rename it",
                    )
        elif value is None:
            return self._tombstone(leading, record)
        return self._row(leading, record, value)

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
                f"the record's key is no object but {type(key).__name__}: the key columns are "
                "its fields",
            )
        return {self._keys[0][0]: key}


def road(rules: TableSettings, shapes: ShapeCache, topic: str, partition: int) -> RowBuilder:
    """The road of a topic partition by the table's primary key mode."""
    if rules.primary_key_mode == "kafka":
        return KafkaCoordinates(rules, shapes, topic, partition)
    if rules.primary_key_mode == "search":
        return SearchCoordinates(rules, shapes, topic, partition)
    if rules.primary_key_mode == "record_value":
        return ValueKey(rules, shapes)
    return RecordKey(rules, shapes)


def _differs(found: Any, key: Any) -> bool:
    """True when a field would be lost that says something else than the key."""
    if found is None:
        return False
    return type(found) not in (str, int, float, bool, bytes) or bool(found != key)


def _no_object(value: Any) -> Rejection:
    if value is None:
        return Rejection("value_null", "the value is null (a tombstone): there is no row to put")
    return Rejection(
        "value_no_object",
        f"the value is no object but {type(value).__name__}: a row needs named columns",
    )
