"""Protobuf by a registry: messages written by Google's library, schemas made at run time."""

from datetime import datetime, timezone
from decimal import Decimal

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FileDescriptorProto,
)
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection, StopRun
from connectors.formats import protobuf
from connectors.formats.schema_registry import Schema
from tests.support.registry import SchemaRegistry
from tests.unit.formats.conftest import MakeDecoder, framed
from tests.unit.formats.protobuf_messages import (
    ORDER_INDEX,
    SPELLED_TEXT,
    F,
    field,
    message_class,
    order_file,
    text_of,
)


def test_every_kind_of_field(order: int, decoder: MakeDecoder) -> None:
    """Names as in the .proto, enums by name, well-known types as what they stand for."""
    made = message_class(order_file(), "shop.Order")(
        big=2**64 - 1, text="é", raw=b"\xff", flag=True, state=1, tags={"a": -1}, two=0, maybe=0
    )
    made.lines.add(n=1.5)
    made.at.FromDatetime(datetime(2026, 1, 31, 8, 0, 0, 123456))  # noqa: DTZ001 - it is UTC there
    made.any.update({"x": [1, None, {"y": True}]})
    made.wrapped.value = 0
    made.parent.text = "p"
    made.took.FromNanoseconds(1_500_000_001)
    found = decoder("protobuf")(framed(order, ORDER_INDEX + made.SerializeToString()))
    parent = found.pop("parent")
    assert parent["text"] == "p"
    assert parent["parent"] is None
    assert found == {
        "big": 2**64 - 1,
        "text": "é",
        "raw": b"\xff",
        "flag": True,
        "state": "PAID",
        "lines": [{"n": 1.5}],
        "tags": {"a": -1},
        "at": datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=timezone.utc),
        "any": {"x": [1.0, None, {"y": True}]},
        "wrapped": 0,
        "one": None,
        "two": 0,
        "maybe": 0,
        "took": Decimal("1.500000001"),
    }


def test_what_is_not_set(order: int, decoder: MakeDecoder) -> None:
    """A plain field has its default, one with presence is null, a list is empty."""
    found = decoder("protobuf")(framed(order, ORDER_INDEX))
    assert found == {
        "big": 0, "text": "", "raw": b"", "flag": False, "state": "NEW", "lines": [], "tags": {},
        "at": None, "any": None, "wrapped": None, "one": None, "two": None, "maybe": None,
        "parent": None, "took": None,
    }  # fmt: skip


def test_message_indexes(order: int, decoder: MakeDecoder) -> None:
    """One zero byte is the first message; entries of maps are not counted among the nested."""
    decode = decoder("protobuf")
    assert decode(framed(order, b"\0")) == {"a": 0}
    assert decode(framed(order, b"\2\0\x08\5")) == {"a": 5}
    line = message_class(order_file(), "shop.Order.Line")(n=2.5).SerializeToString()
    assert decode(framed(order, b"\4\2\0" + line)) == {"n": 2.5}
    for wrong in (
        b"",
        b"\2",
        b"\2\6",
        b"\4\2\2",
        b"\1",
        b"\2\1",
        b"\xff" * 9,
        b"\x80\2" + b"\0" * 200,
    ):
        with pytest.raises(Rejection) as caught:
            decode(framed(order, wrong))
        assert caught.value.code == "protobuf_index"


def test_a_map_entry_that_the_text_spells_is_counted(
    registry: SchemaRegistry, decoder: MakeDecoder
) -> None:
    """As Confluent's serializer counts; the compiled schema does not say whether it is spelled."""
    spelled = registry.register(text_of(order_file()), "PROTOBUF", proto_text=SPELLED_TEXT)
    line = message_class(order_file(), "shop.Order.Line")(n=2.5).SerializeToString()
    assert decoder("protobuf")(framed(spelled, b"\4\2\2" + line)) == {"n": 2.5}
    entry = b"\x0a\1a\x10\5"
    assert decoder("protobuf")(framed(spelled, b"\4\2\0" + entry)) == {"key": "a", "value": 5}


def test_an_unknown_enum_number(order: int, decoder: MakeDecoder) -> None:
    """Stays a number, as the library itself keeps it."""
    assert decoder("protobuf")(framed(order, ORDER_INDEX + b"\x28\x07"))["state"] == 7


def test_references(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """A file that imports another of the registry's, under the name of the import."""
    inner = FileDescriptorProto(name="whatever", package="in", syntax="proto3")
    inner.message_type.add(name="Inner").field.append(field("n", 1, F.TYPE_INT32))
    registry.register(text_of(inner), "PROTOBUF", subject="inner")
    outer = FileDescriptorProto(package="out", syntax="proto3", dependency=["inner.proto"])
    message: DescriptorProto = outer.message_type.add(name="Outer")
    message.field.append(field("inner", 1, F.TYPE_MESSAGE, ".in.Inner"))
    reference = {"name": "inner.proto", "subject": "inner", "version": 1}
    number = registry.register(text_of(outer), "PROTOBUF", references=[reference])
    assert decoder("protobuf")(framed(number, b"\0\x0a\2\x08\7")) == {"inner": {"n": 7}}


@pytest.mark.parametrize(
    "text", ["%", "AQI=", text_of(FileDescriptorProto(dependency=["nowhere.proto"], name="a"))]
)
def test_a_schema_that_is_none(registry: SchemaRegistry, decoder: MakeDecoder, text: str) -> None:
    """Rejects its records, and ends nothing."""
    number = registry.register(text, "PROTOBUF")
    with pytest.raises(Rejection) as caught:
        decoder("protobuf")(framed(number, b"\0"))
    assert caught.value.code == "schema_bad"


@pytest.mark.P5
def test_a_registry_without_compiled_schemas_stops(
    registry: SchemaRegistry, decoder: MakeDecoder
) -> None:
    """P5: else every record would be rejected for what the registry cannot do."""
    number = registry.register('syntax = "proto3"; message A { int32 a = 1; }', "PROTOBUF")
    with pytest.raises(StopRun, match="format=serialized"):
        decoder("protobuf")(framed(number, b"\0"))


def test_times_that_no_datetime_holds(order: int, decoder: MakeDecoder) -> None:
    """Nanoseconds and far years are exact; what no Timestamp may hold is rejected."""
    for seconds, nanos, text in (
        (1_700_000_000, 123_456_789, "2023-11-14T22:13:20.123456789Z"),
        (-62_135_596_801, 0, "0000-12-31T23:59:59.000Z"),
        (253_402_300_800, 0, "+10000-01-01T00:00:00.000Z"),
        (2**40, 1, "+36812-02-20T00:36:16.000000001Z"),
    ):
        made = message_class(order_file(), "shop.Order")(at={"seconds": seconds, "nanos": nanos})
        found = decoder("protobuf")(framed(order, ORDER_INDEX + made.SerializeToString()))["at"]
        assert found.isoformat() == text
        assert found.nanoseconds == seconds * 1_000_000_000 + nanos
    for at in ({"nanos": -5}, {"nanos": 1_000_000_000}):
        made = message_class(order_file(), "shop.Order")(at=at)
        with pytest.raises(Rejection) as caught:
            decoder("protobuf")(framed(order, ORDER_INDEX + made.SerializeToString()))
        assert caught.value.code == "protobuf_time"


FILE = protobuf._File(Schema("PROTOBUF", text_of(order_file()), ()))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_a_rejection(data: bytes) -> None:
    """Any bytes end as a value or a rejection, never as another error."""
    for prefix in (ORDER_INDEX, b""):
        try:
            FILE.decode(prefix + data)
        except Rejection as rejection:
            assert rejection.reason  # noqa: PT017
