"""The shape cache: how values of one shape become a row is planned once and then reused.

A shape is the field names and the Python types of their values. Most topics have a handful, so the
work that depends on names and types alone (which fields, which column types, name rules, column
counts, conversions) is done once a shape, and each record only pays for its values.

While all records of the same names have had the same types, their compiled encoder is called
without looking at the types (`direct`): it checks them itself, and a value of another type makes it
raise, after which the shape is looked up. Values that need no conversion thus cost one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Protocol

from connectors.errors import Rejection
from connectors.mapping.column_names import rewritten
from connectors.mapping.conversions.column_types import IDENTITY, Conversions, Converter
from connectors.records import UNAVAILABLE, Absent, Operation
from connectors.settings.tables import NAME, SEARCH_TIMESTAMP, TableSettings
from connectors.settings.tablestore_limits import MAX_COLUMNS

# (identity of the primary key, the row as a part of a request, what it does)
Encoded = tuple[bytes, bytes, Operation]
Columns = Sequence[tuple[str, str]]
Encode = Callable[..., Encoded]
# A value to take: its position among the arguments, and its converter or None.
Pick = tuple[int, Converter | None]


_NULL, _UNAVAILABLE = type(None), type(UNAVAILABLE)


class Encoder(Protocol):
    """What the mapping needs of the PlainBuffer encoder.

    Its methods raise `error` for a value that no table takes.
    """

    # The value of a key column that the service chooses.
    generated: Any

    @property
    def error(self) -> type[Exception]:
        """The encoder's own exception; its arguments begin with a short code and a text."""
        ...

    def compile_row(
        self, operation: Operation, primary_key: Columns, columns: Columns
    ) -> Callable[..., Encoded]:
        """A function of the key's and columns' values, made for these names and types."""
        ...

    def row(
        self,
        operation: Operation,
        primary_key: Sequence[tuple[str, Any]],
        columns: Sequence[tuple[str, Any]] = (),
        deleted: Sequence[str] = (),
        version: int | None = None,
    ) -> Encoded:
        """One row, without compiling anything, with cells of a version and columns to delete."""
        ...


