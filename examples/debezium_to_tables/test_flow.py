"""Change events of two database tables, in memory and in a local Tablestore."""

from pathlib import Path
from typing import Any

from connectors import PlainMessage
from connectors.testing import message, read_table, run_flow
from emulator.testing import Instance
from flows.sync import get_flow

CONFIG = Path(__file__).with_name("config.toml")


def change(table: str, op: str, before: Any, after: Any) -> PlainMessage:
    """A change event of the database table."""
    key = {"id": (after or before)["id"]}
    value = {"before": before, "after": after, "op": op, "source": {"table": table}}
    return message(value, key, topic=f"db.shop.{table}")


EVENTS = [
    change("orders", "c", None, {"id": 1, "state": "open"}),
    change("orders", "u", {"id": 1, "state": "open"}, {"id": 1, "state": "paid"}),
    change("customers", "r", None, {"id": 7, "name": "Li"}),
    change("customers", "r", None, {"id": 8, "name": "Wang"}),
    change("customers", "d", {"id": 8, "name": "Wang"}, None),
    message(None, {"id": 8}, topic="db.shop.customers"),  # the tombstone after the delete
]


def test_each_change_becomes_a_put_or_a_delete() -> None:
    """Of the row of its table; the tombstone is dropped."""
    result = run_flow(get_flow, EVENTS, CONFIG)
    assert [(row.table, row.operation, row.key["id"]) for row in result.rows] == [
        ("customers", "put", 7),
        ("customers", "put", 8),
        ("customers", "delete", 8),
        ("orders", "put", 1),
        ("orders", "put", 1),
    ]
    assert (result.counts["filtered"], result.counts["rejected"]) == (1, 0)


def test_the_tables_are_those_of_the_database(tablestore_instance: Instance) -> None:
    """After all changes were applied in their order."""
    run_flow(get_flow, EVENTS, CONFIG, tablestore=tablestore_instance)
    assert read_table(tablestore_instance, "orders") == [{"id": 1, "state": "paid"}]
    assert read_table(tablestore_instance, "customers") == [{"id": 7, "name": "Li"}]
