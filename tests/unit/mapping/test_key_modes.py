"""The primary key: from Kafka's coordinates, the record's key or its value; whole, or no row."""

from typing import Any

import pytest

from connectors.settings import Settings
from tests.unit.factories import CANARY, settings
from tests.unit.mapping.wire_reader import Mapped


def keyed(mode: str, *columns: tuple[str, str], **table: Any) -> Settings:
    """Settings of a key mode with these key columns."""
    key = [{"name": name, "type": kind} for name, kind in columns]
    return settings(table={"primary_key_mode": mode, "primary_key": key, **table})


def test_kafka_coordinates() -> None:
    """Mode kafka: topic_partition and offset, whatever the record holds; key and value apart."""
    mapped = Mapped(settings(kafka={"topics": ["orders", "my_topic"]}))
    assert mapped.cells({"a": 1}, key="ignored", offset=7) == (
        {"topic_partition": "orders_0", "offset": 7},
        {"a": 1},
    )
    (row,) = mapped.chunk({}, topic="my_topic", partition=12)
    assert row.partition == 12
    assert b"my_topic_12" in row.identity


def test_offsets_tell_rows_apart() -> None:
    """Two records are two rows, even when they are equal."""
    rows = Mapped(settings()).chunk({"a": 1}, {"a": 1})
    assert rows[0].identity != rows[1].identity
    assert [row.offset for row in rows] == [0, 1]


@pytest.mark.parametrize("mode", ["record_key", "record_value"])
@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_one_to_four_columns_in_the_order_of_the_table(mode: str, columns: int) -> None:
    """The key's columns stand in the configured order, not in the record's."""
    names = ["d", "b", "a", "c"][:columns]
    mapped = Mapped(keyed(mode, *[(name, "string") for name in names]))
    fields = {name: f"{name}!" for name in sorted(names)}
    for _ in range(3):  # not compiled, compiled, direct
        if mode == "record_key":
            found = mapped.cells({"x": 1}, key=fields)
        else:
            found = mapped.cells({**fields, "x": 1})
        assert list(found.key.items()) == [(name, f"{name}!") for name in names]
        assert found.columns == {"x": 1}


def test_all_key_types() -> None:
    """String, integer and binary key columns, converted exactly."""
    mapped = Mapped(keyed("record_value", ("s", "string"), ("i", "integer"), ("b", "binary")))
    for value in (
        {"s": "5", "i": 6, "b": "YQ=="},
        {"s": 5, "i": "6", "b": b"a"},
        {"b": bytearray(b"a"), "i": 6.0, "s": "5"},
    ):
        for _ in range(3):
            assert mapped.cells({**value, "a": 1}).key == {"s": "5", "i": 6, "b": b"a"}


@pytest.mark.parametrize(
    ("key", "kind", "value"),
    [("k", "string", "k"), (5, "string", "5"), (5, "integer", 5), ("YQ==", "binary", b"a")],
)
def test_a_key_that_is_one_value(key: Any, kind: str, value: Any) -> None:
    """Mode record_key with one column: the record's key may be the value itself."""
    mapped = Mapped(keyed("record_key", ("id", kind)))
    assert mapped.cells({"a": 1}, key=key) == ({"id": value}, {"a": 1})
    assert mapped.cells({"a": 1}, key={"id": key}) == ({"id": value}, {"a": 1})


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "key_null"),
        ({}, "key_missing"),
        ({"a": "x"}, "key_missing"),
        ({"b": "x"}, "key_missing"),
        ({"a": None, "b": "x"}, "key_null"),
        ({"a": "x", "b": None}, "key_null"),
        ({"a": True, "b": "x"}, "type_mismatch"),
        ({"a": 1.5, "b": "x"}, "type_mismatch"),
        ({"a": {}, "b": "x"}, "type_mismatch"),
        ({"a": "x" * 1025, "b": "x"}, "key_length"),
        ({"a": "x", "b": "é" * 513}, "key_length"),
        ("scalar", "key_no_object"),
        (5, "key_no_object"),
        (True, "key_no_object"),
        (["x", "y"], "key_no_object"),
    ],
)
def test_record_keys_that_make_no_primary_key(key: Any, code: str) -> None:
    """Missing, null, too long, misshapen: rejected, each with its own code, again and again."""
    mapped = Mapped(keyed("record_key", ("a", "string"), ("b", "string")))
    assert mapped.cells({"v": 1}, key={"a": "x", "b": "y"}).key == {"a": "x", "b": "y"}
    for _ in range(3):
        assert mapped.rejected({"v": 1}, key=key).code == code
    assert mapped.cells({"v": 1}, key={"b": "y", "a": "x"}).key == {"a": "x", "b": "y"}


@pytest.mark.parametrize("key", [["x"], True, 1.5, {}, {"other": 1}, None])
def test_single_keys_that_make_no_primary_key(key: Any) -> None:
    """Also where a bare value would do, a list, boolean, fraction or null does not."""
    assert Mapped(keyed("record_key", ("id", "string"))).rejected({"v": 1}, key=key).code in (
        "key_no_object",
        "type_mismatch",
        "key_missing",
        "key_null",
    )


