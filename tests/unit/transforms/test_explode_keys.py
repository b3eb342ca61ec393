"""Exploded rows whose key is the record's coordinates: each has its position in the key."""

from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.mapping.row_mapper import RowMapper
from connectors.records import PlainMessage, Record, RecordChunk, Row
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from connectors.transforms.pipeline import pipeline
from connectors.transforms.step import Made
from tests.unit.factories import dead_in, rows_in, settings

ITEMS = {"type": "explode", "field": "items", "index": "item"}
ORDER = {"id": 1, "items": [{"sku": "a"}, {"sku": "b", "parts": [5, 6]}]}
MODES: dict[str, tuple[tuple[str, str], ...]] = {
    "kafka": (("topic_partition", "string"), ("offset", "integer"), ("item", "integer")),
    "search": (
        *(("md5", "string"), ("topic_partition", "string"), ("offset", "integer")),
        ("item", "integer"),
    ),
}


def chosen(mode: str, *transforms: Any, table: Any = None, **more: Any) -> Settings:
    """Settings of a table with this key mode."""
    return settings(
        table={"primary_key_mode": mode, **(table or {})}, transforms=transforms, **more
    )


def through(made: Settings, *values: Any, topic: str = "orders") -> list[Record]:
    """The records that these become, at the offsets 0, 1, ..."""
    step = pipeline(made)
    assert step is not None
    records = [Record(PlainMessage(topic, 0, at), value) for at, value in enumerate(values)]
    return [made for record in records for made in step(record)]