class ShapeCache:
    """Makes rows of one table from (leading values, record value), by shape.

    The leading values are key columns that are not fields of the value. A shape is compiled when it
    is seen a second time, and only so many are kept: a stream whose every record has other names
    must not fill the memory.
    """

    MAX_SHAPES = 512
    # Of all compiled shapes of the table together.
    MAX_CACHED_COLUMNS = 40_000

    def __init__(
        self,
        rules: TableSettings,
        encoder: Encoder,
        json_only: bool = True,
        changed: bool = False,
    ) -> None:
        """`json_only`, `changed`: as `plain` and `changed` of `Conversions`."""
        self._rules = rules
        self.conversions = Conversions(rules, json_only, changed)
        self._rewrites = rules.column_names == "rewrite"
        self._encoder = encoder
        self.keys = rules.key_columns
        # As the encoder knows them.
        self._keys = [
            (name, "integer" if key_type == "auto_increment" else key_type)
            for name, key_type in self.keys
        ]
        self.generated = encoder.generated
        self.error = encoder.error
        self._key_in_value = rules.key_mode.key_from == "value"
        self._versioned = rules.version != "none"
        # A put takes the whole row with it, newer versions too: with versions it only sets columns.
        self.operation: Operation = "update" if self._versioned else rules.insert_mode
        self._plain = not (self._versioned or rules.generates_keys)
        # Whether a null field means something else than an absent one.
        self.null_differs_from_absent = (
            rules.deletes_columns or rules.generates_keys or self._key_in_value
        )
        self._listed: dict[str, str] | None = None
        if rules.columns != "all":
            self._listed = {column.name: column.type for column in rules.columns}
            if rules.search_timestamp != "none":
                self._listed[SEARCH_TIMESTAMP] = "integer"
        # The fields to take from a value, in the order of the columns; None: all that it has.
        self.fields: tuple[str, ...] | None = None
        if self._listed is not None and not self._rewrites:
            keys = [name for name, _ in self._keys] if self._key_in_value else []
            self.fields = (*keys, *self._listed)
        self._plans: dict[tuple[Any, ...], Encode] = {}
        self._columns = 0
        # Hashes of shapes seen once; a collision only compiles one early.
        self._seen_once: set[int] = set()
        # Names -> their only plan, as long as it takes all values as they are.
        self.direct: dict[tuple[str, ...], Encode] = {}
        self._several: set[tuple[str, ...]] = set()

    @property
    def has_fast_path(self) -> bool:
        """Whether a row is made of nothing but the key and the values, by compiled code."""
        return self._plain and not self._rules.deletes_columns

    def delete(self, key: Sequence[Any]) -> Encoded:
        """The deletion of a row by its key. Raises the encoder's own exception."""
        names = [name for name, _ in self._keys]
        return self._encoder.row("delete", [*zip(names, key, strict=True)])

    def row(
        self,
        leading: tuple[Any, ...],
        names: tuple[str, ...],
        values: Sequence[Any],
        version: int | None = None,
    ) -> Encoded:
        """The row of a record, its cells of a version in ms since 1970.

        Raises Rejection, or the encoder's own exception.
        """
        direct = self.direct.get(names)
        if direct is not None:
            try:
                return direct(*leading, *values)
            except self.error:
                pass  # perhaps other types than before
        shape = (names, *map(type, values))
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plan(shape, names, [*map(type, values)], len(leading))
        if self._versioned:
            return plan(*leading, *values, version=version)
        return plan(*leading, *values)

    def _plan(
        self, shape: tuple[Any, ...], names: tuple[str, ...], types: Sequence[type], leading: int
    ) -> Encode:
        if self._rewrites:
            used = None if self._listed is None else {*self._listed, *dict(self._keys)}
            names = rewritten(names, used)
        keys = self._key_picks(names, types, leading)
        picks, columns = self._column_picks(names, types, leading)
        deleted = self._deleted(names, types)
        if not columns and not deleted:
            self._check_empty(names, types)
        picks = keys + picks
        full = (
            len(self._plans) >= self.MAX_SHAPES
            or self._columns + len(picks) > self.MAX_CACHED_COLUMNS
        )
        if full or hash(shape) not in self._seen_once:
            if len(self._seen_once) >= 4 * self.MAX_SHAPES:
                self._seen_once.clear()
            self._seen_once.add(hash(shape))
            return self._uncompiled(columns, picks, deleted)
        self._columns += len(picks)
        if deleted or not self._plain:
            self._plans[shape] = plan = self._uncompiled(columns, picks, deleted)
            return plan
        encode = self._encoder.compile_row(self.operation, self._keys, columns)
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
        for (name, key_type), (_, wanted) in zip(self._keys, self.keys, strict=True):
            position = names.index(name) if name in names else -1
            if position < 0 or types[position] is Absent:
                if wanted != "auto_increment":
                    raise missing_key(name, "value")
                # It is never the first key column, so the first argument can stand in for it.
                picks.append((0, lambda _: self.generated))
                continue
            convert = self.conversions.key_converter(name, key_type, types[position])
            picks.append((leading + position, None if convert is IDENTITY else convert))
        return picks

    def _column_picks(
        self, names: tuple[str, ...], types: Sequence[type], leading: int
    ) -> tuple[list[Pick], list[tuple[str, str]]]:
        picks: list[Pick] = []
        columns: list[tuple[str, str]] = []
        keys = {name for name, _ in self._keys}
        for position, (name, found) in enumerate(zip(names, types, strict=True), leading):
            if found is Absent or (found is _NULL and not self._rules.deletes_columns):
                continue
            if not isinstance(name, str):
                raise Rejection("column_name", "a field's name is no text: name it by a str")
            if found is _NULL:
                continue
            if name in keys:
                if self._rules.key_mode.key_from == "coordinates" and self._listed is None:
                    raise Rejection(
                        "column_is_key",
                        f"field {name!r} has the name of a key column of primary_key_mode "
                        f"{self._rules.primary_key_mode}: "
                        "rename it, or list the columns to write without it",
                    )
                continue
            if self._listed is not None and name not in self._listed:
                continue
            if found is _UNAVAILABLE:
                if self._rules.insert_mode == "update" or self._versioned:
                    continue
                raise _unavailable(name)
            if self._listed is None:
                column_type, convert = self.conversions.natural(name, found)
            else:
                column_type = self._listed[name]
                convert = self.conversions.converter(name, column_type, found)
            picks.append((position, None if convert is IDENTITY else convert))
            columns.append((name, column_type))
        _check_columns(columns)
        return picks, columns

    def _deleted(self, names: tuple[str, ...], types: Sequence[type]) -> tuple[str, ...]:
        """The columns that a record of this shape deletes: those that it says are null."""
        if not self._rules.deletes_columns:
            return ()
        keys = {name for name, _ in self._keys}
        gone = [
            name
            for name, found in zip(names, types, strict=True)
            if found is _NULL
            and name not in keys
            and (self._listed is None or name in self._listed)
        ]
        _check_columns([(name, "") for name in gone])
        return (*gone,)

    def _check_empty(self, names: tuple[str, ...], types: Sequence[type]) -> None:
        """Raise Rejection where there is nothing to write. A put may leave the key alone."""
        if self.operation == "update":
            why = (
                "a row with versions cannot be without one"
                if self._versioned
                else "an update writes columns"
            )
            raise Rejection("no_columns", f"no column has a value, and {why}")
        keys = {name for name, _ in self._keys}
        if self._key_in_value and not any(
            name not in keys and found is not Absent
            for name, found in zip(names, types, strict=True)
        ):
            raise Rejection(
                "no_columns",
                "the record has no field but those of the primary key: there is nothing to write",
            )

    def _uncompiled(self, columns: Columns, picks: list[Pick], deleted: Sequence[str]) -> Encode:
        """The same without compiling, for a shape that may never come again.

        Also for rows in which more than the values differs.
        """
        names = [name for name, _ in (*self._keys, *columns)]
        keys, operation, row = len(self._keys), self.operation, self._encoder.row

        def encode(*values: Any, version: int | None = None) -> Encoded:
            taken = [
                (name, convert(values[i]) if convert else values[i])
                for name, (i, convert) in zip(names, picks, strict=True)
            ]
            return row(operation, taken[:keys], taken[keys:], deleted, version)

        return encode


