"""Avro: values by their writer's schema, from a Schema Registry or a file.

fastavro decodes, in C. It can be made to crash or to take all memory by values of recursive
schemas nested thousands deep, and by arrays that declare billions of items of no bytes. So the
bytes of such schemas are walked first, under a limit (`avro_limits`). All others are bounded by
their own bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
from fastavro import read as fastavro_read
from fastavro.types import Schema as AvroSchema

from connectors.formats.avro_limits import walker
from connectors.formats.registry import Registry, Schema
from connectors.outcomes import StopRun
from connectors.records import Rejection

Decode = Callable[[bytes], Any]
# Bytes of an unscaled decimal: more digits than any column takes, and few enough to be quick.
_LONGEST_DECIMAL = 1024
_DEEPEST_SCHEMA = 200


def decoder(registry: Registry, reader_schema: Path | None) -> Decode:
    """The function from framed bytes to the value. Raises Rejection, and StopRun here."""
    reader = _of_file(reader_schema) if reader_schema is not None else None

    def decode(data: bytes) -> Any:
        read, body = registry.framed(data, "AVRO", lambda schema: _of_registry(schema, reader))
        return read(body)

    return decode


def raw_decoder(schema_file: Path) -> Decode:
    """The function from bare bytes to the value. Raises Rejection, and StopRun here."""
    return _reader(_of_file(schema_file), None, framed=False)


def _of_file(path: Path) -> AvroSchema:
    try:
        return fastavro.parse_schema(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, RecursionError, fastavro.schema.SchemaParseException) as error:
        raise StopRun(f"[format]: {path} is no Avro schema: {error}") from None


def _of_registry(schema: Schema, reader: AvroSchema | None) -> Decode:
    named: dict[str, Any] = {}
    try:
        parsed = _parsed(schema, named)
        _check_depth(parsed)
        return _reader(parsed, reader, framed=True, named=named)
    except (ValueError, TypeError, KeyError, RecursionError, fastavro.schema.SchemaParseException):
        raise Rejection("schema_bad", "of a schema that is no Avro schema") from None


def _parsed(schema: Schema, named: dict[str, Any]) -> AvroSchema:
    for reference in schema.references:
        _parsed(reference.schema, named)
    return fastavro.parse_schema(json.loads(schema.text), named_schemas=named)


def _check_depth(schema: Any, depth: int = 0) -> None:
    if depth > _DEEPEST_SCHEMA:
        raise ValueError("nested too deep")
    for part in schema if isinstance(schema, list) else _inner(schema):
        _check_depth(part, depth + 1)


def _inner(schema: Any) -> list[Any]:
    if not isinstance(schema, dict):
        return []
    fields = [field["type"] for field in schema.get("fields", ())]
    return [*fields, *(schema[name] for name in ("items", "values") if name in schema)]


def _reader(
    schema: AvroSchema,
    reader: AvroSchema | None,
    *,
    framed: bool,
    named: dict[str, Any] | None = None,
) -> Decode:
    kind = schema.get("type") if isinstance(schema, dict) else schema
    if framed and kind == "bytes" and reader is None:
        # Confluent's serializers write top-level bytes as they are, without their length.
        return lambda data: data
    walk = walker(schema, named or {})

    def read(data: bytes) -> Any:
        source = BytesIO(data)
        try:
            if walk is not None:
                walk(data)
            value = fastavro.schemaless_reader(source, schema, reader)
        except Rejection:
            raise
        except Exception as error:  # noqa: BLE001 - the library raises many kinds for bad bytes
            raise Rejection(
                "avro_invalid", f"no Avro of its schema ({type(error).__name__})"
            ) from None
        if source.tell() != len(data):
            raise Rejection("avro_length", "longer than its Avro schema says")
        return value

    return read


def _decimal(data: bytes, writer_schema: Any = None, _reader_schema: Any = None) -> Decimal:
    """Exact, where the library rounds to the declared precision."""
    if len(data) > _LONGEST_DECIMAL:
        raise ValueError("decimal too long")
    unscaled = int.from_bytes(data, "big", signed=True)
    digits = tuple(int(digit) for digit in str(abs(unscaled)))
    return Decimal((int(unscaled < 0), digits, -int(writer_schema.get("scale", 0))))


def _uuid(text: str, _writer_schema: Any = None, _reader_schema: Any = None) -> str:
    """Text stays text."""
    return text


# The library's own place for how logical types are read.
fastavro_read.LOGICAL_READERS["bytes-decimal"] = _decimal
fastavro_read.LOGICAL_READERS["fixed-decimal"] = _decimal
fastavro_read.LOGICAL_READERS["string-uuid"] = _uuid
