"""import-config of time series tables."""

import pytest

from tests.unit.import_config.factories import imported, points


def test_points() -> None:
    """Every key of a time series table."""
    made, _ = imported(
        {
            **points(dataSource="ds", tags="a, b", field_name="x,y", field_type="binary,STRING"),
            "tablestore.timeseries.mapAll": "false",
            "tablestore.timeseries.toLowerCase": "false",
            "tablestore.timeseries.rowsPerBatch": "100",
            "auto.create": "TRUE",
            "primarykey.mode": "record_key",
        }
    )
    rules = made.rules_of("orders")
    series = rules.timeseries
    assert (rules.mode, rules.auto_create) == ("timeseries", True)
    assert (series.measurement_field, series.data_source_field) == ("m", "ds")
    assert (series.tags, series.time_field, series.time_unit) == (("a", "b"), "at", "ms")
    assert [(f.name, f.type) for f in series.fields] == [("x", "binary"), ("y", "string")]
    assert rules.binary_by == "utf8"
    assert (series.map_all, series.to_lower_case, series.rows_per_request) == (False, False, 100)


@pytest.mark.parametrize(
    ("unit", "ours"),
    [("SECONDS", "s"), ("milliseconds", "ms"), ("MICROSECONDS", "us"), (" NANOSECONDS", "ns")],
)
def test_time_units(unit: str, ours: str) -> None:
    """All that are documented; the topic may be the measurement."""
    series = (
        imported(points(time_unit=unit, measurement="<TOPIC>"))[0].rules_of("orders").timeseries
    )
    assert (series.time_unit, series.measurement, series.measurement_field) == (
        ours,
        "<topic>",
        None,
    )
