"""Avro's logical types and defaults: exact values, or a rejection."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Rejection, StopRun
from connectors.formats.avro.decoder import reader
from connectors.formats.avro.schema import parsed
from tests.support.registry import SchemaRegistry
from tests.unit.formats.conftest import MakeDecoder, framed


def test_decimals_are_exact(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """Also with more digits than the schema declares, where others round without a word."""
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
    schema = {"type": "record", "name": "R", "fields": [{"name": "d", "type": kind}]}
    number = registry.register(json.dumps(schema))
    unscaled = (-123456789).to_bytes(5, "big", signed=True)
    data = framed(number, bytes([2 * len(unscaled)]) + unscaled)
    assert decoder("avro")(data) == {"d": Decimal("-1234567.89")}


def test_the_defaults_of_a_reader_are_values(
    registry: SchemaRegistry, decoder: MakeDecoder, tmp_path: Path
) -> None:
    """Bytes, dates, records and decimals, as if the writer had written them."""
    inner = {
        "type": "record",
        "name": "Inner",
        "fields": [
            {"name": "x", "type": "int", "default": 3},
            {"name": "y", "type": "bytes", "default": "\u00ff"},
        ],
    }
    cents = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
    defaults: dict[str, tuple[Any, Any, Any]] = {
        "b": ("bytes", "\u0001\u00ff", b"\x01\xff"),
        "f": ({"type": "fixed", "name": "One", "size": 1}, "\u00ff", b"\xff"),
        "d": (cents, "\u007f", Decimal("1.27")),
        "r": (inner, {"x": 5}, {"x": 5, "y": b"\xff"}),
        "again": ("Inner", {}, {"x": 3, "y": b"\xff"}),
        "u": (["bytes", "null"], "z", b"z"),
        "n": (["null", "bytes"], None, None),
        "day": ({"type": "int", "logicalType": "date"}, 1, date(1970, 1, 2)),
        "dbl": ("double", 3, 3.0),
        "list": ({"type": "array", "items": "bytes"}, ["a"], [b"a"]),
        "map": ({"type": "map", "values": "bytes"}, {"k": "a"}, {"k": b"a"}),
        "e": ({"type": "enum", "name": "E", "symbols": ["A"]}, "A", "A"),
    }
    old = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}
    added = [
        {"name": name, "type": kind, "default": default}
        for name, (kind, default, _) in defaults.items()
    ]
    file = tmp_path / "reader.avsc"
    file.write_text(json.dumps({**old, "fields": [*old["fields"], *added]}))
    number = registry.register(json.dumps(old))
    found = decoder("avro", value_schema_file=file)(framed(number, b"\2"))
    assert found == {"a": 1, **{name: value for name, (_, _, value) in defaults.items()}}
    assert type(found["dbl"]) is float
    file.write_text(
        json.dumps({**old, "fields": [{"name": "b", "type": ["int", "null"], "default": []}]})
    )
    with pytest.raises(StopRun, match=r"reader\.avsc"):
        decoder("avro", value_schema_file=file)


@pytest.mark.parametrize(
    ("schema", "data", "code"),
    [
        ({"type": "int", "logicalType": "time-millis"}, b"\x01", "avro_time"),
        ({"type": "long", "logicalType": "time-micros"}, b"\xff" * 9 + b"\x01", "avro_time"),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
            b"\0",
            "avro_decimal",
        ),
    ],
)
def test_logical_values_that_are_none(schema: Any, data: bytes, code: str) -> None:
    """Rejected with what is wrong; nothing is wrapped into another day."""
    record = {"type": "record", "name": "R", "fields": [{"name": "a", "type": schema}]}
    decode = reader(parsed(record), None, framed=False)
    with pytest.raises(Rejection) as caught:
        decode(data)
    assert caught.value.code == code


CHOICES = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
        {"name": "u", "type": ["null", "int", "E"]},
        {"name": "l", "type": {"type": "array", "items": ["null", "E"]}},
    ],
}


def test_branches_and_symbols_that_are_not_there() -> None:
    """Below the first as above the last: an index of -1 is not the last one."""
    decode = reader(parsed(CHOICES), None, framed=False)
    assert decode(b"\2\4\0\2\2\2\0") == {"e": "B", "u": "A", "l": ["B"]}
    for index in (b"\1", b"\3", b"\5", b"\7", b"\x7f", b"\6", b"\x10"):
        for data in (
            index + b"\0\0",
            b"\0" + index + b"\0\0",
            b"\0\4" + index + b"\0",
            b"\0\0\2" + index + b"\0",
            b"\0\0\2\2" + index + b"\0",
        ):
            with pytest.raises(Rejection) as caught:
                decode(data)
            assert caught.value.code == "avro_invalid"


def test_branches_and_symbols_by_a_reader(
    registry: SchemaRegistry, decoder: MakeDecoder, tmp_path: Path
) -> None:
    """The same where a reader's schema is resolved to, with a default for unknown symbols."""
    kind = {"type": "enum", "name": "E", "symbols": ["A"], "default": "A"}
    fields = [{"name": "u", "type": ["null", "int", "E"]}, {"name": "e", "type": kind}]
    file = tmp_path / "reader.avsc"
    target = {"type": "record", "name": "R", "fields": list(reversed(fields))}
    file.write_text(json.dumps(target))
    number = registry.register(json.dumps(CHOICES))
    decode = decoder("avro", value_schema_file=file)
    assert decode(framed(number, b"\2\2\x0a\0")) == {"e": "A", "u": 5}
    for data in (b"\2\1\x0a\0", b"\2\x10\x0a\0"):
        with pytest.raises(Rejection):
            decode(framed(number, data))
