"""A step of a user's, as it is measured."""

from __future__ import annotations

from connectors import Record


def with_total(record: Record) -> Record:
    """Add a field that is made of others."""
    value = record.value
    return record.with_value({**value, "total": value["amount"] * value["items"]})
