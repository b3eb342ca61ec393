"""The timestamp transform: texts, numbers and times to one another, exactly or not at all."""

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConfigError, Rejection
from connectors.records import UNAVAILABLE
from connectors.records.exact_time import ExactTime
from tests.unit.factories import settings
from tests.unit.transforms.factories import run

UTC = timezone.utc
NOON = datetime(2024, 1, 31, 12, 0, 0, 123000, tzinfo=UTC)
NUMBER = 1706702400123
FINE = ExactTime("instant", NUMBER * 1_000_000 + 456_789)
FAR = ExactTime("instant", 253402300800 * 10**9)


def becomes(value: Any, **options: Any) -> Any:
    """The result for one field."""
    (record,) = run([{"type": "timestamp", "fields": ["at.x"], **options}], {"at": {"x": value}})
    return record.value["at"]["x"]


@pytest.mark.parametrize(
    ("value", "options", "result"),
    [
        (NUMBER, {}, NOON),
        (NUMBER * 1000, {"unit": "us"}, NOON),
        (NUMBER * 1000_000, {"unit": "ns"}, NOON),
        (1706702400, {"unit": "s"}, NOON.replace(microsecond=0)),
        (1706702400.123, {"unit": "s"}, NOON),
        (Decimal("1706702400.123"), {"unit": "s"}, NOON),
        (Decimal("0E+999999"), {}, datetime(1970, 1, 1, tzinfo=UTC)),
        (0, {}, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, {"unit": "s"}, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2024-01-31T12:00:00.123Z", {}, NOON),
        ("2024-01-31 20:00:00.123000+08:00", {}, NOON),
        ("2024-01-31T12:00:00.123", {}, NOON),
        ("20240131T120000.123Z", {}, NOON),
        ("2024-01-31", {}, datetime(2024, 1, 31, tzinfo=UTC)),
        ("31/01/2024 12:00:00.123", {"format": "%d/%m/%Y %H:%M:%S.%3f"}, NOON),
        ("31/Jan/2024 13:00 +0100", {"format": "%d/%b/%Y %H:%M %z"}, NOON.replace(microsecond=0)),
        (NOON, {"to": "text"}, "2024-01-31T12:00:00.123Z"),
        (NOON.replace(microsecond=5), {"to": "text"}, "2024-01-31T12:00:00.000005Z"),
        (NOON.replace(tzinfo=None), {"to": "text"}, "2024-01-31T12:00:00.123Z"),
        (NUMBER, {"to": "text", "format": "%Y%m%dT%H%M%S.%3f%z 100%%"},
         "20240131T120000.123Z 100%"),
        (-62135596800000, {"to": "text", "format": "%Y-%m-%d"}, "0001-01-01"),
        (date(2024, 1, 31), {"to": "text"}, "2024-01-31"),
        (time(8, 30), {"to": "text"}, "08:30:00"),
        (NOON, {"to": "number"}, NUMBER),
        (NOON, {"to": "number", "unit": "ns"}, NUMBER * 1000_000),
        (date(1970, 1, 2), {"to": "number"}, 86_400_000),
        (time(0, 1), {"to": "number", "unit": "s"}, 60),
        ("12:00", {"to": "number", "unit": "s"}, 43_200),
        (NOON, {"to": "date"}, date(2024, 1, 31)),
        (NOON, {"to": "time"}, time(12, 0, 0, 123000)),
        (time(9, tzinfo=UTC), {"to": "time"}, time(9)),
        # To the nanosecond, as Go writes them, and in any year that a format has.
        ("2024-01-31T12:00:00.123456789Z", {}, FINE),
        ("2024-01-31T20:00:00.123456789+08:00", {"to": "number", "unit": "ns"}, FINE.nanoseconds),
        (FINE.nanoseconds, {"unit": "ns"}, FINE),
        (Decimal("1706702400.123456789"), {"unit": "s"}, FINE),
        (FINE, {}, FINE),
        (FINE, {"to": "text"}, "2024-01-31T12:00:00.123456789Z"),
        (FINE, {"to": "text", "format": "%Y-%m-%d"}, "2024-01-31"),
        (FINE, {"to": "date"}, date(2024, 1, 31)),
        (FINE, {"to": "time"}, ExactTime("time", 43_200_123_456_789)),
        (ExactTime("local", FINE.nanoseconds), {}, FINE),
        (ExactTime("time", 1), {"to": "number", "unit": "ns"}, 1),
        ("00:00:00.000000001", {"to": "text"}, "00:00:00.000000001"),
        (FAR, {"to": "number"}, 253402300800000),
        (FAR, {"to": "text"}, "+10000-01-01T00:00:00.000Z"),
        (FAR, {"to": "date"}, ExactTime("date", FAR.nanoseconds)),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), {"to": "text"},
         "0000-12-31T23:00:00.000Z"),
        (None, {}, None),
        (UNAVAILABLE, {}, UNAVAILABLE),
    ],
    ids=repr,
)  # fmt: skip
def test_times(value: Any, options: dict[str, Any], result: Any) -> None:
    """Both ways, in every unit; what has no zone is in UTC; null stays."""
    found = becomes(value, **options)
    assert (type(found), found) == (type(result), result)


