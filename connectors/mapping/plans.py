"""Plans: how the values of one shape of record become a row, worked out once and then reused.

A shape is the field names and the Python types of their values. Most topics have a handful, so the
work that depends on names and types alone (which fields, which column types, name rules, column
counts, conversions) is done once a shape, and each record only pays for its values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Protocol

from connectors.mapping.values import IDENTITY, Converter, converter, key_converter, natural
from connectors.records import Rejection
from connectors.settings.tables import TableSettings

# (identity of the primary key, the row as a part of a request)
Encoded = tuple[bytes, bytes]
Columns = Sequence[tuple[str, str]]
Plan = Callable[[Sequence[Any], Sequence[Any]], Encoded]
# A field to take: its position in the values, and its converter or None.
Pick = tuple[int, Converter | None]


class Encoder(Protocol):
    """What plans need of the PlainBuffer encoder; both raise `refused` for what no table takes."""

    @property
    def refused(self) -> type[Exception]:
        """The encoder's own exception; its arguments begin with a short code and a text."""
        ...

    def compile_put(self, primary_key: Columns, columns: Columns) -> Callable[..., Encoded]:
        """A function of the key's and columns' values, made for these names and types."""
        ...

    def put(
        self, primary_key: Sequence[tuple[str, Any]], columns: Sequence[tuple[str, Any]]
    ) -> Encoded:
        """One row, without compiling anything."""
        ...


class Shapes:
    """The plans of a table, by shape.

    A shape is compiled when it is seen a second time, and only so many are kept: a stream whose
    every record has other names must not fill the memory.
    """

    MOST = 512

    def __init__(self, rules: TableSettings, encoder: Encoder) -> None:
        self.compiled: dict[tuple[Any, ...], Plan] = {}
        self._once: set[tuple[Any, ...]] = set()
        self._rules = rules
        self._encoder = encoder

    def plan(
        self, shape: tuple[Any, ...], names: Sequence[str], types: Sequence[type], keys: Columns
    ) -> Plan:
        """The plan for values of these names and types; `keys` as `key_fields` made them."""
        picks, columns = self._columns(names, types, {name for name, _ in keys})
        if len(self.compiled) < self.MOST and shape in self._once:
            self._once.discard(shape)
            plan = _compiled(self._encoder, keys, columns, picks, len(names))
            self.compiled[shape] = plan
            return plan
        if len(self._once) >= 4 * self.MOST:
            self._once.clear()
        self._once.add(shape)
        return _plain(self._encoder, keys, columns, picks)

    def _columns(
        self, names: Sequence[str], types: Sequence[type], keys: set[str]
    ) -> tuple[list[Pick], list[tuple[str, str]]]:
        picks: list[Pick] = []
        columns: list[tuple[str, str]] = []
        wanted = (
            None
            if self._rules.columns == "all"
            else {column.name: column.type for column in self._rules.columns}
        )
        for position, (name, found) in enumerate(zip(names, types, strict=True)):
            if found is type(None):
                continue
            if wanted is not None:
                kind: str = wanted[name]
                convert = converter(name, kind, found)
            else:
                if not isinstance(name, str):
                    raise Rejection("column_name", "a field's name is no text: name it by a str")
                if name in keys:
                    if self._rules.primary_key_mode == "kafka":
                        raise Rejection(
                            "column_is_key",
                            f"field {name!r} has the name of a key column of primary_key_mode "
                            "kafka: rename it, or list the columns to write without it",
                        )
                    continue
                kind, convert = natural(name, found)
            picks.append((position, None if convert is IDENTITY else convert))
            columns.append((name, kind))
        return picks, columns


def _compiled(
    encoder: Encoder,
    keys: Columns,
    columns: list[tuple[str, str]],
    picks: list[Pick],
    fields: int,
) -> Plan:
    encode = encoder.compile_put(keys, columns)
    if any(convert for _, convert in picks):
        return lambda key, values: encode(
            *key, *[convert(values[i]) if convert else values[i] for i, convert in picks]
        )
    if len(picks) == fields:
        return lambda key, values: encode(*key, *values)
    if len(picks) > 1:
        take = itemgetter(*[i for i, _ in picks])
        return lambda key, values: encode(*key, *take(values))
    positions = [i for i, _ in picks]
    return lambda key, values: encode(*key, *[values[i] for i in positions])


def _plain(
    encoder: Encoder, keys: Columns, columns: list[tuple[str, str]], picks: list[Pick]
) -> Plan:
    def plan(key: Sequence[Any], values: Sequence[Any]) -> Encoded:
        cells = [
            (name, convert(values[i]) if convert else values[i])
            for (name, _), (i, convert) in zip(columns, picks, strict=True)
        ]
        return encoder.put([(name, v) for (name, _), v in zip(keys, key, strict=True)], cells)

    return plan


def key_values(columns: Columns, fields: dict[str, Any], origin: str) -> list[Any]:
    """The primary key from the fields of a record's key or value. Raises Rejection."""
    values = []
    for name, kind in columns:
        try:
            value = fields[name]
        except KeyError:
            raise Rejection(
                "key_missing", f"the record's {origin} has no field {name!r}, a key column"
            ) from None
        found = type(value)
        convert = key_converter(name, kind, found)
        values.append(value if convert is IDENTITY else convert(value))
    return values
