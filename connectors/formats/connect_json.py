"""Connect JSON: `{"schema": ..., "payload": ...}`, as Kafka Connect's JsonConverter writes it.

The payload is converted by its schema [connect-json]. A value that does not fit is rejected, where
Kafka Connect's own converter reads 300 for an int8 as 44 and text for a number as 0. A field that
is null or absent gets its default, as in Kafka Connect. With a schema of null the payload stays as
it is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec

from connectors.errors import Rejection
from connectors.formats import json

Convert = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DAY_MS = 86_400_000
_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
_MAX_DECIMAL_BYTES = 1024  # of the unscaled number
_MAX_SCALE = 10_000
_MAX_CONVERTERS = 256  # that are kept, by the text of their schema
_MAX_FLOAT32 = 3.4028234663852886e38
_LOGICAL = "org.apache.kafka.connect.data."


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    schema: msgspec.Raw
    payload: Any


_envelope = msgspec.json.Decoder(_Envelope).decode
_known: dict[bytes, Convert] = {}


class _SchemaError(Exception):
    """The schema is not valid; the text says where and why."""


class _MismatchError(Exception):
    """The payload does not match its schema; the text says where and why, without the value."""


def decode(data: bytes) -> Any:
    """The payload of a document, converted by its schema. Raises Rejection."""
    json.check_values(data)
    try:
        envelope = _envelope(data)
    except msgspec.ValidationError:
        json.decode(data)  # raises the better Rejection if it is not JSON at all
        raise Rejection(
            "connect_envelope", "not Connect JSON: it is not an object of schema and payload"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        json.decode(data)  # raises the better Rejection
        raise Rejection("json_invalid", "not JSON") from None
    text = bytes(envelope.schema)
    convert = _known.get(text)
    try:
        if convert is None:
            convert = _remember(text)
        return convert(envelope.payload)
    except _SchemaError as error:
        raise Rejection("connect_schema", f"of an invalid schema: {error}") from None
    except _MismatchError as error:
        raise Rejection("connect_payload", f"not of its schema: {error}") from None
    except RecursionError:
        raise Rejection("json_depth", "nested too deep: flatten it before it is produced") from None


def _remember(text: bytes) -> Convert:
    schema = json.decode(text)
    made = _same if schema is None else _converter(schema, "the payload")
    if len(_known) >= _MAX_CONVERTERS:
        _known.clear()
    _known[text] = made
    return made


def _same(value: Any) -> Any:
    return value


def _converter(schema: Any, where: str) -> Convert:
    """The converter of values of a schema; `where` names them in texts. Raises _SchemaError."""
    if not isinstance(schema, dict):
        raise _SchemaError(f"that of {where} is not an object")
    read = _reader(schema, where)
    default, has_default = schema.get("default"), schema.get("default") is not None
    optional = bool(schema.get("optional", False))
    if has_default:
        try:
            default = read(default)
        except _MismatchError as error:
            raise _SchemaError(f"a default does not match: {error}") from None

    def convert(value: Any) -> Any:
        if value is not None:
            return read(value)
        if has_default or optional:
            return default
        raise _MismatchError(f"{where} is null and not optional")

    return convert


def _reader(schema: dict[str, Any], where: str) -> Convert:
    type_, name = schema.get("type"), schema.get("name")
    if not isinstance(type_, str):
        raise _SchemaError(f"the type of {where} is not text")
    if isinstance(name, str) and name.startswith(_LOGICAL):
        logical = _LOGICALS.get(name.removeprefix(_LOGICAL))
        if logical is not None:
            return logical(schema, where)
    if type_ in _BITS:
        return _integer(_BITS[type_], where)
    if type_ in ("float", "float32", "double", "float64"):
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
            raise _MismatchError(f"{where} is not {words}")
        return value

    return read


def _integer(bits: int, where: str) -> Convert:
    minimum, maximum = -(1 << bits - 1), (1 << bits - 1) - 1

    def read(value: Any) -> Any:
        if type(value) is not int or not minimum <= value <= maximum:
            raise _MismatchError(f"{where} is not an integer of {bits} bits")
        return value

    return read


def _float(where: str, *, single: bool) -> Convert:
    def read(value: Any) -> float:
        if type(value) is int and abs(value) < 1 << 1023:
            value = float(value)
        if type(value) is not float or (single and abs(value) > _MAX_FLOAT32):
            raise _MismatchError(f"{where} is not a number of its size")
        return value

    return read


def _bytes(value: Any, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise _MismatchError(f"{where} is not base64 text") from None


def _array(convert: Convert, where: str) -> Convert:
    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise _MismatchError(f"{where} is not a list")
        return [convert(item) for item in value]

    return read


def _map(keys: Convert, values: Convert, where: str) -> Convert:
    """The converter of a map: an object, or a list of [key, value] pairs when keys are not text."""

    def read(value: Any) -> Any:
        if type(value) is dict:
            return {str(keys(name)): values(item) for name, item in value.items()}
        if type(value) is not list or not all(type(p) is list and len(p) == 2 for p in value):
            raise _MismatchError(f"{where} is not a map")
        found: dict[str, Any] = {}
        for key, item in value:
            name = keys(key)
            if type(name) not in (str, int, bool):
                raise _MismatchError(f"{where} has a key that cannot name a field")
            name = name if type(name) is str else str(name).lower()
            if name in found:
                raise _MismatchError(f"{where} has a key twice")
            found[name] = values(item)
        return found

    return read


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
            raise _MismatchError(f"{where} is not an object")
        if not value.keys() <= converters.keys():
            raise _MismatchError(f"{where} has a field that its schema does not have")
        return {name: convert(value.get(name)) for name, convert in converters.items()}

    return read


def _decimal(schema: dict[str, Any], where: str) -> Convert:
    parameters = schema.get("parameters")
    try:
        scale = int(parameters["scale"]) if isinstance(parameters, dict) else None
    except (KeyError, TypeError, ValueError):
        scale = None
    if schema.get("type") != "bytes" or scale is None or abs(scale) > _MAX_SCALE:
        raise _SchemaError(f"{where} is a Decimal of other than bytes, or without a scale")

    def read(value: Any) -> Decimal:
        data = _bytes(value, where)
        if not data or len(data) > _MAX_DECIMAL_BYTES:
            raise _MismatchError(f"{where} is not a Decimal, or too long")
        unscaled = int.from_bytes(data, "big", signed=True)
        digits = tuple(map(int, str(abs(unscaled))))
        return Decimal((int(unscaled < 0), digits, -scale))

    return read


def _moment(type_: str, bits: int, of_number: Callable[[int], Any]) -> Callable[..., Convert]:
    def make(schema: dict[str, Any], where: str) -> Convert:
        if schema.get("type") != type_:
            raise _SchemaError(f"{where} is a point in time of other than {type_}")
        whole = _integer(bits, where)

        def read(value: Any) -> Any:
            try:
                return of_number(whole(value))
            except (OverflowError, ValueError):
                raise _MismatchError(f"{where} is not a time of the years 1 to 9999") from None

        return read

    return make


def _time_of_day(milliseconds: int) -> time:
    if not 0 <= milliseconds < _DAY_MS:
        raise ValueError("not a time of day")
    return (_EPOCH + timedelta(milliseconds=milliseconds)).time()


_LOGICALS: dict[str, Callable[[dict[str, Any], str], Convert]] = {
    "Decimal": _decimal,
    "Date": _moment("int32", 32, lambda days: date(1970, 1, 1) + timedelta(days=days)),
    "Time": _moment("int32", 32, _time_of_day),
    "Timestamp": _moment("int64", 64, lambda ms: _EPOCH + timedelta(milliseconds=ms)),
}
