"""explode and delete_when: each case is one record and what becomes of it."""

from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.mapping.row_mapper import RowMapper
from connectors.records import UNAVAILABLE, DeadLetter, PlainMessage, Record, RecordChunk, Row
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from connectors.transforms.pipeline import pipeline
from tests.unit.factories import dead_in, rows_in, settings

BY_INDEX = {
    "primary_key_mode": "record_value",
    "primary_key": [{"name": "id"}, {"name": "index", "type": "integer"}],
}
BY_KEY = {**BY_INDEX, "primary_key_mode": "record_key"}
OWN = {"primary_key_mode": "record_value", "primary_key": [{"name": "sku"}]}
ORDER = {"id": "o1", "items": [{"sku": "a"}, {"sku": "b"}], "at": 5}


def run(
    transform: dict[str, Any], value: Any, key: Any = None, table: Any = BY_INDEX, **more: Any
) -> list[Record]:
    """The records that one becomes."""
    step = pipeline(settings(table=table, transforms=[transform], **more))
    assert step is not None
    return list(step(Record(PlainMessage("orders", 0, 3), value, key)))


def code(*args: Any, **more: Any) -> str:
    """The code of the rejection."""
    with pytest.raises(Rejection) as caught:
        run(*args, **more)
    return caught.value.code


def mapped(chosen: Settings, value: Any, key: Any = None) -> tuple[list[Row], list[DeadLetter]]:
    """The rows of a record's records."""
    step = pipeline(chosen)
    assert step is not None
    records = [*step(Record(PlainMessage("orders", 0, 3), value, key))]
    out = RowMapper(chosen, RowEncoder()).map_chunk(RecordChunk("orders", 0, records, []))
    batches = [batch for _, batch in out]
    return rows_in(batches), dead_in(batches)


@pytest.mark.parametrize(
    ("options", "value", "becomes"),
    [
        ({"field": "items"}, ORDER,
         [{"id": "o1", "items": {"sku": "a"}, "at": 5, "index": 0},
          {"id": "o1", "items": {"sku": "b"}, "at": 5, "index": 1}]),
        ({"field": "a.b"}, {"a": {"b": [7]}}, [{"a": {"b": 7}, "index": 0}]),
        ({}, [{"id": 1}, {"id": 2}], [{"id": 1, "index": 0}, {"id": 2, "index": 1}]),
        ({}, [5, None], [{"value": 5, "index": 0}, {"value": None, "index": 1}]),
        ({"field": "items"}, {"items": []}, []),
        ({"lines": True}, '{"id": 1}\n\n {"id": 2}\r\n', [{"id": 1, "index": 0},
                                                          {"id": 2, "index": 1}]),
        ({"lines": True}, b'{"id": "\xe2\x80\xa8"}', [{"id": "\u2028", "index": 0}]),
        ({"lines": True, "field": "t"}, {"t": "1\n2"},
         [{"t": 1, "index": 0}, {"t": 2, "index": 1}]),
        ({"field": "items", "missing": "drop"}, {"id": 1}, []),
        ({"field": "items", "missing": "drop"}, {"items": None}, []),
    ],
)  # fmt: skip
def test_explode(options: dict[str, Any], value: Any, becomes: Any) -> None:
    """A list of a field, of the value, or lines; each element with its position."""
    found = run({"type": "explode", **options}, value)
    assert [record.value for record in found] == becomes
    assert {record.offset for record in found} <= {3}


@pytest.mark.parametrize(
    ("key", "becomes"),
    [
        ({"id": "o1"}, [{"id": "o1", "index": 0}, {"id": "o1", "index": 1}]),
        ("o1", [{"id": "o1", "index": 0}, {"id": "o1", "index": 1}]),
        (None, [None, None]),
    ],
)
def test_the_key_of_an_element(key: Any, becomes: Any) -> None:
    """With record_key the record's own key gets the position."""
    found = run({"type": "explode", "field": "items"}, ORDER, key, BY_KEY)
    assert [record.key for record in found] == becomes


@pytest.mark.parametrize("table", [BY_INDEX, BY_KEY], ids=["record_value", "record_key"])
def test_elements_are_rows_of_their_own(table: dict[str, Any]) -> None:
    """None overwrites another, and the record read again makes the same rows."""
    chosen = settings(table=table, transforms=[{"type": "explode", "field": "items"}])
    first, dead = mapped(chosen, ORDER, {"id": "o1"})
    again, _ = mapped(chosen, ORDER, {"id": "o1"})
    assert dead == []
    assert len({row.identity for row in first}) == 2
    assert [row.wire for row in first] == [row.wire for row in again]


