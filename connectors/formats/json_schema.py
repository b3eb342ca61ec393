"""JSON Schema by a Schema Registry: framed JSON whose schema is in the registry [schema-registry].

The value is decoded as JSON. Unless it is asked for, it is not validated again: its producer did
that against the same schema, and the mapping checks what the table accepts. What Kafka Connect's
converter wrote is of the types that it names in the schema: the name is the `title` there, and the
plain type `connect.type` [connect-json-schema].
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

import msgspec

from connectors.errors import Rejection
from connectors.formats import json, semantic_types
from connectors.formats.connect_json import MismatchError, reader
from connectors.formats.json_validation import validator
from connectors.formats.partial import (
    Convert,
    each_item,
    each_value,
    some_fields,
    unless_null,
)
from connectors.formats.schema_registry import Schema, SchemaError
from connectors.formats.schemas import SchemaFile, Schemas

_MAX_DEPTH = 100
_CHOICES = ("oneOf", "anyOf", "allOf")
# The fields of a decimal with a scale of its own, as Connect describes them.
_SCALE_AND_VALUE = [{"field": "scale", "type": "int32"}, {"field": "value", "type": "bytes"}]


def decoder(schemas: Schemas, _: SchemaFile) -> Callable[[bytes], Any]:
    """The decoder of JSON framed by a Schema Registry.

    It raises Rejection; with format.json_schema_validation also for a document that its schema
    does not allow.
    """
    registry = schemas.registry
    make = _validating if schemas.validates else _converter

    def decode(data: bytes) -> Any:
        convert, body = registry.framed(data, "JSON", make)
        return convert(body)

    return decode


def _parsed(schema: Schema) -> Any:
    try:
        return json.decode_bare(schema.text.encode())
    except json.UNDECODABLE:
        raise SchemaError("it is not JSON") from None


def _validating(schema: Schema) -> Convert:
    references: dict[str, Any] = {}

    def add(one: Schema) -> None:
        for reference in one.references:
            if reference.name not in references:
                references[reference.name] = _parsed(reference.schema)
                add(reference.schema)

    add(schema)
    check, convert = validator(_parsed(schema), references), _converter(schema)

    def decode(data: bytes) -> Any:
        try:
            wrong = check(json.decode(data))
        except RecursionError:
            raise Rejection("json_depth", "nested too deep") from None
        except (Rejection, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - the boundary to code made of a schema
            raise Rejection(
                "json_schema",
                f"not validated by its schema: unexpected {type(error).__name__}; please report "
                "this as a bug",
            ) from None
        if wrong is not None:
            raise Rejection("json_schema", f"not valid by its schema: {wrong}")
        return convert(data)

    return decode


def _converter(schema: Schema) -> Convert:
    """The function from bytes to the value, with the types that the schema names."""
    if semantic_types.CONNECT not in schema.text and semantic_types.DEBEZIUM not in schema.text:
        return json.decode
    root = _parsed(schema)
    convert = _Types(root).of(root, "the value", 0)
    if convert is None:
        return json.decode
    has_decimals = f"{semantic_types.CONNECT}Decimal" in schema.text

    def decode(data: bytes) -> Any:
        value = json.decode(data)
        try:
            return _with_floats(convert(_digits(data))) if has_decimals else convert(value)
        except MismatchError as error:
            raise Rejection("connect_payload", f"not valid by its schema: {error}") from None
        except (msgspec.DecodeError, ArithmeticError):
            raise Rejection("json_invalid", "not JSON: a number is out of range") from None
        except RecursionError:
            raise Rejection("json_depth", "nested too deep") from None

    return decode


class _Types:
    """The conversions of one schema, for the types that it names."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def of(self, schema: Any, where: str, depth: int) -> Convert | None:
        """The conversion of values of a schema; None where no type in it has a name."""
        if not isinstance(schema, dict) or depth > _MAX_DEPTH:
            return None
        named = _named(schema, where)
        if named is not None:
            return named
        if isinstance(schema.get("$ref"), str):
            return self.of(self._found(schema["$ref"]), where, depth + 1)
        for word in _CHOICES:
            choices = schema[word] if isinstance(schema.get(word), list) else ()
            made = [
                convert
                for one in choices
                if (convert := self.of(one, where, depth + 1)) is not None
            ]
            if made and word == "allOf":
                return _each_of(made)
            if made:
                others = [one for one in choices if one != {"type": "null"}]
                return made[0] if len(others) == 1 else _first_of(made)
        return self._inner(schema, where, depth)

    def _inner(self, schema: dict[str, Any], where: str, depth: int) -> Convert | None:
        properties = schema.get("properties")
        if isinstance(properties, dict):
            made = {
                name: convert
                for name, one in properties.items()
                if (convert := self.of(one, f"field {name!r}", depth + 1)) is not None
            }
            return some_fields(made) if made else None
        item = self.of(schema.get("items"), f"{where}'s items", depth + 1)
        if item is not None:
            return each_item(item)
        other = self.of(schema.get("additionalProperties"), f"{where}'s values", depth + 1)
        return None if other is None else each_value(other)

    def _found(self, reference: str) -> Any:
        """The subschema that a reference inside of the schema refers to."""
        if not reference.startswith("#"):
            return None
        found = self._root
        for part in reference.lstrip("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found


def _each_of(converts: list[Convert]) -> Convert:
    def read(value: Any) -> Any:
        for convert in converts:
            value = convert(value)
        return value

    return read


def _first_of(converts: list[Convert]) -> Convert:
    """Apply the first conversion that fits; a value that fits none stays as it is."""

    def read(value: Any) -> Any:
        for convert in converts:
            try:
                return convert(
                    deepcopy(value)
                )  # a conversion may have changed a part before it failed
            except (MismatchError, Rejection):
                continue
        return value

    return read


class _Digits(Decimal):
    """A number with a fraction, until the schema decides whether it is a decimal."""


_digits = msgspec.json.Decoder(float_hook=_Digits).decode


def _with_floats(value: Any) -> Any:
    """The value with doubles in place of numbers that the schema does not declare as decimals."""
    if type(value) is _Digits:
        return float(value)
    if type(value) is dict:
        return {name: _with_floats(item) for name, item in value.items()}
    return [*map(_with_floats, value)] if type(value) is list else value


def _named(schema: dict[str, Any], where: str) -> Convert | None:
    name, parameters = schema.get("title"), schema.get("connect.parameters")
    type_ = schema.get("connect.type")
    if type_ is None:
        type_ = {"string": "string", "object": "struct"}.get(str(schema.get("type")))
    if not isinstance(type_, str) or semantic_types.convert_of(name, type_, parameters) is None:
        return None
    connect = {"type": type_, "name": name, "parameters": parameters, "fields": _SCALE_AND_VALUE}
    read = unless_null(reader(connect, where))
    return lambda value: read(Decimal(value) if type(value) is _Digits else value)
