"""Protobuf messages of the tests: their schema, and Google's own classes of them."""

import base64
from typing import Any

from google.protobuf import duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import (
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

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


ORDER_INDEX = b"\2\2"  # one index: 1


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
