"""Records before their columns are looked at, where the table's rules change their fields.

A table without such rules has none of this on its records' way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.mapping.names import flattener
from connectors.mapping.plans import Encoded
from connectors.mapping.roads import Road
from connectors.records import Record
from connectors.settings.tables import TableSettings

Prepare = Callable[[Record], Record]

# The column of a value, or of a key, that is no object.
_VALUE, _KEY = "value", "key"


def prepared(road: Road, rules: TableSettings, bare: bool) -> Road:
    """The road, behind what the rules do before it.

    `bare`: values are of a format that has no objects, so that each is a column by itself.
    """
    steps: list[Prepare] = []
    if bare:
        steps.append(_named(rules))
    if rules.nested == "flatten":
        steps.append(_flattened(rules))
    if rules.key_fields != "none":
        steps.append(_with_key(rules))
    return _Prepared(road, steps) if steps else road


class _Prepared(Road):
    """Has no quick way: the fields of a value are not those of its bytes."""

    def __init__(self, road: Road, steps: list[Prepare]) -> None:
        self.place = road.place
        self._road = road
        self._steps = steps

    def hashed(self, identity: bytes) -> bytes:
        """As the road itself."""
        return self._road.hashed(identity)

    def one(self, record: Record) -> Encoded:
        """The row of a record. Raises Rejection, or what the encoder refuses."""
        if record.value is not None:
            for step in self._steps:
                record = step(record)
        return self._road.one(record)


def _named(rules: TableSettings) -> Prepare:
    """The value as a field: of the key column, where the key is the value, or else `value`."""
    name = _VALUE
    if rules.primary_key_mode == "record_value" and len(rules.key_columns) == 1:
        name = rules.key_columns[0][0]

    def step(record: Record) -> Record:
        if isinstance(record.value, dict):  # a step has made it one
            return record
        return record.with_value({name: record.value})

    return step


def _used(rules: TableSettings) -> set[str] | None:
    if rules.columns == "all" or rules.column_names == "rewrite":
        return None
    return {*(column.name for column in rules.columns), *(name for name, _ in rules.key_columns)}


def _flattened(rules: TableSettings) -> Prepare:
    flatten = flattener(rules.separator, _used(rules))

    def step(record: Record) -> Record:
        if not isinstance(record.value, dict):
            return record
        return record.with_value(flatten(record.value))

    return step


def _with_key(rules: TableSettings) -> Prepare:
    """The value with the fields of the record's key."""
    fill = rules.key_fields == "fill"
    in_key = rules.primary_key_mode == "record_key"
    # The key's own columns come from where primary_key_mode says, whatever the other part has. But
    # the connector takes the key's fields over the value's, and says nothing when they differ.
    not_taken = {name for name, _ in rules.key_columns} if fill or not in_key else set()
    flatten = None
    if rules.nested == "flatten":
        flatten = flattener(rules.separator, _used(rules))

    def step(record: Record) -> Record:
        key, value = record.key, record.value
        if key is None or not isinstance(value, dict):
            return record
        fields: dict[Any, Any]
        if isinstance(key, dict):
            fields = key if flatten is None else flatten(key)
        elif in_key:
            return record
        else:
            fields = {_KEY: key}
        taken = {name: item for name, item in fields.items() if name not in not_taken}
        return record.with_value({**taken, **value} if fill else {**value, **taken})

    return step
