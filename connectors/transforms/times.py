"""Times: texts and numbers to a time, and times to texts and numbers, exactly or not at all.

After Kafka Connect's TimestampConverter [connect-smt], which cuts to milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE, Record, field_path
from connectors.settings.transforms import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
# Microseconds of one unit; nanoseconds are divided.
_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_FAR = 10**25  # beyond it no unit has a time
_DIGITS = 40  # behind the point; one that far is finer than any unit
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[Tt ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?(?:[Zz]|([+-])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)
_ISO_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?[Zz]?", re.ASCII)


class _NoTime(Exception):  # noqa: N818 - a signal inside of this file
    """The value is not such a time; the text says why, without the value."""


Convert = Callable[[Any], Any]


def timestamp(settings: Timestamp) -> Callable[[Record, dict[str, Any]], dict[str, Any]]:
    """The change of a record's object."""
    read, write = _reader(settings), _writer(settings)

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        for path in settings.fields:
            names = field_path.names_of(value, path)
            if names is None:
                continue
            found = field_path.holder(value, names)[names[-1]]
            if found is None or found is UNAVAILABLE:
                continue
            try:
                new = write(read(found))
            except (_NoTime, ValueError, OverflowError) as error:
                why = str(error) if isinstance(error, _NoTime) else "is not in the years 1 to 9999"
                raise Rejection("transform_timestamp", f"timestamp: field {path!r} {why}") from None
            value = field_path.changed(value, names, new)
        return value

    return change


def _reader(settings: Timestamp) -> Convert:
    """From any value to a datetime with a zone, a date, or a time of day."""
    text = _iso if settings.format is None else _by_format(settings.format)
    unit = settings.unit

    def read(value: Any) -> Any:
        if isinstance(value, str):
            return text(value)
        if isinstance(value, datetime):
            return value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
        if isinstance(value, date):
            return value
        if isinstance(value, time):
            if value.utcoffset():
                raise _NoTime("is a time of day of another zone")
            return value.replace(tzinfo=None)
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            return _EPOCH + _MICROSECOND * _microseconds(value, unit)
        raise _NoTime(f"is {type(value).__name__}, not text, a number or a time")

    return read


def _microseconds(value: Any, unit: str) -> int:
    """Of an integer, a double or a Decimal."""
    if isinstance(value, Decimal) and not value.is_finite():
        raise _NoTime("is not a number of a time")
    if isinstance(value, float):  # to the nearest: a double has no room for more
        if not -_FAR < value < _FAR:
            raise _NoTime("is not a number of a time")
        return round(value / 1_000 if unit == "ns" else value * _UNITS[unit])
    if not value:
        return 0
    if not -_FAR < value < _FAR:
        raise _NoTime("is not a number of a time")
    if isinstance(value, Decimal) and value.adjusted() < -_DIGITS:
        raise _NoTime("is finer than a microsecond")
    exact = Fraction(value)
    exact = exact / 1_000 if unit == "ns" else exact * _UNITS[unit]
    if exact.denominator != 1:
        raise _NoTime("is finer than a microsecond")
    return exact.numerator


def _by_format(text: str) -> Convert:
    pattern = text.replace("%3f", "%f")

    def read(value: str) -> datetime:
        try:
            found = datetime.strptime(value, pattern)  # noqa: DTZ007 - UTC unless it says more
        except ValueError:
            raise _NoTime("is text of another format") from None
        return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)

    return read


def _iso(value: str) -> Any:
    """A date and time, a date or a time of day; UTC without a zone."""
    found = _ISO.fullmatch(value)
    if found is None:
        clock = _ISO_TIME.fullmatch(value)
        if clock is None:
            raise _NoTime("is not ISO 8601 text (set format)")
        hour, minute, second, fraction = clock.groups()
        return time(int(hour), int(minute), int(second or 0), _fraction(fraction))
    year, month, day, clock_hour, minute, second, fraction, sign, hours, minutes = found.groups()
    if clock_hour is None:
        return date(int(year), int(month), int(day))
    ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return datetime(
        int(year), int(month), int(day), int(clock_hour), int(minute), int(second or 0),
        _fraction(fraction), timezone(-ahead if sign == "-" else ahead),
    )  # fmt: skip


def _fraction(digits: str | None) -> int:
    """Microseconds of the digits behind the point."""
    padded = f"{digits or '':0<9}"
    if padded[6:] != "000":
        raise _NoTime("is finer than a microsecond")
    return int(padded[:6])


def _writer(settings: Timestamp) -> Convert:
    if settings.to == "number":
        return _number(settings.unit)
    if settings.to == "text":
        return _text(settings.format)
    return {"timestamp": _moment, "date": _date, "time": _time}[settings.to]


def _moment(found: Any) -> datetime:
    """In UTC: a date is its midnight, a time of day one of the first day of 1970."""
    if isinstance(found, datetime):
        return found.astimezone(timezone.utc)
    if isinstance(found, date):
        return datetime(found.year, found.month, found.day, tzinfo=timezone.utc)
    clock: time = found
    return datetime.combine(_EPOCH.date(), clock.replace(tzinfo=timezone.utc))


def _date(found: Any) -> date:
    if isinstance(found, time):
        raise _NoTime("is a time of day, which has no date")
    return _moment(found).date()


def _time(found: Any) -> time:
    return _moment(found).time()


def _number(unit: str) -> Convert:
    def write(found: Any) -> int:
        since = (_moment(found) - _EPOCH) // _MICROSECOND
        if unit == "ns":
            return since * 1_000
        count, rest = divmod(since, _UNITS[unit])
        if rest:
            raise _NoTime(f"is finer than its unit, {unit}")
        return count

    return write


def _text(pattern: str | None) -> Convert:
    """As ISO 8601 or the format has it; %z is written as Z, since all is UTC."""
    if pattern is None:

        def iso(found: Any) -> str:
            if isinstance(found, datetime):
                fine = "microseconds" if found.microsecond % 1_000 else "milliseconds"
                return (
                    found.astimezone(timezone.utc).replace(tzinfo=None).isoformat("T", fine) + "Z"
                )
            return str(found.isoformat())

        return iso
    parts = re.findall(r"%3f|%Y|%z|%.|[^%]+", pattern, re.DOTALL)
    own: dict[str, Callable[[datetime], str]] = {
        "%3f": _milliseconds,
        "%Y": lambda found: f"{found.year:04d}",  # strftime does not fill it up everywhere
        "%z": lambda _: "Z",
        "%%": lambda _: "%",
    }

    def write(found: Any) -> str:
        moment = _moment(found)
        return "".join(
            own[part](moment) if part in own
            else moment.strftime(part) if part.startswith("%")
            else part
            for part in parts
        )  # fmt: skip

    return write


def _milliseconds(found: datetime) -> str:
    if found.microsecond % 1_000:
        raise _NoTime("is finer than a millisecond, which is what its format has")
    return f"{found.microsecond // 1_000:03d}"
