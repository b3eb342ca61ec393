"""Times: microseconds since 1970 from every unit, exactly, or a rejection."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.records import UNAVAILABLE, PlainMessage, Record
from connectors.records.timestamps import moment_of, own_moment
from tests.unit.factories import CANARY

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def refused(unit: str, value: Any) -> str:
    """The code of a value's rejection, which does not tell the value."""
    with pytest.raises(Rejection) as caught:
        moment_of("at", unit)(value)
    assert CANARY not in caught.value.reason
    assert "'at'" in caught.value.reason
    return caught.value.code


@pytest.mark.parametrize(
    ("unit", "value", "time"),
    [
        ("s", 1, 1_000_000),
        ("s", 1.5, 1_500_000),
        ("s", "7", 7_000_000),
        ("s", Decimal("0.000001"), 1),
        ("s", "1767600000.123456", 1_767_600_000_123_456),
        ("s", "9223372036854.775807", 2**63 - 1),
        ("us", "1.9", 2),
        ("ms", 1_700_000_000_123, 1_700_000_000_123_000),
        ("ms", 0.25, 250),
        ("us", 0, 0),
        ("us", 2**63 - 1, 2**63 - 1),
        ("ns", 1_999, 1),
        ("ns", "1700000000123456789", 1_700_000_000_123_456),
        ("ns", "1700000000123456789.9", 1_700_000_000_123_456),
        ("ns", Decimal("1999.9"), 1),
        ("iso8601", "1970-01-01T00:00:01Z", 1_000_000),
        ("iso8601", "1970-01-01 00:01z", 60_000_000),
        ("iso8601", "1970-01-01T02:00:00.5+02:00", 500_000),
        ("iso8601", "1970-01-01T00:00:00,1234567-00:30", 1_800_123_456),
        ("iso8601", "19700101T000001Z", 1_000_000),
        ("iso8601", "1970-01-01T00:00:00-01", 3_600_000_000),
    ],
)
def test_times_of_every_unit(unit: str, value: Any, time: int) -> None:
    """Each unit gives microseconds; what is finer is cut, as the service has no room for it."""
    assert moment_of("at", unit)(value) == time


@given(st.integers(86_400_000_000, 253_370_764_800_000_000), st.integers(-839, 839))
def test_iso_times_agree_with_python(time: int, ahead: int) -> None:
    """Whatever zone a moment is written in, it is the same moment."""
    zone = timezone(timedelta(minutes=ahead))
    aware = EPOCH + timedelta(microseconds=time)
    there = aware.astimezone(zone)
    assert moment_of("at", "iso8601")(there.isoformat()) == time
    assert moment_of("at", "ms")(there) == time, "a decoded time has its unit with it"


@given(st.integers(0, 2**63 - 1))
def test_integers_are_exact(time: int) -> None:
    """No unit loses a microsecond of an integer that it can hold."""
    assert moment_of("at", "us")(time) == time
    assert moment_of("at", "ns")(time * 1000 + 999) == time


@pytest.mark.parametrize(
    ("unit", "value", "code"),
    [
        ("s", -1, "time_range"),
        ("s", 2**63 // 10**6 + 1, "time_range"),
        ("us", 2**63, "time_range"),
        ("ns", -1, "time_range"),
        ("iso8601", "1969-12-31T23:59:59Z", "time_range"),
        ("s", None, "time_missing"),
        ("s", UNAVAILABLE, "time_missing"),
        ("s", True, "time_invalid"),
        ("s", CANARY, "time_invalid"),
        ("s", "", "time_invalid"),
        ("s", "1e3", "time_invalid"),
        ("s", "1.", "time_invalid"),
        ("s", "-0.5", "time_range"),
        ("ns", "-0.5", "time_range"),
        ("s", Decimal("-Infinity"), "time_invalid"),
        ("s", Decimal("1e999999"), "time_invalid"),
        ("s", float("nan"), "time_invalid"),
        ("s", float("inf"), "time_invalid"),
        ("s", Decimal("NaN"), "time_invalid"),
        ("s", {"a": CANARY}, "time_invalid"),
        ("ns", 1.5, "time_invalid"),
        ("s", datetime(2026, 1, 1), "time_invalid"),  # noqa: DTZ001
        ("iso8601", 5, "time_invalid"),
        ("iso8601", "2026-01-31", "time_invalid"),
        ("iso8601", "2026-01-31T08:00:00", "time_invalid"),
        ("iso8601", "2026-02-30T08:00:00Z", "time_invalid"),
        ("iso8601", "2026-01-31T08:00:60Z", "time_invalid"),
        ("iso8601", "2026-01-31T08:00:00+99:00", "time_invalid"),
        ("iso8601", f"{CANARY} 2026-01-31T08:00:00Z", "time_invalid"),
    ],
)
def test_what_is_no_time(unit: str, value: Any, code: str) -> None:
    """No guess: a time without a zone, a boolean, a text or a moment before 1970 is rejected."""
    assert refused(unit, value) == code


def test_a_time_without_a_zone_has_its_reason() -> None:
    """Avro's local timestamps are no mystery to their reader."""
    with pytest.raises(Rejection) as caught:
        moment_of("at", "us")(datetime(2026, 1, 1))  # noqa: DTZ001
    assert "without a zone" in caught.value.reason


def test_the_records_own_time() -> None:
    """As its producer or broker set it; a record without one is rejected."""
    assert (
        own_moment(Record(PlainMessage(timestamp=1_700_000_000_123), {})) == 1_700_000_000_123_000
    )
    for timestamp in (None, -1, 0, -5, 2**62):
        with pytest.raises(Rejection, match="timestamp"):
            own_moment(Record(PlainMessage(timestamp=timestamp), {}))
