"""The table that a record itself names, by a field of its value or by a header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.errors import Rejection
from connectors.records import Record
from connectors.settings.tables import MappingSettings

# The table that a record names; None: it goes where its topic goes. Raises Rejection.
Router = Callable[[Record], str | None]


def router(mapping: MappingSettings) -> Router | None:
    """The function that finds the table; None where no field or header names it."""
    if mapping.route_field is not None:
        path = mapping.route_field
        return _among(mapping, f"field {path!r}", lambda record: _field(record.value, path))
    if mapping.route_header is not None:
        name = mapping.route_header
        return _among(mapping, f"header {name!r}", lambda record: _header(record, name))
    return None


def _among(mapping: MappingSettings, origin: str, found: Callable[[Record], Any]) -> Router:
    tables = {name: name for name in mapping.route_tables}
    missing = mapping.route_missing == "reject"

    def route(record: Record) -> str | None:
        name = found(record)
        if name is None:
            if missing:
                raise Rejection(
                    "route_missing",
                    f"{origin}, which names the record's table, is null or absent "
                    '(mapping.route_missing = "topic" would take the table of its topic)',
                )
            return None
        table = tables.get(name) if isinstance(name, str) else None
        if table is None:
            # What it names may be data: it is not told.
            raise Rejection(
                "route_unknown",
                f"{origin} names a table that is not on mapping.route_tables: add that, or "
                "correct the producer",
            )
        return table

    return route


def _header(record: Record, name: str) -> str | None:
    """The last header of a name; None when there is none, or it is null."""
    for found, value in reversed(record.headers):
        if found == name:
            if value is None:
                return None
            try:
                return value.decode()
            except UnicodeDecodeError:
                return ""  # the name of no table
    return None


def _field(value: Any, path: str) -> Any:
    """The field at a dotted path; a field whose own name holds the dots wins."""
    if not isinstance(value, dict):
        return None
    if path in value:
        return value[path]
    dot = path.find(".")
    while dot >= 0:
        if path[:dot] in value:
            found = _field(value[path[:dot]], path[dot + 1 :])
            if found is not None:
                return found
        dot = path.find(".", dot + 1)
    return None
