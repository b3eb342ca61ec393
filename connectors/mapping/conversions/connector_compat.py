"""Conversions of the Java connector [connector] that are exact, for tables that it wrote.

Where the connector cut, wrapped or saturated a number, or wrote the address of bytes instead of the
bytes, the value is rejected as with the exact conversions. docs/mapping.md has the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from connectors.errors import Rejection
from connectors.mapping.conversions.json_types import Converter, is_same_number, type_mismatch
from connectors.mapping.conversions.logical_types import moment_text
from connectors.records.exact_time import ExactTime
from connectors.settings.tablestore_limits import MAX_INTEGER, MIN_INTEGER

# The texts that Java's BigDecimal reads [java-bigdecimal].
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_MAX_NUMBER_LENGTH = 400
# Java writes doubles in this range without an exponent [java-double].
_PLAIN_FROM, _PLAIN_TO = 1e-3, 1e7
# Levels of objects and lists inside each other.
_MAX_DEPTH = 200


def double_text(value: float) -> str:
    """The text of Java's Double.toString [java-double]: 100.0, 1.0E10, 1.5E-7."""
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_TO:
        return repr(value)
    shown = Decimal(repr(value))
    sign, digits, _ = shown.as_tuple()
    two = f"{value:.1e}"
    if len(digits) == 1 and float(two) == value:
        digits = Decimal(two).as_tuple().digits  # Java writes two, and takes the nearest: 4.9E-324
        shown = Decimal(two)
    text = "".join(map(str, digits)).rstrip("0")
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{shown.adjusted()}"


def text(name: str, value: Any, depth: int = 0) -> str:
    """The text of Java's toString. Raises Rejection where that text would not hold the value."""
    if isinstance(value, str):
        return str.__str__(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value - value != 0.0:
            raise Rejection(
                "not_finite",
                f"column {name!r}: NaN and infinity have no text that is a number; leave it out",
            )
        return double_text(value)
    if isinstance(value, (int, Decimal, UUID)):
        return _digits(name, value)
    if isinstance(value, (date, time, timedelta, ExactTime)):
        return moment_text(name, value)  # Java's own depends on the zone of the machine
    if depth > _MAX_DEPTH:
        raise Rejection("json_depth", f"column {name!r}: nested too deep")
    if isinstance(value, dict):
        items = [f"{text(name, k)}={text(name, v, depth + 1)}" for k, v in _in_order(value)]
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([text(name, item, depth + 1) for item in value]) + "]"
    raise type_mismatch(name, "text", type(value))  # bytes too: Java writes their address


def _in_order(value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """The items in the order of Java's HashMap, which Connect makes of a JSON object."""
    if not all(isinstance(name, str) for name in value):
        return [*value.items()]
    buckets = 16
    while len(value) > buckets * 3 // 4:
        buckets *= 2
    return sorted(value.items(), key=lambda item: _hash(item[0]) & (buckets - 1))


def _hash(name: str) -> int:
    """Java's String.hashCode, with its upper half folded in as HashMap does it."""
    made = 0
    units = name.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2], strict=True):
        made = (31 * made + (high << 8 | low)) & 0xFFFFFFFF
    return made ^ made >> 16


def _digits(name: str, value: int | Decimal | UUID) -> str:
    if isinstance(value, Decimal) and not value.is_finite():
        raise Rejection("not_finite", f"column {name!r}: the decimal is NaN or infinite")
    try:
        return str(value)
    except ValueError:  # Python renders no more than 4,300 digits
        raise Rejection(
            "integer_range", f"column {name!r}: the integer has more than 4,300 digits"
        ) from None


def to_text(name: str) -> Converter:
    """Converter any value -> the text of Java's toString."""
    return lambda value: text(name, value)


def to_text_bytes(name: str) -> Converter:
    """Converter any value -> the bytes of Java's toString, in UTF-8."""

    def convert(value: Any) -> bytes:
        try:
            return text(name, value).encode()
        except UnicodeEncodeError:
            raise Rejection(
                "encoding", f"column {name!r}: the text holds half of a UTF-16 pair"
            ) from None

    return convert


def _number(name: str, wanted: str, value: str) -> Decimal:
    if len(value) > _MAX_NUMBER_LENGTH or not _NUMBER.fullmatch(value):
        raise type_mismatch(name, wanted, str)
    return Decimal(value)


def _whole(name: str, wanted: str, number: Decimal, found: type) -> int:
    """The 64-bit integer that equals a number; Rejection where Java cuts, wraps or saturates."""
    if number.is_finite() and number.adjusted() < len(str(MAX_INTEGER)) and number == int(number):
        whole = int(number)
        if MIN_INTEGER <= whole <= MAX_INTEGER:
            return whole
    raise type_mismatch(name, wanted, found)


def text_to_integer(name: str) -> Converter:
    """Converter number text -> integer, 1e3 and 1.0 included; Rejection unless it is whole."""
    return lambda value: _whole(name, "integer", _number(name, "integer", value), str)


def text_to_double(name: str) -> Converter:
    """Converter number text -> double; Rejection if digits would be lost."""

    def convert(value: str) -> float:
        meant = _number(name, "double", value)
        number = float(value)
        if number - number == 0.0 and is_same_number(number, meant):
            return number
        raise type_mismatch(name, "double", str)

    return convert


def text_to_boolean(name: str) -> Converter:
    """Converter text -> boolean: true, false, or a whole number, of which only 0 is false."""

    def convert(value: str) -> bool:
        if value in ("true", "false"):
            return value == "true"
        return _whole(name, "boolean", _number(name, "boolean", value), str) != 0

    return convert


def double_to_integer(name: str) -> Converter:
    """Converter double -> integer; Rejection unless it is whole and has 64 bits."""

    def convert(value: float) -> int:
        if value - value == 0.0:
            return _whole(name, "integer", Decimal(value), float)
        raise type_mismatch(name, "integer", float)

    return convert


def double_to_boolean(name: str) -> Converter:
    """Converter double -> boolean: only 0 is false; Rejection unless it is whole."""
    whole = double_to_integer(name)
    return lambda value: whole(value) != 0


def integer_to_boolean(_: str) -> Converter:
    """Converter integer -> boolean: only 0 is false."""
    return lambda value: value != 0


Make = Callable[[str], Converter]

# For listed columns, (type of the value, type of the column), beside the exact conversions.
LISTED: dict[tuple[type, str], Make] = {
    (str, "integer"): text_to_integer,
    (str, "double"): text_to_double,
    (str, "boolean"): text_to_boolean,
    (int, "boolean"): integer_to_boolean,
    (int, "binary"): to_text_bytes,
    (float, "string"): to_text,
    (float, "integer"): double_to_integer,
    (float, "boolean"): double_to_boolean,
    (float, "binary"): to_text_bytes,
    (bool, "binary"): to_text_bytes,
    (Decimal, "string"): to_text,
    (Decimal, "binary"): to_text_bytes,
    (dict, "binary"): to_text_bytes,
    (list, "binary"): to_text_bytes,
    (tuple, "binary"): to_text_bytes,
}

# For columns that are not listed: of JSON without a schema, values of these types become text.
UNLISTED: tuple[type, ...] = (int, float, bool, Decimal, dict, list, tuple)
