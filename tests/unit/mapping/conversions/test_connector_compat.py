"""conversions = "connector": what the Java connector makes of values, where that loses nothing."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.mapping.conversions.column_types import Conversions
from connectors.mapping.conversions.connector_compat import double_text
from connectors.settings.tables import TableSettings
from tests.unit.factories import settings
from tests.unit.mapping.wire_reader import Mapped

WITHOUT_LIST = Conversions(TableSettings(conversions="connector"), plain=True)
WITH_SCHEMA = Conversions(TableSettings(conversions="connector"), plain=False)


def natural(conversions: Conversions, value: Any) -> tuple[str, Any]:
    """The column's type and value; the code of a rejection as the value."""
    kind, convert = conversions.natural("c", type(value))
    try:
        return kind, convert(value)
    except Rejection as rejection:
        return kind, rejection.code


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("text", "text"),
        (5, "5"),
        (2**63, "9223372036854775808"),
        (True, "true"),
        (100.0, "100.0"),
        (1e10, "1.0E10"),
        (1e-7, "1.0E-7"),
        (float("inf"), "not_finite"),
        ({"a": 1, "b": [1, "x", None, 1e10]}, "{a=1, b=[1, x, null, 1.0E10]}"),
        ({"cherry": 3, "banana": 2, "apple": 1}, "{banana=2, cherry=3, apple=1}"),
        ({"b": {"Z": 1, "a": 2}, "a": 1}, "{a=1, b={a=2, Z=1}}"),
        ([], "[]"),
        ({"a": b"x"}, "type_mismatch"),
        ({"a": object()}, "type_mismatch"),
        (Decimal("1E+3"), "1E+3"),
    ],
)
def test_json_without_a_list_becomes_text(value: Any, text: str) -> None:
    """In Java's form; but nothing becomes the address of an object, or infinite."""
    assert natural(WITHOUT_LIST, value) == ("string", text)


@pytest.mark.parametrize(
    ("value", "column"),
    [
        (5, ("integer", 5)),
        (1.5, ("double", 1.5)),
        (b"\xff", ("binary", b"\xff")),
        (Decimal("12.34"), ("binary", b"12.34")),
        (date(1970, 1, 3), ("integer", 2)),
        ({"a": 1}, ("string", '{"a":1}')),
    ],
)
def test_values_with_a_schema_keep_their_types(value: Any, column: tuple[str, Any]) -> None:
    """A decimal is its text, as bytes; nested ones, which the connector refuses, are JSON text."""
    assert natural(WITH_SCHEMA, value) == column


REFUSED = "type_mismatch"


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        *(("1e3", "integer", 1000), ("1.0", "integer", 1), ("+7", "integer", 7)),
        *(("1.9", "integer", REFUSED), ("9223372036854775808", "integer", REFUSED)),
        *(
            (" 12 ", "integer", REFUSED),
            ("", "integer", REFUSED),
            ("1e999999999", "integer", REFUSED),
        ),
        *((1e15, "integer", 10**15), (2.0**62, "integer", 2**62), (1.5, "integer", REFUSED)),
        *(
            (1e300, "integer", REFUSED),
            (float("nan"), "integer", REFUSED),
            (True, "integer", REFUSED),
        ),
        *((".5", "double", 0.5), ("1.", "double", 1.0), ("1e400", "double", REFUSED)),
        *((2**53 + 1, "double", REFUSED), ("yes", "double", REFUSED)),
        *((2, "boolean", True), (0, "boolean", False), ("1", "boolean", True)),
        *(("TRUE", "boolean", REFUSED), (0.5, "boolean", REFUSED), (1.0, "boolean", True)),
        *((1e10, "string", "1.0E10"), (5, "string", "5"), (True, "string", "true")),
        *(({"a": [1, None]}, "string", '{"a":[1,null]}'), (b"\xff", "string", "/w==")),
        *((date(2022, 1, 8), "string", "2022-01-08"), (Decimal("12.34"), "string", "12.34")),
        *(("é", "binary", "é".encode()), (5, "binary", b"5"), (1e10, "binary", b"1.0E10")),
        *((True, "binary", b"true"), ({"a": 1}, "binary", b"{a=1}"), (b"x", "binary", b"x")),
        *((Decimal("12.34"), "binary", b"12.34"), (Decimal("12.34"), "integer", REFUSED)),
    ],
)
def test_listed_columns(value: Any, wanted: str, expected: Any) -> None:
    """What cuts, wraps or saturates in Java is refused; the rest is what it makes of it."""
    try:
        found = WITHOUT_LIST.converter("c", wanted, type(value))(value)
    except Rejection as rejection:
        found = rejection.code
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.001, "0.001"),
        (0.0009999, "9.999E-4"),
        (9_999_999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (-123456789.125, "-1.23456789125E8"),
        (5e-324, "4.9E-324"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
    ],
)
def test_doubles_as_java_writes_them(value: float, text: str) -> None:
    """Scientific below a thousandth and from ten millions, always with a digit after the point."""
    assert double_text(value) == text


def test_rows_of_an_imported_configuration() -> None:
    """A null leaves its column out, where the connector makes an error of the whole record."""
    mapped = Mapped(settings(table={"conversions": "connector", "key_fields": "override"}))
    for _ in range(3):
        assert mapped.cells({"n": 1, "x": None, "d": 1e10}, "k").columns == {
            "n": "1",
            "d": "1.0E10",
            "key": "k",
        }
