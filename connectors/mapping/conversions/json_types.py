"""Conversions of values of JSON's types: exact, or a rejection. Nothing is cut or rounded.

A converter takes a value of one Python type and returns what the encoder takes for the type of a
column: int, float, bool, str or bytes. It raises Rejection for a value that would lose something.
Each function here makes a converter for one column, whose name its texts contain; no text contains
the value.
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
# Doubles hold every integer up to this one exactly [ieee-754].
_EXACT = 2**53
_NOT_0 = "123456789"
# A number of up to this many significant digits is unchanged after a round trip through a double.
_SURE_DIGITS = 15
# This many significant digits distinguish any two doubles.
_DIGITS_OF_DOUBLE = 17
# Digits of a decimal that is compared with a double. The longest double has 767 of them.
_MAX_DIGITS = 800
# Characters of an integer in a text: 64 bits have at most 20, and Python's own conversion of long
# texts takes quadratic time.
_MAX_INTEGER_DIGITS = 20


def is_same_number(number: float, meant: Decimal) -> bool:
    """Whether a double is the number of a decimal: no digit of it is lost.

    A double may be written in three ways: 0.1 by its shortest text, with 17 digits as
    0.10000000000000001, or in full with 55.
    """
    digits = len(meant.as_tuple().digits)
    if digits > _MAX_DIGITS:
        return False
    return meant in (Decimal(repr(number)), Decimal(number)) or (
        digits <= _DIGITS_OF_DOUBLE and meant == Decimal(f"{number:.16e}")
    )


def IDENTITY(value: Any) -> Any:  # noqa: N802 - a constant that happens to be callable
    """Return the value unchanged."""
    return value


def type_mismatch(name: str, wanted: str, found: type) -> Rejection:
    """The rejection of a value of Python type `found` for a column of type `wanted`."""
    names = {dict: "object", list: "array", str: "string", int: "integer", float: "double"}
    names |= {bool: "boolean", type(None): "null"}
    return Rejection(
        "type_mismatch",
        f"column {name!r}: a value of type {names.get(found, found.__name__)} cannot become "
        f"{wanted} exactly; correct the type in the configuration, or the producer",
    )


def json_text(name: str) -> Converter:
    """Converter any JSON value -> JSON text; Rejection for NaN, infinities and deep nesting."""

    def convert(value: Any) -> str:
        try:
            text = msgspec.json.encode(value, enc_hook=_others)
            if b"null" in text:  # how NaN and infinity are written too
                _check_finite(name, value)
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


def _check_finite(name: str, value: Any) -> None:
    """Raise Rejection when there is a NaN or an infinity in the value."""
    if isinstance(value, float):
        if value - value != 0.0:
            raise Rejection(
                "not_finite", f"column {name!r}: NaN and infinity have no JSON text; leave them out"
            )
    elif isinstance(value, dict):
        for item in value.values():
            _check_finite(name, item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_finite(name, item)


def boolean_text(_: str) -> Converter:
    """Converter boolean -> text: true or false."""
    return lambda value: "true" if value else "false"


def integer_text(name: str) -> Converter:
    """Converter integer -> decimal digits; Rejection above Python's 4,300 digits."""

    def convert(value: int) -> str:
        try:
            return str(value)
        except ValueError:  # Python renders no more than 4,300 digits
            raise Rejection(
                "integer_range", f"column {name!r}: the integer has more than 4,300 digits"
            ) from None

    return convert


def double_text(name: str) -> Converter:
    """Converter double -> its shortest text in JSON; Rejection for NaN and infinities."""
    return json_text(name)


def text_to_integer(name: str) -> Converter:
    """Converter text -> integer; Rejection unless it is an integer as JSON writes them."""

    def convert(value: str) -> int:
        if len(value) <= _MAX_INTEGER_DIGITS and _INTEGER.fullmatch(value):
            return int(value)
        raise type_mismatch(name, "integer", str)

    return convert


def double_to_integer(name: str) -> Converter:
    """Converter double -> integer; Rejection unless integral and abs <= 2**53."""

    def convert(value: float) -> int:
        if value.is_integer() and abs(value) <= _EXACT:
            return int(value)
        raise type_mismatch(name, "integer", float)

    return convert


def integer_to_double(name: str) -> Converter:
    """Converter integer -> double; Rejection unless abs <= 2**53."""

    def convert(value: int) -> float:
        if abs(value) <= _EXACT:
            return float(value)
        raise type_mismatch(name, "double", int)

    return convert


def text_to_double(name: str) -> Converter:
    """Converter JSON number text -> double; Rejection if digits would be lost."""

    def convert(value: str) -> float:
        if not _NUMBER.fullmatch(value):
            raise type_mismatch(name, "double", str)
        if _INTEGER.fullmatch(value):
            if len(value) <= _MAX_INTEGER_DIGITS and abs(int(value)) <= _EXACT:
                return float(value)
            raise type_mismatch(name, "double", str)
        number = float(value)
        vanished = number == 0.0 and any(digit in value.lower().split("e")[0] for digit in _NOT_0)
        if vanished or number - number != 0.0:
            raise type_mismatch(name, "double", str)
        if len(value) > _SURE_DIGITS and not is_same_number(number, Decimal(value)):
            raise type_mismatch(name, "double", str)
        return number

    return convert


def text_to_boolean(name: str) -> Converter:
    """Converter text -> boolean; Rejection unless it is true or false."""

    def convert(value: str) -> bool:
        if value in ("true", "false"):
            return value == "true"
        raise type_mismatch(name, "boolean", str)

    return convert


def base64_to_binary(name: str) -> Converter:
    """Converter base64 text -> bytes; Rejection unless the alphabet and padding are standard."""

    def convert(value: str) -> bytes:
        try:
            if len(value) % 4:  # b64decode lets a superfluous = pass
                raise ValueError
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise Rejection("base64_invalid", f"column {name!r}: the text is not base64") from None

    return convert


def plain_bytes(_: str) -> Converter:
    """Converter bytearray or memoryview -> bytes, a copy."""
    return bytes


def hex_to_binary(name: str) -> Converter:
    """Converter hexadecimal text -> bytes; Rejection unless it is pairs of digits only."""

    def convert(value: str) -> bytes:
        if len(value) % 2 or not _HEX.fullmatch(value):
            raise Rejection(
                "hex_invalid",
                f"column {name!r}: the text is not hexadecimal",
            )
        return bytes.fromhex(value)

    return convert


def utf8_to_binary(name: str) -> Converter:
    """Converter text -> its bytes in UTF-8; Rejection for half of a UTF-16 pair."""

    def convert(value: str) -> bytes:
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise Rejection(
                "encoding", f"column {name!r}: the text holds half of a UTF-16 pair"
            ) from None

    return convert


def binary_to_base64(_: str) -> Converter:
    """A converter from bytes to base64 text."""
    return lambda value: base64.b64encode(value).decode()


def binary_to_hex(_: str) -> Converter:
    """Converter bytes -> hexadecimal text."""
    return lambda value: bytes(value).hex()


def binary_to_utf8(name: str) -> Converter:
    """Converter bytes -> text; Rejection unless they are UTF-8."""

    def convert(value: bytes) -> str:
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            raise Rejection(
                "encoding", f"column {name!r}: the bytes are not UTF-8, which binary_text asks for"
            ) from None

    return convert
