"""Protobuf by a registry: messages written by Google's library, schemas made at run time."""

import base64
import functools
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection, StopRun
from connectors.formats import protobuf, protobuf_limits
from connectors.formats.schema_registry import Schema
from tests.support.registry import SchemaRegistry
from tests.unit.formats.conftest import Decode, framed

MakeDecoder = Callable[..., Decode]
F = FieldDescriptorProto


def field(
    name: str, number: int, kind: Any, type_name: str = "", **more: Any
) -> FieldDescriptorProto:
    """A field's description."""
    made = F(name=name, number=number, type=kind, label=more.pop("label", F.LABEL_OPTIONAL), **more)
    if type_name:
        made.type_name = type_name
    return made


def order_file() -> FileDescriptorProto:
    """Messages First and Order, which has all kinds of fields, the message Line and a map."""
    file = FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3")
    file.dependency.extend(
        f"google/protobuf/{name}.proto" for name in ("timestamp", "struct", "wrappers", "duration")
    )
    state = file.enum_type.add(name="State")
    state.value.add(name="NEW", number=0)
    state.value.add(name="PAID", number=1)
    file.message_type.add(name="First").field.append(field("a", 1, F.TYPE_INT32))
    order = file.message_type.add(name="Order")
    entry = order.nested_type.add(name="TagsEntry")
    entry.options.map_entry = True
    entry.field.append(field("key", 1, F.TYPE_STRING))
    entry.field.append(field("value", 2, F.TYPE_INT64))
    line = order.nested_type.add(name="Line")
    line.field.append(field("n", 1, F.TYPE_DOUBLE))
    order.oneof_decl.add(name="either")
    order.oneof_decl.add(name="_maybe")
    order.field.extend(
        [
            field("big", 1, F.TYPE_UINT64),
            field("text", 2, F.TYPE_STRING),
            field("raw", 3, F.TYPE_BYTES),
            field("flag", 4, F.TYPE_BOOL),
            field("state", 5, F.TYPE_ENUM, ".shop.State"),
            field("lines", 6, F.TYPE_MESSAGE, ".shop.Order.Line", label=F.LABEL_REPEATED),
            field("tags", 7, F.TYPE_MESSAGE, ".shop.Order.TagsEntry", label=F.LABEL_REPEATED),
            field("at", 8, F.TYPE_MESSAGE, ".google.protobuf.Timestamp"),
            field("any", 9, F.TYPE_MESSAGE, ".google.protobuf.Struct"),
            field("wrapped", 10, F.TYPE_MESSAGE, ".google.protobuf.Int64Value"),
            field("one", 11, F.TYPE_STRING, oneof_index=0),
            field("two", 12, F.TYPE_INT32, oneof_index=0),
            field("maybe", 13, F.TYPE_INT32, oneof_index=1, proto3_optional=True),
            field("parent", 14, F.TYPE_MESSAGE, ".shop.Order"),
            field("took", 15, F.TYPE_MESSAGE, ".google.protobuf.Duration"),
        ]
    )
    return file


def message_class(file: FileDescriptorProto, name: str, *others: FileDescriptorProto) -> Any:
    """The library's class of a message."""
    pool: Any = DescriptorPool()
    for module in (timestamp_pb2, struct_pb2, wrappers_pb2, duration_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    for one in (*others, file):
        pool.Add(one)
    return GetMessageClass(pool.FindMessageTypeByName(name))


def text_of(file: FileDescriptorProto) -> str:
    """As the registry hands it out."""
    return base64.b64encode(file.SerializeToString()).decode()


@pytest.fixture
def order(registry: SchemaRegistry) -> int:
    """The id of the schema."""
    return registry.register(text_of(order_file()), "PROTOBUF", proto_text=ORDER_TEXT)


# As far as it matters: which messages stand in a message's text.
ORDER_TEXT = """syntax = "proto3"; package shop; message First { int32 a = 1; }
message Order {
  map<string, int64> tags = 7; /* message TagsEntry {} */
  message Line { double n = 1; }
}
"""
SPELLED_TEXT = ORDER_TEXT.replace(
    "message Line",
    "// message of a map\n message TagsEntry { option map_entry = true; } message Line",
)
ORDER_INDEX = b"\2\2"  # one index: 1


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


def test_an_enum_number_that_nobody_knows(order: int, decoder: MakeDecoder) -> None:
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


def test_depth_is_bounded(order: int, decoder: MakeDecoder) -> None:
    """A message in itself, thousands deep."""
    body = b""
    for _ in range(3000):
        length, size = len(body), b""
        while length > 0x7F:
            size += bytes([length & 0x7F | 0x80])
            length >>= 7
        body = b"\x72" + size + bytes([length]) + body
    with pytest.raises(Rejection) as caught:
        decoder("protobuf")(framed(order, ORDER_INDEX + body))
    assert caught.value.code == "protobuf_invalid"


def varint(number: int) -> bytes:
    """As on the wire."""
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


@pytest.mark.parametrize(
    "body",
    [
        b"\x32\0" * 600_000,  # lines of two bytes, each an object
        b"\x3a\0" * 600_000,  # entries of a map
        b"\x80\x7d\x01" * 1_000_001,  # fields that the schema does not know
        b"\x4a" + varint(2_000_000) + b"\x0a\0" * 1_000_000,  # fields of a Struct
        b"\x82\x7d\x00" * 400_000 + b"\x72\0" * 400_000,
    ],
    ids=["items", "entries", "unknown", "struct", "merged"],
)
def test_few_bytes_may_not_become_very_many_fields(
    order: int, decoder: MakeDecoder, body: bytes
) -> None:
    """Counted before the library makes room for them."""
    with pytest.raises(Rejection) as caught:
        decoder("protobuf")(framed(order, ORDER_INDEX + body))
    assert caught.value.code == "protobuf_values"


def test_long_messages_below_the_limit_are_read(order: int, decoder: MakeDecoder) -> None:
    """The count looks at all kinds of fields, groups that nobody knows among them."""
    made = message_class(order_file(), "shop.Order")(text="x" * 100_000, raw=b"\xff" * 100_000)
    for number in range(60_000):
        made.lines.add(n=number)
    made.tags.update({str(number): number for number in range(1000)})
    unknown = b"\xfb\x01\x08\x01\x0b\x0c\xfc\x01" + b"\xfd\x01abcd" + b"\xf9\x01abcdefgh"
    body = unknown + made.SerializeToString() + unknown
    found = decoder("protobuf")(framed(order, ORDER_INDEX + body))
    assert len(found["lines"]) == 60_000
    assert found["tags"]["999"] == 999
    assert len(found["raw"]) == 100_000


@given(st.binary(max_size=60))
def test_the_count_takes_what_the_library_takes(data: bytes) -> None:
    """Bytes that parse are never refused for being counted, but for tags longer than need be."""
    cls = message_class_of_order()
    walk = protobuf_limits._Walk(data)
    kind = protobuf_limits._type(cls.DESCRIPTOR, {})
    try:
        cls.FromString(data)
    except DecodeError:
        return
    walk.message(kind, len(data), 0)


@functools.cache
def message_class_of_order() -> Any:
    """Made once."""
    return message_class(order_file(), "shop.Order")


FILE = protobuf._File(Schema("PROTOBUF", text_of(order_file()), ()))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_a_rejection(data: bytes) -> None:
    """Whatever a producer sends."""
    for prefix in (ORDER_INDEX, b""):
        try:
            FILE.decode(prefix + data)
        except Rejection as rejection:
            assert rejection.reason  # noqa: PT017
