"""One value for one column: exact, or a rejection."""

import enum
from collections import OrderedDict
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from connectors.errors import Rejection
from connectors.mapping.conversions.column_types import key_converter, natural
from tests.unit.factories import CANARY
from tests.unit.mapping.conversions.factories import code_of, convert

WANTED = ("string", "integer", "double", "boolean", "binary")


class Number(enum.IntEnum):
    """An enumeration whose members are integers."""

    ONE = 1


class Point(NamedTuple):
    """A tuple with names."""

    x: int
    y: int


# value, then what each of WANTED makes of it; a str that starts with "!" is a rejection's code.
PAIRS: list[tuple[Any, ...]] = [
    ("abc", "abc", "!type_mismatch", "!type_mismatch", "!type_mismatch", "!base64_invalid"),
    ("", "", "!type_mismatch", "!type_mismatch", "!type_mismatch", b""),
    ("12", "12", 12, 12.0, "!type_mismatch", "!base64_invalid"),
    ("true", "true", "!type_mismatch", "!type_mismatch", True, b"\xb6\xbb\x9e"),
    ("false", "false", "!type_mismatch", "!type_mismatch", False, "!base64_invalid"),
    (5, "5", 5, 5.0, "!type_mismatch", "!type_mismatch"),
    (0, "0", 0, 0.0, "!type_mismatch", "!type_mismatch"),
    (2**70, str(2**70), 2**70, "!type_mismatch", "!type_mismatch", "!type_mismatch"),
    (1.5, "1.5", "!type_mismatch", 1.5, "!type_mismatch", "!type_mismatch"),
    (2.0, "2.0", 2, 2.0, "!type_mismatch", "!type_mismatch"),
    (True, "true", "!type_mismatch", "!type_mismatch", True, "!type_mismatch"),
    (False, "false", "!type_mismatch", "!type_mismatch", False, "!type_mismatch"),
    ({"a": [1, None]}, '{"a":[1,null]}', *["!type_mismatch"] * 4),
    ([1, "x"], '[1,"x"]', *["!type_mismatch"] * 4),
    ({}, "{}", *["!type_mismatch"] * 4),
    ((1, 2), "[1,2]", *["!type_mismatch"] * 4),
    (b"ab", *["!type_mismatch"] * 4, b"ab"),
    (bytearray(b"ab"), *["!type_mismatch"] * 4, b"ab"),
    (memoryview(b"ab"), *["!type_mismatch"] * 4, b"ab"),
    (None, *["!type_mismatch"] * 5),
    (Decimal("1.5"), "1.5", "!type_mismatch", 1.5, "!type_mismatch", "!type_mismatch"),
    (Decimal("-2.00"), "-2.00", -2, -2.0, "!type_mismatch", "!type_mismatch"),
    (
        *(datetime(2026, 1, 1, tzinfo=timezone.utc), "2026-01-01T00:00:00.000Z", 1767225600000),
        *(1767225600000.0, "!type_mismatch", "!type_mismatch"),
    ),
    ({1, 2}, *["!type_mismatch"] * 5),
    (1j, *["!type_mismatch"] * 5),
    (object(), *["!type_mismatch"] * 5),
]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: repr(pair[0]).split(" at 0x")[0][:30])
def test_every_pair_of_value_and_column_type(pair: tuple[Any, ...]) -> None:
    """Each kind of value for each column type is that value exactly, or a rejection."""
    value, *expected = pair
    for wanted, result in zip(WANTED, expected, strict=True):
        if isinstance(result, str) and result.startswith("!"):
            assert code_of(value, wanted) == result[1:], wanted
        else:
            found = convert(value, wanted)
            assert found == result, wanted
            assert type(found) is type(result), wanted


def test_no_kind_of_json_value_is_left_out_of_the_pairs() -> None:
    """The table above has each type that JSON gives, and those that user steps tend to make."""
    kinds = {type(pair[0]) for pair in PAIRS}
    assert kinds >= {str, int, float, bool, type(None), dict, list, bytes, Decimal, datetime}


@pytest.mark.parametrize(
    "value", [{"a": object()}, [1j], {(1, 2): 3}, {"a": "\ud800"}, {"\ud800": 1}, [10**5000]]
)
def test_nested_values_without_json_are_rejected(value: Any) -> None:
    """What a user's step may put inside a value and JSON cannot say is a rejection."""
    assert code_of(value, "string") == "type_unknown"


