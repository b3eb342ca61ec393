"""Columns by the rules: names, nested values, key fields, and types that JSON does not have."""

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.row_mapper import RowMapper
from connectors.records import UNAVAILABLE
from connectors.tablestore.row_encoder import RowEncoder
from tests.unit.factories import CANARY, message_chunk, record, record_chunk, rows_in, settings
from tests.unit.mapping.wire_reader import Mapped, read_wire

UTC = timezone.utc


def mapped(fmt: str = "avro", **table: Any) -> Mapped:
    """A mapper of these rules, for values of a format with schemas unless said otherwise."""
    registry = {"registry": {"url": "http://127.0.0.1:1"}} if fmt == "avro" else {}
    return Mapped(settings(table=table, format={"value": fmt, **registry}))


def columns(values: dict[str, Any], key: Any = None, fmt: str = "avro", **table: Any) -> Any:
    """The columns that a record becomes, each time it is seen; or the code of its rejection."""
    mapper = mapped(fmt, **table)
    found = [mapper.outcome(values, key) for _ in range(3)]
    read = [getattr(one, "columns", None) or getattr(one, "code", {}) for one in found]
    assert read[0] == read[1] == read[2]
    return read[0]


def listed(kind: str) -> dict[str, Any]:
    """One column `c` of this type."""
    return {"columns": [{"name": "c", "type": kind}]}


AT = datetime(2026, 1, 31, 8, 0, 0, 123_000, UTC)
MS = 1_769_846_400_123


