"""Points as protobuf: what was given, to a reader that others wrote; and what no field takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.settings.tablestore_limits import MAX_FIELD_VALUE_BYTES
from connectors.tablestore.timeseries.protobuf import PointEncoder
from tests.unit.tablestore.timeseries.points import POINTS, Point, read_protobuf, wire


@given(st.lists(POINTS, max_size=8))
def test_a_message_has_what_was_given(points: Sequence[Point]) -> None:
    """Any points: the same values of the same types."""
    assert read_protobuf(b"".join(map(wire, points))) == list(points)


@given(POINTS)
def test_the_series_of_an_identity(point: Point) -> None:
    """Points of one series have it in their identities, whatever their time and fields."""
    encoder = PointEncoder()
    series = encoder.series(point.measurement, point.source, point.tags)
    identity, _, operation = encoder.compile(())(series, point.time, ())
    assert (encoder.series_of(identity), operation) == (series, "put")


@pytest.mark.parametrize(
    ("field_type", "value", "code"),
    [
        ("integer", 2**63, "integer_range"),
        ("integer", -(2**63) - 1, "integer_range"),
        ("double", float("nan"), "not_finite"),
        ("double", float("-inf"), "not_finite"),
        ("string", "\ud800", "encoding"),
        ("string", "x" * (MAX_FIELD_VALUE_BYTES + 1), "value_length"),
        ("binary", b"x" * (MAX_FIELD_VALUE_BYTES + 1), "value_length"),
    ],
)
def test_values_that_no_field_takes(field_type: str, value: Any, code: str) -> None:
    """Rejected with a code, before anything is sent."""
    encoder = PointEncoder()
    with pytest.raises(encoder.error) as caught:
        encoder.compile([("f", field_type)])(b"", 0, [value])
    assert caught.value.args[0] == code


def test_a_row_too_long_for_any_request() -> None:
    """Three values at their limits make a row that no request carries."""
    encoder = PointEncoder()
    encode = encoder.compile([(name, "binary") for name in "abc"])
    with pytest.raises(encoder.error, match="carries at most"):
        encode(b"", 0, [b"x" * MAX_FIELD_VALUE_BYTES] * 3)