@pytest.mark.parametrize(
    "value",
    [object(), {1}, 1j, Number.ONE, range],
)
def test_types_that_tablestore_does_not_have(value: Any) -> None:
    """With columns = all, a value without a type there is rejected by the type's name."""
    with pytest.raises(Rejection) as caught:
        natural("c", type(value))
    assert caught.value.code == "type_unknown"
    assert type(value).__name__ in caught.value.reason


@pytest.mark.parametrize(
    ("value", "kind", "result"),
    [
        ("x", "string", "x"),
        (1, "integer", 1),
        (1.5, "double", 1.5),
        (True, "boolean", True),
        (b"x", "binary", b"x"),
        (bytearray(b"x"), "binary", b"x"),
        (memoryview(b"abcd").cast("I"), "binary", b"abcd"),
        ({"a": 1}, "string", '{"a":1}'),
        ([1, {"a": None}], "string", '[1,{"a":null}]'),
        (OrderedDict(b=1, a=2), "string", '{"b":1,"a":2}'),
        (Point(1, 2), "string", "[1,2]"),
        ({"n": 2**70}, "string", '{"n":1180591620717411303424}'),
        ({"ä": "€"}, "string", '{"ä":"€"}'),
    ],
)
def test_natural_types(value: Any, kind: str, result: Any) -> None:
    """With columns = all a value keeps its type; nested ones are JSON text, numbers exact."""
    found, make = natural("c", type(value))
    assert (found, make(value)) == (kind, result)
    assert type(make(value)) is type(result)


class Colour(str, enum.Enum):
    """An enumeration whose members are texts."""

    RED = "red"


def test_a_text_in_disguise_keeps_its_text() -> None:
    """A subclass of str is written as the text that it is, whatever its str() says."""
    _, make = natural("c", Colour)
    assert make(Colour.RED) == "red"
    assert type(make(Colour.RED)) is str


@pytest.mark.parametrize(
    ("value", "wanted", "result"),
    [
        ("k", "string", "k"),
        (5, "string", "5"),
        (2**70, "string", str(2**70)),
        (5, "integer", 5),
        ("5", "integer", 5),
        (5.0, "integer", 5),
        ("YQ==", "binary", b"a"),
        (b"a", "binary", b"a"),
        (bytearray(b"a"), "binary", b"a"),
    ],
)
def test_key_values(value: Any, wanted: str, result: Any) -> None:
    """A key column takes text, integers and bytes, each exactly."""
    assert key_converter("k", wanted, type(value))(value) == result


@pytest.mark.parametrize(
    ("value", "wanted", "code"),
    [
        (None, "string", "key_null"),
        (None, "integer", "key_null"),
        (None, "binary", "key_null"),
        (True, "string", "type_mismatch"),
        (True, "integer", "type_mismatch"),
        (1.5, "string", "type_mismatch"),
        (1.5, "integer", "type_mismatch"),
        (2.0**60, "integer", "type_mismatch"),
        ("x", "integer", "type_mismatch"),
        ("1.0", "integer", "type_mismatch"),
        ({"a": 1}, "string", "type_mismatch"),
        ([1], "string", "type_mismatch"),
        ([1], "binary", "type_mismatch"),
        (5, "binary", "type_mismatch"),
        ("no base64", "binary", "base64_invalid"),
    ],
)
def test_values_that_are_no_key(value: Any, wanted: str, code: str) -> None:
    """Nulls, booleans, fractions and nested values identify nothing."""
    with pytest.raises(Rejection) as caught:
        key_converter("k", wanted, type(value))(value)
    assert caught.value.code == code
    assert "'k'" in caught.value.reason


@pytest.mark.P7
@pytest.mark.parametrize("wanted", WANTED)
@pytest.mark.parametrize("value", [CANARY, [CANARY], {CANARY: CANARY}, CANARY.encode()])
def test_reasons_hold_no_value(value: Any, wanted: str) -> None:
    """P7: a reason names the column and the types, never the value."""
    try:
        convert(value, wanted)
    except Rejection as rejection:
        text = rejection.reason
    else:
        text = ""
    assert CANARY not in text
