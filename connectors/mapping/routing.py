"""Routing: the table that a record itself names, by a field of its value or by a header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.errors import Rejection
from connectors.records import Record, field_path
from connectors.settings.mapping import MappingSettings

# From a record to the table that it names; None for that of its topic. Raises Rejection.
Router = Callable[[Record], str | None]


def router(mapping: MappingSettings, *, partial_deletes: bool = False) -> Router | None:
    """The function from a record to its table; None if no field or header names tables.

    `partial_deletes`: a delete may lack fields that its row has, so a missing field is not the same
    as none.
    """
    if mapping.route_field is not None:
        path = mapping.route_field
        return _among(
            mapping,
            f"field {path!r}",
            lambda record: _field(record.value, path),
            partial_deletes=partial_deletes,
        )
    if mapping.route_header is not None:
        name = mapping.route_header
        return _among(mapping, f"header {name!r}", lambda record: _header(record, name))
    return None


def _among(
    mapping: MappingSettings,
    origin: str,
    found: Callable[[Record], Any],
    *,
    partial_deletes: bool = False,
) -> Router:
    tables = {name: name for name in mapping.route_tables}
    missing = mapping.route_missing == "reject"

    def route(record: Record) -> str | None:
        name = found(record)
        if name is None:
            if partial_deletes and record.change == "delete":
                raise Rejection(
                    "route_missing",
                    f"{origin}, which names the record's table, is null or absent in a delete, "
                    "whose image of the row may be partial: let Debezium's key hold the field "
                    '(message.key.columns), set before_images = "whole" where the source sends '
                    "whole images, or route by a header or an inserted field of the event",
                )
            if missing:
                raise Rejection(
                    "route_missing",
                    f"{origin}, which names the record's table, is null or absent "
                    '(mapping.route_missing = "topic" would take the table of its topic)',
                )
            return None
        table = tables.get(name) if isinstance(name, str) else None
        if table is None:
            # The name may be personal data: it is never put into the reason.
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
                return ""  # not the name of a table
    return None


def _field(value: Any, path: str) -> Any:
    """The field at a dotted path; None when it is null or absent."""
    found = field_path.get(value, path)
    return None if found is field_path.MISSING else found
