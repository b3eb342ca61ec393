"""Avro's logical types and defaults [avro-spec], where those of the library are wrong or inexact.

fastavro rounds decimals, wraps times of day, leaves the defaults of a reader's schema as its JSON
has them (text for bytes, numbers for dates, records that lack fields), and raises different
exceptions for a date that Python does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fastavro import read as fastavro_read

from connectors.errors import Rejection

# Bytes of an unscaled decimal: more digits than any column takes, and few enough to be quick.
_MAX_DECIMAL_BYTES = 1024
MAX_SCALE = 10_000
_DAY = {"int-time-millis": 86_400_000, "long-time-micros": 86_400_000_000}
_MOMENTS = (
    "int-date",
    "long-timestamp-millis",
    "long-timestamp-micros",
    "long-local-timestamp-millis",
    "long-local-timestamp-micros",
)
_READERS: dict[str, Callable[..., Any]] = fastavro_read.LOGICAL_READERS


def _decimal(data: bytes, writer_schema: Any = None, _reader_schema: Any = None) -> Decimal:
    """The decimal with all digits; the library rounds it to the declared precision."""
    if not 0 < len(data) <= _MAX_DECIMAL_BYTES:
        raise Rejection(
            "avro_decimal", f"of a decimal of no bytes, or of more than {_MAX_DECIMAL_BYTES:,}"
        )
    unscaled = int.from_bytes(data, "big", signed=True)
    digits = tuple(int(digit) for digit in str(abs(unscaled)))
    return Decimal((int(unscaled < 0), digits, -int(writer_schema.get("scale", 0))))


def _uuid(text: str, _writer_schema: Any = None, _reader_schema: Any = None) -> str:
    """The text of a UUID as it is."""
    return text


def _moment(library: Callable[..., Any]) -> Callable[..., Any]:
    def read(number: int, writer_schema: Any = None, reader_schema: Any = None) -> Any:
        try:
            return library(number, writer_schema, reader_schema)
        except (OverflowError, ValueError):
            raise Rejection("avro_time", "of a date or time outside the years 1 to 9999") from None

    return read


def _time_of_day(library: Callable[..., Any], day: int) -> Callable[..., Any]:
    def read(number: int, writer_schema: Any = None, reader_schema: Any = None) -> Any:
        if not 0 <= number < day:
            raise Rejection("avro_time", "of a time of day outside its day")
        return library(number, writer_schema, reader_schema)

    return read


# The library's table of readers of logical types.
_READERS["bytes-decimal"] = _READERS["fixed-decimal"] = _decimal
_READERS["string-uuid"] = _uuid
for _word in _MOMENTS:
    _READERS[_word] = _moment(_READERS[_word])
for _word, _length in _DAY.items():
    _READERS[_word] = _time_of_day(_READERS[_word], _length)


# The library takes a negative index of a branch of a union or a symbol of an enum as Python does:
# -1 is the last one. So names that none can have are put behind the real ones.
_NO_NAMES = ["\0"] * 64


def strict(schema: Any) -> Any:
    """The writer's schema, changed so that negative indexes of branches and symbols are errors."""
    if isinstance(schema, list):
        return [*map(strict, schema), *_NO_NAMES]
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    if made.get("type") == "enum":
        return {**made, "symbols": [*made["symbols"], *_NO_NAMES], "logicalType": "known"}
    for inner in ("items", "values"):
        if inner in made:
            made[inner] = strict(made[inner])
    if "fields" in made:
        made["fields"] = [{**one, "type": strict(one["type"])} for one in made["fields"]]
    if "__named_schemas" in made:
        named = made["__named_schemas"]
        made["__named_schemas"] = {name: strict(named[name]) for name in named}
    return made


def _known(symbol: str, _writer_schema: Any = None, _reader_schema: Any = None) -> str:
    if symbol == _NO_NAMES[0]:
        raise Rejection("avro_invalid", "of a symbol that its enum does not have")
    return symbol


_READERS["enum-known"] = _known


def with_defaults(schema: Any, names: dict[str, Any]) -> Any:
    """The reader's schema with decoded defaults. Raises ValueError, TypeError or KeyError."""
    if isinstance(schema, list):
        return [with_defaults(branch, names) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for inner in ("items", "values"):
        if inner in made:
            made[inner] = with_defaults(made[inner], names)
    if "fields" in made:
        made["fields"] = [_field(field, names) for field in made["fields"]]
    return made


def _field(field: Any, names: dict[str, Any]) -> Any:
    made = {**field, "type": with_defaults(field["type"], names)}
    if "default" in field:
        made["default"] = _default(field["type"], field["default"], names, 0)
    return made


def _default(schema: Any, value: Any, names: dict[str, Any], depth: int) -> Any:
    """The default of a schema's JSON as a value of the schema."""
    if depth > 100:
        raise ValueError("a default is nested too deep")
    if isinstance(schema, list):  # of the first branch, or since Avro 1.12 of any
        return _of_union(schema, value, names, depth)
    if isinstance(schema, str):
        if schema in names:
            return _default(names[schema], value, names, depth)
        return _primitive(schema, value)
    type_ = schema["type"]
    if type_ in ("record", "error"):
        given = dict(value)
        return {
            field["name"]: _default(
                field["type"],
                given[field["name"]] if field["name"] in given else field["default"],
                names,
                depth + 1,
            )
            for field in schema["fields"]
        }
    if type_ == "array":
        return [_default(schema["items"], item, names, depth + 1) for item in _of(list, value)]
    if type_ == "map":
        items = _of(dict, value).items()
        return {name: _default(schema["values"], item, names, depth + 1) for name, item in items}
    if type_ == "enum":
        return value
    made = _primitive("bytes" if type_ == "fixed" else type_, value)
    logical = _READERS.get(f"{type_}-{schema.get('logicalType')}")
    return made if logical is None else logical(made, schema, None)


def _of_union(branches: list[Any], value: Any, names: dict[str, Any], depth: int) -> Any:
    for branch in branches:
        try:
            return _default(branch, value, names, depth + 1)
        except (ValueError, TypeError, KeyError):
            continue
    raise ValueError("a default has none of the union's types")


def _of(wanted: type, value: Any) -> Any:
    """The value, if it has this type; else ValueError."""
    if type(value) is not wanted:
        raise ValueError(f"a default is not a {wanted.__name__}")
    return value


def _primitive(type_: Any, value: Any) -> Any:
    if type_ in ("bytes", "string"):
        text: str = _of(str, value)
        return text.encode("latin-1") if type_ == "bytes" else text
    if type_ in ("float", "double"):
        return float(value)
    wanted = {"null": type(None), "boolean": bool, "int": int, "long": int}
    return _of(wanted[type_], value)
