"""Puts, updates and deletes of rows through the whole flow, read back with the official SDK."""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Producer
from tablestore import (
    PK_AUTO_INCR,
    CapacityUnit,
    ReservedThroughput,
    TableMeta,
    TableOptions,
)

from tests.flows.conftest import Case
from tests.support.store import LocalTablestore

pytestmark = pytest.mark.P3

KEY = [{"name": "id", "type": "string"}]
KEPT = "kept"
"""Stands for a row that is as it was before."""
OLD = {"a": 0, "b": 0, "old": 0}


@dataclass
class Cell:
    """A cell of the truth table: three records of keys x, and what becomes of the row `OLD`."""

    insert: str
    delete: str
    null: Any
    """The row after a tombstone: columns, None for no row, `KEPT` for one that is rejected."""
    nulls: Any
    """After {"a": null, "b": null}."""
    some: Any
    """After {"a": null, "b": 1}."""

    @property
    def table(self) -> str:
        return f"{self.insert}_{self.delete}"


PUT_SOME = {"b": 1}
MERGED = {"a": 0, "b": 1, "old": 0}
WITHOUT = {"b": 1, "old": 0}
TRUTH = [
    Cell("put", "none", {}, {}, PUT_SOME),
    Cell("put", "row", None, {}, PUT_SOME),
    Cell("put", "column", {}, {}, PUT_SOME),
    Cell("put", "row_and_column", None, {}, PUT_SOME),
    Cell("update", "none", KEPT, KEPT, MERGED),
    Cell("update", "row", None, KEPT, MERGED),
    Cell("update", "column", KEPT, {"old": 0}, WITHOUT),
    Cell("update", "row_and_column", None, {"old": 0}, WITHOUT),
]
STATES = {"null": None, "nulls": {"a": None, "b": None}, "some": {"a": None, "b": 1}}


