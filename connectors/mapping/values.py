"""One value for one column: exact, or a rejection. Nothing is cut, rounded or rendered to guess.

A converter takes a value of one Python type and returns what the encoder takes for the column's
type, or raises Rejection. `IDENTITY` marks values that need none.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

import msgspec

from connectors.records import Rejection

Converter = Callable[[Any], Any]

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
# Every integer up to here has a double of its own.
_EXACT = 2**53
_NOT_0 = "123456789"
# Longer digits cannot be in range, and Python's own text conversion is quadratic.
_LONGEST_INTEGER = 20


def IDENTITY(value: Any) -> Any:  # noqa: N802 - a constant that happens to be callable
    """The value as it is."""
    return value


def refuse(name: str, wanted: str, found: type) -> Rejection:
    """The rejection of a value whose kind cannot become the column's type."""
    kind = {dict: "object", list: "array", str: "string", int: "integer", float: "double"}
    kinds = {**kind, bool: "boolean", type(None): "null"}
    return Rejection(
        "type_mismatch",
        f"column {name!r}: a value of type {kinds.get(found, found.__name__)} cannot become "
        f"{wanted} exactly; correct the type in the configuration, or the producer",
    )


def natural(name: str, found: type) -> tuple[str, Converter]:
    """The column type that keeps a value as it is, and its converter.

    Numbers stay numbers, nested values become JSON text.
    """
    if found in _NATURAL:
        return _NATURAL[found]
    if issubclass(found, str):
        return "string", str.__str__  # an enum's own str() is another text
    if issubclass(found, (dict, list, tuple)):
        return "string", _json_text(name)
    raise Rejection(
        "type_unknown",
        f"column {name!r}: a value of Python type {found.__name__} has no Tablestore type; turn it "
        "into text, a number or bytes in a step before",
    )


def converter(name: str, wanted: str, found: type) -> Converter:
    """From a Python type to a configured column type, exactly. Raises Rejection when none is."""
    if (found, wanted) in _SAME:
        return IDENTITY
    make = _CONVERTERS.get((found, wanted))
    if make is not None:
        return make(name)
    if wanted == "string" and issubclass(found, str):
        return str.__str__
    if wanted == "string" and issubclass(found, (dict, list, tuple)):
        return _json_text(name)
    raise refuse(name, wanted, found)


def _json_text(name: str) -> Converter:
    def convert(value: Any) -> str:
        try:
            text = msgspec.json.encode(value)
            if b"null" in text:  # how NaN and infinity are written too
                _refuse_no_numbers(name, value)
            return text.decode()
        except RecursionError:
            raise Rejection("json_depth", f"column {name!r}: nested too deep") from None
        except (TypeError, ValueError) as error:
            raise Rejection(
                "type_unknown", f"column {name!r}: no JSON text for it: {type(error).__name__}"
            ) from None

    return convert


def _refuse_no_numbers(name: str, value: Any) -> None:
    """Raise Rejection when there is a NaN or an infinity in the value."""
    if isinstance(value, float):
        if value - value != 0.0:
            raise Rejection(
                "not_finite", f"column {name!r}: NaN and infinity have no JSON text; leave them out"
            )
    elif isinstance(value, dict):
        for item in value.values():
            _refuse_no_numbers(name, item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_no_numbers(name, item)


def _boolean_text(_: str) -> Converter:
    return lambda value: "true" if value else "false"


def _integer_text(name: str) -> Converter:
    def convert(value: int) -> str:
        try:
            return str(value)
        except ValueError:  # Python renders no more than 4,300 digits
            raise Rejection(
                "integer_range", f"column {name!r}: the integer has more than 4,300 digits"
            ) from None

    return convert


def _double_text(name: str) -> Converter:
    return _json_text(name)


def _text_to_integer(name: str) -> Converter:
    def convert(value: str) -> int:
        if len(value) <= _LONGEST_INTEGER and _INTEGER.fullmatch(value):
            return int(value)
        raise refuse(name, "integer", str)

    return convert


def _double_to_integer(name: str) -> Converter:
    def convert(value: float) -> int:
        if value.is_integer() and abs(value) <= _EXACT:
            return int(value)
        raise refuse(name, "integer", float)

    return convert


def _integer_to_double(name: str) -> Converter:
    def convert(value: int) -> float:
        if abs(value) <= _EXACT:
            return float(value)
        raise refuse(name, "double", int)

    return convert


def _text_to_double(name: str) -> Converter:
    def convert(value: str) -> float:
        if not _NUMBER.fullmatch(value):
            raise refuse(name, "double", str)
        if _INTEGER.fullmatch(value):
            if len(value) <= _LONGEST_INTEGER and abs(int(value)) <= _EXACT:
                return float(value)
            raise refuse(name, "double", str)
        number = float(value)
        vanished = number == 0.0 and any(digit in value.lower().split("e")[0] for digit in _NOT_0)
        if vanished or number - number != 0.0:
            raise refuse(name, "double", str)
        return number

    return convert


def _text_to_boolean(name: str) -> Converter:
    def convert(value: str) -> bool:
        if value in ("true", "false"):
            return value == "true"
        raise refuse(name, "boolean", str)

    return convert


def _base64_to_binary(name: str) -> Converter:
    def convert(value: str) -> bytes:
        try:
            if len(value) % 4:  # b64decode lets a superfluous = pass
                raise ValueError
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise Rejection(
                "base64_invalid", f"column {name!r}: binary is written as base64, and this is none"
            ) from None

    return convert


def _bytes(_: str) -> Converter:
    return bytes


_NATURAL: dict[type, tuple[str, Converter]] = {
    str: ("string", IDENTITY),
    int: ("integer", IDENTITY),
    float: ("double", IDENTITY),
    bool: ("boolean", IDENTITY),
    bytes: ("binary", IDENTITY),
    bytearray: ("binary", bytes),
    memoryview: ("binary", bytes),
}
_SAME = {
    (str, "string"),
    (int, "integer"),
    (float, "double"),
    (bool, "boolean"),
    (bytes, "binary"),
}
_CONVERTERS: dict[tuple[type, str], Callable[[str], Converter]] = {
    (int, "string"): _integer_text,
    (float, "string"): _double_text,
    (bool, "string"): _boolean_text,
    (str, "integer"): _text_to_integer,
    (float, "integer"): _double_to_integer,
    (int, "double"): _integer_to_double,
    (str, "double"): _text_to_double,
    (str, "boolean"): _text_to_boolean,
    (str, "binary"): _base64_to_binary,
    (bytearray, "binary"): _bytes,
    (memoryview, "binary"): _bytes,
}
# Key columns take text, integers and bytes; a boolean or double as a key is a mistake.
_KEY_SOURCES: dict[str, set[type]] = {
    "string": {str, int},
    "integer": {int, str, float},
    "binary": {str, bytes, bytearray, memoryview},
}


def key_converter(name: str, wanted: str, found: type) -> Converter:
    """As `converter`, for a primary key column. Raises Rejection."""
    if found is type(None):
        raise Rejection("key_null", f"key column {name!r} is null: every row needs its whole key")
    if found not in _KEY_SOURCES[wanted]:
        raise refuse(name, wanted, found)
    return converter(name, wanted, found)
