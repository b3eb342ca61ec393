"""Plans: how the values of one shape of record become a row, worked out once and then reused.

A shape is the field names and the Python types of their values. Most topics have a handful, so the
work that depends on names and types alone (which fields, which column types, name rules, column
counts, conversions) is done once a shape, and each record only pays for its values.

While all records of the same names have had the same types, their encoder is called at once: it
looks at types itself, and what it refuses takes the longer way. Values that need no conversion and
no choosing thus cost one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Protocol

from connectors.mapping.names import rewritten
from connectors.mapping.values import IDENTITY, Conversions, Converter
from connectors.records import Rejection
from connectors.settings.tables import NAME, TableSettings

# Attribute columns a row write, the service's limit.
MOST_ATTRIBUTES = 1024

# (identity of the primary key, the row as a part of a request)
Encoded = tuple[bytes, bytes]
Columns = Sequence[tuple[str, str]]
Encode = Callable[..., Encoded]
# A value to take: its position among the arguments, and its converter or None.
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
    """Makes rows of one table from (leading values, record value), by shape.

    The leading values are key columns that are not fields of the value. A shape is compiled when it
    is seen a second time, and only so many are kept: a stream whose every record has other names
    must not fill the memory.
    """

    MOST = 512
    # Of all compiled shapes of the table together.
    MOST_COLUMNS = 40_000

    def __init__(self, rules: TableSettings, encoder: Encoder, plain: bool = True) -> None:
        """`plain`: values hold nothing but what JSON has."""
        self._rules = rules
        self.conversions = Conversions(rules, plain)
        self._rewrites = rules.column_names == "rewrite"
        self._encoder = encoder
        self._keys = rules.key_columns
        self.refused = encoder.refused
        self._key_in_value = rules.primary_key_mode == "record_value"
        self._listed: dict[str, str] | None = None
        if rules.columns != "all":
            self._listed = {column.name: column.type for column in rules.columns}
        self._plans: dict[tuple[Any, ...], Encode] = {}
        self._columns = 0
        # Hashes of shapes seen once; one that is taken for another is only compiled early.
        self._once: set[int] = set()
        # Names -> their only plan, as long as it takes all values as they are.
        self.direct: dict[tuple[str, ...], Encode] = {}
        self._several: set[tuple[str, ...]] = set()

    @property
    def fields(self) -> tuple[str, ...] | None:
        """The fields to take from a value, absent ones as None; None: all that it has."""
        if self._listed is None or self._rewrites:
            return None
        keys = [name for name, _ in self._keys] if self._key_in_value else []
        return (*keys, *self._listed)

    def row(
        self, leading: tuple[Any, ...], names: tuple[str, ...], values: Sequence[Any]
    ) -> Encoded:
        """The row of a record. Raises Rejection, or what the encoder refuses."""
        direct = self.direct.get(names)
        if direct is not None:
            try:
                return direct(*leading, *values)
            except self.refused:
                pass  # perhaps other types than before
        shape = (names, *map(type, values))
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plan(shape, names, [*map(type, values)], len(leading))
        return plan(*leading, *values)

    def _plan(
        self, shape: tuple[Any, ...], names: tuple[str, ...], types: Sequence[type], leading: int
    ) -> Encode:
        if self._rewrites:
            used = None if self._listed is None else {*self._listed, *dict(self._keys)}
            names = rewritten(names, used)
        keys = self._key_picks(names, types, leading)
        picks, columns = self._column_picks(names, types, leading)
        picks = keys + picks
        full = len(self._plans) >= self.MOST or self._columns + len(picks) > self.MOST_COLUMNS
        if full or hash(shape) not in self._once:
            if len(self._once) >= 4 * self.MOST:
                self._once.clear()
            self._once.add(hash(shape))
            return _plain(self._encoder, self._keys, columns, picks)
        self._columns += len(picks)
        encode = self._encoder.compile_put(self._keys, columns)
        plan = _arranged(encode, picks, leading + len(names))
        self._plans[shape] = plan
        # The encoder looks at types, but not at what it is not given: only a plan that takes every
        # value as it is may be called for other values of the same names.
        takes_all = len(picks) == leading + len(names) and not any(c for _, c in picks)
        own = shape[0]
        if not takes_all or own in self.direct or own in self._several:
            self._several.add(own)
            self.direct.pop(own, None)
        else:
            self.direct[own] = plan
        return plan

    def _key_picks(self, names: tuple[str, ...], types: Sequence[type], leading: int) -> list[Pick]:
        if not self._key_in_value:
            return [(position, None) for position in range(leading)]
        picks: list[Pick] = []
        for name, kind in self._keys:
            if name not in names:
                raise missing_key(name, "value")
            position = names.index(name)
            convert = self.conversions.key_converter(name, kind, types[position])
            picks.append((leading + position, None if convert is IDENTITY else convert))
        return picks

    def _column_picks(
        self, names: tuple[str, ...], types: Sequence[type], leading: int
    ) -> tuple[list[Pick], list[tuple[str, str]]]:
        picks: list[Pick] = []
        columns: list[tuple[str, str]] = []
        keys = {name for name, _ in self._keys}
        for position, (name, found) in enumerate(zip(names, types, strict=True), leading):
            if found is type(None):
                continue
            if not isinstance(name, str):
                raise Rejection("column_name", "a field's name is no text: name it by a str")
            if name in keys:
                if self._rules.primary_key_mode == "kafka":
                    raise Rejection(
                        "column_is_key",
                        f"field {name!r} has the name of a key column of primary_key_mode kafka: "
                        "rename it, or list the columns to write without it",
                    )
                continue
            if self._listed is None:
                kind, convert = self.conversions.natural(name, found)
            elif name in self._listed:
                kind = self._listed[name]
                convert = self.conversions.converter(name, kind, found)
            else:
                continue
            picks.append((position, None if convert is IDENTITY else convert))
            columns.append((name, kind))
        _check_columns(columns)
        return picks, columns


def _check_columns(columns: Columns) -> None:
    """Raise Rejection for what depends on the shape alone, whatever way the row then takes."""
    if len(columns) > MOST_ATTRIBUTES:
        raise Rejection(
            "column_count",
            f"the record has {len(columns)} columns, and a row at most {MOST_ATTRIBUTES}: list the "
            "columns to write, or nest some",
        )
    for number, (name, _) in enumerate(columns, 1):
        if not NAME.fullmatch(name):
            # Such a name may be data, a mail address used as a key for example: it is not told.
            raise Rejection(
                "column_name",
                f"the name of column number {number} ({len(name)} characters) is no column name: 1 "
                "to 255 of A-Z a-z 0-9 _, not starting with a digit; rename the field, or list the "
                "columns to write without it",
            )


def _arranged(encode: Encode, picks: list[Pick], arguments: int) -> Encode:
    """The encoder, with the arguments put into its order and converted where that is needed."""
    if any(convert for _, convert in picks):
        return lambda *values: encode(
            *[convert(values[i]) if convert else values[i] for i, convert in picks]
        )
    positions = [position for position, _ in picks]
    if positions == [*range(arguments)]:
        return encode
    if len(positions) > 1:
        take = itemgetter(*positions)
        return lambda *values: encode(*take(values))
    return lambda *values: encode(values[positions[0]])


def _plain(encoder: Encoder, keys: Columns, columns: Columns, picks: list[Pick]) -> Encode:
    """The same without compiling, for a shape that may never come again."""
    names = [name for name, _ in (*keys, *columns)]

    def encode(*values: Any) -> Encoded:
        taken = [
            (name, convert(values[i]) if convert else values[i])
            for name, (i, convert) in zip(names, picks, strict=True)
        ]
        return encoder.put(taken[: len(keys)], taken[len(keys) :])

    return encode


def missing_key(name: str, origin: str) -> Rejection:
    """The rejection of a record without a key field."""
    return Rejection("key_missing", f"the record's {origin} has no field {name!r}, a key column")


def key_values(
    columns: Columns, fields: dict[str, Any], conversions: Conversions
) -> tuple[Any, ...]:
    """The primary key from the fields of a record's key. Raises Rejection."""
    values = []
    for name, kind in columns:
        if name not in fields:
            raise missing_key(name, "key")
        value = fields[name]
        values.append(conversions.key_converter(name, kind, type(value))(value))
    return tuple(values)
