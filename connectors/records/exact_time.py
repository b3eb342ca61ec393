"""Times that Python's own types cannot hold: nanoseconds, and years outside of 1 to 9999.

Formats with schemas have both: Go writes nanoseconds, databases have years beyond 9999 and an
infinity. A time that Python's types can hold has one of those types; any other is an `ExactTime`,
from which the mapping makes texts and numbers in the same forms.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Literal

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LOCAL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a time without a zone
_FIRST_DAY = date(1970, 1, 1)
_ORDINAL = _FIRST_DAY.toordinal()
_CYCLE_DAYS, _CYCLE_YEARS = 146_097, 400  # the Gregorian calendar repeats itself
_DAY_SECONDS = 86_400
_NS = 1_000_000_000
_DAY_NS = _DAY_SECONDS * _NS

TimeType = Literal["instant", "local", "date", "time"]


class ExactTime:
    """A time to the nanosecond, of any year.

    `type` says what `nanoseconds` count: since 1970 in UTC (instant), without a zone (local), or to
    the start of a day (date); since midnight (time).
    """

    __slots__ = ("nanoseconds", "type")

    def __init__(self, time_type: TimeType, nanoseconds: int) -> None:
        self.type = time_type
        self.nanoseconds = nanoseconds

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExactTime):
            return NotImplemented
        return (self.type, self.nanoseconds) == (other.type, other.nanoseconds)

    def __hash__(self) -> int:
        return hash((self.type, self.nanoseconds))

    def __repr__(self) -> str:
        return f"ExactTime({self.type!r}, {self.nanoseconds})"

    def isoformat(self) -> str:
        """ISO 8601, to the milli-, micro- or nanosecond; years beyond four digits have a sign."""
        days, within = divmod(self.nanoseconds, _DAY_NS)
        if self.type == "date":
            return _day_text(days)
        if self.type == "time":
            return _clock_text(within)
        zone = "Z" if self.type == "instant" else ""
        return f"{_day_text(days)}T{_clock_text(within)}{zone}"


def _day_text(days: int) -> str:
    cycles, within = divmod(days + _ORDINAL - 1, _CYCLE_DAYS)
    day = date.fromordinal(within + 1)
    year = day.year + cycles * _CYCLE_YEARS
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04d}-{day.month:02d}-{day.day:02d}"


def _clock_text(nanoseconds: int) -> str:
    seconds, fraction = divmod(nanoseconds, _NS)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    digits = f"{fraction:09d}"
    fine = 9 if fraction % 1000 else 6 if fraction % 1_000_000 else 3
    return f"{hour:02d}:{minute:02d}:{second:02d}.{digits[:fine]}"


def instant(nanoseconds: int) -> datetime | ExactTime:
    """The UTC time this many nanoseconds after 1970."""
    microseconds, rest = divmod(nanoseconds, 1000)
    if rest:
        return ExactTime("instant", nanoseconds)
    try:
        return _EPOCH + timedelta(0, *divmod(microseconds, 1_000_000))
    except OverflowError:
        return ExactTime("instant", nanoseconds)


def instant_of_ms(milliseconds: int) -> datetime | ExactTime:
    """The UTC time this many milliseconds after 1970."""
    try:
        return _EPOCH + timedelta(0, 0, 0, milliseconds)
    except OverflowError:
        return ExactTime("instant", milliseconds * 1_000_000)


def instant_of_us(microseconds: int) -> datetime | ExactTime:
    """The UTC time this many microseconds after 1970."""
    try:
        return _EPOCH + timedelta(0, *divmod(microseconds, 1_000_000))
    except OverflowError:
        return ExactTime("instant", microseconds * 1000)


def local(nanoseconds: int) -> datetime | ExactTime:
    """The time without a zone this many nanoseconds after 1970."""
    microseconds, rest = divmod(nanoseconds, 1000)
    if rest:
        return ExactTime("local", nanoseconds)
    try:
        return _LOCAL_EPOCH + timedelta(0, *divmod(microseconds, 1_000_000))
    except OverflowError:
        return ExactTime("local", nanoseconds)


def local_of_ms(milliseconds: int) -> datetime | ExactTime:
    """The time without a zone this many milliseconds after 1970."""
    try:
        return _LOCAL_EPOCH + timedelta(0, 0, 0, milliseconds)
    except OverflowError:
        return ExactTime("local", milliseconds * 1_000_000)


def local_of_us(microseconds: int) -> datetime | ExactTime:
    """The time without a zone this many microseconds after 1970."""
    try:
        return _LOCAL_EPOCH + timedelta(0, *divmod(microseconds, 1_000_000))
    except OverflowError:
        return ExactTime("local", microseconds * 1000)


def day(days: int) -> date | ExactTime:
    """The day this many days after 1970-01-01."""
    try:
        return _FIRST_DAY + timedelta(days)
    except OverflowError:
        return ExactTime("date", days * _DAY_NS)


def time_of_day(nanoseconds: int) -> time | ExactTime:
    """The time this many nanoseconds after midnight. Raises ValueError outside of a day."""
    if not 0 <= nanoseconds < _DAY_NS:
        raise ValueError("no time of a day")
    microseconds, rest = divmod(nanoseconds, 1000)
    if rest:
        return ExactTime("time", nanoseconds)
    return (_LOCAL_EPOCH + timedelta(0, *divmod(microseconds, 1_000_000))).time()


def clock(nanoseconds: int) -> time | timedelta | ExactTime:
    """A time of day from nanoseconds; outside of a day a duration, as MySQL's TIME (+-839 h).

    Raises ValueError for a duration finer than a microsecond.
    """
    try:
        return time_of_day(nanoseconds)
    except ValueError:
        microseconds, rest = divmod(nanoseconds, 1000)
        if rest:
            raise
        return timedelta(0, *divmod(microseconds, 1_000_000))


def time_text(value: date | time | ExactTime) -> str:
    """ISO 8601, to the millisecond, or finer where it is; a time with a zone in UTC.

    Raises OverflowError for one that is outside of the years 1 to 9999 in UTC only.
    """
    if isinstance(value, ExactTime):
        return value.isoformat()
    if isinstance(value, datetime):
        fine = "microseconds" if value.microsecond % 1000 else "milliseconds"
        if value.tzinfo is None:
            return value.isoformat(timespec=fine)
        return value.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec=fine) + "Z"
    if isinstance(value, time):
        fine = "microseconds" if value.microsecond % 1000 else "milliseconds"
        return value.isoformat(timespec=fine)
    return value.isoformat()
