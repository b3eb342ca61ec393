"""Protobuf's well-known types, and those that schemas of Confluent and Google import.

For each: its file, which no registry has because every library does, and the value that a message
of it becomes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from google.protobuf import (
    any_pb2,
    api_pb2,
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    source_context_pb2,
    struct_pb2,
    timestamp_pb2,
    type_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from connectors.formats.semantic_types import MAX_SCALE, decimal_of
from connectors.records import exact_time
from connectors.records.exact_time import ExactTime

Read = Callable[[Any], Any]

_SECOND_NS = 1_000_000_000
_GOOGLE_FILES = {
    module.DESCRIPTOR.name: module.DESCRIPTOR
    for module in (
        any_pb2,
        api_pb2,
        descriptor_pb2,
        duration_pb2,
        empty_pb2,
        field_mask_pb2,
        source_context_pb2,
        struct_pb2,
        timestamp_pb2,
        type_pb2,
        wrappers_pb2,
    )
}
# File: its one message, with "type name" of the fields in the order of their numbers, and what it
# imports. [confluent-protobuf] [google-types]
_SMALL_FILES = {
    "confluent/meta.proto": ("confluent.Meta", "string doc", ()),
    "confluent/type/decimal.proto": (
        "confluent.type.Decimal",
        "bytes value, uint32 precision, int32 scale",
        (),
    ),
    "google/type/date.proto": ("google.type.Date", "int32 year, int32 month, int32 day", ()),
    "google/type/decimal.proto": ("google.type.Decimal", "string value", ()),
    "google/type/fraction.proto": (
        "google.type.Fraction",
        "int64 numerator, int64 denominator",
        (),
    ),
    "google/type/interval.proto": (
        "google.type.Interval",
        ".google.protobuf.Timestamp start_time, .google.protobuf.Timestamp end_time",
        ("google/protobuf/timestamp.proto",),
    ),
    "google/type/latlng.proto": ("google.type.LatLng", "double latitude, double longitude", ()),
    "google/type/localized_text.proto": (
        "google.type.LocalizedText",
        "string text, string language_code",
        (),
    ),
    "google/type/money.proto": (
        "google.type.Money",
        "string currency_code, int64 units, int32 nanos",
        (),
    ),
    "google/type/timeofday.proto": (
        "google.type.TimeOfDay",
        "int32 hours, int32 minutes, int32 seconds, int32 nanos",
        (),
    ),
}


def add_known(pool: DescriptorPool, name: str, added: set[str]) -> None:
    """Add a file by its name to the pool, with those that it imports, if it is known here."""
    if name in added:
        return
    file = FileDescriptorProto()
    if name in _GOOGLE_FILES:
        _GOOGLE_FILES[name].CopyToProto(file)
    elif name in _SMALL_FILES:
        _describe(file, name)
    else:
        return
    added.add(name)
    for imported in file.dependency:
        add_known(pool, imported, added)
    pool.Add(file)  # type: ignore[no-untyped-call]


def _describe(file: FileDescriptorProto, name: str) -> None:
    message, fields, imports = _SMALL_FILES[name]
    package, _, short = message.rpartition(".")
    file.name, file.package, file.syntax = name, package, "proto3"
    file.dependency.extend(imports)
    made = file.message_type.add(name=short)
    for number, text in enumerate(fields.split(", "), 1):
        field_type, field = text.split()
        one = made.field.add(name=field, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
        if field_type.startswith("."):
            one.type, one.type_name = FieldDescriptorProto.TYPE_MESSAGE, field_type
        else:
            one.type = FieldDescriptorProto.Type.Value(f"TYPE_{field_type.upper()}")


def _timestamp(message: Any) -> datetime | ExactTime:
    if not 0 <= message.nanos < _SECOND_NS:
        raise ValueError("no Timestamp")
    return exact_time.instant(message.seconds * _SECOND_NS + message.nanos)


def _duration(message: Any) -> Decimal:
    return Decimal(message.seconds) + Decimal(message.nanos).scaleb(-9)


def _date(message: Any) -> Any:
    """A date; if year, month or day is missing, as is allowed, an object of its fields."""
    if not message.year or not message.month or not message.day:
        return {"year": message.year, "month": message.month, "day": message.day}
    return date(message.year, message.month, message.day)


def _time_of_day(message: Any) -> Any:
    """A time of day; 24:00, which is allowed, becomes a duration of one day."""
    seconds = (message.hours * 60 + message.minutes) * 60 + message.seconds
    return exact_time.clock(seconds * _SECOND_NS + message.nanos)


def _decimal(message: Any) -> Decimal:
    if abs(message.scale) > MAX_SCALE:
        raise ValueError("no scale")
    return decimal_of(message.value, message.scale)


def _struct(message: Any) -> dict[str, Any]:
    return {name: _any_value(value) for name, value in message.fields.items()}


def _list(message: Any) -> list[Any]:
    return [_any_value(value) for value in message.values]


def _any_value(message: Any) -> Any:
    kind = message.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    found = getattr(message, kind)
    if kind == "struct_value":
        return _struct(found)
    return _list(found) if kind == "list_value" else found


def _wrapped(message: Any) -> Any:
    return message.value


_WRAPPERS = ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
WELL_KNOWN: dict[str, Read] = {
    "confluent.type.Decimal": _decimal,
    "google.type.Date": _date,
    "google.type.TimeOfDay": _time_of_day,
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.protobuf.Struct": _struct,
    "google.protobuf.ListValue": _list,
    "google.protobuf.Value": _any_value,
    "google.protobuf.FieldMask": lambda message: ",".join(message.paths),
    **{f"google.protobuf.{name}Value": _wrapped for name in _WRAPPERS},
}
"""By the message's full name: from a message to its value; raises ValueError and OverflowError."""
