"""Deletes of rows: by Debezium events, partial images, and records of several rows."""

import json
from typing import Any

import pytest

from tests.flows.changes.conftest import KEY, Topics, rows
from tests.flows.conftest import Case

pytestmark = pytest.mark.P3


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