@pytest.mark.parametrize(
    ("value", "rules", "expected"),
    [
        (Decimal("12.340"), {}, "12.340"),
        (Decimal("-1E+5"), {}, "-100000"),
        (Decimal("0E-10"), {}, "0.0000000000"),
        (Decimal("NaN"), {}, "not_finite"),
        (Decimal("1E+999999"), {}, "decimal_digits"),
        (Decimal("12.34"), {"decimals": "double"}, 12.34),
        (Decimal("0.1234567890123456789"), {"decimals": "double"}, "type_mismatch"),
        (Decimal("1E+400"), {"decimals": "double"}, "type_mismatch"),
        (Decimal("12.34"), {"decimals": "integer", "decimal_scale": 2}, 1234),
        (Decimal("-0.05"), {"decimals": "integer", "decimal_scale": 2}, -5),
        (Decimal("12.345"), {"decimals": "integer", "decimal_scale": 2}, "type_mismatch"),
        (Decimal("1E+20"), {"decimals": "integer"}, "integer_range"),
        (Decimal("12.00"), listed("integer"), 12),
        (Decimal("12.5"), listed("integer"), "type_mismatch"),
        (Decimal("12.5"), {**listed("integer"), "decimals": "integer", "decimal_scale": 1}, 125),
        (Decimal("12.5"), listed("double"), 12.5),
        (Decimal("12.5"), listed("boolean"), "type_mismatch"),
        (AT, {}, MS),
        (AT.astimezone(timezone(timedelta(hours=8))), {"times": "iso8601"}, None),
        (AT, {"times": "iso8601"}, "2026-01-31T08:00:00.123Z"),
        (AT.replace(tzinfo=None), {}, MS),
        (AT.replace(tzinfo=None), {"times": "iso8601"}, "2026-01-31T08:00:00.123"),
        (AT.replace(microsecond=1), {}, "time_precision"),
        (AT.replace(microsecond=1), {"times": "iso8601"}, "2026-01-31T08:00:00.000001Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=3))), {}, "time_invalid"),
        (AT, listed("string"), "2026-01-31T08:00:00.123Z"),
        (AT, {**listed("integer"), "times": "iso8601"}, MS),
        (AT, listed("double"), float(MS)),
        (AT, listed("boolean"), "type_mismatch"),
        (date(2026, 1, 31), {}, 20_484),
        (date(1969, 12, 31), {}, -1),
        (date(2026, 1, 31), {"times": "iso8601"}, "2026-01-31"),
        (time(8), {}, 28_800_000),
        (time(8), {"times": "iso8601"}, "08:00:00.000"),
        (time(8, 0, 0, 1), {}, "time_precision"),
        (timedelta(seconds=1.5), {}, 1500),
        (timedelta(days=1, seconds=1.5), {"times": "iso8601"}, "P1DT1.5S"),
        (timedelta(days=-2), {"times": "iso8601"}, "-P2D"),
        (UUID(int=1), {}, "00000000-0000-0000-0000-000000000001"),
        (b"\xff", {**listed("string"), "binary_text": "hex"}, "ff"),
        (b"\xff", {**listed("string"), "binary_text": "utf8"}, "encoding"),
    ],
)
def test_types_that_json_does_not_have(value: Any, rules: dict[str, Any], expected: Any) -> None:
    """Each by the rules, exactly, or a rejection with its code."""
    found = columns({"c": value}, **rules)
    if isinstance(found, str):
        assert found == expected
    else:
        wanted = "2026-01-31T08:00:00.123Z" if expected is None else expected
        assert found == {"c": wanted}
        assert type(found["c"]) is type(wanted)


def test_inside_of_json_text_they_are_the_same_text() -> None:
    """Decimals, times, bytes (as base64) and keys that are no text, in objects and lists."""
    value = {
        "d": [Decimal("1E+2"), {"at": AT, "day": AT.date(), "t": time(8), "for": timedelta(1)}],
        "raw": b"\xff\xfe",
        "u": UUID(int=1),
        "m": {1: True, False: None},
    }
    assert columns({"c": value}) == {
        "c": '{"d":["100",{"at":"2026-01-31T08:00:00.123Z","day":"2026-01-31","t":"08:00:00.000",'
        '"for":"P1D"}],"raw":"//4=","u":"00000000-0000-0000-0000-000000000001",'
        '"m":{"1":true,"false":null}}'
    }
    assert columns({"c": {"m": {1: 1, "1": 2}}}) == "json_key_twice"
    assert columns({"c": {"m": {(1,): 1}}}) == "type_unknown"
    assert columns({"c": [float("nan")]}) == "not_finite"
    assert columns({"c": [Decimal("Infinity")]}) == "not_finite"


@pytest.mark.parametrize(
    ("by", "text", "expected"),
    [
        ("base64", "AP8=", b"\0\xff"),
        ("base64", "00ff0", "base64_invalid"),
        ("hex", "00fF", b"\0\xff"),
        ("hex", "0f0", "hex_invalid"),
        ("hex", "0 0f", "hex_invalid"),
        ("utf8", "é", "é".encode()),
        ("utf8", "\ud800", "encoding"),
    ],
)
def test_binary_from_text(by: str, text: str, expected: Any) -> None:
    """Text becomes binary by the same rule as a column and as a primary key."""
    found = columns({"c": text}, fmt="json", binary_text=by, **listed("binary"))
    assert found == (expected if isinstance(expected, str) else {"c": expected})
    keys = {"primary_key_mode": "record_value", "primary_key": [{"name": "c", "type": "binary"}]}
    outcome = mapped("json", binary_text=by, **keys).outcome({"c": text, "d": 1})
    assert getattr(outcome, "code", None) == expected or outcome.key == {"c": expected}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("value", "rules", "expected"),
    [
        (
            {"a": {"b": {"c": 1}, "d": [1, {"x": 2}]}, "e": None, "f": {}},
            {},
            {"a_b_c": 1, "a_d": '[1,{"x":2}]', "f": "{}"},
        ),
        ({"a": {"b": 1}}, {"separator": "__"}, {"a__b": 1}),
        ({"a": {"b": 1}}, {"separator": ".", "column_names": "rewrite"}, {"a_b": 1}),
        ({"a_b": 1, "a": {"b": 2}}, {}, "column_collision"),
        ({"a": {"b": 2}, "a_b": 1}, {}, "column_collision"),
        ({"a_b": 1, "a": {"b": 2}, "x": 1}, {"columns": [{"name": "x", "type": "integer"}]}, "x"),
        ({"a": {"b-c": 1}}, {}, "column_name"),
        ({"a": {1: 1}}, {}, "column_name"),
        ({"a" * 200: {"b" * 60: 1}}, {}, "column_name"),
        ({"a": {str(n): n for n in range(20_000)}}, {}, "column_count"),
        ({"a": {f"n{n}": n for n in range(1025)}}, {}, "column_count"),
    ],
)
def test_flatten(value: Any, rules: dict[str, Any], expected: Any) -> None:
    """Nested objects become columns; what meets another name is a rejection, in either order."""
    found = columns(value, fmt="json", nested="flatten", **rules)
    assert found == ({"x": 1} if expected == "x" else expected)


