"""Conversions of the values that JSON has: exact, or a rejection. Nothing is cut or rounded.

A converter takes a value of one Python type and returns what the encoder takes for the column's
type, or raises Rejection. Each function here makes one, for a column's name.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from connectors.errors import Rejection
from connectors.records.exact_time import ExactTime

Converter = Callable[[Any], Any]

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]*", re.ASCII)
# Every integer up to here has a double of its own.
_EXACT = 2**53
_NOT_0 = "123456789"
# So many digits come back from a double as they were.
_SURE_DIGITS = 15
# So many say which double it is.
_DIGITS_OF_DOUBLE = 17
# More cannot be meant for a double, and take Python long to compare.
_MOST_DIGITS = 800
# Longer digits cannot be in range, and Python's own text conversion is quadratic.
_LONGEST_INTEGER = 20


def says_same(number: float, meant: Decimal) -> bool:
    """Whether a double is that number, or is commonly written so.

    The double 0.1 is written as 0.1, with 17 digits as 0.10000000000000001, and has 55 digits in
    full. Any other digits would be lost.
    """
    digits = len(meant.as_tuple().digits)
    if digits > _MOST_DIGITS:
        return False
    return meant in (Decimal(repr(number)), Decimal(number)) or (
        digits <= _DIGITS_OF_DOUBLE and meant == Decimal(f"{number:.16e}")
    )


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


def json_text(name: str) -> Converter:
    """A value with all that is in it, as JSON."""

    def convert(value: Any) -> str:
        try:
            text = msgspec.json.encode(value, enc_hook=_others)
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


def _others(value: Any) -> str:
    if isinstance(value, ExactTime):
        return value.isoformat()
    raise TypeError


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


def boolean_text(_: str) -> Converter:
    """JSON's words."""
    return lambda value: "true" if value else "false"


def integer_text(name: str) -> Converter:
    """Decimal digits."""

    def convert(value: int) -> str:
        try:
            return str(value)
        except ValueError:  # Python renders no more than 4,300 digits
            raise Rejection(
                "integer_range", f"column {name!r}: the integer has more than 4,300 digits"
            ) from None

    return convert


def double_text(name: str) -> Converter:
    """As JSON writes it."""
    return json_text(name)


def text_to_integer(name: str) -> Converter:
    """Decimal digits, as JSON writes integers."""

    def convert(value: str) -> int:
        if len(value) <= _LONGEST_INTEGER and _INTEGER.fullmatch(value):
            return int(value)
        raise refuse(name, "integer", str)

    return convert


def double_to_integer(name: str) -> Converter:
    """Of a whole number that has no neighbour closer than one."""

    def convert(value: float) -> int:
        if value.is_integer() and abs(value) <= _EXACT:
            return int(value)
        raise refuse(name, "integer", float)

    return convert


def integer_to_double(name: str) -> Converter:
    """Of one that has a double of its own."""

    def convert(value: int) -> float:
        if abs(value) <= _EXACT:
            return float(value)
        raise refuse(name, "double", int)

    return convert


def text_to_double(name: str) -> Converter:
    """Of a number as JSON writes it, when the double says the same number."""

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
        if len(value) > _SURE_DIGITS and not says_same(number, Decimal(value)):
            raise refuse(name, "double", str)
        return number

    return convert


def text_to_boolean(name: str) -> Converter:
    """JSON's words."""

    def convert(value: str) -> bool:
        if value in ("true", "false"):
            return value == "true"
        raise refuse(name, "boolean", str)

    return convert


def base64_to_binary(name: str) -> Converter:
    """Of the standard alphabet, with its padding."""

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


def plain_bytes(_: str) -> Converter:
    """A copy of what can still be changed."""
    return bytes


def hex_to_binary(name: str) -> Converter:
    """Of pairs of hexadecimal digits, without anything between them."""

    def convert(value: str) -> bytes:
        if len(value) % 2 or not _HEX.fullmatch(value):
            raise Rejection(
                "hex_invalid",
                f"column {name!r}: binary is written in hexadecimal digits, and this is not",
            )
        return bytes.fromhex(value)

    return convert


def utf8_to_binary(name: str) -> Converter:
    """The text's own bytes."""

    def convert(value: str) -> bytes:
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise Rejection(
                "encoding", f"column {name!r}: the text holds half of a UTF-16 pair"
            ) from None

    return convert


def binary_to_base64(_: str) -> Converter:
    """Of any bytes."""
    return lambda value: base64.b64encode(value).decode()


def binary_to_hex(_: str) -> Converter:
    """Of any bytes."""
    return lambda value: bytes(value).hex()


def binary_to_utf8(name: str) -> Converter:
    """Of bytes that are UTF-8."""

    def convert(value: bytes) -> str:
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            raise Rejection(
                "encoding", f"column {name!r}: the bytes are no UTF-8 text, which binary_text says"
            ) from None

    return convert
