"""Connect JSON: each type of Kafka Connect's schemas, and what does not fit them."""

import base64
import json
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.formats.connect_json import decode

LOGICAL = "org.apache.kafka.connect.data."
INT, TEXT = {"type": "int32"}, {"type": "string"}


def envelope(schema: Any, payload: Any) -> bytes:
    """The bytes that Connect's JsonConverter writes for a schema and a payload."""
    return json.dumps({"schema": schema, "payload": payload}).encode()


def decimal(scale: int) -> dict[str, Any]:
    """The schema of a Decimal."""
    return {"type": "bytes", "name": LOGICAL + "Decimal", "parameters": {"scale": str(scale)}}


def unscaled(number: int) -> str:
    """A Decimal's bytes as text."""
    return base64.b64encode(number.to_bytes(20, "big", signed=True)).decode()


STRUCT = {
    "type": "struct",
    "name": "shop.Order",
    "fields": [
        {"field": "id", **INT},
        {"field": "note", **TEXT, "optional": True},
        {"field": "state", **TEXT, "default": "new"},
        {
            "field": "lines",
            "type": "array",
            "items": {"type": "struct", "fields": [{"field": "n", **INT}]},
        },
    ],
}


@pytest.mark.parametrize(
    ("schema", "payload", "value"),
    [
        (None, {"a": 1}, {"a": 1}),
        ({"type": "int8"}, -128, -128),
        ({"type": "int16"}, 32767, 32767),
        (INT, 2**31 - 1, 2**31 - 1),
        ({"type": "int64"}, -(2**63), -(2**63)),
        ({"type": "float"}, 1.5, 1.5),
        ({"type": "double"}, 3, 3.0),
        ({"type": "boolean"}, True, True),
        (TEXT, "é", "é"),
        ({"type": "bytes"}, "AQI=", b"\1\2"),
        ({"type": "array", "items": INT}, [1, 2], [1, 2]),
        ({"type": "map", "keys": TEXT, "values": INT}, {"a": 1}, {"a": 1}),
        ({"type": "map", "keys": INT, "values": TEXT}, [[1, "x"], [2, "y"]], {"1": "x", "2": "y"}),
        (decimal(2), unscaled(-12345), Decimal("-123.45")),
        (decimal(-2), unscaled(5), Decimal("5E+2")),
        ({"type": "int32", "name": LOGICAL + "Date"}, 20484, date(2026, 1, 31)),
        ({"type": "int32", "name": LOGICAL + "Time"}, 86_399_999, time(23, 59, 59, 999000)),
        (
            {"type": "int64", "name": LOGICAL + "Timestamp"},
            1_500_000_000_123,
            datetime(2017, 7, 14, 2, 40, 0, 123000, tzinfo=timezone.utc),
        ),
        ({**TEXT, "optional": True}, None, None),
        ({**TEXT, "default": "x"}, None, "x"),
        ({**decimal(1), "default": unscaled(15)}, None, Decimal("1.5")),
        (
            STRUCT,
            {"id": 1, "lines": [{"n": 2}]},
            {"id": 1, "note": None, "state": "new", "lines": [{"n": 2}]},
        ),
        (
            STRUCT,
            {"id": 1, "note": "x", "state": None, "lines": []},
            {"id": 1, "note": "x", "state": "new", "lines": []},
        ),
        ({"type": "string", "name": "io.debezium.data.Json"}, "{}", "{}"),
    ],
)
def test_each_type(schema: Any, payload: Any, value: Any) -> None:
    """As its schema says; a name that is no logical type is only a name."""
    found = decode(envelope(schema, payload))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        ({"type": "int8"}, 300),
        (INT, "abc"),
        (INT, 1.0),
        (INT, True),
        ({"type": "int64"}, 2**63),
        ({"type": "float"}, 1e39),
        ({"type": "double"}, "NaN"),
        ({"type": "boolean"}, "true"),
        (TEXT, 5),
        ({"type": "bytes"}, "%"),
        ({"type": "bytes"}, 5),
        ({"type": "array", "items": INT}, {"a": 1}),
        ({"type": "array", "items": INT}, [None]),
        ({"type": "map", "keys": TEXT, "values": INT}, [["a"]]),
        ({"type": "map", "keys": INT, "values": INT}, [[1, 1], [1, 2]]),
        (decimal(2), ""),
        (decimal(2), base64.b64encode(b"\x7f" * 100_000).decode()),
        ({"type": "int32", "name": LOGICAL + "Time"}, 86_400_000),
        (TEXT, None),
        (STRUCT, None),
        (STRUCT, {"lines": []}),
        (STRUCT, {"id": 1, "lines": [], "more": 1}),
        (STRUCT, []),
    ],
)
def test_what_does_not_fit_is_rejected(schema: Any, payload: Any) -> None:
    """Where Kafka Connect's converter makes 44 of 300 and 0 of text."""
    with pytest.raises(Rejection) as caught:
        decode(envelope(schema, payload))
    assert caught.value.code == "connect_payload"


