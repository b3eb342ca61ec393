"""Avro schemas that the registry and Java accept, and those that cannot be read by."""

import json
from collections.abc import Callable
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from connectors.errors import Rejection
from connectors.formats.avro.decoder import reader
from connectors.formats.avro.schema import parsed
from connectors.formats.schema_registry import SchemaError
from connectors.records.exact_time import ExactTime
from tests.support.registry import SchemaRegistry
from tests.unit.formats.conftest import Decode, framed

MakeDecoder = Callable[..., Decode]
NUMBER = {"type": "bytes", "logicalType": "decimal", "precision": 64, "scale": 127}
CONNECT = "org.apache.kafka.connect.data."


def value_of(schema: Any, data: bytes, target: Any = None) -> Any:
    """What the reader of a schema makes of bytes."""
    resolved = None if target is None else parsed(target)
    return reader(parsed(schema), resolved, framed=False)(data)


def record(kind: Any, **more: Any) -> dict[str, Any]:
    """A record of one field."""
    return {"type": "record", "name": "R", "fields": [{"name": "a", "type": kind, **more}]}


@pytest.mark.parametrize(
    ("schema", "data", "value"),
    [
        (NUMBER, b"\2\5", b"\5"),
        ({**NUMBER, "scale": -1}, b"\2\5", b"\5"),
        ({**NUMBER, "scale": "x"}, b"\2\5", b"\5"),
        ({"type": "bytes", "logicalType": "decimal", "scale": 2}, b"\2\5", b"\5"),
        ({**NUMBER, "scale": 64}, b"\2\5", Decimal("5E-64")),
        ({"type": "string", "logicalType": "date"}, b"\2x", "x"),
        (record("int", default="x"), b"\2", {"a": 1}),
        (record("string", default=None), b"\2x", {"a": "x"}),
        (
            {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"},
            bytes(range(16)),
            str(UUID(bytes=bytes(range(16)))),
        ),
        ({"type": "fixed", "name": "U", "size": 15, "logicalType": "uuid"}, b"0" * 15, b"0" * 15),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"], "default": "C"}, b"\2", "B"),
        (
            {"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"},
            b"\2\0\0\0\3\0\0\0\xdc\5\0\0",
            "P2M3DT1.500S",
        ),
        ({"type": "bytes", "logicalType": "big-decimal"}, b"\6\2\x7f\4", Decimal("1.27")),
    ],
)
def test_what_java_takes(schema: Any, data: bytes, value: Any) -> None:
    """An invalid logical type is none, and a writer's default decides nothing."""
    assert value_of(schema, data) == value


@pytest.mark.parametrize(
    ("schema", "data", "value"),
    [
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, b"\2", "B"),
        ({"type": "map", "values": ["null", "int"]}, b"\2\2a\2\6\0", {"a": 3}),
        (
            {"type": "array", "items": {"type": "enum", "name": "E", "symbols": ["A"]}},
            b"\2\0\0",
            ["A"],
        ),
        (["null", {"type": "enum", "name": "E", "symbols": ["A"]}], b"\2\0", "A"),
    ],
)
def test_any_type_at_the_top(
    registry: SchemaRegistry, decoder: MakeDecoder, schema: Any, data: bytes, value: Any
) -> None:
    """Records of a topic need not be Avro records."""
    number = registry.register(json.dumps(schema))
    assert decoder("avro")(framed(number, data)) == value


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ("int", b"\x80\x80\x80\x80\x80\x80\1"),
        ("int", b"\xff\xff\xff\xff\x1f"),
        ("long", b"\xff" * 10 + b"\1"),
        ("long", b"\xff" * 9 + b"\2"),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, b"\1"),
        ({"type": "enum", "name": "E", "symbols": ["A"] * 200}, b"\x83\2"),
        (["null", "int"], b"\1"),
        ("boolean", b"\2"),
    ],
)
def test_bytes_that_are_no_value(schema: Any, data: bytes) -> None:
    """A longer number than its type, and indexes below the first, at the top as well."""
    with pytest.raises(Rejection) as caught:
        value_of(schema, data)
    assert caught.value.code == "avro_invalid"


def test_a_field_that_is_passed_over_is_one() -> None:
    """What the reader does not have has the length of its type all the same."""
    writer, nothing = (
        {"type": "record", "name": "R", "fields": fields}
        for fields in ([{"name": "a", "type": "int"}], [])
    )
    read = reader(parsed(writer), parsed(nothing), framed=False)
    assert read(b"\xff\xff\xff\xff\x0f") == {}
    for data in (b"\xff\xff\xff\xff\x1f", b"\x80\x80\x80\x80\x80\1"):
        with pytest.raises(Rejection):
            read(data)


