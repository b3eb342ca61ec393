"""The attribute columns of a row: which fields, which types, which are left out, which refuse."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.records import DeadLetter
from connectors.settings import Settings
from tests.unit.factories import CANARY, dead_in, record_chunk, settings
from tests.unit.mapping.wire_reader import Mapped, by_offset, read_wire

TYPES = ("string", "integer", "double", "boolean", "binary")


def listed(*columns: tuple[str, str]) -> Settings:
    """Settings that write these columns only."""
    return settings(table={"columns": [{"name": name, "type": kind} for name, kind in columns]})


def test_all_fields_with_their_own_types() -> None:
    """With columns = all each field is a column of its natural type, in the record's order."""
    value = {
        "z": "text",
        "a": 1,
        "m": 1.5,
        "b": True,
        "n": None,
        "o": {"x": [1, {"y": None}]},
        "l": [],
        "raw": b"\x00\xff",
    }
    mapped = Mapped(settings())
    for _ in range(3):
        assert list(mapped.cells(value).columns.items()) == [
            ("z", "text"),
            ("a", 1),
            ("m", 1.5),
            ("b", True),
            ("o", '{"x":[1,{"y":null}]}'),
            ("l", "[]"),
            ("raw", b"\x00\xff"),
        ]


def test_types_stay_apart() -> None:
    """1, 1.0, true and "1" under one name are four types, whatever came before."""
    mapped = Mapped(settings())
    for _ in range(3):
        for value in (1, 1.0, True, "1", b"1", 0, False, 0.0, ""):
            found = mapped.cells({"c": value}).columns["c"]
            assert found == value
            assert type(found) is type(value)


@pytest.mark.parametrize("value", [{}, {"a": None}, {"a": None, "b": None}])
def test_nothing_but_nulls_is_a_row_of_the_key_alone(value: dict[str, Any]) -> None:
    """Nulls are left out; what is left is a row that has only its key."""
    mapped = Mapped(settings())
    for _ in range(3):
        assert mapped.cells(value).columns == {}
    mapped = Mapped(listed(("a", "string")))
    for _ in range(3):
        assert mapped.cells(value).columns == {}


def test_listed_columns_only() -> None:
    """A list takes its columns in its order, converts them, and leaves all others out."""
    mapped = Mapped(listed(("b", "string"), ("a", "double"), ("c", "boolean")))
    for _ in range(3):
        found = mapped.cells({"a": 1, "x": object(), "b": 5, "c": "true", "bad-name": 1}).columns
        assert list(found.items()) == [("b", "5"), ("a", 1.0), ("c", True)]


def test_listed_columns_that_are_missing_or_null() -> None:
    """A listed field that is absent or null is no column of that row; the others are."""
    mapped = Mapped(listed(("a", "integer"), ("b", "string")))
    for _ in range(3):
        assert mapped.cells({"b": "x"}).columns == {"b": "x"}
        assert mapped.cells({"a": None, "b": "x"}).columns == {"b": "x"}
        assert mapped.cells({"a": 1}).columns == {"a": 1}
        assert mapped.cells({"other": 1}).columns == {}
        assert mapped.cells({"a": 2, "b": "y"}).columns == {"a": 2, "b": "y"}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("value", ["x", 1, 1.5, True, {}, [], b"x", "1", Decimal(1)])
def test_a_listed_column_has_its_type_or_the_record_is_rejected(kind: str, value: Any) -> None:
    """Whatever comes, a column of a listed type never gets a value of another type."""
    python = {"string": str, "integer": int, "double": float, "boolean": bool, "binary": bytes}
    mapped = Mapped(listed(("c", kind)))
    for _ in range(3):
        found = mapped.outcome({"c": value})
        if isinstance(found, DeadLetter):
            assert "'c'" in found.reason
        else:
            assert type(found.columns["c"]) is python[kind]


@pytest.mark.parametrize(
    "name",
    ["", "9a", "a-b", "a.b", "a b", "ä", "a\n", "a" * 256, "a\x00b", "\ud800", "'", "{", "💥"],
)
def test_names_that_no_column_can_have(name: str) -> None:
    """With columns = all an illegal field name rejects the record, not its neighbours."""
    mapped = Mapped(settings())
    for _ in range(3):
        dead_letter = mapped.rejected({"ok": 1, name: 1})
        assert dead_letter.code == "column_name"
        assert mapped.cells({"ok": 1}).columns == {"ok": 1}
    assert mapped.cells({"ok": 1, name: None}).columns == {"ok": 1}


@pytest.mark.parametrize("name", [1, 1.5, None, True, b"a", ("a",)])
def test_names_that_are_no_text(name: Any) -> None:
    """A user's step may make such names; they are rejected, not turned into text."""
    mapped = Mapped(settings())
    for _ in range(3):
        assert mapped.rejected({name: "x"}).code == "column_name"


@pytest.mark.parametrize(
    "name", ["_", "a" * 255, "A_9", "encode", "value0", "key0", "crc8", "size"]
)
def test_names_that_look_special_are_columns_like_others(name: str) -> None:
    """The longest legal name, and names that the encoder's generated code uses itself."""
    mapped = Mapped(settings())
    for _ in range(3):
        assert mapped.cells({name: "x", "b": 1}).columns == {name: "x", "b": 1}


