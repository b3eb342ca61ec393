"""Normalizing: changes the fields of records as the table's rules say, before encoding.

Records of tables without such rules do not pass here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from connectors.errors import Rejection
from connectors.mapping.column_names import flattener, rewritten
from connectors.mapping.encoder import Encoded
from connectors.mapping.fast_path import Leads
from connectors.mapping.key_modes import RowBuilder
from connectors.records import ABSENT, Message, Record, UniformChunk
from connectors.settings.tables import TableSettings

Normalize = Callable[[Record], Record]

# The column of a value, or of a key, that is not an object.
_VALUE, _KEY = "value", "key"


def normalized(builder: RowBuilder, rules: TableSettings, bare: bool) -> RowBuilder:
    """A builder that normalizes records for `builder`; `builder` itself if the rules need none.

    `bare`: the format's values are never objects, so that each becomes one column.
    """
    steps: list[Normalize] = []
    if bare:
        steps.append(_named(rules))
    if rules.nested == "flatten":
        steps.append(_flattened(rules))
    if rules.key_fields != "none":
        steps.append(_with_key(rules))
    renames = rules.nested == "flatten" or rules.column_names == "rewrite"
    if not steps and not (renames and rules.key_mode.key_from == "key"):
        return builder
    made = _Normalized(builder, steps, _key_named(rules) if renames else None)
    if not bare and rules.key_fields == "none" and builder.fast_path is not None:
        made.fast_path = builder.fast_path.behind(made.prepare, made.leads)
    return made


class _Normalized(RowBuilder):
    """Has a fast path where there is nothing to do but to flatten, or to rename the key."""

    def __init__(
        self, builder: RowBuilder, steps: list[Normalize], of_key: Normalize | None
    ) -> None:
        """`of_key` also applies to records without a value: their key says which row to delete."""
        self.coordinates = builder.coordinates
        self._builder = builder
        self._steps = steps
        self._of_key = of_key

    def prepare(self, chunk: UniformChunk) -> UniformChunk | None:
        """The chunk, where its fields are as the steps would make them."""
        if chunk.value_of is not None or not self._steps:
            return chunk
        # Behind transforms, say: there is nothing to do where no field is an object.
        fields_of = chunk.fields_of
        for value in chunk.values:
            if type(value) is not Record and dict in map(type, fields_of(value)):
                return None
        return chunk

    def leads(self, names: tuple[str, ...], leads: Leads | None) -> Leads | None:
        """What leads the rows of the fast path, behind the change of the records' keys."""
        of_key = self._of_key
        if leads is None or of_key is None:
            return leads

        def changed(message: Message, key: Any, fields: Sequence[Any]) -> Any:
            if not isinstance(key, dict):
                return key
            pairs = zip(names, fields, strict=True)
            value = {name: item for name, item in pairs if item is not ABSENT}
            return of_key(Record(message, value, key)).key

        return lambda messages, keys, fields: leads(
            messages, [*map(changed, messages, keys, fields)], fields
        )

    def encode(self, record: Record) -> Encoded:
        """The row of a record. Raises Rejection, or the encoder's own exception."""
        if record.value is not None:
            for step in self._steps:
                record = step(record)
        if self._of_key is not None:
            record = self._of_key(record)
        return self._builder.encode(record)


def _named(rules: TableSettings) -> Normalize:
    """A step that turns a bare value into a field: the key column of record_value, or `value`."""
    name = _VALUE
    if rules.key_mode.key_from == "value" and len(rules.key_columns) == 1:
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


def _flattened(rules: TableSettings) -> Normalize:
    flatten = flattener(rules.separator, _used(rules))

    def step(record: Record) -> Record:
        if not isinstance(record.value, dict):
            return record
        return record.with_value(flatten(record.value))

    return step


def _with_key(rules: TableSettings) -> Normalize:
    """A step that adds the fields of the record's key to its value."""
    fill = rules.key_fields == "fill"
    in_key = rules.key_mode.key_from == "key"
    # The key's own columns come from where primary_key_mode says, whatever the value has. But
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


def _key_named(rules: TableSettings) -> Normalize | None:
    """A step that renames the fields of the record's key; None if no key column comes from them."""
    if rules.key_mode.key_from != "key":
        return None
    names = {name for name, _ in rules.key_columns}
    flatten = flattener(rules.separator, names) if rules.nested == "flatten" else None
    rewrites = rules.column_names == "rewrite"

    def step(record: Record) -> Record:
        key: Any = record.key
        if not isinstance(key, dict):
            return record
        if flatten is not None:
            key = flatten(key)
        if rewrites:
            key = dict(zip(rewritten((*key,), names), key.values(), strict=True))
            _check_same(names, record.value, key)
        return record.with_key(key)

    return step


def _check_same(names: set[str], value: Any, key: dict[str, Any]) -> None:
    """Raise Rejection if renaming would replace a key column's field by one that differs."""
    for name, item in value.items() if isinstance(value, dict) else ():
        new = rewritten((name,), None)[0]
        if new not in names or new == name or item is None:
            continue
        # Values of other types, such as numpy arrays, may not be comparable at all.
        if type(item) not in (str, int, float, bool, bytes) or item != key.get(new):
            raise Rejection(
                "key_conflict",
                f"a field of the value gets the name of key column {new!r} and differs from the "
                "record's key: remove it, or rename it",
            )
