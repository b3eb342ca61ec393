"""The keys of rows that one record becomes: each has one of its own, or the start is refused."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.settings.tables import NAME, TableSettings
from connectors.settings.tablestore_limits import MAX_KEY_COLUMNS


def element_problem(rules: TableSettings) -> str | None:
    """Why the elements of a list cannot have keys of their own in a table; None where they can."""
    if rules.mode == "timeseries" or rules.key_mode.key_from == "value":
        return None
    return (
        'explode: key = "element" needs primary_key_mode record_value: take that, or key = "index"'
    )


def index_problem(index: str, rules: TableSettings) -> str | None:
    """Why the position `index` tells no rows of a record apart in a table; None where it does."""
    if rules.mode == "timeseries":
        points = rules.timeseries
        if index in (*points.tags, points.measurement_field, points.data_source_field):
            return None
        return (
            f"explode: points have no key column for the position: list {index!r} in tags of "
            '[table.timeseries], or set key = "element" and give elements times or tags of their '
            "own"
        )
    names = [name for name, _ in rules.key_columns]
    if rules.key_mode.key_from == "coordinates":
        return _behind_coordinates(index, rules, names)
    if index in names:
        return None
    return (
        f"explode: {index!r} is not a column of primary_key, so elements of a record would "
        'overwrite each other: add it there (integer), or set key = "element"'
    )


def _behind_coordinates(index: str, rules: TableSettings, names: Sequence[str]) -> str | None:
    """Why the position cannot be a column of the key, which has these names."""
    if not NAME.fullmatch(index):
        return (
            "explode: index is the name of a key column: 1 to 255 of A-Z a-z 0-9 _, not starting "
            "with a digit"
        )
    if index not in names:
        return (
            f"explode: no topic of this table is exploded, so its key has no column {index!r}: "
            "widen topics of the transform, or name another table"
        )
    listed = () if rules.columns == "all" else [column.name for column in rules.columns]
    if names.count(index) > 1 or index in listed:
        return (
            f"explode: there is a column {index!r} already, which cannot be the one of the "
            "position too: give index another name"
        )
    if len(names) > MAX_KEY_COLUMNS:
        return (
            f"explode: with primary_key_mode {rules.primary_key_mode} and a position for each "
            f"index the key has more than {MAX_KEY_COLUMNS} columns: take primary_key_mode kafka, "
            "or record_value with the fields of your choice"
        )
    return None