def test_a_type_that_is_used_before_it_is_defined() -> None:
    """As Java's library reads it since 1.12, also of nested types; depth is bounded."""
    inner: dict[str, Any] = {
        "type": "record",
        "name": "In",
        "fields": [{"name": "up", "type": ["null", "Out"]}, {"name": "e", "type": "n.E"}],
    }
    schema = {
        "type": "record",
        "name": "Top",
        "namespace": "n",
        "fields": [
            {"name": "first", "type": ["null", "In"]},
            {"name": "out", "type": {"type": "record", "name": "Out",
                                     "fields": [{"name": "down", "type": ["null", "In"]}]}},
            {"name": "in", "type": ["null", inner]},
            {"name": "last", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
        ],
    }  # fmt: skip
    found = value_of(schema, b"\2\0\2" + b"\2\2\0\0" + b"\0" + b"\0")
    assert found == {
        "first": {"up": None, "e": "B"},
        "out": {"down": {"up": {"down": None}, "e": "A"}},
        "in": None,
        "last": "A",
    }
    with pytest.raises(Rejection) as caught:
        value_of(schema, b"\0" + b"\2" * 100_000)
    assert caught.value.code == "avro_depth"
    inner["fields"].append({"name": "x", "type": "Nobody"})
    with pytest.raises(SchemaError, match=r"field 'x' of record 'n\.In' is of type 'n\.Nobody'"):
        parsed(schema)


@pytest.mark.parametrize(
    ("writer", "target", "data", "value"),
    [
        (
            "long",
            {"type": "long", "logicalType": "timestamp-millis"},
            b"\x02",
            datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=timezone.utc),
        ),
        (
            "int",
            {"type": "long", "logicalType": "timestamp-millis"},
            b"\x02",
            datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=timezone.utc),
        ),
        ("int", {"type": "int", "logicalType": "date"}, b"\2", date(1970, 1, 2)),
        ({"type": "long", "logicalType": "timestamp-millis"}, "long", b"\2", 1),
        (
            {"type": "long", "logicalType": "timestamp-millis"},
            {"type": "long", "logicalType": "timestamp-micros"},
            b"\2",
            datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=timezone.utc),
        ),
        (
            "bytes",
            {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
            b"\2\5",
            Decimal("0.05"),
        ),
        (
            record("long"),
            record(["null", {"type": "long", "logicalType": "timestamp-micros"}]),
            b"\2",
            {"a": datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=timezone.utc)},
        ),
    ],
)
def test_the_readers_logical_type_is_resolved_to(
    writer: Any, target: Any, data: bytes, value: Any
) -> None:
    """The reader says what a number stands for, and the writer in which unit it is."""
    assert value_of(writer, data, target) == value


def test_decimals_of_another_scale_do_not_match() -> None:
    """Else 0.05 would become 0.5 without a word."""
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
    with pytest.raises(Rejection) as caught:
        value_of(kind, b"\2\5", {**kind, "scale": 1})
    assert caught.value.code == "avro_resolution"


@pytest.mark.parametrize(
    ("logical", "number", "text"),
    [
        ("timestamp-nanos", 1_500_000_000_123_456_789, "2017-07-14T02:40:00.123456789Z"),
        ("local-timestamp-nanos", 1, "1970-01-01T00:00:00.000000001"),
        ("timestamp-millis", 253_402_300_800_000, "+10000-01-01T00:00:00.000Z"),
        ("timestamp-micros", -62_135_596_800_000_001, "0000-12-31T23:59:59.999999Z"),
    ],
)
def test_times_beyond_datetime(logical: str, number: int, text: str) -> None:
    """Are exact, and no rejection: the table's rules say what becomes of them."""
    zigzag, data = (number << 1) ^ (number >> 63), b""
    while zigzag > 0x7F:
        data += bytes([zigzag & 0x7F | 0x80])
        zigzag >>= 7
    found = value_of({"type": "long", "logicalType": logical}, data + bytes([zigzag]))
    assert isinstance(found, ExactTime)
    assert found.isoformat() == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is not JSON"),
        (json.dumps(record("nothing")), "field 'a' of record 'R' is of type 'nothing'"),
        (json.dumps({"type": "fixed", "name": "F"}), "fixed without a size"),
        (json.dumps({"type": "enum", "name": "F"}), "enum without a list of symbols"),
        (json.dumps({"type": "record", "fields": []}), "without a name"),
        ("[" * 5000, "is not JSON"),
    ],
)
def test_the_reason_names_the_schema_and_what_is_wrong(
    registry: SchemaRegistry, decoder: MakeDecoder, text: str, words: str
) -> None:
    """A user who reads the dead letter finds the schema, and the part of it."""
    number = registry.register(text)
    with pytest.raises(Rejection) as caught:
        decoder("avro")(framed(number, b"\0"))
    assert caught.value.code == "schema_bad"
    assert f"schema {number}" in caught.value.reason
    assert words in caught.value.reason


