"""Times beyond Python's own types in columns: by `times`, exact or a rejection."""

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.mapping.conversions.column_types import Conversions
from connectors.mapping.row_mapper import RowMapper
from connectors.records import timestamps
from connectors.records.exact_time import ExactTime
from connectors.settings.columns import ColumnRules
from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.timeseries.protobuf import PointEncoder
from tests.unit.factories import record_chunk, settings
from tests.unit.mapping.wire_reader import Mapped

FINE = ExactTime("instant", 1_700_000_000_123_456_789)
FAR = ExactTime("instant", 253_402_300_800_000_000_000)
MICRO = datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=timezone.utc)


def column(value: Any, times: str) -> tuple[str, Any]:
    """The type and value of a column that is not listed."""
    kind, convert = Conversions(ColumnRules(times=times), plain=False).natural("c", type(value))
    return kind, convert(value)


@pytest.mark.parametrize(
    ("value", "times", "wanted"),
    [
        (FINE, "iso8601", ("string", "2023-11-14T22:13:20.123456789Z")),
        (FINE, "epoch_ns", ("integer", 1_700_000_000_123_456_789)),
        (FAR, "epoch", ("integer", 253_402_300_800_000)),
        (FAR, "iso8601", ("string", "+10000-01-01T00:00:00.000Z")),
        (MICRO, "epoch_us", ("integer", 1_700_000_000_123_456)),
        (MICRO, "epoch_ns", ("integer", 1_700_000_000_123_456_000)),
        (MICRO, "iso8601", ("string", "2023-11-14T22:13:20.123456Z")),
        (ExactTime("date", -86_400_000_000_000), "epoch_ns", ("integer", -1)),
        (ExactTime("time", 1), "epoch_ns", ("integer", 1)),
        (ExactTime("time", 1), "iso8601", ("string", "00:00:00.000000001")),
        (ExactTime("local", 1), "iso8601", ("string", "1970-01-01T00:00:00.000000001")),
        (date(1970, 1, 2), "epoch_ns", ("integer", 1)),
        (time(0, 0, 0, 1), "epoch_us", ("integer", 1)),
        (timedelta(microseconds=1), "epoch_us", ("integer", 1)),
    ],
)
def test_by_the_rules(value: Any, times: str, wanted: tuple[str, Any]) -> None:
    """Numbers of the unit, or text."""
    assert column(value, times) == wanted


@pytest.mark.parametrize(
    ("value", "times"),
    [(FINE, "epoch"), (FINE, "epoch_us"), (MICRO, "epoch"), (ExactTime("time", 1), "epoch_us")],
)
def test_what_is_finer_than_the_unit(value: Any, times: str) -> None:
    """Is rejected with the options that keep it."""
    with pytest.raises(Rejection, match="epoch_ns") as caught:
        column(value, times)
    assert caught.value.code == "time_precision"


def test_listed_columns_and_nested_values() -> None:
    """A listed column gets the unit too; JSON text has the text."""
    rules = Conversions(ColumnRules(times="epoch_ns"), plain=False)
    assert rules.converter("c", "integer", ExactTime)(FINE) == FINE.nanoseconds
    assert rules.converter("c", "string", ExactTime)(FINE) == "2023-11-14T22:13:20.123456789Z"
    with pytest.raises(Rejection):  # no double has it
        rules.converter("c", "double", ExactTime)(FINE)
    nested = {"a": [FINE, Decimal(1)], FAR: 1}
    text = '{"a":["2023-11-14T22:13:20.123456789Z","1"],"+10000-01-01T00:00:00.000Z":1}'
    assert rules.converter("c", "string", dict)(nested) == text
    plain = Conversions(ColumnRules()).converter("c", "string", dict)
    assert plain({"a": FINE}) == '{"a":"2023-11-14T22:13:20.123456789Z"}'


def test_as_a_time_of_a_point() -> None:
    """A time series takes it to the microsecond, and none without a zone."""
    moment = timestamps.moment_of("t", "us")
    assert moment(FINE) == 1_700_000_000_123_456
    with pytest.raises(Rejection):
        moment(ExactTime("local", 1))


def test_what_transforms_put_into_nested_json() -> None:
    """Its text there is the same as that of a column, and with a format that has such values."""
    moment = datetime(2024, 1, 31, 12, tzinfo=timezone.utc)
    value = {"id": 1, "n": {"at": moment, "many": Decimal("1E+3"), "raw": b"\1", "none": None}}
    wanted = '{"at":"2024-01-31T12:00:00.000Z","many":"1000","raw":"AQ==","none":null}'
    transforms = [{"type": "timestamp", "fields": ["n.at"]}]
    avro = {"value": "avro", "registry": {"url": "http://127.0.0.1"}}
    assert Mapped(settings(format=avro)).cells(value).columns == {"id": 1, "n": wanted}
    made = settings(transforms=transforms)
    assert Mapped(made).cells(value).columns == {"id": 1, "n": wanted}
    points = settings(
        transforms=transforms, table={"mode": "timeseries", "timeseries": {"time_field": "id"}}
    )
    mapper = RowMapper(points, RowEncoder(), False, PointEncoder())
    ((_, batch),) = mapper.map_chunk(record_chunk([value]))
    assert wanted.encode() in batch[0][0].wire
    plain = {"id": 1, "n": {"a": [1, 2.5, "x", True, {"b": None}]}}
    assert Mapped(made).cells(plain).columns["n"] == '{"a":[1,2.5,"x",true,{"b":null}]}'
    assert Mapped(made).rejected({"id": 1, "n": [float("nan")]}).code == "not_finite"