@pytest.mark.parametrize(
    "schema",
    [
        5,
        "string",
        {},
        {"type": "int128"},
        {"type": ["int32"]},
        {"type": {}},
        {"type": "array"},
        {"type": "struct"},
        {"type": "struct", "fields": [{"type": "string"}]},
        {"type": "struct", "fields": [{"field": "a", **TEXT}, {"field": "a", **TEXT}]},
        {"type": "bytes", "name": LOGICAL + "Decimal"},
        {"type": "string", "name": LOGICAL + "Date"},
        decimal(10**9),
        {"type": "int32", "default": "x"},
    ],
)
def test_a_schema_that_is_none(schema: Any) -> None:
    """A schema that is not valid is rejected with a code of its own."""
    with pytest.raises(Rejection) as caught:
        decode(envelope(schema, 1))
    assert caught.value.code == "connect_schema"


@pytest.mark.parametrize(
    "data",
    [b'{"a":1}', b'{"schema":null}', b'{"schema":null,"payload":1,"x":2}', b"[]", b"5", b"null"],
)
def test_json_that_is_no_envelope(data: bytes) -> None:
    """The reason says, in other words, that schemas.enable is off at the producer."""
    with pytest.raises(Rejection) as caught:
        decode(data)
    assert caught.value.code == "connect_envelope"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b'{"schema":' + b'{"type":"array","items":' * 5000 + b"1" + b"}" * 5001,
        b'{"schema":null,"payload":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"schema":null,"payload":1e999}',
        b'{"schema":null,"payload":' + b"9" * 5000 + b"}",
    ],
)
def test_bombs_are_rejections(data: bytes) -> None:
    """Depth and numbers beyond all bounds."""
    with pytest.raises(Rejection) as caught:
        decode(data)
    assert caught.value.code.startswith("json_")


schemas = st.recursive(
    st.sampled_from([INT, TEXT, {"type": "bytes"}, decimal(1), {"type": "boolean"}, None, 5]),
    lambda inner: (
        inner.map(lambda kind: {"type": kind})
        | inner.map(lambda kind: {"type": "int32", "name": kind, "default": kind})
        | st.builds(lambda i: {"type": "array", "items": i}, inner)
        | st.builds(lambda i: {"type": "struct", "fields": [{"field": "a", "type": "x"}, i]}, inner)
        | st.builds(lambda i: {"type": "map", "keys": TEXT, "values": i, "optional": True}, inner)
    ),
    max_leaves=4,
)
payloads = st.recursive(
    st.none()
    | st.integers()
    | st.text(max_size=3)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(schemas, payloads)
def test_any_envelope_is_a_value_or_a_rejection(schema: Any, payload: Any) -> None:
    """Any schema and payload end as a value or a rejection, never as another error."""
    try:
        decode(envelope(schema, payload))
    except Rejection as rejection:
        assert rejection.reason  # noqa: PT017
