"""Conversions of times: from texts and numbers, and to texts and numbers, exactly or not at all.

Modelled on Kafka Connect's TimestampConverter [connect-smt], which cuts to milliseconds. In this
file a time is an ExactTime, of the types instant, date and time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

from connectors.errors import Rejection
from connectors.records import Record, exact_time, field_path
from connectors.records.exact_time import ExactTime
from connectors.settings.transforms import Timestamp
from connectors.transforms.fields import sent_field

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_DAY = _EPOCH.date()
_MICROSECOND = timedelta(microseconds=1)
_DAY_NS = 86_400_000_000_000
_UNITS_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_FAR = 10**25  # times are below it in every unit
_DIGITS = 40  # digits after the point; more are finer than any unit
# The range of times that numbers may mean: those of a wrong unit are mostly outside of it.
_YEAR_1_NS, _YEAR_10000_NS = -62_135_596_800 * 10**9, 253_402_300_800 * 10**9
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[Tt ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?(?:[Zz]|([+-])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)
_ISO_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?[Zz]?", re.ASCII)


class _NoTime(ValueError):  # noqa: N818 - a signal inside of this file
    """Raised for a value that is not such a time; the text says why, without the value."""


def timestamp(settings: Timestamp) -> Callable[[Record, dict[str, Any]], dict[str, Any]]:
    """The transform of a record's object that converts times."""
    read, write = _reader(settings), _writer(settings)

    def change(_: Record, value: dict[str, Any]) -> dict[str, Any]:
        for path in settings.fields:
            field = sent_field(value, path)
            if field is None:
                continue
            names, found = field
            try:
                new = write(read(found))
            except (ValueError, OverflowError) as error:
                why = str(error) if isinstance(error, _NoTime) else "is not in the years 1 to 9999"
                raise Rejection("transform_timestamp", f"timestamp: field {path!r} {why}") from None
            value = field_path.changed(value, names, new)
        return value

    return change


def instant_of_text(text: str) -> datetime | ExactTime:
    """The moment of a date and time in ISO 8601. Raises ValueError for anything else."""
    found = _iso(text)
    if found.type != "instant":
        raise _NoTime("is not a date and time")
    return exact_time.instant(found.nanoseconds)


def _reader(settings: Timestamp) -> Callable[[Any], ExactTime]:
    """The function from any value to an instant, a date, or a time of day."""
    text = _iso if settings.format is None else _by_format(settings.format)
    unit = settings.unit

    def read(value: Any) -> ExactTime:
        if isinstance(value, str):
            return text(value)
        if isinstance(value, datetime):
            return _instant(value)
        if isinstance(value, date):
            return _date_of(value)
        if isinstance(value, time):
            if value.utcoffset():
                raise _NoTime("is a time of day of another zone")
            return _clock(value.hour, value.minute, value.second, value.microsecond * 1_000)
        if isinstance(value, ExactTime):
            return ExactTime("instant", value.nanoseconds) if value.type == "local" else value
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            nanoseconds = _nanoseconds(value, unit)
            if not _YEAR_1_NS <= nanoseconds < _YEAR_10000_NS:
                raise _NoTime("is a number of no time of years 1 to 9999 (see unit)")
            return ExactTime("instant", nanoseconds)
        raise _NoTime(f"is {type(value).__name__}, not text, a number or a time")

    return read


