"""Connect JSON: `{"schema": ..., "payload": ...}`, as Kafka Connect's JsonConverter writes it.

The payload is converted by its schema [connect-json], and by the types that it names. A value that
does not match is rejected, where Kafka Connect's own converter reads 300 for an int8 as 44 and text
for a number as 0. A field that is null or absent gets its default, as in Kafka Connect. With a
schema of null the payload stays as it is.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from connectors.errors import Rejection
from connectors.formats import json, semantic_types
from connectors.formats.partial import Convert, same
from connectors.formats.semantic_types import CONNECT
from connectors.records import exact_time
from connectors.records.exact_time import ExactTime, time_text

_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
_MAX_SHAPES = 256
_BEYOND_DECIMALS = 1 << 8192
FLOATS = ("float", "float32", "double", "float64")
# Java writes the largest 32-bit float as 3.4028235E38, which is slightly more. From this number on
# the nearest 32-bit float is infinity.
_BEYOND_FLOAT32 = 3.4028235677973366e38
_DECIMAL = f"{CONNECT}Decimal".encode()


class Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """An envelope whose fields are not decoded yet."""

    schema: msgspec.Raw
    payload: msgspec.Raw


class Shape(NamedTuple):
    """What is derived from a schema: how a payload is decoded, and how the result is converted."""

    schema: Any
    read: Callable[[msgspec.Raw], Any]
    convert: Convert


envelope_of = msgspec.json.Decoder(Envelope).decode
# For schemas with a Decimal, which may be a number of any length (decimal.format).
exact_numbers = msgspec.json.Decoder(float_hook=Decimal).decode
_known: dict[bytes, Shape] = {}


class _SchemaError(Exception):
    """The schema is not valid; the text says where and why."""


class MismatchError(Exception):
    """The payload does not match; the text says where and why, without the value."""


def decode(data: bytes) -> Any:
    """The payload of an envelope, converted by its schema. Raises Rejection."""
    json.check_values(data)
    try:
        envelope = envelope_of(data)
    except msgspec.ValidationError:
        json.decode(data)  # raises the rejection if it is not JSON at all
        raise Rejection(
            "connect_envelope", "not Connect JSON: it is not an object of schema and payload"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        json.decode(data)  # raises the rejection
        raise Rejection("json_invalid", "not JSON") from None
    return payload_of(envelope, _known, _whole)


def payload_of(
    envelope: Envelope, known: dict[bytes, Shape], make: Callable[[Any, str], Convert]
) -> Any:
    """The payload, read by the function that `make` makes of its schema. Raises Rejection.

    `known` caches what `make` has made; exceptions of `make` other than those of schemas pass.
    """
    text = bytes(envelope.schema)
    shape = known.get(text)
    try:
        if shape is None:
            shape = _shape(text, make)
            if len(known) >= _MAX_SHAPES:
                known.clear()
            known[text] = shape
        return shape.convert(_read(shape, envelope.payload))
    except _SchemaError as error:
        raise Rejection("connect_schema", f"not valid: its schema is invalid: {error}") from None
    except MismatchError as error:
        raise Rejection("connect_payload", f"not valid by its schema: {error}") from None
    except RecursionError:
        raise Rejection("json_depth", "nested too deep: flatten it before it is produced") from None


def _shape(text: bytes, make: Callable[[Any, str], Convert]) -> Shape:
    schema = json.decode(text)
    read = exact_numbers if _DECIMAL in text else json.decode_bare
    return Shape(schema, read, make(schema, "the payload"))


def _read(shape: Shape, payload: msgspec.Raw) -> Any:
    try:
        return shape.read(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError):
        json.decode(bytes(payload))  # raises the rejection
        raise Rejection("json_invalid", "not JSON: a number is out of range") from None


def _whole(schema: Any, where: str) -> Convert:
    return same if schema is None else _converter(schema, where)


def _converter(schema: Any, where: str) -> Convert:
    """The function that reads values of a schema; `where` names their position in texts."""
    if not isinstance(schema, dict):
        raise _SchemaError(f"that of {where} is not an object")
    read = reader(schema, where)
    default, has_default = schema.get("default"), schema.get("default") is not None
    optional = bool(schema.get("optional", False))
    if has_default:
        try:
            default = read(default)
        except MismatchError as error:
            raise _SchemaError(f"a default does not match: {error}") from None

    def convert(value: Any) -> Any:
        if value is not None:
            return read(value)
        if has_default or optional:
            return default
        raise MismatchError(f"{where} is null and not optional")

    return convert


def reader(schema: dict[str, Any], where: str) -> Convert:
    """The function that reads non-null values of a type; `where` names their position in texts."""
    type_, name = schema.get("type"), schema.get("name")
    if not isinstance(type_, str):
        raise _SchemaError(f"the type of {where} is not a text")
    if isinstance(name, str) and name.startswith(CONNECT):
        logical = LOGICALS.get(name.removeprefix(CONNECT))
        if logical is not None:
            return logical(schema, where)
    named = semantic_types.convert_of(name, type_, schema.get("parameters"))
    if named is not None:
        plain, convert = _plain_reader(schema, type_, where), named
        return lambda value: convert(plain(value))
    return _plain_reader(schema, type_, where)


def _plain_reader(schema: dict[str, Any], type_: str, where: str) -> Convert:
    if type_ in _BITS:
        return _integer(_BITS[type_], where)
    if type_ in FLOATS:
        return _float(where, single=type_ in ("float", "float32"))
    if type_ == "boolean":
        return _of_type(bool, "true or false", where)
    if type_ == "string":
        return _of_type(str, "text", where)
    if type_ == "bytes":
        return lambda value: _bytes(value, where)
    if type_ == "array":
        return _array(_converter(schema.get("items"), f"{where}'s items"), where)
    if type_ == "map":
        return _map(
            _converter(schema.get("keys"), f"{where}'s keys"),
            _converter(schema.get("values"), f"{where}'s values"),
            where,
        )
    if type_ == "struct":
        return _struct(schema, where)
    raise _SchemaError(f"the type of {where} is unknown")


def _of_type(wanted: type, words: str, where: str) -> Convert:
    def read(value: Any) -> Any:
        if type(value) is not wanted:
            raise MismatchError(f"{where} is not {words}")
        return value

    return read


def _integer(bits: int, where: str) -> Convert:
    minimum, maximum = -(1 << bits - 1), (1 << bits - 1) - 1

    def read(value: Any) -> Any:
        if type(value) is not int or not minimum <= value <= maximum:
            raise MismatchError(f"{where} is not an integer of {bits} bits")
        return value

    return read


def _float(where: str, *, single: bool) -> Convert:
    upper = _BEYOND_FLOAT32 if single else math.inf

    def read(value: Any) -> float:
        if type(value) is Decimal or (type(value) is int and abs(value) < 1 << 1023):
            value = float(value)
        if type(value) is not float or abs(value) >= upper:
            raise MismatchError(f"{where} is not a number of its size")
        return value

    return read


def _bytes(value: Any, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise MismatchError(f"{where} is not a base64 text") from None


def _array(convert: Convert, where: str) -> Convert:
    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise MismatchError(f"{where} is not a list")
        return [convert(item) for item in value]

    return read


def _map(keys: Convert, values: Convert, where: str) -> Convert:
    """Read a map: an object if its keys are text, else a list of [key, value] pairs."""

    def read(value: Any) -> Any:
        if type(value) is dict:
            return {str(keys(name)): values(item) for name, item in value.items()}
        if type(value) is not list or not all(type(p) is list and len(p) == 2 for p in value):
            raise MismatchError(f"{where} is not a map")
        found: dict[str, Any] = {}
        for key, item in value:
            name = _key_text(keys(key), where)
            if name in found:
                raise MismatchError(f"{where} has a key twice")
            found[name] = values(item)
        return found

    return read


def _key_text(key: Any, where: str) -> str:
    """The field name that a map's key becomes: the same text as in the JSON text of a value."""
    if type(key) is str:
        return key
    if type(key) in (int, bool, float):
        return str(key).lower() if type(key) is bool else repr(key)
    if type(key) is bytes:
        return base64.b64encode(key).decode()
    if type(key) is Decimal:
        return f"{key:f}"
    if isinstance(key, (date, time, ExactTime)):
        return time_text(key)
    raise MismatchError(f"{where} has a key that cannot name a field")