def mapped(
    made: Settings, records: list[Record], topic: str = "orders"
) -> tuple[list[Row], list[str]]:
    """Their rows, and the codes of those that have none."""
    out = RowMapper(made, RowEncoder()).map_chunk(RecordChunk(topic, 0, records, []))
    batches = [batch for _, batch in out]
    return rows_in(batches), [dead.code for dead in dead_in(batches)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("update", [False, True])
def test_each_row_has_a_key_of_its_own(mode: str, update: bool) -> None:
    """Of one record and of several; the same records again are the same rows, key for key."""
    made = chosen(mode, ITEMS, table={"insert_mode": "update"} if update else None)
    assert made.rules_of("orders").key_columns == MODES[mode]
    rows, dead = mapped(made, through(made, ORDER, ORDER))
    again, _ = mapped(made, through(made, ORDER, ORDER))
    assert (len({row.identity for row in rows}), dead) == (4, [])
    assert [(row.identity, row.wire) for row in rows] == [(row.identity, row.wire) for row in again]
    assert {row.operation for row in rows} == {"update" if update else "put"}


@pytest.mark.parametrize("mode", MODES)
def test_what_is_not_exploded_is_at_0(mode: str) -> None:
    """Records of the same table that `when` or `topics` leaves alone are rows too."""
    when = {"field": "items", "is_null": False}
    made = chosen(mode, {**ITEMS, "when": when}, kafka={"topics": ["orders", "bills"]},
                  mapping={"topics": {"bills": "orders"}})  # fmt: skip
    records = through(made, {"id": 1}, ORDER)
    assert [record.positions for record in records] == [{}, {"item": 0}, {"item": 1}]
    rows, dead = mapped(made, records)
    assert (len({row.identity for row in rows}), dead) == (3, [])
    only = chosen(mode, {**ITEMS, "topics": "bills"}, kafka={"topics": ["orders", "bills"]},
                  mapping={"topics": {"bills": "orders"}})  # fmt: skip
    rows, dead = mapped(only, through(only, ORDER))
    assert (len(rows), dead) == (1, [])


def test_two_lists_by_one_index_for_records_of_two_kinds() -> None:
    """Each transform explodes its own records."""
    other = {"type": "explode", "field": "lines", "index": "item"}
    made = chosen(
        "kafka",
        {**ITEMS, "when": {"field": "items", "is_null": False}},
        {**other, "when": {"field": "lines", "is_null": False}},
    )
    records = through(made, ORDER, {"lines": [1, 2, 3]})
    assert [record.positions for record in records] == [
        {"item": 0}, {"item": 1}, {"item": 0}, {"item": 1}, {"item": 2}
    ]  # fmt: skip
    assert mapped(made, records)[1] == []


def test_a_list_in_a_list() -> None:
    """Has a second column; the same name twice would be no key."""
    inner = {"type": "explode", "field": "items.parts", "index": "part", "missing": "reject",
             "when": {"field": "items.parts", "is_null": False}}  # fmt: skip
    made = chosen("kafka", ITEMS, inner)
    assert made.rules_of("orders").key_columns[2:] == (("item", "integer"), ("part", "integer"))
    records = through(made, ORDER)
    assert [record.positions for record in records] == [
        {"item": 0}, {"item": 1, "part": 0}, {"item": 1, "part": 1}
    ]  # fmt: skip
    rows, dead = mapped(made, records)
    assert (len({row.identity for row in rows}), dead) == (3, [])
    with pytest.raises(Rejection) as caught:
        through(chosen("kafka", ITEMS, {**inner, "index": "item"}), ORDER)
    assert caught.value.code == "transform_name_taken"


def no_field(record: Record) -> Record:
    """A step that leaves none of the fields."""
    return record.with_value({"sku": "x"})


def anew(record: Record) -> Record:
    """A step that makes a record of its own."""
    return Record(record.message, record.value, record.key, record.change, record.table)


def test_the_position_passes_through_other_steps() -> None:
    """It is no field of the value; what loses it is no row that overwrites another."""
    made = chosen(
        "kafka",
        ITEMS,
        {"type": "include", "fields": ["id"]},
        {"type": "function", "function": f"{__name__}:no_field"},
    )
    rows, dead = mapped(made, through(made, ORDER))
    assert (len({row.identity for row in rows}), dead) == (2, [])
    with pytest.raises(Rejection) as caught:
        through(chosen("kafka", ITEMS, {"type": "function", "function": f"{__name__}:anew"}), ORDER)
    assert caught.value.code == "explode_position"
    later = [anew(record) for record in through(made, ORDER)]
    assert mapped(made, later) == ([], ["explode_position"] * 2)
    assert mapped(made, [anew(Record(PlainMessage(), {"a": 1}))])[1] == ["explode_position"]


def test_a_field_with_the_name_of_the_column_is_rejected() -> None:
    """As those with the names of the other key columns are; where columns are listed it is left."""
    value = {"items": [{"sku": "a"}], "item": 7}
    made = chosen("kafka", ITEMS)
    assert mapped(made, through(made, value)) == ([], ["column_is_key"])
    listed = chosen("kafka", ITEMS, table={"columns": [{"name": "items", "type": "string"}]})
    rows, dead = mapped(listed, through(listed, value))
    assert (len(rows), dead) == (1, [])


@pytest.mark.parametrize(
    ("mode", "transforms", "table", "says"),
    [
        ("kafka", [{**ITEMS, "index": "offset"}], {}, "'offset' already"),
        ("kafka", [ITEMS], {"columns": [{"name": "item", "type": "integer"}]}, "'item' already"),
        ("kafka", [{**ITEMS, "index": "no name"}], {}, "name of a key column"),
        ("kafka", [{**ITEMS, "index": name} for name in "abc"], {}, "more than 4"),
        ("search", [{**ITEMS, "index": name} for name in "ab"], {}, "take primary_key_mode kafka"),
    ],
)
@pytest.mark.parametrize("kafka", [{}, {"topics_pattern": "o.*"}], ids=["named", "found"])
def test_positions_that_cannot_be_columns(
    mode: str, transforms: Any, table: Any, says: str, kafka: Any
) -> None:
    """Stop the start, also where the topics are found later."""
    with pytest.raises(ValueError, match=says):
        chosen(mode, *transforms, table=table, kafka=kafka)


def test_tables_without_exploded_records_keep_their_key() -> None:
    """The column is in the tables that get exploded records; a pattern may find any topic."""
    both = {"kafka": {"topics": ["orders", "bills"]}}
    made = chosen("kafka", {**ITEMS, "topics": "bills"}, **both)
    assert made.rules_of("orders").key_columns == MODES["kafka"][:2]
    assert made.rules_of("bills").key_columns == MODES["kafka"]
    rows, dead = mapped(made, through(made, ORDER))
    assert (len(rows), dead) == (1, [])
    found = chosen("search", ITEMS, kafka={"topics_pattern": "o.*"})
    assert found.rules_of("orders").key_columns == MODES["search"]
    other = {"primary_key_mode": "record_value", "primary_key": [{"name": "item"}]}
    assert chosen("kafka", ITEMS, tables={"orders": other}).rules_of("orders").index_columns == ()


def to_bills(record: Record) -> Record:
    """A step that names a table."""
    return Record(record.message, record.value, record.key, record.change, "bills")


def test_the_table_that_a_step_named_has_no_such_column() -> None:
    """Elements do not overwrite each other there."""
    made = chosen(
        "kafka",
        {"type": "function", "function": f"{__name__}:to_bills"},
        {**ITEMS, "topics": "orders"},
        kafka={"topics": ["orders", "bills"]},
    )
    with pytest.raises(Rejection) as caught:
        through(made, ORDER)
    assert caught.value.code == "explode_key"


def test_points_by_their_position() -> None:
    """A tag, so that elements of one time are points of their own."""
    points = {"tags": ["item"], "measurement": "m"}
    table = {"mode": "timeseries", "timeseries": points}
    made = settings(table=table, transforms=[ITEMS])
    assert [record.value["item"] for record in through(made, ORDER)] == [0, 1]


@pytest.mark.parametrize(
    ("transforms", "value", "counts"),
    [
        ([ITEMS], ORDER, (2, 0)),
        ([ITEMS], {"items": []}, (0, 1)),
        ([ITEMS, {"type": "filter", "drop": {"field": "items.sku", "equals": "a"}}], ORDER, (1, 1)),
        ([ITEMS, {"type": "filter", "keep": {"field": "id", "equals": 2}}], ORDER, (0, 2)),
        ([{"type": "filter", "keep": {"field": "id", "equals": 2}}, ITEMS], ORDER, (0, 1)),
    ],
)
def test_what_is_dropped_is_counted(transforms: Any, value: Any, counts: tuple[int, int]) -> None:
    """Also of the records that one became on its way."""
    step = pipeline(chosen("kafka", *transforms))
    assert step is not None
    made = step(Record(PlainMessage("orders"), value))
    assert isinstance(made, Made)
    assert (len(made), made.dropped) == counts
