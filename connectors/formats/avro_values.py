"""Avro's logical types and defaults as values, where the library's own are wrong or inexact.

It rounds decimals, wraps times of day, leaves the defaults of a reader's schema as they stand in
its JSON (text for bytes, numbers for dates, records not filled), and raises whatever comes for a
date that Python has not.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fastavro import read as fastavro_read

from connectors.errors import Rejection

# Bytes of an unscaled decimal: more digits than any column takes, and few enough to be quick.
_LONGEST_DECIMAL = 1024
LARGEST_SCALE = 10_000
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
    """Exact, where the library rounds to the declared precision."""
    if not 0 < len(data) <= _LONGEST_DECIMAL:
        raise Rejection("avro_decimal", "of a decimal of no bytes, or of very many")
    unscaled = int.from_bytes(data, "big", signed=True)
    digits = tuple(int(digit) for digit in str(abs(unscaled)))
    return Decimal((int(unscaled < 0), digits, -int(writer_schema.get("scale", 0))))


def _uuid(text: str, _writer_schema: Any = None, _reader_schema: Any = None) -> str:
    """Text stays text."""
    return text


def _moment(library: Callable[..., Any]) -> Callable[..., Any]:
    def read(number: int, writer_schema: Any = None, reader_schema: Any = None) -> Any:
        try:
            return library(number, writer_schema, reader_schema)
        except (OverflowError, ValueError):
            raise Rejection(
                "avro_time", "of a date or time outside of the years 1 to 9999"
            ) from None

    return read


def _time_of_day(library: Callable[..., Any], day: int) -> Callable[..., Any]:
    def read(number: int, writer_schema: Any = None, reader_schema: Any = None) -> Any:
        if not 0 <= number < day:
            raise Rejection("avro_time", "of a time of day that is none")
        return library(number, writer_schema, reader_schema)

    return read


# The library's own place for how logical types are read.
_READERS["bytes-decimal"] = _READERS["fixed-decimal"] = _decimal
_READERS["string-uuid"] = _uuid
for _word in _MOMENTS:
    _READERS[_word] = _moment(_READERS[_word])
for _word, _length in _DAY.items():
    _READERS[_word] = _time_of_day(_READERS[_word], _length)


# A list of Python takes an index of -1 for its last item, and so does the library for the branches
# of unions and the symbols of enums. Behind them stand so many that are none.
_NONE_SUCH = ["\0"] * 64


def strict(schema: Any) -> Any:
    """The writer's schema, in which negative branches and symbols are errors."""
    if isinstance(schema, list):
        return [*map(strict, schema), *_NONE_SUCH]
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    if made.get("type") == "enum":
        return {**made, "symbols": [*made["symbols"], *_NONE_SUCH], "logicalType": "known"}
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
    if symbol == _NONE_SUCH[0]:
        raise Rejection("avro_invalid", "of an enum's symbol that its schema does not have")
    return symbol


_READERS["enum-known"] = _known


def with_defaults(schema: Any, names: dict[str, Any]) -> Any:
    """The reader's schema with defaults that are values. Raises ValueError and the like."""
    if isinstance(schema, list):
        return [with_defaults(part, names) for part in schema]
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
    """What stands in JSON as a value of the schema."""
    if depth > 100:
        raise ValueError("a default that is nested too deep")
    if isinstance(schema, list):  # it is of the first branch, or since Avro 1.12 of any
        return _of_union(schema, value, names, depth)
    if isinstance(schema, str):
        if schema in names:
            return _default(names[schema], value, names, depth)
        return _primitive(schema, value)
    kind = schema["type"]
    if kind in ("record", "error"):
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
    if kind == "array":
        return [_default(schema["items"], item, names, depth + 1) for item in _of(list, value)]
    if kind == "map":
        items = _of(dict, value).items()
        return {name: _default(schema["values"], item, names, depth + 1) for name, item in items}
    if kind == "enum":
        return value
    made = _primitive("bytes" if kind == "fixed" else kind, value)
    logical = _READERS.get(f"{kind}-{schema.get('logicalType')}")
    return made if logical is None else logical(made, schema, None)


def _of_union(branches: list[Any], value: Any, names: dict[str, Any], depth: int) -> Any:
    for branch in branches:
        try:
            return _default(branch, value, names, depth + 1)
        except (ValueError, TypeError, KeyError):
            continue
    raise ValueError("a default of none of the union's types")


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"a default that is no {kind.__name__}")
    return value


def _primitive(kind: Any, value: Any) -> Any:
    if kind in ("bytes", "string"):
        text: str = _of(str, value)
        return text.encode("latin-1") if kind == "bytes" else text
    if kind in ("float", "double"):
        return float(value)
    wanted = {"null": type(None), "boolean": bool, "int": int, "long": int}
    return _of(wanted[kind], value)