def test_a_bad_import_is_named(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """Not the schema that imports it."""
    registry.register('{"type": "fixed", "name": "F"}', subject="bad")
    to_it = [{"name": "F", "subject": "bad", "version": 1}]
    number = registry.register(json.dumps(record("F")), references=to_it)
    with pytest.raises(Rejection, match="that it imports as 'F'"):
        decoder("avro")(framed(number, b"\0"))


def test_unions_and_records_in_one_another() -> None:
    """Deeper than Python's own limits of blocks and of indentation."""
    schema: Any = "int"
    data = b"\2"
    wanted: Any = 1
    for level in range(60):
        schema = {"type": "array", "items": ["null", {**record(schema), "name": f"R{level}"}]}
        data = b"\2\2" + data + b"\0"
        wanted = [{"a": wanted}]
    assert value_of(schema, data) == wanted


def test_a_union_of_many_types() -> None:
    """Found by a list of functions."""
    branches = [{**record("int"), "name": f"R{number}"} for number in range(300)]
    assert value_of(["null", *branches], b"\xd8\4\x0a") == {"a": 5}
    with pytest.raises(Rejection):
        value_of(["null", *branches], b"\xda\4\x0a")


def test_names_of_any_characters() -> None:
    """No name of a schema gets into the code that is compiled of it, but as a text."""
    name = "a'\"\\\n}\ud800{__import__('os')}"
    schema = {"type": "record", "name": name, "fields": [{"name": name, "type": "int"}]}
    assert value_of(schema, b"\2") == {name: 1}
    assert value_of(schema, b"\2", {**schema, "name": f"{name}b"}) == {name: 1}


def test_a_schema_of_a_million_fields_is_refused(
    registry: SchemaRegistry, decoder: MakeDecoder
) -> None:
    """Code for it would fill the memory."""
    fields = [{"name": f"f{number}", "type": "string"} for number in range(150_000)]
    number = registry.register(json.dumps({"type": "record", "name": "R", "fields": fields}))
    with pytest.raises(Rejection, match="too many types"):
        decoder("avro")(framed(number, b"\0"))


@pytest.mark.parametrize(
    ("schema", "data", "value"),
    [
        (
            {
                "type": "bytes",
                "connect.name": f"{CONNECT}Decimal",
                "connect.parameters": {"scale": "127"},
                "logicalType": "decimal",
                "precision": 64,
                "scale": 127,
            },
            b"\2\5",
            Decimal("5E-127"),
        ),
        ({"type": "int", "connect.name": f"{CONNECT}Date"}, b"\2", date(1970, 1, 2)),
        (
            {"type": "long", "connect.name": "io.debezium.time.MicroTimestamp"},
            b"\2",
            datetime(1970, 1, 1, 0, 0, 0, 1),  # noqa: DTZ001 - it has no zone
        ),
        ({"type": "string", "connect.name": "io.debezium.data.Json"}, b"\4{}", "{}"),
        (
            {
                "type": "record",
                "name": "VariableScaleDecimal",
                "namespace": "io.debezium.data",
                "connect.name": "io.debezium.data.VariableScaleDecimal",
                "fields": [{"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"}],
            },
            b"\4\2\x7f",
            Decimal("1.27"),
        ),
    ],
)
def test_connects_names(schema: Any, data: bytes, value: Any) -> None:
    """What Kafka Connect's converter wrote is of the type that it names."""
    assert value_of(schema, data) == value
    assert value_of(["null", schema], b"\2" + data) == value


def test_a_readers_default_that_does_not_fit(decoder: MakeDecoder, tmp_path: Path) -> None:
    """The file is ours to correct, so the run does not start."""
    file = tmp_path / "reader.avsc"
    for bad in (record("int", default="x"), record(["int", "null"], default=[])):
        file.write_text(json.dumps(bad))
        with pytest.raises(Exception, match="field 'a' of record 'R'"):
            decoder("avro", value_schema_file=file)
