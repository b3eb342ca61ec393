"""Avro by the writer's schema: encoded by fastavro's writer, decoded by the flow's decoder."""

import json
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
from connectors.formats import avro
from tests.support.registry import SchemaRegistry
from tests.unit.formats.avro_schemas import EMPTY, NULLS, ORDER, TREE
from tests.unit.formats.conftest import MakeDecoder, framed

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


@given(st.binary(max_size=60), st.sampled_from([ORDER, TREE, NULLS, EMPTY]))
def test_any_bytes_are_a_value_or_a_rejection(data: bytes, schema: Any) -> None:
    """Whatever a producer sends."""
    decode = avro._reader(fastavro.parse_schema(json.loads(json.dumps(schema))), None, framed=True)
    try:
        decode(data)
    except Rejection as rejection:
        assert rejection.code.startswith("avro_")  # noqa: PT017


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
