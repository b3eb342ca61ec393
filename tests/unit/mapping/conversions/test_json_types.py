"""Conversions of JSON values: the limits of numbers, texts and base64."""

import base64
import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection
from tests.unit.mapping.conversions.factories import code_of, convert

MOST = 2**53


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
