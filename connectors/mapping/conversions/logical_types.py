"""Conversions of logical types that JSON does not have: decimals, dates, times and UUIDs.

Such values come from formats with schemas and from the user's own steps. As text they have the same
form as inside of the JSON text of a nested value: digits, ISO 8601 in UTC, base64. As numbers they
are those of Kafka Connect's logical types [connect-json].
"""

from __future__ import annotations

import base64
import marshal
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from connectors.errors import Rejection
from connectors.mapping.conversions.json_types import (
    Converter,
    integer_to_double,
    is_same_number,
    json_text,
    type_mismatch,
)
from connectors.records.exact_time import ExactTime, time_text

FractionUnit = Literal["ms", "us", "ns"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_DAY = date(1970, 1, 1)
_US = timedelta(microseconds=1)
_ZERO = timedelta(0)
_DAY_NS = 86_400_000_000_000
_UNIT_NS: dict[FractionUnit, int] = {"ms": 1_000_000, "us": 1000, "ns": 1}
_UNIT_NAMES = {"ms": "a millisecond", "us": "a microsecond", "ns": "a nanosecond"}
# Digits of a decimal that is written out: `1E+999999` is a few bytes, and a million digits.
_MAX_DIGITS = 20_000
# Digits that Python converts to an integer at once: its limit is 4,300.
_MAX_INTEGER_DIGITS = 4000
# Levels of objects and lists inside a nested value.
_MAX_DEPTH = 200


def digits_of(name: str, value: Decimal) -> str:
    """All digits of a decimal without exponent, trailing zeros included. Raises Rejection."""
    if not value.is_finite():
        raise Rejection(
            "not_finite", f"column {name!r}: the decimal is NaN or infinite; leave it out"
        )
    if max(abs(value.adjusted()), abs(int(value.as_tuple().exponent))) > _MAX_DIGITS:
        raise Rejection(
            "decimal_digits", f"column {name!r}: the decimal has more than {_MAX_DIGITS:,} digits"
        )
    return format(value, "f")


def decimal_to_text(name: str) -> Converter:
    """Converter Decimal -> all of its digits, as text; Rejection for more than 20,000."""
    return lambda value: digits_of(name, value)


def decimal_to_double(name: str) -> Converter:
    """Converter Decimal -> double; Rejection unless the shortest text of the double equals it."""

    def convert(value: Decimal) -> float:
        digits_of(name, value)
        number = float(value)
        if number - number == 0.0 and is_same_number(number, value):
            return number
        raise type_mismatch(name, "double", Decimal)

    return convert


def decimal_to_integer(scale: int) -> Callable[[str], Converter]:
    """The maker of converters Decimal -> integer: times 10**scale; Rejection unless whole."""

    def make(name: str) -> Converter:
        def convert(value: Decimal) -> int:
            digits_of(name, value)
            sign, digits, exponent = value.as_tuple()
            shift = int(exponent) + scale
            if len(digits) > _MAX_INTEGER_DIGITS:
                raise type_mismatch(name, "integer", Decimal)
            whole = int("".join(map(str, digits)))
            tenth: int = 10 ** abs(shift)
            if shift >= 0:
                whole *= tenth
            else:
                whole, rest = divmod(whole, tenth)
                if rest:
                    raise type_mismatch(name, "integer", Decimal)
            return -whole if sign else whole

        return convert

    return make


def moment_text(name: str, value: date | time | timedelta | ExactTime) -> str:
    """ISO 8601 text with ms, or finer where there is more. Raises Rejection."""
    if isinstance(value, timedelta):
        return _duration_text(value)
    try:
        return time_text(value)
    except OverflowError:
        raise _not_in_utc(name) from None


def moment_number(
    name: str, value: date | time | timedelta | ExactTime, unit: FractionUnit = "ms"
) -> int:
    """The integer of Connect's logical types [connect-json]. Raises Rejection.

    datetime: units since 1970; time: units of the day; timedelta: units; date: days since 1970.
    """
    if isinstance(value, ExactTime):
        return _in_units(
            name, value.nanoseconds, _DAY_NS if value.type == "date" else _UNIT_NS[unit], unit
        )
    if isinstance(value, timedelta):
        return _count(name, value, unit)
    if isinstance(value, datetime):
        # Without a zone it counts as UTC, as Avro's local timestamps do [avro-spec].
        aware = value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
        return _count(name, _in_utc(name, aware) - _EPOCH, unit)
    if isinstance(value, time):
        if value.tzinfo is not None:
            raise type_mismatch(name, "integer", time)
        since = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
        return _count(name, since + timedelta(microseconds=value.microsecond), unit)
    return (value - _FIRST_DAY).days


def _in_units(name: str, nanoseconds: int, unit_ns: int, unit: FractionUnit) -> int:
    whole, rest = divmod(nanoseconds, unit_ns)
    if rest:
        raise Rejection(
            "time_precision",
            f"column {name!r}: the time has fractions of {_UNIT_NAMES[unit]}, which an integer of "
            'them would lose; set times = "epoch_us", "epoch_ns" or "iso8601", or list the column '
            "as a string",
        )
    return whole


def _in_utc(name: str, value: datetime) -> datetime:
    try:
        return value.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        raise _not_in_utc(name) from None


def _not_in_utc(name: str) -> Rejection:
    return Rejection(
        "time_invalid", f"column {name!r}: in UTC the time is not in the years 1 to 9999"
    )


def _count(name: str, since: timedelta, unit: FractionUnit) -> int:
    return _in_units(name, since // _US * 1000, _UNIT_NS[unit], unit)


def _duration_text(value: timedelta) -> str:
    """An ISO 8601 duration in days, and seconds with their fraction."""
    sign, value = ("-", -value) if value < _ZERO else ("", value)
    fraction = f".{value.microseconds:06d}".rstrip("0") if value.microseconds else ""
    days = f"{value.days}D" if value.days else ""
    if days and not value.seconds and not fraction:
        return f"{sign}P{days}"
    return f"{sign}P{days}T{value.seconds}{fraction}S"


def moment_to_text(name: str) -> Converter:
    """Converter date, time or duration -> ISO 8601 text."""
    return lambda value: moment_text(name, value)


def moment_to_integer(unit: FractionUnit) -> Callable[[str], Converter]:
    """Converter date, time or duration -> integer, as moment_number says."""
    return lambda name: lambda value: moment_number(name, value, unit)


def moment_to_double(unit: FractionUnit) -> Callable[[str], Converter]:
    """Converter date, time or duration -> the same number as a double, where that has it."""

    def make(name: str) -> Converter:
        exact = integer_to_double(name)
        return lambda value: exact(moment_number(name, value, unit))

    return make


def uuid_to_text(_: str) -> Converter:
    """Converter UUID -> its text with hyphens."""
    return str


def typed_json_text(name: str) -> Converter:
    """Converter any value -> JSON text, with logical types in it as the text of each."""
    text = json_text(name)
    return lambda value: text(_plain(name, value, 0))


def changed_json_text(name: str) -> Converter:
    """As `typed_json_text`, but faster for values that have only JSON's types.

    For JSON formats whose values transforms may have changed to other types.
    """
    text, typed = json_text(name), typed_json_text(name)

    def convert(value: Any) -> str:
        try:
            marshal.dumps(value)  # it takes the types of JSON, and no time, decimal or UUID
        except ValueError:
            return str(typed(value))
        return str(text(value))

    return convert


def _plain(name: str, value: Any, depth: int) -> Any:
    """The value with its logical types as text. Raises Rejection."""
    if type(value) in (str, int, float, bool, type(None)):
        return value
    if depth > _MAX_DEPTH:
        raise Rejection("json_depth", f"column {name!r}: nested too deep")
    if isinstance(value, dict):
        out: dict[str, Any] = {}
        for key, item in value.items():
            own = _key(name, key)
            if own in out:
                raise Rejection(
                    "json_key_twice", f"column {name!r}: two keys of a map have the same text"
                )
            out[own] = _plain(name, item, depth + 1)
        return out
    if isinstance(value, (list, tuple)):
        return [_plain(name, item, depth + 1) for item in value]
    return leaf_text(name, value)


def leaf_text(name: str, value: Any) -> Any:
    """The text of a logical type or of bytes; any other value as it is. Raises Rejection."""
    if isinstance(value, Decimal):
        return digits_of(name, value)
    if isinstance(value, (date, time, timedelta, ExactTime)):
        return moment_text(name, value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    return value  # the JSON encoder accepts some of the other types, and rejects the rest


def _key(name: str, key: Any) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        try:
            return str(int(key))
        except ValueError:  # Python renders no more than 4,300 digits
            pass
    elif isinstance(key, (Decimal, date, time, timedelta, ExactTime, UUID, bytes)):
        return str(leaf_text(name, key))
    raise Rejection(
        "type_unknown",
        f"column {name!r}: a key of type {type(key).__name__} has no text in JSON; make it text",
    )