class Topics:
    """Topics of one partition each, and a producer."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._producer = Producer({"bootstrap.servers": case.broker.bootstrap, "linger.ms": 0})
        self._made: list[str] = []

    def make(self) -> str:
        topic = self._case.broker.topic("changes", 1)
        self._made.append(topic)
        return topic

    def send(self, topic: str, key: Any, value: Any, timestamp: int = 0) -> None:
        self._producer.produce(
            topic,
            None if value is None else json.dumps(value).encode(),
            None if key is None else json.dumps(key).encode(),
            partition=0,
            timestamp=timestamp,
        )

    def run(self, tables: dict[str, dict[str, Any]], topics: dict[str, str]) -> dict[str, int]:
        """Run the flow over all that was sent; `topics` leads to tables. The counts at the end."""
        assert self._producer.flush(30) == 0
        flow = self._case.flow
        flow.set(
            {
                "kafka": {"topics": list(topics)},
                "mapping": {"topics": topics},
                "tables": tables,
                "errors": {"tolerance": "all"},
            }
        )
        process = flow.start()
        ends = {topic: self._case.broker.ends(topic, 1)[0] for topic in topics}
        deadline = time.monotonic() + 60
        while any(
            self._case.broker.committed(flow.group, topic, 1).get(0, 0) < end
            for topic, end in ends.items()
        ):
            assert process.alive, process.text()
            assert time.monotonic() < deadline, process.text()
            time.sleep(0.2)
        return process.drain()


@pytest.fixture
def topics(embedded_case: Case) -> Topics:
    return Topics(embedded_case)


def rows(store: LocalTablestore, table: str) -> dict[Any, Any]:
    """The columns of each row by the value of its last key column."""
    return {key[-1][1]: columns for key, columns in store.rows(table).items()}


@pytest.mark.parametrize("listed", [False, True], ids=["all", "listed"])
def test_the_truth_table(embedded_case: Case, topics: Topics, listed: bool) -> None:
    """Both insert modes by four delete modes by three kinds of record, over rows that are there.

    In listed tables the value also lacks fields that the row has: absent is not null.
    """
    tables: dict[str, dict[str, Any]] = {}
    places: dict[str, str] = {}
    for cell in TRUTH:
        topic = topics.make()
        places[topic] = cell.table
        tables[cell.table] = {
            "primary_key_mode": "record_key",
            "primary_key": KEY,
            "insert_mode": cell.insert,
            "delete_mode": cell.delete,
            "auto_create": True,
        }
        if listed:
            tables[cell.table]["columns"] = [
                {"name": name, "type": "integer"} for name in ("a", "b", "old", "absent")
            ]
        for state, value in STATES.items():
            topics.send(topic, {"id": state}, OLD)
            topics.send(topic, {"id": state}, value)
            topics.send(topic, {"id": f"{state} of none"}, value)
    counts = topics.run(tables, places)
    rejected = 0
    for cell in TRUTH:
        found = rows(embedded_case.store, cell.table)
        for state in STATES:
            wanted = getattr(cell, state)
            rejected += 2 * (wanted == KEPT)
            wanted = OLD if wanted == KEPT else wanted
            assert found.get(state) == wanted, (cell, state, found)
            alone = found.get(f"{state} of none")
            if cell.insert == "put":
                assert alone == wanted, (cell, state, found)
            else:  # an update of no row makes one of what it sets, and deletes make none
                assert alone == ({"b": 1} if state == "some" else None), (cell, state, found)
    assert counts["rejected"] == rejected == 2 * 4
    assert counts["written"] + rejected == len(TRUTH) * 9


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


def test_generated_keys_are_rows_of_their_own(embedded_case: Case, topics: Topics) -> None:
    """Without a number in the record the service makes one; a record with one names its row."""
    places = {topics.make(): "by_key", topics.make(): "by_value"}
    of_key, of_value = places
    for number in range(300):
        topics.send(of_key, {"id": "same"}, {"n": number})
        topics.send(of_value, None, {"id": "same", "n": number})
    for number in (1, 2):
        topics.send(of_key, {"id": "given", "seq": 7}, {"n": number})
        topics.send(of_value, None, {"id": "given", "seq": 7, "n": number})
    topics.send(of_key, {"id": "x", "seq": None}, {"n": 1})
    topics.send(of_value, None, {"id": "x", "seq": None, "n": 1})
    topics.send(of_key, "plain", {"n": 1})
    key = [*KEY, {"name": "seq", "type": "auto_increment"}]
    rules = {"primary_key": key, "auto_create": True}
    counts = topics.run(
        {
            "by_key": {"primary_key_mode": "record_key", **rules},
            "by_value": {"primary_key_mode": "record_value", **rules},
        },
        places,
    )
    for table in ("by_key", "by_value"):
        found = {
            (key[0][1], key[1][1]): columns["n"]
            for key, columns in embedded_case.store.rows(table).items()
        }
        assert found.pop(("given", 7)) == 2
        assert {text for text, _ in found} == {"same"}
        assert sorted(found.values()) == [*range(300)]
        schema = embedded_case.store.client.describe_table(table).table_meta.schema_of_primary_key
        assert schema[1][2] is PK_AUTO_INCR
    assert counts["written"] == 604
    assert counts["rejected"] == 3


@pytest.mark.P5
def test_an_auto_increment_column_is_compared(embedded_case: Case) -> None:
    """P5: a table whose column is not generated is of another shape, and the other way round."""
    case = embedded_case
    case.store.create_table(case.topic, (("id", "STRING"), ("seq", "INTEGER")))
    key = [*KEY, {"name": "seq", "type": "auto_increment"}]
    case.flow.set({"table": {"primary_key_mode": "record_key", "primary_key": key}})
    case.flow.start().refused("seq integer", "seq auto_increment", "remedy")


def test_keys_to_search_by(embedded_case: Case, topics: Topics) -> None:
    """Mode search: five digits of a hash, topic, partition and offset, and the time on demand."""
    topic, timed = topics.make(), topics.make()
    for each in (topic, timed):
        topics.send(each, None, {"a": 1}, 1_700_000_000_123)
        topics.send(each, None, {"a": 2, "timestamp": 5}, 1_700_000_000_456)
        topics.send(each, None, {"md5": "taken"})
    rules = {"primary_key_mode": "search", "auto_create": True}
    topics.run(
        {"plain": rules, "timed": {**rules, "search_timestamp": "kafka"}},
        {topic: "plain", timed: "timed"},
    )
    store = embedded_case.store
    for offset, columns in enumerate([{"a": 1}, {"a": 2, "timestamp": 5}]):
        digest = hashlib.md5(f"{topic}_0_{offset}".encode()).hexdigest()[:5]
        key = (("md5", digest), ("topic", topic), ("partition", 0), ("offset", offset))
        assert store.rows("plain")[key] == columns
    assert len(store.rows("plain")) == 2
    found = rows(store, "timed")
    assert found == {
        0: {"a": 1, "timestamp": 1_700_000_000_123},
        1: {"a": 2, "timestamp": 1_700_000_000_456},
    }


def test_a_debezium_delete_deletes_the_row(embedded_case: Case, topics: Topics) -> None:
    """By the key in the record's key or in its value; what did not change is left as it is."""
    places = {topics.make(): "by_key", topics.make(): "by_value"}
    events: list[Any] = [
        {"op": "c", "before": None, "after": {"id": "a", "v": 1, "big": "kept"}},
        {"op": "c", "before": None, "after": {"id": "b", "v": 1}},
        {
            "op": "u", "before": None,
            "after": {"id": "a", "v": 2, "big": "__debezium_unavailable_value"},
        },
        {"op": "d", "before": {"id": "b", "v": 1}, "after": None},
    ]  # fmt: skip
    for topic in places:
        for event in events:
            image = event["after"] or event["before"]
            topics.send(topic, {"id": image["id"]}, event)
    embedded_case.flow.env["SYNC__TRANSFORMS"] = json.dumps([{"type": "debezium"}])
    rules = {
        "primary_key": KEY,
        "insert_mode": "update",
        "delete_mode": "row",
        "auto_create": True,
    }
    topics.run(
        {
            "by_key": {"primary_key_mode": "record_key", **rules},
            "by_value": {"primary_key_mode": "record_value", **rules},
        },
        places,
    )
    for table in places.values():
        assert rows(embedded_case.store, table) == {"a": {"v": 2, "big": "kept"}}


