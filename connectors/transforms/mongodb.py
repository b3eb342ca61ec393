"""MongoDB documents as Debezium writes them: text of extended JSON [mongodb-extjson]."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.errors import Rejection
from connectors.records import exact_time
from connectors.records.exact_time import ExactTime
from connectors.transforms.json_text import UNDECODABLE, decode
from connectors.transforms.times import instant_of_text


def document(text: Any) -> Any:
    """The document that a text holds; None and objects as they are. Raises Rejection."""
    if text is None or isinstance(text, dict):
        return text
    try:
        return _plain(decode(text))
    except UNDECODABLE:
        raise Rejection(
            "debezium_document", "debezium: an image of the document is not text of extended JSON"
        ) from None


def identifier(key: Any) -> Any:
    """The record's key, `{"id": "<extended JSON>"}`, with the value of its id."""
    if isinstance(key, dict) and isinstance(key.get("id"), str):
        try:
            return {**key, "id": _plain(decode(key["id"]))}
        except UNDECODABLE:
            return key
    return key


def changed_fields(described: dict[str, Any], deletes_columns: bool) -> dict[str, Any]:
    """The fields that an `updateDescription` sets; those that it removes are None.

    Raises Rejection for a change that no row can follow: of a part of a field, or of a field that
    is gone or null while the table's rules (`deletes_columns`) leave its column.
    """
    if described.get("truncatedArrays"):
        raise _partial("the update cut an array, of which the event has only the new length")
    fields = document(described.get("updatedFields")) or {}
    removed = described.get("removedFields") or ()
    if not isinstance(fields, dict) or not isinstance(removed, (list, tuple)):
        raise Rejection("debezium_envelope", "debezium: updateDescription has no fields")
    names = [*fields, *removed]
    if not all(isinstance(name, str) for name in names):
        raise Rejection("debezium_envelope", "debezium: updateDescription names no fields")
    if any("." in name for name in names):
        raise _partial("the update changed a part of a field, and a column is written as a whole")
    if removed and not deletes_columns:
        raise _partial(
            "the update removed a field, and the table's delete_mode leaves its column (column "
            "and row_and_column delete it)"
        )
    if None in fields.values() and not deletes_columns:
        raise _partial(
            "the update set a field to null, and the table's delete_mode leaves its column "
            "(row_and_column deletes it)"
        )
    return {**fields, **dict.fromkeys(removed)}


def _partial(what: str) -> Rejection:
    return Rejection(
        "debezium_partial",
        f"debezium: {what}: set Debezium's capture.mode to change_streams_update_full",
    )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    name = next(iter(value), "")
    if name in _TYPES and (len(value) == 1 or value.keys() == {"$binary", "$type"}):
        try:
            return _TYPES[name](value[name])
        except (ValueError, TypeError, KeyError, OverflowError, InvalidOperation):
            pass  # an ordinary field of that name
    return {name: _plain(item) for name, item in value.items()}


def _date(value: Any) -> datetime | ExactTime:
    if isinstance(value, str):
        return instant_of_text(value)
    return exact_time.instant_of_ms(int(value["$numberLong"] if isinstance(value, dict) else value))


def _binary(value: Any) -> bytes:
    text = value["base64"] if isinstance(value, dict) else value
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


_TYPES: dict[str, Callable[[Any], Any]] = {
    "$oid": _text,
    "$numberLong": int,
    "$numberInt": int,
    "$numberDouble": float,
    "$numberDecimal": Decimal,
    "$date": _date,
    "$binary": _binary,
    "$uuid": _text,
    "$symbol": _text,
}
