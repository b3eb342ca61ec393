"""[tables.NAME.timeseries]: every rule of its options, and what a table takes from [table]."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.settings.timeseries import TimeseriesSettings
from tests.unit.factories import settings

WEEK = 604_800


def refused(**options: Any) -> str:
    """Why these options are refused."""
    with pytest.raises(ValidationError) as caught:
        settings(tables={"orders": {"mode": "timeseries", **options}})
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"measurement": "a b"}, "blank"),
        ({"measurement": "a#"}, "#"),
        ({"measurement": ""}, "measurement"),
        ({"measurement": "x" * 129}, "128"),
        ({"measurement": "x", "measurement_field": "y"}, "exclude each other"),
        ({"data_source": "x", "data_source_field": "y"}, "exclude each other"),
        ({"data_source": "x" * 257}, "256"),
        ({"time_unit": "s"}, "time_field"),
        ({"time_field": "t", "time_unit": "minutes"}, "time_unit"),
        ({"map_all": False}, "fields"),
        ({"tags": ["a", "a"]}, "twice: a"),
        ({"tags": ["a"], "time_field": "a"}, "twice: a"),
        ({"fields": [{"name": "a", "type": "string"}], "tags": ["a"]}, "twice: a"),
        (
            {"fields": [{"name": "A", "type": "string"}, {"name": "a", "type": "string"}]},
            "lower-cased: a",
        ),
        ({"fields": [{"name": "a", "type": "text"}]}, "type"),
        ({"fields": [{"name": "a-b", "type": "string"}]}, "'a-b' cannot be a field"),
        ({"fields": [{"name": "_TIME", "type": "string"}]}, "'_TIME' cannot be a field"),
        ({"fields": [{"name": "\u212a", "type": "string"}]}, "cannot be a field"),
        (
            {"fields": [{"name": "A", "type": "string"}], "to_lower_case": False},
            "'A' cannot be a field",
        ),
        ({"fields": [{"name": f"f{n}", "type": "string"} for n in range(1025)]}, "1,024"),
        ({"tags": ["a", "b=c"]}, "'b=c' cannot be a tag"),
        ({"tags": ["x y"]}, "'x y' cannot be a tag"),
        ({"tags": [""]}, "'' cannot be a tag"),
        ({"tags": ["x" * 507]}, "512"),
        ({"rows_per_request": 201}, "200"),
        ({"rows_per_request": 0}, "1"),
        ({"metadata_time_to_live": 86_400, "metadata_updates": False}, "604800"),
        ({"metadata_time_to_live": WEEK}, "metadata_updates = false"),
        ({"metadata_time_to_live": WEEK, "metadata_updates": False}, "shorter than time_to_live"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_cannot_be_configured(options: dict[str, Any], words: str) -> None:
    """Each mistake is an error at the start, not at each record."""
    assert words in refused(timeseries=options)


def test_options_of_rows_mean_nothing_to_points() -> None:
    """A list of columns under mode timeseries is a mistake, and so is the reverse."""
    assert "columns" in refused(columns=[{"name": "a", "type": "string"}])
    with pytest.raises(ValidationError, match='mode = "timeseries"'):
        settings(tables={"orders": {"timeseries": {"time_field": "t"}}})


def test_conversions_are_those_of_every_table() -> None:
    """Decimals and times of [table] hold for points too, unless their table says otherwise."""
    table = {"decimals": "integer", "decimal_scale": 2, "times": "iso8601", "nested": "flatten"}
    own = {"mode": "timeseries", "decimals": "double"}
    made = settings(table=table, tables={"a": {"mode": "timeseries"}, "b": own})
    a, b = made.rules_of("a"), made.rules_of("b")
    assert (a.decimals, a.decimal_scale, a.times) == ("integer", 2, "iso8601")
    assert (b.decimals, b.decimal_scale, b.times) == ("double", 0, "iso8601")
    assert "nested" in refused(nested="flatten")


def test_a_name_too_long_for_a_time_series_table() -> None:
    """128 characters, half of what other tables may have."""
    name = "t" * 129
    with pytest.raises(ValidationError, match="128"):
        settings(mapping={"topics": {"orders": name}}, tables={name: {"mode": "timeseries"}})


def test_what_a_table_takes_from_the_others() -> None:
    """Of [table] the options that both kinds have; of [table.timeseries] single ones."""
    made = settings(
        table={
            "primary_key_mode": "record_value",
            "primary_key": [{"name": "id"}],
            "auto_create": True,
            "time_to_live": 100_000,
        },
        tables={"points": {"mode": "timeseries", "timeseries": {"tags": ["host"]}}},
    )
    points = made.rules_of("points")
    assert (points.mode, points.auto_create, points.time_to_live) == ("timeseries", True, 100_000)
    assert points.timeseries == TimeseriesSettings(tags=("host",))
    assert made.rules_of("orders").primary_key_mode == "record_value"
    both = settings(
        table={"mode": "timeseries", "timeseries": {"time_field": "at", "tags": ["a"]}},
        tables={
            "one": {"timeseries": {"tags": ["b"]}},
            "rows": {"mode": "wide_column"},
        },
    )
    assert both.rules_of("one").timeseries == TimeseriesSettings(time_field="at", tags=("b",))
    assert both.rules_of("rows").mode == "wide_column"


def test_fields_of_the_series() -> None:
    """Every field that is named is known as no field of the points."""
    made = TimeseriesSettings(
        measurement_field="m",
        data_source_field="s",
        tags=("a", "b"),
        tags_field="t",
        time_field="x",
    )
    assert made.series_fields == {"m", "s", "a", "b", "t", "x"}


def test_points_are_not_replayed_on_a_condition() -> None:
    """The option only_missing is for rows; with other topics selected it is fine."""
    sections: dict[str, Any] = {
        "kafka": {"topics": ["orders", "points"]},
        "tables": {"points": {"mode": "timeseries"}},
    }
    with pytest.raises(ValidationError, match="only_missing"):
        settings(**sections, replay={"only_missing": True})
    settings(**sections, replay={"only_missing": True, "topics": ["orders"]})
