"""Types that a schema names: those of Kafka Connect and of Debezium, in any format.

Kafka Connect's schemas have a name besides their type, stored as `name` in Connect JSON, as
`connect.name` in Avro and as `title` in JSON Schema [connect-data] [debezium-types]. A name
that is not listed here, or that is used with another type than it is defined for, has no effect:
the value is of its plain type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from connectors.errors import Rejection
from connectors.records import exact_time
from connectors.records.exact_time import ExactTime

Convert = Callable[[Any], Any]
CONNECT = "org.apache.kafka.connect.data."
DEBEZIUM = "io.debezium."
_DEBEZIUM_TIME, _DEBEZIUM_DATA = f"{DEBEZIUM}time.", f"{DEBEZIUM}data."

# Bytes of an unscaled decimal: more digits than any column takes, and few enough to be quick.
MAX_DECIMAL_BYTES = 1024
# Bound of a scale in the data, or in a schema's parameters.
MAX_SCALE = 10_000
# Digits of the longest of them, and no bounds of the scale.
_EXACT = Context(prec=3 * MAX_DECIMAL_BYTES, Emax=MAX_EMAX, Emin=MIN_EMIN)
_ISO = re.compile(
    r"([+-]?\d{4,9})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"(Z|[+-]\d\d:\d\d(?::\d\d)?)?(?:\[[^\]]*\])?",
    re.ASCII,
)
_ISO_DAY = re.compile(r"([+-]?\d{4,9})-(\d\d)-(\d\d)(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_SECOND_NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_CYCLE_DAYS, _CYCLE_YEARS = 146_097, 400


def decimal_of(data: bytes, scale: int) -> Decimal:
    """The decimal whose unscaled value is a big-endian two's complement integer.

    Raises ValueError for no bytes, and for more than any number needs.
    """
    if not 0 < len(data) <= MAX_DECIMAL_BYTES:
        raise ValueError("a decimal of no bytes, or of very many")
    return _EXACT.scaleb(Decimal(int.from_bytes(data, "big", signed=True)), -scale)


def scale_of(parameters: Any) -> int | None:
    """The scale of Connect's Decimal from its schema's parameters; None if it is not valid."""
    try:
        scale = int(parameters["scale"])
    except (KeyError, TypeError, ValueError):
        return None
    return scale if abs(scale) <= MAX_SCALE else None


def convert_of(name: Any, connect_type: str, parameters: Any) -> Convert | None:
    """The function from a value of the plain type to that of a name; None if the name is not known.

    `connect_type` is Connect's name of the plain type. The function raises Rejection.
    """
    if not isinstance(name, str):
        return None
    if name == CONNECT + "Decimal" and connect_type == "bytes":
        scale = scale_of(parameters)
        return None if scale is None else _checked(name, lambda data: decimal_of(data, scale))
    found = _TYPES.get(name)
    return _checked(name, found[1]) if found is not None and found[0] == connect_type else None


def _checked(name: str, convert: Convert) -> Convert:
    def read(value: Any) -> Any:
        try:
            return convert(value)
        except (ValueError, TypeError, KeyError, OverflowError, ArithmeticError):
            raise Rejection(
                "named_type", f"not valid: it has a value that is not of its schema's type {name}"
            ) from None

    return read


def _variable_scale(value: Mapping[str, Any]) -> Decimal:
    scale = value["scale"]
    if type(scale) is not int or abs(scale) > MAX_SCALE:
        raise ValueError("no scale")
    return decimal_of(value["value"], scale)


def timestamp_of_text(text: str) -> datetime | ExactTime:
    """ISO 8601 with or without a zone, of any year, to the nanosecond. Raises ValueError."""
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError("no time")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    fraction = f"{fraction or '0':0<9}"
    number, cycles = int(year), 0
    if not 1 <= number <= 9999:  # the calendar repeats itself
        cycles, number = divmod(number - 1, _CYCLE_YEARS)
        number += 1
    clock = datetime(
        number, int(month), int(day), int(hour), int(minute), int(second or 0),
        int(fraction[:6]), timezone.utc if zone else None,
    )  # fmt: skip
    is_plain = not cycles and fraction.endswith("000")
    if is_plain and zone in ("Z", None):
        return clock
    since = clock.replace(tzinfo=timezone.utc) - _EPOCH
    nanoseconds = (since.days + cycles * _CYCLE_DAYS) * 86_400 + since.seconds
    nanoseconds = nanoseconds * _SECOND_NS + int(fraction)
    if zone is None:
        return exact_time.local(nanoseconds)
    if zone != "Z":
        hours, minutes, seconds = [*map(int, zone[1:].split(":")), 0][:3]
        ahead = (hours * 3600 + minutes * 60 + seconds) * _SECOND_NS
        nanoseconds += ahead if zone[0] == "-" else -ahead
    return exact_time.instant(nanoseconds)


def _day_of_text(text: str) -> date | ExactTime:
    found = _ISO_DAY.fullmatch(text)
    if found is None:
        raise ValueError("no day")
    year, month, day = map(int, found.groups())
    cycles, within = divmod(year - 1, _CYCLE_YEARS)
    days = (date(within + 1, month, day) - _EPOCH.date()).days
    return exact_time.day(days + cycles * _CYCLE_DAYS)


def _or_text(convert: Callable[[str], Any]) -> Convert:
    """Convert text, but keep any other text, such as Debezium's placeholder for an unsent value."""

    def read(text: str) -> Any:
        try:
            return convert(text)
        except ValueError:
            return text

    return read


# (Connect's word of the plain type, from that to the value)
_TYPES: dict[str, tuple[str, Convert]] = {
    CONNECT + "Date": ("int32", exact_time.day),
    CONNECT + "Time": ("int32", lambda ms: exact_time.time_of_day(ms * 1_000_000)),
    CONNECT + "Timestamp": ("int64", exact_time.instant_of_ms),
    _DEBEZIUM_TIME + "Date": ("int32", exact_time.day),
    _DEBEZIUM_TIME + "Time": ("int32", lambda ms: exact_time.clock(ms * 1_000_000)),
    _DEBEZIUM_TIME + "MicroTime": ("int64", lambda us: exact_time.clock(us * 1000)),
    _DEBEZIUM_TIME + "NanoTime": ("int64", exact_time.clock),
    _DEBEZIUM_TIME + "Timestamp": ("int64", exact_time.local_of_ms),
    _DEBEZIUM_TIME + "MicroTimestamp": ("int64", exact_time.local_of_us),
    _DEBEZIUM_TIME + "NanoTimestamp": ("int64", exact_time.local),
    _DEBEZIUM_TIME + "ZonedTimestamp": ("string", _or_text(timestamp_of_text)),
    _DEBEZIUM_TIME + "IsoTimestamp": ("string", _or_text(timestamp_of_text)),
    _DEBEZIUM_TIME + "IsoDate": ("string", _or_text(_day_of_text)),
    _DEBEZIUM_TIME + "MicroDuration": ("int64", lambda us: timedelta(0, 0, us)),
    _DEBEZIUM_DATA + "VariableScaleDecimal": ("struct", _variable_scale),
}