def test_the_most_columns() -> None:
    """1,024 attribute columns are written, 1,025 reject the record; nulls do not count."""
    most = {f"c{number}": number for number in range(1024)}
    mapped = Mapped(settings())
    for _ in range(3):
        assert mapped.cells({**most, "null": None}).columns == most
        dead_letter = mapped.rejected({**most, "one_more": 1})
        assert dead_letter.code == "column_count"
        assert "1024" in dead_letter.reason.replace(",", "")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"c": 2**63}, "integer_range"),
        ({"c": -(2**63) - 1}, "integer_range"),
        ({"c": 10**5000}, "integer_range"),
        ({"c": "x" * (2**21 + 1)}, "value_length"),
        ({"c": "é" * (2**20) + "x"}, "value_length"),
        ({"c": b"x" * (2**21 + 1)}, "value_length"),
        ({"c": ["x" * 2**21]}, "value_length"),
        ({f"c{number}": "x" * 2**21 for number in range(3)}, "row_size"),
        ({"c": float("nan")}, "not_finite"),
        ({"c": float("inf")}, "not_finite"),
        ({"c": "\ud800"}, "encoding"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else "value",
)
def test_values_that_no_table_takes(value: dict[str, Any], code: str) -> None:
    """What the service would refuse a whole request for is rejected alone, before it is sent."""
    mapped = Mapped(settings())
    for _ in range(3):
        assert mapped.rejected(value).code == code


def test_values_at_their_limits() -> None:
    """The outermost integers and the longest texts are written whole."""
    value = {"high": 2**63 - 1, "low": -(2**63), "text": "x" * 2**21}
    mapped = Mapped(settings())
    for _ in range(3):
        assert mapped.cells(value).columns == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "value_null"),
        ([], "value_no_object"),
        ([{"a": 1}], "value_no_object"),
        ("text", "value_no_object"),
        (5, "value_no_object"),
        (True, "value_no_object"),
    ],
)
@pytest.mark.parametrize("columns", ["all", [{"name": "a", "type": "integer"}]])
def test_values_that_are_no_object(value: Any, code: str, columns: Any) -> None:
    """A row needs names: everything else is rejected, a tombstone with a code of its own."""
    for table in (
        {"columns": columns},
        {"columns": columns, "primary_key_mode": "record_value", "primary_key": [{"name": "id"}]},
        {
            "columns": columns,
            "primary_key_mode": "record_key",
            "primary_key": [{"name": "id"}],
            "insert_mode": "update",
        },
    ):
        mapped = Mapped(settings(table=table))
        assert mapped.rejected(value, key="k").code == code


@pytest.mark.P4
def test_a_bad_record_does_not_take_its_neighbours() -> None:
    """P4: in one chunk the good ones become rows, the bad ones dead letters, all with offsets."""
    values = [{"a": 1}, {"a-b": 1}, {"a": 2}, None, {"a": 2**63}, {"a": 3}, [1], {"offset": 1}]
    made = Mapped(settings()).mapper.map_chunk(record_chunk(values, partition=5))
    rows, dead = by_offset(made), dead_in(batch for _, batch in made)
    assert [(row.offset, read_wire(row.wire).columns["a"]) for row in rows] == [
        (0, 1),
        (2, 2),
        (5, 3),
    ]
    assert [(dead_letter.offset, dead_letter.code) for dead_letter in dead] == [
        (1, "column_name"),
        (3, "value_null"),
        (4, "integer_range"),
        (6, "value_no_object"),
        (7, "column_is_key"),
    ]
    assert {
        (dead_letter.topic, dead_letter.partition, dead_letter.stage) for dead_letter in dead
    } == {("orders", 5, "map")}


@pytest.mark.P7
@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        [CANARY],
        {"a": [object(), CANARY]},
        {"a": 2**64, "b": CANARY},
        {"c": CANARY * 300_000},
        {"a": "\ud800" + CANARY},
        {"a-b": CANARY},
        {"a": Decimal("1"), "b": CANARY},
        {**{f"c{number}": CANARY for number in range(1025)}},
    ],
    ids=range(9),
)
@pytest.mark.parametrize("columns", ["all", [{"name": "a", "type": "double"}]])
def test_reasons_hold_no_value(value: Any, columns: Any) -> None:
    """P7: whatever rejects a record, its values are not in the dead letter."""
    mapped = Mapped(settings(table={"columns": columns}))
    for _ in range(3):
        made = mapped.mapper.map_chunk(record_chunk([value]))
        assert CANARY not in repr(dead_in(batch for _, batch in made))


def test_a_topic_without_a_legal_table() -> None:
    """A pattern may find topics whose name is not a table name: their records are rejected."""
    mapped = Mapped(settings(kafka={"topics_pattern": ".*"}))
    made = mapped.mapper.map_chunk(record_chunk([{"a": 1}, {"a": 2}], topic="shop.orders"))
    dead = dead_in(batch for _, batch in made)
    assert [(dead_letter.offset, dead_letter.code) for dead_letter in dead] == [
        (0, "table_name"),
        (1, "table_name"),
    ]
    assert "[mapping.topics]" in dead[0].reason
    assert by_offset(made) == []


def test_originals_are_kept_on_demand() -> None:
    """With keep_original rows and dead letters carry the record's bytes, otherwise nothing."""
    from connectors.mapping.row_mapper import RowMapper
    from connectors.records import PlainMessage, Record, RecordChunk
    from connectors.tablestore.row_encoder import RowEncoder

    message = PlainMessage("orders", 0, 4, timestamp=9, key=b"k", value=b"v", headers=[("h", b"1")])
    chunk = RecordChunk("orders", 0, [Record(message, {"a": 1}), Record(message, None)], [])
    whole = (9, b"k", b"v", (("h", b"1"),))
    for keep, expected in ((True, whole), (False, None)):
        made = RowMapper(settings(), RowEncoder(), keep).map_chunk(chunk)
        (row,) = by_offset(made)
        (dead_letter,) = dead_in(batch for _, batch in made)
        assert (row.original, dead_letter.original) == (expected, expected)
        assert row.rejected("code", "reason").original == expected