@pytest.mark.parametrize(
    ("value", "options"),
    [
        (True, {}), ({}, {}), ([1], {}), (b"2024", {}), ("", {}), ("soon", {}), ("1706702400", {}),
        ("2024-02-31", {}), ("2024-01-31T24:00:00Z", {}), ("2024-01-31T12:00:00.1234567890Z", {}),
        ("2024-01-31T12:00:00+99:99", {}), ("2024-01-31", {"format": "%d.%m.%Y"}),
        (float("nan"), {}), (float("inf"), {}), (Decimal("NaN"), {}), (Decimal("sNaN"), {}),
        (10**30, {}), (-(10**30), {}), (1e300, {}), (Decimal("1E+999999"), {}),
        (Decimal("1E-999999"), {}), (10**18, {"unit": "s"}),
        (Decimal("0.1"), {"unit": "ns"}), (Decimal("0.0000000001"), {"unit": "s"}),
        (253402300800000, {}), (-62135596800001, {}),
        (FINE, {"to": "number", "unit": "us"}), (FINE, {"to": "text", "format": "%S.%f"}),
        (FINE, {"to": "text", "format": "%S.%3f"}), (FAR, {"to": "text", "format": "%Y"}),
        (ExactTime("time", 1), {"to": "date"}),
        (time(8), {"to": "date"}), (NOON.replace(microsecond=1), {"to": "number"}),
        (NOON.replace(microsecond=1), {"to": "text", "format": "%S.%3f"}),
        (time(9, tzinfo=timezone(timedelta(hours=1))), {}),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_time(value: Any, options: dict[str, Any]) -> None:
    """Rejected without its value: nothing is cut, nothing is guessed."""
    with pytest.raises(Rejection) as caught:
        becomes(value, **options)
    assert caught.value.code == "transform_timestamp"
    assert "2024" not in caught.value.reason


def test_absent_fields_are_ignored() -> None:
    """And the key's fields are turned with of."""
    transform = {"type": "timestamp", "fields": ["no", "at"], "of": "key"}
    (record,) = run([transform], {"at": 1}, {"at": 1})
    assert record.value == {"at": 1}
    assert record.key == {"at": datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)}


@pytest.mark.parametrize("text", ["", "x", "%Q", "%", "%Y%", "%c", "%5f"])
def test_a_format_is_checked_at_the_start(text: str) -> None:
    """Its codes are those that are listed, and there is one."""
    with pytest.raises((ConfigError, ValueError)):
        settings(transforms=[{"type": "timestamp", "fields": ["a"], "format": text}])


@given(st.integers(min_value=-62135596800000, max_value=253402300799999))
def test_there_and_back(number: int) -> None:
    """A number of milliseconds is the same after being a time, and after being text."""
    moment = becomes(number)
    assert becomes(moment, to="number") == number
    assert becomes(becomes(moment, to="text"), to="number") == number
    form = {"format": "%Y-%m-%d %H:%M:%S.%3f"}
    assert becomes(becomes(moment, to="text", **form), to="number", **form) == number
