"""What a row is rejected for before anything is sent, and the last values that pass."""

from __future__ import annotations

import math
import pickle
import sys
from typing import Any, cast

import pytest

from connectors.settings.tablestore_limits import MAX_ROW_BYTES
from connectors.tablestore.plainbuffer import codegen
from connectors.tablestore.plainbuffer.encode import (
    AUTO_INCREMENT,
    Cell,
    EncodingError,
    WireType,
    check_row,
    compile_put,
    encode_row,
    wire_row,
)

KEY = [("k", "a")]


@pytest.fixture(autouse=True, params=["remembering", "plain"])
def _code(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both forms of code that an encoder can have keep every limit."""
    if request.param == "plain":
        monkeypatch.setattr(codegen, "TRIAL_ROWS", 0)


# What a single value can be rejected for: (type, value, reason), in an attribute column.
BAD_VALUES: list[tuple[WireType, Any, str]] = [
    ("integer", 1 << 63, "integer_range"),
    ("integer", -(1 << 63) - 1, "integer_range"),
    ("double", math.nan, "not_finite"),
    ("double", math.inf, "not_finite"),
    ("double", -math.inf, "not_finite"),
    ("string", "x" * 2097153, "value_length"),
    ("string", "é" * 1048577, "value_length"),
    ("binary", b"x" * 2097153, "value_length"),
    ("string", "a\ud83d", "encoding"),
]
BAD_KEYS: list[tuple[WireType, Any, str]] = [
    ("integer", 1 << 63, "integer_range"),
    ("string", "x" * 1025, "key_length"),
    ("string", "é" * 513, "key_length"),
    ("binary", b"x" * 1025, "key_length"),
    ("string", "\udc00", "encoding"),
]
GOOD_VALUES: list[tuple[WireType, Any]] = [
    ("integer", (1 << 63) - 1),
    ("integer", -(1 << 63)),
    ("double", sys.float_info.max),
    ("double", -0.0),
    ("string", "x" * 2097152),
    ("string", "é" * 1048576),
    ("binary", b"x" * 2097152),
    ("string", ""),
    ("binary", b""),
]
GOOD_KEYS: list[tuple[WireType, Any]] = [
    ("integer", -(1 << 63)),
    ("string", "x" * 1024),
    ("string", "é" * 512),
    ("binary", b"x" * 1024),
    ("string", ""),
]


def assert_error(
    caught: pytest.ExceptionInfo[EncodingError], code: str, column: str | None
) -> None:
    """The error carries its code and column, survives pickling, and shows only its reason."""
    error = caught.value
    assert (error.code, error.column) == (code, column)
    assert str(error) == error.reason
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code, copy.column, copy.reason) == (code, column, error.reason)


@pytest.mark.parametrize(("wire_type", "value", "reason"), BAD_VALUES)
def test_bad_attribute_values_are_rejected(wire_type: WireType, value: Any, reason: str) -> None:
    """Both paths reject the value, name the column and the reason, and never show the value."""
    with pytest.raises(EncodingError) as caught:
        compile_put([("k", "string")], [("a", "integer"), ("v", wire_type)])("k", 1, value)
    assert_error(caught, reason, "v")
    assert "xxx" not in caught.value.reason
    with pytest.raises(EncodingError) as caught:
        check_row("update", KEY, [Cell("a", 1), Cell("v", value)])
    assert_error(caught, reason, "v")


@pytest.mark.parametrize(("wire_type", "value", "reason"), BAD_KEYS)
def test_bad_key_values_are_rejected(wire_type: WireType, value: Any, reason: str) -> None:
    """Both paths hold key columns to the limits of keys."""
    with pytest.raises(EncodingError) as caught:
        compile_put([("k", "string"), ("v", wire_type)], [("a", "integer")])("k", value, 1)
    assert_error(caught, reason, "v")
    with pytest.raises(EncodingError) as caught:
        check_row("delete", [*KEY, ("v", value)], [])
    assert_error(caught, reason, "v")


@pytest.mark.parametrize(("wire_type", "value"), GOOD_VALUES)
def test_attribute_values_at_the_limit_pass(wire_type: WireType, value: Any) -> None:
    """The last value before a limit is encoded."""
    check_row("put", KEY, [Cell("v", value)])
    _, wire, _ = compile_put([("k", "string")], [("v", wire_type)])("a", value)
    assert wire == wire_row("put", encode_row("put", KEY, [Cell("v", value)]))


@pytest.mark.parametrize(("wire_type", "value"), GOOD_KEYS)
def test_key_values_at_the_limit_pass(wire_type: WireType, value: Any) -> None:
    """The last key value before a limit is encoded."""
    check_row("put", [("v", value)], [])
    _, wire, _ = compile_put([("v", wire_type)], [])(value)
    assert wire == wire_row("put", encode_row("put", [("v", value)], []))


@pytest.mark.parametrize(
    ("wire_type", "value"),
    [
        ("integer", True),
        ("integer", 1.0),
        ("integer", "1"),
        ("integer", None),
        ("double", 1),
        ("double", True),
        ("double", None),
        ("boolean", 1),
        ("boolean", 0.0),
        ("boolean", None),
        ("string", b"a"),
        ("string", 1),
        ("string", None),
        ("binary", "a"),
        ("binary", bytearray(b"a")),
        ("binary", None),
    ],
)
def test_typed_columns_take_no_other_type(wire_type: WireType, value: Any) -> None:
    """A value that would need a conversion is rejected, never converted silently."""
    with pytest.raises(EncodingError) as caught:
        compile_put([("k", "string")], [("a", "string"), ("v", wire_type)])("k", "a", value)
    assert_error(caught, "value_type", "v")


def test_row_size_limit_is_exact() -> None:
    """A row of 4 MiB passes and one byte more is rejected, by both paths."""
    encode = compile_put([("k", "string")], [("a", "binary"), ("b", "binary"), ("c", "binary")])
    frame = len(encode_row("put", [("k", "")], [Cell("a", b""), Cell("b", b""), Cell("c", b"")]))
    a, rest = bytes(2097152), MAX_ROW_BYTES - frame - 2097152

    def cells(extra: int) -> list[Cell]:
        return [Cell("a", a), Cell("b", bytes(rest)), Cell("c", bytes(extra))]

    assert len(encode_row("put", [("k", "")], cells(0))) == MAX_ROW_BYTES
    check_row("put", [("k", "")], cells(0))
    encode("", *(cell.value for cell in cells(0)))
    with pytest.raises(EncodingError) as caught:
        encode("", *(cell.value for cell in cells(1)))
    assert_error(caught, "row_size", None)
    with pytest.raises(EncodingError) as caught:
        check_row("put", [("k", "")], cells(1))
    assert_error(caught, "row_size", None)


BAD_LAYOUTS: dict[str, tuple[Any, Any, str, str | None]] = {
    "no key": ([], [("a", "string")], "key_count", None),
    "five keys": ([(f"k{n}", "string") for n in range(5)], [], "key_count", None),
    "1025 columns": (
        [("k", "string")],
        [(f"c{n}", "string") for n in range(1025)],
        "column_count",
        None,
    ),
    "double key": ([("k", "double")], [], "key_type", "k"),
    "boolean key": ([("k", "boolean")], [], "key_type", "k"),
    "unknown type": ([("k", "string")], [("a", "date")], "value_type", "a"),
    "key twice": ([("k", "string"), ("k", "string")], [], "duplicate_column", "k"),
    "column twice": (
        [("k", "string")],
        [("a", "string"), ("a", "integer")],
        "duplicate_column",
        "a",
    ),
    "key as column": ([("k", "string")], [("k", "string")], "key_column_clash", "k"),
}


@pytest.mark.parametrize("name", BAD_LAYOUTS)
def test_impossible_layouts_are_rejected_when_compiled(name: str) -> None:
    """Column counts, key types and repeated names are rejected before any row is seen."""
    key, columns, reason, column = BAD_LAYOUTS[name]
    with pytest.raises(EncodingError) as caught:
        compile_put(key, columns)
    assert_error(caught, reason, column)


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a.b", "é", "a b", "a\n", "x" * 256, "\ud800"])
def test_illegal_names_are_rejected(name: str) -> None:
    """Names outside `[A-Za-z_][A-Za-z0-9_]{0,254}` are rejected as key and as attribute."""
    for call in (
        lambda: compile_put([(name, "string")], []),
        lambda: compile_put([("k", "string")], [(name, "string")]),
        lambda: check_row("put", [(name, "a")], []),
        lambda: check_row("put", KEY, [Cell(name, 1)]),
    ):
        with pytest.raises(EncodingError) as caught:
            call()
        assert_error(caught, "column_name", name)


BAD_ROWS: dict[str, tuple[Any, Any, Any, str, str | None]] = {
    "no key": ("put", [], [], "key_count", None),
    "1025 columns": ("put", KEY, [Cell(f"c{n}", 1) for n in range(1025)], "column_count", None),
    "key twice": ("put", [*KEY, *KEY], [], "duplicate_column", "k"),
    "key as column": ("put", KEY, [Cell("k", 1)], "key_column_clash", "k"),
    "column twice": ("put", KEY, [Cell("a", 1), Cell("a", 2)], "duplicate_column", "a"),
    "delete and put": (
        "update",
        KEY,
        [Cell("a", None, "delete_all"), Cell("a", 2)],
        "duplicate_column",
        "a",
    ),
    "version twice": (
        "put",
        KEY,
        [Cell("a", 1, "put", 5), Cell("a", 2, "put", 5)],
        "duplicate_column",
        "a",
    ),
    "boolean key": ("put", [("k", True)], [], "value_type", "k"),
    "double key": ("put", [("k", 1.5)], [], "value_type", "k"),
    "null": ("put", KEY, [Cell("a", None)], "value_type", "a"),
    "list": ("put", KEY, [Cell("a", cast(Any, [1]))], "value_type", "a"),
    "generated first": ("put", [("k", AUTO_INCREMENT)], [], "auto_increment", "k"),
    "two generated": (
        "put",
        [*KEY, ("i", AUTO_INCREMENT), ("j", AUTO_INCREMENT)],
        [],
        "auto_increment",
        "j",
    ),
    "delete generated": ("delete", [*KEY, ("i", AUTO_INCREMENT)], [], "auto_increment", "i"),
    "delete with cells": ("delete", KEY, [Cell("a", 1)], "operation", None),
    "put that deletes": ("put", KEY, [Cell("a", None, "delete_all")], "operation", "a"),
    "increment by text": ("update", KEY, [Cell("a", "1", "increment")], "value_type", "a"),
    "timed increment": ("update", KEY, [Cell("a", 1, "increment", 5)], "operation", "a"),
    "delete all with time": ("update", KEY, [Cell("a", None, "delete_all", 5)], "operation", "a"),
    "delete all with value": ("update", KEY, [Cell("a", 1, "delete_all")], "operation", "a"),
    "delete one, no time": ("update", KEY, [Cell("a", None, "delete_one")], "operation", "a"),
    "unknown operation": ("update", KEY, [Cell("a", 1, cast(Any, "append"))], "operation", "a"),
    "negative time": ("put", KEY, [Cell("a", 1, "put", -1)], "timestamp", "a"),
    "time beyond 64 bits": ("put", KEY, [Cell("a", 1, "put", 1 << 63)], "timestamp", "a"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_contradicting_rows_are_rejected(name: str) -> None:
    """The generic check rejects rows that the service would answer with a 400."""
    kind, key, cells, reason, column = BAD_ROWS[name]
    with pytest.raises(EncodingError) as caught:
        check_row(kind, key, cells)
    assert_error(caught, reason, column)


def test_versions_of_one_column_may_travel_together() -> None:
    """A column may occur twice when each cell names its own time: they are two versions."""
    check_row("put", KEY, [Cell("a", 1, "put", 5), Cell("a", 2, "put", 6)])
