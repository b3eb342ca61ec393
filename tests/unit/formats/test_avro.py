"""Avro by the writer's schema: encoded by fastavro's writer, decoded by the flow's decoder."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timezone
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection, StopRun
from connectors.formats.avro.decoder import reader
from connectors.formats.avro.schema import parsed
from tests.support.registry import SchemaRegistry
from tests.unit.formats.conftest import Decode, framed

MakeDecoder = Callable[..., Decode]

ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {
            "name": "price",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
        },
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "fine", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
        {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "ref", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "tags", "type": {"type": "map", "values": "int"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
        {"name": "raw", "type": {"type": "fixed", "name": "Two", "size": 2}},
        {
            "name": "lines",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Line",
                    "fields": [{"name": "n", "type": "double"}],
                },
            },
        },
    ],
}
VALUE = {
    "id": 2**62,
    "note": None,
    "price": Decimal("12.34"),
    "day": date(2026, 1, 31),
    "at": datetime(2026, 1, 31, 8, 0, 0, 123000, tzinfo=timezone.utc),
    "fine": datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=timezone.utc),
    "local": datetime(2026, 1, 31, 8, 0),  # noqa: DTZ001 - it has none
    "clock": time(23, 59, 59, 1000),
    "ref": "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d",
    "tags": {"a": 1},
    "state": "PAID",
    "raw": b"\x01\x02",
    "lines": [{"n": 1.5}, {"n": -2.0}],
}


def written(schema: Any, value: Any) -> bytes:
    """Encoded by the library's own writer."""
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(json.dumps(schema))), value)
    return out.getvalue()


