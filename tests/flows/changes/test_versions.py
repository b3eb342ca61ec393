"""Which of two changes of a row stays: order, conflicts, versions of cells."""

import time
from typing import Any

import pytest
from tablestore import CapacityUnit, ReservedThroughput, TableMeta, TableOptions

from tests.flows.changes.conftest import KEY, Topics, rows
from tests.flows.conftest import Case

pytestmark = pytest.mark.P3


def test_changes_of_a_key_in_order_when_the_first_meets_a_conflict(
    embedded_case: Case, topics: Topics
) -> None:
    """P3: ten mixed changes of one key end in the state of the tenth, whatever is retried."""
    topic = topics.make()
    sent: list[Any] = [
        {"a": 1}, {"b": 2}, None, {"c": 3}, {"a": 4, "c": None}, {"b": 5}, None, {"d": 8},
        {"d": 9, "e": 9}, {"e": None, "f": 10},
    ]  # fmt: skip
    for value in sent:
        topics.send(topic, {"id": "k"}, value)
        topics.send(topic, {"id": "other"}, value)
    embedded_case.store.set_faults(
        {"kind": "row_error", "code": "OTSRowOperationConflict", "count": 1}
    )
    counts = topics.run(
        {
            "mixed": {
                "primary_key_mode": "record_key",
                "primary_key": KEY,
                "insert_mode": "update",
                "delete_mode": "row_and_column",
                "auto_create": True,
            }
        },
        {topic: "mixed"},
    )
    end = {"d": 9, "f": 10}
    assert rows(embedded_case.store, "mixed") == {"k": end, "other": end}
    assert counts["written"] == 20
    assert counts["retried"] >= 1


def test_the_newer_version_stays(embedded_case: Case, topics: Topics) -> None:
    """A late record, and one that is read again, never replaces a newer value, cell by cell.

    By the record's timestamp and by a field; puts and updates; tables made with room for old ones.
    """
    now = time.time_ns() // 1_000_000
    week = now - 7 * 86_400_000
    tables: dict[str, dict[str, Any]] = {}
    places: dict[str, str] = {}
    for insert in ("put", "update"):
        for version in ("record_timestamp", "field"):
            topic, table = topics.make(), f"{insert}_{version}"
            places[topic] = table
            field = {"version_field": "at.s", "version_unit": "s"} if version == "field" else {}
            tables[table] = {
                "primary_key_mode": "record_key",
                "primary_key": KEY,
                "insert_mode": insert,
                "version": version,
                "auto_create": True,
                **field,
            }
            for age, value in ((0, {"a": "new"}), (7, {"a": "old", "b": "old"}), (3, {"c": 3})):
                at = week // 1000 - age * 86_400
                sent: dict[str, Any] = {**value, "at": {"s": at}} if field else {**value}
                topics.send(topic, "k", sent, at * 1000)
            topics.send(topic, "tombstone", None, week)
            topics.send(topic, "future", {"a": 1, "at": {"s": 4_000_000_000}}, 4_000_000_000_000)
    counts = topics.run(tables, places)
    for table in tables:
        found = rows(embedded_case.store, table)
        assert {name: found["k"][name] for name in "abc"} == {"a": "new", "b": "old", "c": 3}
        assert [*found] == ["k"]
        options = embedded_case.store.client.describe_table(table).table_options
        assert options.max_time_deviation == 10 * 365 * 86_400
    assert counts["written"] == 3 * 4
    assert counts["rejected"] == 2 * 4


@pytest.mark.P5
def test_a_table_that_takes_no_old_versions_stops_the_run(embedded_case: Case) -> None:
    """P5: versions that the table would refuse stop the start, with both remedies."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.set({"table": {"version": "record_timestamp"}})
    case.flow.start().refused("max_time_deviation", "UpdateTable", "max_version_deviation = 86400")


@pytest.mark.P5
def test_a_table_that_takes_no_updates_stops_the_run(embedded_case: Case) -> None:
    """P5: updates that the table would refuse one by one stop the start."""
    case = embedded_case
    meta = TableMeta(case.topic, [("topic_partition", "STRING"), ("offset", "INTEGER")])
    options = TableOptions(max_version=1, allow_update=False)
    case.store.client.create_table(meta, options, ReservedThroughput(CapacityUnit(0, 0)))
    case.flow.set({"table": {"insert_mode": "update"}})
    case.flow.start().refused("allow_update is false", "insert_mode update", "remedy")
    case.flow.set({"table": {"insert_mode": "put"}})
    case.orders(20)
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=20)
