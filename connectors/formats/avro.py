"""Avro [avro-spec]: values by their writer's schema, from a Schema Registry or a file.

fastavro decodes, in C. Three kinds of data can make it crash or use all memory: values of recursive
schemas that are nested thousands of levels deep, arrays that declare billions of items without
bytes, and many items of many fields in few bytes. Data of such schemas is walked first, under a
limit (`avro_limits`). All other data is bounded by its own length.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
from fastavro.types import Schema as AvroSchema

from connectors.errors import Rejection, StopRun
from connectors.formats.avro_limits import walker
from connectors.formats.avro_values import MAX_SCALE, strict, with_defaults
from connectors.formats.schema_registry import Registry, Schema

Decode = Callable[[bytes], Any]
_MAX_SCHEMA_DEPTH = 200
_NO_SCHEMA = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
    fastavro.schema.SchemaParseException,
    fastavro.schema.UnknownType,
)


def decoder(registry: Registry, reader_schema: Path | None) -> Decode:
    """The decoder of data framed by a Schema Registry [schema-registry]. It raises Rejection.

    `reader_schema` is a file with the schema to which each writer's is resolved. Raises StopRun
    when it cannot be used.
    """
    reader = _reader_schema_of(reader_schema) if reader_schema is not None else None

    def decode(data: bytes) -> Any:
        read, body = registry.framed(data, "AVRO", lambda schema: _of_registry(schema, reader))
        return read(body)

    return decode


def raw_decoder(schema_file: Path) -> Decode:
    """The decoder of data of one schema, without a frame. It raises Rejection.

    Raises StopRun when the file holds no Avro schema.
    """
    named: dict[str, Any] = {}
    return _reader(_of_file(schema_file, named), None, framed=False, named=named)


def _of_file(path: Path, named: dict[str, Any]) -> AvroSchema:
    try:
        schema = fastavro.parse_schema(json.loads(path.read_text("utf-8")), named_schemas=named)
        _check(schema)
    except (OSError, *_NO_SCHEMA) as error:
        raise StopRun(f"[format]: {path} is not an Avro schema: {error}") from None
    return schema


def _reader_schema_of(path: Path) -> AvroSchema:
    named: dict[str, Any] = {}
    schema = _of_file(path, named)
    try:
        made: AvroSchema = with_defaults(schema, named)
    except (ValueError, TypeError, KeyError, Rejection) as error:
        raise StopRun(f"[format]: {path}: a default does not fit its type: {error}") from None
    if isinstance(made, dict) and "__named_schemas" in made:
        made["__named_schemas"] = {name: with_defaults(named[name], named) for name in named}
    return made


def _of_registry(schema: Schema, reader: AvroSchema | None) -> Decode:
    named: dict[str, Any] = {}
    try:
        parsed = _parsed(schema, named, set())
        _check(parsed)
        return _reader(parsed, reader, framed=True, named=named)
    except _NO_SCHEMA:
        raise Rejection("schema_bad", "of a schema that is not an Avro schema") from None


def _parsed(schema: Schema, named: dict[str, Any], known: set[str]) -> AvroSchema:
    for reference in schema.references:
        if reference.schema.text not in known:  # two may need the same third one
            known.add(reference.schema.text)
            _parsed(reference.schema, named, known)
    return fastavro.parse_schema(json.loads(schema.text), named_schemas=named)


def _check(schema: Any, depth: int = 0) -> None:
    """Raise ValueError for what the library accepts in a schema although no value can have it."""
    if depth > _MAX_SCHEMA_DEPTH:
        raise ValueError("nested too deep")
    if isinstance(schema, dict):
        scale, size = schema.get("scale", 0), schema.get("size", 0)
        if not all(type(number) is int and number >= 0 for number in (scale, size)):
            raise ValueError("a size or scale that is not a number from 0")
        if schema.get("logicalType") == "decimal" and scale > MAX_SCALE:
            raise ValueError(f"a decimal of a scale above {MAX_SCALE}")
        if not all(isinstance(field["name"], str) for field in schema.get("fields", ())):
            raise ValueError("a field whose name is no text")
    for inner in schema if isinstance(schema, list) else _inner(schema):
        _check(inner, depth + 1)


def _inner(schema: Any) -> list[Any]:
    """The schemas of the fields, items and values of a schema."""
    if not isinstance(schema, dict):
        return []
    fields = [field["type"] for field in schema.get("fields", ())]
    return [*fields, *(schema[name] for name in ("items", "values") if name in schema)]


def _max_fields(schema: Any) -> int:
    """The largest number of fields of a record in a reader's schema: it may add as many to one."""
    if isinstance(schema, list):
        return max(map(_max_fields, schema), default=0)
    if not isinstance(schema, dict):
        return 0
    own = len(schema.get("fields", ()))
    return max(own, max(map(_max_fields, _inner(schema)), default=0))


def _reader(
    schema: AvroSchema,
    reader: AvroSchema | None,
    *,
    framed: bool,
    named: dict[str, Any] | None = None,
) -> Decode:
    type_ = schema.get("type") if isinstance(schema, dict) else schema
    if framed and type_ == "bytes" and reader is None:
        # Confluent's serializers write top-level bytes without their length [schema-registry].
        return lambda data: data
    walk = walker(schema, named or {}, _max_fields(reader))
    # The library parses a union at the top again, and would reject the branches that `strict` adds.
    writer = strict(schema) if isinstance(schema, dict) else schema

    def read(data: bytes) -> Any:
        source = BytesIO(data)
        try:
            if walk is not None:
                walk(data)
            value = fastavro.schemaless_reader(source, writer, reader)
        except (Rejection, MemoryError):
            raise
        except fastavro.read.SchemaResolutionError:
            raise Rejection(
                "avro_resolution", "of a schema that cannot be resolved to the reader's schema"
            ) from None
        except Exception as error:  # noqa: BLE001 - the library raises many types for bad bytes
            raise Rejection(
                "avro_invalid", f"not Avro data of its schema ({type(error).__name__})"
            ) from None
        if source.tell() != len(data):
            raise Rejection("avro_length", "longer than its Avro schema says")
        return value

    return read
