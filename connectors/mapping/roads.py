"""The ways from a record to its row, one a primary key mode.

Each has a quick way for values of the same names as the first of their chunk, which most are: their
encoder is called with nothing in between. What it does not take as it comes goes the other way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from connectors.mapping.plans import Encode, Encoded, Shapes, key_values, missing_key
from connectors.records import Record, Rejection
from connectors.settings.tables import TableSettings

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
    # Names that a value may have besides; None where it has just `names`, each of them.
    others: tuple[str, ...] | None = None


class Road(ABC):
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


class RowRoad(Road):
    """The way to a row of a wide-column table."""

    def __init__(self, rules: TableSettings, shapes: Shapes) -> None:
        self._shapes = shapes
        self._fields = shapes.fields
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
        if type(value) is not dict:
            return None
        if self._fields is not None:
            return self._listed(self._fields, value)
        names = (*value,)
        encode = self._shapes.direct.get(names)
        return None if encode is None else Plain(names, encode)

    def _listed(self, fields: tuple[str, ...], value: dict[str, Any]) -> Plain:
        new = value.keys() - self._known
        if new:
            if len(self._known) > _MOST_NAMES:
                self._known.clear()
            self._known.update(new)
            self._others = tuple(sorted(self._known.difference(fields)))
        encode = self._shapes.direct.get(fields)
        return Plain(fields, encode or self._encode_listed, self._others)

    def _encode_listed(self, *values: Any) -> Encoded:
        leading = 2 if self.place else 0
        return self._shapes.row(values[:leading], self._fields or (), values[leading:])

    def _row(self, leading: tuple[Any, ...], value: Any) -> Encoded:
        if not isinstance(value, dict):
            raise _no_object(value)
        fields = self._fields
        if fields is None:
            return self._shapes.row(leading, (*value,), [*value.values()])
        return self._shapes.row(leading, fields, [*map(value.get, fields)])


class KafkaKey(RowRoad):
    """Keys are topic_partition and offset, as the record stands in Kafka."""

    def __init__(self, rules: TableSettings, shapes: Shapes, topic: str, partition: int) -> None:
        super().__init__(rules, shapes)
        self.place = f"{topic}_{partition}"

    def one(self, record: Record) -> Encoded:
        """The row of a record."""
        return self._row((self.place, record.message.offset()), record.value)


class ValueKey(RowRoad):
    """Keys are fields of the value."""

    def one(self, record: Record) -> Encoded:
        """The row of a record."""
        try:
            return self._row((), record.value)
        except Rejection as rejection:
            if rejection.code == "key_null":  # of listed columns, absent ones come as null
                for name, _ in self._keys:
                    if name not in record.value:
                        raise missing_key(name, "value") from None
            raise


class RecordKey(RowRoad):
    """Keys are fields of the record's key, or the whole key where there is one key column."""

    def quick(self, value: Any) -> None:  # noqa: ARG002
        """Not for keys that must be looked at one by one."""
        return

    def one(self, record: Record) -> Encoded:
        """The row of a record."""
        fields = self._key_fields(record.key)
        leading = key_values(self._keys, fields, self._shapes.conversions)
        value = record.value
        if type(value) is dict:
            for name, _ in self._keys:
                if name in value and _differs(value[name], fields[name]):
                    raise Rejection(
                        "key_conflict",
                        f"the value's field {name!r} is a key column and differs from the record's "
                        "key: remove it, or rename it",
                    )
        return self._row(leading, value)

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


def road(rules: TableSettings, shapes: Shapes, topic: str, partition: int) -> Road:
    """The road of a topic partition by the table's primary key mode."""
    if rules.primary_key_mode == "kafka":
        return KafkaKey(rules, shapes, topic, partition)
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
