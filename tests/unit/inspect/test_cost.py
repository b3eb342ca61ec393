"""Cost: bytes and units of a sample's rows, a month at a rate, and what would change them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ConfigError
from connectors.inspect.cost import TableCost, cost_of, document, price_of
from connectors.inspect.prices import read_prices
from connectors.inspect.running_cost import cost_of_run
from connectors.records import PlainMessage
from tests.unit.factories import settings

pytestmark = pytest.mark.unit

KEY = {"primary_key_mode": "record_value", "primary_key": [{"name": "id", "type": "integer"}]}
MONTH = 30 * 86_400


def cost(values: Sequence[Any], step_ms: int = 100, **sections: Any) -> TableCost:
    """Of records with these values, so many milliseconds apart."""
    messages = [
        PlainMessage(
            "orders",
            0,
            number,
            timestamp=1_700_000_000_000 + number * step_ms,
            value=json.dumps(value).encode(),
        )
        for number, value in enumerate(values)
    ]
    (found,) = cost_of(settings(**sections), messages)
    return found


def test_units_and_bytes_of_a_month() -> None:
    """At the sample's own rate, or at one that is given."""
    found = cost([{"id": n, "a": "x"} for n in range(101)], table=KEY)
    assert found.rows == 101
    assert found.bytes == 101 * (2 + 8 + 1 + 1)
    assert found.units == 101
    assert found.rows_a_second == pytest.approx(10)
    assert found.units_a_month() == pytest.approx(10 * MONTH)
    assert found.units_a_month(3) == pytest.approx(3 * MONTH)
    assert found.bytes_a_month(1) == pytest.approx(12 * MONTH)
    prices = {"write_units_10000": 2.0, "storage_gb_month": 0.0}
    assert price_of(found, prices, 1) == pytest.approx(MONTH / 10_000 * 2)
    of_table = {**prices, "tables": {"orders": {"write_units_10000": 1.0}}}
    assert price_of(found, of_table, 1) == pytest.approx(MONTH / 10_000)
    json.dumps(document(found, None, 1.0))


def test_a_dropped_column_saves_its_units() -> None:
    """Only where the row comes below a limit of 4 KB."""
    found = cost([{"id": n, "large": "x" * 5000, "small": "y"} for n in range(10)], table=KEY)
    assert found.units == 20
    assert found.without_column["large"] == 10
    assert found.without_column["small"] == 20


def test_a_longer_window_lets_puts_of_a_key_replace_each_other() -> None:
    """Not updates, nor points, nor rows with versions: there each record is written."""
    values = [{"id": n % 2, "a": n} for n in range(100)]
    found = cost(values, table=KEY)
    assert found.units == 100
    assert found.by_age[0.5] < 100
    assert found.by_age[60.0] < found.by_age[5.0] < found.by_age[0.5]
    assert cost(values, table={**KEY, "insert_mode": "update"}).by_age == {}
    assert cost(values, table={**KEY, "version": "record_timestamp"}).by_age == {}


def test_points_take_a_unit_for_each_kilobyte() -> None:
    """Of their bytes together."""
    tables = {"orders": {"mode": "timeseries"}}
    found = cost([{"a": 1.5} for _ in range(10)], tables=tables)
    assert found.units == pytest.approx(found.bytes / 1024)


def test_without_times_there_is_no_rate() -> None:
    """It must be given."""
    found = cost([{"id": 1, "a": 1}], table=KEY)
    assert found.rows_a_second is None
    assert found.units_a_month() is None
    assert price_of(found, {"write_units_10000": 1}, None) is None
    assert found.units_a_month(1) == MONTH


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("write_units_1000 = 1", "write_units_1000"),
        ('write_units_10000 = "1"', "write_units_10000"),
        ("storage_gb_month = -1", "storage_gb_month"),
        ("[tables.a]\nwrite = 1", "tables.a.write"),
        ("tables = 1", "tables"),
        ("nonsense", "cannot be read"),
    ],
)
def test_a_wrong_price_is_named(tmp_path: Path, text: str, word: str) -> None:
    """With the remedy, before anything is read."""
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=word) as raised:
        read_prices(file)
    assert "remedy:" in str(raised.value)
    with pytest.raises(ConfigError, match="--new-prices"):
        read_prices(tmp_path / "none.toml")


def test_the_template_is_legal(tmp_path: Path) -> None:
    """What --new-prices writes can be read."""
    from connectors.cli.cost import _TEMPLATE

    file = tmp_path / "prices.toml"
    file.write_text(_TEMPLATE.replace("# [tables", "[tables"))
    assert read_prices(file)["currency"] == "USD"


def test_what_a_run_has_written() -> None:
    """Rows, bytes and rate of all its processes; units of points by their bytes."""
    rows = {"table": "orders", "rows": 100, "bytes": 50_000, "capacity_units": 120}
    points = {"table": "points", "rows": 10, "bytes": 2048, "capacity_units": 10}
    idle = {"table": "idle", "rows": 0, "bytes": 0, "capacity_units": 0}
    processes: list[dict[str, Any]] = [
        {"process": 0, "seconds": 10.0, "tables": [rows, idle]},
        {"process": 1, "seconds": 5.0, "tables": [rows, points]},
        {"process": 2, "state": "starting"},
    ]
    made = settings(table=KEY, tables={"points": {"mode": "timeseries"}})
    orders, of_points = cost_of_run(made, processes)
    assert (orders.table, orders.rows, orders.bytes, orders.units) == ("orders", 200, 100_000, 240)
    assert orders.rows_a_second == pytest.approx(10 + 20)
    assert orders.units_a_month() == pytest.approx(1.2 * 30 * MONTH)
    assert (of_points.mode, of_points.units) == ("timeseries", 2.0)
    assert price_of(orders, {"write_units_10000": 1.0}, 1) == pytest.approx(1.2 * MONTH / 10_000)
    assert cost_of_run(made, []) == []