def test_flattening_has_a_bottom() -> None:
    """Depth is bounded, and so is what long names in many objects may become."""
    deep: Any = 1
    for _ in range(150):
        deep = {"a": deep}
    assert columns({"a": deep}, fmt="json", nested="flatten") == "json_depth"
    wide: Any = {"n" * 100_000: {str(number): number for number in range(50_000)}}
    rules = {"nested": "flatten", "columns": [{"name": "x", "type": "integer"}]}
    assert columns({**wide, "x": 1}, fmt="json", **rules) == {"x": 1}


def test_keys_and_lists_name_flattened_fields() -> None:
    """The names of key columns and of listed ones are those after flattening and rewriting."""
    mapper = mapped(
        "json",
        nested="flatten",
        separator=".",
        column_names="rewrite",
        primary_key_mode="record_value",
        primary_key=[{"name": "user_id"}],
        columns=[{"name": "user_first_name", "type": "string"}],
    )
    for _ in range(3):
        row = mapper.cells({"user": {"id": "u1", "first-name": "Ada", "x": 1}})
        assert (row.key, row.columns) == ({"user_id": "u1"}, {"user_first_name": "Ada"})
        assert mapper.rejected({"user": {"first-name": "Ada"}}).code == "key_missing"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a-b": 1, "é": 2, "1a": 3, "ok": 4}, {"a_b": 1, "_": 2, "_1a": 3, "ok": 4}),
        ({"a-b": 1, "a.b": 2}, "column_collision"),
        ({"a-b": 1, "a_b": None}, "column_collision"),
        ({"1a": 1, "_1a": 2}, "column_collision"),
        ({"": 1}, "column_name"),
        ({"1" * 255: 1}, "column_name"),
        ({5: 1}, "column_name"),
    ],
)
def test_rewriting_names(value: Any, expected: Any) -> None:
    """By the rule, never cut; two names that become one are a rejection whatever their values."""
    assert columns(value, fmt="json", column_names="rewrite") == expected


def test_other_shapes_of_the_same_rewritten_names() -> None:
    """What is remembered of names is of those that a record has, not of what they become."""
    mapper = mapped("json", column_names="rewrite")
    for _ in range(3):
        assert mapper.cells({"a-b": 1}).columns == {"a_b": 1}
        assert mapper.cells({"a.b": "x"}).columns == {"a_b": "x"}
        assert mapper.cells({"a-b": None}).columns == {}


def test_fields_of_a_record_key_are_named_likewise() -> None:
    """Flattened and rewritten; a field of the value that gets a key column's name must agree."""
    rules: dict[str, Any] = {
        "column_names": "rewrite",
        "nested": "flatten",
        "primary_key_mode": "record_key",
        "primary_key": [{"name": "user_id"}, {"name": "a_b"}],
    }
    mapper = mapped("json", **rules)
    key = {"user-id": "u", "a": {"b": "x"}, "c": 1}
    for _ in range(3):
        row = mapper.cells({"v": 1, "user.id": "u"}, key)
        assert (row.key, row.columns) == ({"user_id": "u", "a_b": "x"}, {"v": 1})
        assert mapper.rejected({"user.id": "other"}, key).code == "key_conflict"
        assert mapper.rejected({"v": 1}, {**key, "user.id": "u"}).code == "column_collision"
        assert mapper.rejected({"v": 1}, {"user-id": "u"}).code == "key_missing"


VALUE_ID = {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]}


