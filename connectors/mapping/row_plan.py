"""Row plans: which values of a record become key columns and columns, by which conversion.

A plan depends only on the names and types of a record's fields, so it is made once per shape
(shape_cache.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from connectors.errors import Rejection
from connectors.mapping.column_names import rewritten
from connectors.mapping.conversions.column_types import IDENTITY, Conversions, Converter
from connectors.mapping.encoder import Columns
from connectors.records import UNAVAILABLE, Absent
from connectors.settings.tables import NAME, SEARCH_TIMESTAMP, TableSettings
from connectors.settings.tablestore_limits import MAX_COLUMNS

# A value to take: its position among the arguments, and its converter or None.
Pick = tuple[int, Converter | None]

_NULL, _UNAVAILABLE = type(None), type(UNAVAILABLE)


class RowPlan(NamedTuple):
    """How the values of one shape become a row."""

    picks: list[Pick]
    """The values of the key columns, then those of `columns`."""
    columns: list[tuple[str, str]]
    """Name and type of the columns that are written."""
    deleted: tuple[str, ...]
    """The columns that are deleted."""


class RowPlanner:
    """Makes the row plans of one table."""

    def __init__(
        self, rules: TableSettings, generated: Any, json_only: bool, changed: bool
    ) -> None:
        """`generated` is the encoder's value of a key column that the service chooses.

        `json_only`, `changed`: as `plain` and `changed` of `Conversions`.
        """
        self._rules = rules
        self._generated = generated
        self._conversions = Conversions(rules, json_only, changed)
        self.rewrites = rules.column_names == "rewrite"
        self.keys = [
            (name, "integer" if key_type == "auto_increment" else key_type)
            for name, key_type in rules.key_columns
        ]
        """Name and type of the key columns, as the encoder knows types."""
        # (name, type, whether the service can generate it)
        self._key_columns = [
            (name, key_type, configured == "auto_increment")
            for (name, key_type), (_, configured) in zip(self.keys, rules.key_columns, strict=True)
        ]
        self._key_names = {name for name, _ in self.keys}
        self.key_in_value = rules.key_mode.key_from == "value"
        """Whether the key columns are fields of the value."""
        self._versioned = rules.version != "none"
        self._updates = self._versioned or rules.insert_mode == "update"
        self._listed: dict[str, str] | None = None
        if rules.columns != "all":
            self._listed = {column.name: column.type for column in rules.columns}
            if rules.search_timestamp != "none":
                self._listed[SEARCH_TIMESTAMP] = "integer"
        self.fields: tuple[str, ...] | None = None
        """The fields to take from a value, in the order of the columns; None: all that it has."""
        if self._listed is not None and not self.rewrites:
            keys = [name for name, _ in self.keys] if self.key_in_value else []
            self.fields = (*keys, *self._listed)

    def plan(self, names: tuple[str, ...], types: Sequence[type], leading: int) -> RowPlan:
        """The plan for fields of these names and types, after `leading` key values from elsewhere.

        Raises Rejection for a shape that cannot be a row.
        """
        if self.rewrites:
            used = None if self._listed is None else {*self._listed, *self._key_names}
            names = rewritten(names, used)
        keys = self._key_picks(names, types, leading)
        picks, columns = self._column_picks(names, types, leading)
        deleted = self._deleted(names, types)
        if not columns and not deleted:
            self._check_empty(names, types)
        return RowPlan(keys + picks, columns, deleted)

    def key_values(self, fields: dict[str, Any], origin: str = "key") -> tuple[Any, ...]:
        """The primary key from the fields of a record's key or value. Raises Rejection."""
        values = []
        for name, key_type, generated in self._key_columns:
            if name not in fields:
                if not generated:
                    raise _missing_key(name, origin)
                values.append(self._generated)
                continue
            value = fields[name]
            values.append(self._conversions.key_converter(name, key_type, type(value))(value))
        return (*values,)

    def key_converters(self, types: Sequence[type]) -> tuple[Converter, ...]:
        """What converts the key columns from values of these types; empty where nothing must be."""
        made = [
            self._conversions.key_converter(name, key_type, found)
            for (name, key_type, _), found in zip(self._key_columns, types, strict=True)
        ]
        return () if all(convert is IDENTITY for convert in made) else (*made,)

    def _key_picks(self, names: tuple[str, ...], types: Sequence[type], leading: int) -> list[Pick]:
        if not self.key_in_value:
            return [(position, None) for position in range(leading)]
        picks: list[Pick] = []
        for name, key_type, generated in self._key_columns:
            position = names.index(name) if name in names else -1
            if position < 0 or types[position] is Absent:
                if not generated:
                    raise _missing_key(name, "value")
                # It is never the first key column, so the first argument can stand in for it.
                picks.append((0, lambda _: self._generated))
                continue
            convert = self._conversions.key_converter(name, key_type, types[position])
            picks.append((leading + position, None if convert is IDENTITY else convert))
        return picks

    def _column_picks(
        self, names: tuple[str, ...], types: Sequence[type], leading: int
    ) -> tuple[list[Pick], list[tuple[str, str]]]:
        picks: list[Pick] = []
        columns: list[tuple[str, str]] = []
        for position, (name, found) in enumerate(zip(names, types, strict=True), leading):
            if found is Absent or (found is _NULL and not self._rules.deletes_columns):
                continue
            if not isinstance(name, str):
                raise Rejection("column_name", "a field's name is not text: use a str")
            if found is _NULL:
                continue
            if name in self._key_names:
                self._check_key_name(name)
                continue
            if self._listed is not None and name not in self._listed:
                continue
            if found is _UNAVAILABLE:
                if self._updates:
                    continue
                raise _unavailable(name)
            if self._listed is None:
                column_type, convert = self._conversions.natural(name, found)
            else:
                column_type = self._listed[name]
                convert = self._conversions.converter(name, column_type, found)
            picks.append((position, None if convert is IDENTITY else convert))
            columns.append((name, column_type))
        _check_columns(columns)
        return picks, columns

    def _check_key_name(self, name: str) -> None:
        """Raise Rejection if a field has the name of a key column but is not that key column."""
        if self._rules.key_mode.key_from == "coordinates" and self._listed is None:
            raise Rejection(
                "column_is_key",
                f"field {name!r} has the name of a key column of primary_key_mode "
                f"{self._rules.primary_key_mode}: rename it, or list the columns to write without "
                "it",
            )

    def _deleted(self, names: tuple[str, ...], types: Sequence[type]) -> tuple[str, ...]:
        """The columns that a record of this shape deletes: those whose fields are null."""
        if not self._rules.deletes_columns:
            return ()
        deleted = [
            name
            for name, found in zip(names, types, strict=True)
            if found is _NULL
            and name not in self._key_names
            and (self._listed is None or name in self._listed)
        ]
        _check_columns([(name, "") for name in deleted])
        return (*deleted,)

    def _check_empty(self, names: tuple[str, ...], types: Sequence[type]) -> None:
        """Raise Rejection if there is nothing to write. A put may write the key alone."""
        if self._updates:
            why = (
                "a row with versions needs at least one"
                if self._versioned
                else "an update writes columns"
            )
            raise Rejection("no_columns", f"no column has a value, and {why}")
        if self.key_in_value and not any(
            name not in self._key_names and found is not Absent
            for name, found in zip(names, types, strict=True)
        ):
            raise Rejection(
                "no_columns",
                "the record has no field but those of the primary key: there is nothing to write",
            )


def _check_columns(columns: Columns) -> None:
    """Raise Rejection for too many columns, or a name that no column can have [limits]."""
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
                f"the name of column number {number} ({len(name)} characters) is not legal: 1 to "
                "255 of A-Z a-z 0-9 _, not starting with a digit; rename the field, or list the "
                "columns to write without it",
            )


def _unavailable(name: str) -> Rejection:
    return Rejection(
        "value_unavailable",
        f"column {name!r}: its source did not send the value, and a put would lose the stored one: "
        'set insert_mode = "update"',
    )


def _missing_key(name: str, origin: str) -> Rejection:
    return Rejection("key_missing", f"the record's {origin} has no field {name!r}, a key column")
