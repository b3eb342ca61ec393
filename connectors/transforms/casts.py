"""Casts from one JSON type to another: exact, or a CastError, whose text has no value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_MAX_NUMBER_LENGTH = 400  # characters of a number in a text
_MAX_EXPONENT = 400  # of a decimal
_MAX_INTEGER_BITS = 4096  # of an integer that becomes text
_TRUE, _FALSE = ("true", "1"), ("false", "0")


class CastError(Exception):
    """The value has no equal in the other type; the text says why, without the value."""


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if isinstance(value, float) and not math.isfinite(value):
            raise CastError("is not a finite number")
        if isinstance(value, int) and value.bit_length() > _MAX_INTEGER_BITS:
            raise CastError("is an integer of too many digits")
        return repr(value)
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int) or abs(exponent) > _MAX_EXPONENT:
            raise CastError("is not a finite number, or one of too many digits")
        return format(value, "f")
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise CastError(f"is {_type_name(value)}, which has no text form")


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value) or value != int(value):
            raise CastError("is not a whole number")
        return int(value)
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int) or abs(exponent) > _MAX_EXPONENT or value != int(value):
            raise CastError("is not a whole number, or too large")
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise CastError(f"is {_type_name(value)} that is not an integer")


def _double(value: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, int):  # an integer of any size, if a double holds it exactly
        made = float(value) if abs(value) < 1 << 1023 else math.inf
        if made != value:
            raise CastError("is an integer that no double holds exactly")
        return made
    text = isinstance(value, str) and len(value) <= _MAX_NUMBER_LENGTH and _NUMBER.fullmatch(value)
    if not text and not isinstance(value, Decimal):
        raise CastError(f"is {_type_name(value)} that is not a number")
    if isinstance(value, Decimal) and not value.is_finite():
        raise CastError("is not a finite number")
    made = float(value)
    if not math.isfinite(made) or (made == 0.0 and not _is_zero(value)):
        raise CastError("is not a number that a double holds")
    return made


def _is_zero(value: str | Decimal) -> bool:
    if isinstance(value, Decimal):
        return value.is_zero()
    return not any(digit in value.lower().partition("e")[0] for digit in "123456789")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in (*_TRUE, *_FALSE):
        return value.lower() in _TRUE
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise CastError(f"is {_type_name(value)} that is neither true nor false")


def _type_name(value: Any) -> str:
    names = {"dict": "an object", "list": "a list", "str": "text", "bytes": "bytes"}
    name = type(value).__name__
    return names.get(name, f"a {name}")


CASTS: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "double": _double,
    "boolean": _boolean,
}
"""The casts by their result; each raises CastError. Decimal text becomes the nearest double."""