def _check_columns(columns: Columns) -> None:
    """Raise Rejection for what depends on the shape alone."""
    if len(columns) > MAX_COLUMNS:
        raise Rejection(
            "column_count",
            f"the record has {len(columns)} columns, and a row at most {MAX_COLUMNS}: list the "
            "columns to write, or nest some",
        )
    for number, (name, _) in enumerate(columns, 1):
        if not NAME.fullmatch(name):
            # Field names may be personal data: they are never put into the reason.
            raise Rejection(
                "column_name",
                f"the name of column number {number} ({len(name)} characters) is no column name: 1 "
                "to 255 of A-Z a-z 0-9 _, not starting with a digit; rename the field, or list the "
                "columns to write without it",
            )


def _arranged(encode: Encode, picks: list[Pick], arguments: int) -> Encode:
    """The encoder behind the arrangement and the conversions of its arguments."""
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


def _unavailable(name: str) -> Rejection:
    return Rejection(
        "value_unavailable",
        f"column {name!r}: its source did not send the value, and a put would lose the one that is "
        'there: set insert_mode = "update"',
    )


def missing_key(name: str, origin: str) -> Rejection:
    """The rejection of a record without a key field."""
    return Rejection("key_missing", f"the record's {origin} has no field {name!r}, a key column")


def key_values(shapes: ShapeCache, fields: dict[str, Any], origin: str = "key") -> tuple[Any, ...]:
    """The primary key from the fields of a record's key or value. Raises Rejection."""
    values = []
    for name, key_type in shapes.keys:
        if name not in fields:
            if key_type != "auto_increment":
                raise missing_key(name, origin)
            values.append(shapes.generated)
            continue
        value = fields[name]
        wanted = "integer" if key_type == "auto_increment" else key_type
        values.append(shapes.conversions.key_converter(name, wanted, type(value))(value))
    return (*values,)
