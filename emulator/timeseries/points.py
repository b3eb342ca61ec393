"""Points and series keys: from the wire, checked, and as text.

Limits are those of the vendor's page "Limits on the TimeSeries model". A key or field that breaks
one refuses the whole request, as the official Java test expects.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from emulator import limits
from emulator.errors import broken, invalid
from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_stand_alone
from emulator.wire.flatbuffer import RawPoint

MEASUREMENT_BYTES = 128
SOURCE_BYTES = 256
TAGS_BYTES = 512
FIELDS = 1024
ROWS = 200
NAME_BYTES = 128
_FIELD = re.compile(rb"[a-z_][a-z0-9_]{0,127}")
_TAG_NAME = re.compile(r"[\x21\x23-\x3c\x3e-\x7e]+")  # printable ASCII but " and =
_RESERVED = frozenset(
    (b"_m_name", b"_data_source", b"_tags", b"_time", b"_meta_update_time", b"_attributes")
)
_PAIR = re.compile(r'"([^"=]+)=([^"=]*)"')


class SeriesKey(NamedTuple):
    """What identifies a series; tags are sorted by name."""

    measurement: str
    source: str
    tags: tuple[tuple[str, str], ...]


class Point(NamedTuple):
    """One row of a series: time in microseconds, fields as (name, wire value)."""

    key: SeriesKey
    time: int
    fields: dict[bytes, bytes]


def pairs_text(pairs: Iterable[tuple[str, str]]) -> str:
    """Return tags or attributes as text: ["k=v","k2=v2"]."""
    return "[" + ",".join(f'"{name}={value}"' for name, value in pairs) + "]"


def parse_pairs(text: str, what: str) -> tuple[tuple[str, str], ...]:
    """Return the pairs of such a text, sorted; raises 400 for another form."""
    if not text or text == "[]":
        return ()
    inner = text[1:-1]
    found = _PAIR.findall(inner)
    if not (text[0] == "[" and text[-1] == "]") or pairs_text(found)[1:-1] != inner:
        raise invalid(f"Invalid {what}: {text}.")
    return tuple(sorted(found))


def is_field_name(name: bytes) -> bool:
    """Return whether `name` may name a field or key column: lower case, 1..128 bytes."""
    return _FIELD.fullmatch(name) is not None


def _check_text(value: str, limit: int, what: str) -> None:
    if len(value.encode()) > limit:
        raise invalid(f"The length of {what} exceeds the limit: {limit}.")


def make_key(
    measurement: str,
    source: str,
    tags: str,
    tag_list: Iterable[tuple[str, str]],
    needs_measurement: bool,
) -> SeriesKey:
    """Return a checked key; tags come as text, as a list, or both."""
    if needs_measurement and not measurement:
        raise invalid("The measurement name is missing.")
    _check_text(measurement, MEASUREMENT_BYTES, "measurement name")
    if "#" in measurement or not all(c.isprintable() and not c.isspace() for c in measurement):
        raise invalid(f"Invalid measurement name: '{measurement}'.")
    _check_text(source, SOURCE_BYTES, "data source")
    pairs = dict(parse_pairs(tags, "tags"))
    for name, value in tag_list:
        if not _TAG_NAME.fullmatch(name):
            raise invalid(f"Invalid tag name: '{name}'.")
        if '"' in value or "=" in value:
            raise invalid(f"Invalid tag value of tag: '{name}'.")
        pairs[name] = value
    key = SeriesKey(measurement, source, tuple(sorted(pairs.items())))
    _check_text(pairs_text(key.tags), TAGS_BYTES, "tags")
    return key


def key_from_message(message: wire.TimeseriesKey, needs_measurement: bool) -> SeriesKey:
    """Return the checked key of a message."""
    pairs = [(tag.name, tag.value) for tag in message.tag_list]
    return make_key(message.measurement, message.source, message.tags, pairs, needs_measurement)


def key_message(key: SeriesKey) -> wire.TimeseriesKey:
    """Return a key as a message: tags as a list, as clients of version 1 read them."""
    return wire.TimeseriesKey(
        measurement=key.measurement,
        source=key.source,
        tag_list=[wire.TimeseriesTag(name=name, value=value) for name, value in key.tags],
    )


def from_flatbuffer(raw: RawPoint, needs_measurement: bool) -> Point:
    """Return the checked point of a FlatBuffers row."""
    try:
        pairs = [(name.decode(), value.decode()) for name, value in raw.tag_list]
        key = make_key(
            raw.measurement.decode(),
            raw.source.decode(),
            raw.tags.decode(),
            pairs,
            needs_measurement,
        )
    except UnicodeDecodeError:
        raise invalid("data format is invalid.") from None
    return _point(key, raw.time, raw.fields)


def from_message(row: wire.TimeseriesRow, needs_measurement: bool) -> Point:
    """Return the checked point of a protobuf row."""
    fields = [(field.name.encode(), _field_value(field)) for field in row.fields]
    return _point(key_from_message(row.key, needs_measurement), row.time, fields)


def _field_value(field: wire.TimeseriesField) -> bytes:
    if field.HasField("int_value"):
        return pb.wire_value(field.int_value)
    if field.HasField("string_value"):
        return pb.wire_value(field.string_value)
    if field.HasField("bool_value"):
        return pb.wire_value(field.bool_value)
    if field.HasField("double_value"):
        return pb.wire_value(field.double_value)
    if field.HasField("binary_value"):
        return pb.wire_value(field.binary_value)
    raise broken(f"attr has no value, name:{field.name}.")


def _point(key: SeriesKey, time: int, fields: list[tuple[bytes, bytes]]) -> Point:
    if time < 0:
        raise invalid(f"Invalid time: {time}. Reason: it must not be negative.")
    if not fields:
        raise invalid("Attribute column is missing.")
    if len(fields) > FIELDS:
        raise invalid(
            "The number of attribute columns exceeds the limit, limit count: "
            f"{FIELDS}, column count: {len(fields)}."
        )
    for name, value in fields:
        if not is_field_name(name) or name in _RESERVED:
            raise limits.column_name_error(name)
        decode_stand_alone(value)
        if len(value) - 5 > limits.CELL_VALUE_BYTES:
            raise limits.value_length_error(name, len(value) - 5)
    return Point(key, time, dict(fields))


def point_size(point: Point) -> int:
    """Return the bytes a point counts for: key, time and fields."""
    key = len(point.key.measurement.encode()) + len(point.key.source.encode())
    key += len(pairs_text(point.key.tags).encode()) + 8
    return key + sum(len(name) + pb.value_size(value) for name, value in point.fields.items())
