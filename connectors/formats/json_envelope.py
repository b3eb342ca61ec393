"""JSON in which some values are in the envelope of Kafka Connect's JsonConverter.

With `format = json` an envelope stays an object of `schema` and `payload`, which the transforms
know. What its schema names becomes a value of that type: a decimal, a date, a time. All else is
what it is without a schema.
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.formats import json, semantic_types
from connectors.formats.connect_json import (
    FLOATS,
    Shape,
    envelope_of,
    payload_of,
    reader,
)
from connectors.formats.partial import (
    Convert,
    each_item,
    each_pair,
    same,
    some_fields,
    to_float,
    unless_null,
)

_known: dict[bytes, Shape] = {}


def decode(data: bytes) -> Any:
    """Decode JSON; payloads of envelopes get the types that their schemas name.

    Raises Rejection.
    """
    if b'"schema"' not in data or b'"payload"' not in data:
        return json.decode(data)
    json.check_values(data)
    try:
        envelope = envelope_of(data)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return json.decode(data)  # it is not an envelope, or not JSON
    try:
        payload = payload_of(envelope, _known, _named)
    except _NoEnvelopeError:
        return json.decode(data)
    return {"schema": _known[bytes(envelope.schema)].schema, "payload": payload}


def is_envelope(value: Any) -> bool:
    """Whether a decoded value has the fields of an envelope, and no others."""
    return type(value) is dict and len(value) == 2 and "schema" in value and "payload" in value


class _NoEnvelopeError(Exception):
    """The object has the fields of an envelope, but its schema is not one of Connect's."""


def _named(schema: Any, where: str) -> Convert:
    """The conversion of values whose types have names, which keeps all others as they are."""
    if not isinstance(schema, dict) or not isinstance(schema.get("type"), str):
        raise _NoEnvelopeError
    return _named_in(schema, where) or same


def _named_in(schema: Any, where: str) -> Convert | None:
    """The conversion of a schema; None where no type in it has a name."""
    if not isinstance(schema, dict):
        return None
    type_, name = schema.get("type"), schema.get("name")
    if not isinstance(type_, str):
        return None
    if semantic_types.convert_of(name, type_, schema.get("parameters")) is not None:
        return unless_null(reader(schema, where))
    if type_ in FLOATS:
        return to_float  # of a payload that was read as decimals
    if type_ == "array":
        item = _named_in(schema.get("items"), f"{where}'s items")
        return None if item is None else each_item(item)
    if type_ == "map":
        key = _named_in(schema.get("keys"), f"{where}'s keys")
        item = _named_in(schema.get("values"), f"{where}'s values")
        return None if key is None and item is None else each_pair(key or same, item or same)
    fields = schema.get("fields")
    if type_ != "struct" or not isinstance(fields, list):
        return None
    converters = {
        field["field"]: convert
        for field in fields
        if isinstance(field, dict)
        and isinstance(field.get("field"), str)
        and (convert := _named_in(field, f"field {field['field']!r}")) is not None
    }
    return some_fields(converters) if converters else None
