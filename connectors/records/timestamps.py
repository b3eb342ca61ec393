"""Times of records in microseconds since 1970, from values in the configured unit."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE, Record
from connectors.records.exact_time import ExactTime

# Microseconds of one unit, or units of one microsecond.
_MICROSECONDS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
_NANOSECONDS_OF_ONE: Final = 1_000
_LATEST: Final = (1 << 63) - 1
_FAR: Final = 10**25  # times are below it in every unit
_INTEGER = re.compile(r"-?[0-9]{1,25}", re.ASCII)
_FRACTION = re.compile(r"-?[0-9]{1,25}\.[0-9]{1,25}", re.ASCII)
# ISO 8601, a calendar date and a time of day with its zone, in the extended or the basic form.
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[Tt ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d)?)",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ONE: Final = timedelta(microseconds=1)

Moment = Callable[[Any], int]


def moment_of(name: str, unit: str) -> Moment:
    """The function from a field's value to microseconds since 1970; it raises Rejection."""
    others = {"iso8601": _iso, "ns": _nanoseconds}
    read = others[unit] if unit in others else _counted(_MICROSECONDS[unit])

    def moment(value: Any) -> int:
        # A datetime, as some formats decode times, has its unit with it.
        if type(value) is datetime or type(value) is ExactTime:
            time = _since_1970(value)
        else:
            time = read(value)
        if time is None:
            raise _no_time(name, unit, value)
        if not 0 <= time <= _LATEST:
            raise Rejection(
                "time_range",
                f"field {name!r}: a point's time is between 1970 and 2**63 microseconds later; "
                f"check time_unit, which is {unit}",
            )
        return time

    return moment


def own_moment(record: Record) -> int:
    """The record's own time in microseconds since 1970. Raises Rejection."""
    timestamp = record.timestamp
    if timestamp is None:
        raise Rejection(
            "time_missing", "the record has no timestamp, or none after 1970: set time_field"
        )
    if timestamp > _LATEST // 1000:
        raise Rejection("time_range", "the record's timestamp is too late for a point")
    return timestamp * 1000


def _no_time(name: str, unit: str, value: Any) -> Rejection:
    if value is None:
        return Rejection("time_missing", f"field {name!r}, the time, is null or absent")
    if value is UNAVAILABLE:
        return Rejection("time_missing", f"field {name!r}, the time, is not sent by its source")
    if isinstance(value, datetime) or (isinstance(value, ExactTime) and value.type == "local"):
        return Rejection(
            "time_invalid",
            f"field {name!r}: a time without a zone, which may be any moment of two days: give it "
            "one in a step before, or at its producer",
        )
    wanted = (
        "a time with its zone such as 2026-01-31T08:00:00Z" if unit == "iso8601" else "a number"
    )
    return Rejection(
        "time_invalid",
        f"field {name!r}: time_unit {unit} needs {wanted}, and the value, of type "
        f"{type(value).__name__}, is not one",
    )


def _counted(microseconds: int) -> Callable[[Any], int | None]:
    def read(value: Any) -> int | None:
        if type(value) is int:
            return value * microseconds
        return _of_number(value, microseconds)

    return read


def _nanoseconds(value: Any) -> int | None:
    if type(value) is int:
        return value // _NANOSECONDS_OF_ONE
    # Not a double, which cannot hold the nanoseconds of present times.
    number = _exact(value)
    return None if number is None else math.floor(number) // _NANOSECONDS_OF_ONE


def _of_number(value: Any, microseconds: int) -> int | None:
    """A text of digits, or a fraction, to the nearest microsecond."""
    if isinstance(value, float):
        is_time = value - value == 0.0 and abs(value) < _FAR
        return round(value * microseconds) if is_time else None
    number = _exact(value)
    return None if number is None else round(number * microseconds)


def _exact(value: Any) -> int | Decimal | None:
    """The number that a text of digits or a Decimal is."""
    if isinstance(value, str):
        if _INTEGER.fullmatch(value):
            return int(value)
        return Decimal(value) if _FRACTION.fullmatch(value) else None
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < _FAR:
        return value
    return None


def _iso(value: Any) -> int | None:
    found = _ISO.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = found.groups()
    try:
        day_time = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0),
            tzinfo=timezone.utc,
        )  # fmt: skip
    except ValueError:  # no such day, or a second 60
        return None
    time = (day_time - _EPOCH) // _ONE + int(f"{fraction or '0':0<6}"[:6])
    if sign:
        if int(hours) > 23 or int(minutes or 0) > 59:
            return None
        ahead = (int(hours) * 60 + int(minutes or 0)) * 60_000_000
        time += -ahead if sign == "+" else ahead
    return time


def _since_1970(value: datetime | ExactTime) -> int | None:
    """Microseconds since 1970; None without a zone, as that may be any moment of two days."""
    if isinstance(value, ExactTime):
        return value.nanoseconds // 1000 if value.type == "instant" else None
    return None if value.tzinfo is None else (value - _EPOCH) // _ONE