@pytest.mark.parametrize(
    ("key", "rules", "expected"),
    [
        ({"k": 1, "v": 9}, {"key_fields": "none"}, {"id": "i", "v": 2}),
        ({"k": 1, "v": 9}, {"key_fields": "fill"}, {"id": "i", "v": 2, "k": 1}),
        ({"k": 1, "v": 9}, {"key_fields": "override"}, {"id": "i", "v": 9, "k": 1}),
        ({"id": "other"}, {"key_fields": "override", **VALUE_ID}, {"v": 2}),
        ("text", {"key_fields": "fill"}, {"id": "i", "v": 2, "key": "text"}),
        (None, {"key_fields": "fill"}, {"id": "i", "v": 2}),
        (
            {"a": {"b": 1}},
            {"key_fields": "fill", "nested": "flatten"},
            {"id": "i", "v": 2, "a_b": 1},
        ),
        (
            {"k": 1, "x": 2},
            {"key_fields": "fill", "columns": [{"name": "k", "type": "string"}]},
            {"k": "1"},
        ),
    ],
)
def test_fields_of_the_key(key: Any, rules: dict[str, Any], expected: dict[str, Any]) -> None:
    """They are columns only when asked for; on a name that both have, the rule decides."""
    assert columns({"id": "i", "v": 2}, key, fmt="json", **rules) == expected


def test_the_key_is_decoded_when_its_fields_are_asked_for() -> None:
    """Though no key column comes from it."""
    made = settings(table={"key_fields": "fill"})
    chunk = ChunkDecoder(made).decode_chunk(message_chunk([b'{"a":1}'], keys=[b'{"k":2}']))
    rows = rows_in(batch for _, batch in RowMapper(made, RowEncoder()).map_chunk(chunk))
    assert read_wire(rows[0].wire).columns == {"a": 1, "k": 2}


@pytest.mark.parametrize(("fmt", "value"), [("string", "text"), ("long", 5), ("bytes", b"\xff")])
def test_a_value_without_fields_is_one_column(fmt: str, value: Any) -> None:
    """Of formats that have no objects: the column `value`, as the Java connector names it."""
    mapper = mapped(fmt)
    assert mapper.cells(value).columns == {"value": value}
    assert mapper.rejected(None).code == "value_null"
    by_key = mapped(fmt, primary_key_mode="record_key", primary_key=[{"name": "id"}])
    assert by_key.cells(value, "k").columns == {"value": value}


def test_no_reason_shows_a_value() -> None:
    """Nor the names of fields that collide: they may be data."""
    for value in ({CANARY + "-a": 1, CANARY + ".a": 2}, {"c": Decimal("NaN"), "x": CANARY}):
        dead_letter = mapped(column_names="rewrite").rejected(value)
        assert CANARY not in dead_letter.reason
    long = {CANARY * 30: {"a": 1}}
    assert CANARY not in mapped("json", nested="flatten").rejected(long).reason


BY_USER: dict[str, Any] = {
    "primary_key_mode": "record_value",
    "primary_key": [{"name": "user_id"}],
    "column_names": "rewrite",
}


def test_a_delete_finds_its_key_under_the_rewritten_name() -> None:
    """As the put of the same row does."""
    made = settings(table={**BY_USER, "delete_mode": "row"}, transforms=[{"type": "debezium"}])
    chunk = record_chunk([{"user-id": "u", "a": 1}])
    gone = record({"user-id": "u", "a": 1}, offset=1)
    gone.change = "delete"
    chunk.records.append(gone)
    batches = [batch for _, batch in RowMapper(made, RowEncoder()).map_chunk(chunk)]
    put, delete = rows_in(batches)
    assert [put.operation, delete.operation] == ["put", "delete"]
    assert put.identity == delete.identity


def test_what_is_not_listed_rejects_nothing() -> None:
    """Neither a value that its source did not send, nor the name of a key column."""
    rules: dict[str, Any] = {
        "columns": [{"name": "c", "type": "integer"}],
        "column_names": "rewrite",
    }
    assert columns({"c": 1, "offset": 5, "big": UNAVAILABLE}, **rules) == {"c": 1}
    assert columns({"c": UNAVAILABLE}, **rules) == "value_unavailable"


def test_a_name_that_is_no_text_deletes_no_column() -> None:
    """A function may give such names: the reason says which, as for a value."""
    rules: dict[str, Any] = {"primary_key_mode": "record_key", "primary_key": [{"name": "id"}]}
    values: Any = {1: None, "a": 1}
    deletes = {"insert_mode": "update", "delete_mode": "column"}
    assert columns(values, "k", **rules, **deletes) == "column_name"