@pytest.mark.parametrize(
    ("options", "value", "wanted"),
    [
        ({"field": "items"}, {"id": 1}, "explode_missing"),
        ({"field": "items"}, {"items": None}, "explode_missing"),
        ({"field": "items"}, {"items": "x"}, "explode_no_list"),
        ({"field": "items"}, {"items": UNAVAILABLE}, "explode_no_list"),
        ({}, {"id": 1}, "explode_no_list"),
        ({"lines": True}, [1], "explode_no_list"),
        ({"lines": True}, '{"id": 1}\n{', "explode_lines"),
        ({"lines": True}, b"\xff", "explode_lines"),
        ({}, None, "explode_delete"),
        ({}, [{"index": 5}], "transform_name_taken"),
        ({"max_elements": 2}, [1, 2, 3], "explode_count"),
        ({"field": "items"}, {"items": [1] * 10_000, "t": "x" * 10_000}, "explode_count"),
        ({"field": "a.b"}, {"a": {"b": [1] * 10_000, "c": [[0] * 300]}}, "explode_count"),
        ({"field": "t", "lines": True}, {"t": "1\n" * 9_000, "n": {"x": b"x" * 9_000}},
         "explode_count"),
    ],
    ids=lambda item: str(item)[:40],
)  # fmt: skip
def test_what_is_not_exploded(options: dict[str, Any], value: Any, wanted: str) -> None:
    """Is rejected as a whole: no element is written without the others."""
    assert code({"type": "explode", **options}, value) == wanted


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        ({}, {"key": "element"}, "record_value"),
        ({**BY_KEY}, {"key": "element"}, "record_value"),
        (OWN, {}, "not a column of primary_key"),
        (BY_INDEX, {"index": "pos"}, "not a column of primary_key"),
        ({"mode": "timeseries"}, {}, 'key = "element"'),
    ],
)
def test_rows_that_would_overwrite_each_other(
    table: dict[str, Any], options: dict[str, Any], says: str
) -> None:
    """Stop the start; where the topic comes later its records are rejected."""
    transform = {"type": "explode", **options}
    with pytest.raises(ValueError, match=says):
        settings(table=table, transforms=[transform])
    assert code(transform, [1], table=table, kafka={"topics_pattern": ".*"}) == "explode_key"
    settings(table=table, transforms=[{**transform, "topics": "others"}])


def test_elements_with_keys_of_their_own() -> None:
    """Elements that have keys of their own need no position in the key."""
    transform = {"type": "explode", "key": "element"}
    found = run(transform, [{"sku": "a"}, {"sku": "b"}], table=OWN)
    assert [record.value for record in found] == [{"sku": "a"}, {"sku": "b"}]


def test_coordinates_and_a_position_as_the_key() -> None:
    """The remedy in the refusal of the modes kafka and search works."""
    table = {
        "primary_key_mode": "record_value",
        "primary_key": [
            {"name": "topic"},
            *({"name": name, "type": "integer"} for name in ("partition", "offset", "index")),
        ],
    }
    fields = {name: name for name in ("topic", "partition", "offset")}
    chosen = settings(
        table=table, transforms=[{"type": "explode"}, {"type": "insert", "fields": fields}]
    )
    rows, dead = mapped(chosen, [{"a": 1}, {"a": 2}])
    assert (len({row.identity for row in rows}), dead) == (2, [])


MARKED = {"type": "delete_when", "when": {"field": "__deleted", "equals": "true"}}
ROWS = {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}], "delete_mode": "row"}


@pytest.mark.parametrize(
    ("value", "change"),
    [
        ({"id": "a", "__deleted": "true"}, "delete"),
        ({"id": "a", "__deleted": "false"}, "upsert"),
        ({"id": "a", "__deleted": True}, "upsert"),
        ({"id": "a"}, "upsert"),
        (None, "upsert"),
    ],
)
@pytest.mark.parametrize("mode", ["record_value", "record_key"])
def test_delete_when(value: Any, change: str, mode: str) -> None:
    """The record of which the predicate holds deletes the row of its key."""
    (record,) = run(MARKED, value, {"id": "a"}, {**ROWS, "primary_key_mode": mode})
    assert (record.change, record.value, record.key) == (change, value, {"id": "a"})


def test_delete_when_in_a_table() -> None:
    """The row goes by its key alone; a delete_mode without rows rejects it."""
    gone, dead = mapped(settings(table=ROWS, transforms=[MARKED]), {"id": "a", "__deleted": "true"})
    assert (len(gone), dead) == (1, [])
    keeps = {**ROWS, "delete_mode": "none"}
    gone, dead = mapped(
        settings(table=keeps, transforms=[MARKED]), {"id": "a", "__deleted": "true"}
    )
    assert (gone, [each.code for each in dead]) == ([], ["delete_off"])
    with pytest.raises(ValueError, match="when"):
        settings(transforms=[{"type": "delete_when"}])
    with pytest.raises(ValueError, match="delete_when"):
        settings(table=ROWS)


def test_a_list_may_be_longer_than_what_stands_beside_it() -> None:
    """The bytes of the list itself do not count."""
    value = {"id": "o1", "items": ["x" * 10_000] * 5_000}
    assert len(run({"type": "explode", "field": "items"}, value)) == 5_000


def test_lists_exploded_one_after_the_other() -> None:
    """Few bytes never become records without a bound."""
    transforms = [
        {"type": "explode", "field": "a", "key": "element"},
        {"type": "explode", "field": "b", "index": "at"},
    ]
    table = {**OWN, "primary_key": [{"name": "sku"}, {"name": "at", "type": "integer"}]}
    step = pipeline(settings(table=table, transforms=transforms))
    assert step is not None
    few = Record(PlainMessage(), {"a": [1, 2], "b": [3, 4]})
    assert [(one.value["a"], one.value["b"]) for one in step(few)] == [
        (1, 3), (1, 4), (2, 3), (2, 4)
    ]  # fmt: skip
    with pytest.raises(Rejection) as caught:
        step(Record(PlainMessage(), {"a": [0] * 1_000, "b": [0] * 1_000}))
    assert caught.value.code == "explode_count"


def to_other(record: Record) -> Record:
    """A step that names a table."""
    return Record(record.message, record.value, record.key, record.change, "other")


def test_the_key_of_the_table_that_a_step_named() -> None:
    """Elements do not overwrite each other there either."""
    chosen = settings(
        kafka={"topics": ["orders", "other"]},
        table=BY_INDEX,
        tables={"other": OWN},
        transforms=[
            {"type": "function", "function": f"{__name__}:to_other"},
            {"type": "explode", "field": "items", "topics": "orders"},
        ],
    )
    step = pipeline(chosen)
    assert step is not None
    with pytest.raises(Rejection) as caught:
        list(step(Record(PlainMessage("orders"), ORDER)))
    assert caught.value.code == "explode_key"
