"""One value for one column: exact, or a rejection."""

import base64
import contextlib
import enum
import math
from collections import OrderedDict
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.mapping.conversions.column_types import converter, key_converter, natural
from tests.unit.factories import CANARY

WANTED = ("string", "integer", "double", "boolean", "binary")
MOST = 2**53


def convert(value: Any, wanted: str) -> Any:
    """The value as the column takes it."""
    return converter("c", wanted, type(value))(value)


def code_of(value: Any, wanted: str) -> str:
    """The code of the rejection."""
    with pytest.raises(Rejection) as caught:
        convert(value, wanted)
    assert "'c'" in caught.value.reason
    return caught.value.code


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
    ("text", "value"),
    [
        ("0", 0),
        ("-1", -1),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", 2**63),
    ],
)
def test_integer_texts(text: str, value: int) -> None:
    """Decimal digits become the integer; whether 64 bits hold it, the encoder says."""
    assert convert(text, "integer") == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "1\n",
        "+1",
        "01",
        "-",
        "--1",
        "1_000",
        "1,000",
        "1.0",
        "1e3",
        "0x10",
        "\u0661\u0662",
        "\uff11\uff12",
        "²",
        "1" * 21,
        "9" * 1_000_000,
        "NaN",
        "null",
        "True",
    ],
)
def test_texts_that_are_no_integer(text: str) -> None:
    """Anything but plain decimal digits is rejected, however long, without guessing."""
    assert code_of(text, "integer") == "type_mismatch"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("-0", -0.0),
        ("1.5", 1.5),
        ("-2.5e-3", -0.0025),
        ("1E3", 1000.0),
        ("0.1", 0.1),
        ("1e+2", 100.0),
        ("9007199254740992", 2.0**53),
        ("1.7976931348623157e308", 1.7976931348623157e308),
    ],
)
def test_number_texts(text: str, value: float) -> None:
    """A JSON number in a text becomes the double that JSON would give."""
    found = convert(text, "double")
    assert found == value
    assert math.copysign(1, found) == math.copysign(1, value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "1.",
        ".5",
        "+1",
        "01",
        "1e",
        " 1",
        "1\n",
        "1,5",
        "1_0",
        "0x1p3",
        "\u0661",
    ],
)
def test_texts_that_are_no_number(text: str) -> None:
    """What JSON would not take as a number, a double column does not take as text."""
    assert code_of(text, "double") == "type_mismatch"


@pytest.mark.parametrize("text", ["9007199254740993", "-9007199254740993", "1" * 25, "1e-400"])
def test_number_texts_that_would_become_another_number(text: str) -> None:
    """An integer's text that no double holds, and what would turn to zero, is rejected."""
    assert code_of(text, "double") == "type_mismatch"


@pytest.mark.parametrize("sign", [1, -1])
def test_integers_and_doubles_meet_at_2_to_the_53(sign: int) -> None:
    """Up to 2**53 both ways are exact; beyond it neither is tried."""
    for value in (MOST, MOST - 1):
        assert convert(sign * value, "double") == float(sign * value)
        assert convert(float(sign * value), "integer") == sign * value
    for value in (MOST + 1, MOST + 2, 2**60, 10**400):
        assert code_of(sign * value, "double") == "type_mismatch"
    for double in (float(MOST + 2), 2.0**60, 1e308, math.inf, math.nan, 0.5, MOST / 2 - 0.5):
        assert code_of(sign * double, "integer") == "type_mismatch"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_no_text(value: float) -> None:
    """NaN and infinity, which a user's step may make, never become a text such as null."""
    assert code_of(value, "string") in ("type_mismatch", "not_finite")


@pytest.mark.parametrize("value", [{"a": math.nan}, [math.inf], [[-math.inf]]])
def test_what_is_no_number_has_no_text_when_nested(value: Any) -> None:
    """Nor inside an object or array."""
    assert code_of(value, "string") in ("type_unknown", "not_finite")


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "ab",
        "abc",
        "YQ",
        "YQ=",
        "YQ===",
        "YQ==YQ==",
        "=YQ=",
        "Y Q==",
        "YQ==\n",
        "\nYQ==",
        "YQ==x",
        "_-==",
        "ä===",
        "YQ==\x00",
        "QQQQ=",
    ],
)
def test_texts_that_are_no_base64(text: str) -> None:
    """Missing padding, foreign characters, blanks and the URL alphabet are rejected."""
    assert code_of(text, "binary") == "base64_invalid"


def test_deep_nesting_has_no_text() -> None:
    """A value too deep to be written is a rejection, and so is one that holds itself."""
    deep: list[Any] = []
    for _ in range(50_000):
        deep = [deep]
    assert code_of(deep, "string") == "json_depth"
    endless: list[Any] = []
    endless.append(endless)
    assert code_of(endless, "string") == "json_depth"


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


@given(st.integers())
def test_integers_keep_their_value_in_every_column(value: int) -> None:
    """As text and as double it is the same number, or it is rejected."""
    assert int(convert(value, "string")) == value
    try:
        assert int(convert(value, "double")) == value
    except Rejection:
        assert abs(value) > MOST


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_keep_their_value_in_every_column(value: float) -> None:
    """As text it reads back to the same bits; as an integer it is the same number or rejected."""
    text = convert(value, "string")
    assert float(text).hex() == value.hex()
    try:
        assert convert(value, "integer") == value
    except Rejection:
        assert not value.is_integer() or abs(value) > MOST


@given(st.text(st.sampled_from("0123456789-+.eE x"), max_size=8))
def test_texts_become_the_number_they_show(text: str) -> None:
    """An accepted integer text is that integer's own; an accepted number text is Python's float."""
    try:
        value = convert(text, "integer")
        assert str(value) == text or text == "-0"
    except Rejection:
        assert not text.isdigit() or text.startswith("0")
    with contextlib.suppress(Rejection):
        assert convert(text, "double") == float(text)


@given(st.binary(max_size=40))
def test_base64_gives_the_bytes_back(data: bytes) -> None:
    """Standard base64, with padding, is decoded to the bytes."""
    assert convert(base64.b64encode(data).decode(), "binary") == data


@given(st.text(st.sampled_from("YQab+/=_- \n"), max_size=9))
def test_accepted_base64_encodes_to_the_same_length(text: str) -> None:
    """Nothing in an accepted text is skipped: its bytes have the length that the text says."""
    try:
        data = convert(text, "binary")
    except Rejection:
        return
    assert len(base64.b64encode(data)) == len(text)


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
