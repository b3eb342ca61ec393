"""Any JSON in any place of an event, or under any transform: records, or a rejection."""

import contextlib
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.records import PlainMessage, Record
from connectors.transforms.pipeline import pipeline
from connectors.transforms.step import Step
from tests.unit.factories import settings

_ROW_NAMES = st.sampled_from(["id", "slug", "a", "_id", "schema", "payload", "", "a.b", "$oid"])
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4),
    st.sampled_from(["", 0, "{}", "[1]", '{"id": 1}', "2024-01-31", "__debezium_unavailable_value",
                     '{"$date": {}}', '{"$oid": 5}', 10**30]),
)  # fmt: skip
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ROW_NAMES, inner, max_size=3),
    max_leaves=6,
)
_EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["c", "r", "u", "d", "t", "m", "x", None]) | _VALUES,
        "before": _VALUES,
        "after": _VALUES,
        "source": st.sampled_from([{"connector": "mongodb"}, {}, None]),
        "updateDescription": st.fixed_dictionaries(
            {},
            optional={
                "updatedFields": _VALUES, "removedFields": _VALUES, "truncatedArrays": _VALUES,
            },
        )
        | _VALUES,
        "ts_ms": _VALUES, "status": _VALUES, "id": _VALUES, "event_count": _VALUES,
        "databaseName": _VALUES, "ddl": _VALUES,
    },
)  # fmt: skip
_TABLES: list[dict[str, Any]] = [
    {"primary_key_mode": mode, "primary_key": [{"name": "id"}, {"name": "slug"}], **more}
    for mode in ("record_key", "record_value")
    for more in ({}, {"insert_mode": "update"})
]


@cache
def made(transform: str, table: str) -> Step:
    """The step of a transform and a table, both as JSON."""
    step = pipeline(settings(table=json.loads(table), transforms=[json.loads(transform)]))
    assert step is not None
    return step


def tried(transform: dict[str, Any], table: dict[str, Any], value: Any, key: Any) -> None:
    """What becomes of a record; any other exception is a fault."""
    step = made(json.dumps(transform), json.dumps(table))
    with contextlib.suppress(Rejection):
        assert all(
            type(item) is Record for item in step(Record(PlainMessage("orders"), value, key))
        )


@pytest.mark.parametrize("images", ["partial", "whole"])
@pytest.mark.parametrize("deletes", ["delete", "mark", "drop"])
@hypothesis_settings(deadline=None, max_examples=100)
@given(_EVENTS | _VALUES, _VALUES, st.sampled_from(_TABLES))
def test_any_event(images: str, deletes: str, event: Any, key: Any, table: dict[str, Any]) -> None:
    """Of Debezium, or what looks like it."""
    options = {"before_images": images, "deletes": deletes, "partial": "pass"}
    fields = {"key_fields": ["id"]} if "insert_mode" in table else {}
    tried({"type": "debezium", **options, **fields}, table, event, key)


@pytest.mark.parametrize(
    "transform",
    [
        {"type": "timestamp", "fields": ["id", "a.b"]},
        {"type": "timestamp", "fields": ["id", "a"], "to": "number", "unit": "ns"},
        {"type": "timestamp", "fields": ["id"], "to": "text", "format": "%Y-%m-%d %H:%M:%S.%3f"},
        {"type": "json", "fields": ["a", "id"], "into": "columns"},
        {"type": "json", "fields": ["a.b", "slug"]},
        {"type": "explode", "field": "a", "index": "slug"},
        {"type": "explode", "index": "slug"},
        {"type": "explode", "lines": True, "index": "slug"},
        {"type": "delete_when", "when": {"field": "a", "is_null": True}},
    ],
)
@hypothesis_settings(deadline=None, max_examples=100)
@given(_VALUES, _VALUES, st.sampled_from(_TABLES))
def test_any_value(transform: dict[str, Any], value: Any, key: Any, table: dict[str, Any]) -> None:
    """Under each of the transforms that read what a field holds."""
    tried(transform, table, value, key)