VALUES = [
    ({}, "key_missing"),
    ({"id": None}, "key_null"),
    ({"id": True}, "type_mismatch"),
    ({"id": [1]}, "type_mismatch"),
    ({"id": {"a": 1}}, "type_mismatch"),
    ({"id": "x" * 1025}, "key_length"),
    ({"ID": "x"}, "key_missing"),
]


@pytest.mark.parametrize(("value", "code"), VALUES)
def test_values_that_make_no_primary_key(value: Any, code: str) -> None:
    """Mode record_value, all columns: the same, and a good record after it is written."""
    mapped = Mapped(keyed("record_value", ("id", "string")))
    for _ in range(3):
        assert mapped.rejected({**value, "v": 1}).code == code
        assert mapped.cells({"id": "x", "v": 1}) == ({"id": "x"}, {"v": 1})


@pytest.mark.parametrize(("value", "code"), VALUES)
def test_values_that_make_no_primary_key_with_listed_columns(value: Any, code: str) -> None:
    """Mode record_value, listed columns: the same codes."""
    listed = [{"name": "v", "type": "integer"}]
    mapped = Mapped(keyed("record_value", ("id", "string"), columns=listed))
    for _ in range(3):
        assert mapped.cells({"id": "x", "v": 1}) == ({"id": "x"}, {"v": 1})
        assert mapped.rejected({**value, "v": 1}).code == code


def test_the_longest_key_is_taken() -> None:
    """1,024 bytes are legal for a string or binary key column; the bytes count, not the letters."""
    mapped = Mapped(keyed("record_value", ("a", "string"), ("b", "binary")))
    for _ in range(3):
        assert mapped.cells({"a": "é" * 512, "b": b"x" * 1024, "c": 1}).key["a"] == "é" * 512
        assert mapped.rejected({"a": "é" * 512 + "x", "b": b"", "c": 1}).code == "key_length"
        assert mapped.rejected({"a": "", "b": b"x" * 1025, "c": 1}).code == "key_length"


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "9223372036854775808"])
def test_integer_keys_have_64_bits(value: Any) -> None:
    """A key beyond 64 bits is rejected, the outermost ones are taken."""
    mapped = Mapped(keyed("record_value", ("id", "integer")))
    for _ in range(3):
        assert mapped.cells({"id": 2**63 - 1, "a": 1}).key == {"id": 2**63 - 1}
        assert mapped.cells({"id": -(2**63), "a": 1}).key == {"id": -(2**63)}
        assert mapped.rejected({"id": value, "a": 1}).code == "integer_range"


def test_key_fields_are_no_columns() -> None:
    """Mode record_value: a key field is not written a second time as an attribute."""
    mapped = Mapped(keyed("record_value", ("id", "string")))
    for _ in range(3):
        assert mapped.cells({"v": 1, "id": "x", "w": 2}) == ({"id": "x"}, {"v": 1, "w": 2})


def test_a_field_named_like_a_key_column_of_the_records_key() -> None:
    """Mode record_key: the key column comes from the key; the value's namesake is no attribute."""
    mapped = Mapped(keyed("record_key", ("id", "string")))
    for _ in range(3):
        assert mapped.cells({"id": "x", "v": 1}, key="x") == ({"id": "x"}, {"v": 1})


@pytest.mark.parametrize("name", ["topic_partition", "offset"])
def test_a_field_named_like_a_kafka_key_column(name: str) -> None:
    """Mode kafka: it can be neither written nor silently left out, so the record is rejected."""
    mapped = Mapped(settings())
    for _ in range(3):
        dead_letter = mapped.rejected({name: 1, "v": 1})
        assert dead_letter.code == "column_is_key"
        assert name in dead_letter.reason
    assert mapped.cells({name: None, "v": 1}).columns == {"v": 1}, "a null is no value to lose"


def test_a_kafka_key_column_can_be_left_out_by_the_list() -> None:
    """With listed columns a field named offset is simply not taken."""
    mapped = Mapped(settings(table={"columns": [{"name": "v", "type": "integer"}]}))
    assert mapped.cells({"offset": 99, "v": 1}, offset=3) == (
        {"topic_partition": "orders_0", "offset": 3},
        {"v": 1},
    )


@pytest.mark.P7
def test_key_rejections_hold_no_value() -> None:
    """P7: neither the key's values nor the value's are in the reason."""
    mapped = Mapped(keyed("record_key", ("a", "integer"), ("b", "string")))
    for key in (
        CANARY,
        [CANARY],
        {"a": CANARY, "b": "x"},
        {"a": 1, "b": [CANARY]},
        {"a": 1, "b": CANARY * 200},
        {"b": CANARY},
    ):
        dead_letter = mapped.rejected({"v": CANARY}, key=key)
        assert CANARY not in dead_letter.reason


def test_tables_have_their_own_keys() -> None:
    """Topics of one run can go to tables with different key modes."""
    mapped = Mapped(
        settings(
            kafka={"topics": ["orders", "clicks"]},
            tables={
                "clicks": {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]}
            },
        )
    )
    (order,) = mapped.chunk({"id": "x", "a": 1}, topic="orders")
    (click,) = mapped.chunk({"id": "x", "a": 1}, topic="clicks")
    assert b"topic_partition" in order.identity
    assert (click.table, b"topic_partition" in click.identity) == ("clicks", False)
