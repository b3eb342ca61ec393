"""Values that JSON does not have: decimals, dates, times, UUIDs; and all of them inside JSON text.

They come from formats with schemas and from users' steps. As text they are what JSON text of nested
values says as well: digits, ISO 8601 in UTC, base64. As numbers they are what Kafka Connect sends.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

from connectors.errors import Rejection
from connectors.mapping.conversions.json_types import Converter, json_text, refuse, says_same
from connectors.records.exact_time import ExactTime, time_text

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_DAY = date(1970, 1, 1)
_MS = timedelta(milliseconds=1)
_ZERO = timedelta(0)
_MS_NS, _DAY_NS = 1_000_000, 86_400_000_000_000
# Digits of a decimal written out: `1E+999999` is a few bytes, and a million digits.
_MOST_DIGITS = 20_000
# Python reads no more from a text.
_LONGEST_INTEGER = 4000
# Objects and lists in one another inside a nested value; JSON has its own limit about there.
_DEEPEST = 200


def digits_of(name: str, value: Decimal) -> str:
    """All digits without an exponent; zeros at the end stay. Raises Rejection."""
    if not value.is_finite():
        raise Rejection(
            "not_finite", f"column {name!r}: a decimal that is NaN or infinite; leave it out"
        )
    if max(abs(value.adjusted()), abs(int(value.as_tuple().exponent))) > _MOST_DIGITS:
        raise Rejection(
            "decimal_digits", f"column {name!r}: the decimal has more than {_MOST_DIGITS:,} digits"
        )
    return format(value, "f")


def decimal_to_text(name: str) -> Converter:
    """All digits."""
    return lambda value: digits_of(name, value)


def decimal_to_double(name: str) -> Converter:
    """Of a number that the double is written as."""

    def convert(value: Decimal) -> float:
        digits_of(name, value)
        number = float(value)
        if number - number == 0.0 and says_same(number, value):
            return number
        raise refuse(name, "double", Decimal)

    return convert


def decimal_to_integer(scale: int) -> Callable[[str], Converter]:
    """The number times 10**scale, if that is whole."""

    def make(name: str) -> Converter:
        def convert(value: Decimal) -> int:
            digits_of(name, value)
            sign, digits, exponent = value.as_tuple()
            places = int(exponent) + scale
            if len(digits) > _LONGEST_INTEGER:
                raise refuse(name, "integer", Decimal)
            whole = int("".join(map(str, digits)))
            tenth: int = 10 ** abs(places)
            if places >= 0:
                whole *= tenth
            else:
                whole, rest = divmod(whole, tenth)
                if rest:
                    raise refuse(name, "integer", Decimal)
            return -whole if sign else whole

        return convert

    return make


def moment_text(name: str, value: date | time | timedelta | ExactTime) -> str:
    """ISO 8601, to the millisecond, or to the microsecond where there are any. Raises Rejection."""
    if isinstance(value, timedelta):
        return _duration_text(value)
    try:
        return time_text(value)
    except OverflowError:
        raise _not_in_utc(name) from None


def moment_number(name: str, value: date | time | timedelta | ExactTime) -> int:
    """Milliseconds since 1970, of the day, or that it lasts; days since 1970. Raises Rejection."""
    if isinstance(value, ExactTime):
        return _exact_number(name, value)
    if isinstance(value, timedelta):
        return _milliseconds(name, value)
    if isinstance(value, datetime):
        # One without a zone counts as if it were in UTC, as Avro's local timestamps do.
        aware = value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
        return _milliseconds(name, _in_utc(name, aware) - _EPOCH)
    if isinstance(value, time):
        if value.tzinfo is not None:
            raise refuse(name, "integer", time)
        since = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
        return _milliseconds(name, since + timedelta(microseconds=value.microsecond))
    return (value - _FIRST_DAY).days


def _exact_number(name: str, value: ExactTime) -> int:
    whole, rest = divmod(value.nanoseconds, _DAY_NS if value.kind == "date" else _MS_NS)
    if rest:
        raise _too_fine(name)
    return whole


def _too_fine(name: str) -> Rejection:
    return Rejection(
        "time_precision",
        f"column {name!r}: a time finer than a millisecond has no whole number of them; make "
        'it text, by times = "iso8601" or a listed string column',
    )


def _in_utc(name: str, value: datetime) -> datetime:
    try:
        return value.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        raise _not_in_utc(name) from None


def _not_in_utc(name: str) -> Rejection:
    return Rejection(
        "time_invalid", f"column {name!r}: in UTC the time is not in the years 1 to 9999"
    )


def _milliseconds(name: str, since: timedelta) -> int:
    whole, rest = divmod(since, _MS)
    if rest:
        raise _too_fine(name)
    return whole


def _duration_text(value: timedelta) -> str:
    """ISO 8601, by days, and seconds with their fraction."""
    sign, value = ("-", -value) if value < _ZERO else ("", value)
    fraction = f".{value.microseconds:06d}".rstrip("0") if value.microseconds else ""
    days = f"{value.days}D" if value.days else ""
    if days and not value.seconds and not fraction:
        return f"{sign}P{days}"
    return f"{sign}P{days}T{value.seconds}{fraction}S"


def moment_to_text(name: str) -> Converter:
    """ISO 8601."""
    return lambda value: moment_text(name, value)


def moment_to_integer(name: str) -> Converter:
    """Since 1970, or since midnight."""
    return lambda value: moment_number(name, value)


def moment_to_double(name: str) -> Converter:
    """The same number, which a double always holds: it is far below 2**53."""
    return lambda value: float(moment_number(name, value))


def uuid_to_text(_: str) -> Converter:
    """The usual form, with hyphens."""
    return str


def typed_json_text(name: str) -> Converter:
    """JSON text of a value that may hold such values, each as the text that it is by itself."""
    text = json_text(name)
    return lambda value: text(_plain(name, value, 0))


def _plain(name: str, value: Any, depth: int) -> Any:
    """The value with nothing in it but what JSON has. Raises Rejection."""
    kind = type(value)
    if kind in (str, int, float, bool, type(None)):
        return value
    if depth > _DEEPEST:
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
    """What JSON text says for a value that JSON does not have. Raises Rejection."""
    if isinstance(value, Decimal):
        return digits_of(name, value)
    if isinstance(value, (date, time, timedelta, ExactTime)):
        return moment_text(name, value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    return value  # the encoder of JSON knows some more, and refuses the others


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
