"""MongoDB documents as Debezium writes them: text of extended JSON [mongodb-extjson]."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from connectors.errors import Rejection

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_decode = msgspec.json.Decoder().decode


def document(text: Any) -> Any:
    """The document that a text holds; None and objects as they are. Raises Rejection."""
    if text is None or isinstance(text, dict):
        return text
    try:
        return _plain(_decode(text))
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, RecursionError):
        raise Rejection(
            "debezium_document", "debezium: an image of the document is not text of extended JSON"
        ) from None


def identifier(key: Any) -> Any:
    """The record's key, `{"id": "<extended JSON>"}`, with the value of its id."""
    if isinstance(key, dict) and isinstance(key.get("id"), str):
        try:
            return {**key, "id": _plain(_decode(key["id"]))}
        except (msgspec.DecodeError, RecursionError):
            return key
    return key


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) <= 2:
        for name, convert in _TYPES.items():
            if name in value:
                try:
                    return convert(value[name])
                except (ValueError, TypeError, KeyError, OverflowError, InvalidOperation):
                    break  # a field that happens to have such a name
    return {name: _plain(item) for name, item in value.items()}


def _date(value: Any) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(timezone.utc)
    milliseconds = int(value["$numberLong"]) if isinstance(value, dict) else int(value)
    return _EPOCH + timedelta(milliseconds=milliseconds)


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