def _instant(value: datetime) -> ExactTime:
    """The instant of a datetime; without a zone it is in UTC."""
    aware = value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)
    return ExactTime("instant", (aware - _EPOCH) // _MICROSECOND * 1_000)


def _date_of(value: date) -> ExactTime:
    return ExactTime("date", (value - _FIRST_DAY).days * _DAY_NS)


def _clock(hour: int, minute: int, second: int, nanoseconds: int) -> ExactTime:
    seconds = (hour * 60 + minute) * 60 + second
    return ExactTime("time", seconds * _UNITS_NS["s"] + nanoseconds)


def _nanoseconds(value: Any, unit: str) -> int:
    """The nanoseconds of an integer, double or Decimal in a unit."""
    if isinstance(value, Decimal) and not value.is_finite():
        raise _NoTime("is not a number of a time")
    if not value:
        return 0
    if not -_FAR < value < _FAR:
        raise _NoTime("is not a number of a time")
    if isinstance(value, float):  # to the nearest microsecond, which is all that a double can hold
        return round(value * _UNITS_NS[unit] / 1_000) * 1_000
    if isinstance(value, Decimal) and value.adjusted() < -_DIGITS:
        raise _NoTime("is finer than a nanosecond")
    exact = Fraction(value) * _UNITS_NS[unit]
    if exact.denominator != 1:
        raise _NoTime("is finer than a nanosecond")
    return exact.numerator


def _by_format(text: str) -> Callable[[str], ExactTime]:
    pattern = text.replace("%3f", "%f")

    def read(value: str) -> ExactTime:
        try:
            return _instant(datetime.strptime(value, pattern))  # noqa: DTZ007 - UTC unless it says
        except ValueError:
            raise _NoTime("is text of another format") from None

    return read


def _iso(value: str) -> ExactTime:
    """A date and time, a date or a time of day in ISO 8601; UTC without a zone."""
    found = _ISO.fullmatch(value)
    if found is None:
        parts = _ISO_TIME.fullmatch(value)
        if parts is None:
            raise _NoTime("is not ISO 8601 text (set format)")
        hour, minute, second, fraction = parts.groups()
        clock = time(int(hour), int(minute), int(second or 0))
        return _clock(clock.hour, clock.minute, clock.second, _fraction(fraction))
    year, month, day, clock_hour, minute, second, fraction, sign, hours, minutes = found.groups()
    if clock_hour is None:
        return _date_of(date(int(year), int(month), int(day)))
    ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    whole = datetime(
        int(year), int(month), int(day), int(clock_hour), int(minute), int(second or 0),
        tzinfo=timezone(-ahead if sign == "-" else ahead),
    )  # fmt: skip
    return ExactTime("instant", _instant(whole).nanoseconds + _fraction(fraction))


def _fraction(digits: str | None) -> int:
    """Nanoseconds of the digits after the point."""
    return int(f"{digits or '':0<9}")


def _writer(settings: Timestamp) -> Callable[[ExactTime], Any]:
    if settings.to == "number":
        return _number(settings.unit)
    if settings.to == "text":
        return _text(settings.format)
    return {"timestamp": _moment, "date": _date, "time": _time}[settings.to]


def _moment(found: ExactTime) -> datetime | ExactTime:
    """The instant: a date is its midnight in UTC, a time of day is on 1970-01-01."""
    return exact_time.instant(found.nanoseconds)


def _date(found: ExactTime) -> date | ExactTime:
    if found.type == "time":
        raise _NoTime("is a time of day, which has no date")
    return exact_time.day(found.nanoseconds // _DAY_NS)


def _time(found: ExactTime) -> time | ExactTime:
    return exact_time.time_of_day(found.nanoseconds % _DAY_NS)


def _number(unit: str) -> Callable[[ExactTime], int]:
    def write(found: ExactTime) -> int:
        count, rest = divmod(found.nanoseconds, _UNITS_NS[unit])
        if rest:
            raise _NoTime(f"is finer than its unit, {unit}")
        return count

    return write


def _text(pattern: str | None) -> Callable[[ExactTime], str]:
    """The text in ISO 8601 or the format; %z is written as Z, since all is UTC."""
    if pattern is None:

        def iso(found: ExactTime) -> str:
            if found.type == "instant":
                return exact_time.time_text(_moment(found))
            return (_date(found) if found.type == "date" else _time(found)).isoformat()

        return iso
    parts = re.findall(r"%3f|%Y|%z|%.|[^%]+", pattern, re.DOTALL)
    own: dict[str, Callable[[datetime], str]] = {
        "%3f": _milliseconds,
        "%Y": lambda found: f"{found.year:04d}",  # strftime does not pad it on every platform
        "%z": lambda _: "Z",
        "%%": lambda _: "%",
    }

    def write(found: ExactTime) -> str:
        rest = found.nanoseconds % 1_000
        if rest and "%f" in parts:
            raise _NoTime("is finer than a microsecond, which is what its format has")
        if rest and "%3f" in parts:
            raise _NoTime("is finer than a millisecond, which is what its format has")
        moment = exact_time.instant(found.nanoseconds - rest)
        if isinstance(moment, ExactTime):
            raise _NoTime("is outside of the years 1 to 9999, which formats are for")
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