def test_a_partial_image_deletes_no_other_row(embedded_case: Case, topics: Topics) -> None:
    """PostgreSQL's fillers: the row 0 lives, what was not sent stays, and a put is rejected."""
    places = {topics.make(): "updated", topics.make(): "replaced"}
    key = [{"name": "id", "type": "integer"}]
    update = {
        "op": "u",
        "before": {"id": 0, "slug": "a", "body": "", "views": 0},
        "after": {"id": 7, "slug": "b", "body": "__debezium_unavailable_value", "views": 3},
        "source": {"connector": "postgresql"},
    }
    for topic in places:
        for number in (0, 7):
            row = {"id": number, "slug": "a", "body": "text", "views": 1}
            topics.send(topic, {"id": number}, {"op": "c", "before": None, "after": row})
        topics.send(topic, {"id": 7}, update)
        topics.send(topic, {"serverName": "shop"}, {"ts_ms": 5})
    embedded_case.flow.env["SYNC__TRANSFORMS"] = json.dumps([{"type": "debezium"}])
    rules = {
        "primary_key_mode": "record_value",
        "primary_key": key,
        "delete_mode": "row",
        "auto_create": True,
    }
    counts = topics.run({"updated": {"insert_mode": "update", **rules}, "replaced": rules}, places)
    old = {"slug": "a", "body": "text", "views": 1}
    new = {"slug": "b", "body": "text", "views": 3}
    assert rows(embedded_case.store, "updated") == {0: old, 7: new}
    assert rows(embedded_case.store, "replaced") == {0: old, 7: old}
    assert (counts["read"], counts["filtered"], counts["rejected"]) == (8, 2, 1)


def test_exploded_rows_and_deletes_by_a_field(embedded_case: Case, topics: Topics) -> None:
    """Each element is a row; the same records again are the same rows; a marked one goes."""
    topic = topics.make()
    lines = {"id": "o1", "lines": json.dumps([{"sku": "x"}, {"sku": "y", "gone": True}])}
    for _ in range(2):
        topics.send(topic, None, lines)
        topics.send(topic, None, {"id": "o2", "lines": "[]"})
    embedded_case.flow.env["SYNC__TRANSFORMS"] = json.dumps(
        [
            {"type": "json", "fields": ["lines"]},
            {"type": "explode", "field": "lines", "index": "line"},
            {"type": "json", "fields": ["lines"], "into": "columns"},
            {"type": "delete_when", "when": {"field": "gone", "equals": True}},
        ]
    )
    key = [*KEY, {"name": "line", "type": "integer"}]
    rules = {"primary_key_mode": "record_value", "primary_key": key, "delete_mode": "row"}
    counts = topics.run({"items": {"auto_create": True, **rules}}, {topic: "items"})
    assert embedded_case.store.rows("items") == {(("id", "o1"), ("line", 0)): {"sku": "x"}}
    assert (counts["read"], counts["added"]) == (4, 2)
    assert (counts["written"], counts["filtered"]) == (4, 2)


def test_exploded_rows_by_the_coordinates(embedded_case: Case, topics: Topics) -> None:
    """Tables are made with the position in their key; a run from the beginning adds no row."""
    places = {topics.make(): "plain", topics.make(): "spread"}
    for topic in places:
        for number in range(3):
            items = [{"sku": f"{number}-{at}", "gone": at == 1} for at in range(number)]
            topics.send(topic, None, {"items": items})
        topics.send(topic, None, {"other": 1})
        topics.send(topic, None, None)
    embedded_case.flow.env["SYNC__TRANSFORMS"] = json.dumps(
        [
            {
                "type": "explode",
                "field": "items",
                "index": "at",
                "when": {"field": "items", "is_null": False},
            },
            {"type": "filter", "drop": {"field": "items.gone", "equals": True}},
        ]
    )
    rules = {"auto_create": True, "insert_mode": "update"}
    tables = {"plain": rules, "spread": {"primary_key_mode": "search", **rules}}
    flow = embedded_case.flow
    for run in range(2):
        flow.state, flow.group = flow.folder / f"state-{run}", f"{flow.group}-{run}"
        flow.set({"kafka": {"group": flow.group}})
        counts = topics.run(tables, places)
        assert (counts["read"], counts["added"], counts["written"]) == (10, 2, 6)
        assert (counts["filtered"], counts["rejected"]) == (4, 2)
        for topic, table in places.items():
            found = {key[-3:]: row for key, row in embedded_case.store.rows(table).items()}
            place = ("topic_partition", f"{topic}_0")
            assert found == {
                (place, ("offset", 1), ("at", 0)): {"items": '{"sku":"1-0","gone":false}'},
                (place, ("offset", 2), ("at", 0)): {"items": '{"sku":"2-0","gone":false}'},
                (place, ("offset", 3), ("at", 0)): {"other": 1},
            }