def test_every_type(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """Logical types become what they say; a uuid stays text."""
    number = registry.register(json.dumps(ORDER))
    assert decoder("avro")(framed(number, written(ORDER, VALUE))) == VALUE


def test_decimals_are_exact(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """Also with more digits than the schema declares, where others round without a word."""
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
    schema = {"type": "record", "name": "R", "fields": [{"name": "d", "type": kind}]}
    number = registry.register(json.dumps(schema))
    unscaled = (-123456789).to_bytes(5, "big", signed=True)
    data = framed(number, bytes([2 * len(unscaled)]) + unscaled)
    assert decoder("avro")(data) == {"d": Decimal("-1234567.89")}


def test_raw_avro_by_a_file(decoder: MakeDecoder, tmp_path: Path) -> None:
    """Bare bytes, without a registry; bytes that go on behind the value are rejected."""
    file = tmp_path / "order.avsc"
    file.write_text(json.dumps(ORDER))
    decode = decoder("raw_avro", value_schema_file=file)
    data = written(ORDER, VALUE)
    assert decode(data) == VALUE
    for bad in (data + b"\0", data[:-1], b"", b"\xff" * 40):
        with pytest.raises(Rejection):
            decode(bad)
    file.write_text("{")
    with pytest.raises(StopRun, match=r"order\.avsc"):
        decoder("raw_avro", value_schema_file=file)


def test_a_reader_schema(registry: SchemaRegistry, decoder: MakeDecoder, tmp_path: Path) -> None:
    """New fields get their defaults, fields that the reader does not have are left out."""

    def of(*fields: dict[str, Any]) -> dict[str, Any]:
        return {"type": "record", "name": "R", "fields": list(fields)}

    old = of({"name": "a", "type": "int"}, {"name": "b", "type": "int"})
    new = of({"name": "a", "type": "long"}, {"name": "c", "type": "string", "default": "x"})
    file = tmp_path / "reader.avsc"
    file.write_text(json.dumps(new))
    number = registry.register(json.dumps(old))
    decode = decoder("avro", value_schema_file=file)
    assert decode(framed(number, written(old, {"a": 1, "b": 2}))) == {"a": 1, "c": "x"}


def test_references(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """A schema that uses types of others, which use types of others."""
    a = {"type": "enum", "name": "x.A", "symbols": ["ONE"]}
    b = {"type": "record", "name": "x.B", "fields": [{"name": "a", "type": "x.A"}]}
    c = {"type": "record", "name": "x.C", "fields": [{"name": "b", "type": "x.B"}]}
    registry.register(json.dumps(a), subject="sub/a")
    to_a = [{"name": "x.A", "subject": "sub/a", "version": 1}]
    registry.register(json.dumps(b), references=to_a, subject="b")
    to_b = [{"name": "x.B", "subject": "b", "version": 1}]
    number = registry.register(json.dumps(c), references=to_b)
    assert decoder("avro")(framed(number, b"\0")) == {"b": {"a": "ONE"}}


def test_top_level_bytes_have_no_length(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """As Confluent's serializers write them."""
    number = registry.register('"bytes"')
    assert decoder("avro")(framed(number, b"\x08abc")) == b"\x08abc"
    assert decoder("avro")(framed(number, b"")) == b""


@pytest.mark.parametrize("text", ["{", '{"type": "recrd"}', '"nothing"', "[" * 5000, "5", "null"])
def test_a_schema_that_is_none(registry: SchemaRegistry, decoder: MakeDecoder, text: str) -> None:
    """Rejects its records, and ends nothing."""
    number = registry.register(text)
    with pytest.raises(Rejection) as caught:
        decoder("avro")(framed(number, b"\0"))
    assert caught.value.code == "schema_bad"


TREE = {
    "type": "record",
    "name": "Tree",
    "fields": [{"name": "next", "type": ["null", "Tree"]}],
}
NULLS = {"type": "array", "items": "null"}
EMPTY = {
    "type": "array",
    "items": {"type": "record", "name": "E", "fields": [{"name": "n", "type": "null"}]},
}


def test_bounded_recursive_values_are_read(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """Recursion is no crime, depth is."""
    number = registry.register(json.dumps(TREE))
    decode = decoder("avro")
    assert decode(framed(number, b"\2\2\0")) == {"next": {"next": {"next": None}}}
    with pytest.raises(Rejection) as caught:
        decode(framed(number, b"\2" * 5000 + b"\0"))
    assert caught.value.code == "avro_depth"


@pytest.mark.parametrize("schema", [NULLS, EMPTY], ids=["nulls", "empty records"])
def test_items_of_no_bytes_are_bounded(
    registry: SchemaRegistry, decoder: MakeDecoder, schema: Any
) -> None:
    """A few bytes may not become billions of items."""
    number = registry.register(json.dumps(schema))
    decode = decoder("avro")
    assert len(decode(framed(number, b"\x06\0"))) == 3
    for count in (b"\x80\xc8\xaf\xa0\x25", b"\xff\xc7\xaf\xa0\x25\0"):
        with pytest.raises(Rejection) as caught:
            decode(framed(number, count + b"\0"))
        assert caught.value.code == "avro_items"


@given(st.binary(max_size=60), st.sampled_from([ORDER, TREE, NULLS, EMPTY]))
def test_any_bytes_are_a_value_or_a_rejection(data: bytes, schema: Any) -> None:
    """Whatever a producer sends."""
    decode = reader(parsed(schema), None, framed=True)
    try:
        decode(data)
    except Rejection as rejection:
        assert rejection.code.startswith("avro_")  # noqa: PT017


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
    "reader",
    [
        [{"name": "a", "type": "string"}],
        [{"name": "new", "type": "string"}],
    ],
    ids=["another type", "no default"],
)
def test_a_writer_that_does_not_fit_the_reader(
    registry: SchemaRegistry, decoder: MakeDecoder, tmp_path: Path, reader: Any
) -> None:
    """Rejects its records with a code of its own."""
    file = tmp_path / "reader.avsc"
    file.write_text(json.dumps({"type": "record", "name": "R", "fields": reader}))
    old = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}
    number = registry.register(json.dumps(old))
    with pytest.raises(Rejection) as caught:
        decoder("avro", value_schema_file=file)(framed(number, b"\2"))
    assert caught.value.code == "avro_resolution"


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
    reader = {"type": "record", "name": "R", "fields": list(reversed(fields))}
    file.write_text(json.dumps(reader))
    number = registry.register(json.dumps(CHOICES))
    decode = decoder("avro", value_schema_file=file)
    assert decode(framed(number, b"\2\2\x0a\0")) == {"e": "A", "u": 5}
    for data in (b"\2\1\x0a\0", b"\2\x10\x0a\0"):
        with pytest.raises(Rejection):
            decode(framed(number, data))


WIDE = {
    "type": "record",
    "name": "Wide",
    "fields": [
        {"name": "b", "type": "boolean"},
        *({"name": f"n{number}", "type": "null"} for number in range(1000)),
    ],
}
WIDES = {"type": "array", "items": WIDE}


def doubling(levels: int) -> Any:
    """A record of two records of two records: a few hundred bytes of schema, 2^levels fields."""
    made: Any = {"type": "record", "name": "L0", "fields": [{"name": "n", "type": "null"}]}
    for level in range(1, levels):
        fields = [{"name": "a", "type": made}, {"name": "b", "type": f"L{level - 1}"}]
        made = {"type": "record", "name": f"L{level}", "fields": fields}
    return made


@pytest.mark.parametrize(
    ("schema", "data"), [(WIDES, b"\xa0\x9c\1" + b"\0" * 10_001), (doubling(40), b"")]
)
def test_few_bytes_may_not_become_very_many_fields(schema: Any, data: bytes) -> None:
    """Ten thousand items of a thousand fields of no bytes; and a billion fields of no bytes."""
    decode = reader(parsed(schema), None, framed=False)
    with pytest.raises(Rejection) as caught:
        decode(data)
    assert caught.value.code in ("avro_values", "avro_depth")


def test_records_below_the_limit_are_read_unchanged() -> None:
    """A walk changes nothing of what is decoded."""
    decode = reader(parsed(WIDES), None, framed=False)
    found = decode(b"\x0a\1\0\1\0\1\0")
    assert [item["b"] for item in found] == [True, False, True, False, True]
    assert all(len(item) == 1001 for item in found)


BOMBS = r"""
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from connectors.formats.avro.decoder import reader
from connectors.formats.avro.schema import parsed
from connectors.errors import Rejection
schemas = json.loads(sys.argv[1])
bombs = [b"\x02" * 100_000 + b"\0", b"\x80\xc8\xaf\xa0\x25\0", b"\xff\xc7\xaf\xa0\x25\0\0",
         b"\xfe" + b"\xff" * 8 + b"\x01", b"\xfe" * 100, b"\0" * 100]
for schema in schemas:
    decode = reader(parsed(schema), None, framed=False)
    for bomb in bombs:
        try:
            decode(bomb)
        except Rejection:
            pass
print("alive")
"""


def test_no_bytes_end_the_process() -> None:
    """In a process with 1 GiB of memory: depth, counts and lengths that lie."""
    text = {"type": "array", "items": "string"}
    maps = {"type": "map", "values": {"type": "array", "items": "null"}}
    schemas = json.dumps([TREE, NULLS, EMPTY, WIDES, text, maps, "string", "bytes", ORDER])
    done = subprocess.run(
        [sys.executable, "-c", BOMBS, schemas],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "alive\n", done.stderr