def _struct(schema: dict[str, Any], where: str) -> Convert:
    fields = schema.get("fields")
    if not isinstance(fields, list):
        raise _SchemaError(f"{where} is a struct without fields")
    converters: dict[str, Convert] = {}
    for field in fields:
        name = field.get("field") if isinstance(field, dict) else None
        if not isinstance(name, str) or name in converters:
            raise _SchemaError(f"a field of {where} has no name, or that of another")
        converters[name] = _converter(field, f"field {name!r}")

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise MismatchError(f"{where} is not an object")
        if not value.keys() <= converters.keys():
            raise MismatchError(f"{where} has a field that its schema does not have")
        return {name: convert(value.get(name)) for name, convert in converters.items()}

    return read


def _decimal(schema: dict[str, Any], where: str) -> Convert:
    scale = semantic_types.scale_of(schema.get("parameters"))
    if schema.get("type") != "bytes" or scale is None:
        raise _SchemaError(f"{where} is a Decimal of other than bytes, or without a scale")

    def read(value: Any) -> Decimal:
        if type(value) is int and abs(value) < _BEYOND_DECIMALS:  # decimal.format = NUMERIC
            return Decimal(value)
        if type(value) is float:  # a default, which is read with the schema
            value = Decimal(repr(value))
        if type(value) is Decimal and abs(value.adjusted()) <= semantic_types.MAX_SCALE:
            return value
        try:
            return semantic_types.decimal_of(_bytes(value, where), scale)
        except (ValueError, ArithmeticError):
            raise MismatchError(f"{where} is not a Decimal, or too long") from None

    return read


def _moment(type_: str, bits: int, of_number: Callable[[int], Any]) -> Callable[..., Convert]:
    def make(schema: dict[str, Any], where: str) -> Convert:
        if schema.get("type") != type_:
            raise _SchemaError(f"{where} is a point in time of other than {type_}")
        whole = _integer(bits, where)

        def read(value: Any) -> Any:
            try:
                return of_number(whole(value))
            except ValueError:
                raise MismatchError(f"{where} is not a time of a day") from None

        return read

    return make


LOGICALS: dict[str, Callable[[dict[str, Any], str], Convert]] = {
    "Decimal": _decimal,
    "Date": _moment("int32", 32, exact_time.day),
    "Time": _moment("int32", 32, lambda ms: exact_time.time_of_day(ms * 1_000_000)),
    "Timestamp": _moment("int64", 64, exact_time.instant_of_ms),
}
